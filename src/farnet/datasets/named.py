"""Published data sets by name, for whoever trains on one, evaluates with one or checks one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from farnet.errors import InvalidInputError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from farnet.landmarks import Landmarks
    from farnet.radiograph import Radiograph
    from farnet.scheme import LandmarkScheme

__all__ = ["DATASETS", "DatasetKind", "LandmarkDataset", "dataset_kind", "open_dataset", "recognise"]


class LandmarkDataset(Protocol):
    """One part of a published data set: radiographs with the landmarks that observers placed on them.

    Attributes:
        name: What kind of data set it is.
        root: Its folder.
        scheme: What the landmarks are.
    """

    name: str
    root: Path
    scheme: LandmarkScheme

    @property
    def split(self) -> str:
        """Which part this is."""
        ...

    @property
    def observer(self) -> str:
        """Whose points `landmarks` gives."""
        ...

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the radiographs, in order."""
        ...

    @property
    def subjects(self) -> tuple[str, ...]:
        """Whose radiograph each is; radiographs of one subject must not be in two parts of a split."""
        ...

    @property
    def observers(self) -> tuple[str, ...]:
        """Names of the observers where there are several; empty otherwise."""
        ...

    @property
    def duplicates(self) -> Mapping[str, str]:
        """Radiographs of this test split that are also in the training split, with their name there."""
        ...

    @property
    def suspects(self) -> Mapping[str, str]:
        """Radiographs whose published landmarks are known to be doubtful, with the reason."""
        ...

    @property
    def shifted(self) -> tuple[str, ...]:
        """Landmarks that were put elsewhere in this part than in training, by another reading of their definition."""
        ...

    def __len__(self) -> int: ...

    def path(self, index: int) -> Path:
        """The file of a radiograph."""
        ...

    def radiograph(self, index: int, *, checksum: bool = False) -> Radiograph:
        """The pixels."""
        ...

    def landmarks(self, index: int) -> Landmarks:
        """The true landmarks, in pixels of the radiograph."""
        ...

    def observer_landmarks(self, index: int, observer: str) -> Landmarks:
        """Points of one observer."""
        ...


@dataclass(frozen=True)
class DatasetKind:
    """What is known of a data set before it is opened.

    Attributes:
        name: On the command line and in files.
        title: For people.
        splits: Its parts, with their titles for people.
        training_split: The part to train on unless another is asked for.
        test_split: The part to evaluate on unless another is asked for.
        observers: Whose points can be the truth, with titles for people; the first unless another is asked for.
        folder: What its folder must hold, for people.
        recognise: Whether a folder is this data set, by the names in it.
        open: (folder, split, observer) -> the data set.
    """

    name: str
    title: str
    splits: Mapping[str, str]
    training_split: str
    test_split: str
    observers: Mapping[str, str]
    folder: str
    recognise: Callable[[Path], bool]
    open: Callable[[Path, str, str], LandmarkDataset]


def _open_isbi2015(folder: Path, split: str, observer: str) -> LandmarkDataset:
    from farnet.datasets.isbi2015 import ISBI2015, Observer, Split

    return ISBI2015(folder, cast("Split", split), cast("Observer", observer))


def _open_hand_atlas(folder: Path, split: str, observer: str) -> LandmarkDataset:
    from farnet.datasets.hand_atlas import HandAtlas, Split

    return HandAtlas(folder, cast("Split", split))


def _open_spineweb16(folder: Path, split: str, observer: str) -> LandmarkDataset:
    from farnet.datasets.spineweb16 import SpineWeb16, Split

    return SpineWeb16(folder, cast("Split", split))


def _folders(folder: Path) -> set[str]:
    """Names of the folders in a folder and in those, in small letters."""
    near = [folder, *(item for item in sorted(folder.iterdir()) if item.is_dir())]
    return {item.name.casefold() for place in near for item in place.iterdir() if item.is_dir()}


def _is_isbi2015(folder: Path) -> bool:
    return folder.name.casefold() == "rawimage" or {"rawimage", "annotationsbymd"} <= _folders(folder)


def _is_hand_atlas(folder: Path) -> bool:
    places = [folder, *(item for item in sorted(folder.iterdir()) if item.is_dir())]
    return any((place / "setup" / "all.csv").is_file() and (place / "images").is_dir() for place in places)


