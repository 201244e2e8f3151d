"""Measurements drawn over the radiograph: their lines, with the values beside them, in a Shapes layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_farnet.placement import Placement
from napari_farnet.record import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from napari.components import ViewerModel
    from napari.layers import Layer, Shapes

    from farnet.measurement import MeasurementResult
    from farnet.measurement.quantities import Segment
    from napari_farnet.record import Index

__all__ = ["MeasurementLines", "Stroke", "strokes"]

Look = Literal["plain", "outside", "selected"]
Point = tuple[float, float]

_COLOURS: dict[Look, str] = {"plain": "#4db8ff", "outside": "#ffa033", "selected": "#ffff4d"}
_WIDTHS: dict[Look, float] = {"plain": 1.0, "outside": 1.0, "selected": 2.5}
_TEXT_COLOUR = "#f050f0"  # as far from black as from white, and from the lines
_THIN = 1 / 450  # of the longer side of the radiograph
_TEXT_POINTS = 9
_TEXT_ABOVE = 1 / 60  # above the line, of the longer side


@dataclass(frozen=True)
class Stroke:
    """One line to draw.

    Attributes:
        segment: From (row, column) to (row, column).
        label: What is written at its middle; mostly nothing.
        look: Colour and width.
    """

    segment: Segment
    label: str
    look: Look


def strokes(results: Sequence[MeasurementResult], selected: Collection[str] = ()) -> list[Stroke]:
    """Choose what to draw: each line once, and each value on one line of its measurement.

    Args:
        results: What was measured.
        selected: Names of the measurements that stand out; a line that several share stands out with any of them.
    """
    looks: dict[Segment, Look] = {}
    labels: dict[Segment, list[str]] = {}
    for result in results:
        look: Look = "plain"
        if result.name in selected:
            look = "selected"
        elif result.assessment not in ("", "inside"):
            look = "outside"
        for segment in result.segments:
            start, end = segment
            known = (end, start) if (end, start) in looks else segment
            looks[known] = _stronger(look, looks.get(known, "plain"))
            labels.setdefault(known, [])
    written: list[Point] = []
    # Those with the least choice first; with rows selected, only their values are written, and they are readable.
    for result in sorted(results, key=lambda item: len(item.segments)):
        if not result.segments or math.isnan(result.value) or (selected and result.name not in selected):
            continue
        own = [segment if segment in labels else (segment[1], segment[0]) for segment in result.segments]
        where = max(own, key=lambda segment: _room(segment, written))
        written.append(_middle(where))
        labels[where].append(f"{result.name} {result.value_text}{_unit(result.unit)}")
    return [Stroke(segment, "\n".join(labels[segment]), look) for segment, look in looks.items()]


class MeasurementLines:
    """The Shapes layer of one dock.

    Args:
        viewer: The viewer that the layer is in.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layer: Shapes | None = None
        self._drawn: list[Stroke] = []
        self._placement: Any = None

    @property
    def layer(self) -> Shapes | None:
        """The layer, where it is in the viewer."""
        if self._layer is not None and self._layer not in self._viewer.layers:
            self._layer = None
        return self._layer

    def draw(self, wanted: list[Stroke], index: Index, points: Layer, side: float) -> None:
        """Show these lines and no others.

        Args:
            wanted: What to draw; nothing takes the layer away.
            index: Where the radiograph is in the stack.
            points: The layer of the landmarks; the lines lie below it in the same place.
            side: Longer side of the radiograph in pixels, by which the width of a line goes.
        """
        if not wanted:
            self.remove()
            return
        data = [np.array([(*index, *end) for end in stroke.segment]) for stroke in wanted]
        placement = Placement.of(points).to_json()
        if self.layer is not None and placement != self._placement:
            self.remove()
        if self.layer is None:
            self._add(data, wanted, points, side)
        else:
            self._update(data, wanted, index, side)
        self._drawn, self._placement = list(wanted), placement

    def remove(self) -> None:
        """Take the layer out of the viewer."""
        if self.layer is not None:
            self._viewer.layers.remove(self._layer)
        self._layer = None

    def _update(self, data: list[Any], wanted: list[Stroke], index: Index, side: float) -> None:
        layer = self._layer
        assert layer is not None, "there is a layer to update"
        moved = [stroke.segment for stroke in wanted] != [stroke.segment for stroke in self._drawn]
        looks = [stroke.look for stroke in wanted]
        moved |= data[0].shape[1] > 2 and tuple(layer.data[0][0, :-2]) != index
        labels = [stroke.label for stroke in wanted]
        if moved or labels != [stroke.label for stroke in self._drawn]:
            # napari would draw everything anew at each of these steps; once is enough, and a drag waits for it.
            with layer.events.blocker_all(), layer.text.events.blocker_all(), layer.block_thumbnail_update():
                if moved:
                    layer.data = (data, ["line"] * len(data))
                layer.text.string = labels
            layer.refresh(extent=len(wanted) != len(self._drawn))
        if looks != [stroke.look for stroke in self._drawn]:
            layer.edge_color = [_COLOURS[look] for look in looks]
            layer.edge_width = [_WIDTHS[look] * _THIN * side for look in looks]

    def _add(self, data: list[Any], wanted: list[Stroke], points: Layer, side: float) -> None:
        from napari.layers import Shapes as ShapesLayer

        layer = ShapesLayer(
            data,
            shape_type="line",
            name=f"{points.name} measurements",
            edge_color=[_COLOURS[stroke.look] for stroke in wanted],
            edge_width=[_WIDTHS[stroke.look] * _THIN * side for stroke in wanted],
            text={
                "string": [stroke.label for stroke in wanted],
                "size": _TEXT_POINTS,
                "color": _TEXT_COLOUR,
                "translation": [*[0.0] * (data[0].shape[1] - 2), -_TEXT_ABOVE * side, 0.0],
            },
            opacity=1.0,
            metadata={METADATA_KEY: {"kind": "measurements"}},
            **Placement.of(points).keywords(),
        )
        layers = self._viewer.layers
        active = layers.selection.active
        layers.insert(layers.index(points), layer)
        layer.editable = False
        layers.selection.active = active
        self._layer = layer


def _stronger(one: Look, other: Look) -> Look:
    order: tuple[Look, ...] = ("plain", "outside", "selected")
    return max(one, other, key=order.index)


def _room(segment: Segment, written: list[Point]) -> float:
    """How far the middle of a line is from the texts that are written already, along its own length where none are."""
    if not written:
        return math.dist(*segment)
    middle = _middle(segment)
    return min(math.dist(middle, other) for other in written)


def _middle(segment: Segment) -> Point:
    (row, column), (other_row, other_column) = segment
    return (row + other_row) / 2, (column + other_column) / 2


def _unit(unit: str) -> str:
    return unit if unit in ("", "°") else f" {unit}"
