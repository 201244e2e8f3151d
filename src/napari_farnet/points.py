"""From any layer of points to the landmarks in it, whoever made the layer.

A layer of this plugin knows its scheme and radiographs. Any other layer of points will do if it has a feature that
names its points: the names say which scheme it is, and the image under it gives spacing and size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import AnnotationError
from napari_farnet.layers import landmarks_from_layer
from napari_farnet.record import LandmarkRecord, kind_of

if TYPE_CHECKING:
    from napari.layers import Layer, Points
    from numpy.typing import NDArray

    from farnet.scheme import LandmarkScheme

__all__ = ["landmarks_in", "name_column", "points_refusal"]

_NAME_COLUMNS = ("name", "abbreviation", "label", "landmark")


def points_refusal(layer: Layer) -> str:
    """Say why a layer holds no landmarks, and what to do; an empty text where it may (its names are not looked at)."""
    if layer.__class__.__name__ != "Points":
        return f"{layer.name!r} is no points layer. Choose a layer of landmarks."
    if kind_of(layer.metadata) not in (None, "landmarks"):
        return f"{layer.name!r} shows something else than landmarks. Choose a layer of landmarks."
    return ""


def name_column(layer: Points) -> str:
    """The feature of a layer of points that names them.

    Raises:
        AnnotationError: If it has none.
    """
    found = next((name for name in _NAME_COLUMNS if name in layer.features), None)
    if found is None:
        raise AnnotationError(
            f"The points of the layer {layer.name!r} have no names, so nothing tells which landmark each of them is. "
            'Give the layer a feature "name" (in the features table), or open it in the dock Correct landmarks.'
        )
    return found


def landmarks_in(layer: Points, *, image: Layer | None = None, scheme: LandmarkScheme | None = None) -> LandmarkRecord:
    """Read the landmarks in a layer of points as they are now, edits included.

    Args:
        layer: A layer of this plugin, or any other whose points have names (see `name_column`) of one scheme.
        image: The radiographs that the points of a foreign layer are on; the points are taken to its pixels, also
            where the two layers have different scales. Without it only the layer's own scale tells the spacing, and
            the size of the radiograph is unknown.
        scheme: The scheme of a foreign layer; None finds it by the names, among the bundled ones.

    Raises:
        AnnotationError: If points have no names, one that is no landmark, or a landmark has two points; the message
            names the point and what to do.
        SchemeError: If no bundled scheme has these names.
    """
    if kind_of(layer.metadata) == "landmarks":
        return landmarks_from_layer(layer.data, layer.features, layer.metadata, name=str(layer.name))
    from farnet.landmarks import Landmarks
    from napari_farnet.placement import Placement
    from napari_farnet.sources import RadiographSource

    column = name_column(layer)
    placed = ~np.isnan(layer.data).any(axis=1)  # other programs write what is absent as NaN
    data, features = layer.data[placed], layer.features[placed]
    names = [str(name) for name in features[column]]
    scheme = scheme or _scheme_of(names, str(layer.name))
    source = None if image is None else RadiographSource.of(image)
    spacing = Placement.of(layer).spacing() if source is None else source.spacing
    if image is not None:
        data = _in_pixels_of(image, layer, data)
    indices = sorted({tuple(int(i) for i in np.rint(row[:-2])) for row in data}) or [()]
    nothing = tuple(
        Landmarks(
            points=np.full((len(scheme), 2), np.nan),
            scheme=scheme,
            spacing=spacing,
            image_shape=None if source is None else source.shape,
            source=str(layer.name),
            radiograph=str(layer.name) if source is None else source.label(index),
        )
        for index in indices
    )
    metadata = LandmarkRecord(nothing, tuple(indices)).to_metadata()
    named = features.assign(name=names)
    found = landmarks_from_layer(data, named, metadata, name=str(layer.name))
    as_given = tuple(item.replace(edited=None) for item in found.landmarks)  # nobody has edited them here
    return LandmarkRecord(as_given, found.indices)


def _in_pixels_of(image: Layer, layer: Points, data: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take the points of a layer, (N, n), to pixels of an image that may be placed otherwise."""
    axes = min(layer.ndim, image.ndim)
    ratio = np.array([_ratio(*units) for units in zip(layer.units[-axes:], image.units[-axes:], strict=True)])
    result = data.copy()
    for row, point in enumerate(data):
        world = np.array(layer.data_to_world(point))
        world[-axes:] *= ratio
        result[row, -axes:] = image.world_to_data(world)[-axes:]
    return result


def _ratio(of: Any, to: Any) -> float:
    """One unit in another; 1 where they measure different things, which is how napari draws them."""
    return float((1.0 * of).to(to).magnitude) if of.is_compatible_with(to) else 1.0


def _scheme_of(names: list[str], layer: str) -> LandmarkScheme:
    """The scheme, bundled or of an installed model, that has all these names or abbreviations."""
    from farnet.errors import SchemeError
    from farnet.formats.schemes import own_schemes
    from farnet.scheme import bundled_schemes, load_scheme

    unknown: dict[str, list[str]] = {}
    for scheme in [*map(load_scheme, bundled_schemes()), *own_schemes()]:
        unknown[scheme.name] = [name for name in names if not scheme.knows(name)]
        if names and not unknown[scheme.name]:
            return scheme
    nearest = min(unknown, key=lambda candidate: len(unknown[candidate]))
    missing = unknown[nearest]
    if not names or len(missing) == len(names):
        raise SchemeError(
            f"The points of the layer {layer!r} are named {', '.join(map(repr, names[:5])) or 'nothing'}; these are "
            f"landmarks of none of the schemes {', '.join(unknown)}."
        )
    raise AnnotationError(
        f"The layer {layer!r} has points named {', '.join(map(repr, missing[:5]))}, which the scheme {nearest!r} of "
        "the others does not have. Delete them, or correct the names in the features table."
    )
