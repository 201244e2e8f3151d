"""A network on its device: what runs it in 32 or 16 bit, compiled or not, and gives its memory back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from farnet.averaging import AveragedHeatmaps
from farnet.errors import DeviceError
from farnet.inputs import normalise
from farnet.networks.inference import optimise

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from farnet.modelfile import ModelMetadata
    from farnet.networks.farnet import FARNet

__all__ = ["NetworkRunner"]


class NetworkRunner:
    """The network of a detector.

    Args:
        network: As trained; a faster form of it is run.
        metadata: Of its model.
        device: "cpu", "cuda", "cuda:1", "mps".
        precision: "float32" or "bf16".

    Attributes:
        network: What is run; None once it was closed.
        compiled: Whether it is compiled before it runs.

    Raises:
        DeviceError: The memory of the device is too small.
    """

    def __init__(
        self, network: FARNet, metadata: ModelMetadata, device: str, precision: Literal["float32", "bf16"]
    ) -> None:
        self.metadata, self.device, self.precision = metadata, device, precision
        self.compiled = False
        self.network: torch.nn.Module | None
        try:
            self.network = optimise(network).to(device)
        except torch.OutOfMemoryError as error:
            raise self.out_of_memory() from error

    def check_open(self) -> None:
        """Refuse to go on after `close`.

        Raises:
            DeviceError: It was closed.
        """
        if self.network is None:
            raise DeviceError("this detector was closed; make a new one")

    def compile(self) -> None:
        """Compile the network at its first picture (`farnet.networks.compiling`)."""
        from farnet.networks.compiling import CompiledNetwork

        self.check_open()
        if not self.compiled and self.network is not None:
            self.network, self.compiled = CompiledNetwork(self.network, self.device), True

    def close(self) -> None:
        """Give the memory back."""
        self.network = None
        self.release()

    def release(self) -> None:
        """Give back what a GPU keeps for the next picture."""
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def looks(self, grey: NDArray[np.float32]) -> AveragedHeatmaps:
        """A picture (h, w) as the network wants it, or several (B, h, w), ready to be looked at."""
        look = self._one_look if grey.ndim == 2 else self._fine
        return AveragedHeatmaps(look, torch.from_numpy(grey).to(self.device))

    def take(self, looks: AveragedHeatmaps, shifts: Sequence[tuple[int, int]]) -> Tensor:
        """Look at each shift, and give the fine heatmaps, float32, averaged over all looks so far.

        Returns:
            (K, h, w) of one picture, (B, K, h, w) of several, where decoding can be done.
        """
        with torch.inference_mode():
            maps = looks.look(shifts).mean()
            return maps.cpu() if self.device == "mps" else maps  # decoding needs float64, which mps lacks

    def out_of_memory(self) -> DeviceError:
        """What is to be raised where the memory was too small, after what can be was given back."""
        self.release()
        height, width = self.metadata.input.shape
        return DeviceError(
            f"{self.device} has too little free memory for {self.metadata.name} at {height} x {width}; close what else "
            "uses it, or use device 'cpu'"
        )

    def _one_look(self, grey: Tensor) -> Tensor:
        return self._fine(grey[None])[0]

    def _fine(self, greys: Tensor) -> Tensor:
        """(B, h, w) -> (B, K, h, w) float32."""
        assert self.network is not None
        if self.precision == "float32":
            fine: Tensor = self.network(normalise(greys)).fine
        else:
            with torch.autocast(self.device.partition(":")[0], torch.bfloat16):
                fine = self.network(normalise(greys)).fine
        return fine.float()
