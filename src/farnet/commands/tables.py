"""Tables that several commands print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from farnet.commands.console import number, print_table, warn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from farnet.landmarks import Landmarks

__all__ = ["end_with_failed", "failed_files", "print_facts", "print_landmarks", "warn_of_doubts"]

_LONGEST = 160  # characters of a value before it is cut
_NAMED = 3


def print_landmarks(landmarks: Landmarks) -> None:
    """Print the landmarks of one radiograph, with the expected errors where the model is calibrated."""
    unit = "px" if landmarks.spacing is None else "mm"
    if landmarks.region95 is None:
        certainty = {f"sd ({unit})": f"sd_{unit}"}
    else:
        certainty = {
            f"expected ({unit})": f"expected_error_{unit}",
            f"95 % within ({unit})": f"reach95_{unit}",
        }
    rows = [
        (
            row["name"],
            row["abbreviation"],
            number(row["row"], 1),
            number(row["column"], 1),
            number(row["confidence"]),
            *(number(row[key]) for key in certainty.values()),
        )
        for row in landmarks.summary_table()
    ]
    missing = int((~landmarks.present).sum())
    notes = [f"{missing} not found"] if missing else []
    if landmarks.region95 is not None:
        notes.append("expected: mean distance from the truth; within: the truth is so far off at most, 95 times in 100")
    print_table(
        ("landmark", "", "row (px)", "column (px)", "confidence", *certainty),
        rows,
        title=f"{landmarks.radiograph}: {landmarks.source}",
        caption="; ".join(notes),
        left=2,
    )


def warn_of_doubts(landmarks: Sequence[Landmarks]) -> None:
    """Tell of points outside their picture and of impossible sizes; what is said of many radiographs is said once."""
    from farnet.plausible import doubts

    of: dict[str, list[str]] = {}
    for item in landmarks:
        for text in doubts(item):
            of.setdefault(text, []).append(item.radiograph or "a radiograph without a name")
    for text, names in of.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        warn(f"{', '.join(names[:_NAMED])}{more}: {text}")


def failed_files(failed: Mapping[Path, str]) -> list[dict[str, str]]:
    """Files that could not be used, as they stand in JSON."""
    return [{"path": str(path), "error": reason} for path, reason in failed.items()]


def end_with_failed(failed: Mapping[Path, str]) -> None:
    """List the files that could not be used, and end with the exit code for that; nothing happens without any.

    Raises:
        typer.Exit: There are some.
    """
    if failed:
        import typer

        warn(f"Failed: {len(failed)}")
        for path, reason in failed.items():
            warn(f"  {path}: {reason}")
        raise typer.Exit(1)


def print_facts(title: str, facts: Mapping[str, Any]) -> None:
    """Print what is known under names, nested names joined by dots; long values are cut."""
    rows = [(name, text) for name, text in _flat(facts) if text]
    if rows:
        print_table(("", ""), rows, title=title, left=2)


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif value is not None:
            text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            yield f"{prefix}{name}", text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
