"""Compile a network for the device that it runs on: fewer and larger kernels, on GPUs replayed as CUDA graphs.

The work is PyTorch's (`torch.compile`). It takes a minute or so before the first result, for every size of a batch
anew, and needs a C++ compiler for the CPU or Triton for a GPU; so it is for long runs and never done unasked.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from farnet.errors import DeviceError
from farnet.networks.farnet import Heatmaps

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CompiledNetwork", "compile_training", "compiling_errors"]

_BACKEND = "inductor"


class CompiledNetwork(nn.Module):
    """A network compiled for detection.

    Batches are filled up to 1, 2, 4, 8, ... pictures, so that few sizes are compiled; what is added is taken off again.

    Args:
        network: Gives `Heatmaps` for (B, 3, H, W); it shares its weights with this one.
        device: Where it runs: on CUDA its kernels are recorded once and replayed together (CUDA graphs).
    """

    def __init__(self, network: nn.Module, device: str) -> None:
        super().__init__()
        self.network = network
        on_cuda = device.startswith("cuda") and _BACKEND == "inductor"
        self._run = torch.compile(network, dynamic=False, backend=_BACKEND, mode="reduce-overhead" if on_cuda else None)

    def forward(self, image: Tensor) -> Heatmaps:
        """As the network.

        Raises:
            DeviceError: It cannot be compiled here; the message says why.
        """
        count = len(image)
        filled = 1 << (count - 1).bit_length()
        if filled > count:
            image = torch.cat((image, image[-1:].expand(filled - count, *image.shape[1:])))
        with compiling_errors():
            found = cast("Heatmaps", self._run(image))
        # The next replay of a CUDA graph writes where this one did.
        return Heatmaps(*(maps[:count].clone() for maps in found))


def compile_training(network: nn.Module) -> None:
    """Compile a network in place, to be trained; a deep copy of it is plain again."""
    network.compile(dynamic=False, backend=_BACKEND)


@contextlib.contextmanager
def compiling_errors() -> Iterator[None]:
    """Say what to do where a network is compiled for the first time and that fails."""
    from torch._dynamo.exc import TorchDynamoException

    try:
        yield
    except TorchDynamoException as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        why = " ".join(lines[:2]) or type(error).__name__
        raise DeviceError(
            f"PyTorch cannot compile the network here: {why}. It needs a C++ compiler for the CPU, Triton for a "
            "GPU. Leave --compile out; the result is the same."
        ) from error
