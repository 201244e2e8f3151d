"""Data for a training, whatever its layout: which it is, and how to open it again when a run is resumed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from pydantic import BaseModel, ConfigDict, Field

from farnet.datasets.named import dataset_kind, excluded_names, open_dataset, recognise
from farnet.errors import InvalidInputError
from farnet.scheme import load_scheme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farnet.landmarks import Landmarks
    from farnet.radiograph import Radiograph
    from farnet.scheme import LandmarkScheme

__all__ = ["DataRequest", "Layout", "TrainingSource", "find_layout", "open_data", "training_split"]

Layout = Literal["isbi2015", "hand_atlas", "spineweb16", "table"]
"""The folder of a published data set, or any folder with files of landmarks."""


class DataRequest(BaseModel):
    """Which data a run is trained on; kept in the folder of the run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path
    layout: Layout
    split: str = Field(default="", description="part of a published data set; empty is its training part")
    observer: str = Field(default="mean", description="whose landmarks are the truth, or the mean of all")
    annotations: tuple[Path, ...] = Field(default=(), description="files of landmarks; found in the folder without")
    scheme: Path | None = Field(default=None, description="file of a scheme that is not bundled")
    labels: Path | None = Field(default=None, description="label map for files whose landmarks have other names")
    exclude: tuple[str, ...] = Field(
        default=(), description="radiographs to leave out; 'suspects' are those with doubtful landmarks"
    )
    validation: Path | None = Field(default=None, description="file with a radiograph to hold out in each line")


class TrainingSource(Protocol):
    """Radiographs with landmarks of one scheme, as `farnet.training` takes them."""

    scheme: LandmarkScheme

    @property
    def ids(self) -> Sequence[str]:
        """Name of each radiograph."""
        ...

    def __len__(self) -> int: ...

    def radiograph(self, index: int) -> Radiograph:
        """The pixels."""
        ...

    def landmarks(self, index: int) -> Landmarks:
        """The true landmarks, in pixels of the radiograph."""
        ...


class OpenedData:
    """Data that was opened.

    Attributes:
        source: Radiographs and landmarks.
        validation: Names of the radiographs that the data itself, or a list, holds out.
        notes: What the user should know of it.
    """

    def __init__(self, source: TrainingSource, validation: Sequence[str], notes: Sequence[str]) -> None:
        self.source, self.validation, self.notes = source, tuple(validation), tuple(notes)

    def record(self, request: DataRequest) -> dict[str, Any]:
        """What the card of a model says about it."""
        own = {} if request.layout == "table" else {"split": training_split(request)}
        return {
            "dataset": request.layout,
            **own,
            "observer": request.observer,
            "radiographs": list(self.source.ids),
        }


def find_layout(folder: Path) -> Layout:
    """Tell which layout a folder has.

    Raises:
        InvalidInputError: There is no such folder.
    """
    kind = recognise(folder)
    return "table" if kind is None else cast("Layout", kind.name)


def training_split(request: DataRequest) -> str:
    """The part of a published data set that a request means."""
    return request.split or dataset_kind(request.layout).training_split


def open_data(request: DataRequest) -> OpenedData:
    """Open the data of a run.

    Raises:
        FarnetError: As `farnet.datasets.named.open_dataset` and `farnet.datasets.table.RadiographTable`; the list of
            radiographs to hold out cannot be read; or a radiograph that should be left out is not there.
    """
    from farnet.datasets.table import read_names

    source: TrainingSource
    validation: Sequence[str]
    if request.layout == "table":
        source, validation, notes = _open_table(request)
        names = request.exclude
    else:
        data = open_dataset(request.layout, request.folder, split=training_split(request), observer=request.observer)
        twins = data.duplicates
        notes = [f"Also in the training split under another number: {', '.join(twins)}"] if twins else []
        notes += getattr(data, "notes", ())
        for what in ("without_image", "without_landmarks"):
            if names_of := getattr(data, what, ()):
                notes.append(f"Left out, {what.replace('_', ' ')}: {len(names_of)} radiographs of the split")
        source, validation, names = data, (), excluded_names(request.exclude, data)
    if names:
        source = _Rest(source, names)
        validation = [name for name in validation if name not in names]
        notes.append(f"Left out as asked for: {len(names)} radiographs")
    if request.validation is not None:
        validation = read_names(request.validation, source.ids)
    return OpenedData(source, validation, notes)


class _Rest:
    """What is left of a source without some radiographs."""

    def __init__(self, source: TrainingSource, without: Sequence[str]) -> None:
        missing = [name for name in without if name not in source.ids]
        if missing:
            raise InvalidInputError(f"Radiographs to leave out are not in the data: {', '.join(missing[:5])}.")
        self._source = source
        self._kept = [index for index, name in enumerate(source.ids) if name not in set(without)]
        self.scheme = source.scheme
        self.ids = tuple(source.ids[index] for index in self._kept)
        persons: Sequence[str] = getattr(source, "subjects", source.ids)
        self.subjects = tuple(persons[index] for index in self._kept)

    def __len__(self) -> int:
        return len(self.ids)

    def radiograph(self, index: int) -> Radiograph:
        return self._source.radiograph(self._kept[index])

    def landmarks(self, index: int) -> Landmarks:
        return self._source.landmarks(self._kept[index])


def _open_table(request: DataRequest) -> tuple[TrainingSource, Sequence[str], list[str]]:
    from farnet.datasets.table import RadiographTable
    from farnet.evaluation.pairing import listed
    from farnet.formats import read_labels

    scheme = None if request.scheme is None else load_scheme(request.scheme)
    labels = None if request.labels is None else read_labels(request.labels)
    table = RadiographTable(
        request.folder, request.annotations, scheme=scheme, observer=request.observer, labels=labels
    )
    notes = []
    if table.without_landmarks:
        notes.append(f"Left out, without landmarks: {listed(table.without_landmarks)}")
    if table.without_radiograph:
        notes.append(f"Left out, landmarks without a radiograph: {listed(table.without_radiograph)}")
    return table, table.validation, notes
