"""labelme's JSON: one picture, one shape of type "point" for each landmark.

labelme measures from the corner of the top left pixel, x to the right and y down, so that the centre of that pixel is
(0.5, 0.5) there and (0, 0) here. Only points are read; other shapes are somebody else's. A landmark without a shape is
absent. The picture itself is not put into the file: labelme opens it by its path, so that a file that is written beside
the picture can be opened there.

A file that labelme wrote is of the radiograph of its own name, whatever picture its ``imagePath`` names; see
`farnet.formats.pictures.own_name`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from farnet.atomic import write_text_atomic
from farnet.formats.companion import (
    KEY,
    as_list,
    as_mapping,
    companion,
    finite_pair,
    named_scheme,
    points_of_labels,
    read_json,
    renamed,
    restored,
    scheme_of_labels,
    shape_of,
    the_only,
)
from farnet.formats.missing import is_absent, tell_absent
from farnet.formats.pictures import own_name, picture_name
from farnet.formats.registry import AnnotationFormat, ReadOptions
from farnet.landmarks import Landmarks
from farnet.notices import tell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


__all__ = ["LABELME"]

_VERSION = "5.0.0"
_CORNER = 0.5


def _write(path: Path, landmarks: Sequence[Landmarks]) -> None:
    only = the_only(landmarks, "A labelme file")
    rows, columns = only.image_shape or (None, None)
    shapes: list[dict[str, Any]] = [
        {
            "label": name,
            "points": [[column + _CORNER, row + _CORNER]],
            "group_id": None,
            "description": "",
            "shape_type": "point",
            "flags": {},
        }
        for name, (row, column), here in zip(only.scheme.names, only.points.tolist(), only.present, strict=True)
        if here
    ]
    content = {
        "version": _VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": picture_name(only, path.parent),
        "imageData": None,
        "imageHeight": rows,
        "imageWidth": columns,
        KEY: companion(only),
    }
    write_text_atomic(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _read(path: Path, options: ReadOptions) -> list[Landmarks]:
    scheme = options.scheme
    where = str(path)
    content = as_mapping(read_json(path), "its content", where)
    own = content.get(KEY)
    found: list[tuple[str, tuple[float, float] | None]] = []
    others = 0
    for item in as_list(content.get("shapes"), "shapes", where):
        shape = as_mapping(item, "a shape", where)
        if shape.get("shape_type") != "point":
            others += 1
            continue
        label = str(shape.get("label", ""))
        corners = as_list(shape.get("points"), f"points of {label!r}", where)
        x, y = finite_pair(corners[0] if corners else None, f"{where}, shape {label!r}")
        absent = is_absent(x, y, own=own is not None)
        found.append((renamed(label, options.labels), None if absent else (y - _CORNER, x - _CORNER)))
    wanted = scheme if own is None else named_scheme(own, scheme, where, beside=path)
    labels = [label for label, _ in found]
    known = wanted if wanted is not None and not found else scheme_of_labels(labels, wanted, where, beside=path)
    points = points_of_labels([(label, point) for label, point in found if point is not None], known, where)
    tell_absent(where, [label for label, point in found if point is None])
    if others:
        tell(f"{path}: {others} shapes that are no points were left out; landmarks alone are read.")
    if own is not None:
        return [restored(points, own, known, where)]
    image_shape = shape_of(content.get("imageHeight"), content.get("imageWidth"))
    name = own_name(path, path.name[: -len(path.suffix)], str(content.get("imagePath") or ""))
    return [Landmarks(points, known, radiograph=name, image_shape=image_shape)]


LABELME = AnnotationFormat(
    name="labelme",
    title="labelme",
    suffixes=(".json",),
    read=_read,
    write=_write,
    keys=frozenset({"shapes"}),
)
