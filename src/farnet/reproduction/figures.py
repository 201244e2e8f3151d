"""Figures of a row: the mean over its seeds, how far it would move with other radiographs, and with other seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import InvalidInputError
from farnet.evaluation.bootstrap import LEVEL, draw_counts
from farnet.evaluation.metrics import evaluate_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from farnet.landmarks import Landmarks

__all__ = ["Figure", "radial_figures", "shape_figures"]


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        value: Mean over the seeds; NaN where it cannot be told.
        low: Lower end of the 95 % interval, by bootstrap over radiographs; all seeds of a radiograph go together.
        high: Its upper end. NaN, both, with a single radiograph or without draws.
        seeds: The figure of each seed.
    """

    value: float
    low: float
    high: float
    seeds: tuple[float, ...]

    @property
    def seed_half_width(self) -> float:
        """Half of the 95 % interval of the mean over seeds (Student's t); NaN with a single one."""
        count = len(self.seeds)
        if count < 2:
            return math.nan
        from scipy.stats import t

        return float(t.ppf(0.5 + LEVEL / 2, count - 1) * np.std(self.seeds, ddof=1) / math.sqrt(count))

    def to_dict(self) -> dict[str, Any]:
        """JSON types only; None stands for NaN."""
        return {
            "value": _json(self.value),
            "ci": [_json(self.low), _json(self.high)],
            "seeds": [_json(value) for value in self.seeds],
            "seed_half_width": _json(self.seed_half_width),
        }


def radial_figures(
    predictions: Sequence[Sequence[Landmarks]],
    references: Sequence[Landmarks],
    radii: Sequence[float],
    *,
    bootstrap: int = 2000,
) -> dict[str, Figure]:
    """MRE, SD and detection rates in mm.

    Args:
        predictions: For each seed, the landmarks of N radiographs.
        references: The true landmarks of the same radiographs.
        radii: Radii in mm.
        bootstrap: Draws behind the intervals; 0 is none.

    Returns:
        ``mre``, ``sd`` and, for each radius, ``sdr_2``, ``sdr_2.5``, ....

    Raises:
        InvalidInputError: If there is nothing to evaluate, or the spacing of a radiograph is not known.
    """
    unknown = [item.radiograph for item in references if item.spacing is None]
    if unknown:
        raise InvalidInputError(f"The spacing of {unknown[0]} is not known, and the paper's figures are in mm.")
    spacing = np.array([item.spacing for item in references])
    truth = _points(references)
    each = [_points(seed) for seed in predictions]
    # Seeds side by side, as if they were further landmarks: a radiograph that is drawn brings all of them along.
    together = evaluate_points(
        np.concatenate(each, axis=1), np.tile(truth, (1, len(each), 1)), spacing, radii=radii, bootstrap=bootstrap
    ).pooled
    singly = [evaluate_points(points, truth, spacing, radii=radii, bootstrap=0).pooled for points in each]
    found = {}
    for key in ("mre", "sd", *(f"sdr_{radius:g}" for radius in radii)):
        radius = float(key.removeprefix("sdr_")) if key.startswith("sdr_") else 0.0
        values = tuple(m.sdr[radius] if radius else float(getattr(m, key)) for m in singly)
        found[key] = Figure(float(np.mean(values)), *together.ci.get(key, (math.nan, math.nan)), values)
    return found


def shape_figures(
    predictions: Sequence[Sequence[Landmarks]], references: Sequence[Landmarks], *, bootstrap: int = 2000
) -> dict[str, Figure]:
    """Squared error and correlation of normalised coordinates, as the paper reports them for spines.

    Coordinates are shares of the height and width of their radiograph. A landmark that is missing on one side takes no
    part, as in the paper.

    Args:
        predictions: For each seed, the landmarks of N radiographs.
        references: The true landmarks of the same radiographs, whose shape is known.
        bootstrap: Draws behind the intervals; 0 is none.

    Returns:
        ``nmse``: mean over points of the squared error (of the row and of the column, added). ``rho``: Pearson's
        correlation of all coordinates of all radiographs, pooled.

    Raises:
        InvalidInputError: If the shape of a radiograph is not known.
    """
    unknown = [item.radiograph for item in references if item.image_shape is None]
    if unknown:
        raise InvalidInputError(f"The height and width of {unknown[0]} are not known; coordinates are shares of them.")
    size = np.array([item.image_shape for item in references], np.float64)[:, None, :]
    truth = _points(references) / size
    sums = np.stack([_sums(_points(seed) / size, truth) for seed in predictions])  # (S, N, 8)
    found = {}
    ones = np.ones((1, len(references)))
    for key, figure in (("nmse", _nmse), ("rho", _rho)):
        values = tuple(float(figure(ones @ seed)[0]) for seed in sums)
        low = high = math.nan
        if bootstrap and len(references) > 1:
            counts = draw_counts(len(references), bootstrap, 0)
            draws = np.mean([figure(counts @ seed) for seed in sums], axis=0)
            known = draws[np.isfinite(draws)]
            if known.size:
                low, high = (float(end) for end in np.quantile(known, ((1 - LEVEL) / 2, (1 + LEVEL) / 2)))
        found[key] = Figure(float(np.mean(values)), low, high, values)
    return found


def _points(landmarks: Sequence[Landmarks]) -> NDArray[np.float64]:
    return np.stack([item.points for item in landmarks])


def _sums(found: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, K, 2), twice -> (N, 8): what NMSE and rho need of every radiograph, to be added up."""
    known = np.asarray(np.isfinite(found + truth).all(-1))
    # Centred, so that the variance is no small difference of large numbers.
    p, r = (np.where(known[..., None], x - 0.5, 0.0) for x in (found, truth))
    axes = (1, 2)
    return np.stack(
        [
            known.sum(1),
            2.0 * known.sum(1),
            np.square(p - r).sum(axes),
            p.sum(axes),
            r.sum(axes),
            np.square(p).sum(axes),
            np.square(r).sum(axes),
            (p * r).sum(axes),
        ],
        axis=1,
    ).astype(np.float64)


def _nmse(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[:, 2] / sums[:, 0])


def _rho(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    _, n, _, p, r, pp, rr, pr = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((pr - p * r / n) / np.sqrt((pp - p * p / n) * (rr - r * r / n)))


def _json(value: float) -> float | None:
    return None if math.isnan(value) else value
