"""farnet-csv: the project's own file of landmarks, a table with one row per landmark.

UTF-8, RFC 4180, a header line, no comments: any spreadsheet and `pandas.read_csv` open it. Row and column are
in pixels of the original radiograph, the centre of the top left pixel is (0, 0). An empty cell means absent
or unknown; numbers have as many digits as it takes to get the same number back, so that reading gives exactly
what was written.

Only `scheme`, `landmark`, `row_px` and `column_px` are needed to read a table that somebody else made.
"""

from __future__ import annotations

import csv
import io
import json
import math
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.atomic import write_text_atomic
from farnet.errors import AnnotationError, FarnetError
from farnet.formats.companion import scheme_for
from farnet.formats.registry import AnnotationFormat, ReadOptions, read_text
from farnet.landmarks import Landmarks
from farnet.spreadsheet import restored_cell, safe_cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from farnet.scheme import LandmarkScheme

__all__ = ["COLUMNS", "FARNET_CSV", "read_table"]

_NAME = "farnet-csv"
_VERSION = 1
_STAMP = f"{_NAME} {_VERSION}"

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

_NEEDED = ("scheme", "landmark", "row_px", "column_px")
_SHARED = ("scheme", "radiograph", "image_sha256", "image_rows", "image_columns", "source")
_TEXTS = ("scheme", "radiograph", "landmark", "abbreviation", "source")
_COVARIANCE = (("cov_rr", 0, 0), ("cov_rc", 0, 1), ("cov_cc", 1, 1))
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def _write(path: Path, landmarks: Sequence[Landmarks]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    for item in landmarks:
        writer.writerows(_rows(item))
    try:
        write_text_atomic(path, text.getvalue())
    except UnicodeEncodeError as error:
        near = error.object[max(0, error.start - 20) : error.end + 20]
        raise AnnotationError(f"{path}: a name holds a character that UTF-8 cannot write: {near!r}.") from error


def _rows(item: Landmarks) -> Iterator[dict[str, str]]:
    rows, columns = ("", "") if item.image_shape is None else map(str, item.image_shape)
    shared = {
        "format": _STAMP,
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
            row |= {name: _repr(item.covariance[k, i, j]) for name, i, j in _COVARIANCE}
        if item.region95 is not None:
            row["region95"] = _repr(item.region95[k])
        if item.edited is not None:
            row["edited"] = "true" if item.edited[k] else "false"
        if k == 0 and item.provenance:
            row["provenance"] = json.dumps(item.provenance, ensure_ascii=False)
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
    groups: list[_Group] = []
    open_groups: dict[tuple[str, ...], _Group] = {}
    shared = itemgetter(*_SHARED)
    for number, row in _table(text, path, skipped):
        key = shared(row)
        where = f"{path}, line {number}"
        group = open_groups.get(key)
        if group is None or group.is_full():
            group = open_groups[key] = _Group(scheme_for(row["scheme"], options.scheme, where))
            groups.append(group)
        group.add(row, where)
    if not groups:
        raise AnnotationError(f"{path} has a header and no landmarks.")
    return [group.landmarks(path) for group in groups]


def _table(text: str, path: Path, skipped: int) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, cells by column); columns that the file lacks are empty."""
    header = text.lstrip("\r\n").splitlines()[0]
    delimiter = max(",;\t", key=header.count)  # spreadsheets of some countries save "csv" with semicolons
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="", strict=True)
    try:
        present = tuple(name.strip() for name in reader.fieldnames or ())
        missing = [name for name in _NEEDED if name not in present]
        if missing:
            raise AnnotationError(
                f"{path} is no {_NAME} file: the columns {', '.join(missing)} are missing from its first "
                f"line, which has {', '.join(present[:8])}{', ...' if len(present) > 8 else ''}."
            )
        reader.fieldnames = present
        for cells in reader:
            if cells.get("") or None in cells.values():
                raise AnnotationError(
                    f"{path}, line {reader.line_num + skipped}: expected {len(present)} cells, as in the first line."
                )
            row = dict.fromkeys(COLUMNS, "") | cells
            row |= {name: restored_cell(row[name]) for name in _TEXTS}
            _check_version(row["format"], f"{path}, line {reader.line_num + skipped}")
            yield reader.line_num + skipped, row
    except csv.Error as error:
        raise AnnotationError(f"{path}, line {reader.line_num + skipped}: this is no CSV ({error}).") from error


def _check_version(stamp: str, where: str) -> None:
    if stamp not in ("", _STAMP):
        raise AnnotationError(
            f"{where}: the format is {stamp!r}, and {_STAMP!r} is what can be read; a newer napari-farnet may read it."
        )


class _Group:
    """Rows that belong to one radiograph and source, gathered in any order."""

    def __init__(self, scheme: LandmarkScheme) -> None:
        self.scheme = scheme
        self.rows: dict[int, tuple[dict[str, str], str]] = {}

    def is_full(self) -> bool:
        return len(self.rows) == len(self.scheme)

    def add(self, row: dict[str, str], where: str) -> None:
        try:
            index = self.scheme.index(row["landmark"] or row["abbreviation"])
        except FarnetError as error:
            raise AnnotationError(f"{where}: {error}") from error
        if index in self.rows:
            raise AnnotationError(
                f"{where}: landmark {row['landmark']!r} is given a second time for radiograph "
                f"{row['radiograph']!r}; remove one of the two rows."
            )
        self.rows[index] = (row, where)

    def landmarks(self, path: Path) -> Landmarks:
        first, where = next(iter(self.rows.values()))
        covariance = self._numbers(*(name for name, _, _ in _COVARIANCE))
        confidence, region = self._numbers("confidence"), self._numbers("region95")
        try:
            return Landmarks(
                points=self._points(),
                scheme=self.scheme,
                spacing=self._spacing(),
                confidence=None if confidence is None else confidence[:, 0],
                covariance=None if covariance is None else covariance[:, [0, 1, 1, 2]].reshape(-1, 2, 2),
                region95=None if region is None else region[:, 0],
                edited=self._edited(),
                source=first["source"],
                radiograph=first["radiograph"],
                image_shape=_image_shape(first, where),
                image_sha256=first["image_sha256"] or None,
                provenance=self._provenance(),
            )
        except AnnotationError:
            raise
        except FarnetError as error:
            raise AnnotationError(f"{path}, radiograph {first['radiograph']!r}: {error}") from error

    def _points(self) -> NDArray[np.float64]:
        points = np.full((len(self.scheme), 2), np.nan)
        for index, (row, where) in self.rows.items():
            points[index] = place = _number(row, "row_px", where), _number(row, "column_px", where)
            if math.isnan(place[0]) != math.isnan(place[1]):
                raise AnnotationError(
                    f"{where}: landmark {row['landmark']!r} has only one of row_px and column_px; give both, "
                    "or neither where it is absent."
                )
        return points

    def _numbers(self, *names: str) -> NDArray[np.float64] | None:
        """(K, number of names), or None where every cell is empty."""
        if not any(row[name] for row, _ in self.rows.values() for name in names):
            return None
        values = np.full((len(self.scheme), len(names)), np.nan)
        for index, (row, where) in self.rows.items():
            values[index] = [_number(row, name, where) for name in names]
        return values

    def _edited(self) -> NDArray[np.bool_] | None:
        cells = {index: row["edited"].strip().lower() for index, (row, _) in self.rows.items()}
        if not any(cells.values()):
            return None
        edited = np.zeros(len(self.scheme), dtype=np.bool_)
        for index, cell in cells.items():
            if cell not in _BOOLEANS and cell:
                row, where = self.rows[index]
                raise AnnotationError(f"{where}: edited is {row['edited']!r}; it must be true, false or empty.")
            edited[index] = _BOOLEANS.get(cell, False)
        return edited

    def _spacing(self) -> tuple[float, float] | None:
        written = {(row["spacing_row_mm"], row["spacing_column_mm"]): (row, where) for row, where in self.rows.values()}
        spacings = set()
        for row, where in written.values():
            pair = _number(row, "spacing_row_mm", where), _number(row, "spacing_column_mm", where)
            spacings.add(None if all(map(math.isnan, pair)) else pair)
        if len(spacings) > 1:
            row, where = next(iter(self.rows.values()))
            raise AnnotationError(
                f"{where}: the rows of radiograph {row['radiograph']!r} disagree about its spacing; it has only one."
            )
        (spacing,) = spacings
        return None if spacing is None else (spacing[0], spacing[1])

    def _provenance(self) -> dict[str, Any]:
        provenance: dict[str, Any] = {}
        for row, where in self.rows.values():
            if not row["provenance"]:
                continue
            try:
                provenance.update(json.loads(row["provenance"]))
            except (TypeError, ValueError) as error:
                raise AnnotationError(f"{where}: the provenance is no JSON object ({error}).") from error
        return provenance


def _number(row: dict[str, str], name: str, where: str) -> float:
    cell = row[name].strip()
    if not cell:
        return np.nan
    try:
        return float(cell)
    except ValueError:
        hint = " Write decimals with a point." if "," in cell else ""
        raise AnnotationError(f"{where}: {name} is {cell!r}, which is no number.{hint}") from None


def _image_shape(row: dict[str, str], where: str) -> tuple[int, int] | None:
    cells = row["image_rows"].strip(), row["image_columns"].strip()
    if not any(cells):
        return None
    try:
        rows, columns = (int(cell) for cell in cells)
    except ValueError:
        raise AnnotationError(
            f"{where}: image_rows and image_columns are {cells}; they must be two whole numbers, or both empty."
        ) from None
    return rows, columns


FARNET_CSV = AnnotationFormat(
    name=_NAME,
    title="napari-farnet table",
    suffixes=(".csv",),
    read=_read,
    write=_write,
    holds_many=True,
    recognises=lambda head: all(name.encode() in head.split(b"\n", 1)[0] for name in _NEEDED),
)
