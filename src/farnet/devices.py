"""Where the network can run, and why not elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farnet.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DeviceChoice", "arithmetic", "available_devices", "computing_with", "resolve_device"]

_MOST_THREADS = 1024  # of a CPU; a record that says more is damaged


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """One place to compute.

    Attributes:
        name: As torch names it: "cpu", "cuda", "cuda:1", "mps".
        usable: Whether the network can run there.
        reason: For people: which hardware it is, or what is missing.
    """

    name: str
    usable: bool
    reason: str


def available_devices() -> list[DeviceChoice]:
    """All kinds of device, the fastest usable one first, unusable ones last, each with its reason."""
    import torch

    choices = []
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(i)
            name = "cuda" if i == 0 else f"cuda:{i}"
            choices.append(DeviceChoice(name, True, f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"))
    else:
        choices.append(DeviceChoice("cuda", False, _why_no_cuda()))
    if torch.backends.mps.is_available():
        choices.append(DeviceChoice("mps", True, "Apple GPU"))
    else:
        built = torch.backends.mps.is_built()
        choices.append(
            DeviceChoice("mps", False, "needs macOS 12.3 and an Apple GPU" if built else "only on Apple computers")
        )
    choices.append(DeviceChoice("cpu", True, f"{torch.get_num_threads()} threads"))
    return sorted(choices, key=lambda choice: not choice.usable)


def resolve_device(name: str = "auto") -> DeviceChoice:
    """The device of that name, or for "auto" the fastest usable one.

    Raises:
        DeviceError: There is no such device, or it cannot be used here; the message says why.
    """
    choices = available_devices()
    if name == "auto":
        return choices[0]
    wanted = "cuda" if name == "cuda:0" else name
    for choice in choices:
        if choice.name == wanted:
            if not choice.usable:
                raise DeviceError(f"device {name!r} cannot be used: {choice.reason}; use 'cpu' or 'auto'")
            return choice
    raise DeviceError(
        f"there is no device {name!r}; usable here: {', '.join(['auto', *(c.name for c in choices if c.usable)])}"
    )


def arithmetic(device: str) -> dict[str, int | str]:
    """What the last digits of a result depend on besides the program: to be kept with the result.

    Args:
        device: Name of a usable device.

    Returns:
        "hardware": instruction set of the CPU or name of the GPU; "threads": those of the CPU, which share the sums
        out; "precision": "float32", or "tf32" where the GPU's convolutions may round their factors to 10 bits.
    """
    import torch

    threads = torch.get_num_threads()
    if not device.startswith("cuda"):
        hardware = "Apple GPU" if device == "mps" else torch.backends.cpu.get_cpu_capability()
        return {"hardware": hardware, "threads": threads, "precision": "float32"}
    precision = "tf32" if torch.backends.cudnn.allow_tf32 else "float32"
    return {"hardware": torch.cuda.get_device_name(device), "threads": threads, "precision": precision}


@contextmanager
def computing_with(*, threads: object = None, precision: object = None) -> Iterator[None]:
    """Compute as `arithmetic` says that it was done, in the block; a value that cannot be is passed over.

    Args:
        threads: Of the CPU.
        precision: "float32" or "tf32".
    """
    import torch

    before = torch.get_num_threads(), torch.backends.cudnn.allow_tf32
    try:
        if isinstance(threads, int) and 1 <= threads <= _MOST_THREADS:
            torch.set_num_threads(threads)
        if precision in ("float32", "tf32"):
            torch.backends.cudnn.allow_tf32 = precision == "tf32"
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def _why_no_cuda() -> str:
    import torch

    if torch.version.cuda is None:
        return "this PyTorch was built without CUDA"
    return "no NVIDIA GPU with a working driver"
