"""FARNet: backbone, feature aggregation, coarse heatmaps, feature refinement, fine heatmaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from farnet.errors import InvalidInputError
from farnet.networks.backbones import Backbone, build_backbone
from farnet.networks.blocks import ImageNorm2d, PlainHead, upsample2
from farnet.networks.decoders import build_aggregation
from farnet.networks.refinement import Refinement

if TYPE_CHECKING:
    from farnet.networks.config import NetworkConfig

__all__ = ["FARNet", "Heatmaps", "build_network", "use_image_statistics"]


class Heatmaps(NamedTuple):
    """What FARNet returns: ``fine`` (B, K, H, W) and ``coarse`` (B, K, H/2, W/2), both linear.

    The variants of the paper's ablation make one of them, of which the other is a mere resampling: see `FARNet`.
    """

    fine: Tensor
    coarse: Tensor


class FARNet(nn.Module):
    """Feature Aggregation and Refinement Network (Ao & Wu 2022), and the variants that the paper compares it with.

    With ``config.refinement`` "star" (the paper's FR*) there is no coarse head, and the coarse heatmaps are means of
    2 x 2 fine pixels; with "none" there is no refinement module, and the fine heatmaps are the coarse ones, up-sampled.

    Args:
        config: The architecture.
        backbone: Its backbone, made by `build_backbone`.
    """

    def __init__(self, config: NetworkConfig, backbone: Backbone) -> None:
        super().__init__()
        self.config = config
        self.backbone = backbone
        self.aggregation = build_aggregation(config, backbone.channels)
        features, kind = self.aggregation.out_channels, config.refinement
        self.coarse_head = None if kind == "star" else PlainHead(features, config.landmarks)
        own = backbone.level0_channels
        channels, kernel = (config.width // 8, config.image_kernel) if own is None else (own, None)
        self.refinement = (
            None if kind == "none" else Refinement(features, config.landmarks, channels, kernel, coarse=kind == "full")
        )

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
        shallow = image if level0 is None else level0
        if self.coarse_head is None:
            assert self.refinement is not None
            fine = self.refinement(shallow, aggregated, None)
            return Heatmaps(fine, F.avg_pool2d(fine, 2))
        coarse = self.coarse_head(aggregated)
        if self.refinement is None:
            return Heatmaps(upsample2(coarse), coarse)
        return Heatmaps(self.refinement(shallow, aggregated, coarse), coarse)


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
