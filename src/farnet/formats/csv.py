"""farnet-csv: the project's own file of landmarks, a table with one row per landmark.

UTF-8, RFC 4180, a header line, no comments: any spreadsheet and `pandas.read_csv` open it. Row and column are
in pixels of the original radiograph, the centre of the top left pixel is (0, 0). An empty cell means absent
or unknown; numbers have as many digits as it takes to get the same number back, so that reading gives exactly
what was written.

Only `landmark`, `row_px` and `column_px` are needed to read a table that somebody else made, and `scheme` where the
names of the landmarks do not tell it. How pandas, R and spreadsheets save a table again is read, too.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from operator import itemgetter
from typing import TYPE_CHECKING

from farnet.atomic import write_text_atomic
from farnet.errors import AnnotationError
from farnet.formats.companion import embedded_scheme, renamed, scheme_for, scheme_of_labels
from farnet.formats.csv_groups import COVARIANCE, SCHEME_KEY, STAMP, Group, provenance_of
from farnet.formats.csv_tables import rows_of_table
from farnet.formats.missing import tell_absent
from farnet.formats.registry import AnnotationFormat, ReadOptions, read_text
from farnet.scheme import bundled_schemes
from farnet.spreadsheet import restored_cell, safe_cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np

    from farnet.landmarks import Landmarks
    from farnet.scheme import LandmarkScheme

__all__ = ["COLUMNS", "FARNET_CSV", "read_table"]

_NAME = "farnet-csv"

COLUMNS = (
    "format",
    "scheme",
    "radiograph",
    "image_sha256",
    "image_rows",
    "image_columns",
    "landmark",
    "abbreviation",
    "row_px",
    "column_px",
    "spacing_row_mm",
    "spacing_column_mm",
    "confidence",
    "cov_rr",
    "cov_rc",
    "cov_cc",
    "region95",
    "edited",
    "source",
    "provenance",
)
"""The columns in the order in which they are written; they are read in any order."""

_NEEDED = ("landmark", "row_px", "column_px")
_SHARED = ("scheme", "radiograph", "image_sha256", "image_rows", "image_columns", "source")
_TEXTS = ("scheme", "radiograph", "landmark", "abbreviation", "source")


def _write(path: Path, landmarks: Sequence[Landmarks]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    own: set[str] = set(bundled_schemes())
    for item in landmarks:
        writer.writerows(_rows(item, define=item.scheme.name not in own))
        own.add(item.scheme.name)
    try:
        write_text_atomic(path, text.getvalue())
    except UnicodeEncodeError as error:
        near = error.object[max(0, error.start - 20) : error.end + 20]
        raise AnnotationError(f"{path}: a name holds a character that UTF-8 cannot write: {near!r}.") from error


def _rows(item: Landmarks, *, define: bool) -> Iterator[dict[str, str]]:
    provenance = dict(item.provenance) | ({SCHEME_KEY: item.scheme.to_dict()} if define else {})
    rows, columns = ("", "") if item.image_shape is None else map(str, item.image_shape)
    shared = {
        "format": STAMP,
        "scheme": item.scheme.name,
        "radiograph": item.radiograph,
        "image_sha256": item.image_sha256 or "",
        "image_rows": rows,
        "image_columns": columns,
        "source": item.source,
    }
    shared = {name: safe_cell(text) for name, text in shared.items()}
    if item.spacing is not None:
        shared |= {"spacing_row_mm": repr(item.spacing[0]), "spacing_column_mm": repr(item.spacing[1])}
    for k, landmark in enumerate(item.scheme.landmarks):
        row = {**shared, "landmark": safe_cell(landmark.name), "abbreviation": safe_cell(landmark.abbreviation)}
        if item.present[k]:
            row |= {"row_px": _repr(item.points[k, 0]), "column_px": _repr(item.points[k, 1])}
        if item.confidence is not None:
            row["confidence"] = _repr(item.confidence[k])
        if item.covariance is not None:
            row |= {name: _repr(item.covariance[k, i, j]) for name, i, j in COVARIANCE}
        if item.region95 is not None:
            row["region95"] = _repr(item.region95[k])
        if item.edited is not None:
            row["edited"] = "true" if item.edited[k] else "false"
        if k == 0 and provenance:
            row["provenance"] = json.dumps(provenance, ensure_ascii=False)
        yield row


def _repr(value: np.float64) -> str:
    return repr(float(value))


def _read(path: Path, options: ReadOptions) -> list[Landmarks]:
    return read_table(read_text(path), path, options)


def read_table(text: str, path: Path, options: ReadOptions, *, skipped: int = 0) -> list[Landmarks]:
    """Read the text of a table, as of `path`.

    Args:
        text: With its header.
        path: For messages.
        options: As for any format.
        skipped: Lines of the file between the header and those of the text, for messages.

    Raises:
        AnnotationError, SchemeError: As `read_annotations`.
    """
    rows = list(_table(text, path, skipped, options))
    if not rows:
        raise AnnotationError(f"{path} has a header and no landmarks.")
    embedded = _embedded(rows, path)
    schemes: dict[str, LandmarkScheme] = {}
    groups: list[Group] = []
    open_groups: dict[tuple[str, ...], Group] = {}
    shared = itemgetter(*_SHARED)
    for number, row in rows:
        key = shared(row)
        where = f"{path}, line {number}"
        group = open_groups.get(key)
        if group is None or group.is_full():
            name = row["scheme"]
            if name not in schemes:
                schemes[name] = (
                    scheme_for(name, options.scheme, where, beside=path, embedded=embedded.get(name))
                    if name
                    else _unnamed(rows, path, options)
                )
            group = open_groups[key] = Group(schemes[name])
            groups.append(group)
        group.add(row, where)
    tell_absent(str(path), [name for group in groups for name in group.absent_numbers()])
    return [group.landmarks(path) for group in groups]


def _table(text: str, path: Path, skipped: int, options: ReadOptions) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, cells by column); columns that the file lacks are empty."""
    table = rows_of_table(text, path, skipped=skipped)
    _, header = next(table, (0, {}))
    needed = [name for name in _NEEDED if name != "landmark" or "abbreviation" not in header]
    missing = [name for name in needed if name not in header]
    if missing:
        present = [name for name in header if name]
        raise AnnotationError(
            f"{path} is no {_NAME} file: the columns {', '.join(missing)} are missing from its first "
            f"line, which has {', '.join(present[:8])}{', ...' if len(present) > 8 else ''}."
        )
    empty = dict.fromkeys(COLUMNS, "")
    for number, cells in table:
        row = empty | cells
        row |= {name: restored_cell(row[name]) for name in _TEXTS}
        _check_version(row["format"], f"{path}, line {number}")
        label = row["landmark"] if row["landmark"].strip() else row["abbreviation"]
        row["landmark"] = renamed(label, options.labels)
        if row["landmark"] or not label:
            yield number, row


