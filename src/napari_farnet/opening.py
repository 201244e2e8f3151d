"""Opening a radiograph file in the viewer, and bringing a landmark before the eyes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_farnet.record import METADATA_KEY, Index, kind_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer
    from numpy.typing import ArrayLike

    from farnet.landmarks import Landmarks
    from farnet.radiograph import Radiograph

__all__ = ["add_landmarks", "add_radiograph", "image_of_file", "open_radiograph", "zoom_to"]

_SHOWN = 0.25  # of the radiograph's height, when one landmark is looked at


def open_radiograph(viewer: ViewerModel, path: Path) -> Image:
    """Give the image layer of a radiograph file: the one in the viewer, else a new one.

    Raises:
        RadiographError: If the file is no radiograph, or is gone.
    """
    from farnet.radiograph import read_radiograph

    return image_of_file(viewer, path) or add_radiograph(viewer, read_radiograph(path))


def add_radiograph(viewer: ViewerModel, radiograph: Radiograph) -> Image:
    """Add a radiograph to the viewer, with its spacing."""
    from napari.layers import Layer as AnyLayer

    from napari_farnet.layers import radiograph_layer
    from napari_farnet.placement import Placement

    layer = AnyLayer.create(*radiograph_layer([radiograph], Placement.from_spacing(radiograph.spacing)))
    viewer.add_layer(layer)
    return layer


def add_landmarks(viewer: ViewerModel, image: Layer, landmarks: Landmarks, *, name: str) -> Layer:
    """Add the landmarks of one radiograph over its image, followed by a session (see `napari_farnet.session`)."""
    from napari.layers import Layer as AnyLayer

    from napari_farnet.layers import landmarks_layer
    from napari_farnet.placement import Placement
    from napari_farnet.session import watch
    from napari_farnet.settings import load_settings

    watch(viewer)
    layer = AnyLayer.create(
        *landmarks_layer([landmarks], [()], Placement.of(image), name=name, settings=load_settings())
    )
    viewer.add_layer(layer)
    return layer


def image_of_file(viewer: ViewerModel, path: Path) -> Image | None:
    """The image layer in the viewer that was read from a file; None where there is none."""
    for layer in viewer.layers:
        own = layer.metadata.get(METADATA_KEY) if kind_of(layer.metadata) == "radiograph" else None
        file = layer.source.path if own is None else own["path"]
        if layer.__class__.__name__ == "Image" and file and _same(Path(file), path):
            return layer
    return None


def zoom_to(
    viewer: ViewerModel, layer: Layer, point: ArrayLike, index: Index = (), *, rows: float | None = None
) -> None:
    """Centre the view on a point of a layer and zoom in on it.

    Args:
        viewer: The viewer.
        layer: The image or points that the point is in pixels of.
        point: (row, column).
        index: Where the radiograph is in the stack.
        rows: How many pixels of the layer the height of the canvas shall show; None keeps a quarter of the radiograph.
    """
    whole = np.array([*index, *np.asarray(point, np.float64)], np.float64)
    world = layer.data_to_world(whole)
    if index:
        for axis, value in zip(range(viewer.dims.ndim - len(world), viewer.dims.ndim - 2), world[:-2], strict=True):
            viewer.dims.set_point(axis, value)
    step = np.zeros_like(whole)
    step[-2] = 1.0
    pixel = float(np.linalg.norm(np.asarray(layer.data_to_world(whole + step)) - np.asarray(world)))
    if rows is None:
        extent = layer.extent.data
        rows = _SHOWN * float(extent[1][-2] - extent[0][-2] + 1)
    camera = viewer.scene.camera
    camera.center = (0.0, *world[-2:])
    camera.zoom = min(viewer.canvas.size) / max(rows * pixel, 1e-9)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one == other
