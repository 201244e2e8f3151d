"""Frontal spine radiographs of SpineWeb data set 16, also known as AASCE 2019: 609 radiographs, 68 landmarks.

Wu et al., "Automatic landmark estimation for adolescent idiopathic scoliosis assessment using BoostNet", MICCAI 2017;
AASCE challenge, MICCAI 2019. The published folder, as this reader expects it::

    data/training/*.jpg    labels/training/filenames.csv   a name in each line
                           labels/training/landmarks.csv   68 x, then 68 y, as parts of the width and height
                           labels/training/angles.csv      three Cobb angles in degrees
    data/test/*.jpg        labels/test/...                 the same

Instead of the csv files each radiograph may have a file ``NAME.jpg.mat`` or ``NAME.mat`` in ``labels/training``, with
its 68 points in pixels as the matrix ``p2`` (x, y), as in a later copy of the data.

The four corners of a vertebra are not always in order in the published files, nor are the vertebrae; both are put in
order here (upper left, upper right, lower left, lower right corner; vertebrae from above).

The 481 radiographs of "train" are of fewer people. "train431" and "test50" part them by person: the paper's numbers
of radiographs (its own parts were never published), with the seed of `SPLIT_SEED`.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from farnet.datasets.folds import hold_out_subjects
from farnet.errors import AnnotationError, InvalidInputError, unknown_name
from farnet.landmarks import Landmarks
from farnet.measurement.spine import ordered_corners
from farnet.radiograph import Radiograph, read_radiograph
from farnet.readers.image import image_size
from farnet.scheme import LandmarkScheme, load_scheme

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SPLIT_SEED", "SpineWeb16", "Split"]

Split = Literal["train", "test", "train431", "test50", "all"]

SPLIT_SEED = 0
"""Seed of the split of the 481 into 431 and 50."""

_HELD_OUT = 50
_VERTEBRAE = 17
_FOLDERS = {"train": "training", "test": "test"}
_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
_MARGIN = 0.1  # a point may lie outside the picture by this part of its side; beyond, the pair does not match
_SUBJECT = re.compile(r"^(.*-\d{4}-\d+)\b")

# Rows (0-based) of the published landmarks that a public list of corrections touches: vertebrae missing or shifted by
# one, corners exchanged, a value above 1. A list of suspects, not of errors.
_SUSPECT_ROWS = {
    "train": frozenset(
        {3, 10, 14, 28, 31, 33, 40, 72, 84, 91, 143, 193, 218, 242, 261, 265, 268, 269, 313}
        | {394, 439, 445, 471, 474, 476, 480}
    ),
    "test": frozenset({3, 15, 45, 79, 85, 86, 88, 89, 92, 104}),
}
_COMPLETE = {"train": 481, "test": 128}  # rows in the published files: only there do these numbers mean anything
_SUSPECT = "on the public list of corrections"


class SpineWeb16:
    """One split of the data set.

    Which files there are, and that every radiograph has its landmarks, is checked at once; radiographs are read when
    they are asked for.

    Args:
        root: The folder that holds ``data`` and ``labels``.
        split: "train" (481), "test" (128), "all" (those that are there), or "train431" and "test50": "train" parted by
            person.

    Raises:
        UnknownNameError: If there is no such split.
        InvalidInputError: If a folder is missing or holds no radiographs.
        AnnotationError: If the files of landmarks are malformed or do not fit the radiographs.
    """

    name = "spineweb16"

    def __init__(self, root: str | Path, split: Split = "train") -> None:
        if split not in get_args(Split):
            raise unknown_name("split of SpineWeb 16:", split, get_args(Split))
        self.root = _locate(Path(root))
        self.split: Split = split
        self.observer = "mean"
        self.scheme: LandmarkScheme = load_scheme("spine68")
        self._images: dict[str, Path] = {}
        self._fractions: dict[str, NDArray[np.float64]] = {}
        self._pixels: dict[str, NDArray[np.float64]] = {}
        self._angles: dict[str, tuple[float, float, float]] = {}
        self._suspects: dict[str, str] = {}
        parts = {"all": ("train", "test"), "test": ("test",)}.get(split, ("train",))
        for part in parts:
            if split == "all" and not (self.root / "data" / _FOLDERS[part]).is_dir():
                continue
            self._read(part)
        if split in ("train431", "test50"):
            self._keep(split)
        self._shapes: dict[str, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._images)

    def __repr__(self) -> str:
        return f"SpineWeb16({str(self.root)!r}, split={self.split!r}), {len(self)} radiographs"

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the radiographs, in the order of the published files."""
        return tuple(self._images)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The person of each radiograph: the date and number in its name."""
        return tuple(_subject(name) for name in self._images)

    @property
    def observers(self) -> tuple[str, ...]:
        """Empty: there is one set of landmarks."""
        return ()

    @property
    def duplicates(self) -> dict[str, str]:
        """Empty: no radiograph of a test split is known to be in the training split."""
        return {}

    @property
    def suspects(self) -> dict[str, str]:
        """Radiographs of this split whose published landmarks are doubtful, with the reason."""
        return {name: reason for name, reason in self._suspects.items() if name in self._images}

    @property
    def shifted(self) -> tuple[str, ...]:
        """Empty: none is known to have moved."""
        return ()

    def path(self, index: int) -> Path:
        """The file of a radiograph."""
        return self._images[self.ids[index]]

    def radiograph(self, index: int, *, checksum: bool = False) -> Radiograph:
        """Read a radiograph; its spacing is not known.

        Args:
            index: Its position in `ids`.
            checksum: Also give the file's SHA-256.

        Raises:
            RadiographError: If the file cannot be read.
        """
        return read_radiograph(self.path(index), checksum=checksum)

    def landmarks(self, index: int) -> Landmarks:
        """The published corners, in order.

        Args:
            index: Position of the radiograph in `ids`.

        Raises:
            AnnotationError: If they do not fit the radiograph.
        """
        name = self.ids[index]
        shape = self._shape(name)
        points = self._pixels[name] if name in self._pixels else self._fractions[name] * shape - 0.5
        _check_inside(points, shape, name)
        corners = points.reshape(_VERTEBRAE, 4, 2)
        corners = corners[np.argsort(corners[..., 0].mean(axis=1), kind="stable")]
        return Landmarks(
            points=ordered_corners(corners).reshape(-1, 2),
            scheme=self.scheme,
            source="SpineWeb 16",
            radiograph=name,
            image_shape=shape,
        )

    def observer_landmarks(self, index: int, observer: str) -> Landmarks:
        """There are no several observers.

        Raises:
            UnknownNameError: Always.
        """
        raise unknown_name("observer of SpineWeb 16:", observer, self.observers)

    def published_angles(self, index: int) -> tuple[float, float, float] | None:
        """The three Cobb angles of ``angles.csv`` in degrees, or None where there is no such file."""
        return self._angles.get(self.ids[index])

    def _shape(self, name: str) -> tuple[int, int]:
        if name not in self._shapes:
            self._shapes[name] = image_size(self._images[name])
        return self._shapes[name]

    def _read(self, part: str) -> None:
        data, labels = (self.root / kind / _FOLDERS[part] for kind in ("data", "labels"))
        for folder in (data, labels):
            if not folder.is_dir():
                raise InvalidInputError(
                    f"Split {self.split!r} of SpineWeb 16 needs the folder {folder}, which is not there."
                )
        if (labels / "landmarks.csv").is_file():
            self._read_csv(part, data, labels)
        else:
            self._read_mat(data, labels)
        if not self._images:
            raise InvalidInputError(f"{data} holds no radiographs; expected are .jpg files.")

    def _read_csv(self, part: str, data: Path, labels: Path) -> None:
        file = labels / "landmarks.csv"
        names = [row[0] for row in _rows(labels / "filenames.csv") if row]
        rows = _numbers(file, 8 * _VERTEBRAE)
        if len(names) != len(rows):
            raise AnnotationError(
                f"{labels / 'filenames.csv'} has {len(names)} names, but {file} {len(rows)} rows of landmarks; they "
                "belong together line by line, so one of them is not complete."
            )
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise AnnotationError(f"{labels / 'filenames.csv'} names {repeated[0]!r} more than once.")
        missing = [name for name in names if not (data / name).is_file()]
        if missing:
            raise AnnotationError(
                f"{len(missing)} of {len(names)} radiographs of {labels / 'filenames.csv'} are not in {data}: "
                f"{', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}."
            )
        angles = _numbers(labels / "angles.csv", 3) if (labels / "angles.csv").is_file() else []
        if angles and len(angles) != len(names):
            raise AnnotationError(
                f"{labels / 'angles.csv'} has {len(angles)} rows, but there are {len(names)} radiographs."
            )
        half = 4 * _VERTEBRAE
        for number, (name, row) in enumerate(zip(names, rows, strict=True)):
            key = Path(name).stem
            if key in self._images:
                raise AnnotationError(f"{key!r} is in both splits of {self.root}; a radiograph must be in one.")
            self._images[key] = data / name
            self._fractions[key] = np.stack([row[half:], row[:half]], axis=1)
            if angles:
                first, second, third = (float(value) for value in angles[number])
                self._angles[key] = first, second, third
            if len(names) == _COMPLETE[part] and number in _SUSPECT_ROWS[part]:
                self._suspects[key] = _SUSPECT

    def _read_mat(self, data: Path, labels: Path) -> None:
        images = sorted(path for path in data.iterdir() if path.suffix.lower() in _SUFFIXES)
        for image in images:
            candidates = (labels / f"{image.name}.mat", labels / f"{image.stem}.mat")
            file = next((path for path in candidates if path.is_file()), None)
            if file is None:
                raise AnnotationError(
                    f"{image} has no landmarks: {labels} holds neither landmarks.csv nor {candidates[0].name}."
                )
            self._images[image.stem] = image
            self._pixels[image.stem] = _mat_points(file)

    def _keep(self, split: Split) -> None:
        """Keep one part of the training radiographs."""
        names = tuple(self._images)
        if len(names) <= _HELD_OUT:
            raise InvalidInputError(
                f"{self.root} has {len(names)} training radiographs; {_HELD_OUT} of them cannot be held out. Use the "
                "split 'train'."
            )
        out = hold_out_subjects(self.subjects, _HELD_OUT, SPLIT_SEED)
        wanted = out if split == "test50" else ~out
        self._images = {name: self._images[name] for name, keep in zip(names, wanted, strict=True) if keep}


def _subject(name: str) -> str:
    match = _SUBJECT.match(name)
    return match.group(1) if match else name


def _locate(root: Path) -> Path:
    """The folder that holds data and labels: the one given, or its only child that does."""
    if not root.is_dir():
        raise InvalidInputError(f"There is no folder {root}. Give the folder that holds data and labels.")
    places = [root, *(item for item in sorted(root.iterdir()) if item.is_dir())]
    found = [place for place in places if (place / "data").is_dir() and (place / "labels").is_dir()]
    if found and (found[0] == root or len(found) == 1):
        return found[0]
    raise InvalidInputError(f"{root} is no SpineWeb 16 folder: it must hold the folders data and labels.")


def _rows(file: Path) -> list[list[str]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            return [row for row in csv.reader(stream) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AnnotationError(f"{file} cannot be read: {error}.") from error


def _numbers(file: Path, count: int) -> list[NDArray[np.float64]]:
    found = []
    for number, row in enumerate(_rows(file), start=1):
        if len(row) != count:
            raise AnnotationError(f"{file}, line {number}: {len(row)} numbers, but there must be {count}.")
        try:
            values = np.array([float(cell) for cell in row])
        except ValueError as error:
            raise AnnotationError(f"{file}, line {number}: {error}.") from error
        if not np.isfinite(values).all():
            raise AnnotationError(f"{file}, line {number}: a number is not finite.")
        found.append(values)
    return found


def _mat_points(file: Path) -> NDArray[np.float64]:
    """(68, 2) row, column of the matrix p2 of a MATLAB file, whose pixels are counted from 1."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        matrix = loadmat(file, variable_names=["p2"]).get("p2")
    except (OSError, ValueError, TypeError, NotImplementedError, MatReadError) as error:
        raise AnnotationError(f"{file} cannot be read as a MATLAB file: {error}.") from error
    if matrix is None or matrix.shape != (4 * _VERTEBRAE, 2) or matrix.dtype.kind not in "iuf":
        raise AnnotationError(f"{file} has no matrix p2 of {4 * _VERTEBRAE} x 2 numbers (x, y in pixels).")
    points: NDArray[np.float64] = matrix[:, ::-1].astype(np.float64) - 1.0
    if not np.isfinite(points).all():
        raise AnnotationError(f"{file}: a number of p2 is not finite.")
    return points


def _check_inside(points: NDArray[np.float64], shape: tuple[int, int], name: str) -> None:
    low, high = -_MARGIN * np.array(shape), (1 + _MARGIN) * np.array(shape)
    wrong = np.flatnonzero(((points < low) | (points > high)).any(axis=1))
    if len(wrong):
        row, column = points[wrong[0]]
        raise AnnotationError(
            f"{name}: point {wrong[0] + 1} at x={column:.1f}, y={row:.1f} is far outside the radiograph, which is "
            f"{shape[1]} x {shape[0]} px (x, y). The landmarks belong to another radiograph."
        )
