"""3D Slicer's markups (.mrk.json): one list of control points, positions in mm.

The mm are those of the picture's file as ITK reads it; `farnet.formats.slicer_space` says how it is found. An absent
landmark is a control point whose position is undefined.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from farnet.atomic import write_text_atomic
from farnet.errors import AnnotationError
from farnet.formats.companion import KEY, as_list, as_mapping, read_json, the_only
from farnet.formats.registry import AnnotationFormat, ReadOptions
from farnet.formats.slicer_lists import Position, handedness, landmarks_of_list, own_of_list, position_of
from farnet.formats.slicer_space import geometry_for_writing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from farnet.landmarks import Landmarks

__all__ = ["SLICER_MARKUPS"]

# Slicer compares this identifier; it is a name, not an address from which anything is fetched.
_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)


def _write(path: Path, landmarks: Sequence[Landmarks]) -> None:
    only = the_only(landmarks, "A .mrk.json file")
    geometry = geometry_for_writing(path, only)
    positions = geometry.positions(only.points).tolist()
    points = []
    for k, landmark in enumerate(only.scheme.landmarks):
        point: dict[str, Any] = {
            "id": str(k + 1),
            "label": landmark.name,
            "description": landmark.abbreviation,
            "positionStatus": "defined" if only.present[k] else "undefined",
        }
        if only.present[k]:
            point["position"] = positions[k]
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
        KEY: own_of_list(only, geometry),
    }
    write_text_atomic(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _read(path: Path, options: ReadOptions) -> list[Landmarks]:
    content = as_mapping(read_json(path), "its content", str(path))
    lists = [as_mapping(item, "a markup", str(path)) for item in as_list(content.get("markups"), "markups", str(path))]
    lists = [item for item in lists if item.get("type") in ("Fiducial", "PointList")]
    if len(lists) != 1:
        raise AnnotationError(
            f"{path} has {len(lists)} point lists; one is expected. Save each list of points in a file of its own."
        )
    found = _positions(lists[0], str(path))
    return [landmarks_of_list(path, found, content.get(KEY), _names(lists[0]), options)]


def _names(markup: Mapping[str, Any]) -> list[str]:
    """What may be the name of its picture: its own, and the nodes that its points say they belong to."""
    nodes = [str(point.get("associatedNodeID") or "") for point in markup["controlPoints"]]
    return [str(markup.get("name") or ""), *(node for node in dict.fromkeys(nodes) if not node.startswith("vtkMRML"))]


def _positions(markup: Mapping[str, Any], where: str) -> list[Position]:
    """Label and mm in LPS of each control point; None where its position is not defined."""
    signs = handedness(markup.get("coordinateSystem", "LPS"), where)
    units = markup.get("coordinateUnits", "mm")
    if units != "mm" and not (isinstance(units, list) and units[:2] == ["mm", "UCUM"]):
        raise AnnotationError(f"{where}: coordinates in {units!r}; LPS or RAS in mm can be read.")
    found: list[Position] = []
    for number, item in enumerate(as_list(markup.get("controlPoints"), "controlPoints", where), start=1):
        point = as_mapping(item, f"control point {number}", where)
        label = str(point.get("label", ""))
        if point.get("positionStatus", "defined") != "defined":
            found.append((label, None))
            continue
        found.append((label, position_of(point.get("position"), signs, f"{where}, control point {label!r}")))
    return found


SLICER_MARKUPS = AnnotationFormat(
    name="slicer-markups",
    title="3D Slicer markups",
    suffixes=(".mrk.json", ".json"),
    read=_read,
    write=_write,
    keys=frozenset({"markups"}),
)
