"""The cephalograms of the ISBI 2015 grand challenge: 400 radiographs, 19 landmarks, two observers.

Wang et al., "A benchmark for comparison of dental radiography analysis algorithms", Medical Image Analysis 31, 2016.
The published folder, as this reader expects it (the folder of a split may be left out, capital letters do not matter)::

    RawImage/TrainingData/001.bmp ... 150.bmp        split "train"
    RawImage/Test1Data/151.bmp ... 300.bmp           split "test1"
    RawImage/Test2Data/301.bmp ... 400.bmp           split "test2"
    AnnotationsByMD/400_junior/001.txt ...           19 lines "x,y" in px, then 8 class labels (may be left out)
    AnnotationsByMD/400_senior/001.txt ...
    AnnotationsByMD/400_challenge/001.txt ...        where it is there

Instead of a folder of files there may be a table in the layout of Payer et al. (`farnet.datasets.isbi_files`), such as
``setup/all_challenge.csv``, and their lists of four folds, such as ``setup/cv/set1/train.txt`` and ``val.txt``. Without
lists the splits "set1-train", "set1-test" and so on are four folds made by chance, with the seed of `FOLD_SEED`.

The senior's landmark 16 (soft-tissue pogonion) is another point in test2 than in the training radiographs. The points
called "challenge" are the senior's, but with landmark 16 of test2 as in training; "mean_challenge_l16" is the mean of
junior and senior, with landmark 16 the mean of junior and challenge.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from farnet.datasets.folds import subject_folds
from farnet.datasets.isbi_files import by_identity, find_child, find_points, fold_folder, read_fold
from farnet.errors import AnnotationError, InvalidInputError, unknown_name
from farnet.landmarks import Landmarks, mean_landmarks
from farnet.radiograph import Radiograph, read_radiograph
from farnet.readers.image import image_size
from farnet.scheme import LandmarkScheme, load_scheme

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from farnet.datasets.isbi_files import ObserverPoints

__all__ = ["FOLDS", "FOLD_SEED", "ISBI2015", "Observer", "Split"]

Split = Literal[
    "train",
    "test1",
    "test2",
    "all",
    "set1-train",
    "set1-test",
    "set2-train",
    "set2-test",
    "set3-train",
    "set3-test",
    "set4-train",
    "set4-test",
]
Observer = Literal["mean", "junior", "senior", "challenge", "mean_challenge_l16"]

FOLDS = 4
"""Number of the folds of Payer et al."""

FOLD_SEED = 0
"""Seed of the folds that are made where there are no lists."""

SPACING = 0.1
"""mm per pixel, rows and columns, of every radiograph of the data set."""

_FOLDERS = {"train": "TrainingData", "test1": "Test1Data", "test2": "Test2Data"}
_OBSERVERS = ("junior", "senior")
# The same film under two numbers, in Test1 mostly with one of training: some to the last bit, others digitised or
# compressed anew, a few in other greys. Found by `farnet check` and looked at; the landmarks of a pair, put at
# different times, are 0.5 to 1.4 mm apart on average, those of any other two radiographs 2.5 mm and more.
_REPEATED = {
    **{"173": "144", "283": "038", "201": "103", "275": "001", "276": "123", "279": "141", "280": "056", "281": "138"},
    **{"282": "080", "285": "118", "287": "014", "288": "062", "289": "108", "291": "132", "292": "137", "293": "007"},
    **{"295": "010", "296": "028", "297": "088", "299": "126"},
}
_REPEATED_WITHIN_TEST1 = {"277": "196", "278": "159", "294": "188"}
_L16 = 15  # soft-tissue pogonion, counted from 0
_SUFFIXES = (".bmp", ".png", ".tif", ".tiff", ".jpg", ".jpeg")  # lossless first, should both be there
_MARGIN = 0.1  # a point may lie outside the picture by this part of its side; beyond, the pair does not match


class ISBI2015:
    """One split of the data set, with the points of one observer or the mean of both.

    Which files there are, and that each radiograph has both observers' files, is checked at once; the files
    are read when they are asked for.

    Args:
        root: The folder that holds `RawImage` and `AnnotationsByMD`.
        split: "train" (001-150), "test1" (151-300), "test2" (301-400), "all": those that are there, or a part of one
            of four folds: "set1-train", "set1-test", ...
        observer: Whose points `landmarks` gives: "junior", "senior" or their "mean", the customary ground
            truth; "challenge" or "mean_challenge_l16" where the points called challenge are there.

    Attributes:
        without_image: Radiographs that the list of the fold has and that are not there; they are left out.
        notes: What the user should know of the split.

    Raises:
        UnknownNameError: If there is no such split or observer.
        InvalidInputError: If a folder is missing or holds no radiographs, or the points of the observer are not there.
        AnnotationError: If a radiograph has no points, two files have one number, or a list or table is malformed.
    """

    name = "isbi2015"

    def __init__(self, root: str | Path, split: Split = "train", observer: Observer = "mean") -> None:
        if split not in get_args(Split):
            raise unknown_name("split of ISBI 2015:", split, get_args(Split))
        if observer not in get_args(Observer):
            raise unknown_name("observer of ISBI 2015:", observer, get_args(Observer))
        self.root = _locate(Path(root))
        self.split: Split = split
        self.observer: Observer = observer
        self.scheme: LandmarkScheme = load_scheme("cephalometric19")
        self.without_image: tuple[str, ...] = ()
        self.notes: tuple[str, ...] = ()
        self._other_part: frozenset[str] = frozenset()
        self._images = self._find_images()
        if split.startswith("set"):
            self._keep_fold(split)
        wanted = (*_OBSERVERS, "challenge") if "challenge" in observer else _OBSERVERS
        self._annotations = {name: self._find_annotations(name) for name in wanted}
        self._shapes: dict[str, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._images)

    def __repr__(self) -> str:
        return (
            f"ISBI2015({str(self.root)!r}, split={self.split!r}, observer={self.observer!r}), {len(self)} radiographs"
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the radiographs, in order: "001", "002", ..."""
        return tuple(self._images)

    @property
    def observers(self) -> tuple[str, ...]:
        """Names of the observers, in the order in which results list them."""
        return _OBSERVERS

    @property
    def subjects(self) -> tuple[str, ...]:
        """The person of each radiograph: itself, but pictures that are there twice have one."""
        twins = _REPEATED | _REPEATED_WITHIN_TEST1
        return tuple(twins.get(identity, identity) for identity in self._images)

    @property
    def suspects(self) -> dict[str, str]:
        """Empty: no radiograph is listed as doubtful; `farnet check` finds where the observers disagree."""
        return {}

    @property
    def duplicates(self) -> dict[str, str]:
        """Test radiographs of this split that are also training radiographs, with the training radiograph's name."""
        if not self.split.startswith("set"):
            return {identity: twin for identity, twin in _REPEATED.items() if identity in self._images}
        pairs = (*_REPEATED.items(), *((twin, identity) for identity, twin in _REPEATED.items()))
        return {identity: twin for identity, twin in pairs if identity in self._images and twin in self._other_part}

    @property
    def shifted(self) -> tuple[str, ...]:
        """Soft-tissue pogonion, except in training: the senior doctor put it elsewhere from part to part."""
        return () if self.split == "train" else ("Soft-tissue pogonion",)

    def path(self, index: int) -> Path:
        """The file of a radiograph."""
        return self._images[self.ids[index]]

    def radiograph(self, index: int, *, checksum: bool = False) -> Radiograph:
        """Read a radiograph; its spacing is 0.1 mm.

        Args:
            index: Its position in `ids`.
            checksum: Also give the file's SHA-256.

        Raises:
            RadiographError: If the file cannot be read.
        """
        return read_radiograph(self.path(index), spacing=SPACING, checksum=checksum)

    def landmarks(self, index: int) -> Landmarks:
        """Points of the observer chosen for this split, or the mean of both observers' points.

        Of "mean_challenge_l16" landmark 16 is the mean of junior and challenge.

        Args:
            index: Position of the radiograph in `ids`.

        Raises:
            AnnotationError: If a file of points is malformed or does not fit its radiograph.
        """
        if self.observer in ("mean", "mean_challenge_l16"):
            mean = mean_landmarks([self.observer_landmarks(index, name) for name in self.observers])
            if self.observer == "mean":
                return mean
            points = mean.points.copy()
            pair = [self.observer_landmarks(index, name).points[_L16] for name in ("junior", "challenge")]
            points[_L16] = (pair[0] + pair[1]) / 2
            return mean.replace(points=points, source=f"{mean.source}; landmark 16 of junior, challenge")
        return self.observer_landmarks(index, self.observer)

    def observer_landmarks(self, index: int, observer: str) -> Landmarks:
        """Points of one observer.

        Args:
            index: Position of the radiograph in `ids`.
            observer: One of `observers`, or "challenge" where the truth needs it.

        Raises:
            UnknownNameError: If there is no such observer.
            AnnotationError: If the file of points is malformed or does not fit its radiograph.
        """
        if observer not in self._annotations:
            raise unknown_name("observer of ISBI 2015:", observer, tuple(self._annotations))
        identity = self.ids[index]
        source = self._annotations[observer]
        path, points = source.file(identity), source.read(identity)
        shape = self._shape(identity)
        _check_inside(points, shape, path, self._images[identity])
        return Landmarks(
            points=points,
            scheme=self.scheme,
            spacing=(SPACING, SPACING),
            source=observer,
            radiograph=identity,
            image_shape=shape,
        )

    def _shape(self, identity: str) -> tuple[int, int]:
        if identity not in self._shapes:
            self._shapes[identity] = image_size(self._images[identity])
        return self._shapes[identity]

    def _find_images(self) -> dict[str, Path]:
        raw = _child(self.root, "RawImage")
        wanted = [self.split] if self.split in _FOLDERS else list(_FOLDERS)
        folders = [folder for split in wanted if (folder := find_child(raw, _FOLDERS[split])) is not None]
        if not folders:
            raise InvalidInputError(
                f"Split {self.split!r} of ISBI 2015 needs "
                f"{' or '.join(str(raw / _FOLDERS[split]) for split in wanted)}, which is not there. {raw} "
                f"holds: {_listing(raw)}."
            )
        images: dict[str, Path] = {}
        for folder in folders:
            found = by_identity(folder, _SUFFIXES)
            if not found:
                raise InvalidInputError(
                    f"{folder} holds no radiographs; expected are files like 001.bmp ({', '.join(_SUFFIXES)})."
                )
            images.update(found)
        return {identity: images[identity] for identity in sorted(images)}

    def _keep_fold(self, split: str) -> None:
        """Keep one part of one fold: that of the lists where they are there, else one made by chance."""
        fold, part = int(split[3]), split[5:]
        folder = fold_folder(self.root)
        here = tuple(self._images)
        if folder is not None:
            listed = read_fold(folder, fold, part)
            self._other_part = frozenset(read_fold(folder, fold, "train")) if part == "test" else frozenset()
            both = sorted(self._other_part & set(listed))
            if both:
                raise AnnotationError(f"{folder}: radiograph {both[0]} is in the training and the test of fold {fold}.")
            self.without_image = tuple(name for name in listed if name not in self._images)
            kept = tuple(name for name in listed if name in self._images)
            if not kept:
                raise InvalidInputError(
                    f"None of the {len(listed)} radiographs that {folder / f'set{fold}'} lists for {split!r} is in "
                    f"{self.root / 'RawImage'}."
                )
            self.notes = (f"Fold {fold} of {FOLDS} as listed in {folder}",)
        else:
            held_out = subject_folds(self.subjects, FOLDS, FOLD_SEED) == fold - 1
            kept = tuple(name for name, out in zip(here, held_out, strict=True) if out == (part == "test"))
            self._other_part = frozenset(here) - set(kept) if part == "test" else frozenset()
            self.notes = (
                f"Fold {fold} of {FOLDS} was made by chance (seed {FOLD_SEED}) of the {len(here)} radiographs that are "
                f"there: the published lists are not in {self.root / 'setup' / 'cv'}",
            )
        self._images = {name: self._images[name] for name in sorted(kept)}

    def _find_annotations(self, observer: str) -> ObserverPoints:
        found = find_points(self.root, observer, SPACING)
        missing = [identity for identity in self._images if identity not in found]
        if missing:
            listed = ", ".join(missing[:10]) + (", ..." if len(missing) > 10 else "")
            raise AnnotationError(
                f"{len(missing)} of {len(self)} radiographs of split {self.split!r} have no annotation in "
                f"{found.place}: {listed}. Put the missing ones there, or take the radiographs out of "
                f"{self.root / 'RawImage'}."
            )
        return found


