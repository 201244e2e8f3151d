"""A radiograph of the folder as a row of the table: what is known of it, in words and in numbers to sort by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from farnet.landmarks import least_certain

if TYPE_CHECKING:
    from pathlib import Path

    from farnet.landmarks import Landmarks

__all__ = ["COLUMNS", "RadiographRow", "RowState"]

RowState = Literal["waiting", "running", "done", "failed", "skipped"]

_ORDER: tuple[RowState, ...] = ("failed", "running", "waiting", "skipped", "done")
_GLYPHS: dict[RowState, str] = {
    "waiting": "\N{WHITE CIRCLE}",
    "running": "\N{BLACK RIGHT-POINTING TRIANGLE}",
    "done": "\N{CHECK MARK}",
    "failed": "\N{WARNING SIGN}",
    "skipped": "\N{CHECK MARK}",
}

COLUMNS: tuple[tuple[str, str], ...] = (
    ("Radiograph", "Name of the file; with its folder where two have the same."),
    (
        "State",
        "Waiting, running, done, failed, or skipped: its landmarks were found before, and neither the file nor the "
        "model has changed.",
    ),
    ("Found", "How many of the landmarks were found."),
    ("Confidence", "How sure the network was of its least certain landmark, from 0 to 1."),
    (
        "Error (SD)",
        "Expected error: mean over the landmarks, in mm (in px where the size of a pixel is unknown).",
    ),
    ("Seconds", "How long the detection took."),
    ("Message", "What went wrong, and how to mend it."),
)
"""Title and meaning of the columns."""


@dataclass(frozen=True, eq=False)
class RadiographRow:
    """A row.

    Attributes:
        path: The file.
        name: What it is called.
        state: What became of it.
        landmarks: What was found; None where nothing is known.
        seconds: Time of the detection; None where there was none.
        message: What went wrong.
        cells: The texts of the columns.
        keys: What the columns are sorted by; None where a cell is empty.
    """

    path: Path
    name: str
    state: RowState = "waiting"
    landmarks: Landmarks | None = None
    seconds: float | None = None
    message: str = ""
    cells: tuple[str, ...] = ()
    keys: tuple[float | str | tuple[str, float] | None, ...] = ()

    def __post_init__(self) -> None:
        found, least, error, unit = _figures(self.landmarks)
        total = 0 if self.landmarks is None else len(self.landmarks)
        cells = (
            self.name,
            f"{_GLYPHS[self.state]} {self.state}",
            "" if found is None else f"{found} of {total}",
            "" if least is None else f"{least:.2f}",
            "" if error is None else f"{error:.2f} {unit}",
            "" if self.seconds is None else f"{self.seconds:.1f}",
            " ".join(self.message.split()),
        )
        keys = (
            self.name.casefold(),
            float(_ORDER.index(self.state)),
            None if found is None else float(found),
            least,
            None if error is None else (unit, error),  # mm and px cannot be compared: one after the other
            self.seconds,
            self.message or None,
        )
        object.__setattr__(self, "cells", cells)
        object.__setattr__(self, "keys", keys)


def _figures(landmarks: Landmarks | None) -> tuple[int | None, float | None, float | None, str]:
    """(landmarks found, confidence of the least certain one, mean expected error or standard deviation, its unit)."""
    if landmarks is None:
        return None, None, None, ""
    off = landmarks.uncertainty
    known = off.values[np.isfinite(off.values)]
    order = least_certain([landmarks])
    least = None if landmarks.confidence is None or not order else float(landmarks.confidence[order[0][1]])
    return (
        int(landmarks.present.sum()),
        None if least is None or np.isnan(least) else least,
        float(known.mean()) if known.size else None,
        off.unit,
    )
