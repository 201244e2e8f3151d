"""Multi-scale feature aggregation (MSFA): up, down and up again over the backbone's levels (paper, section 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from farnet.errors import InvalidInputError
from farnet.networks.blocks import ConcatFusion, ConvNormAct, SumFusion, upsample2

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Aggregation"]


class Aggregation(nn.Module):
    """Aggregate the levels L1..Ln (strides 2..2^n) into one feature at stride 2.

    With ``width`` b = 256 and five levels this is the paper's module for DenseNet-121:

    * up path 1: the coarsest level through 3x3 (2b), then 1x1 to b, and per finer level down to L2 a 1x1 fusion
      of [twice up-sampled, backbone level] to b;
    * down path: from L2, per coarser level a 3x3 of stride 2 to (2b, 4b, 8b, ...) and a fusion with the same level
      of up path 1 (1x1 to the same channels; at the coarsest level 3x3 to half of them);
    * up path 2: 1x1 to b at the coarsest level, then fusions [up-sampled, down path] of b channels, b/2 at L2 and
      [up-sampled, backbone] b/4 at L1.

    For other numbers of levels, about which the paper says nothing, the same rule gives the channels.

    Args:
        channels: Channels of the backbone's levels L1..Ln, n >= 3.
        width: b.
        finest: Least channels of the last two fusions of up path 2, instead of b/2 and b/4 where those are fewer. The
            heads are linear, so that fewer channels than landmarks would make some heatmaps mixtures of the others.
        fusion: How two features become one: by concatenation, or by addition (the paper's MSFA(+)).

    Attributes:
        out_channels: b / 4, or `finest`.
    """

    def __init__(
        self,
        channels: Sequence[int],
        width: int,
        finest: int = 0,
        fusion: type[ConcatFusion] | type[SumFusion] = ConcatFusion,
    ) -> None:
        super().__init__()
        b = width
        n = len(channels)
        if n < 3:
            raise InvalidInputError(f"{n} levels, but MSFA needs 3 or more")
        self.levels = n
        half, quarter = max(b // 2, finest), max(b // 4, finest)
        self.out_channels = quarter
        coarsest = channels[-1]
        # up path 1: index 0 is the coarsest level
        self.up1_top = ConvNormAct(coarsest, 2 * b, 3)
        self.up1 = nn.ModuleList([ConvNormAct(2 * b, b)])
        self.up1.extend(fusion(b, channels[level], b) for level in range(n - 2, 0, -1))
        # down path: index 0 goes from L2 to L3
        self.down = nn.ModuleList()
        self.down_fuse = nn.ModuleList()
        before = b
        out: list[int] = [b]
        for i in range(n - 2):
            wide = 2 * b * 2**i
            last = i == n - 3
            fused = wide // 2 if last else wide
            self.down.append(ConvNormAct(before, wide, 3, stride=2))
            self.down_fuse.append(fusion(wide, b, fused, 3 if last else 1))
            out.append(fused)
            before = fused
        # up path 2
        self.up2 = nn.ModuleList([ConvNormAct(out[-1], b)])
        self.up2.extend(fusion(b, out[i], b if i else half) for i in range(n - 3, -1, -1))
        self.up2.append(fusion(half, channels[0], quarter))

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """L1..Ln, finest first, each (B, C_i, H / 2^i, W / 2^i) -> (B, b/4, H/2, W/2)."""
        n = self.levels
        x = self.up1[0](self.up1_top(levels[-1]))
        up1 = [x]
        for i in range(1, n - 1):
            x = self.up1[i](upsample2(x), levels[n - 1 - i])
            up1.append(x)
        down = [x]
        for i in range(n - 2):
            x = self.down_fuse[i](self.down[i](x), up1[n - 3 - i])
            down.append(x)
        x = self.up2[0](x)
        for i in range(1, n - 1):
            x = self.up2[i](upsample2(x), down[n - 2 - i])
        aggregated: Tensor = self.up2[n - 1](upsample2(x), levels[0])
        return aggregated
