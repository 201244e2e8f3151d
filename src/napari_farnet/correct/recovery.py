"""Saving of corrections behind the user's back, and the offer to take them up again after a crash."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer

from farnet.autosave import Autosave, autosave_folder, key_of
from farnet.errors import FarnetError
from napari_farnet.placement import Placement
from napari_farnet.saved import SavedLayer

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Points

    from farnet.landmarks import Landmarks
    from napari_farnet.record import Index
    from napari_farnet.session import LandmarkSession

__all__ = ["Recovery"]

_DELAY_MS = 400  # after the last change


class Recovery(QObject):
    """Keeps a copy of what was corrected in a layer until the layer is saved.

    Args:
        parent: Its timer lives as long.
        failed: Called with what could not be written.
    """

    def __init__(self, parent: QObject, failed: Callable[[FarnetError], None]) -> None:
        super().__init__(parent)
        self._failed = failed
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self.flush)
        self._write: Callable[[], object] | None = None

    def later(self, write: Callable[[], object]) -> None:
        """Call `write` soon; it takes the place of what was to be called before."""
        self._write = write
        self._timer.start()

    def flush(self) -> None:
        """Call what is still to be called, now."""
        self._timer.stop()
        write, self._write = self._write, None
        if write is None:
            return
        try:
            write()
        except FarnetError as error:
            self._failed(error)

    def keep(self, layer: Points, session: LandmarkSession) -> None:
        """Keep a copy of a layer soon."""
        self.later(partial(_store, layer, session))

    def offer(self, session: LandmarkSession) -> str:
        """Describe the copy of this layer's radiographs, if there is one; an empty text where there is none."""
        when = Autosave(autosave_folder()).when(key_of(session.record.landmarks))
        if when is None:
            return ""
        return f"Corrections of this radiograph from {when.astimezone():%Y-%m-%d %H:%M} were never saved."

    def copy(self, session: LandmarkSession) -> list[tuple[Index, Landmarks]]:
        """Read the copy of a layer.

        Raises:
            AnnotationError: If it is damaged; it was then put aside.
        """
        record = session.record
        store = Autosave(autosave_folder())
        found = []
        for item in store.read(key_of(record.landmarks), record.landmarks[0]):
            layer, landmarks = SavedLayer.split_off(item, store.folder)
            found.append(((), landmarks) if layer is None else (layer.index, landmarks))
        return found

    def discard(self, session: LandmarkSession) -> None:
        """Delete the copy of a layer."""
        self._write = None
        Autosave(autosave_folder()).discard(key_of(session.record.landmarks))


def _store(layer: Points, session: LandmarkSession) -> None:
    placement = Placement.of(layer)
    record = session.record
    landmarks = [
        SavedLayer(str(layer.name), index, placement).add_to(session.review(index).to_landmarks())
        for index in record.indices
    ]
    Autosave(autosave_folder()).store(key_of(record.landmarks), landmarks)
