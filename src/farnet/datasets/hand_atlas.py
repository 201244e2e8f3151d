"""Left hands of the Digital Hand Atlas with 37 landmarks, in the layout of Payer et al.

Payer et al., "Integrating spatial configuration into heatmap regression based CNNs for landmark localization", Medical
Image Analysis 54, 2019. The folder, as this reader expects it::

    setup/all.csv                         no header: id, then 37 times x,y in px of the radiograph
    setup/cv/set1/train.txt, test.txt     an id in each line; also set2 and set3
    images/ID.mha                         or .png, .jpg, ... (whatever `farnet.readers` reads)

The true size of a pixel is not published. By custom the wrist of every hand, the distance of two landmarks of the
truth, is 50 mm wide. Two pairs are in use: landmarks 2 and 6 (Payer; also the spacing in the .mha files) and 1 and 5
(counted from 1). The same errors are about 8 % larger with the first, so the pair must be told with every figure.
"""

from __future__ import annotations

import csv
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from farnet.errors import AnnotationError, InvalidInputError, unknown_name
from farnet.identity import radiograph_key
from farnet.landmarks import Landmarks
from farnet.radiograph import Radiograph, find_radiographs, read_radiograph
from farnet.scheme import LandmarkScheme, load_scheme

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["WRIST_MM", "WRIST_PAIRS", "HandAtlas", "Split", "read_hand_points", "wrist_spacing"]

Split = Literal["set1-train", "set1-test", "set2-train", "set2-test", "set3-train", "set3-test", "all"]

WRIST_MM = 50.0
"""Width of every wrist in mm, by custom."""

WRIST_PAIRS = ((2, 6), (1, 5))
"""The two published pairs of landmarks, counted from 1, whose distance is the width of the wrist."""

_LANDMARKS = 37


class HandAtlas:
    """One split, or all radiographs; those whose image is there.

    The annotations are read at once, the radiographs when they are asked for.

    Args:
        root: The folder that holds ``setup`` and ``images``.
        split: Training or test part of one of the three published folds, or "all" annotated radiographs.
        wrist: The two landmarks, counted from 1, that are 50 mm apart.

    Attributes:
        without_image: Annotated radiographs of the split whose image is not there; they are left out.
        without_landmarks: Radiographs that the split lists and ``all.csv`` does not; they are left out. Some copies
            of ``all.csv`` have 905 rows instead of 910.

    Raises:
        UnknownNameError: If there is no such split.
        InvalidInputError: If a folder or file is missing, the pair is none, or no image of the split is there.
        AnnotationError: If a file is malformed, or the split lists no annotated radiograph.
    """

    name = "hand_atlas"

    def __init__(self, root: str | Path, split: Split = "set1-train", wrist: tuple[int, int] = WRIST_PAIRS[0]) -> None:
        if split not in get_args(Split):
            raise unknown_name("split of the hand atlas:", split, get_args(Split))
        self.root = _locate(Path(root))
        self.split: Split = split
        self.observer = "mean"
        self.wrist = wrist
        self.scheme: LandmarkScheme = load_scheme("hand37")
        self._points = read_hand_points(self.root / "setup" / "all.csv")
        listed = tuple(self._points) if split == "all" else self._listed(split)
        wanted = tuple(name for name in listed if name in self._points)
        self.without_landmarks: tuple[str, ...] = tuple(name for name in listed if name not in self._points)
        self._spacing = {name: wrist_spacing(self._points[name], wrist, name) for name in wanted}
        images = self._find_images()
        self._images = {name: images[radiograph_key(name)] for name in wanted if radiograph_key(name) in images}
        self.without_image: tuple[str, ...] = tuple(name for name in wanted if name not in self._images)
        if not self._images:
            raise InvalidInputError(
                f"None of the {len(wanted)} radiographs of split {split!r} is in {self.root / 'images'}; expected are "
                f"files like {wanted[0]}.mha."
            )

    def __len__(self) -> int:
        return len(self._images)

    def __repr__(self) -> str:
        return f"HandAtlas({str(self.root)!r}, split={self.split!r}, wrist={self.wrist}), {len(self)} radiographs"

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the radiographs that are there, in the order of the published list."""
        return tuple(self._images)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The person of each radiograph: itself, as the published files tell no more."""
        return self.ids

    @property
    def observers(self) -> tuple[str, ...]:
        """Empty: there is one set of landmarks."""
        return ()

    @property
    def duplicates(self) -> dict[str, str]:
        """Empty: none is known."""
        return {}

    @cached_property
    def suspects(self) -> dict[str, str]:
        """Radiographs with a coordinate of exactly 0, which is more likely a gap than a place."""
        return {
            name: f"landmark {int(np.flatnonzero((self._points[name] == 0).any(axis=1))[0]) + 1} has a coordinate 0"
            for name in self._images
            if (self._points[name] == 0).any()
        }

    @property
    def shifted(self) -> tuple[str, ...]:
        """Empty: none is known to have moved."""
        return ()

    def path(self, index: int) -> Path:
        """The file of a radiograph."""
        return self._images[self.ids[index]]

    def radiograph(self, index: int, *, checksum: bool = False) -> Radiograph:
        """Read a radiograph; its spacing is that of its wrist, whatever its file says.

        Raises:
            RadiographError: If the file cannot be read.
        """
        return read_radiograph(self.path(index), spacing=self._spacing[self.ids[index]], checksum=checksum)

    def landmarks(self, index: int) -> Landmarks:
        """The published landmarks of a radiograph that is there."""
        name = self.ids[index]
        return Landmarks(
            points=self._points[name],
            scheme=self.scheme,
            spacing=(self._spacing[name], self._spacing[name]),
            source="Payer",
            radiograph=name,
        )

    def observer_landmarks(self, index: int, observer: str) -> Landmarks:
        """There are no several observers.

        Raises:
            UnknownNameError: Always.
        """
        raise unknown_name("observer of the hand atlas:", observer, self.observers)

    def _listed(self, split: str) -> tuple[str, ...]:
        fold, part = split.split("-")
        file = self.root / "setup" / "cv" / fold / f"{part}.txt"
        names = tuple(line.strip() for line in _text(file).splitlines() if line.strip())
        if not any(name in self._points for name in names):
            raise AnnotationError(
                f"{file} lists no radiograph that setup/all.csv knows, but {', '.join(names[:3]) or 'none'}; "
                "the two files must be of one copy of the data."
            )
        if len(set(names)) != len(names):
            raise AnnotationError(f"{file} lists a radiograph more than once.")
        return names

    def _find_images(self) -> dict[str, Path]:
        folder = self.root / "images"
        if not folder.is_dir():
            raise InvalidInputError(f"The hand atlas needs the folder {folder}, which is not there.")
        paths = sorted(find_radiographs([folder])) if any(folder.iterdir()) else []
        return {radiograph_key(path.name): path for path in paths}


