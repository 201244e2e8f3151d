"""Layers of landmarks to begin with: empty ones, and ones made of points that somebody else's layer holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from farnet.landmarks import Landmarks
from napari_farnet.layers import landmarks_layer
from napari_farnet.placement import Placement
from napari_farnet.points import landmarks_in
from napari_farnet.settings import load_settings
from napari_farnet.sources import RadiographSource, refusal

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer, Points

    from farnet.scheme import LandmarkScheme
    from napari_farnet.layers import LayerData

__all__ = ["adopted", "empty", "image_at_hand", "image_under"]


def adopted(layer: Points, viewer: ViewerModel) -> LayerData:
    """Lay the points of somebody else's layer out as landmarks.

    Raises:
        AnnotationError, SchemeError: If the points have no names, or names of no scheme.
    """
    record = landmarks_in(layer, image=image_under(viewer, layer, None))
    return landmarks_layer(
        record.landmarks, record.indices, Placement.of(layer), name=f"{layer.name} landmarks", settings=load_settings()
    )


def empty(image: Layer, scheme: LandmarkScheme) -> LayerData:
    """Lay out landmarks of every radiograph of an image layer, none of them placed.

    Raises:
        InvalidInputError: If the layer holds no radiographs.
    """
    source = RadiographSource.of(image)
    landmarks = [
        Landmarks(
            points=np.full((len(scheme), 2), np.nan),
            scheme=scheme,
            spacing=source.spacing,
            radiograph=source.label(index),
            image_shape=source.shape,
            image_sha256=source.sha256,
            source="by hand",
        )
        for index in source.indices
    ]
    name = f"{image.name} landmarks"
    return landmarks_layer(landmarks, source.indices, Placement.of(image), name=name, settings=load_settings())


def image_at_hand(viewer: ViewerModel) -> Image | None:
    """The active image, else the topmost; None where there is none."""
    active = viewer.layers.selection.active
    if active is not None and not refusal(active):
        return active
    return next((layer for layer in reversed(viewer.layers) if not refusal(layer)), None)


def image_under(viewer: ViewerModel, layer: Points, shape: tuple[int, int] | None) -> Image | None:
    """The image that points are on: of their number of axes and this shape (any, for None), the topmost of several."""
    for candidate in reversed(viewer.layers):
        if refusal(candidate) or candidate.ndim != layer.ndim:
            continue
        if shape is None or RadiographSource.of(candidate).shape == shape:
            return candidate
    return None
