"""Ranges of augmentation, apart from `farnet.augmentation`, which needs torch: forms and files do not."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from farnet.errors import unknown_name

__all__ = ["AUGMENTATIONS", "AugmentationConfig", "named_augmentation"]

_LENGTHS = (("translation", "translation_mm"), ("elastic", "elastic_mm"))

AUGMENTATIONS: dict[str, dict[str, Any]] = {
    "none": {},
    # Ranges of the released code of Payer et al. Lengths for hands are pixels of its 256 x 256 px; grey there is -1..1,
    # here 0..1, so that shifts are half as large. Its 5 x 5 coefficients of the spline are a grid of 3 x 3, see there.
    "payer-hand": {
        "law": "payer",
        "rotation": math.degrees(0.2),
        "translation": 10 / 256,
        "elastic": 20 / 256,
        "elastic_grid": 3,
        "brightness": 0.15 / 2,
        "contrast": 0.15,
        "clamp": False,
    },
    "payer-ceph": {
        "law": "payer",
        "rotation": math.degrees(0.25),
        "scale": 0.2,
        "aspect": 0.2,
        "translation_mm": 10,
        "elastic_mm": 10,
        "elastic_grid": 3,
        "brightness": 0.25 / 2,
        "contrast": 0.25,
    },
}
"""Named augmentations: for each the settings that are not as by default."""


def named_augmentation(name: str) -> dict[str, Any]:
    """Settings of a named augmentation, as a copy.

    Raises:
        UnknownNameError: If there is none of that name.
    """
    if name not in AUGMENTATIONS:
        raise unknown_name("augmentation", name, tuple(AUGMENTATIONS))
    return dict(AUGMENTATIONS[name])


class AugmentationConfig(BaseModel):
    """Ranges of random changes; zero switches one off. All off is the paper's setting for cephalograms.

    The law "own" moves what is in the picture: rotated, sheared and scaled (the logarithm of a factor is uniform), with
    the elastic part in pixels of the unmoved picture; contrast comes before brightness. The law "payer" is that of
    Payer et al.: the map is drawn from the output to the unmoved picture, as elastic part, then scale, a further scale
    of each axis by itself (`aspect`), rotation and translation; factors are uniform in 1 - range to 1 + range, and
    brightness comes before contrast.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    law: Literal["own", "payer"] = Field(
        default="own", description="how ranges become changes: 'own', or 'payer' as in the code of Payer et al."
    )
    mirror: float = Field(
        default=0.0, ge=0, le=1, description="chance of the mirror image, for landmarks that have one (spines)"
    )
    rotation: float = Field(default=0.0, ge=0, le=180, description="degrees either way")
    scale: float = Field(default=0.0, ge=0, lt=0.9, description="share by which size changes either way")
    aspect: float = Field(default=0.0, ge=0, lt=0.9, description="share by which one axis changes against the other")
    shear: float = Field(default=0.0, ge=0, le=45, description="degrees either way")
    translation: float = Field(default=0.0, ge=0, le=1, description="share of height and width either way")
    translation_mm: float = Field(default=0.0, ge=0, le=100, description="mm either way, instead of translation")
    elastic: float = Field(
        default=0.0, ge=0, le=0.1, description="greatest shift of a control point, share of the height"
    )
    elastic_mm: float = Field(
        default=0.0, ge=0, le=30, description="greatest shift of a control point in mm, instead of elastic"
    )
    elastic_grid: int = Field(
        default=5, ge=2, le=32, description="control points along each axis, and one more beyond each border"
    )
    gamma: float = Field(default=0.0, ge=0, le=2, description="log2 of the exponent either way")
    contrast: float = Field(default=0.0, ge=0, lt=1, description="share of contrast either way")
    brightness: float = Field(default=0.0, ge=0, le=1, description="shift of grey either way (grey is 0..1)")
    field: float = Field(default=0.0, ge=0, lt=1, description="strength of uneven exposure over the image")
    noise: float = Field(default=0.0, ge=0, le=1, description="greatest standard deviation of grey noise")
    blur: float = Field(default=0.0, ge=0, le=10, description="greatest sigma of blur in network pixels")
    erase: float = Field(default=0.0, ge=0, lt=1, description="chance that a rectangle is blanked")
    clamp: bool = Field(default=True, description="cut changed grey values off at 0 and 1")

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, values: Any) -> Any:
        return named_augmentation(values) if isinstance(values, str) else values

    @model_validator(mode="after")
    def _consistent(self) -> AugmentationConfig:
        for share, length in _LENGTHS:
            if getattr(self, share) and getattr(self, length):
                raise ValueError(f"{share} and {length} are both set; one of them must be 0")
        if self.law == "payer" and self.shear:
            raise ValueError("the law 'payer' knows no shear; set shear to 0, or law to 'own'")
        return self

    @property
    def geometric(self) -> bool:
        """Whether points can move at all."""
        shares = (self.rotation, self.scale, self.aspect, self.shear, self.translation, self.elastic)
        return any(shares) or self.in_mm

    @property
    def in_mm(self) -> bool:
        """Whether a length is in mm, so that the size of a pixel must be known."""
        return bool(self.translation_mm or self.elastic_mm)
