"""Giving a radiograph in the viewer its size, so that everything that lies on it stays where it is.

The pixels of a layer keep their numbers; what changes is how long they are in the world of the viewer, and that its
unit is the millimetre. Layers on the radiograph take the same step, and layers of landmarks note the spacing. Another
radiograph in the same viewer is left alone: nobody has measured it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_farnet.placement import Placement
from napari_farnet.record import METADATA_KEY, kind_of, record_of
from napari_farnet.sources import refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image, Layer
    from numpy.typing import NDArray

    from farnet.measurement import Calibration

__all__ = ["apply_calibration", "layers_on", "resized"]

_MILLIMETRE = "millimeter"


def apply_calibration(
    viewer: ViewerModel, image: Image, calibration: Calibration, *, bound: Sequence[Layer] = ()
) -> list[Layer]:
    """Set the spacing of a radiograph, and of the layers on it.

    Args:
        viewer: The viewer.
        image: The radiograph.
        calibration: Its spacing, and where that is from.
        bound: Layers that are known to be on it.

    Returns:
        The layers that were changed with it.
    """
    before = Placement.of(image)
    edges = np.linalg.norm(before.matrix[:-1, -3:-1], axis=0)
    factors = np.array(calibration.spacing) / edges
    after = resized(before, factors)
    step = (after.matrix @ np.linalg.inv(before.matrix))[-3:, -3:]
    others = [layer for layer in layers_on(viewer, image) if layer not in bound]
    followers = [*(layer for layer in bound if layer in viewer.layers), *others]
    placements = [_moved(Placement.of(layer), before, factors, step) for layer in followers]
    camera = viewer.scene.camera
    centre, zoom = np.array(camera.center[-2:]), camera.zoom
    for layer, placement in zip([image, *followers], [after, *placements], strict=True):
        _place(layer, placement)
    camera.center = (*camera.center[:-2], *(step @ [*centre, 1.0])[:2])
    camera.zoom = zoom / float(np.sqrt(abs(np.linalg.det(step[:2, :2]))))
    _note_on_image(image, calibration)
    for layer in followers:
        if record_of(layer.metadata) is not None:
            _note_on_landmarks(layer, calibration)
    return followers


def layers_on(viewer: ViewerModel, image: Layer) -> list[Layer]:
    """The layers that lie on a radiograph, other radiographs never among them.

    With one radiograph in the viewer, these are all layers. With several, a layer is on the radiograph that its
    landmarks were found on, else on that whose name its own name begins with, else on the next one below it.
    """
    radiographs = [layer for layer in viewer.layers if not refusal(layer)]
    return [
        layer
        for layer in viewer.layers
        if layer not in radiographs and _radiograph_of(layer, radiographs, viewer) == image
    ]


def resized(placement: Placement, factors: NDArray[np.float64]) -> Placement:
    """Make the pixels of a layer longer, along rows and columns, in mm from then on; its origin moves in proportion.

    Args:
        placement: How the layer lies.
        factors: (2,) for the length of a pixel from row to row, and from column to column.
    """
    whole = np.ones(placement.ndim)
    whole[-2:] = factors
    linear = placement.matrix_without_scale()
    translate = linear @ (whole * np.linalg.solve(linear, placement.translate))
    units = (*placement.units[:-2], _MILLIMETRE, _MILLIMETRE)
    return replace(placement, scale=placement.scale * whole, translate=translate, units=units)


def _moved(
    placement: Placement, image: Placement, factors: NDArray[np.float64], step: NDArray[np.float64]
) -> Placement:
    """Where a layer on the radiograph comes to lie.

    Args:
        placement: Where it lies.
        image: Where the radiograph lay before.
        factors: By which its pixels grew.
        step: (3, 3) by which the world around it changed, rows and columns.
    """
    if _same_directions(placement, image):
        return resized(placement, factors)
    n = placement.ndim
    whole = np.eye(n + 1)
    whole[-3:, -3:] = step
    units = (*placement.units[:-2], _MILLIMETRE, _MILLIMETRE)
    return replace(placement, affine=whole @ placement.affine, units=units)


def _same_directions(one: Placement, other: Placement) -> bool:
    """Whether rows and columns of two layers run the same way, whatever their size."""
    first, second = one.matrix_without_scale()[-2:, -2:], other.matrix_without_scale()[-2:, -2:]
    return np.allclose(first, second, atol=1e-12) and np.allclose(
        one.affine[-3:, -3:], other.affine[-3:, -3:], atol=1e-12
    )


def _radiograph_of(layer: Layer, radiographs: list[Layer], viewer: ViewerModel) -> Layer | None:
    if len(radiographs) < 2:
        return radiographs[0] if radiographs else None
    record = record_of(layer.metadata)
    found_on = "" if record is None else record.landmarks[0].radiograph
    named = [
        item for item in radiographs if found_on and (found_on == item.name or found_on.startswith(f"{item.name} ["))
    ]
    if not named:
        named = [item for item in radiographs if str(layer.name).startswith(str(item.name))]
    if named:
        return max(named, key=lambda item: len(str(item.name)))
    place = viewer.layers.index(layer)
    below = [item for item in radiographs if viewer.layers.index(item) < place]
    return below[-1] if below else radiographs[0]


def _place(layer: Layer, placement: Placement) -> None:
    layer.units = placement.units
    layer.scale = placement.scale
    layer.translate = placement.translate
    layer.affine = placement.affine


def _note_on_image(image: Image, calibration: Calibration) -> None:
    own: dict[str, Any] = {"kind": "radiograph", "path": image.source.path, "sha256": None}
    if kind_of(image.metadata) == "radiograph":
        own = dict(image.metadata[METADATA_KEY])
    own |= {"spacing": calibration.spacing, "spacing_source": calibration.source}
    image.metadata = {**image.metadata, METADATA_KEY: own}


def _note_on_landmarks(layer: Layer, calibration: Calibration) -> None:
    """Let the landmarks of a layer know their spacing, and the column of standard deviations with them."""
    own = layer.metadata[METADATA_KEY]
    landmarks = tuple(
        item.replace(spacing=calibration.spacing, provenance={**item.provenance, "spacing_source": calibration.source})
        for item in own["landmarks"]
    )
    provenance = {**own.get("provenance", {}), "spacing_source": calibration.source}
    layer.metadata = {**layer.metadata, METADATA_KEY: {**own, "landmarks": landmarks, "provenance": provenance}}
    if "sd_mm" in layer.features and "name" in layer.features:
        layer.features = layer.features.assign(sd_mm=_deviations(layer))


def _deviations(layer: Layer) -> list[float]:
    """Standard deviation of each row's landmark in mm; NaN where it is not known, or the row is no landmark."""
    record = record_of(layer.metadata)
    assert record is not None, "only layers of landmarks are asked"
    found = []
    for name, row in zip(layer.features["name"], layer.data, strict=True):
        landmarks = record.at(tuple(int(i) for i in np.rint(row[:-2])))
        values = None if landmarks is None else landmarks.sd_mm
        known = values is not None and str(name) in record.scheme.names
        found.append(float(values[record.scheme.index(str(name))]) if known and values is not None else float("nan"))
    return found
