"""Figures beyond radial errors: one number with its interval, and what every set of such numbers can do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from farnet.evaluation.bootstrap import LEVEL, draw_counts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from farnet.evaluation.tables import Cells

__all__ = ["Extra", "Figure", "TextTable", "draws_of", "figure", "finite", "weighted_mean"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and its 95 % interval.

    Attributes:
        value: The number; NaN where there is none.
        low: Lower end of the interval; NaN without one.
        high: Upper end.
    """

    value: float
    low: float = math.nan
    high: float = math.nan

    def text(self, digits: int = 2, scale: float = 1.0) -> str:
        """As a table shows it: ``1.23 [1.10, 1.40]``; a dash where there is no number."""
        if math.isnan(self.value):
            return "\N{EN DASH}"
        ends = "" if math.isnan(self.low) else f" [{self.low * scale:.{digits}f}, {self.high * scale:.{digits}f}]"
        return f"{self.value * scale:.{digits}f}{ends}"

    def to_dict(self) -> dict[str, Any]:
        """JSON types only; None stands for NaN."""
        has_interval = not math.isnan(self.low)
        return {"value": finite(self.value), "ci": [self.low, self.high] if has_interval else None}


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table to be printed: `left` columns of names, then numbers as texts."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    left: int = 1


class Extra(Protocol):
    """Figures that one kind of landmarks has besides radial errors."""

    @property
    def key(self) -> str:
        """Short name, by which it stands in JSON."""

    def to_dict(self) -> dict[str, Any]:
        """JSON types only; None stands for NaN."""

    def rows(self) -> Iterator[Cells]:
        """Rows of `farnet.evaluation.tables.FIGURE_COLUMNS`."""

    def tables(self) -> Sequence[TextTable]:
        """What the command line prints."""


def draws_of(radiographs: int, bootstrap: int, seed: int) -> NDArray[np.float64]:
    """(1 + B, N) weights: first every radiograph once, then the draws; B is 0 where there is but one radiograph."""
    whole = np.ones((1, radiographs))
    if not bootstrap or radiographs < 2:
        return whole
    return np.concatenate([whole, draw_counts(radiographs, bootstrap, seed)])


def figure(values: NDArray[np.float64]) -> Figure:
    """(1 + B,) a statistic of all radiographs, then of each draw -> the number and its percentile interval.

    Draws without a value are left out; without any draw there is no interval.
    """
    drawn = values[1:][~np.isnan(values[1:])]
    if not drawn.size or math.isnan(values[0]):
        return Figure(float(values[0]))
    tail = (1.0 - LEVEL) / 2.0
    low, high = np.quantile(drawn, (tail, 1.0 - tail))
    return Figure(float(values[0]), float(low), float(high))


def weighted_mean(weights: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of values by weights: (D, N) and (N, ...) -> (D, ...); NaN among the values is left out."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((weights @ np.where(known, values, 0.0)) / (weights @ known))


def finite(value: float) -> float | None:
    """None for what JSON cannot hold."""
    return value if math.isfinite(value) else None