def _embedded(rows: Sequence[tuple[int, dict[str, str]]], path: Path) -> dict[str, LandmarkScheme]:
    """The schemes of one's own that the table holds, by name."""
    found: dict[str, LandmarkScheme] = {}
    for number, row in rows:
        if SCHEME_KEY in row["provenance"]:
            where = f"{path}, line {number}"
            scheme = embedded_scheme(provenance_of(row, where).get(SCHEME_KEY), where)
            if scheme is not None:
                found[scheme.name] = scheme
    return found


def _unnamed(rows: Sequence[tuple[int, dict[str, str]]], path: Path, options: ReadOptions) -> LandmarkScheme:
    """The scheme of rows that do not name it: the one that is asked for, or that has all their landmarks."""
    if options.scheme is not None:
        return options.scheme
    return scheme_of_labels([row["landmark"] for _, row in rows if not row["scheme"]], None, str(path), beside=path)


def _check_version(stamp: str, where: str) -> None:
    if stamp not in ("", STAMP):
        raise AnnotationError(
            f"{where}: the format is {stamp!r}, and {STAMP!r} is what can be read; a newer napari-farnet may read it."
        )


def _recognises(head: bytes) -> bool:
    utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    lines = head.decode("utf-16" if utf16 else "utf-8", errors="ignore").lower().split("\n")
    first = next((line for line in lines if line.strip("\ufeff\r ,;\t") and "sep=" not in line[:6]), "")
    return all(name in first for name in ("row_px", "column_px"))


FARNET_CSV = AnnotationFormat(
    name=_NAME,
    title="napari-farnet table",
    suffixes=(".csv",),
    read=_read,
    write=_write,
    holds_many=True,
    recognises=_recognises,
)
