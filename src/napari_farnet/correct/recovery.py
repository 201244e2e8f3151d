"""Saving of corrections behind the user's back: soon after each change, and again until it has worked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_farnet.correct.copies import store_copy
from napari_farnet.correct.unsaved import Unsaved, flush_all, orphaned
from napari_farnet.ending import before_the_end

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Points

    from napari_farnet.session import LandmarkSession

__all__ = ["Recovery"]

_DELAY_MS = 400  # after a change
_QUICK = 0.1  # s that a write may take for one change to wait for it


class Recovery(QObject):
    """Writes what was corrected a moment after it was, so that at most the last change is ever missing on the disk.

    Args:
        parent: Its timer lives as long.

    Attributes:
        unsaved: What is still to be written.
    """

    failed = Signal(object)
    """A write failed, for this reason (an exception); it was not the last try."""
    changed = Signal()
    """More or less is unsaved than before."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.unsaved = Unsaved()
        for other in orphaned():
            self.unsaved.adopt(other)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self.flush)
        before_the_end(flush_all)

    def later(self, owner: object, write: Callable[[], object]) -> None:
        """Call `write` soon, and again if it fails; it takes the place of what was to be called for this owner."""
        waiting = owner in self.unsaved and not self.unsaved.failed
        self.unsaved.put(owner, write)
        if waiting and self.unsaved.seconds < _QUICK:
            self.flush()
        elif not self._timer.isActive():
            self._timer.start()

    def keep(self, layer: Points, session: LandmarkSession) -> None:
        """Keep a copy of a layer soon."""
        self.later(layer, partial(store_copy, layer, session))

    def flush(self) -> bool:
        """Write now what is still to be written.

        Returns:
            Whether all of it is written. What is not stays to be written, and `failed` has said why.
        """
        self._timer.stop()
        before = len(self.unsaved.failed)
        errors = self.unsaved.flush()
        if before or errors:
            self.changed.emit()
        for error in errors:
            self.failed.emit(error)
        return not self.unsaved

    def drop(self, owner: object) -> None:
        """There is nothing left to write for an owner."""
        self.unsaved.drop(owner)
        self.changed.emit()
