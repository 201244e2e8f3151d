"""Tables of measured values: csv for files, tab-separated text for the clipboard."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farnet.atomic import write_text_atomic
from farnet.spreadsheet import csv_text, safe_cell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from farnet.landmarks import Landmarks
    from farnet.measurement.measuring import MeasurementResult

__all__ = ["COLUMNS", "Measured", "long_rows", "table_text", "wide_rows", "write_measurements"]

COLUMNS = (
    "radiograph",
    "source",
    "measurement",
    "value",
    "unit",
    "norm_lower",
    "norm_upper",
    "norm_mean",
    "norm_sd",
    "assessment",
    "deviation_sd",
    "class",
    "class_number",
    "remark",
)
"""Columns of a table with a row for each measurement."""


@dataclass(frozen=True)
class Measured:
    """The results of one radiograph.

    Attributes:
        radiograph: Its name.
        source: Who placed the landmarks.
        results: What was measured.
    """

    radiograph: str
    source: str
    results: tuple[MeasurementResult, ...]

    @classmethod
    def of(cls, landmarks: Landmarks, results: tuple[MeasurementResult, ...]) -> Measured:
        """Put results beside the landmarks that they were measured on."""
        return cls(landmarks.radiograph, landmarks.source, results)


def long_rows(measured: Sequence[Measured]) -> list[list[str]]:
    """A row for each measurement of each radiograph, under `COLUMNS`; numbers in full, what is not there is empty."""
    return [[item.radiograph, item.source, *_cells(result)] for item in measured for result in item.results]


def wide_rows(measured: Sequence[Measured]) -> tuple[list[str], list[list[str]]]:
    """A row for each radiograph.

    Returns:
        The headers: `radiograph`, `source`, then for each measurement its name with the unit and, where it has
        classes, "NAME class"; and the rows. A measurement that came out in mm on one radiograph and in px on another
        has a column for each.
    """
    columns: dict[tuple[str, str], str] = {}
    for item in measured:
        for result in item.results:
            key = f"{result.name} ({result.unit})" if result.unit else result.name
            columns.setdefault((result.name, result.unit), key)
            if result.measurement.classes:
                columns.setdefault((result.name, "class"), f"{result.name} class")
    rows = []
    for item in measured:
        cells: dict[tuple[str, str], str] = {}
        for result in item.results:
            found = result.classification
            cells[result.name, result.unit] = _number(result.value)
            cells[result.name, "class"] = (
                "" if found is None else str(found.name if found.number is None else found.number)
            )
        rows.append([item.radiograph, item.source, *(cells.get(column, "") for column in columns)])
    return ["radiograph", "source", *columns.values()], rows


def write_measurements(path: str | Path, measured: Sequence[Measured], *, wide: bool = False) -> None:
    """Write a csv table (UTF-8), all or nothing.

    Args:
        path: The file.
        measured: The results of each radiograph.
        wide: A row for each radiograph instead of one for each measurement.

    Raises:
        OutputError: If it cannot be written.
    """
    headers, rows = wide_rows(measured) if wide else (list(COLUMNS), long_rows(measured))
    write_text_atomic(path, csv_text([headers, *rows], line_end="\n"))


def table_text(results: Sequence[MeasurementResult]) -> str:
    """The results of one radiograph as they are shown, for the clipboard: cells parted by tabs, for letter or sheet."""
    headers = ["measurement", "value", "unit", "norm", "assessment", "class", "remark"]
    rows = [
        [
            result.name,
            "" if math.isnan(result.value) else result.value_text,
            result.unit,
            result.norm_text,
            result.assessment,
            "" if result.classification is None else result.classification.name,
            result.remark,
        ]
        for result in results
    ]
    return "".join("\t".join(safe_cell(" ".join(cell.split())) for cell in row) + "\n" for row in [headers, *rows])


def _cells(result: MeasurementResult) -> list[str]:
    norm, found = result.measurement.norm, result.classification
    limits = ["", "", "", ""] if norm is None else [_number(x) for x in (norm.lower, norm.upper, norm.mean, norm.sd)]
    return [
        result.name,
        _number(result.value),
        result.unit,
        *limits,
        result.assessment,
        _number(result.deviation),
        "" if found is None else found.name,
        "" if found is None or found.number is None else str(found.number),
        result.remark,
    ]


def _number(value: float) -> str:
    return f"{value:.10g}" if math.isfinite(value) else ""
