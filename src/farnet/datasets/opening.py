"""Data for a training, whatever its layout: which it is, and how to open it again when a run is resumed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from pydantic import BaseModel, ConfigDict, Field

from farnet.errors import InvalidInputError
from farnet.scheme import load_scheme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farnet.landmarks import Landmarks
    from farnet.radiograph import Radiograph
    from farnet.scheme import LandmarkScheme

__all__ = ["DataRequest", "Layout", "TrainingSource", "find_layout", "open_data"]

Layout = Literal["isbi2015", "table"]
"""The published folder of ISBI 2015, or any folder with files of landmarks."""


class DataRequest(BaseModel):
    """Which data a run is trained on; kept in the folder of the run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path
    layout: Layout
    split: str = Field(default="train", description="part of ISBI 2015: train, test1, test2 or all")
    observer: str = Field(default="mean", description="whose landmarks are the truth, or the mean of all")
    annotations: tuple[Path, ...] = Field(default=(), description="files of landmarks; found in the folder without")
    scheme: Path | None = Field(default=None, description="file of a scheme that is not bundled")
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
        own = {"split": request.split} if request.layout == "isbi2015" else {}
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
    if not folder.is_dir():
        raise InvalidInputError(
            f"There is no folder {folder}. Give the folder of the radiographs and their files of landmarks, or that of "
            "a data set such as ISBI 2015."
        )
    near = [folder, *(item for item in sorted(folder.iterdir()) if item.is_dir())]
    names = {item.name.casefold() for place in near for item in place.iterdir() if item.is_dir()}
    if folder.name.casefold() == "rawimage" or {"rawimage", "annotationsbymd"} <= names:
        return "isbi2015"
    return "table"


def open_data(request: DataRequest) -> OpenedData:
    """Open the data of a run.

    Raises:
        FarnetError: As `farnet.datasets.isbi2015.ISBI2015` and `farnet.datasets.table.RadiographTable`; or the list of
            radiographs to hold out cannot be read.
    """
    from farnet.datasets.table import read_names

    validation: Sequence[str]
    if request.layout == "isbi2015":
        from farnet.datasets.isbi2015 import ISBI2015, Observer, Split

        isbi = ISBI2015(request.folder, cast("Split", request.split), cast("Observer", request.observer))
        twins = isbi.duplicates
        notes = [f"Also in the training split under another number: {', '.join(twins)}"] if twins else []
        source: TrainingSource = isbi
        validation = ()
    else:
        source, validation, notes = _open_table(request)
    if request.validation is not None:
        validation = read_names(request.validation, source.ids)
    return OpenedData(source, validation, notes)


def _open_table(request: DataRequest) -> tuple[TrainingSource, Sequence[str], list[str]]:
    from farnet.datasets.table import RadiographTable
    from farnet.evaluation.pairing import listed

    scheme = None if request.scheme is None else load_scheme(request.scheme)
    table = RadiographTable(request.folder, request.annotations, scheme=scheme, observer=request.observer)
    notes = []
    if table.without_landmarks:
        notes.append(f"Left out, without landmarks: {listed(table.without_landmarks)}")
    if table.without_radiograph:
        notes.append(f"Left out, landmarks without a radiograph: {listed(table.without_radiograph)}")
    return table, table.validation, notes
