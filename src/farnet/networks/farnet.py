"""FARNet: backbone, feature aggregation, coarse heatmaps, feature refinement, fine heatmaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor, nn

from farnet.errors import InvalidInputError
from farnet.networks.backbones import Backbone, build_backbone
from farnet.networks.blocks import ImageNorm2d, PlainHead
from farnet.networks.msfa import Aggregation
from farnet.networks.refinement import Refinement

if TYPE_CHECKING:
    from farnet.networks.config import NetworkConfig

__all__ = ["FARNet", "Heatmaps", "build_network", "use_image_statistics"]


class Heatmaps(NamedTuple):
    """What FARNet returns: ``fine`` (B, K, H, W) and ``coarse`` (B, K, H/2, W/2), both linear."""

    fine: Tensor
    coarse: Tensor


class FARNet(nn.Module):
    """Feature Aggregation and Refinement Network (Ao & Wu 2022).

    Args:
        config: The architecture.
        backbone: Its backbone, made by `build_backbone`.
    """

    def __init__(self, config: NetworkConfig, backbone: Backbone) -> None:
        super().__init__()
        self.config = config
        self.backbone = backbone
        self.aggregation = Aggregation(backbone.channels, config.width, config.finest)
        features = self.aggregation.out_channels
        self.coarse_head = PlainHead(features, config.landmarks)
        if backbone.level0_channels is None:
            self.refinement = Refinement(features, config.landmarks, config.width // 8, config.image_kernel)
        else:
            self.refinement = Refinement(features, config.landmarks, backbone.level0_channels, None)

    @property
    def stride(self) -> int:
        """The height and width of the input must be multiples of this (32; 16 for VGG)."""
        return 1 << len(self.backbone.channels)

    def forward(self, image: Tensor) -> Heatmaps:
        """Make heatmaps of normalised images.

        Args:
            image: (B, 3, H, W) float, ImageNet-normalised, H and W multiples of `stride`.

        Raises:
            InvalidInputError: H or W is not a multiple of `stride`.
        """
        height, width = image.shape[-2:]
        if height % self.stride or width % self.stride:
            raise InvalidInputError(
                f"input of {height} x {width} pixels, but both must be multiples of {self.stride}; pad or resize it"
            )
        level0, levels = self.backbone(image)
        aggregated = self.aggregation(levels)
        coarse = self.coarse_head(aggregated)
        fine = self.refinement(image if level0 is None else level0, aggregated, coarse)
        return Heatmaps(fine, coarse)


def build_network(config: NetworkConfig, *, pretrained: bool = False) -> FARNet:
    """Make the network that `config` describes, on the CPU, in training mode.

    Args:
        config: The architecture.
        pretrained: Download ImageNet weights for the backbone.

    Raises:
        UnknownNameError, MissingExtraError, InvalidInputError: As `build_backbone`.
    """
    return FARNet(config, build_backbone(config.backbone, pretrained=pretrained))


def use_image_statistics(network: nn.Module) -> nn.Module:
    """Replace every batch normalisation by `ImageNorm2d`, in place: the paper's way of testing.

    The authors' code never leaves training mode, so that at batch size 1 every image is normalised by its own
    statistics. This does the same without touching a running average, and for any batch.

    Returns:
        The same module, for chaining.
    """
    for name, child in network.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(network, name, ImageNorm2d(child))
        else:
            use_image_statistics(child)
    return network
