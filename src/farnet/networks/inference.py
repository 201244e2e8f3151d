"""The same network in a faster form for detection.

Four identities, exact up to rounding (paper's network at 800 x 640: 155.9 -> 100 GMAC):

* a head's 3x3 and 1x1 convolution, with nothing between them, are one 3x3 convolution;
* a 1x1 convolution of a bilinear up-sampling is the up-sampling of the convolution, so the coarse share of every fusion
  is convolved before it is up-sampled, and nothing is concatenated;
* a 3x3 convolution of a bilinear up-sampling is, for each of the four places that a fine pixel has in its coarse one,
  another 3x3 convolution of the coarse feature: the fine head works at half the resolution, without the feature at
  full resolution;
* a batch normalisation with running statistics is part of the convolution before it.

The variants of the paper's ablation are not rearranged: their heads and normalisations are folded, and that is all.
"""

from __future__ import annotations

import copy
from typing import cast

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from farnet.networks.blocks import ConvNormAct, PlainHead, upsample2
from farnet.networks.farnet import FARNet, Heatmaps, use_image_statistics
from farnet.networks.msfa import Aggregation
from farnet.networks.refinement import Refinement

__all__ = ["FastFARNet", "FoldedFARNet", "fold_head", "optimise"]


def optimise(network: FARNet) -> FastFARNet | FoldedFARNet:
    """Make the fast form of a trained network.

    Args:
        network: The network; it is not changed, and the result shares no weights with it.

    Returns:
        A module with the same heatmaps in evaluation mode (of the normalisation that ``network.config.norm`` names),
        without gradients, in channels-last layout.
    """
    plain = copy.deepcopy(network).eval().requires_grad_(False)
    if network.config.norm == "image":
        use_image_statistics(plain)
    papers = network.config.aggregation == "msfa" and network.config.refinement == "full"
    fast = (FastFARNet(plain) if papers else FoldedFARNet(plain)).eval().requires_grad_(False)
    return fast.to(memory_format=torch.channels_last)


def fold_head(head: PlainHead) -> nn.Conv2d:
    """The one 3x3 convolution that equals a head's 3x3 and 1x1 convolution."""
    wide, narrow = cast("nn.Conv2d", head[0]), cast("nn.Conv2d", head[1])
    folded = nn.Conv2d(wide.in_channels, narrow.out_channels, 3, padding=1)
    with torch.no_grad():
        weight, bias = copy.deepcopy(head).double().folded()
        folded.weight.copy_(weight)
        assert folded.bias is not None
        folded.bias.copy_(bias)
    return folded


