"""Curves of a training: loss and error by epoch. pyqtgraph is imported when there is something to show."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_farnet.ui.widgets import hint

if TYPE_CHECKING:
    from collections.abc import Callable

    from farnet.training.progress import Event

__all__ = ["Curves"]

# Seen on a dark and on a light ground, and told apart by those who see no red or green.
_TRAINING, _HELD_OUT = "#3b8fd4", "#e07b28"
_HEIGHT = 150


class Curves(QWidget):
    """Loss (training and held out) above, mean radial error of the radiographs held out below.

    Args:
        text: Colour of axes and labels.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self._epochs: list[int] = []
        self._values: dict[str, list[float]] = {"train_loss": [], "validation_loss": [], "mre": []}
        self._lines: dict[str, Any] = {}
        self._plots: list[Any] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.setToolTip(
            "Above: what the training makes smaller, on the radiographs that it learns from (blue) and on those held "
            "out (orange). Below: the mean distance from the true landmarks on the radiographs held out. Drag to move, "
            "wheel to zoom, right-click for more."
        )
        legend = hint()
        legend.setText("Blue: training. Orange: radiographs held out.")
        column.addWidget(legend)
        self.hide()

    @property
    def epochs(self) -> list[int]:
        """The epochs that are drawn."""
        return list(self._epochs)

    def values(self, name: str) -> list[float]:
        """What is drawn of "train_loss", "validation_loss" or "mre"; NaN where nothing is known."""
        return list(self._values[name])

    def clear(self) -> None:
        """Begin anew."""
        self._epochs = []
        for values in self._values.values():
            values.clear()
        for line in self._lines.values():
            line.setData([], [])
        self.hide()

    def add(self, event: Event) -> None:
        """Draw one more epoch; one that a resumed training repeats takes the place of the old one."""
        epoch = int(event["epoch"])
        while self._epochs and self._epochs[-1] >= epoch:
            self._epochs.pop()
            for values in self._values.values():
                values.pop()
        self._epochs.append(epoch)
        for name, values in self._values.items():
            value = event.get(name)
            values.append(float("nan") if value is None else float(value))
        if not self._plots:
            self._build()
        self._plots[1].setLabel("left", f"MRE ({event.get('unit', 'px')})")
        for name, line in self._lines.items():
            line.setData(self._epochs, self._values[name], connect="finite")
        self.show()

    def set_text_colour(self, text: str) -> None:
        """Draw axes and labels in another colour, for another theme."""
        self._text = text
        for plot in self._plots:
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(text)
                axis.setTextPen(text)

    def _build(self) -> None:
        import pyqtgraph as pg

        layout = self.layout()
        assert layout is not None
        for labels in (("Loss", ""), ("MRE", "Epoch")):
            plot = pg.PlotWidget(background=None)
            plot.setFixedHeight(_HEIGHT)
            plot.setLabel("left", labels[0])
            if labels[1]:
                plot.setLabel("bottom", labels[1])
            plot.showGrid(y=True, alpha=0.25)
            plot.getAxis("left").enableAutoSIPrefix(False)
            plot.getAxis("bottom").enableAutoSIPrefix(False)
            layout.addWidget(plot)
            plot.getAxis("bottom").tickValues = partial(_whole_ticks, plot.getAxis("bottom").tickValues)
            self._plots.append(plot)
        for name, plot, colour in (
            ("train_loss", self._plots[0], _TRAINING),
            ("validation_loss", self._plots[0], _HELD_OUT),
            ("mre", self._plots[1], _HELD_OUT),
        ):
            pen = pg.mkPen(colour, width=2)
            self._lines[name] = plot.plot([], [], pen=pen, symbol="o", symbolSize=5, symbolBrush=colour, symbolPen=None)
        self.set_text_colour(self._text)


def _whole_ticks(ticks: Callable[..., list[Any]], *place: float) -> list[Any]:
    """The ticks of an axis that stand at whole numbers: there are no half epochs."""
    return [(step, [value for value in values if value == round(value)]) for step, values in ticks(*place)]
