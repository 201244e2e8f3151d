"""Building blocks shared by the modules of FARNet."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["ConvNormAct", "ImageNorm2d", "PlainHead", "upsample2"]


class ConvNormAct(nn.Sequential):
    """Convolution (with bias) -> batch normalisation -> ReLU, the unit of MSFA and of FR's image branch.

    The convolution keeps its bias although a normalisation follows, as in the authors' network.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: 1 or 3; padding keeps the size.
        stride: 1, or 2 to halve the height and width.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 1, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


class PlainHead(nn.Sequential):
    """3x3 convolution, then 1x1 convolution to K heatmaps, with nothing between or after them.

    Being linear, the pair equals one 3x3 convolution; `farnet.networks.inference` folds it.

    Args:
        in_channels: Channels of the input, kept by the 3x3 convolution.
        landmarks: K, the number of heatmaps.
    """

    def __init__(self, in_channels: int, landmarks: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, in_channels, 3, padding=1),
            nn.Conv2d(in_channels, landmarks, 1),
        )


class ImageNorm2d(nn.Module):
    """Affine normalisation of every image by its own statistics: what training at batch size 1 does.

    Holds the scale and shift of a trained batch normalisation and no running statistics, so that the result
    for one image depends neither on the batch that it is in nor on what was seen before.

    Args:
        norm: The batch normalisation whose affine parameters and epsilon are taken over (shared, not copied).
    """

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.weight = norm.weight
        self.bias = norm.bias
        self.eps = norm.eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W) over (H, W) of each image and channel."""
        return F.instance_norm(x, None, None, self.weight, self.bias, True, 0.0, self.eps)


def upsample2(x: Tensor) -> Tensor:
    """Double height and width, bilinear, pixel centres kept (``align_corners=False``)."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def concatenate(*parts: Tensor) -> Tensor:
    """Concatenate (B, C_i, H, W) along the channels, in the order given."""
    return torch.cat(parts, dim=1)
