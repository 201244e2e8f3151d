"""Everything that decides a training run: one model that is file, command line, form and record at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from farnet.augmentation import AugmentationConfig
from farnet.errors import InvalidInputError, unknown_name
from farnet.inputs import InputConfig
from farnet.modelfile import Shifts
from farnet.networks.config import NetworkConfig

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["TrainingConfig", "load_preset", "override", "preset_names"]


class TrainingConfig(BaseModel):
    """Settings of a training run. The defaults are the paper's for cephalograms, with the authors' optimiser."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str = Field(default="farnet", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="name of the model")
    network: NetworkConfig = Field(default_factory=NetworkConfig)
    input: InputConfig = Field(default_factory=InputConfig)
    augmentation: AugmentationConfig = Field(default_factory=AugmentationConfig)
    weights: str = Field(
        default="imagenet",
        description="where the backbone starts: 'imagenet' (downloaded), 'none' (random), or a .safetensors file",
    )
    sigma: float = Field(default=10.0, gt=0, description="sigma of the fine targets in pixels of their heatmap")
    sigma_coarse: float = Field(default=10.0, gt=0, description="sigma of the coarse targets in pixels of theirs")
    alpha: float = Field(default=40.0, gt=0, description="weight of the EWC loss at the centre; 1 is plain MSE")
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = Field(default=1e-4, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    schedule: Literal["steps", "onecycle", "constant"] = Field(
        default="steps", description="'steps' times 0.1 at each milestone; 'onecycle' per step up, then to zero"
    )
    milestones: tuple[int, ...] = Field(default=(200,), description="epochs at which 'steps' divides by ten")
    warmup: float = Field(default=0.1, ge=0, lt=1, description="share of a 'onecycle' that goes up")
    epochs: int = Field(default=300, ge=1)
    batch_size: int = Field(default=1, ge=1)
    gradient_clip: float = Field(default=0.0, ge=0, description="greatest norm of the gradient; 0 is no limit")
    average: float = Field(
        default=0.0, ge=0, lt=1, description="decay of the exponential moving average of weights; 0 is none"
    )
    shifts: Shifts = ((0, 0),)
    folds: int = Field(default=0, ge=0, description="split the data into this many folds and hold one out; 0 is none")
    fold: int = Field(default=0, ge=0, description="the fold that is held out")
    validate_every: int = Field(default=1, ge=1, description="epochs between two validations")
    seed: int = Field(default=0, ge=0)
    workers: int = Field(default=0, ge=0, description="processes that prepare data; 0 prepares in the main one")
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"

    @model_validator(mode="after")
    def _fold_exists(self) -> TrainingConfig:
        if self.folds == 1:
            raise ValueError("folds is 1, but at least 2 are needed to hold one out (0 trains on everything)")
        if self.folds and self.fold >= self.folds:
            raise ValueError(f"fold is {self.fold}, but with {self.folds} folds it must be 0 to {self.folds - 1}")
        return self


_PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "compact": {
        "name": "compact",
        "network": {"backbone": "efficientnet_lite0", "width": 56, "finest": 40},
        "input": {"height": 512, "width": 416, "fit": "letterbox", "intensity": "percentiles"},
        "augmentation": {
            "rotation": 10,
            "scale": 0.2,
            "aspect": 0.06,
            "shear": 3,
            "translation": 0.07,
            "elastic": 0.012,
            "gamma": 0.6,
            "contrast": 0.3,
            "brightness": 0.1,
            "field": 0.15,
            "noise": 0.03,
            "blur": 0.8,
            "erase": 0.1,
        },
        "weights": "none",
        "sigma": 4,
        "sigma_coarse": 3,
        "optimizer": "adamw",
        "learning_rate": 1e-3,
        "weight_decay": 0.02,
        "schedule": "onecycle",
        "epochs": 88,
        "batch_size": 4,
        "gradient_clip": 1.0,
        "average": 0.995,
        "shifts": [[4, 4], [-4, -4]],
        "precision": "bf16-mixed",
    },
}


def preset_names() -> tuple[str, ...]:
    """Names that `load_preset` takes."""
    return tuple(_PRESETS)


def load_preset(name: str, overrides: Iterable[str] = ()) -> TrainingConfig:
    """Settings by name, with ``key=value`` changes.

    Args:
        name: One of `preset_names()`, or the path of a JSON file with settings.
        overrides: Changes such as ``epochs=50`` or ``network.width=128``; values are read as JSON where they are
            JSON and as text otherwise.

    Raises:
        UnknownNameError: There is no such preset.
        InvalidInputError: A change or a value is not allowed; the message names it.
    """
    if name in _PRESETS:
        values = json.loads(json.dumps(_PRESETS[name]))
    elif name.endswith(".json"):
        try:
            values = json.loads(Path(name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InvalidInputError(f"cannot read settings {name}: {error}") from error
        if not isinstance(values, dict):
            raise InvalidInputError(f"settings {name} hold a {type(values).__name__}, but an object is needed")
    else:
        raise unknown_name("preset", name, [*_PRESETS, "FILE.json"])
    return override(values, overrides)


def override(values: dict[str, Any], changes: Iterable[str] = ()) -> TrainingConfig:
    """Settings from nested values with ``key=value`` changes applied; see `load_preset`."""
    for change in changes:
        key, separator, text = change.partition("=")
        if not separator or not key:
            raise InvalidInputError(f"setting {change!r} is not of the form key=value, such as epochs=50")
        try:
            value: Any = json.loads(text)
        except ValueError:
            value = text
        *path, last = key.split(".")
        place = values
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise InvalidInputError(f"setting {key!r}: {part} has no settings inside")
        place[last] = value
    try:
        return TrainingConfig.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in e['loc']) or 'settings'}={e['input']!r}: {e['msg']}"
            for e in error.errors()
        )
        raise InvalidInputError(f"settings not allowed: {problems}") from error
