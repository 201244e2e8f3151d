"""COCO keypoints: many radiographs in one JSON file, one annotation with K keypoints (x, y, visibility) for each.

x is the column and y the row, both from the centre of the top left pixel, as in the published files. Visibility 0 is an
absent landmark (x and y are 0 then), 2 a visible one; 1, labelled though not visible, is read like 2.
"""

from __future__ import annotations

import json
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.atomic import write_text_atomic
from farnet.errors import AnnotationError
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
)
from farnet.formats.registry import AnnotationFormat, ReadOptions
from farnet.landmarks import Landmarks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from farnet.scheme import LandmarkScheme

__all__ = ["COCO"]


def _write(path: Path, landmarks: Sequence[Landmarks]) -> None:
    schemes = list(dict.fromkeys(item.scheme.name for item in landmarks))
    by_name = {item.scheme.name: item.scheme for item in landmarks}
    content = {
        "info": {"description": "Anatomical landmarks on radiographs"},
        "images": [_image(number, item) for number, item in enumerate(landmarks, start=1)],
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


def _image(number: int, item: Landmarks) -> dict[str, Any]:
    image: dict[str, Any] = {"id": number, "file_name": item.radiograph}
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
    scheme = options.scheme
    where = str(path)
    content = as_mapping(read_json(path), "its content", where)
    images = _by_id(content, "images", where)
    categories = _by_id(content, "categories", where)
    found = []
    for number, item in enumerate(as_list(content.get("annotations"), "annotations", where), start=1):
        place = f"{where}, annotation {number}"
        annotation = as_mapping(item, "an annotation", where)
        if "keypoints" not in annotation:
            continue  # boxes and outlines are somebody else's
        category = _referred(categories, annotation.get("category_id"), "category", place)
        image = _referred(images, annotation.get("image_id"), "image", place)
        found.append(_landmarks(annotation, category, image, scheme, place))
    if not found:
        raise AnnotationError(f"{path} holds no annotation with keypoints.")
    return found


def _landmarks(
    annotation: Mapping[str, Any],
    category: Mapping[str, Any],
    image: Mapping[str, Any],
    scheme: LandmarkScheme | None,
    where: str,
) -> Landmarks:
    labels = [str(name) for name in as_list(category.get("keypoints"), "keypoints of the category", where)]
    own = annotation.get(KEY)
    wanted = scheme if own is None else named_scheme(own, scheme, where)
    known = scheme_of_labels(labels, wanted, where)
    positions = _positions(annotation["keypoints"], len(labels), where)
    seen = [(label, point) for label, point in zip(labels, positions, strict=True) if point is not None]
    points: NDArray[np.float64] = points_of_labels(seen, known, where)
    if own is not None:
        return restored(points, own, known, where)
    shape = shape_of(image.get("height"), image.get("width"))
    name = PureWindowsPath(str(image.get("file_name", ""))).stem
    return Landmarks(points, known, radiograph=name, image_shape=shape)


def _positions(keypoints: Any, count: int, where: str) -> list[tuple[float, float] | None]:
    values = as_list(keypoints, "keypoints", where)
    if len(values) != 3 * count:
        raise AnnotationError(
            f"{where}: {len(values)} numbers for {count} keypoints; three are expected for each (x, y, visibility)."
        )
    positions: list[tuple[float, float] | None] = []
    for k in range(count):
        x, y, visibility = values[3 * k : 3 * k + 3]
        if visibility not in (0, 1, 2):
            raise AnnotationError(f"{where}, keypoint {k + 1}: visibility is {visibility!r}; it must be 0, 1 or 2.")
        column, row = finite_pair((x, y), f"{where}, keypoint {k + 1}")
        positions.append((row, column) if visibility else None)
    return positions


def _by_id(content: Mapping[str, Any], key: str, where: str) -> dict[Any, Mapping[str, Any]]:
    entries = [as_mapping(item, f"an entry of {key}", where) for item in as_list(content.get(key), key, where)]
    return {entry["id"]: entry for entry in entries if isinstance(entry.get("id"), int | str)}


def _referred(entries: Mapping[Any, Mapping[str, Any]], key: Any, what: str, where: str) -> Mapping[str, Any]:
    if not isinstance(key, int | str) or key not in entries:
        raise AnnotationError(f"{where}: there is no {what} with the id {key!r}.")
    return entries[key]


def _recognises(head: bytes) -> bool:
    return b'"annotations"' in head or b'"images"' in head


COCO = AnnotationFormat(
    name="coco",
    title="COCO keypoints",
    suffixes=(".coco.json", ".json"),
    read=_read,
    write=_write,
    holds_many=True,
    recognises=_recognises,
)
