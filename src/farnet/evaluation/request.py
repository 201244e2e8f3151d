"""What is to be evaluated: one object that is the defaults, the form of the dock, the command line and the record."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, get_args

from farnet.errors import InvalidInputError, unknown_name
from farnet.evaluation.metrics import DEFAULT_RADII, as_radii
from farnet.measurement.cephalometry import MwGap
from farnet.measurement.spine import CobbVariant
from farnet.spacing import Spacing, as_spacing
from farnet.zoo import DEFAULT_MODEL

__all__ = ["EvaluationRequest", "as_numbers"]


@dataclass(frozen=True, kw_only=True)
class EvaluationRequest:
    """What is measured, against which truth, and how.

    What is measured is a model or `predictions`; the truth is the data set `data` or `reference`. A model needs
    radiographs: those of `data`, or `radiographs` beside `reference`.

    Attributes:
        predictions: Landmarks to measure: a file of any annotation format, or a folder of such files.
        model: Name or file of the model to run; None with `predictions`. Where both are None, the bundled model is run.
        device: Where the model runs.
        reference: True landmarks, a file or a folder.
        radiographs: Folder of the radiographs that the model is run on; only without `data`.
        data: Folder of a data set.
        dataset: What kind of data set it is; "auto" tells it by the names in its folder.
        split: Which part of it; empty is the part that is customarily tested on.
        observer: Whose points in it are the truth.
        exclude: Names of radiographs to leave out; "suspects" are those that the data set knows to be doubtful.
        common: Leave out radiographs that one side alone has, instead of refusing.
        spacing: (row, column) mm per pixel of all radiographs, instead of what the files say; only without `data`.
        labels: File of a label map (`farnet.formats.labels`) for the names in the files of landmarks, or None.
        radii: Radii of the detection rates, in mm (in px where a spacing is not known).
        bootstrap: Draws behind the intervals; 0 is none.
        seed: Seed of the draws.
        cobb: Whose rules the Cobb angles of spines follow.
        against: What it is compared with on the same radiographs: the name or file of a model, or a file or folder of
            landmarks.
        mw_gap: Class of an incisal distance between 0 and 2 mm: that of the challenge's program, or none.
        wrist: The two landmarks of a hand, counted from 1, that are 50 mm apart and give the size of its pixels; None
            keeps the spacing of the truth (of the hand atlas that of 2 and 6).

    Raises:
        InvalidInputError: If something is missing, contradicts something else, or is out of range.
    """

    predictions: Path | None = None
    model: str | None = None
    device: str = "auto"
    reference: Path | None = None
    radiographs: Path | None = None
    data: Path | None = None
    dataset: str = "auto"
    split: str = ""
    observer: str = "mean"
    exclude: tuple[str, ...] = ()
    common: bool = False
    spacing: Spacing | None = None
    labels: Path | None = None
    radii: tuple[float, ...] = DEFAULT_RADII
    bootstrap: int = 2000
    seed: int = 0
    cobb: CobbVariant = "matlab"
    mw_gap: MwGap = "script"
    against: str | None = None
    wrist: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "radii", as_radii(self.radii))
        object.__setattr__(self, "exclude", tuple(self.exclude))
        object.__setattr__(self, "spacing", as_spacing(self.spacing))
        if self.bootstrap < 0:
            raise InvalidInputError(
                f"bootstrap is {self.bootstrap}; it must be 0 (no intervals) or more, usually 2000."
            )
        if self.seed < 0:
            raise InvalidInputError(f"The seed is {self.seed}; it must be 0 or more.")
        if self.cobb not in get_args(CobbVariant):
            raise unknown_name("variant of the Cobb angles:", self.cobb, get_args(CobbVariant))
        if self.mw_gap not in get_args(MwGap):
            raise unknown_name("choice for the gap of MW:", self.mw_gap, get_args(MwGap))
        if self.wrist is not None:
            pair = tuple(self.wrist)
            if len(pair) != 2 or pair[0] == pair[1] or any(n != int(n) or not 1 <= n <= 37 for n in pair):
                raise InvalidInputError(f"The wrist is {pair}; give two different landmarks from 1 to 37, such as 2,6.")
            object.__setattr__(self, "wrist", (int(pair[0]), int(pair[1])))
            if self.spacing is not None:
                raise InvalidInputError("Give either --wrist or --spacing: both say how large a pixel is.")
        if (self.data is None) == (self.reference is None):
            raise InvalidInputError(
                "Give the truth once: a data set with --data FOLDER, or landmarks with --reference FILE."
            )
        if self.predictions is not None and self.model is not None:
            raise InvalidInputError("Give either --model or --predictions: one of them is measured.")
        if self.predictions is None and self.data is None and self.radiographs is None:
            raise InvalidInputError(
                "A model needs radiographs: give --data FOLDER, or --radiographs FOLDER beside --reference, or measure "
                "a table with --predictions FILE. 'farnet detect' makes one of any radiographs."
            )
        if self.radiographs is not None and (self.data is not None or self.predictions is not None):
            other = "--data" if self.data is not None else "--predictions"
            raise InvalidInputError(
                f"--radiographs is for a model beside --reference; with {other} no further radiographs are looked at."
            )
        if self.spacing is not None and self.data is not None:
            raise InvalidInputError("--spacing is for files; the data set of --data knows its own.")

    @property
    def runs_model(self) -> bool:
        """Whether a model is run."""
        return self.predictions is None

    @property
    def model_name(self) -> str:
        """The model that is run."""
        return self.model or DEFAULT_MODEL

    @property
    def other(self) -> EvaluationRequest | None:
        """The same evaluation of what it is compared with; None where that is nothing.

        Raises:
            InvalidInputError: If that is landmarks in files, but radiographs are given for a model.
        """
        if self.against is None:
            return None
        path = Path(self.against)
        is_landmarks = path.is_dir() or (path.is_file() and path.suffix.lower() != ".safetensors")
        if is_landmarks:
            return replace(self, against=None, model=None, predictions=path, radiographs=None)
        if self.data is None and self.radiographs is None:
            raise InvalidInputError(
                f"--against {self.against} is a model and needs radiographs: give --data FOLDER, or compare with a "
                "file of landmarks."
            )
        return replace(self, against=None, model=self.against, predictions=None)

    def words(self) -> list[str]:
        """The command that evaluates the same: its words, "farnet" first; what is as by default is left out."""
        words = ["farnet", "evaluate"]
        if self.runs_model:
            words += ["--model", self.model_name]
        for item in fields(self):
            value = getattr(self, item.name)
            if value == item.default or item.name == "model":
                continue
            words.append(f"--{item.name.replace('_', '-')}")
            if value is not True:
                words.append(_word(value))
        return words

    def to_dict(self) -> dict[str, Any]:
        """JSON types only, to be kept beside the figures."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        values["model"] = self.model_name if self.runs_model else None
        return {
            name: str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> EvaluationRequest:
        """The request that `to_dict` described.

        Raises:
            InvalidInputError: If there is something that a request does not have, or a value is of the wrong type.
        """
        known = {item.name for item in fields(cls)}
        strange = [name for name in values if name not in known]
        if strange:
            raise InvalidInputError(f"An evaluation has no {strange[0]!r}; it has: {', '.join(sorted(known))}.")
        given = dict(values)
        try:
            for name in ("predictions", "reference", "radiographs", "data", "labels"):
                if given.get(name) is not None:
                    given[name] = Path(given[name])
            for name in ("radii", "exclude", "spacing", "wrist"):
                if given.get(name) is not None:
                    given[name] = tuple(given[name])
            return cls(**given)
        except TypeError as error:
            raise InvalidInputError(f"This is no record of an evaluation: {error}.") from error


def as_numbers(text: str, what: str, example: str) -> tuple[float, ...]:
    """Numbers separated by commas or spaces, as people write them in a form.

    Raises:
        InvalidInputError: If there is something else, or nothing.
    """
    try:
        numbers = tuple(float(word) for word in text.replace(",", " ").split())
    except ValueError:
        numbers = ()
    if not numbers:
        raise InvalidInputError(f"{what} is {text!r}; give numbers separated by commas, such as {example}.")
    return numbers


def _word(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(_word(part) for part in value)
    return f"{value:.10g}" if isinstance(value, float) else str(value)
