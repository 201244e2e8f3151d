"""JSON files that are no landmarks that can be read here: what they are, as far as it shows, and what to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from farnet.errors import AnnotationError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["refuse_foreign"]

_READ = (
    "COCO keypoints (images, annotations), labelme (shapes), 3D Slicer markups (markups) and the Aariz data set "
    "(ceph_id, landmarks)"
)
_KEYS_SHOWN = 6
_KNOWN: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"_via_img_metadata"}), "a project of the VGG Image Annotator; export it there as COCO"),
    (frozenset({"people", "version"}), "key points of OpenPose"),
    (frozenset({"objects", "size"}), "an annotation of Supervisely; export it there as COCO"),
    (frozenset({"type", "features"}), "GeoJSON, as QuPath writes it"),
    (frozenset({"images", "categories"}), "COCO without annotations"),
    (frozenset({"network", "data", "epochs"}), "the settings of a training"),
)
"""Keys of the outermost object, and what has them."""


def refuse_foreign(path: Path) -> None:
    """Say what a JSON file is, where it is one.

    Raises:
        AnnotationError: It is JSON; nothing is raised for a file that is no JSON at all.
    """
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return
    raise AnnotationError(f"{path} holds no landmarks that can be read: it is {_named(content)}. Read are {_READ}.")


def _named(content: Any) -> str:
    if isinstance(content, list):
        first = content[0] if content else None
        if isinstance(first, dict) and {"annotations", "data"} <= set(first):
            return "an export of Label Studio; export it there as COCO"
        if isinstance(first, dict) and "keypoints" in first and "image_id" in first:
            return "results in the manner of COCO, without the images and the names of their keypoints"
        return f"a JSON list of {len(content)} entries"
    if not isinstance(content, dict):
        return f"JSON that holds {json.dumps(content)[:40]} and nothing else"
    format = content.get("format")
    if isinstance(format, str) and format.startswith("farnet"):
        return f"a file of this program, {format!r}" + (
            "; give it with --scheme, or put it beside the landmarks as scheme.json"
            if format == "farnet-scheme"
            else ""
        )
    for keys, name in _KNOWN:
        if keys <= set(content):
            return name
    shown = ", ".join(map(repr, list(content)[:_KEYS_SHOWN])) + (", ..." if len(content) > _KEYS_SHOWN else "")
    return f"JSON with the keys {shown}" if content else "an empty JSON object"
