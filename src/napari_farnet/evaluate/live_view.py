"""What moves while a point is dragged: the error vectors, and the line that tells the error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from farnet.errors import FarnetError
from napari_farnet.evaluate.following import Following
from napari_farnet.placement import Placement
from napari_farnet.ui.layer_choice import layer_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari.components import ViewerModel
    from napari.layers import Layer, Points

    from farnet.landmarks import Landmarks
    from farnet.spacing import Spacing
    from napari_farnet.evaluate.vectors import ErrorVectors
    from napari_farnet.record import Index

__all__ = ["LiveView"]

_ROWS = 1000  # height of a radiograph that is not known, for the width of the arrows


class LiveView(QObject):
    """Keeps vectors and the line of errors true to two layers.

    Args:
        viewer: Whose slider says which radiograph is looked at.
        vectors: The layer of errors.
        say: Shows the line.
    """

    settled = Signal()
    """Nothing has moved for a moment after a change."""

    def __init__(self, viewer: ViewerModel, vectors: ErrorVectors, say: Callable[[str], None]) -> None:
        super().__init__()
        self._viewer, self._vectors, self._say = viewer, vectors, say
        self.following: Following | None = None
        self._spacing: Mapping[Index, Spacing | None] = {}
        self._rows, self._limit, self._unit, self._arrows = _ROWS, 1.0, "px", True

    def follow(
        self,
        predicted: Points,
        reference: Points,
        landmarks: Landmarks,
        spacing: Mapping[Index, Spacing | None],
        *,
        limit: float,
        unit: str,
    ) -> None:
        """Follow two layers from now on.

        Args:
            predicted: What is measured.
            reference: What counts as true.
            landmarks: Any landmarks of theirs, for the scheme and the size of the radiograph.
            spacing: mm per pixel of each radiograph of the stack that both have; None for px.
            limit: The error whose colour is the last of the range.
            unit: "mm" or "px".
        """
        now = self.following
        same = now is not None and [layer_id(now.predicted), layer_id(now.reference)] == [
            layer_id(predicted),
            layer_id(reference),
        ]
        if not same:
            self.stop()
            self.following = Following(predicted, reference, landmarks.scheme)
            self.following.moved.connect(self._on_moved)
            self.following.settled.connect(self.settled.emit)
        self._spacing, self._limit, self._unit = spacing, limit, unit
        self._rows = _ROWS if landmarks.image_shape is None else landmarks.image_shape[0]
        self.on_slice()

    def follows(self, layer: Layer) -> bool:
        """Whether this is one of the two layers."""
        now = self.following
        return now is not None and layer_id(layer) in (layer_id(now.predicted), layer_id(now.reference))

    def show_arrows(self, wanted: bool) -> None:
        """Show the vectors, or do not."""
        self._arrows = wanted
        self.on_slice()

    def on_slice(self, _event: object = None) -> None:
        """Look at the radiograph that the viewer shows."""
        following = self.following
        if following is None:
            return
        try:
            index = _shown(following.reference, self._viewer, self._spacing)
            if index is None:
                self._vectors.remove()
                self._say("")
                return
            following.look_at(index, self._spacing[index])
        except FarnetError:
            return  # the evaluation says what is wrong with the layers
        if self._arrows:
            predicted, reference = following.points()
            self._vectors.show(
                reference,
                predicted,
                names=following.scheme.names,
                index=following.index,
                spacing=following.spacing,
                placement=Placement.of(following.reference),
                rows=self._rows,
                limit=self._limit,
            )
        self._tell(following)

    def stop(self) -> None:
        """Follow nothing any more."""
        if self.following is not None:
            self.following.stop()
            self.following = None

    def _on_moved(self) -> None:
        following = self.following
        if following is None:
            return
        if self._arrows:
            predicted, reference = following.points()
            self._vectors.move(reference, predicted, following.index, following.spacing)
        self._tell(following)

    def _tell(self, following: Following) -> None:
        errors = following.errors()
        known = errors[~np.isnan(errors)]
        parts = [f"{following.scheme.names[k]}: {errors[k]:.2f} {self._unit}" for k in following.held()[:3]]
        if known.size:
            parts.append(f"this radiograph: mean {known.mean():.2f} {self._unit}")
        self._say(", ".join(parts))


def _shown(layer: Points, viewer: ViewerModel, spacing: Mapping[Index, Spacing | None]) -> Index | None:
    """The radiograph of the layer that the viewer shows, if it is one of those compared."""
    if layer.ndim == 2:
        return ()
    point = np.asarray(viewer.dims.point, np.float64)[-layer.ndim :]
    index = tuple(int(i) for i in np.rint(np.asarray(layer.world_to_data(point))[: layer.ndim - 2]))
    return index if index in spacing else None
