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
from farnet.geometry import Geometry
from farnet.landmarks import Landmarks
from farnet.notices import tell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from farnet.formats.registry import ReadOptions
    from farnet.scheme import LandmarkScheme

__all__ = ["Position", "handedness", "landmarks_of_list", "own_of_list", "position_of"]

Position = tuple[str, tuple[float, float, float] | None]
"""The label of a point and its mm in LPS; None where the point has no position."""

_SIGNS = {"LPS": (1.0, 1.0), "1": (1.0, 1.0), "RAS": (-1.0, -1.0), "0": (-1.0, -1.0)}
_CROWDED = 0.3  # of rows and of columns; heads, hands and spines fill half and more of at least one of them
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
    wanted = options.scheme if own is None else named_scheme(own, options.scheme, where, beside=path)
    found = [(options.labels.get(label, label), position) for label, position in found]
    known = (
        scheme_of_labels([label for label, _ in found], wanted, where, beside=path)
        if found or wanted is None
        else wanted
    )
    if own is not None:
        geometry = geometry_of_own(own.get("geometry"), own.get("spacing_mm"), where)
        points = points_of_labels(_placed(found, geometry, where), known, where)
        return restored(exact_points(points, own.get("points_px")), own, known, where)
    return _somebodys(path, found, known, *geometry_for_reading(path, names, options), options)


def _somebodys(
    path: Path,
    found: Sequence[Position],
    scheme: LandmarkScheme,
    geometry: Geometry,
    picture: Path | None,
    options: ReadOptions,
) -> Landmarks:
    """The landmarks of a list by the geometry of its picture, or by the given one; what may be wrong is told."""
    where = str(path)
    points = points_of_labels(_placed(found, geometry, where), scheme, where)
    if picture is None and geometry.shape is not None and _outside(points, geometry).any():
        upright = Geometry.plain(shape=geometry.shape)
        otherwise = points_of_labels(_placed(found, upright, where), scheme, where)
        if not _outside(otherwise, upright).any():
            geometry, points = upright, otherwise
            tell(f"{path}: by the spacing that was given its points lie outside the picture; they are read by 1 mm.")
    if picture is not None:
        _check_extent(points, geometry, where, picture.name)
        if not geometry.stated:
            tell(
                f"{path}: {picture.name} tells no size of a pixel, so the list is read as if it was made on this very "
                "file, of which 3D Slicer shows a pixel as 1 mm. If it was made on another file, give the spacing."
            )
    outside = _outside(points, geometry)
    if outside.any():
        first = scheme.names[int(outside.argmax())]
        tell(
            f"{path}: {int(outside.sum())} of its points, {first!r} first, lie outside the picture. The list may have "
            "been made on another file, or by another size of a pixel."
        )
    spacing = options.spacing if picture is None else None
    return Landmarks(points, scheme, spacing=spacing, radiograph=stem_of_list(path), image_shape=geometry.shape)


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


def _check_extent(points: NDArray[np.float64], geometry: Geometry, where: str, picture: str) -> None:
    """Look whether the points crowd in a small part of the picture, as mm of another file of the radiograph do.

    Raises:
        AnnotationError: They do, and the picture tells no size of a pixel; of one that does it is only told.
    """
    there = points[~np.isnan(points[:, 0])]
    if len(there) < max(3, len(points) / 2) or geometry.shape is None:
        return
    share = float((np.ptp(there, axis=0) / geometry.shape).max())
    if share >= _CROWDED:
        return
    crowded = f"{where}: the points fill {share:.0%} of {picture}; the list was probably made on another file."
    if geometry.stated:
        tell(crowded)
        return
    raise AnnotationError(
        f"{crowded} Nothing in {picture} tells the size of a pixel: give the spacing, or 1 if the list was made on "
        "this very file."
    )


def _outside(points: NDArray[np.float64], geometry: Geometry) -> NDArray[np.bool_]:
    """(K,) True where a point is outside the picture; above and left of it also where its size is not known."""
    last = (np.inf, np.inf) if geometry.shape is None else np.array(geometry.shape) - 0.5
    return np.asarray(((points < -0.5) | (points > last)).any(axis=1))  # NaN is not outside
