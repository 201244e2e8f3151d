"""Everything that decides a training run: one model that is file, command line, form and record at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from farnet.augmentation_config import AugmentationConfig, named_augmentation
from farnet.errors import InvalidInputError, unknown_name
from farnet.inputs import InputConfig
from farnet.modelfile import Shifts
from farnet.networks.config import NetworkConfig

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["TrainingConfig", "load_preset", "override", "preset_names", "read_settings"]


class TrainingConfig(BaseModel):
    """Settings of a training run. The defaults are the paper's for cephalograms, with the authors' optimiser."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str = Field(default="farnet", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="name of the model")
    network: NetworkConfig = Field(default_factory=NetworkConfig)
    input: InputConfig = Field(default_factory=InputConfig)
    augmentation: AugmentationConfig = Field(default_factory=AugmentationConfig)
    weights: str = Field(
        default="imagenet",
        description="where the backbone starts: 'imagenet' (downloaded), 'none' (random), a .safetensors file of "
        "weights, or a model (its name or file), whose backbone is taken",
    )
    start_from: str = Field(
        default="",
        description="a model (its name or file) that is trained further: all its weights are where the run starts, and "
        "its landmarks must be those of the data; empty for none",
    )
    sigma: float = Field(default=10.0, gt=0, description="sigma of the fine targets in pixels of their heatmap")
    sigma_coarse: float = Field(default=10.0, gt=0, description="sigma of the coarse targets in pixels of theirs")
    loss: Literal["ewc", "l1", "smooth_l1", "mse", "adaptive_wing"] = Field(
        default="ewc", description="how far heatmaps are from their targets: 'ewc' (paper), or one that it compares"
    )
    alpha: float = Field(default=40.0, gt=0, description="weight of the EWC loss at the centre; 1 is plain MSE")
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = Field(
        default=1e-4, gt=0, le=1, description="how far a step goes; lower it if the loss jumps or becomes infinite"
    )
    weight_decay: float = Field(default=0.0, ge=0, description="pull of the weights towards zero")
    schedule: Literal["steps", "onecycle", "constant"] = Field(
        default="steps", description="'steps' times 0.1 at each milestone; 'onecycle' per step up, then to zero"
    )
    milestones: tuple[int, ...] = Field(default=(200,), description="epochs at which 'steps' divides by ten")
    warmup: float = Field(default=0.1, ge=0, lt=1, description="share of a 'onecycle' that goes up")
    epochs: int = Field(
        default=300, ge=1, le=100_000, description="how often every radiograph of the training is looked at"
    )
    batch_size: int = Field(
        default=1, ge=1, le=1024, description="radiographs in one step; fewer need less memory and more time"
    )
    repeats: int = Field(
        default=1,
        ge=1,
        le=10_000,
        description="how often an epoch shows every radiograph, each time changed otherwise; more for few radiographs, "
        "with fewer epochs, as an epoch has a fixed cost",
    )
    keep: Literal["last", "best"] = Field(
        default="last",
        description="which weights become the model: of the last epoch, or of the epoch with the lowest error on the "
        "radiographs held out",
    )
    gradient_clip: float = Field(default=0.0, ge=0, description="greatest norm of the gradient; 0 is no limit")
    average: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="decay of the exponential moving average of weights, which grows up to it; 0 is none",
    )
    shifts: Shifts = ((0, 0),)
    chain: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="landmarks in each of the groups that follow each other, such as the 4 corners of vertebrae, and "
        "are found together; 0 finds every landmark by itself",
    )
    folds: int = Field(default=0, ge=0, description="split the data into this many folds and hold one out; 0 is none")
    fold: int = Field(default=0, ge=0, description="the fold that is held out")
    validation_share: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of the radiographs that are held out to measure the error; 0 holds none out, so that no "
        "error can be told",
    )
    validate_every: int = Field(default=1, ge=1, description="epochs between two validations")
    seed: int = Field(default=0, ge=0, description="decides all that is random: split, first weights, order, changes")
    workers: int = Field(default=0, ge=0, description="processes that prepare data; 0 prepares in the main one")
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"

    @model_validator(mode="after")
    def _fold_exists(self) -> TrainingConfig:
        if self.folds == 1:
            raise ValueError("folds is 1, but at least 2 are needed to hold one out (0 trains on everything)")
        if self.folds and self.fold >= self.folds:
            raise ValueError(f"fold is {self.fold}, but with {self.folds} folds it must be 0 to {self.folds - 1}")
        if self.folds and self.validation_share:
            raise ValueError("folds and validation_share both hold radiographs out; set one of them to 0")
        return self


