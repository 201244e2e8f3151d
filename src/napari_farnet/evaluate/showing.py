"""Bringing one radiograph of an evaluation before the eyes, with the two sets of landmarks and their errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_farnet.opening import add_landmarks, open_radiograph, zoom_to
from napari_farnet.placement import Placement

if TYPE_CHECKING:
    from pathlib import Path

    from napari.components import ViewerModel
    from napari.layers import Layer

    from farnet.landmarks import Landmarks
    from napari_farnet.evaluate.vectors import ErrorVectors
    from napari_farnet.record import Index

__all__ = ["Shower"]

_COLOURS = ("#ff9f1c", "#2fbf71")  # of prediction and reference
_SHARE = 0.25  # of the radiograph's height that is seen around a landmark at least
_AROUND = 3.0  # times the error that is seen at least


class Shower:
    """Shows radiographs of one viewer.

    Args:
        viewer: Where they are shown.
        vectors: The layer of errors.
    """

    def __init__(self, viewer: ViewerModel, vectors: ErrorVectors) -> None:
        self._viewer, self._vectors = viewer, vectors
        self._own: list[Layer] = []
        self._shown: tuple[Any, ...] = ()

    def show_file(
        self,
        path: Path,
        prediction: Landmarks,
        reference: Landmarks,
        k: int,
        *,
        sides: tuple[str, str],
        limit: float,
        arrows: bool,
    ) -> None:
        """Open a radiograph with both sets of landmarks, which cannot be moved, and look at landmark k.

        Args:
            path: The radiograph.
            prediction: Where the arrows end.
            reference: Where they begin.
            k: The landmark.
            sides: What prediction and reference are called.
            limit: The error whose colour is the last of the range.
            arrows: Whether the arrows are wanted.

        Raises:
            RadiographError: If the file cannot be read.
        """
        image = open_radiograph(self._viewer, path)
        shown = (path, prediction, reference)
        if any(a is not b for a, b in zip(shown, self._shown or (None,) * 3, strict=True)) or not self._is_there():
            self.clear()
            both = zip(sides, (prediction, reference), _COLOURS, strict=True)
            for side, landmarks, colour in reversed(list(both)):
                layer = add_landmarks(self._viewer, image, landmarks, name=f"{reference.radiograph} {side}")
                layer.face_color = colour
                layer.face_colorbar.visible = False
                layer.editable = False
                self._own.append(layer)
            self._shown = shown
        if arrows:
            self._vectors.show(
                reference.points,
                prediction.points,
                names=reference.scheme.names,
                index=(),
                spacing=reference.spacing or prediction.spacing,
                placement=Placement.of(image),
                rows=image.data.shape[0],
                limit=limit,
            )
        self.look_at(image, prediction, reference, k, ())

    def look_at(self, layer: Layer, prediction: Landmarks, reference: Landmarks, k: int, index: Index) -> None:
        """Move the view to landmark k of a radiograph that a layer has in its pixels."""
        both = np.stack([reference.points[k], prediction.points[k]])
        if np.isnan(both).all():
            return
        point = np.nanmean(both, axis=0)
        shape = reference.image_shape or prediction.image_shape
        rows = None
        if shape is not None:
            apart = 0.0 if np.isnan(both).any() else float(np.abs(both[0] - both[1]).max())
            rows = max(_SHARE * shape[0], _AROUND * apart)
        zoom_to(self._viewer, layer, point, index, rows=rows)

    def clear(self) -> None:
        """Take the landmarks that were shown out of the viewer."""
        for layer in self._own:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._own, self._shown = [], ()

    def _is_there(self) -> bool:
        return all(layer in self._viewer.layers for layer in self._own)