def read_hand_points(file: Path) -> dict[str, NDArray[np.float64]]:
    """Read ``setup/all.csv``, which needs no images.

    Returns:
        (37, 2) row, column in px of each radiograph, by its id, in the order of the file.

    Raises:
        AnnotationError: If it cannot be read, a row is malformed, or an id occurs twice.
    """
    found: dict[str, NDArray[np.float64]] = {}
    for number, row in enumerate(csv.reader(_text(file).splitlines()), start=1):
        if not row:
            continue
        if len(row) != 1 + 2 * _LANDMARKS:
            raise AnnotationError(
                f"{file}, line {number}: {len(row)} values, but there must be an id and {2 * _LANDMARKS} numbers."
            )
        try:
            values = np.array([float(value) for value in row[1:]]).reshape(_LANDMARKS, 2)
        except ValueError as error:
            raise AnnotationError(f"{file}, line {number}: {error}.") from error
        if not np.isfinite(values).all():
            raise AnnotationError(f"{file}, line {number}: a number is not finite.")
        if row[0].strip() in found:
            raise AnnotationError(f"{file}, line {number}: {row[0]!r} is there twice.")
        found[row[0].strip()] = values[:, ::-1].copy()
    if not found:
        raise AnnotationError(f"{file} is empty; expected is a row for each radiograph.")
    return found


def wrist_spacing(points: NDArray[np.float64], wrist: tuple[int, int], name: str = "") -> float:
    """Give the mm per pixel: 50 mm for the distance of two landmarks.

    Args:
        points: (37, 2) px.
        wrist: The two landmarks, counted from 1.
        name: The radiograph, for messages.

    Raises:
        InvalidInputError: If the pair is none of the scheme's, or its landmarks coincide.
    """
    first, second = wrist
    if first == second or not all(1 <= number <= len(points) for number in wrist):
        raise InvalidInputError(f"The wrist is {wrist}; give two different landmarks from 1 to {len(points)}.")
    width = float(np.linalg.norm(points[first - 1] - points[second - 1]))
    if not width > 0:
        raise AnnotationError(f"Landmarks {first} and {second} of {name!r} coincide, so its wrist has no width.")
    return WRIST_MM / width


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise AnnotationError(f"{file} cannot be read: {error}.") from error


def _locate(root: Path) -> Path:
    """The folder that holds setup: the one given, or its only child that does."""
    if not root.is_dir():
        raise InvalidInputError(f"There is no folder {root}. Give the folder that holds setup and images.")
    places = [root, *(item for item in sorted(root.iterdir()) if item.is_dir())]
    found = [place for place in places if (place / "setup" / "all.csv").is_file()]
    if found and (found[0] == root or len(found) == 1):
        return found[0]
    raise InvalidInputError(f"{root} is no hand atlas: it must hold setup/all.csv and the folder images.")
