"""Opening a radiograph file in the viewer, and bringing a landmark before the eyes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_farnet.record import METADATA_KEY, Index, kind_of, record_of
from napari_farnet.sources import units_ratio

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer
    from numpy.typing import ArrayLike, NDArray

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
    """The image layer in the viewer that shows a file, and nothing else; None where there is none."""
    for layer in viewer.layers:
        if layer.__class__.__name__ != "Image" or layer.ndim != 2:
            continue
        own = layer.metadata.get(METADATA_KEY) if kind_of(layer.metadata) == "radiograph" else None
        file = layer.source.path if own is None else own["path"]
        if file and _same(Path(file), path):
            return layer
    return None


def zoom_to(
    viewer: ViewerModel, layer: Layer, point: ArrayLike, index: Index = (), *, rows: float | None = None
) -> None:
    """Centre the view on a point of a layer and zoom in on it.

    The rows and columns of the layer are brought before the eyes first, if the viewer shows another cut.

    Args:
        viewer: The viewer.
        layer: The image or points that the point is in pixels of.
        point: (row, column).
        index: Where the radiograph is in the stack.
        rows: How many pixels of the layer the shorter side of the canvas shall show; None shows a quarter of the
            radiograph's height.
    """
    dims = viewer.dims
    if dims.ndisplay == 2 and set(dims.displayed) != {dims.ndim - 2, dims.ndim - 1}:
        dims.order = tuple(range(dims.ndim))
    whole = np.array([*index, *np.asarray(point, np.float64)], np.float64)
    world = _in_viewer(viewer, layer, whole)
    for axis in range(dims.ndim - len(world), dims.ndim - 2):
        dims.set_point(axis, world[axis - dims.ndim])
    pixel = float(np.linalg.norm(_in_viewer(viewer, layer, whole + _one_row(len(whole))) - world))
    if rows is None:
        rows = _SHOWN * _height(layer)
    camera = viewer.scene.camera
    centre = {dims.ndim - 2: world[-2], dims.ndim - 1: world[-1]}  # columns may be shown as rows
    camera.center = tuple(float(centre.get(axis, 0.0)) for axis in (-1, *dims.displayed[-2:]))
    camera.zoom = min(viewer.canvas.size) / max(rows * pixel, 1e-9)


def _in_viewer(viewer: ViewerModel, layer: Layer, point: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take a point from pixels of a layer to the world of the viewer, whose units may be others than the layer's."""
    world: NDArray[np.float64] = np.array(layer.data_to_world(point), np.float64)
    first = viewer.dims.ndim - len(world)
    world /= [units_ratio(viewer.dims, layer, first + axis) for axis in range(len(world))]
    return world


def _one_row(ndim: int) -> NDArray[np.float64]:
    step = np.zeros(ndim)
    step[-2] = 1.0
    return step


def _height(layer: Layer) -> float:
    """Rows of the radiograph that a layer shows or lies on, as far as the layer tells."""
    record = record_of(layer.metadata)
    if record is not None:
        return float(record.image_shape[0])
    extent = layer.extent.data
    return float(extent[1][-2] - extent[0][-2] + 1)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one == other