_COMPACT: dict[str, Any] = {
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
}

# Spines: high and narrow, drawn larger than heads, right and left alike; as many features as landmarks at the end.
_SPINE: dict[str, Any] = {
    **_COMPACT,
    "name": "spine",
    "network": {"backbone": "efficientnet_lite0", "width": 56, "finest": 72},
    "input": {"height": 416, "width": 160, "fit": "letterbox", "intensity": "percentiles"},
    "augmentation": {
        **_COMPACT["augmentation"],
        "mirror": 0.5,
        "rotation": 7,
        "scale": 0.15,
        "aspect": 0.1,
        "translation": 0.05,
        "elastic": 0.01,
    },
    "sigma": 3,
    "sigma_coarse": 2,
    "epochs": 40,
    "shifts": [[0, 0]],
    "chain": 4,
}

_PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "compact": _COMPACT,
    "spine": _SPINE,
    # For a computer without a large GPU, and for data of one's own: a smaller picture, a part held out.
    "light": {
        **_COMPACT,
        "name": "light",
        "input": {**_COMPACT["input"], "height": 384, "width": 320},
        "sigma": 3,
        "sigma_coarse": 2,
        "epochs": 60,
        "batch_size": 2,
        "average": 0.98,  # a longer memory than a small set of data has steps would keep the first weights
        "keep": "best",
        "validation_share": 0.2,
    },
}


def preset_names() -> tuple[str, ...]:
    """Names that `load_preset` takes."""
    return tuple(_PRESETS)


def load_preset(name: str, overrides: Iterable[str] = (), *, landmarks: int | None = None) -> TrainingConfig:
    """Settings by name, with ``key=value`` changes.

    Args:
        name: One of `preset_names()`, or the path of a JSON file with settings.
        overrides: Changes such as ``epochs=50`` or ``network.width=128``; values are read as JSON where they are
            JSON and as text otherwise. ``augmentation=payer-hand`` takes all ranges of a named augmentation
            (`farnet.augmentation_config.AUGMENTATIONS`); later changes such as ``augmentation.rotation=5`` go on top.
        landmarks: How many landmarks the data has; a preset by name is made for as many. A file and the changes say
            themselves how many.

    Raises:
        UnknownNameError: There is no such preset.
        InvalidInputError: A change or a value is not allowed; the message names it.
    """
    if name in _PRESETS:
        values = json.loads(json.dumps(_PRESETS[name]))
        if landmarks is not None:
            network = values.setdefault("network", {})
            network["landmarks"] = landmarks
            if "finest" in network:  # see its description
                network["finest"] = max(network["finest"], landmarks)
    elif name.endswith(".json"):
        values = read_settings(Path(name))
    else:
        raise unknown_name("preset", name, [*_PRESETS, "FILE.json"])
    return override(values, overrides)


def read_settings(path: Path) -> dict[str, Any]:
    """The settings in a JSON file, unchecked.

    Raises:
        InvalidInputError: It cannot be read, or is no JSON object.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"cannot read settings {path}: {error}") from error
    if not isinstance(values, dict):
        raise InvalidInputError(f"settings {path} hold a {type(values).__name__}, but an object is needed")
    return values


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
        if key == "augmentation" and isinstance(value, str):
            value = named_augmentation(value)
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