def _is_spineweb16(folder: Path) -> bool:
    places = [folder, *(item for item in sorted(folder.iterdir()) if item.is_dir())]
    return any(
        (place / "data" / part).is_dir() and (place / "labels" / part).is_dir()
        for place in places
        for part in ("training", "test")
    )


_KINDS = (
    DatasetKind(
        name="isbi2015",
        title="ISBI 2015 (cephalograms)",
        splits={
            **{"train": "Training (001-150)", "test1": "Test 1", "test2": "Test 2", "all": "All"},
            **{f"set{n}-train": f"Fold {n} of 4, training" for n in (1, 2, 3, 4)},
            **{f"set{n}-test": f"Fold {n} of 4, test" for n in (1, 2, 3, 4)},
        },
        training_split="train",
        test_split="test1",
        observers={
            "mean": "Mean of both",
            "junior": "Junior",
            "senior": "Senior",
            "challenge": "Challenge (where its files are there)",
            "mean_challenge_l16": "Mean of both, landmark 16 of junior and challenge",
        },
        folder="RawImage and AnnotationsByMD",
        recognise=_is_isbi2015,
        open=_open_isbi2015,
    ),
    DatasetKind(
        name="hand_atlas",
        title="Digital Hand Atlas (hands)",
        splits={
            **{f"set{n}-train": f"Fold {n}, training" for n in (1, 2, 3)},
            **{f"set{n}-test": f"Fold {n}, test" for n in (1, 2, 3)},
            "all": "All",
        },
        training_split="set1-train",
        test_split="set1-test",
        observers={"mean": "The published landmarks"},
        folder="setup and images",
        recognise=_is_hand_atlas,
        open=_open_hand_atlas,
    ),
    DatasetKind(
        name="spineweb16",
        title="SpineWeb 16 / AASCE 2019 (spines)",
        splits={
            "train431": "Training, without 50 (431)",
            "test50": "Held out of training (50)",
            "train": "Training (481)",
            "test": "Test (128)",
            "all": "All",
        },
        training_split="train431",
        test_split="test50",
        observers={"mean": "The published landmarks"},
        folder="data and labels",
        recognise=_is_spineweb16,
        open=_open_spineweb16,
    ),
)

DATASETS = tuple(kind.name for kind in _KINDS)
"""Their names."""


def dataset_kind(name: str) -> DatasetKind:
    """What is known of a data set.

    Raises:
        UnknownNameError: If there is no such data set.
    """
    kind = next((kind for kind in _KINDS if kind.name == name), None)
    if kind is None:
        raise unknown_name("data set", name, DATASETS)
    return kind


def recognise(folder: Path) -> DatasetKind | None:
    """Which data set a folder is, by the names in it; None for any other folder.

    Raises:
        InvalidInputError: If there is no such folder, or it cannot be read.
    """
    if not folder.is_dir():
        raise InvalidInputError(
            f"There is no folder {folder}. Give the folder of the radiographs and their files of landmarks, or that of "
            "a data set such as ISBI 2015."
        )
    try:
        return next((kind for kind in _KINDS if kind.recognise(folder)), None)
    except OSError as error:
        raise InvalidInputError(f"The folder {folder} cannot be read: {error}.") from error


def open_dataset(name: str, folder: Path, *, split: str = "", observer: str = "mean") -> LandmarkDataset:
    """Open a data set.

    Args:
        name: What kind it is; "auto" tells it by the names in the folder.
        folder: Where it is.
        split: Which part of it; empty is the one that is customarily tested on.
        observer: Whose points are the truth.

    Raises:
        UnknownNameError: If there is no such data set, split or observer.
        InvalidInputError: If the folder is not that data set, or none that is known.
    """
    kind = recognise(folder) if name == "auto" else dataset_kind(name)
    if kind is None:
        known = "; ".join(f"{item.name}: {item.folder}" for item in _KINDS)
        raise InvalidInputError(
            f"{folder} is no data set that is known here ({known}). Landmarks in files are compared with "
            "--reference FILE --radiographs FOLDER."
        )
    if observer not in kind.observers:
        raise unknown_name(f"observer of {kind.title}:", observer, tuple(kind.observers))
    return kind.open(folder, split or kind.test_split, observer)


def excluded_names(words: Sequence[str], dataset: LandmarkDataset) -> tuple[str, ...]:
    """Names to leave out, with "suspects" replaced by those that are known to be doubtful."""
    return tuple(name for word in words for name in (tuple(dataset.suspects) if word == "suspects" else (word,)))
