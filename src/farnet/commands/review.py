"""`farnet review`: what a person has looked at and changed, and all corrections in one file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from farnet.commands.console import note, number, print_json, print_table, print_text
from farnet.commands.options import (
    ForceOption,
    JsonOption,
    LabelsOption,
    check_folder,
    examples,
    labels_option,
    refuse_existing,
)
from farnet.commands.tables import end_with_failed, failed_files
from farnet.errors import InvalidInputError

if TYPE_CHECKING:
    from farnet.landmarks import Landmarks
    from farnet.review import Edit, Review
    from farnet.session_export import Session

__all__ = ["register", "review"]

_LEFT_OUT_SHOWN = 5

_HELP = examples(
    """Report on landmarks that a person has reviewed.

Reads files of landmarks, or folders of them such as the folder 'corrections' that napari's dock Correct landmarks
fills. For each radiograph: how many landmarks are reviewed, accepted, moved, placed and absent, and how far the moved
ones were moved, in mm where the size of a pixel is known.""",
    ("what was corrected in a folder", "farnet review scans/corrections"),
    ("who moved what, when and how far", "farnet review scans/corrections --log"),
    ("all corrections in one file", "farnet review scans/corrections -o corrected.csv"),
    ("a folder to archive or hand over, which 'farnet verify' checks", "farnet review corrected.csv --session session"),
    ("for a program", "farnet review corrected.csv --json"),
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("review", help=_HELP)(review)


def review(
    files: Annotated[list[Path], typer.Argument(metavar="FILE|FOLDER...", help="Files of landmarks, or folders.")],
    log: Annotated[
        bool, typer.Option("--log", help="List every change: when, who, what, from where to where.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write all of them into one file.")
    ] = None,
    session: Annotated[
        Path | None,
        typer.Option(
            "--session",
            metavar="FOLDER",
            help="Write a new folder with the landmarks in several formats, what was measured, the log, and hashes.",
        ),
    ] = None,
    names: Annotated[
        bool,
        typer.Option(
            "--names",
            help="A session with the names of the radiographs, and DICOM reports; without, codes, and a key beside it.",
        ),
    ] = False,
    labels: LabelsOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Report on landmarks that a person has reviewed; see `_HELP`."""
    from farnet.formats import read_each, write_annotations
    from farnet.review import Review

    if names and session is None:
        raise InvalidInputError("--names is for --session; add --session, or leave --names out.")
    if output is not None:
        refuse_existing([output], force=force)
        check_folder(output)
    known = labels_option(labels)
    landmarks, failed = read_each(files, labels=known)
    if not landmarks:
        raise InvalidInputError(f"There are no landmarks in {', '.join(map(str, files))}.")
    reviews = [Review.of(item) for item in landmarks]
    if output is not None:
        write_annotations(output, landmarks)
    exported = None if session is None else _export(session, landmarks, force=force, names=names)
    if as_json:
        report = [_summary(item) | {"log": [_entry(edit) for edit in item.log]} for item in reviews]
        written = {"output": None if output is None else str(output), "session": _described(exported)}
        print_json(written | {"radiographs": report, "failed": failed_files(failed)})
        end_with_failed(failed)
        return
    if log:
        _print_log(reviews)
    else:
        _print_summaries(reviews)
    if output is not None:
        print_text(f"Landmarks: {output}")
    if exported is not None:
        print_text(f"Session: {exported.folder} ({len(exported.files)} files)")
        if exported.key is not None:
            print_text(f"Which code is which radiograph: {exported.key}")
        for name, reason in exported.left_out[:_LEFT_OUT_SHOWN]:
            note(f"Left out: {name}: {reason}")
        if len(exported.left_out) > _LEFT_OUT_SHOWN:
            note(f"and {len(exported.left_out) - _LEFT_OUT_SHOWN} more, which session.json lists")
    end_with_failed(failed)


