"""Where the network can run, and why not elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from farnet.errors import DeviceError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "DeviceChoice",
    "Precision",
    "arithmetic",
    "available_devices",
    "computing_with",
    "resolve_device",
    "resolve_precision",
]

Precision = Literal["auto", "float32", "bf16"]
"""How a network computes when it detects; see `resolve_precision`."""

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


def resolve_precision(precision: str, device: str) -> Literal["float32", "bf16"]:
    """The precision of that name on a device; "auto" is float32, which is the same everywhere.

    Args:
        precision: "auto", "float32", or "bf16": convolutions with 8 significant bits, which moves points a little and
            is quicker on hardware made for it.
        device: Name of a usable device.

    Raises:
        UnknownNameError: There is no such precision.
        DeviceError: The device has no arithmetic for bf16.
    """
    import torch

    if precision not in get_args(Precision):
        raise unknown_name("precision", precision, get_args(Precision))
    if precision != "bf16":
        return "float32"
    if device.startswith("cuda"):
        able = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = device == "cpu" and _cpu_has_bf16()
    if not able:
        raise DeviceError(f"device {device!r} has no arithmetic for bf16; use precision 'float32' or 'auto'")
    return "bf16"


def _cpu_has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 itself (AVX512-BF16, AMX) and PyTorch makes use of it."""
    import torch

    known = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return known is not None and bool(known()) and torch.backends.cpu.get_cpu_capability().startswith("AVX512")


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
