"""Which observers are to be compared: one object that is the defaults, the form of the dock, and the command line."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farnet.errors import InvalidInputError
from farnet.evaluation.comparison import read_side
from farnet.evaluation.metrics import DEFAULT_RADII, as_radii
from farnet.evaluation.observers import gather_readings, study_observers
from farnet.spacing import Spacing, as_spacing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farnet.evaluation.observer_study import ObserverStudy
    from farnet.landmarks import Landmarks

__all__ = ["ObserversRequest", "named_files"]


@dataclass(frozen=True, kw_only=True)
class ObserversRequest:
    """Readings in files, and how to compare them.

    Attributes:
        files: (name of the observer, file or folder of landmarks). A name that is there twice is one observer in
            several sessions.
        predictions: Landmarks of a model on the same radiographs, or None.
        key: Key of a blind study, by which codes become radiographs again, or None.
        common: Leave out radiographs that not everybody read, instead of refusing.
        spacing: (row, column) mm per pixel of all radiographs, instead of what the files say.
        labels: File of a label map (`farnet.formats.labels`) for the names in the files, or None.
        radii: Radii of the rates, in mm (in px where a spacing is not known).
        bootstrap: Draws behind the intervals; 0 is none.
        seed: Seed of the draws.

    Raises:
        InvalidInputError: If there is no file, one is there twice, or a value is out of range.
    """

    files: tuple[tuple[str, Path], ...] = ()
    predictions: Path | None = None
    key: Path | None = None
    common: bool = False
    spacing: Spacing | None = None
    labels: Path | None = None
    radii: tuple[float, ...] = field(default=DEFAULT_RADII)
    bootstrap: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "radii", as_radii(self.radii))
        object.__setattr__(self, "spacing", as_spacing(self.spacing))
        if not self.files:
            raise InvalidInputError(
                "Give the readings: a file or folder for each observer, such as junior.csv senior.csv, or junior=a.csv."
            )
        paths = [path for _, path in self.files]
        twice = next((path for path in paths if paths.count(path) > 1), None)
        if twice is not None:
            raise InvalidInputError(f"{twice} is given twice; a file is one reading, compared with the others.")
        if self.bootstrap < 0 or self.seed < 0:
            raise InvalidInputError(f"bootstrap is {self.bootstrap}, the seed {self.seed}; both must be 0 or more.")

    @property
    def model_name(self) -> str:
        """What the model is called in results."""
        return "model" if self.predictions is None else _name_of(self.predictions)

    def study(self) -> ObserverStudy:
        """Read the files and compare; errors as `study_observers` and `farnet.formats.read_annotations`."""
        files = [(name, self._revealed(self._read(path))) for name, path in self.files]
        readings = gather_readings(files)
        model = None if self.predictions is None else self._revealed(self._read(self.predictions), required=False)
        return study_observers(
            readings,
            model=model,
            model_name=self.model_name if self.model_name not in readings else f"model {self.model_name}",
            common=self.common,
            spacing=self.spacing,
            radii=self.radii,
            bootstrap=self.bootstrap,
            seed=self.seed,
        )

    def words(self) -> list[str]:
        """The command that compares the same: its words, "farnet" first; what is as by default is left out."""
        given = [
            str(path) if (name, path) in named_files([str(path)]) else f"{name}={path}" for name, path in self.files
        ]
        words = ["farnet", "observers", *given]
        for item in fields(self)[1:]:
            value: Any = getattr(self, item.name)
            if value == item.default:
                continue
            words.append(f"--{item.name}")
            if value is not True:
                words.append(",".join(f"{part:.10g}" for part in value) if isinstance(value, tuple) else str(value))
        return words

    def _read(self, path: Path) -> list[Landmarks]:
        # How `spacing` stands in for what files say is for the comparison; here it only places points in mm.
        return read_side(path, labels=self.labels, mm_per_pixel=self.spacing)

    def _revealed(self, landmarks: list[Landmarks], *, required: bool = True) -> list[Landmarks]:
        """Radiographs instead of codes; a model's landmarks may have the radiographs' names already."""
        if self.key is None:
            return landmarks
        from farnet.evaluation.blind import has_codes, read_key, reveal

        key = read_key(self.key)
        return reveal(landmarks, key) if required or has_codes(landmarks, key) else landmarks


def named_files(words: Sequence[str]) -> tuple[tuple[str, Path], ...]:
    """Observers and their files from words such as ``junior=a.csv`` or ``senior.csv``.

    Without a name, an observer is called like the file; where two files in different folders have the same name, like
    the whole path, so that they are never taken for two sessions of one observer.
    """
    split = []
    for word in words:
        name, equals, path = word.partition("=")
        split.append((name, Path(path)) if equals and name and not Path(word).exists() else ("", Path(word)))
    stems = [_name_of(path) for name, path in split if not name]
    return tuple(
        (name or (_name_of(path) if stems.count(_name_of(path)) == 1 else str(path)), path) for name, path in split
    )


def _name_of(path: Path) -> str:
    """What a file of landmarks is called, without the ending of its format."""
    from farnet.formats import formats_by_ending

    for format in formats_by_ending(path):
        suffix = max((item for item in format.suffixes if path.name.lower().endswith(item)), key=len)
        return path.name[: -len(suffix)] or path.name
    return path.name
