"""The text files of the ISBI 2015 challenge: 19 lines `x,y` in pixels, then 8 class labels, one a line.

Origin and unit: x is the column, y the row, both from the centre of the top left pixel. The format knows no absent
landmark, no spacing and no name of the radiograph; the name is taken from the file's. Landmarks that others wrote as
-1,-1 or 0,0 are absent (`farnet.formats.missing`).
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from farnet.atomic import write_text_atomic
from farnet.errors import AnnotationError, SchemeError
from farnet.formats.missing import is_absent, tell_absent
from farnet.formats.registry import AnnotationFormat, ReadOptions, read_text
from farnet.landmarks import Landmarks
from farnet.scheme import load_scheme

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["ISBI_TXT", "read_isbi_points"]

_SCHEME = "cephalometric19"
_POINTS = 19
_CLASSES = 8
_CLASSES_KEY = "isbi_classes"
_PAIR = re.compile(rb"\s*[-+.\deE]+\s*,\s*[-+.\deE]+\s*")


def read_isbi_points(path: Path) -> NDArray[np.float64]:
    """Read the points alone.

    Args:
        path: A file of 19 lines `x,y`, with or without the 8 class labels.

    Returns:
        (19, 2) float64, (row, column) in px; NaN where the file has numbers that mean that there is no point.

    Raises:
        AnnotationError: If the file cannot be read or is not of this format.
    """
    return _parse(path)[0]


def _parse(path: Path) -> tuple[NDArray[np.float64], list[int]]:
    lines = [line.strip() for line in read_text(path).rstrip("\x1a").splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) not in (_POINTS, _POINTS + _CLASSES):
        raise AnnotationError(
            f"{path} has {len(lines)} lines; an ISBI 2015 file has {_POINTS} lines 'x,y', optionally "
            f"followed by {_CLASSES} class labels."
        )
    points = np.array([_point(line, number, path) for number, line in enumerate(lines[:_POINTS], start=1)])
    absent = np.array([is_absent(x, y) for y, x in points.tolist()])
    names = load_scheme(_SCHEME).abbreviations
    tell_absent(str(path), [names[k] for k in np.flatnonzero(absent)])
    points[absent] = np.nan
    classes = [_class(line, number, path) for number, line in enumerate(lines[_POINTS:], start=_POINTS + 1)]
    return points, classes


def _point(line: str, number: int, path: Path) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in line.split(","))
    except ValueError:
        x = y = math.nan
    if not (math.isfinite(x) and math.isfinite(y)):
        raise AnnotationError(
            f"{path}, line {number}: {line!r} is no point; expected is 'x,y' in pixels, like '829,991'."
        )
    return y, x


def _class(line: str, number: int, path: Path) -> int:
    try:
        return int(line)
    except ValueError:
        raise AnnotationError(
            f"{path}, line {number}: {line!r} is no class label; expected is a whole number."
        ) from None


def _read(path: Path, options: ReadOptions) -> list[Landmarks]:
    scheme = options.scheme
    wanted = load_scheme(_SCHEME)
    if scheme is not None and scheme != wanted:
        raise SchemeError(f"{path} is an ISBI 2015 file, which holds scheme {_SCHEME!r}, not {scheme.name!r}.")
    points, classes = _parse(path)
    return [
        Landmarks(
            points=points,
            scheme=wanted,
            radiograph=path.stem,
            provenance={_CLASSES_KEY: classes} if classes else {},
        )
    ]


def _write(path: Path, landmarks: Sequence[Landmarks]) -> None:
    if len(landmarks) != 1:
        raise AnnotationError(
            f"An ISBI 2015 file holds the landmarks of one radiograph, not of {len(landmarks)}. Save them "
            "one by one, or all together as farnet-csv (.csv)."
        )
    only = landmarks[0]
    if only.scheme.name != _SCHEME:
        raise SchemeError(
            f"An ISBI 2015 file holds scheme {_SCHEME!r}, not {only.scheme.name!r}. Save as farnet-csv (.csv) instead."
        )
    absent = [name for name, here in zip(only.scheme.abbreviations, only.present, strict=True) if not here]
    if absent:
        raise AnnotationError(
            f"An ISBI 2015 file cannot hold absent landmarks, and these are: {', '.join(absent)}. Place "
            "them, or save as farnet-csv (.csv)."
        )
    lines = [f"{_number(column)},{_number(row)}" for row, column in only.points.tolist()]
    lines += [str(label) for label in only.provenance.get(_CLASSES_KEY, ())]
    write_text_atomic(path, "\n".join(lines) + "\n")


def _number(value: float) -> str:
    """A whole number without a decimal point, as published; anything else with every digit."""
    return str(int(value)) if value.is_integer() else repr(value)


def _recognises(head: bytes) -> bool:
    lines = head.removeprefix(b"\xef\xbb\xbf").rstrip(b"\x1a\r\n ").splitlines()
    return len(lines) in (_POINTS, _POINTS + _CLASSES) and all(map(_PAIR.fullmatch, lines[:_POINTS]))


ISBI_TXT = AnnotationFormat(
    name="isbi-txt",
    title="ISBI 2015 challenge text",
    suffixes=(".txt",),
    read=_read,
    write=_write,
    recognises=_recognises,
)
