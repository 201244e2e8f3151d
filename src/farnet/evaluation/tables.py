"""Evaluations as tidy csv: one table with a row for each figure, one with a row for each single error.

UTF-8, RFC 4180, a header line, any spreadsheet and `pandas.read_csv` open them. An empty cell is a figure that there is
none of. Numbers have every digit.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import TYPE_CHECKING

from farnet.atomic import write_text_atomic
from farnet.errors import InvalidInputError, OutputError
from farnet.spreadsheet import csv_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from farnet.evaluation.figures import Extra
    from farnet.evaluation.metrics import Evaluation
    from farnet.evaluation.observer_study import ObserverStudy
    from farnet.evaluation.summary import Metrics

__all__ = [
    "DISTANCE_COLUMNS",
    "ERROR_COLUMNS",
    "FIGURE_COLUMNS",
    "Cells",
    "cell",
    "check_name",
    "distance_rows",
    "error_rows",
    "errors_path",
    "figure_rows",
    "metrics_rows",
    "study_rows",
    "write_csv",
    "write_study_tables",
    "write_tables",
]

FIGURE_COLUMNS = (
    "group",
    "landmark",
    "figure",
    "radius",
    "unit",
    "value",
    "ci_low",
    "ci_high",
    "n",
    "n_missed",
    "n_absent",
)
"""Columns of the table of figures; ``unit`` is that of ``value``, ``radius`` is in the unit of the errors."""

ERROR_COLUMNS = ("radiograph", "landmark", "error", "unit", "status")
"""Columns of the table of errors; ``status`` is measured, missed (by the prediction) or absent (from the reference)."""

DISTANCE_COLUMNS = ("first", "second", "radiograph", "landmark", "distance", "unit")
"""Columns of the table of distances between two readings."""

Cells = tuple[str, ...]


def figure_rows(evaluation: Evaluation) -> Iterator[Cells]:
    """Rows of `FIGURE_COLUMNS`: pooled, each landmark, and the observers' own distance where it is known."""
    unit = evaluation.unit
    yield from metrics_rows("pooled", "", evaluation.pooled, unit)
    for metrics in evaluation.per_landmark:
        yield from metrics_rows("landmark", metrics.name, metrics, unit)
    if evaluation.observer_distance is not None:
        yield from metrics_rows("observers pooled", "", evaluation.observer_distance, unit)
    for metrics in evaluation.observer_distance_per_landmark or ():
        yield from metrics_rows("observers landmark", metrics.name, metrics, unit)


def metrics_rows(group: str, landmark: str, metrics: Metrics, unit: str) -> Iterator[Cells]:
    """Rows of `FIGURE_COLUMNS` for one group of errors."""
    figures: list[tuple[str, str, str, float, str]] = [
        ("mre", "", unit, metrics.mre, "mre"),
        ("sd", "", unit, metrics.sd, "sd"),
        ("median", "", unit, metrics.median, "median"),
    ]
    figures += [("area", f"{max(metrics.sdr):g}", "%", metrics.area, "area")]
    figures += [("sdr", f"{radius:g}", "%", rate, f"sdr_{radius:g}") for radius, rate in metrics.sdr.items()]
    counts = (str(metrics.n), str(metrics.n_missed), str(metrics.n_absent))
    for figure, radius, of, value, key in figures:
        low, high = metrics.ci.get(key, (math.nan, math.nan))
        yield group, landmark, figure, radius, of, cell(value), cell(low), cell(high), *counts


def error_rows(evaluation: Evaluation) -> Iterator[Cells]:
    """Rows of `ERROR_COLUMNS`, radiograph by radiograph."""
    for i, radiograph in enumerate(evaluation.radiographs):
        for k, landmark in enumerate(evaluation.landmarks):
            error = float(evaluation.errors[i, k])
            status = "missed" if evaluation.missed[i, k] else "absent" if math.isnan(error) else "measured"
            yield radiograph, landmark, cell(error), evaluation.unit, status


def errors_path(path: Path) -> Path:
    """Where the table of errors is written beside the table of figures: ``x.csv`` -> ``x-errors.csv``."""
    return path.with_name(f"{path.stem}-errors{path.suffix}")


