"""Point lists of older 3D Slicers (.fcsv, "Markups fiducial file"): a table of points, positions in mm.

The mm are those of the picture's file as ITK reads it; `farnet.formats.slicer_space` says how it is found. Columns are
id, x, y, z, ow, ox, oy, oz, vis, sel, lock, label, desc, associatedNodeID, and in Slicer 5 the status of the position;
those of Slicer 3 are label, x, y, z, sel, vis. An absent landmark has no line, or a status other than "defined".

Written lists are in RAS, which every version understands: versions before 4.11 take "LPS" for RAS. What the format has
no place for stands in comments of less than 1024 characters, where Slicer ends a line.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from farnet.atomic import write_text_atomic
from farnet.errors import AnnotationError
from farnet.formats.companion import the_only
from farnet.formats.registry import AnnotationFormat, ReadOptions, read_text
from farnet.formats.slicer_lists import Position, handedness, landmarks_of_list, own_of_list, position_of
from farnet.formats.slicer_space import geometry_for_writing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from farnet.landmarks import Landmarks

__all__ = ["SLICER_FCSV"]

_VERSION = "4.4"
_COLUMNS = ("id", "x", "y", "z", "ow", "ox", "oy", "oz", "vis", "sel", "lock", "label", "desc", "associatedNodeID")
_SLICER_3 = ("label", "x", "y", "z", "sel", "vis")
_OWN = "#farnet "
_END = "#end of farnet"  # a file that was cut short lacks it
_CHUNK = 900
_DEFINED = "2"  # the status of a position, in the column after the last


def _write(path: Path, landmarks: Sequence[Landmarks]) -> None:
    only = the_only(landmarks, "An .fcsv file")
    geometry = geometry_for_writing(path, only)
    table = io.StringIO()
    table.write(f"# Markups fiducial file version = {_VERSION}\n# CoordinateSystem = 0\n")
    table.write(f"# columns = {','.join(_COLUMNS)}\n")
    own = json.dumps(own_of_list(only, geometry))
    for start in range(0, len(own), _CHUNK):
        table.write(f"{_OWN}{own[start : start + _CHUNK]}\n")
    rows = csv.writer(table, lineterminator="\n")
    for k, (x, y, z) in enumerate(geometry.positions(only.points).tolist()):
        if only.present[k]:
            landmark = only.scheme.landmarks[k]
            names = landmark.name, landmark.abbreviation, ""
            rows.writerow([f"vtkMRMLMarkupsFiducialNode_{k + 1}", -x, -y, z, 0, 0, 0, 1, 1, 1, 0, *names])
    write_text_atomic(path, f"{table.getvalue()}{_END}\n")


def _read(path: Path, options: ReadOptions) -> list[Landmarks]:
    where = str(path)
    lines = read_text(path).splitlines()
    facts = dict(fact for line in lines if line.startswith("#") and (fact := _fact(line)))
    body = [line for line in lines if line.strip() and not line.startswith("#")]
    own = _own(lines, where)
    if not facts and own is None:
        raise AnnotationError(f"{where} is no point list of 3D Slicer: it has none of the lines that begin with '# '.")
    columns = _columns(facts)
    signs = handedness(facts.get("coordinatesystem", "RAS"), where)
    found: list[Position] = []
    nodes: dict[str, None] = {}
    for number, row in enumerate(_rows(body, where), start=1):
        cells = dict(zip(columns, row, strict=False))
        if not cells.keys() >= {"label", "x", "y", "z"}:
            raise AnnotationError(f"{where}: point {number} has {len(row)} columns; {', '.join(columns)} are expected.")
        label = cells["label"].strip()
        nodes[cells.get("associatednodeid", "")] = None
        if cells.get("status", _DEFINED) != _DEFINED:
            found.append((label, None))
            continue
        position = [cells["x"], cells["y"], cells["z"]]
        found.append((label, position_of(position, signs, f"{where}, point {number} ({label!r})")))
    if own is None and not found:
        raise AnnotationError(f"{where} has no points.")
    names = [facts.get("name", ""), *(node for node in nodes if not node.startswith("vtkMRML"))]
    return [landmarks_of_list(path, found, own, names, options)]


def _rows(body: list[str], where: str) -> list[list[str]]:
    try:
        return list(csv.reader(body))
    except csv.Error as error:
        raise AnnotationError(f"{where} is no point list of 3D Slicer ({error}).") from error


def _fact(line: str) -> tuple[str, str] | None:
    """Of a comment such as "# CoordinateSystem = 0": its key in lower case and its value."""
    key, equals, value = line.removeprefix("#").partition("=")
    return (key.strip().lower(), value.strip()) if equals and not line.startswith(_OWN) else None


def _columns(facts: dict[str, str]) -> tuple[str, ...]:
    named = tuple(item.strip().lower() for item in facts.get("columns", "").split(","))
    if not {"label", "x", "y", "z"} <= set(named):
        named = _COLUMNS if "markups fiducial file version" in facts else _SLICER_3
    named = tuple(item.lower() for item in named)
    return (*named, "status") if named[-1] == "associatednodeid" else named


def _own(lines: list[str], where: str) -> Any:
    text = "".join(line.removeprefix(_OWN) for line in lines if line.startswith(_OWN))
    if not text:
        return None
    if _END not in lines:
        raise AnnotationError(f"{where} is cut short: its last line is not {_END!r}. Get the file again.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AnnotationError(
            f"{where}: its lines that begin with {_OWN!r} are damaged ({error}); without them the points can be read."
        ) from error


def _recognises(head: bytes) -> bool:
    return head.removeprefix(b"\xef\xbb\xbf").startswith(b"#")


SLICER_FCSV = AnnotationFormat(
    name="slicer-fcsv",
    title="3D Slicer fiducials",
    suffixes=(".fcsv",),
    read=_read,
    write=_write,
    recognises=_recognises,
)
