"""labelme's JSON: one picture, one shape of type "point" for each landmark.

labelme measures from the corner of the top left pixel, x to the right and y down, so that the centre of that pixel is
(0.5, 0.5) there and (0, 0) here. Only points are read; other shapes are somebody else's. A landmark without a shape is
absent. The picture itself is not put into the file: labelme opens it by its path, so that a file that is written beside
the picture can be opened there.
"""

from __future__ import annotations

import json
from pathlib import Path, PureWindowsPath
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
    restored,
    scheme_of_labels,
    shape_of,
    the_only,
)
from farnet.formats.registry import AnnotationFormat, ReadOptions
from farnet.landmarks import Landmarks

if TYPE_CHECKING:
    from collections.abc import Sequence


__all__ = ["LABELME"]

_VERSION = "5.0.0"
_CORNER = 0.5
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")  # that labelme opens, too


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
        "imagePath": _picture(path.parent, only.radiograph),
        "imageData": None,
        "imageHeight": rows,
        "imageWidth": columns,
        KEY: companion(only),
    }
    write_text_atomic(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _picture(folder: Path, radiograph: str) -> str:
    """Name of the picture of a radiograph, as far as it lies in the folder; else the name of the radiograph."""
    stem = Path(radiograph).name
    beside = [folder / f"{stem}{ending}" for suffix in _PICTURES for ending in (suffix, suffix.upper())]
    return next((file.name for file in beside if file.is_file()), radiograph)


def _read(path: Path, options: ReadOptions) -> list[Landmarks]:
    scheme = options.scheme
    where = str(path)
    content = as_mapping(read_json(path), "its content", where)
    found = []
    for item in as_list(content.get("shapes"), "shapes", where):
        shape = as_mapping(item, "a shape", where)
        if shape.get("shape_type") != "point":
            continue
        label = str(shape.get("label", ""))
        corners = as_list(shape.get("points"), f"points of {label!r}", where)
        x, y = finite_pair(corners[0] if corners else None, f"{where}, shape {label!r}")
        found.append((label, (y - _CORNER, x - _CORNER)))
    own = content.get(KEY)
    wanted = scheme if own is None else named_scheme(own, scheme, where)
    known = wanted if wanted is not None and not found else scheme_of_labels([k for k, _ in found], wanted, where)
    points = points_of_labels(found, known, where)
    if own is not None:
        return [restored(points, own, known, where)]
    image_shape = shape_of(content.get("imageHeight"), content.get("imageWidth"))
    name = PureWindowsPath(str(content.get("imagePath") or path.stem)).stem  # takes both kinds of slashes
    return [Landmarks(points, known, radiograph=name, image_shape=image_shape)]


def _recognises(head: bytes) -> bool:
    return b'"shapes"' in head or b'"imageData"' in head


LABELME = AnnotationFormat(
    name="labelme",
    title="labelme",
    suffixes=(".json",),
    read=_read,
    write=_write,
    recognises=_recognises,
)
