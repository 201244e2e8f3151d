"""What the table shows of an evaluation: explained columns, lines of texts and numbers; there is no Qt here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farnet.commands.observer_tables import VERDICTS

if TYPE_CHECKING:
    from farnet.evaluation.metrics import Evaluation
    from farnet.evaluation.observer_study import Difference, ObserverStudy
    from farnet.evaluation.summary import Metrics

__all__ = ["Cell", "Column", "FigureTable", "Line", "evaluation_figures", "study_figures"]

_NONE = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column, and what it means."""

    title: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell reads, and the number that it is sorted by (NaN comes last)."""

    text: str
    value: float


@dataclass(frozen=True, slots=True)
class Line:
    """One line: all landmarks, whose `landmark` is None, or the landmark of this number."""

    title: str
    landmark: int | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class FigureTable:
    """A table; the first line is that of all landmarks."""

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]


def evaluation_figures(evaluation: Evaluation) -> FigureTable:
    """Lines for all landmarks and for each: errors with their interval, rates, counts."""
    unit = evaluation.unit
    columns = [
        Column("Landmark", "The landmark; the first line is of all landmarks together."),
        Column(f"MRE ({unit})", "Mean radial error: the mean distance between the two points."),
        Column(
            "95 % CI",
            "Confidence interval: of the MRE, had other patients been looked at (bootstrap over radiographs).",
        ),
        Column("SD", "Standard deviation of the radial errors."),
        Column("Median", "Half of the errors are smaller."),
        *(
            Column(f"\N{LESS-THAN OR EQUAL TO} {radius:g} {unit} (%)", _rate_meaning(radius, unit))
            for radius in evaluation.radii
        ),
        Column("n", "Landmarks that both sides have."),
        Column("Missed", "Landmarks of the reference that the prediction leaves out: failures of every rate."),
        Column("Absent", "Landmarks that the reference leaves out: in none of the figures."),
    ]
    groups: list[tuple[str, int | None, Metrics]] = [("All landmarks", None, evaluation.pooled)]
    groups += [(metrics.name, k, metrics) for k, metrics in enumerate(evaluation.per_landmark)]
    people: list[tuple[Cell, ...]] = [()] * len(groups)
    if evaluation.observer_distance is not None:
        columns.append(Column(f"Observers ({unit})", "Mean distance between the observers of the data set."))
        each = evaluation.observer_distance_per_landmark or []
        people = [(_cell(metrics.mre),) for metrics in (evaluation.observer_distance, *each)]
    lines = (
        Line(title, k, (*_cells(metrics), *between))
        for (title, k, metrics), between in zip(groups, people, strict=True)
    )
    return FigureTable(tuple(columns), tuple(lines))


def study_figures(study: ObserverStudy) -> FigureTable:
    """Lines for all landmarks and for each: observers, each of them again, and the model beside them."""
    unit = study.unit
    columns = [Column("Landmark", "The landmark; the first line is of all landmarks together.")]
    values: list[list[Cell]] = []
    if study.inter is not None:
        columns.append(Column(f"Observers ({unit})", "Mean distance between two observers, over all pairs of them."))
        columns.append(Column("95 % CI", "Confidence interval: of that distance (bootstrap over radiographs)."))
        groups = [study.inter, *study.inter_per_landmark]
        values += [[_cell(metrics.mre) for metrics in groups], [_interval(metrics) for metrics in groups]]
    for item in study.intra:
        columns.append(Column(f"{item.observer} again", f"Mean distance between the readings of {item.observer}."))
        values.append([_cell(metrics.mre) for metrics in (item.pooled, *item.per_landmark)])
        columns.append(
            Column(f"{item.observer} Dahlberg", "Dahlberg's error, sqrt(sum of squares / 2n): of a single reading.")
        )
        values.append([_cell(value) for value in (item.dahlberg, *map(float, item.dahlberg_per_landmark))])
    if study.model_pooled is not None:
        columns.append(Column(f"Model ({unit})", "Mean distance of the model from the observers, one by one."))
        values.append([_cell(metrics.mre) for metrics in (study.model_pooled, *study.model_per_landmark)])
    if study.differences:
        columns.append(Column("Model less observers", "How much farther the model is, with its 95 % interval."))
        values.append([Cell(_difference(item), item.value) for item in study.differences])
        columns.append(Column("The model is", "Within: surely no farther from the observers than they are apart."))
        values.append([Cell(VERDICTS[item.verdict], item.low) for item in study.differences])
    titles = [("All landmarks", None), *((name, k) for k, name in enumerate(study.landmarks))]
    lines = [Line(title, k, tuple(column[i] for column in values)) for i, (title, k) in enumerate(titles)]
    return FigureTable(tuple(columns), tuple(lines))


def _cells(metrics: Metrics) -> tuple[Cell, ...]:
    return (
        _cell(metrics.mre),
        _interval(metrics),
        _cell(metrics.sd),
        _cell(metrics.median),
        *(_cell(rate, 1) for rate in metrics.sdr.values()),
        *(Cell(str(count), count) for count in (metrics.n, metrics.n_missed, metrics.n_absent)),
    )


def _cell(value: float, digits: int = 2) -> Cell:
    return Cell(_NONE if math.isnan(value) else f"{value:.{digits}f}", value)


def _interval(metrics: Metrics) -> Cell:
    low, high = metrics.ci.get("mre", (math.nan, math.nan))
    return Cell(_NONE if math.isnan(low) else f"{low:.2f}\N{EN DASH}{high:.2f}", low)


def _difference(item: Difference) -> str:
    if math.isnan(item.value):
        return _NONE
    ends = "" if math.isnan(item.low) else f" ({item.low:+.2f} to {item.high:+.2f})"
    return f"{item.value:+.2f}{ends}"


def _rate_meaning(radius: float, unit: str) -> str:
    return f"Successful detection rate: the share of landmarks with an error of at most {radius:g} {unit}."