def _locate(root: Path) -> Path:
    """The folder that holds RawImage: the one given, its parent if that is RawImage, or its only child that does."""
    if not root.is_dir():
        raise InvalidInputError(f"There is no folder {root}. Give the folder that holds RawImage and AnnotationsByMD.")
    if find_child(root, "RawImage") is not None:
        return root
    if root.name.casefold() == "rawimage":
        return root.parent
    inside = [folder for folder in sorted(root.iterdir()) if folder.is_dir() and find_child(folder, "RawImage")]
    if len(inside) == 1:
        return inside[0]
    raise InvalidInputError(
        f"{root} is no ISBI 2015 folder: it must hold RawImage and AnnotationsByMD. It holds: {_listing(root)}."
    )


def _child(folder: Path, name: str) -> Path:
    child = find_child(folder, name)
    if child is None:
        raise InvalidInputError(f"ISBI 2015 needs the folder {folder / name}. {folder} holds: {_listing(folder)}.")
    return child


def _listing(folder: Path) -> str:
    names = sorted(child.name for child in folder.iterdir())
    return (", ".join(names[:8]) + (", ..." if len(names) > 8 else "")) or "nothing"


def _check_inside(points: NDArray[np.float64], shape: tuple[int, int], path: Path, image: Path) -> None:
    for number, point in enumerate(points, start=1):
        if np.isnan(point[0]):
            continue  # it is absent
        for position, side in zip(point, shape, strict=True):
            if not -_MARGIN * side <= position <= (1 + _MARGIN) * side:
                raise AnnotationError(
                    f"{path}, line {number}: the point x={point[1]:g}, y={point[0]:g} is far outside "
                    f"{image}, which is {shape[1]} x {shape[0]} px (x, y). The annotation belongs to another "
                    "radiograph, or the radiograph has been resized: use the published size."
                )
