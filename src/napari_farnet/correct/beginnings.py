"""Layers of landmarks to begin with: empty ones, and ones made of points that somebody else's layer holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from farnet.landmarks import Landmarks
from napari_farnet.layers import landmarks_layer
from napari_farnet.placement import Placement
from napari_farnet.points import landmarks_in
from napari_farnet.record import record_of
from napari_farnet.settings import load_settings
from napari_farnet.sources import RadiographSource, refusal

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer, Points

    from farnet.identity import RadiographId
    from farnet.scheme import LandmarkScheme
    from napari_farnet.layers import LayerData

__all__ = ["adopted", "empty", "image_at_hand", "image_under"]


def adopted(layer: Points, viewer: ViewerModel) -> LayerData:
    """Lay the points of somebody else's layer out as landmarks.

    Raises:
        AnnotationError, SchemeError: If the points have no names, or names of no scheme.
    """
    image = image_under(viewer, layer, None)
    record = landmarks_in(layer, image=image)
    if image is not None and len(_images(viewer, layer, None)) == 1:  # of several, nothing tells which it is
        source = RadiographSource.of(image)
        known = dict(zip(source.indices, source.identities(), strict=True))
        found = [
            item.replace(
                image_sha256=known[index].file_sha256,
                provenance={**item.provenance, **_pixels(known[index])},
            )
            if index in known
            else item
            for item, index in zip(record.landmarks, record.indices, strict=True)
        ]
        record = replace(record, landmarks=tuple(found))
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
            image_sha256=known.file_sha256,
            source="by hand",
            provenance=_pixels(known),
        )
        for index, known in zip(source.indices, source.identities(), strict=True)
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
    """The image that points are on: of their number of axes and this shape (any, for None), the topmost of several.

    Where the radiograph of a layer of landmarks is known and one of the images is it, it is that one.
    """
    found = _images(viewer, layer, shape)
    record = record_of(layer.metadata)
    if len(found) > 1 and record is not None and record.landmarks[0].identity.proved:
        wanted = record.landmarks[0].identity
        for image in found:
            if RadiographSource.of(image).identities(1)[0].compare(wanted) == "same":
                return image
    return found[0] if found else None


def _images(viewer: ViewerModel, layer: Points, shape: tuple[int, int] | None) -> list[Image]:
    """The images that points may be on, the topmost first."""
    alike = [item for item in reversed(viewer.layers) if not refusal(item) and item.ndim == layer.ndim]
    return [item for item in alike if shape is None or RadiographSource.of(item).shape == shape]


def _pixels(identity: RadiographId) -> dict[str, str]:
    return {} if identity.pixels_sha256 is None else {"pixels_sha256": identity.pixels_sha256}