def _export(folder: Path, landmarks: "list[Landmarks]", *, force: bool, names: bool) -> "Session":
    from farnet.session_export import export_session, is_session

    if folder.exists() and not force and (not folder.is_dir() or any(folder.iterdir())):
        hint = ", or add --force to replace the session that is there" if is_session(folder) else ""
        raise InvalidInputError(f"{folder} is there already and is not empty; choose another --session{hint}.")
    return export_session(folder, landmarks, force=force, names=names)


def _described(session: "Session | None") -> dict[str, Any] | None:
    if session is None:
        return None
    left_out = [{"name": name, "reason": reason} for name, reason in session.left_out]
    key = None if session.key is None else str(session.key)
    return {"folder": str(session.folder), "key": key, "files": list(session.files), "left_out": left_out}


def _summary(review: "Review") -> dict[str, Any]:
    """How many landmarks are in which state, and how far the moved ones are from where they were predicted."""
    import numpy as np

    item = review.landmarks
    states = list(review.states)
    scale = np.array(item.spacing or (1.0, 1.0))
    moved = np.linalg.norm((item.points - review.origin) * scale, axis=1)[[state == "edited" for state in states]]
    return {
        "radiograph": item.radiograph,
        "landmarks": len(item),
        "reviewed": int(review.reviewed.sum()),
        **{state: states.count(state) for state in ("accepted", "edited", "placed", "absent", "missing")},
        "moved_mean": float(moved.mean()) if len(moved) else None,
        "moved_max": float(moved.max()) if len(moved) else None,
        "unit": _unit(item),
    }


def _entry(edit: "Edit") -> dict[str, Any]:
    distances = {"px": edit.distance_px, "mm": edit.distance_mm}
    return edit.to_dict() | {f"moved_{unit}": None if value != value else value for unit, value in distances.items()}


def _units(reviews: list["Review"]) -> list[str]:
    """The units of distances, each of which has columns of its own: mm and px are not to be compared."""
    return [unit for unit in ("mm", "px") if any(_unit(item.landmarks) == unit for item in reviews)]


def _print_summaries(reviews: list["Review"]) -> None:
    rows = []
    units = _units(reviews)
    for item in map(_summary, reviews):
        counts = [str(item[state]) for state in ("accepted", "edited", "placed", "absent", "missing")]
        moved = [
            number(item[key]) if item["unit"] == unit else "" for unit in units for key in ("moved_mean", "moved_max")
        ]
        rows.append((item["radiograph"], f"{item['reviewed']} of {item['landmarks']}", *counts, *moved))
    heads = [f"{name} ({unit})" for unit in units for name in ("moved by", "at most")]
    done = sum(item.complete for item in reviews)
    print_table(
        ("radiograph", "reviewed", "accepted", "moved", "placed", "absent", "missing", *heads),
        rows,
        title="Reviewed landmarks",
        caption=f"{done} of {len(reviews)} radiographs are reviewed to the last landmark",
    )


def _print_log(reviews: list["Review"]) -> None:
    units = _units(reviews)
    rows = [
        (
            edit.time,
            item.landmarks.radiograph,
            edit.landmark,
            edit.action,
            _place(edit.before),
            _place(edit.after),
            *(
                number(edit.distance_px if unit == "px" else edit.distance_mm) if _unit(item.landmarks) == unit else ""
                for unit in units
            ),
            edit.who,
        )
        for item in reviews
        for edit in item.log
    ]
    print_table(
        (
            "time",
            "radiograph",
            "landmark",
            "action",
            "from (row, column)",
            "to",
            *(f"moved by ({unit})" for unit in units),
            "who",
        ),
        sorted(rows),
        title="Changes",
        left=4,
    )


def _place(point: tuple[float, float] | None) -> str:
    return "" if point is None else f"{point[0]:.1f}, {point[1]:.1f}"


def _unit(landmarks: "Landmarks") -> str:
    return "px" if landmarks.spacing is None else "mm"
