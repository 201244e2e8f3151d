"""What the paper compares its feature aggregation with: the decoders of U-Net and of the feature pyramid network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from farnet.errors import InvalidInputError
from farnet.networks.blocks import ConcatFusion, ConvNormAct, SumFusion, upsample2
from farnet.networks.msfa import Aggregation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farnet.networks.config import NetworkConfig

__all__ = ["FPNDecoder", "UNetDecoder", "build_aggregation"]


class UNetDecoder(nn.Module):
    """Up through the levels, each concatenated and convolved twice (Ronneberger, Fischer and Brox 2015).

    The coarsest level through two 3x3 convolutions to b channels; then, per finer level down to L1, two 3x3
    convolutions of [twice up-sampled, backbone level], to b channels, b/2 at L2 and b/4 at L1. These are the channels
    of the last path of MSFA, so that heads and refinement are the same; those of the paper's U-Net are not known.

    Args:
        channels: Channels of the backbone's levels L1..Ln, n >= 3.
        width: b.
        finest: Least channels at L2 and L1, as in `farnet.networks.msfa.Aggregation`.

    Attributes:
        out_channels: b / 4, or `finest`.
    """

    def __init__(self, channels: Sequence[int], width: int, finest: int = 0) -> None:
        super().__init__()
        _check_levels(channels, "a U-Net")
        self.out_channels = max(width // 4, finest)
        self.top = nn.Sequential(ConvNormAct(channels[-1], width, 3), ConvNormAct(width, width, 3))
        self.fuse, self.smooth = nn.ModuleList(), nn.ModuleList()
        before = width
        for level in range(len(channels) - 2, -1, -1):
            out = {0: self.out_channels, 1: max(width // 2, finest)}.get(level, width)
            self.fuse.append(ConcatFusion(before, channels[level], out, 3))
            self.smooth.append(ConvNormAct(out, out, 3))
            before = out

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """L1..Ln, finest first, each (B, C_i, H / 2^i, W / 2^i) -> (B, b/4, H/2, W/2)."""
        x: Tensor = self.top(levels[-1])
        for fuse, smooth, level in zip(self.fuse, self.smooth, reversed(levels[:-1]), strict=True):
            x = smooth(fuse(upsample2(x), level))
        return x


class FPNDecoder(nn.Module):
    """Sums of the levels, brought to one width, from the coarsest to the finest (Lin et al. 2017).

    A 1x1 convolution brings every level to b channels; each is added to the twice up-sampled sum above it, and a 3x3
    convolution smooths the finest sum to b/4 channels, where MSFA ends too. Sums are bilinear here, as everywhere in
    this network. The original stops at L2; landmarks need L1.

    Args:
        channels: Channels of the backbone's levels L1..Ln, n >= 3.
        width: b.
        finest: Least channels of the output, as in `farnet.networks.msfa.Aggregation`.

    Attributes:
        out_channels: b / 4, or `finest`.
    """

    def __init__(self, channels: Sequence[int], width: int, finest: int = 0) -> None:
        super().__init__()
        _check_levels(channels, "a feature pyramid")
        self.out_channels = max(width // 4, finest)
        self.lateral = nn.ModuleList(nn.Conv2d(count, width, 1) for count in channels)
        self.smooth = ConvNormAct(width, self.out_channels, 3)

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """L1..Ln, finest first, each (B, C_i, H / 2^i, W / 2^i) -> (B, b/4, H/2, W/2)."""
        x: Tensor = self.lateral[-1](levels[-1])
        for lateral, level in zip(reversed(self.lateral[:-1]), reversed(levels[:-1]), strict=True):
            x = upsample2(x) + lateral(level)
        smooth: Tensor = self.smooth(x)
        return smooth


def build_aggregation(config: NetworkConfig, channels: Sequence[int]) -> Aggregation | UNetDecoder | FPNDecoder:
    """Make what turns the levels of a backbone, of these channels, into one feature at stride 2.

    Raises:
        InvalidInputError: The backbone has fewer than three levels.
    """
    if config.aggregation == "unet":
        return UNetDecoder(channels, config.width, config.finest)
    if config.aggregation == "fpn":
        return FPNDecoder(channels, config.width, config.finest)
    fusion = SumFusion if config.aggregation == "msfa_plus" else ConcatFusion
    return Aggregation(channels, config.width, config.finest, fusion)


def _check_levels(channels: Sequence[int], what: str) -> None:
    if len(channels) < 3:
        raise InvalidInputError(f"{len(channels)} levels, but {what} needs 3 or more")
