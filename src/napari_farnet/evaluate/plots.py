"""SDR curves and box plots that answer the mouse. pyqtgraph is imported when the first plot is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QShowEvent

    from farnet.evaluation.curves import Box, SDRCurves

__all__ = ["BoxPlot", "CurvePlot", "Ink"]

_BOX = 0.32  # half of a box's height, where the distance of two boxes is 1
_CAP = 0.16
_NEAR = 12  # px around an outlier in which a click is meant for it


@dataclass(frozen=True)
class Ink:
    """Colours of a theme, as "#rrggbb": paper, text, faint lines, and further ones for curves."""

    paper: str = "#ffffff"
    text: str = "#202020"
    faint: str = "#909090"
    curves: tuple[str, ...] = ("#1f6fb4", "#c8501e", "#3a8f3a", "#8455b8", "#b8860b", "#c23b78")


class _Plot(QWidget):
    """A plot that is made when it is first seen, and drawn anew when what it shows, or the theme, changes."""

    def __init__(self, tooltip: str) -> None:
        super().__init__()
        self.setToolTip(tooltip)
        self._ink = Ink()
        self.plot: Any = None
        self._stale = True
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._empty = QLabel("Nothing has been evaluated yet.")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._column.addWidget(self._empty)

    def set_ink(self, ink: Ink) -> None:
        """Use the colours of a theme."""
        self._ink = ink
        self._redraw()

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802
        """Make the plot, the first time, and draw what has changed since it was last seen."""
        super().showEvent(event)
        if self._stale:
            self._redraw()

    def _redraw(self) -> None:
        self._stale = not self.isVisible()
        if self._stale:
            return
        self._empty.setVisible(not self._has_content())
        if not self._has_content():
            if self.plot is not None:
                self.plot.hide()
            return
        if self.plot is None:
            self.plot = self._make()
            self._column.addWidget(self.plot, 1)
        self.plot.show()
        self.plot.clear()
        self.plot.setBackground(self._ink.paper)
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(self._ink.faint)
            axis.setTextPen(self._ink.text)
        self._draw()

    def _make(self) -> Any:
        import pyqtgraph

        plot = pyqtgraph.PlotWidget(antialias=True)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setMinimumHeight(180)
        plot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)  # it takes what room there is
        plot.scene().sigMouseClicked.connect(self._on_click)
        return plot

    def _has_content(self) -> bool:
        raise NotImplementedError

    def _draw(self) -> None:
        raise NotImplementedError

    def _on_click(self, event: Any) -> None:
        raise NotImplementedError

    def _label(self, side: str, text: str) -> None:
        self.plot.setLabel(side, text, color=self._ink.text)

    def _pen(self, colour: str, width: float = 1.0, style: Any = Qt.PenStyle.SolidLine) -> Any:
        import pyqtgraph

        return pyqtgraph.mkPen(colour, width=width, style=style)


class CurvePlot(_Plot):
    """Successful detection rate over the radius, a bold curve for each comparison, a thin one for the landmark."""

    def __init__(self) -> None:
        super().__init__(
            "How many landmarks lie within which error. A curve that rises earlier is better; it stays below 100 % "
            "where landmarks were missed. Dashed lines are the radii above. Drag to move, turn the wheel to zoom."
        )
        self._curves: list[tuple[str, SDRCurves]] = []
        self._radii: tuple[float, ...] = ()
        self._landmark: int | None = None

    def show_curves(self, curves: Sequence[tuple[str, SDRCurves]], radii: Sequence[float]) -> None:
        """Show curves with what each is called, and mark radii."""
        self._curves, self._radii, self._landmark = list(curves), tuple(radii), None
        self._redraw()

    def choose(self, landmark: int | None) -> None:
        """Show the curve of one landmark too; None shows that of all alone."""
        if landmark != self._landmark:
            self._landmark = landmark
            self._redraw()

    def _has_content(self) -> bool:
        return bool(self._curves)

    def _draw(self) -> None:
        import pyqtgraph

        item = self.plot.getPlotItem()
        if item.legend is not None:
            item.legend.clear()
        else:
            item.addLegend(offset=(-10, -10))
        item.legend.setLabelTextColor(self._ink.text)
        unit = self._curves[0][1].unit
        self._label("left", "SDR (%)")
        self._label("bottom", f"radius ({unit})")
        faint = self._pen(self._ink.faint, style=Qt.PenStyle.DashLine)
        for place, radius in enumerate(self._radii):
            height = 0.96 - 0.05 * (place % 2)  # neighbours do not write over each other
            self.plot.addItem(
                pyqtgraph.InfiniteLine(
                    radius,
                    pen=faint,
                    label=f"{radius:g}",
                    labelOpts={"position": height, "color": self._ink.text, "movable": False},
                )
            )
        for place, (name, curves) in enumerate(self._curves):
            colour = self._ink.curves[place % len(self._ink.curves)]
            pen = self._pen(colour, 2.5)
            self.plot.plot(curves.radii, curves.pooled, pen=pen, name=_cut(name), connect="finite")
            if self._landmark is not None:
                thin = self._pen(colour, 1.5, Qt.PenStyle.DotLine)
                values = curves.per_landmark[self._landmark]
                self.plot.plot(
                    curves.radii, values, pen=thin, name=_cut(curves.names[self._landmark]), connect="finite"
                )
        item.setLimits(xMin=0.0, yMin=0.0, yMax=103.0)
        item.setXRange(0.0, float(self._curves[0][1].radii[-1]), padding=0.0)
        item.setYRange(0.0, 102.0, padding=0.0)

    def _on_click(self, event: Any) -> None:
        """A curve is of many radiographs: there is none to open."""


class BoxPlot(_Plot):
    """A box for each landmark, with the single errors beyond its whiskers as points."""

    outlier_chosen = Signal(int, int)
    """Row of the errors and number of the landmark of the point that was clicked."""
    landmark_chosen = Signal(int)
    """The landmark whose box was clicked."""

    def __init__(self) -> None:
        super().__init__(
            "The box holds the middle half of a landmark's errors, with a line at the median; whiskers reach 1.5 times "
            "as far. Click a point beyond them to open that radiograph, or a box for the worst one of the landmark."
        )
        self._boxes: list[Box] = []
        self._unit = ""
        self._radii: tuple[float, ...] = ()
        self._chosen: int | None = None

    def show_boxes(self, boxes: Sequence[Box], radii: Sequence[float], unit: str) -> None:
        """Show boxes, and mark radii."""
        self._boxes, self._radii, self._unit, self._chosen = list(boxes), tuple(radii), unit, None
        self._redraw()

    def choose(self, landmark: int | None) -> None:
        """Mark the box of a landmark."""
        if landmark != self._chosen:
            self._chosen = landmark
            self._redraw()

    def click(self, x: float, y: float, reach: tuple[float, float] = (0.0, 0.0)) -> None:
        """Take a click at an error and a height of the plot; `reach` is how near a point it may be."""
        landmark = round(-y)
        if not 0 <= landmark < len(self._boxes):
            return
        near = [
            (abs(outlier.error - x), outlier.index)
            for outlier in self._boxes[landmark].outliers
            if abs(outlier.error - x) <= reach[0] and abs(-y - landmark) <= max(reach[1], _BOX)
        ]
        if near:
            self.outlier_chosen.emit(min(near)[1], landmark)
        elif self._boxes[landmark].n:
            self.landmark_chosen.emit(landmark)

    def _has_content(self) -> bool:
        return bool(self._boxes)

    def _draw(self) -> None:
        import pyqtgraph

        self._label("bottom", f"radial error ({self._unit})")
        axis = self.plot.getAxis("left")
        axis.setTicks([[(-k, _cut(box.name, 24)) for k, box in enumerate(self._boxes)]])
        for radius in self._radii:
            self.plot.addItem(
                pyqtgraph.InfiniteLine(radius, pen=self._pen(self._ink.faint, style=Qt.PenStyle.DashLine))
            )
        for k, box in enumerate(self._boxes):
            if box.n:
                self._draw_box(-float(k), box, chosen=k == self._chosen)
        spots = [(outlier.error, -float(k)) for k, box in enumerate(self._boxes) for outlier in box.outliers]
        if spots:
            points = pyqtgraph.ScatterPlotItem(
                pos=np.array(spots), size=7, pen=self._pen(self._ink.curves[1], 1.5), brush=None, hoverable=True
            )
            points.opts["tip"] = None
            self.plot.addItem(points)
        most = max((box.outliers[0].error if box.outliers else box.high for box in self._boxes if box.n), default=1.0)
        item = self.plot.getPlotItem()
        item.setLimits(xMin=0.0)
        item.setXRange(0.0, 1.03 * most, padding=0.0)
        item.setYRange(0.6 - len(self._boxes), 0.6, padding=0.0)

    def _draw_box(self, y: float, box: Box, *, chosen: bool) -> None:
        pen = self._pen(self._ink.curves[0], 2.5 if chosen else 1.3)
        frame_x = [box.q1, box.q3, box.q3, box.q1, box.q1]
        frame_y = [y - _BOX, y - _BOX, y + _BOX, y + _BOX, y - _BOX]
        self.plot.plot(frame_x, frame_y, pen=pen)
        gap = np.nan
        x = [box.median, box.median, gap, box.low, box.q1, gap, box.q3, box.high]
        x += [gap, box.low, box.low, gap, box.high, box.high]
        ys = [y - _BOX, y + _BOX, gap, y, y, gap, y, y, gap, y - _CAP, y + _CAP, gap, y - _CAP, y + _CAP]
        self.plot.plot(x, ys, pen=pen, connect="finite")

    def _on_click(self, event: Any) -> None:
        view = self.plot.getPlotItem().getViewBox()
        if event.button() != Qt.MouseButton.LeftButton or not view.sceneBoundingRect().contains(event.scenePos()):
            return
        place, size = view.mapSceneToView(event.scenePos()), view.viewPixelSize()
        self.click(place.x(), place.y(), (_NEAR * size[0], _NEAR * size[1]))


def _cut(text: str, longest: int = 28) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}\N{HORIZONTAL ELLIPSIS}"
