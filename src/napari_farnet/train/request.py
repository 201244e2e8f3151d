"""What the dock "Train a model" asks for, and the `farnet train` that does it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from farnet.training.config import TrainingConfig, load_preset
from farnet.training.finetune import fine_tuning

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SETTINGS", "DataChoice", "SourceKind", "StartChoice", "StartKind", "TrainChoice"]

SourceKind = str
"""Where data comes from: "layers", "folder", or the name of a published data set (`farnet.datasets.named`)."""
StartKind = Literal["new", "backbone", "model"]

SETTINGS = ("epochs", "batch_size", "learning_rate", "validation_share")
"""Those of `TrainingConfig` that the dock shows."""


@dataclass(frozen=True)
class DataChoice:
    """Where radiographs and landmarks are.

    Attributes:
        kind: Layers of the viewer (which are written to `folder` first), any folder, or that of a published data set.
        folder: The folder.
        annotations: A file of landmarks that is elsewhere, or None.
        split: Part of a published data set; empty is its training part.
        observer: Whose points of it.
    """

    kind: SourceKind
    folder: Path
    annotations: Path | None = None
    split: str = ""
    observer: str = "mean"

    def words(self) -> list[str]:
        """The options of the command."""
        words = ["--data", str(self.folder)]
        if self.kind not in ("layers", "folder"):
            words += ["--dataset", self.kind]
            words += ["--split", self.split] if self.split else []
            return words if self.observer == "mean" else [*words, "--observer", self.observer]
        words += ["--dataset", "table"]
        return words if self.annotations is None else [*words, "--annotations", str(self.annotations)]


@dataclass(frozen=True)
class StartChoice:
    """What the network begins with.

    Attributes:
        kind: Nothing, the backbone of a model or of a file of weights, or a whole model, which is trained further.
        model: Its name or file; empty for nothing.
    """

    kind: StartKind = "new"
    model: str = ""


@dataclass(frozen=True)
class TrainChoice:
    """A training as the dock asks for it.

    Attributes:
        data: Radiographs and landmarks.
        start: What the network begins with.
        preset: Name of the settings; not used where a model is trained further.
        settings: Values of `SETTINGS`.
        name: Name of the new model.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
    """

    data: DataChoice
    start: StartChoice
    preset: str
    name: str
    device: str = "auto"
    settings: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def base(self) -> TrainingConfig:
        """The settings before those of the dock.

        Raises:
            FarnetError: There is no such model, or it cannot be read.
        """
        return base_settings(self.start, self.preset)

    def words(self) -> list[str]:
        """The options of `farnet train`, but where the run is kept.

        Raises:
            InvalidInputError: A setting or the name is not allowed.
        """
        base = self.base
        changed = {key: value for key, value in self.settings.items() if getattr(base, key) != value}
        if base.keep == "best" and not self.settings.get("validation_share", base.validation_share):
            changed["keep"] = "last"
        changed["name"] = self.name
        _check(base, changed)
        words = self.data.words()
        words += ["--start-from", self.start.model] if self.start.kind == "model" else ["--preset", self.preset]
        if self.start.kind != "model":
            weights = self.start.model if self.start.kind == "backbone" else "none"
            if base.weights != weights:
                changed["weights"] = weights
        for key, value in changed.items():
            words += ["--set", f"{key}={value}"]
        return [*words, *device_words(self.device), "--install"]


def base_settings(start: StartChoice, preset: str) -> TrainingConfig:
    """The settings that a start and a preset stand for.

    Raises:
        FarnetError: There is no such model, or it cannot be read.
    """
    if start.kind == "model":
        return fine_tuning(start.model)
    return load_preset(preset)


def device_words(device: str) -> list[str]:
    """How the command line names one device."""
    kind, _, number = device.partition(":")
    accelerator = {"cuda": "gpu"}.get(kind, kind)
    # "1," is the device number 1, and "1" any one.
    return ["--accelerator", accelerator, "--devices", f"{number}," if number else "1"]


def _check(base: TrainingConfig, changed: dict[str, Any]) -> None:
    from farnet.training.config import override

    override(base.model_dump(mode="json") | changed)
