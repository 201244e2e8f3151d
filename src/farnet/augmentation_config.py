"""Ranges of augmentation, apart from `farnet.augmentation`, which needs torch: forms and files do not."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["AugmentationConfig"]


class AugmentationConfig(BaseModel):
    """Ranges of random changes; zero switches one off. All off is the paper's setting for cephalograms."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    mirror: float = Field(
        default=0.0, ge=0, le=1, description="chance of the mirror image, for landmarks that have one (spines)"
    )
    rotation: float = Field(default=0.0, ge=0, le=180, description="degrees either way")
    scale: float = Field(default=0.0, ge=0, lt=0.9, description="share by which size changes either way")
    aspect: float = Field(default=0.0, ge=0, lt=0.9, description="share by which one axis changes against the other")
    shear: float = Field(default=0.0, ge=0, le=45, description="degrees either way")
    translation: float = Field(default=0.0, ge=0, le=1, description="share of height and width either way")
    elastic: float = Field(
        default=0.0, ge=0, le=0.1, description="greatest shift of a control point, share of the height"
    )
    elastic_grid: int = Field(default=5, ge=2, le=32, description="control points along each axis")
    gamma: float = Field(default=0.0, ge=0, le=2, description="log2 of the exponent either way")
    contrast: float = Field(default=0.0, ge=0, lt=1, description="share of contrast either way")
    brightness: float = Field(default=0.0, ge=0, le=1, description="shift of grey either way (grey is 0..1)")
    field: float = Field(default=0.0, ge=0, lt=1, description="strength of uneven exposure over the image")
    noise: float = Field(default=0.0, ge=0, le=1, description="greatest standard deviation of grey noise")
    blur: float = Field(default=0.0, ge=0, le=10, description="greatest sigma of blur in network pixels")
    erase: float = Field(default=0.0, ge=0, lt=1, description="chance that a rectangle is blanked")

    @property
    def geometric(self) -> bool:
        """Whether points can move at all."""
        return any((self.rotation, self.scale, self.aspect, self.shear, self.translation, self.elastic))
