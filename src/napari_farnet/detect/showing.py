"""A result comes into the viewer bit by bit, so that the viewer never hangs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.components import ViewerModel

    from napari_farnet.layers import LayerData

__all__ = ["PAUSE_MS", "Showing", "show_result"]

PAUSE_MS = 15  # in which the viewer draws and hears the mouse


class Showing:
    """Takes steps, one in each turn of the event loop.

    Attributes:
        done: Whether all steps were taken, or one of them failed.
    """

    def __init__(self, steps: Iterator[None]) -> None:
        self._steps = steps
        self.done = False
        self._go_on()

    def _go_on(self) -> None:
        more = False
        try:
            more = next(self._steps, self) is not self
        finally:
            self.done = not more
        if more:
            QTimer.singleShot(PAUSE_MS, self._go_on)


def show_result(viewer: ViewerModel, heatmaps: LayerData | None, landmarks: LayerData) -> Showing:
    """Begin to add the heatmaps (None without) and the landmarks of a detection to a viewer."""
    return Showing(_steps(viewer, heatmaps, landmarks))


def _steps(viewer: ViewerModel, heatmaps: LayerData | None, landmarks: LayerData) -> Iterator[None]:
    """Add what a detection found, pausing after everything that takes napari a while.

    Building what draws a layer takes as long as drawing it for the first time; a layer that comes in hidden does both
    in turns of their own.
    """
    from napari.layers import Layer

    from napari_farnet.session import follow

    maps = None
    if heatmaps is not None:
        maps = Layer.create(heatmaps[0], heatmaps[1] | {"visible": False}, heatmaps[2])
        viewer.add_layer(maps)
        yield
        maps.visible = True
        yield
    data, keywords, kind = landmarks
    text = keywords.pop("text")
    points = Layer.create(data, keywords | {"visible": False}, kind)
    session = follow(points)
    viewer.add_layer(points)
    yield
    points.visible = True
    yield
    points.text = text
    points.mode = "select"
    yield
    if session is not None:
        session.show_colour_bar()
        if maps is not None:
            session.show_heatmaps_in(maps)