def _split_input(conv: nn.Conv2d, sizes: list[int]) -> list[nn.Conv2d]:
    """Convolutions of parts of the input channels that sum to `conv`; the last one has the bias."""
    assert conv.bias is not None
    stride, padding = (1, 1), (conv.kernel_size[0] // 2, conv.kernel_size[1] // 2)
    weights = torch.split(conv.weight, sizes, dim=1)
    parts = []
    for weight in weights:
        part = nn.Conv2d(
            weight.shape[1], conv.out_channels, (weight.shape[2], weight.shape[3]), stride, padding, bias=False
        )
        part.weight = nn.Parameter(weight.detach().clone())
        parts.append(part)
    parts[-1].bias = nn.Parameter(conv.bias.detach().clone())
    return parts


def _folded(block: ConvNormAct) -> tuple[nn.Conv2d, nn.Module]:
    """The convolution of a block with its normalisation inside it where that is possible, and what is left of it."""
    conv, norm = cast("nn.Conv2d", block[0]), block[1]
    if isinstance(norm, nn.BatchNorm2d):
        return fuse_conv_bn_eval(conv, norm), nn.Identity()
    return conv, norm


class _Block(nn.Module):
    """`ConvNormAct` with the normalisation folded."""

    def __init__(self, block: ConvNormAct) -> None:
        super().__init__()
        self.conv, self.norm = _folded(block)

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", self.norm(self.conv(x))).relu_()


class _Fusion(nn.Module):
    """`ConvNormAct` of [first, second] without concatenation; a coarser `first` is up-sampled after its share."""

    def __init__(self, block: ConvNormAct, first_channels: int, *, up: bool) -> None:
        super().__init__()
        conv, self.norm = _folded(block)
        self.first, self.second = _split_input(conv, [first_channels, conv.in_channels - first_channels])
        self.up = up

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        x = self.second(second)
        share = self.first(first)
        x += upsample2(share) if self.up else share
        return cast("Tensor", self.norm(x)).relu_()


class _UpsampledConv(nn.Module):
    """A 3x3 convolution, without bias and with zeros beyond the border, of the twice up-sampled input.

    Fine pixel 2i + a (a = 0, 1) reads the up-sampled 2i + a - 1 .. 2i + a + 1, which are mixtures of the coarse pixels
    i - 1, i, i + 1; `_PHASES` has the shares. Beyond the border up-sampling continues the last coarse pixel, of which
    the convolution sees zeros instead, so that its share is taken off again along the border.
    """

    weight: Tensor
    border: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        weight = weight.detach()
        phases = torch.tensor(_PHASES, dtype=torch.float64)
        fine = torch.einsum("octu,ats,bur->oabcsr", weight.double(), phases, phases)
        self.register_buffer("weight", fine.flatten(0, 2).to(weight.dtype))
        self.register_buffer("border", weight.clone())

    def forward(self, x: Tensor) -> Tensor:
        continued = F.pad(x, (1, 1, 1, 1), mode="replicate")
        out = F.pixel_shuffle(F.conv2d(continued, self.weight), 2)
        w = self.border
        for side in (0, 2):  # the kernel's first and last row and column
            edge = -1 if side else 0
            row = F.pad(_upsampled_line(x[..., edge, :]), (1, 1), mode="replicate")
            out[..., edge, :] -= F.conv1d(row, w[:, :, side])
            column = _upsampled_line(x[..., edge])
            out[..., edge] -= F.conv1d(column, w[..., side], padding=1)
        return out


_PHASES = (
    ((0.75, 0.25, 0.0), (0.25, 0.75, 0.0), (0.0, 0.75, 0.25)),
    ((0.25, 0.75, 0.0), (0.0, 0.75, 0.25), (0.0, 0.25, 0.75)),
)
"""Shares of the coarse pixels i - 1, i, i + 1 in the fine ones that an even (odd) fine pixel's kernel sees."""


def _upsampled_line(x: Tensor) -> Tensor:
    """`upsample2` of (B, C, n) along its one axis."""
    return F.interpolate(x.contiguous(), scale_factor=2.0, mode="linear", align_corners=False)


class FastFARNet(nn.Module):
    """FARNet rearranged for detection; made by `optimise`."""

    def __init__(self, network: FARNet) -> None:
        super().__init__()
        self.config = network.config
        self.stride = network.stride
        self.has_level0 = network.backbone.level0_channels is not None
        self.trunk = _fold_trunk(network.backbone.trunk)
        msfa, fr, head = network.aggregation, network.refinement, network.coarse_head
        assert isinstance(msfa, Aggregation) and isinstance(fr, Refinement) and head is not None
        b = network.config.width
        self.up1_top = _Block(msfa.up1_top)
        self.up1 = nn.ModuleList([_Block(cast("ConvNormAct", msfa.up1[0]))])
        self.up1.extend(_Fusion(cast("ConvNormAct", m), b, up=True) for m in msfa.up1[1:])
        self.down = nn.ModuleList(_Block(cast("ConvNormAct", m)) for m in msfa.down)
        self.down_fuse = nn.ModuleList(
            _Fusion(cast("ConvNormAct", m), cast("nn.Conv2d", cast("ConvNormAct", m)[0]).in_channels - b, up=False)
            for m in msfa.down_fuse
        )
        self.up2 = nn.ModuleList([_Block(cast("ConvNormAct", msfa.up2[0]))])
        self.up2.extend(_Fusion(cast("ConvNormAct", m), b, up=True) for m in msfa.up2[1:-1])
        before_last = cast("nn.Conv2d", cast("ConvNormAct", msfa.up2[-2])[0]).out_channels
        self.up2.append(_Fusion(cast("ConvNormAct", msfa.up2[-1]), before_last, up=True))
        self.coarse_head = fold_head(head)
        self.image = None if fr.image is None else _Block(fr.image)
        fine = fold_head(fr.head)
        features = msfa.out_channels
        sizes = [features, fine.in_channels - features - network.config.landmarks, network.config.landmarks]
        aggregated, self.fine_image, coarse = _split_input(fine, sizes)
        self.fine_image.bias = coarse.bias
        self.fine_coarser = _UpsampledConv(torch.cat((aggregated.weight, coarse.weight), dim=1))

    def forward(self, image: Tensor) -> Heatmaps:
        """As `FARNet.forward`, without gradients."""
        image = image.contiguous(memory_format=torch.channels_last)
        features = self.trunk(image)
        if self.has_level0:
            shallow, levels = features[0], features[1:]
        else:
            shallow, levels = image, features
        del features
        aggregated = self._aggregate(levels)
        del levels
        coarse = self.coarse_head(aggregated)
        # The shares of the fine head one after the other: no 115-channel concatenation at full resolution.
        fine = self.fine_coarser(torch.cat((aggregated, coarse), dim=1))
        del aggregated
        fine += self.fine_image(shallow if self.image is None else self.image(shallow))
        return Heatmaps(fine, coarse)

    def _aggregate(self, levels: list[Tensor]) -> Tensor:
        n = len(levels)
        x = self.up1[0](self.up1_top(levels[-1]))
        up1 = [x]
        for i in range(1, n - 1):
            x = self.up1[i](x, levels[n - 1 - i])
            up1.append(x)
        down = [x]
        for i in range(n - 2):
            x = self.down_fuse[i](self.down[i](x), up1[n - 3 - i])
            down.append(x)
        del up1
        x = self.up2[0](x)
        for i in range(1, n - 1):
            x = self.up2[i](x, down[n - 2 - i])
        aggregated: Tensor = self.up2[n - 1](x, levels[0])
        return aggregated


class FoldedFARNet(nn.Module):
    """A variant of FARNet with its heads and normalisations folded; made by `optimise`."""

    def __init__(self, network: FARNet) -> None:
        super().__init__()
        self.config = network.config
        self.stride = network.stride
        network.backbone.trunk = _fold_trunk(network.backbone.trunk)
        for module in list(network.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, PlainHead):
                    setattr(module, name, fold_head(child))
            if isinstance(module, ConvNormAct):
                module[0], module[1] = _folded(module)
        self.network = network

    def forward(self, image: Tensor) -> Heatmaps:
        """As `FARNet.forward`, without gradients."""
        return cast("Heatmaps", self.network(image.contiguous(memory_format=torch.channels_last)))


class _Tracer(fx.Tracer):
    """Looks into everything but convolutions, of whichever subclass."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, nn.Conv2d) or super().is_leaf_module(m, module_qualified_name)


def _fold_trunk(trunk: nn.Module) -> nn.Module:
    """Fold every batch normalisation that follows a convolution and nothing else reads.

    A trunk that cannot be traced is returned as it is: slower, but the same.
    """
    try:
        graph = _Tracer().trace(trunk)
    except (fx.proxy.TraceError, TypeError, RuntimeError):
        return trunk
    modules = dict(trunk.named_modules())
    for node in list(graph.nodes):
        if node.op != "call_module" or not isinstance(modules[node.target], nn.BatchNorm2d):
            continue
        before = node.args[0]
        if before.op != "call_module" or len(before.users) > 1 or not isinstance(modules[before.target], nn.Conv2d):
            continue
        conv, norm = modules[before.target], modules[node.target]
        _replace(trunk, before.target, fuse_conv_bn_eval(cast("nn.Conv2d", conv), cast("nn.BatchNorm2d", norm)))
        node.replace_all_uses_with(before)
        graph.erase_node(node)
    return fx.GraphModule(trunk, graph)


def _replace(root: nn.Module, target: str, module: nn.Module) -> None:
    parent, _, name = target.rpartition(".")
    setattr(root.get_submodule(parent), name, module)
