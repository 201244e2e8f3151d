"""Other peaks of a landmark's heatmap, shown as ghosts: places where the network would have put it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_farnet.placement import Placement
from napari_farnet.record import METADATA_KEY

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer, Points
    from numpy.typing import NDArray

    from napari_farnet.record import Index

__all__ = ["Ghosts", "restore_selection"]

_NAME = "other peaks"
_COLOUR = "#ff9f1a"


class Ghosts:
    """A layer of rings that a viewer has at most once, and only when there is something to show."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layer: Points | None = None

    def show(self, points: NDArray[np.float64], index: Index, beside: Points) -> None:
        """Show points (P, 2) of the radiograph at `index`, as large as those of the layer of landmarks."""
        if not len(points):
            self.hide()
            return
        rows = np.hstack([np.tile(np.array(index, np.float64), (len(points), 1)), points])
        if self._layer is None or self._layer not in self._viewer.layers:
            self._layer = self._make(rows, beside)
        else:
            # Setting what is so already would draw it anew all the same.
            if not np.array_equal(self._layer.data, rows):
                self._layer.data = rows
            placement = Placement.of(beside)
            if Placement.of(self._layer).to_json() != placement.to_json():
                for name, value in placement.keywords().items():
                    setattr(self._layer, name, value)
            if not self._layer.visible:
                self._layer.visible = True

    def hide(self) -> None:
        """Show none; the layer stays, to be quick the next time."""
        if self._layer is not None and self._layer in self._viewer.layers and self._layer.visible:
            self._layer.visible = False

    def remove(self) -> None:
        """Take the layer out of the viewer."""
        layer, self._layer = self._layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _make(self, rows: NDArray[np.float64], beside: Points) -> Points:
        from napari.layers import Layer as AnyLayer

        active, selection = self._viewer.layers.selection.active, set(self._viewer.layers.selection)
        keywords = {
            "name": _NAME,
            "face_color": "transparent",
            "border_color": _COLOUR,
            "border_width": 0.2,
            "symbol": "disc",
            "size": float(np.max(beside.size, initial=1.0)) * 1.3,
            "canvas_size_limits": tuple(1.3 * limit for limit in beside.canvas_size_limits),
            "metadata": {METADATA_KEY: {"kind": "ghosts"}},
            **Placement.of(beside).keywords(),
        }
        layer = AnyLayer.create(rows, keywords, "points")
        layer.editable = False
        below = self._viewer.layers.index(beside)
        self._viewer.layers.insert(below, layer)
        restore_selection(self._viewer, selection, active)
        return layer


def restore_selection(viewer: ViewerModel, selection: set[Layer], active: Layer | None) -> None:
    """Select the layers that were selected before a layer was added, which napari selects."""
    viewer.layers.selection = {layer for layer in selection if layer in viewer.layers}
    if active is not None and active in viewer.layers:
        viewer.layers.selection.active = active
