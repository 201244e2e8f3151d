"""A ruler laid on a radiograph: two clicks, which napari's own tool for points takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_farnet.placement import Placement
from napari_farnet.record import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image, Points
    from numpy.typing import NDArray

__all__ = ["Ruler"]

_NAME = "Ruler"
_ENDS = 2
_COLOUR = "#ffff4d"


class Ruler:
    """The two ends of a ruler, in a points layer that is there only for that.

    Escape on the canvas, removing the layer, and `close` end it; the layer that was active is active again.

    Args:
        viewer: The viewer.
        image: The radiograph that is measured.
        changed: Called when an end was set or moved.
        cancelled: Called when the user has ended it.
    """

    def __init__(
        self, viewer: ViewerModel, image: Image, changed: Callable[[], None], cancelled: Callable[[], None]
    ) -> None:
        from napari.layers import Points as PointsLayer

        self._viewer, self._changed, self._cancelled = viewer, changed, cancelled
        self.image = image
        self._active = viewer.layers.selection.active
        rows = image.extent.data[1][-2] - image.extent.data[0][-2] + 1
        self._layer: Points | None = PointsLayer(
            ndim=image.ndim,
            name=_NAME,
            symbol="cross",
            face_color=_COLOUR,
            border_color="black",
            size=float(rows) / 50,
            canvas_size_limits=(12, 24),
            metadata={METADATA_KEY: {"kind": "ruler"}},
            **Placement.of(image).keywords(),
        )
        viewer.add_layer(self._layer)
        self._layer.mode = "add"
        self._layer.events.data.connect(self._on_data)
        self._layer.bind_key("Escape", lambda _layer: self._cancelled(), overwrite=True)
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def ends(self) -> NDArray[np.float64]:
        """(N, 2) the ends that are set, N at most 2: row, column in pixels of the image."""
        return np.empty((0, 2)) if self._layer is None else np.array(self._layer.data[:_ENDS, -2:], np.float64)

    def settle(self) -> None:
        """Keep two ends at most, and let them be moved once both are set; not to be called while napari adds one."""
        layer = self._layer
        if layer is None:
            return
        if len(layer.data) > _ENDS:
            layer.data = layer.data[:_ENDS]
        if len(layer.data) == _ENDS and layer.mode == "add":
            layer.mode = "select"
        elif len(layer.data) < _ENDS and layer.mode == "select":
            layer.mode = "add"

    def close(self) -> None:
        """Take the ruler away; doing it twice is harmless."""
        layer, self._layer = self._layer, None
        if layer is None:
            return
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        layer.events.data.disconnect(self._on_data)
        if layer in self._viewer.layers:
            self._viewer.layers.remove(layer)
        if self._active is not None and self._active in self._viewer.layers:
            self._viewer.layers.selection.active = self._active

    def _on_data(self, event: Any) -> None:
        if str(event.action) in ("added", "changed", "removed"):
            self._changed()

    def _on_removed(self, event: Any) -> None:
        if self._layer is not None and (event.value == self._layer or event.value == self.image):
            self._cancelled()
