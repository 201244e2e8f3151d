"""From a radiograph to the tensor that a network takes: frame, grey values, three normalised channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from farnet.frame import FitMode, Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "InputConfig", "network_input", "normalise"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class InputConfig(BaseModel):
    """How radiographs become network input; the defaults are the paper's 800 x 640."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    height: int = Field(default=800, ge=64, le=4096, multiple_of=32, description="rows of the network's input")
    width: int = Field(default=640, ge=64, le=4096, multiple_of=32, description="columns of the network's input")
    fit: FitMode = Field(default="stretch", description="'stretch' to the input (paper) or 'letterbox'")
    intensity: Literal["range", "percentiles"] = Field(
        default="range",
        description="grey values to 0..1 by the 'range' of the bits that they use (255, 4095, 65535, ...), or by "
        "'percentiles' of the radiograph",
    )
    low: float = Field(default=0.5, ge=0.0, lt=50.0, description="percentile that becomes 0")
    high: float = Field(default=99.5, gt=50.0, le=100.0, description="percentile that becomes 1")

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    def frame(self, image_shape: tuple[int, int]) -> Frame:
        """The frame of a whole radiograph of this shape."""
        return Frame.fit(image_shape, self.shape, self.fit)


def network_input(pixels: NDArray[np.generic], frame: Frame, config: InputConfig) -> NDArray[np.float32]:
    """Resample and scale the grey values.

    Args:
        pixels: (H, W) of the radiograph, bone bright.
        frame: Where it lies in the input.
        config: What the grey values become.

    Returns:
        (h, w) float32 in [0, 1]; 0 outside the radiograph.
    """
    grey = frame.resample(pixels)
    inside = np.isfinite(grey)
    if config.intensity == "percentiles":
        low, high = np.percentile(grey[inside], (config.low, config.high)) if inside.any() else (0.0, 1.0)
    elif pixels.dtype.kind in "iu":
        # Detectors of 10 to 14 bits are stored in 16, whose full range would leave them black.
        low, high = 0.0, 2.0 ** max(8, int(pixels.max()).bit_length()) - 1.0
    else:
        low, high = (float(grey[inside].min()), float(grey[inside].max())) if inside.any() else (0.0, 1.0)
    scaled = np.clip((grey - np.float32(low)) / np.float32(max(high - low, 1e-6)), 0.0, 1.0)
    return np.where(inside, scaled, np.float32(0.0)).astype(np.float32, copy=False)


def normalise(grey: Tensor) -> Tensor:
    """(..., h, w) in [0, 1] -> (..., 3, h, w), each channel with ImageNet's mean and standard deviation."""
    import torch

    mean = torch.tensor(IMAGENET_MEAN, dtype=grey.dtype, device=grey.device)[:, None, None]
    std = torch.tensor(IMAGENET_STD, dtype=grey.dtype, device=grey.device)[:, None, None]
    return (grey.unsqueeze(-3) - mean) / std
