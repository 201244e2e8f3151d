"""Two layers whose points are followed while one is dragged: the vectors move along, and one line tells the error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from farnet.errors import FarnetError
from napari_farnet.evaluate.sides import rows_of
from napari_farnet.live import follow_points

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Points
    from numpy.typing import NDArray

    from farnet.scheme import LandmarkScheme
    from farnet.spacing import Spacing
    from napari_farnet.record import Index

__all__ = ["Following"]

_SETTLED_MS = 150  # without a movement, after which the table is worth calculating anew


class Following(QObject):
    """Follows the points of one radiograph in two layers.

    Attributes:
        predicted: The layer that is measured.
        reference: The layer that counts as true.
        scheme: Their landmarks.
        index: The radiograph of the stack that is followed.
    """

    moved = Signal()
    """At each step of a drag, and after any other change."""
    settled = Signal()
    """Nothing has moved for a moment."""

    def __init__(self, predicted: Points, reference: Points, scheme: LandmarkScheme) -> None:
        super().__init__()
        self.predicted, self.reference, self.scheme = predicted, reference, scheme
        self.index: Index = ()
        self._spacing: Spacing | None = None
        self._rows: list[NDArray[np.intp]] = []
        self._counts: list[int] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLED_MS)
        self._timer.timeout.connect(self.settled.emit)
        self._stops: list[Callable[[], None]] = [
            follow_points(layer, self._on_moved) for layer in (predicted, reference)
        ]

    @property
    def spacing(self) -> Spacing | None:
        """Millimetres per pixel of the radiograph; None for px."""
        return self._spacing

    def look_at(self, index: Index, spacing: Spacing | None) -> None:
        """Follow the points of this radiograph.

        Raises:
            FarnetError: If a point of it has no name, or a wrong one.
        """
        self.index, self._spacing = index, spacing
        layers = (self.predicted, self.reference)
        self._counts = [len(layer.data) for layer in layers]
        self._rows = [rows_of(layer, self.scheme, index) for layer in layers]

    def points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(K, 2) of the prediction and of the reference, as they are now; NaN = absent."""
        found = []
        for layer, rows in zip((self.predicted, self.reference), self._rows, strict=True):
            points = np.full((len(self.scheme), 2), np.nan)
            points[rows >= 0] = layer.data[rows[rows >= 0], -2:]
            found.append(points)
        return found[0], found[1]

    def errors(self) -> NDArray[np.float64]:
        """(K,) radial errors as they are now, NaN where there is none."""
        predicted, reference = self.points()
        step = (predicted - reference) * (self._spacing or (1.0, 1.0))
        return np.hypot(step[:, 0], step[:, 1])

    def held(self) -> list[int]:
        """The landmarks that are selected in either layer."""
        found = set()
        for layer, rows in zip((self.predicted, self.reference), self._rows, strict=True):
            chosen = set(layer.selected_data)
            found |= {k for k, row in enumerate(rows) if int(row) in chosen}
        return sorted(found)

    def stop(self) -> None:
        """Follow no more; doing it twice is harmless."""
        self._timer.stop()
        for stop in self._stops:
            stop()

    def _on_moved(self) -> None:
        if self._counts != [len(layer.data) for layer in (self.predicted, self.reference)]:
            try:
                self.look_at(self.index, self._spacing)
            except FarnetError:
                self._timer.start()  # a point has no name yet; the evaluation that follows says so
                return
        self.moved.emit()
        self._timer.start()
