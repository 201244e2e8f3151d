"""What a heatmap says about a point that a person puts into it: the nearest peak, rival peaks, and how far off it is.

All of it works on one heatmap (H, W) with numpy; points are (row, column) in pixels of the heatmap, pixel centres are
integers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["OUTSIDE_MASS", "Peaks", "find_peaks", "mass_above", "nearest_peak"]

OUTSIDE_MASS = 0.99
"""A point is off the heatmap when the pixels higher than it hold this share of the mass."""

_LEAST = 0.15  # of the highest peak, below which a maximum is noise
_APART = 3.0  # px between two peaks
_FLOOR = 0.02  # of the highest value, below which a pixel counts as empty


class Peaks(NamedTuple):
    """Local maxima of a heatmap, the highest first.

    Attributes:
        points: (P, 2) row, column, to a fraction of a pixel.
        heights: (P,) values there.
    """

    points: NDArray[np.float64]
    heights: NDArray[np.float64]


def find_peaks(heatmap: NDArray[np.floating], *, count: int = 5, least: float = _LEAST) -> Peaks:
    """Find the local maxima of a heatmap.

    The position is that of the vertex of the parabola through a maximum and its two neighbours, along each axis, of
    the logarithm: exact for a Gaussian.

    Args:
        heatmap: (H, W); not finite counts as empty.
        count: How many peaks to give at most.
        least: Height, as a share of the highest peak, below which a maximum is none.
    """
    values = np.nan_to_num(np.asarray(heatmap, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    padded = np.pad(values, 1, constant_values=-np.inf)
    rows, columns = values.shape
    around = [
        padded[1 + i : 1 + i + rows, 1 + j : 1 + j + columns]
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
        if (i, j) != (0, 0)
    ]
    # On a plateau only the first pixel in reading order is greater or equal in all and greater than those before it.
    is_peak = np.logical_and.reduce([values > item for item in around[:4]] + [values >= item for item in around[4:]])
    highest = float(values.max(initial=0.0))
    places = np.argwhere(is_peak & (values > 0) & (values >= least * highest))
    heights = values[tuple(places.T)]
    kept: list[int] = []
    for i in np.argsort(-heights, kind="stable"):
        if len(kept) < count and all(np.hypot(*(places[i] - places[j])) >= _APART for j in kept):
            kept.append(int(i))
    points = np.array([_refined(values, *places[i]) for i in kept], np.float64).reshape(-1, 2)
    return Peaks(points, heights[kept])


def nearest_peak(heatmap: NDArray[np.floating], point: ArrayLike) -> NDArray[np.float64] | None:
    """Give the peak (row, column) that is nearest to a point; None where the heatmap has none."""
    peaks = find_peaks(heatmap).points
    if not len(peaks):
        return None
    nearest: NDArray[np.float64] = peaks[np.argmin(((peaks - np.asarray(point, np.float64)) ** 2).sum(axis=1))]
    return nearest


def mass_above(heatmap: NDArray[np.floating], point: ArrayLike) -> float:
    """Share of the heatmap's mass in pixels that are higher than it is at a point: 0 at the top, 1 outside.

    It is the credibility of the smallest region of highest density that the point is in, and so tells how far off a
    point is, whatever the shape of the heatmap. NaN where the heatmap is empty.

    Args:
        heatmap: (H, W).
        point: (row, column); outside the map nothing is.
    """
    values = np.nan_to_num(np.asarray(heatmap, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    highest = float(values.max(initial=0.0))
    if highest <= 0:
        return float("nan")
    values = np.where(values < _FLOOR * highest, 0.0, values)
    here = _between(values, *np.asarray(point, np.float64))
    return float(values[values > here].sum() / values.sum()) if here > 0 else 1.0


def _refined(values: NDArray[np.float64], row: int, column: int) -> tuple[float, float]:
    return row + _vertex(values[:, column], row), column + _vertex(values[row], column)


def _vertex(line: NDArray[np.float64], i: int) -> float:
    """Where between its neighbours the maximum at i of a line lies, in (-0.5, 0.5)."""
    if not 0 < i < len(line) - 1 or line[i - 1 : i + 2].min() <= 0:
        return 0.0
    before, here, after = np.log(line[i - 1 : i + 2])
    bend = before - 2 * here + after
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))


def _between(values: NDArray[np.float64], row: float, column: float) -> float:
    """The value at a point, bilinear between pixels; 0 outside."""
    height, width = values.shape
    if not (-0.5 <= row <= height - 0.5 and -0.5 <= column <= width - 0.5):
        return 0.0
    row, column = min(max(row, 0.0), height - 1.0), min(max(column, 0.0), width - 1.0)
    i, j = min(int(row), max(height - 2, 0)), min(int(column), max(width - 2, 0))
    patch = values[i : i + 2, j : j + 2]
    by_row = np.array([1 - (row - i), row - i])[: patch.shape[0]]
    by_column = np.array([1 - (column - j), column - j])[: patch.shape[1]]
    return float(by_row @ patch @ by_column)
