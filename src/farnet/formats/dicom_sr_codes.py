"""What those who write and those who read a DICOM structured report agree on."""

from __future__ import annotations

__all__ = ["CODING_SCHEME", "CORNER"]

CODING_SCHEME = "99FARNET"
"""Designator of the private codes: "SCHEME:ABBREVIATION" of a landmark, ROW, COLUMN, CONFIDENCE, SOURCE, COMPANION."""

CORNER = 0.5
"""From a pixel's corner, where a SCOORD measures from, to its centre."""
