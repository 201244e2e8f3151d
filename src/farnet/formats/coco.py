"""COCO keypoints: many radiographs in one JSON file, one annotation with K keypoints (x, y, visibility) for each.

x is the column and y the row, both from the centre of the top left pixel, as in the published files. Visibility 0 is an
absent landmark (x and y are 0 then), 2 a visible one; 1, labelled though not visible, is read like 2.

Files that have an annotation of one keypoint for each landmark, whose category is the landmark, are read, too: those of
an image are put together.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from farnet.atomic import write_text_atomic
from farnet.errors import AnnotationError, SchemeError
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
)
from farnet.formats.missing import is_absent, tell_absent
from farnet.formats.pictures import name_of_picture, picture_name
from farnet.formats.registry import AnnotationFormat, ReadOptions
from farnet.landmarks import Landmarks
from farnet.notices import tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


__all__ = ["COCO"]


def _write(path: Path, landmarks: Sequence[Landmarks]) -> None:
    schemes = list(dict.fromkeys(item.scheme.name for item in landmarks))
    by_name = {item.scheme.name: item.scheme for item in landmarks}
    content = {
        "info": {"description": "Anatomical landmarks on radiographs"},
        "images": [_image(number, item, path.parent) for number, item in enumerate(landmarks, start=1)],
        "annotations": [
            _annotation(number, item, schemes.index(item.scheme.name) + 1)
            for number, item in enumerate(landmarks, start=1)
        ],
        "categories": [
            {
                "id": number,
                "name": name,
                "supercategory": "radiograph",
                "keypoints": list(by_name[name].names),
                "skeleton": [[first + 1, second + 1] for first, second in by_name[name].links],
            }
            for number, name in enumerate(schemes, start=1)
        ],
    }
    write_text_atomic(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _image(number: int, item: Landmarks, folder: Path) -> dict[str, Any]:
    image: dict[str, Any] = {"id": number, "file_name": picture_name(item, folder)}
    if item.image_shape is not None:
        image |= {"height": item.image_shape[0], "width": item.image_shape[1]}
    return image


def _annotation(number: int, item: Landmarks, category: int) -> dict[str, Any]:
    keypoints: list[float] = []
    for (row, column), here in zip(item.points.tolist(), item.present, strict=True):
        keypoints += [column, row, 2] if here else [0.0, 0.0, 0]
    seen = item.points[item.present]
    low, size = (seen.min(0), np.ptp(seen, axis=0)) if len(seen) else (np.zeros(2), np.zeros(2))
    return {
        "id": number,
        "image_id": number,
        "category_id": category,
        "keypoints": keypoints,
        "num_keypoints": len(seen),
        "bbox": [float(low[1]), float(low[0]), float(size[1]), float(size[0])],
        "area": float(size.prod()),
        "iscrowd": 0,
        KEY: companion(item),
    }


def _read(path: Path, options: ReadOptions) -> list[Landmarks]:
    where = str(path)
    content = as_mapping(read_json(path), "its content", where)
    images = _by_id(content, "images", where)
    categories = _by_id(content, "categories", where)
    found: list[Landmarks] = []
    alone: dict[Any, list[_Single]] = {}
    others = 0
    for number, item in enumerate(as_list(content.get("annotations"), "annotations", where), start=1):
        place = f"{where}, annotation {number}"
        annotation = as_mapping(item, "an annotation", where)
        if not annotation.get("keypoints"):
            others += 1  # boxes and outlines are somebody else's
            continue
        category = _referred(categories, annotation.get("category_id"), "category", place)
        image = _referred(images, annotation.get("image_id"), "image", place)
        if annotation.get(KEY) is None and _is_single(category, annotation["keypoints"]):
            alone.setdefault(annotation["image_id"], []).append(_single(annotation, category, place))
        else:
            found.append(_landmarks(annotation, category, image, options, path, place))
    for key, singles in alone.items():
        found.append(_together(singles, images[key], options, path))
    if not found:
        raise AnnotationError(f"{path} holds no annotation with keypoints.")
    if others:
        tell(f"{path}: {others} annotations without keypoints were left out; landmarks alone are read.")
    return found


class _Single(NamedTuple):
    """An annotation of one landmark: what it may be called, and (row, column), or None where it is absent."""

    names: tuple[str, ...]
    point: tuple[float, float] | None
    written: bool  # as numbers that mean that there is no point


def _is_single(category: Mapping[str, Any], keypoints: Any) -> bool:
    names = category.get("keypoints")
    return isinstance(keypoints, list) and len(keypoints) in (2, 3) and (not names or len(names) == 1)


def _single(annotation: Mapping[str, Any], category: Mapping[str, Any], where: str) -> _Single:
    names = tuple(str(name) for name in (category.get("name"), *(category.get("keypoints") or ())) if name is not None)
    keypoints = annotation["keypoints"]
    (position,), written = _positions(keypoints if len(keypoints) == 3 else [*keypoints, 2], 1, where, own=False)
    return _Single(names, position, bool(written))


def _together(singles: Sequence[_Single], image: Mapping[str, Any], options: ReadOptions, path: Path) -> Landmarks:
    """The landmarks of an image from its annotations of one landmark each."""
    name = name_of_picture(str(image.get("file_name", "")))
    where = f"{path}, image {name!r}"
    for place in (-1, 0):  # called by the only keypoints of the categories, or by these
        labels = [renamed(single.names[place], options.labels) for single in singles]
        try:
            known = scheme_of_labels(labels, options.scheme, where, beside=path)
        except SchemeError:
            if place == 0:
                raise
        else:
            break
    named = list(zip(labels, singles, strict=True))
    points = points_of_labels([(label, item.point) for label, item in named if item.point is not None], known, where)
    tell_absent(where, [label for label, item in named if item.written])
    return Landmarks(points, known, radiograph=name, image_shape=shape_of(image.get("height"), image.get("width")))


def _landmarks(
    annotation: Mapping[str, Any],
    category: Mapping[str, Any],
    image: Mapping[str, Any],
    options: ReadOptions,
    path: Path,
    where: str,
) -> Landmarks:
    names = as_list(category.get("keypoints"), "keypoints of the category", where)
    labels = [renamed(str(name), options.labels) for name in names]
    own = annotation.get(KEY)
    wanted = options.scheme if own is None else named_scheme(own, options.scheme, where, beside=path)
    known = scheme_of_labels(labels, wanted, where, beside=path)
    positions, written = _positions(annotation["keypoints"], len(labels), where, own=own is not None)
    seen = [(label, point) for label, point in zip(labels, positions, strict=True) if point is not None]
    points: NDArray[np.float64] = points_of_labels(seen, known, where)
    tell_absent(where, [labels[k] for k in written])
    if own is not None:
        return restored(points, own, known, where)
    shape = shape_of(image.get("height"), image.get("width"))
    return Landmarks(points, known, radiograph=name_of_picture(str(image.get("file_name", ""))), image_shape=shape)


def _positions(
    keypoints: Any, count: int, where: str, *, own: bool
) -> tuple[list[tuple[float, float] | None], list[int]]:
    """(row, column) of each keypoint, None where it is absent; and which are absent by their numbers alone."""
    values = as_list(keypoints, "keypoints", where)
    if len(values) != 3 * count:
        raise AnnotationError(
            f"{where}: {len(values)} numbers for {count} keypoints; three are expected for each (x, y, visibility)."
        )
    positions: list[tuple[float, float] | None] = []
    written = []
    for k in range(count):
        x, y, visibility = values[3 * k : 3 * k + 3]
        if visibility not in (0, 1, 2):
            raise AnnotationError(f"{where}, keypoint {k + 1}: visibility is {visibility!r}; it must be 0, 1 or 2.")
        column, row = finite_pair((x, y), f"{where}, keypoint {k + 1}") if visibility else (0.0, 0.0)
        absent = is_absent(column, row, own=own)
        if visibility and absent:
            written.append(k)
        positions.append((row, column) if visibility and not absent else None)
    return positions, written


def _by_id(content: Mapping[str, Any], key: str, where: str) -> dict[Any, Mapping[str, Any]]:
    entries = [as_mapping(item, f"an entry of {key}", where) for item in as_list(content.get(key), key, where)]
    return {entry["id"]: entry for entry in entries if isinstance(entry.get("id"), int | str)}


def _referred(entries: Mapping[Any, Mapping[str, Any]], key: Any, what: str, where: str) -> Mapping[str, Any]:
    if not isinstance(key, int | str) or key not in entries:
        raise AnnotationError(f"{where}: there is no {what} with the id {key!r}.")
    return entries[key]


COCO = AnnotationFormat(
    name="coco",
    title="COCO keypoints",
    suffixes=(".coco.json", ".json"),
    read=_read,
    write=_write,
    holds_many=True,
    keys=frozenset({"images", "annotations"}),
)
