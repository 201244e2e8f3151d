"""Rows of a table that belong to one radiograph and source, and the landmarks that they are."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import AnnotationError, FarnetError
from farnet.formats.missing import is_absent
from farnet.landmarks import Landmarks

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from farnet.scheme import LandmarkScheme

__all__ = ["COVARIANCE", "SCHEME_KEY", "STAMP", "Group", "provenance_of"]

STAMP = "farnet-csv 1"
"""In the column "format" of the tables of this program."""

SCHEME_KEY = "scheme_definition"
"""In the first provenance of a scheme that is not bundled: the scheme itself."""

COVARIANCE = (("cov_rr", 0, 0), ("cov_rc", 0, 1), ("cov_cc", 1, 1))

_BOOLEANS = dict.fromkeys(("true", "t", "yes", "1", "1.0", "wahr", "vrai", "verdadero", "vero", "waar"), True) | (
    dict.fromkeys(("false", "f", "no", "0", "0.0", "falsch", "faux", "falso", "onwaar"), False)
)  # spreadsheets write them in the language of the country


class Group:
    """Rows that belong to one radiograph and source, gathered in any order."""

    def __init__(self, scheme: LandmarkScheme) -> None:
        self.scheme = scheme
        self.rows: dict[int, tuple[dict[str, str], str]] = {}

    def is_full(self) -> bool:
        """Whether every landmark has its row."""
        return len(self.rows) == len(self.scheme)

    def add(self, row: dict[str, str], where: str) -> None:
        """Take a row; `where` is its place, for messages.

        Raises:
            AnnotationError: It is of no landmark of the scheme, or of one that has a row already.
        """
        try:
            index = self.scheme.index(row["landmark"])
        except FarnetError as error:
            raise AnnotationError(f"{where}: {error}") from error
        if index in self.rows:
            raise AnnotationError(
                f"{where}: landmark {row['landmark']!r} is given a second time for radiograph "
                f"{row['radiograph']!r}; remove one of the two rows."
            )
        self.rows[index] = (row, where)

    def landmarks(self, path: Path) -> Landmarks:
        """The landmarks.

        Raises:
            AnnotationError: A cell is malformed, or rows contradict each other.
        """
        first, where = next(iter(self.rows.values()))
        covariance = self._numbers(*(name for name, _, _ in COVARIANCE))
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

    def absent_numbers(self) -> list[str]:
        """The landmarks that are written as numbers which mean that there is no point; they are absent from now on."""
        found = []
        for index, (row, where) in self.rows.items():
            place = _number(row, "row_px", where), _number(row, "column_px", where)
            if is_absent(*place, own=row["format"] == STAMP):
                row["row_px"] = row["column_px"] = ""
                of = f" of {row['radiograph']}" if row["radiograph"] else ""
                found.append(self.scheme.abbreviations[index] + of)
        return found

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
            provenance |= provenance_of(row, where)
        provenance.pop(SCHEME_KEY, None)
        return provenance


def provenance_of(row: dict[str, str], where: str) -> dict[str, Any]:
    """The provenance in a row, empty where there is none.

    Raises:
        AnnotationError: It is no JSON object.
    """
    if not row["provenance"]:
        return {}
    try:
        return dict(json.loads(row["provenance"]).items())
    except (AttributeError, ValueError, RecursionError) as error:
        raise AnnotationError(f"{where}: the provenance is no JSON object ({error}).") from error


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
        rows, columns = (_whole(cell) for cell in cells)
    except (ValueError, OverflowError):
        raise AnnotationError(
            f"{where}: image_rows and image_columns are {cells}; they must be two whole numbers, or both empty."
        ) from None
    return rows, columns


def _whole(cell: str) -> int:
    """A whole number, also as 473.0, which becomes of it where a column has empty cells."""
    if (number := float(cell)) != int(number):
        raise ValueError
    return int(number)
