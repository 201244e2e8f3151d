"""Codes in place of names, for a session that is handed over; which radiograph a code is stands in a key beside it.

    coded = Coded.of(landmarks)
    coded.items  # of "radiograph-01", "radiograph-02", ...

What the landmarks carry of other programs, and where their files lay, is left out: names stand in both. What verifies
the landmarks (hashes, model, settings) and the log of the review stay.
"""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farnet.anonymity import without_paths
from farnet.atomic import write_text_atomic
from farnet.errors import OutputError
from farnet.spreadsheet import csv_text, restored_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farnet.landmarks import Landmarks

__all__ = [
    "KEY_COLUMNS",
    "Coded",
    "check_key",
    "files_of_key",
    "image_of",
    "key_path",
    "without_folders",
    "write_markups",
]

_KEPT = (
    *("model", "model_sha256", "device", "farnet", "torch", "hardware", "threads", "precision", "compiled"),
    *("fit", "decoder", "network_shape", "crop", "orientation", "pixels_sha256", "spacing_source", "time"),
    *("unlike_training", "review"),
)
"""What farnet itself notes of landmarks, and that tells neither whose they are nor where they lay."""
KEY_COLUMNS = ("code", "radiograph", "file", "image_sha256", "pixels_sha256")
"""Columns of the key."""


def key_path(folder: Path) -> Path:
    """Where the key of a session is: beside its folder, so that who gets the folder does not get it."""
    return folder.with_name(f"{folder.name}-key.csv")


def check_key(path: Path, *, force: bool) -> None:
    """See that a key can be written.

    Raises:
        OutputError: If there is one and it is not to be replaced, or something else is there.
    """
    if not path.exists():
        return
    if not force:
        raise OutputError(
            f"{path} says which radiographs an earlier session of this name has, and was left as it is. Give the "
            "session another name, or replace both (--force)."
        )
    try:
        first = path.read_text(encoding="utf-8").split("\n", 1)[0].strip()
    except (OSError, ValueError):
        first = ""
    if first != ",".join(KEY_COLUMNS):
        raise OutputError(f"{path} is no key of a session, so it is not replaced. Give the session another name.")


def files_of_key(folder: Path) -> list[str]:
    """The files that the key beside a session names; none where there is no key."""
    path = key_path(Path(os.path.realpath(folder)))
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    except (OSError, ValueError, csv.Error):
        return []
    return [restored_cell(file) for row in rows if (file := row.get("file"))]


def image_of(item: Landmarks) -> str | None:
    """The file that landmarks say they are of; None where they say none."""
    image = item.provenance.get("image")
    return image if isinstance(image, str) and image else None


def write_markups(path: Path, item: Landmarks, image: str | None) -> None:
    """Write a list for 3D Slicer, whose mm are those of the picture's file: it is looked at, but not named.

    Raises:
        FarnetError: As `farnet.formats.write_annotations`.
    """
    from farnet.formats import write_annotations
    from farnet.formats.companion import KEY

    known = {} if image is None else {"image": image}
    write_annotations(path, [item.replace(provenance={**item.provenance, **known})], format="slicer-markups")
    content = json.loads(path.read_text(encoding="utf-8"))
    content[KEY]["provenance"] = dict(item.provenance)
    write_text_atomic(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def without_folders(item: Landmarks) -> Landmarks:
    """The same landmarks, whose provenance names files without the folders that they are in."""
    return item.replace(source=without_paths(item.source), provenance=without_paths(dict(item.provenance)))


@dataclass(frozen=True)
class Coded:
    """Landmarks whose radiographs have codes for names.

    Attributes:
        items: The landmarks, in their order.
        key: The text of the key, a csv table: code, name, file and hashes of each radiograph.
    """

    items: tuple[Landmarks, ...]
    key: str

    @classmethod
    def of(cls, landmarks: Sequence[Landmarks]) -> Coded:
        """Give codes by the order of the landmarks; several of one radiograph have one code."""
        known = dict.fromkeys(map(_which, landmarks))
        digits = max(2, len(str(len(known))))
        codes = {which: f"radiograph-{number:0{digits}}" for number, which in enumerate(known, start=1)}
        items = tuple(_coded(item, codes[_which(item)]) for item in landmarks)
        rows: dict[str, tuple[Any, ...]] = {}
        for item in landmarks:
            name, file, pixels = _which(item)
            code = codes[name, file, pixels]
            rows.setdefault(code, (code, name, image_of(item) or "", file, pixels))
        return cls(items, csv_text([KEY_COLUMNS, *rows.values()]))


def _which(item: Landmarks) -> tuple[str, str, str]:
    identity = item.identity
    return identity.name, identity.file_sha256 or "", identity.pixels_sha256 or ""


def _coded(item: Landmarks, code: str) -> Landmarks:
    kept = {key: item.provenance[key] for key in _KEPT if key in item.provenance}
    return item.replace(radiograph=code, source=without_paths(item.source), provenance=without_paths(kept))
