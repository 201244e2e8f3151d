"""EfficientNet-Lite0: EfficientNet without squeeze-and-excitation and with ReLU6, light on CPUs.

Written from the published description (Tan & Le 2019, "EfficientNet"; the Lite variant drops
squeeze-and-excitation, uses ReLU6 and keeps stem and head at their base width). Padding is symmetric.
Parameters are registered in the order in which the network runs, so that a state dict of the reference
implementation, whose tensors have that order and these shapes, loads one to one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["STAGES", "EfficientNetLite0", "load_ordered_weights"]

STAGES: tuple[tuple[int, int, int, int, int], ...] = (
    # expansion, kernel, stride, channels, blocks
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
"""The seven stages, as in EfficientNet-B0."""

_EPS, _MOMENTUM = 1e-3, 0.01


class _DepthwiseConv2d(nn.Conv2d):
    """A depthwise convolution that computes in float32 under bfloat16 autocast on the CPU.

    Its bfloat16 gradient kernel there is two to six times slower than the float32 one. What it hands on is in 16 bit as
    from any convolution under autocast, which halves what normalisation and activation keep for the gradient.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            with torch.autocast("cpu", enabled=False):
                return super().forward(x.float()).to(torch.get_autocast_dtype("cpu"))
        return super().forward(x)


def _conv_norm(
    in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1, *, act: bool
) -> list[nn.Module]:
    convolution = nn.Conv2d if groups == 1 else _DepthwiseConv2d
    layers: list[nn.Module] = [
        convolution(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels, eps=_EPS, momentum=_MOMENTUM),
    ]
    return [*layers, nn.ReLU6(inplace=True)] if act else layers


class _InvertedResidual(nn.Module):
    """Expand 1x1 -> depthwise -> project 1x1, with a shortcut where the shape allows one."""

    def __init__(self, expansion: int, kernel: int, stride: int, in_channels: int, out_channels: int) -> None:
        super().__init__()
        width = in_channels * expansion
        layers = _conv_norm(in_channels, width, 1, act=True) if expansion != 1 else []
        layers += _conv_norm(width, width, kernel, stride, groups=width, act=True)
        layers += _conv_norm(width, out_channels, 1, act=False)
        self.layers = nn.Sequential(*layers)
        self.shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.shortcut else y


class EfficientNetLite0(nn.Module):
    """The convolutional trunk of EfficientNet-Lite0, returning the last feature of every stride.

    Feature channels are (16, 24, 40, 112, 320) at strides (2, 4, 8, 16, 32). 2.96 M parameters.
    """

    channels = (16, 24, 40, 112, 320)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_conv_norm(3, 32, 3, 2, act=True))
        stages = []
        in_channels = 32
        for expansion, kernel, stride, out_channels, blocks in STAGES:
            stage = []
            for block in range(blocks):
                stage.append(
                    _InvertedResidual(expansion, kernel, stride if block == 0 else 1, in_channels, out_channels)
                )
                in_channels = out_channels
            stages.append(nn.Sequential(*stage))
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, 3, H, W) -> five features, finest first."""
        x = self.stem(x)
        features = []
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i in (0, 1, 2, 4, 6):
                features.append(x)
        return features


def load_ordered_weights(trunk: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy a state dict into `trunk` by position, checking every shape.

    Tensors past the trunk's own (the classification head) are ignored.

    Args:
        trunk: The module to fill.
        weights: Tensors in the order in which the network uses them.

    Raises:
        ValueError: A tensor is missing or has another shape than its place wants.
    """
    own = {k: v for k, v in trunk.state_dict().items() if not k.endswith("num_batches_tracked")}
    given = [(k, v) for k, v in weights.items() if not k.endswith("num_batches_tracked")]
    if len(given) < len(own):
        raise ValueError(f"the weights hold {len(given)} tensors, the backbone has {len(own)}")
    filled: dict[str, Tensor] = {}
    for (name, target), (source, tensor) in zip(own.items(), given, strict=False):
        if target.shape != tensor.shape:
            raise ValueError(
                f"weight {source} of shape {tuple(tensor.shape)} stands where {name} wants {tuple(target.shape)}"
            )
        filled[name] = tensor.to(torch.float32)
    trunk.load_state_dict(filled, strict=False)
