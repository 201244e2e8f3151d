"""Going from radiograph to radiograph: through a folder, or through the stack that a layer holds."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from farnet.corrections import Corrections
from farnet.errors import InvalidInputError
from napari_farnet.correct.folder import FolderLayers
from napari_farnet.threads import apart

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer
    from qtpy.QtWidgets import QWidget

    from farnet.scheme import LandmarkScheme
    from napari_farnet.correct.subject import Subject

__all__ = ["Rounds"]


class Rounds:
    """Which radiographs there are to go through, and where we are.

    Args:
        viewer: Where they are shown.

    Attributes:
        folder: The folder that is gone through; None without.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self.folder: FolderLayers | None = None

    def open(
        self,
        folder: Path | str,
        predictions: Path | str | None,
        scheme: LandmarkScheme | None,
        fallback: LandmarkScheme,
        busy: QWidget,
    ) -> int:
        """Open a folder; gives the radiograph to begin with.

        Args:
            folder: It holds radiographs.
            predictions: A file of landmarks; None for ``landmarks.csv`` of the folder, if it is there.
            scheme: The scheme of the landmarks; None for that of the predictions.
            fallback: The scheme where there are no predictions to tell it.
            busy: Cannot be used while a large folder is listed.

        Raises:
            FarnetError: As `Corrections.open`.
        """
        predicted = predictions is not None or (Path(folder) / "landmarks.csv").is_file()
        given = scheme if scheme is not None or predicted else fallback
        corrections = apart(partial(Corrections.open, folder, predictions=predictions, scheme=given), busy)
        self.close()
        self.folder = FolderLayers(self._viewer, corrections)
        return self.folder.walk.first_unfinished()

    def close(self) -> None:
        """Leave the folder; its layers stay in the viewer."""
        folder, self.folder = self.folder, None
        if folder is not None:
            folder.walk.close()

    def in_folder(self, layer: Layer | None) -> bool:
        """Whether a layer is that of the folder's landmarks."""
        return self.folder is not None and layer is not None and layer == self.folder.points

    def names(self, subject: Subject | None) -> tuple[list[str] | None, int]:
        """The radiographs to go through, and the number of the one that is shown; None where there is but one."""
        if self.folder is not None and subject is not None and self.in_folder(subject.layer):
            return self.folder.names, self.folder.walk.number
        if subject is None or len(subject.session.record.indices) < 2:
            return None, 0
        record = subject.session.record
        names = [item.radiograph or str(at) for item, at in zip(record.landmarks, record.indices, strict=True)]
        return names, record.indices.index(subject.index) if subject.index in record.indices else 0

    def export(self, path: Path | str) -> int:
        """Write all corrections of the folder into one file; gives the number of radiographs.

        Raises:
            InvalidInputError: If no folder is open, or it has no corrections.
            OutputError: If the file cannot be written.
        """
        if self.folder is None:
            raise InvalidInputError("No folder is open, so there are no corrections to write. Press Folder first.")
        return self.folder.walk.corrections.merged(path)
