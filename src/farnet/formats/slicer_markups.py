"""3D Slicer's markups (.mrk.json): one list of control points, positions in mm.

Slicer shows a picture as one slice whose first voxel is centred at the origin, columns along its axis L and rows along
P, so that (row, column) becomes (column * spacing, row * spacing, 0) in LPS. Without a spacing Slicer takes a pixel for
1 mm, and so does this. An absent landmark is a control point whose position is undefined.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from farnet.atomic import write_text_atomic
from farnet.errors import AnnotationError
from farnet.formats.companion import (
    KEY,
    as_list,
    as_mapping,
    companion,
    exact_points,
    finite_pair,
    named_scheme,
    points_of_labels,
    read_json,
    restored,
    scheme_of_labels,
    the_only,
    written_points,
)
from farnet.formats.registry import AnnotationFormat, ReadOptions
from farnet.landmarks import Landmarks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


__all__ = ["SLICER_MARKUPS"]

# Slicer compares this identifier; it is a name, not an address from which anything is fetched.
_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
_FLAT_MM = 1e-3  # a radiograph has one slice


def _write(path: Path, landmarks: Sequence[Landmarks]) -> None:
    only = the_only(landmarks, "A .mrk.json file")
    scale = only.spacing or (1.0, 1.0)
    points = []
    for k, landmark in enumerate(only.scheme.landmarks):
        point: dict[str, Any] = {
            "id": str(k + 1),
            "label": landmark.name,
            "description": landmark.abbreviation,
            "positionStatus": "defined" if only.present[k] else "undefined",
        }
        if only.present[k]:
            row, column = only.points[k].tolist()
            point["position"] = [column * scale[1], row * scale[0], 0.0]
        points.append(point)
    content = {
        "@schema": _SCHEMA,
        "markups": [
            {
                "type": "Fiducial",
                "coordinateSystem": "LPS",
                "coordinateUnits": "mm",
                "labelFormat": "%N-%d",
                "controlPoints": points,
            }
        ],
        KEY: companion(only) | {"points_px": written_points(only)},
    }
    write_text_atomic(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _read(path: Path, options: ReadOptions) -> list[Landmarks]:
    scheme = options.scheme
    content = as_mapping(read_json(path), "its content", str(path))
    lists = [as_mapping(item, "a markup", str(path)) for item in as_list(content.get("markups"), "markups", str(path))]
    lists = [item for item in lists if item.get("type") in ("Fiducial", "PointList")]
    if len(lists) != 1:
        raise AnnotationError(
            f"{path} has {len(lists)} point lists; one is expected. Save each list of points in a file of its own."
        )
    found = _positions(lists[0], str(path))
    own = content.get(KEY)
    wanted = scheme if own is None else named_scheme(own, scheme, str(path))
    known = scheme_of_labels([label for label, _ in found], wanted, str(path))
    spacing = _own_spacing(own, str(path))
    placed = [(label, (y / spacing[0], x / spacing[1])) for label, position in found if position for x, y in [position]]
    points = points_of_labels(placed, known, str(path))
    if own is None:
        return [Landmarks(points, known, radiograph=_stem(path))]
    return [restored(exact_points(points, own.get("points_px")), own, known, str(path))]


def _positions(markup: Any, where: str) -> list[tuple[str, tuple[float, float] | None]]:
    """Label and (x, y) mm in LPS of each control point; None where its position is not defined."""
    sign = {"LPS": 1.0, "RAS": -1.0}.get(str(markup.get("coordinateSystem", "LPS")))
    if sign is None or markup.get("coordinateUnits", "mm") != "mm":
        raise AnnotationError(
            f"{where}: coordinates in {markup.get('coordinateSystem')!r} and {markup.get('coordinateUnits')!r}; LPS or "
            "RAS in mm can be read."
        )
    found: list[tuple[str, tuple[float, float] | None]] = []
    for number, item in enumerate(as_list(markup.get("controlPoints"), "controlPoints", where), start=1):
        point = as_mapping(item, f"control point {number}", where)
        label = str(point.get("label", ""))
        if point.get("positionStatus", "defined") != "defined":
            found.append((label, None))
            continue
        position = point.get("position")
        x, y = finite_pair(position, f"{where}, control point {label!r}")
        if isinstance(position, list) and len(position) == 3 and abs(finite_pair(position[1:], where)[1]) > _FLAT_MM:
            raise AnnotationError(
                f"{where}: control point {label!r} lies {position[2]} mm off the picture; landmarks of a radiograph "
                "have 0 as their third coordinate."
            )
        found.append((label, (sign * x, sign * y)))
    return found


def _own_spacing(own: Any, where: str) -> tuple[float, float]:
    """(row, column) mm per pixel by which positions were multiplied."""
    if own is None or own.get("spacing_mm") is None:
        return 1.0, 1.0
    spacing = finite_pair(own["spacing_mm"], where)
    if min(spacing) <= 0:
        raise AnnotationError(f"{where}: a spacing of {spacing} mm; it must be above zero.")
    return spacing


def _stem(path: Path) -> str:
    return path.name.removesuffix(".json").removesuffix(".mrk")


SLICER_MARKUPS = AnnotationFormat(
    name="slicer-markups",
    title="3D Slicer markups",
    suffixes=(".mrk.json", ".json"),
    read=_read,
    write=_write,
    keys=frozenset({"markups"}),
)