def study_rows(study: ObserverStudy) -> Iterator[Cells]:
    """Rows of `FIGURE_COLUMNS` for observers: between them, within each, the model, differences and offsets."""
    unit, counts = study.unit, ("", "", "")

    def single(group: str, landmark: str, figure: str, value: float, low: float, high: float) -> Cells:
        return group, landmark, figure, "", unit, cell(value), cell(low), cell(high), *counts

    def both(group: str, pooled: Metrics | None, each: Iterable[Metrics]) -> Iterator[Cells]:
        if pooled is not None:
            yield from metrics_rows(group, "", pooled, unit)
            for metrics in each:
                yield from metrics_rows(group, metrics.name, metrics, unit)

    yield from both("inter-observer", study.inter, study.inter_per_landmark)
    for pair in (*study.pairs, *study.model):
        yield from both(pair.title, pair.evaluation.pooled, pair.evaluation.per_landmark)
    for item in study.intra:
        group = f"intra-observer {item.observer}"
        yield from both(group, item.pooled, item.per_landmark)
        yield single(group, "", "dahlberg", item.dahlberg, math.nan, math.nan)
        for landmark, value in zip(study.landmarks, item.dahlberg_per_landmark, strict=True):
            yield single(group, landmark, "dahlberg", float(value), math.nan, math.nan)
    yield from both("model to observers", study.model_pooled, study.model_per_landmark)
    for found in study.differences:
        landmark = "" if found.name == "pooled" else found.name
        yield single("model less observers", landmark, "difference", found.value, found.low, found.high)
    for offset in study.offsets:
        for figure, (down, right) in (("bias", offset.bias), ("random", offset.random)):
            yield single(offset.observer, offset.landmark, f"{figure}_down", down, math.nan, math.nan)
            yield single(offset.observer, offset.landmark, f"{figure}_right", right, math.nan, math.nan)


def distance_rows(study: ObserverStudy) -> Iterator[Cells]:
    """Rows of `DISTANCE_COLUMNS`: every single distance; an empty one where either leaves the landmark out."""
    for pair in study.comparisons:
        for radiograph, landmark, distance, unit, _ in error_rows(pair.evaluation):
            yield pair.first, pair.second, radiograph, landmark, distance, unit


def check_name(path: Path) -> Path:
    """Give the path back if it is one for a table.

    Raises:
        InvalidInputError: If it does not end in .csv.
    """
    if path.suffix.lower() != ".csv":
        raise InvalidInputError(f"A table is written as .csv, not as {path.name!r}; choose a name that ends in .csv.")
    return path


def write_tables(
    path: str | Path, evaluation: Evaluation, *, extras: Sequence[Extra] = (), force: bool = True
) -> tuple[Path, Path]:
    """Write both tables, each all or nothing.

    Args:
        path: The table of figures, ending in .csv; the errors are written to `errors_path` of it.
        evaluation: What to write.
        extras: Further figures, whose rows follow in the table of figures.
        force: Replace files that are there.

    Returns:
        The two files.

    Raises:
        InvalidInputError: If the name does not end in .csv.
        OutputError: If a file cannot be written, or is there and `force` is not set.
    """
    figures = Path(path)
    errors = errors_path(figures)
    rows = itertools.chain(figure_rows(evaluation), *(extra.rows() for extra in extras))
    write_csv(figures, FIGURE_COLUMNS, rows, force=force, also=(errors,))
    write_csv(errors, ERROR_COLUMNS, error_rows(evaluation), force=force)
    return figures, errors


def write_study_tables(path: str | Path, study: ObserverStudy, *, force: bool = True) -> tuple[Path, Path]:
    """Write figures and distances of observers; as `write_tables`."""
    figures = Path(path)
    distances = errors_path(figures)
    write_csv(figures, FIGURE_COLUMNS, study_rows(study), force=force, also=(distances,))
    write_csv(distances, DISTANCE_COLUMNS, distance_rows(study), force=force)
    return figures, distances


def write_csv(
    path: Path, columns: Sequence[str], rows: Iterable[Cells], *, force: bool = True, also: Sequence[Path] = ()
) -> None:
    """Write one table, all or nothing; `also` are further files that must not be there without `force`.

    Raises:
        InvalidInputError: If the name does not end in .csv.
        OutputError: If it cannot be written, or is there and `force` is not set.
    """
    check_name(path)
    there = [item for item in (path, *also) if item.exists()]
    if there and not force:
        raise OutputError(f"{there[0]} is there already and was left as it is; choose another name.")
    write_text_atomic(path, csv_text(itertools.chain([columns], rows)))


def cell(value: float) -> str:
    """A number with every digit; an empty text for NaN."""
    return "" if math.isnan(value) else repr(float(value))
