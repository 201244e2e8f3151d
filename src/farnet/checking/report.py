"""A check as one self-contained page: what was found, with small pictures."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from farnet.checking.findings import KINDS
from farnet.errors import FarnetError
from farnet.evaluation.report.html import as_html
from farnet.evaluation.report.section import Picture, Section, Table

if TYPE_CHECKING:
    from pathlib import Path

    from farnet.checking.check import CheckReport
    from farnet.checking.findings import Finding
    from farnet.checking.gathering import Item

__all__ = ["write_check_report"]

_SHOWN = ("same picture", "same picture in both parts", "mirrored shape", "known to be doubtful")
_PICTURES = 60  # in all
_EACH = 8  # of one kind
_LINES = 200  # of one kind
_SIDE = 340
_QUALITY = 80


def write_check_report(path: Path, report: CheckReport) -> None:
    """Write the page.

    Args:
        path: The file, ending in .html.
        report: What was found.

    Raises:
        OutputError: If the file cannot be written.
    """
    from farnet.atomic import write_text_atomic

    rows = tuple((kind, KINDS[kind][0], str(count), KINDS[kind][1]) for kind, count in report.counts().items())
    sections = [
        Section(
            "In short",
            (_verdict(report),),
            (
                Table(("", ""), tuple(report.facts.items()), 2),
                Table(("found", "how serious", "how often", ""), rows, 4),
            ),
        )
    ]
    items = {item.name: item for item in report.items}
    left = _PICTURES
    for kind in report.counts():
        found = [item for item in report.findings if item.kind == kind]
        pictures = _pictures(found, items, min(left, _EACH))
        left -= len(pictures)
        lines = tuple((item.message,) for item in found[:_LINES])
        more = (f"And {len(found) - _LINES} more.",) if len(found) > _LINES else ()
        sections.append(Section(f"{kind} ({len(found)})", (KINDS[kind][1], *more), (Table(("",), lines),), pictures))
    write_text_atomic(path, as_html(f"Check of {report.request.data.name}: {report.title}", sections))


def _verdict(report: CheckReport) -> str:
    counts = {level: sum(item.severity == level for item in report.findings) for level in ("error", "warning", "note")}
    if not any(counts.values()):
        return "Nothing was found."
    return f"{counts['error']} errors, {counts['warning']} warnings, {counts['note']} notes."


def _pictures(found: list[Finding], items: dict[str, Item], most: int) -> tuple[Picture, ...]:
    """Of the first findings of a kind, each radiograph once."""
    names: list[str] = []
    for item in found:
        if item.landmarks or item.kind in (
            "same picture",
            "same picture in both parts",
            "mirrored shape",
            "known to be doubtful",
        ):
            names += [name for name in item.radiographs if name not in names]
    return tuple(picture for name in names[:most] if (picture := _picture(items.get(name))) is not None)


def _picture(item: Item | None) -> Picture | None:
    from farnet.overlay import draw_overlay
    from farnet.radiograph import read_radiograph

    if item is None or item.path is None or item.landmarks is None:
        return None
    observers = item.observers or [item.landmarks]
    try:
        radiograph = read_radiograph(item.path, checksum=False)
        drawn = draw_overlay(
            radiograph,
            observers[0].replace(radiograph=item.name, image_shape=None),
            reference=observers[1].replace(image_shape=None) if len(observers) > 1 else None,
            labels="none",
            long_side=_SIDE,
        )
    except FarnetError:
        return None  # the finding says that it cannot be read, or that the landmarks do not fit
    file = io.BytesIO()
    drawn.convert("RGB").save(file, "JPEG", quality=_QUALITY)
    return Picture(file.getvalue(), item.name, f"Radiograph {item.name} with its landmarks.", small=True)
