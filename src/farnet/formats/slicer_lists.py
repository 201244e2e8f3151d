"""What both file formats of 3D Slicer's point lists have in common: positions, and landmarks made of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import AnnotationError
from farnet.formats.companion import (
    companion,
    exact_points,
    finite_pair,
    named_scheme,
    points_of_labels,
    restored,
    scheme_of_labels,
    written_points,
)
from farnet.formats.slicer_space import geometry_for_reading, geometry_of_own, stem_of_list, written_geometry
from farnet.landmarks import Landmarks
from farnet.notices import tell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from farnet.formats.registry import ReadOptions
    from farnet.geometry import Geometry

__all__ = ["Position", "handedness", "landmarks_of_list", "own_of_list", "position_of"]

Position = tuple[str, tuple[float, float, float] | None]
"""The label of a point and its mm in LPS; None where the point has no position."""

_SIGNS = {"LPS": (1.0, 1.0), "1": (1.0, 1.0), "RAS": (-1.0, -1.0), "0": (-1.0, -1.0)}
_HALF_A_SLICE_MM = 0.5  # ITK takes a picture for a slice of 1 mm


def handedness(system: Any, where: str) -> tuple[float, float]:
    """What the first two coordinates are multiplied by to be in LPS, by the coordinate system as Slicer writes it.

    Raises:
        AnnotationError: It is neither LPS (1) nor RAS (0).
    """
    try:
        return _SIGNS[str(system).strip().upper()]
    except KeyError:
        raise AnnotationError(f"{where}: coordinates in {system!r}; LPS or RAS in mm can be read.") from None


def position_of(values: Any, signs: tuple[float, float], where: str) -> tuple[float, float, float]:
    """Mm in LPS of two or three coordinates.

    Raises:
        AnnotationError: They are no finite numbers.
    """
    x, y = finite_pair(values, where)
    try:
        z = float(values[2]) if len(values) > 2 else 0.0
    except (TypeError, ValueError):
        z = math.nan
    if not math.isfinite(z):
        raise AnnotationError(f"{where}: {values!r} is no position; three finite numbers are expected.")
    return signs[0] * x, signs[1] * y, z


def own_of_list(landmarks: Landmarks, geometry: Geometry) -> dict[str, Any]:
    """The companion, with the points in pixels and the geometry by which they were placed."""
    return companion(landmarks) | {"points_px": written_points(landmarks), "geometry": written_geometry(geometry)}


def landmarks_of_list(
    path: Path, found: Sequence[Position], own: Any, names: Iterable[str], options: ReadOptions
) -> Landmarks:
    """The landmarks of a point list.

    Args:
        path: The file.
        found: Its points.
        own: The companion; None in somebody's list, which is read by its picture or by the spacing in `options`.
        names: What the list is called, besides its file, to find that picture.
        options: As every format gets them.

    Raises:
        AnnotationError: A point is off the picture or there twice, or the size of a pixel is not known.
        SchemeError: The labels are no landmarks of the scheme.
    """
    where = str(path)
    wanted = options.scheme if own is None else named_scheme(own, options.scheme, where)
    found = [(options.labels.get(label, label), position) for label, position in found]
    known = scheme_of_labels([label for label, _ in found], wanted, where) if found or wanted is None else wanted
    if own is not None:
        geometry = geometry_of_own(own.get("geometry"), own.get("spacing_mm"), where)
        points = points_of_labels(_placed(found, geometry, where), known, where)
        return restored(exact_points(points, own.get("points_px")), own, known, where)
    geometry, picture = geometry_for_reading(path, names, options)
    points = points_of_labels(_placed(found, geometry, where), known, where)
    _tell_outside(points, geometry, known.names, where)
    spacing = options.spacing if picture is None else None
    return Landmarks(points, known, spacing=spacing, radiograph=stem_of_list(path), image_shape=geometry.shape)


def _placed(found: Sequence[Position], geometry: Geometry, where: str) -> list[tuple[str, tuple[float, float]]]:
    """Label and (row, column) of the points that have a position."""
    labels = [label for label, position in found if position is not None]
    positions = np.array([position for _, position in found if position is not None], np.float64).reshape(-1, 3)
    off = geometry.off_plane(positions)
    if (off > _HALF_A_SLICE_MM).any():
        k = int(off.argmax())
        raise AnnotationError(
            f"{where}: control point {labels[k]!r} lies {off[k]:.3g} mm off the picture; landmarks of a radiograph lie "
            "in its plane."
        )
    return [(label, (row, column)) for label, (row, column) in zip(labels, geometry.points(positions), strict=True)]


def _tell_outside(points: Any, geometry: Geometry, names: Sequence[str], where: str) -> None:
    last = (np.inf, np.inf) if geometry.shape is None else np.array(geometry.shape) - 0.5
    outside = ((points < -0.5) | (points > last)).any(axis=1)  # NaN is not outside
    if outside.any():
        tell(
            f"{where}: {int(outside.sum())} of its points, {names[int(outside.argmax())]!r} first, lie outside the "
            "picture. The list may have been made on another file, or by another size of a pixel."
        )
