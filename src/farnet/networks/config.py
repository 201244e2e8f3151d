"""What a network is made of: the one description that files, the command line and the forms share."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["NetworkConfig"]


class NetworkConfig(BaseModel):
    """Architecture of one FARNet.

    The defaults are the network of the paper (Ao & Wu 2022) for cephalograms: DenseNet-121, 19 landmarks,
    MSFA 256 channels wide, a 3x3 convolution on the image in the refinement module.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    backbone: str = Field(
        default="densenet121",
        description="densenet121, densenet169, resnet18/34/50/101/152, vgg16, vgg19, efficientnet_lite0, "
        "or 'timm:NAME' for any feature pyramid of the timm extra",
    )
    landmarks: int = Field(default=19, ge=1, le=1000, description="K, the number of heatmaps")
    width: int = Field(
        default=256,
        ge=8,
        le=2048,
        multiple_of=8,
        description="channels of the feature aggregation; 256 is the paper's, smaller makes compact networks",
    )
    finest: int = Field(
        default=0,
        ge=0,
        le=2048,
        description="least channels of the aggregated feature at strides 4 and 2, where the paper has width / 2 and "
        "width / 4; a narrow network needs as many as landmarks there, or it cannot tell them apart",
    )
    aggregation: Literal["msfa", "msfa_plus", "unet", "fpn"] = Field(
        default="msfa",
        description="from the backbone's levels to one feature: 'msfa' (paper), or what the paper compares it with: "
        "'msfa_plus' adds features instead of concatenating them, 'unet', 'fpn'",
    )
    refinement: Literal["full", "star", "none"] = Field(
        default="full",
        description="heatmaps at full resolution: 'full' refines coarse heatmaps (paper), 'star' has no coarse "
        "heatmaps, 'none' up-samples those of half the resolution",
    )
    image_kernel: Literal[1, 3] = Field(
        default=3,
        description="kernel of the refinement module's convolution on the image: 3 (paper) or 1 (authors' code)",
    )
    norm: Literal["running", "image"] = Field(
        default="running",
        description="batch normalisation when detecting: 'running' statistics, or every 'image' its own",
    )
