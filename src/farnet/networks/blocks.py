"""Building blocks shared by the modules of FARNet."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["ConcatFusion", "ConvNormAct", "ImageNorm2d", "PlainHead", "SumFusion", "concatenate", "upsample2"]


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

    Being linear, the pair equals one 3x3 convolution, which is what training computes: the same function of the same
    parameters and, at full resolution, several times less work. `farnet.networks.inference` folds it for good.

    Args:
        in_channels: Channels of the input, kept by the 3x3 convolution.
        landmarks: K, the number of heatmaps.
    """

    def __init__(self, in_channels: int, landmarks: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, in_channels, 3, padding=1),
            nn.Conv2d(in_channels, landmarks, 1),
        )

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight (K, in_channels, 3, 3) and bias (K,) of the one 3x3 convolution; gradients flow through."""
        wide, narrow = cast("nn.Conv2d", self[0]), cast("nn.Conv2d", self[1])
        assert wide.bias is not None and narrow.bias is not None
        mix = narrow.weight[:, :, 0, 0]
        kind = mix.device.type
        # In full precision even where the convolution is not: the product is rounded once, as any weight.
        exact = torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()
        with exact:
            return torch.einsum("om,mikl->oikl", mix, wide.weight), mix @ wide.bias + narrow.bias

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, K, H, W)."""
        if not self.training:
            two_steps: Tensor = self[1](self[0](x))
            return two_steps
        weight, bias = self.folded()
        return F.conv2d(x, weight, bias, padding=1)


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


class _Concatenate(torch.autograd.Function):
    """Concatenation whose gradients are dense tensors of the inputs' memory layout.

    Views into the gradient of the whole, which autograd would hand on, make the gradient of the up-sampling before it
    ten times slower on the CPU.
    """

    @staticmethod
    def forward(ctx: Any, *parts: Tensor) -> Tensor:
        ctx.channels = [part.shape[1] for part in parts]
        return torch.cat(parts, dim=1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        last = gradient.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if last else torch.contiguous_format
        parts = torch.split(gradient, ctx.channels, dim=1)
        return tuple(part.contiguous(memory_format=layout) for part in parts)


def concatenate(*parts: Tensor) -> Tensor:
    """Concatenate (B, C_i, H, W) along the channels, in the order given."""
    if not torch.is_grad_enabled():
        return torch.cat(parts, dim=1)
    dtype = parts[0].dtype
    for part in parts[1:]:
        dtype = torch.promote_types(dtype, part.dtype)
    joined: Tensor = _Concatenate.apply(*(part.to(dtype) for part in parts))
    return joined


class ConcatFusion(ConvNormAct):
    """Fuse two features of one size: their concatenation through `ConvNormAct` (the paper's MSFA).

    Args:
        first: Channels of the first feature.
        second: Channels of the second feature.
        out_channels: Channels of the output.
        kernel_size: 1 or 3.
    """

    def __init__(self, first: int, second: int, out_channels: int, kernel_size: int = 1) -> None:
        super().__init__(first + second, out_channels, kernel_size)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:  # type: ignore[override]
        """(B, first, H, W) and (B, second, H, W) -> (B, out_channels, H, W)."""
        return cast("Tensor", super().forward(concatenate(first, second)))  # type: ignore[no-untyped-call]


class SumFusion(nn.Module):
    """Fuse two features of one size: their sum through `ConvNormAct` (the paper's MSFA(+)).

    Of two features with unlike channels the second is brought to the channels of the first by a 1x1 convolution
    before they are added; how the paper does it is not known.

    Args:
        first: Channels of the first feature, and of the sum.
        second: Channels of the second feature.
        out_channels: Channels of the output.
        kernel_size: 1 or 3.
    """

    def __init__(self, first: int, second: int, out_channels: int, kernel_size: int = 1) -> None:
        super().__init__()
        self.lateral = nn.Identity() if first == second else nn.Conv2d(second, first, 1)
        self.fuse = ConvNormAct(first, out_channels, kernel_size)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """(B, first, H, W) and (B, second, H, W) -> (B, out_channels, H, W)."""
        fused: Tensor = self.fuse(first + self.lateral(second))
        return fused
