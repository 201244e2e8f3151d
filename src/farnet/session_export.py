"""A session in one folder: landmarks in every useful format, what was measured, who changed what, how to verify it.

    session = export_session("session", read_annotations("scans/corrections"))

=====================  ================================================================================
landmarks.csv          farnet-csv: exact, with provenance and the log of the review
landmarks.coco.json    COCO keypoints
NAME.mrk.json          3D Slicer, one for each radiograph
NAME.sr.dcm            DICOM structured report, one for each radiograph whose file is DICOM
measurements.csv       where there are measurements for the landmarks
log.csv                every change: when, who, which landmark, from where to where
session.json           versions, models, radiographs and files with their SHA-256, commands
=====================  ================================================================================

It is made to be handed over, so radiographs have codes for names ("radiograph-01"), and which code is which radiograph
stands in a key beside the folder (`farnet.session_names`). With ``names=True`` the folder has the names, and the
reports, which identify the patient as the radiograph does (`farnet.formats.dicom_sr_writing`). No file of it tells
where the radiographs lie.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farnet.anonymity import file_name, is_file_name
from farnet.atomic import atomic_folder, write_text_atomic
from farnet.errors import AnnotationError, InvalidInputError, OutputError
from farnet.review import Review
from farnet.session_folder import being_replaced, replaced_session
from farnet.session_names import Coded, check_key, image_of, key_path, without_folders, write_markups
from farnet.spreadsheet import csv_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from farnet.landmarks import Landmarks

__all__ = ["LOG_COLUMNS", "SESSION_TABLE", "Session", "changed_files", "export_session", "is_session"]

SESSION_TABLE = "landmarks.csv"
"""The file of a session that holds its landmarks exactly."""

LOG_COLUMNS = (
    "time",
    "who",
    "radiograph",
    "landmark",
    "action",
    "row_from_px",
    "column_from_px",
    "row_to_px",
    "column_to_px",
    "moved_px",
    "moved_mm",
)
"""Columns of log.csv."""

_MANIFEST = "session.json"
_KIND = "farnet-session"
_PLACE = "RADIOGRAPHS"
_NAMES_THE_PATIENT = "a report identifies the patient; a session with names has it"
_FORMAT = 1


@dataclass(frozen=True)
class Session:
    """What was written.

    Attributes:
        folder: Where.
        radiographs: How many.
        files: Names of the files, in the order in which they were written; session.json is the last.
        left_out: What could not be, and why: (file, reason).
        key: The table of which code is which radiograph, beside the folder; None where the session has names.
    """

    folder: Path
    radiographs: int
    files: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    key: Path | None = None


@dataclass
class _Writing:
    """A session on its way: the landmarks as they are written, and the files that they are of, which are not told."""

    folder: Path
    items: Sequence[Landmarks]
    originals: Sequence[Landmarks]
    names: Sequence[str]
    named: bool
    files: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def place(self, name: str) -> Path:
        self.files.append(name)
        return self.folder / name


def export_session(
    folder: str | Path, items: Iterable[Landmarks], *, force: bool = False, names: bool = False
) -> Session:
    """Write a session into a new folder, all or nothing.

    Args:
        folder: Where; must not be there yet, or be empty.
        items: The landmarks of the radiographs, all of one scheme, with their reviews (`Review.to_landmarks`).
        force: Put it in the place of a session that is there. A folder that is no session is never replaced, and files
            that the session does not list stay.
        names: Write the names of the radiographs, and reports of those that are DICOM; without, codes and a key.

    Returns:
        What was written, and what was left out.

    Raises:
        InvalidInputError: If there are no landmarks, or they are of several schemes.
        AnnotationError: If two of them are of the same radiograph and source.
        OutputError: If there is something in the folder that is not the session's, or a key beside it, or it cannot be
            written.
    """
    target, landmarks = Path(folder), list(items)
    if not landmarks:
        raise InvalidInputError("There are no landmarks to export; give those of at least one radiograph.")
    schemes = sorted({item.scheme.name for item in landmarks})
    if len(schemes) > 1:
        raise InvalidInputError(
            f"A session is of one scheme, and these are of {', '.join(schemes)}; export each alone."
        )
    there = _read_manifest(target) if force else None
    if force and there is None and target.is_dir() and any(target.iterdir()):
        raise OutputError(f"The folder {folder} is not empty and is no session, so it is not replaced. Give a new one.")
    coded, key = Coded.of(landmarks), None if names else key_path(Path(os.path.realpath(target)))
    written = [without_folders(item) for item in landmarks] if names else coded.items

    def write_key() -> None:
        if key is not None:
            write_text_atomic(key, coded.key)

    new = atomic_folder(target) if there is None else replaced_session(target, _MANIFEST, there, also=write_key)
    with new as temporary:
        if key is not None:
            check_key(key, force=force)
        writing = _Writing(temporary, written, landmarks, _file_names(written), names)
        _write_landmarks(writing)
        _write_reports(writing)
        _write_measurements(writing)
        write_text_atomic(writing.place("log.csv"), _log(written))
        manifest = _manifest(writing)
        write_text_atomic(temporary / _MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
        if there is None:
            write_key()
    return Session(target, len(landmarks), (*writing.files, _MANIFEST), tuple(writing.left_out), key)


def is_session(folder: str | Path) -> bool:
    """Whether a folder holds what `export_session` writes."""
    return _read_manifest(Path(folder)) is not None


def changed_files(folder: str | Path) -> list[str]:
    """Say which files of a session are not as they were written; an empty list where all are.

    Raises:
        InvalidInputError: If the folder is no session.
    """
    root = Path(folder)
    manifest = _read_manifest(root)
    if manifest is None:
        raise InvalidInputError(f"{folder} is no session: it has no {_MANIFEST} that `farnet review --session` writes.")
    if being_replaced(manifest):
        return [
            f"{root / _MANIFEST} says that the session was being replaced and that was cut off; write it once more."
        ]
    said = []
    for entry in manifest["files"]:
        path = root / entry["name"]
        if not path.is_file():
            said.append(f"{path} is missing.")
        elif _sha256(path) != entry["sha256"]:
            said.append(f"{path} was changed since the session was written.")
    return said


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    try:
        content = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        valid = content["kind"] == _KIND and all(is_file_name(entry["name"]) for entry in content["files"])
        return content if valid and all(isinstance(entry["sha256"], str) for entry in content["files"]) else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _write_landmarks(writing: _Writing) -> None:
    from farnet.formats import write_annotations

    write_annotations(writing.place(SESSION_TABLE), writing.items, format="farnet-csv")
    write_annotations(writing.place("landmarks.coco.json"), writing.items, format="coco")
    for item, original, name in zip(writing.items, writing.originals, writing.names, strict=True):
        write_markups(writing.place(f"{name}.mrk.json"), item, image_of(original))


def _write_reports(writing: _Writing) -> None:
    from farnet.formats.dicom_sr_writing import no_dicom_source, write_report

    missing = find_spec("highdicom") is None
    for item, original, name in zip(writing.items, writing.originals, writing.names, strict=True):
        file, image = f"{name}.sr.dcm", image_of(original) or ""
        reason = no_dicom_source(original)
        if not writing.named:
            reason = "no DICOM file of the radiograph is known" if reason else _NAMES_THE_PATIENT
        if not reason and missing:
            reason = "writing DICOM reports needs: pip install 'napari-farnet[dicom-sr]'"
        if not reason:
            try:
                write_report(writing.folder / file, item, source=image)
                writing.files.append(file)
            except AnnotationError as error:
                reason = str(error)
        if reason:
            writing.left_out.append((file, reason.replace(image, file_name(image)) if image else reason))


def _write_measurements(writing: _Writing) -> None:
    from farnet.measurement import measure, measurements_for
    from farnet.measurement.tables import Measured, write_measurements

    scheme = writing.items[0].scheme
    wanted = measurements_for(scheme)
    if wanted is None:
        writing.left_out.append(("measurements.csv", f"there are no bundled measurements for {scheme.title}"))
        return
    measured = [Measured.of(item, measure(wanted, item)) for item in writing.items]
    write_measurements(writing.place("measurements.csv"), measured)


def _log(landmarks: Sequence[Landmarks]) -> str:
    rows = [
        [
            edit.time,
            edit.who,
            item.radiograph,
            edit.landmark,
            edit.action,
            *_cells(edit.before),
            *_cells(edit.after),
            *_cells((edit.distance_px, edit.distance_mm)),
        ]
        for item in landmarks
        for edit in Review.of(item).log
    ]
    # By time; what was done in the same second stays in its order.
    return csv_text([LOG_COLUMNS, *sorted(rows, key=lambda row: row[0])], line_end="\n")


def _cells(pair: tuple[float, float] | None) -> list[str]:
    return ["", ""] if pair is None else ["" if math.isnan(value) else repr(float(value)) for value in pair]


def _manifest(writing: _Writing) -> dict[str, Any]:
    items = writing.items
    return {
        "kind": _KIND,
        "format": _FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "note": "Research use, not for diagnosis.",
        "versions": _versions(),
        "scheme": items[0].scheme.name,
        "models": _models(items),
        "radiographs": [_radiograph(item) for item in items],
        "commands_note": f"To be run in this folder; {_PLACE} is the folder of the radiographs.",
        "commands": _commands(items),
        "files": [
            {"name": name, "bytes": (path := writing.folder / name).stat().st_size, "sha256": _sha256(path)}
            for name in writing.files
        ],
        "left_out": [{"name": name, "reason": reason} for name, reason in writing.left_out],
    }


def _versions() -> dict[str, str]:
    """Of this program and what computes, without loading it."""
    packages = {"farnet": "napari-farnet", "torch": "torch", "numpy": "numpy"}
    return {name: metadata.version(package) for name, package in packages.items()} | {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _models(items: Sequence[Landmarks]) -> list[dict[str, Any]]:
    """Which models placed the points, with which settings, on which radiographs; what names no model is left out."""
    keys = ("device", "hardware", "threads", "precision", "farnet", "torch", "fit", "decoder")
    found: dict[str, dict[str, Any]] = {}
    for item in items:
        name, sha256 = (item.provenance.get(key) for key in ("model", "model_sha256"))
        if not isinstance(name, str):
            continue
        about = {"name": name, "sha256": sha256} | {key: item.provenance.get(key) for key in keys}
        known = found.setdefault(json.dumps(about, sort_keys=True), about | {"radiographs": []})
        known["radiographs"].append(item.radiograph)
    return list(found.values())


def _radiograph(item: Landmarks) -> dict[str, Any]:
    review, image = Review.of(item), image_of(item)
    states = list(review.states)
    return {
        "name": item.radiograph,
        **({} if image is None else {"file": image}),
        "sha256": item.image_sha256,
        "pixels_sha256": item.provenance.get("pixels_sha256"),
        "shape": None if item.image_shape is None else list(item.image_shape),
        "spacing_mm": None if item.spacing is None else list(item.spacing),
        "spacing_source": item.provenance.get("spacing_source"),
        "source": item.source,
        "reviewed": int(review.reviewed.sum()),
        "states": {state: states.count(state) for state in dict.fromkeys(states)},
        "edits": len(review.log),
    }


def _commands(items: Sequence[Landmarks]) -> dict[str, str]:
    """What gives the same on the command line, and what verifies it, in the folder of the session."""
    commands = {
        "verify": ["farnet", "verify", ".", "--radiographs", _PLACE],
        "review": ["farnet", "review", SESSION_TABLE, "--log"],
        "measure": ["farnet", "measure", SESSION_TABLE],
    }
    for number, model in enumerate(_models(items), start=1):
        own = [item for item in items if item.radiograph in model["radiographs"]]
        chosen = ["--model", model["name"], "--device", str(model["device"] or "auto"), *_spacing_option(own)]
        name = "detect" if number == 1 else f"detect {number}"
        files = dict.fromkeys(map(_file, own))
        commands[name] = ["farnet", "detect", *files, *chosen, "--output", "detected.csv"]
    join = subprocess.list2cmdline if os.name == "nt" else shlex.join
    return {name: join(words) for name, words in commands.items()}


def _file(item: Landmarks) -> str:
    """Where a radiograph is; by its name only in a session with names."""
    image = image_of(item)
    return _PLACE if image is None else f"{_PLACE}/{image}"


def _spacing_option(items: Sequence[Landmarks]) -> list[str]:
    """How `farnet detect` is told the size of a pixel; nothing where the files tell it, or it is not one for all."""
    sources = {str(item.provenance.get("spacing_source")) for item in items}
    spacings = {item.spacing for item in items}
    if sources == {"given"} and len(spacings) == 1 and (spacing := spacings.pop()) is not None:
        return ["--spacing", f"{spacing[0]!r},{spacing[1]!r}"]
    return ["--detector-spacing"] if any(source.endswith("(detector plane)") for source in sources) else []


def _file_names(items: Sequence[Landmarks]) -> list[str]:
    """A name for the files of each radiograph: without folders, and no two alike, also where case does not count."""
    names: list[str] = []
    taken = {"landmarks"}
    for item in items:
        stem = re.sub(r"[^\w.-]+", "_", item.radiograph).strip("._")[:100] or "radiograph"
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        names.append(name)
    return names


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
