"""The picture on the card of a landmark: where it is on an average radiograph, or in the mean shape of its scheme."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPalette, QPen, QPixmap
from qtpy.QtWidgets import QSizePolicy, QWidget

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qtpy.QtGui import QPaintEvent

    from farnet.scheme import LandmarkScheme

__all__ = ["Schematic", "mean_shape"]

_SIDE = 104  # px of the screen
_SHOWN = 0.42  # of the average radiograph's height: the landmark with the bones around it
_MARGIN = 0.08
_MARK = QColor("#ff5c33")
_RING, _DOT = 6.0, 2.0


class Schematic(QWidget):
    """Draws one landmark: on the average cephalogram from near by, in other schemes among the mean of all landmarks."""

    def __init__(self) -> None:
        super().__init__()
        self._scheme: LandmarkScheme | None = None
        self._k = -1
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.hide()

    def sizeHint(self) -> QSize:  # noqa: N802
        """A square."""
        return QSize(_SIDE, _SIDE)

    def show_landmark(self, scheme: LandmarkScheme | None, k: int) -> None:
        """Draw landmark k of a scheme; nothing is seen where nothing is known of how the scheme looks."""
        known = scheme is not None and 0 <= k < len(scheme) and mean_shape(scheme) is not None
        self._scheme, self._k = (scheme, k) if known else (None, -1)
        self.setVisible(known)
        if known and scheme is not None:
            name = scheme.names[k]
            self.setAccessibleName(f"Where {name} is")
            self.setToolTip(f"Where {name} is on an average radiograph. Other patients look different.")
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw it."""
        if self._scheme is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if _has_picture(self._scheme):
            self._paint_picture(painter)
        else:
            self._paint_shape(painter, self._scheme)
        painter.end()

    def _paint_picture(self, painter: QPainter) -> None:
        picture, points = _picture()
        row, column = points[self._k] + 0.5  # Qt measures from the corner of the first pixel
        shown = _SHOWN * picture.height()
        left = float(np.clip(column - shown / 2, 0, picture.width() - shown))
        top = float(np.clip(row - shown / 2, 0, picture.height() - shown))
        painter.drawPixmap(QRectF(self.rect()), picture, QRectF(left, top, shown, shown))
        zoom = self.width() / shown
        self._mark(painter, QPointF((column - left) * zoom, (row - top) * zoom))

    def _paint_shape(self, painter: QPainter, scheme: LandmarkScheme) -> None:
        mean = mean_shape(scheme)
        assert mean is not None, "only then is it shown"
        low, high = mean.min(axis=0), mean.max(axis=0)
        zoom = (1 - 2 * _MARGIN) * self.width() / float((high - low).max())
        places = [
            QPointF(self.width() / 2 + column, self.height() / 2 + row)
            for row, column in (mean - (low + high) / 2) * zoom
        ]
        faint = QColor(self.palette().color(QPalette.ColorRole.WindowText))
        faint.setAlphaF(0.45)
        painter.setPen(QPen(faint, 1.0))
        for first, second in scheme.links:
            painter.drawLine(places[first], places[second])
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(faint)
        for place in places:
            painter.drawEllipse(place, _DOT - 0.5, _DOT - 0.5)
        self._mark(painter, places[self._k])

    def _mark(self, painter: QPainter, place: QPointF) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(_MARK, 1.6))
        painter.drawEllipse(place, _RING, _RING)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_MARK)
        painter.drawEllipse(place, _DOT, _DOT)


def mean_shape(scheme: LandmarkScheme) -> NDArray[np.float64] | None:
    """The mean of the landmarks, (K, 2) row and column; None for a scheme of which none is known."""
    from farnet.shape import load_shape_model

    model = load_shape_model(scheme)
    return None if model is None else model.mean


def _has_picture(scheme: LandmarkScheme) -> bool:
    return bool(scheme.abbreviations == _sample_scheme().abbreviations)


@lru_cache
def _sample_scheme() -> LandmarkScheme:
    from farnet.scheme import load_scheme

    return load_scheme("cephalometric19")


@lru_cache
def _picture() -> tuple[QPixmap, NDArray[np.float64]]:
    """The average cephalogram and its landmarks."""
    from farnet.samples import average_cephalogram

    radiograph, landmarks = average_cephalogram()
    pixels = np.ascontiguousarray(radiograph.pixels)
    rows, columns = pixels.shape
    image = QImage(pixels.tobytes(), columns, rows, columns, QImage.Format.Format_Grayscale8)
    return QPixmap.fromImage(image.copy()), landmarks.points
