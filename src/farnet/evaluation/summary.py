"""Figures of groups of radial errors: counts, mean, spread, median, rates of success and their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.evaluation.bootstrap import intervals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["TIE", "Metrics", "summarise", "summarise_both"]

TIE = 1.0 + 1e-9
"""By which a radius is widened: pixels times mm per pixel is not exact (30 * 0.1 > 3), and an error of exactly r is a
success."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures of one group of radial errors, in the unit of their `Evaluation`.

    Attributes:
        name: The landmark, or "pooled", or "observers".
        n: Radial errors: landmarks in both the prediction and the reference.
        n_missed: Landmarks of the reference that the prediction leaves out; failures in `sdr`.
        n_absent: Landmarks that the reference leaves out; in none of the figures.
        mre: Mean radial error; NaN without errors, like all that follow.
        sd: Population standard deviation of the radial errors.
        median: Median radial error.
        sdr: Successful detection rate in per cent by radius, error <= radius.
        area: Area under the curve of the rate over the radius, from 0 to the largest radius, in per cent of the whole:
            the mean of 1 - error / radius, 0 beyond it and where the landmark is missed.
        ci: 95 % intervals (lower, upper) of ``mre``, ``sd``, ``median``, ``area`` and ``sdr_2``, ...; empty
            where none were asked for, or there is but one radiograph.
    """

    name: str
    n: int
    n_missed: int
    n_absent: int
    mre: float
    sd: float
    median: float
    sdr: Mapping[float, float]
    area: float
    ci: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON types only; None stands for NaN."""
        return {
            "name": self.name,
            "n": self.n,
            "n_missed": self.n_missed,
            "n_absent": self.n_absent,
            "mre": _json(self.mre),
            "sd": _json(self.sd),
            "median": _json(self.median),
            "sdr": {f"{radius:g}": _json(rate) for radius, rate in self.sdr.items()},
            "area": _json(self.area),
            "ci": {key: [_json(low), _json(high)] for key, (low, high) in self.ci.items()},
        }


def summarise_both(
    errors: NDArray[np.float64],
    missed: NDArray[np.bool_],
    absent: NDArray[np.bool_],
    labels: Sequence[str],
    pooled: str,
    radii: tuple[float, ...],
    draws: tuple[int, int],
) -> tuple[Metrics, list[Metrics]]:
    """(N, M, K) errors, M for each radiograph and landmark -> figures of all landmarks together, and of each."""
    flat = (len(errors), -1, 1)
    return (
        summarise(errors.reshape(flat), missed.reshape(flat), absent.reshape(flat), [pooled], radii, draws)[0],
        summarise(errors, missed, absent, labels, radii, draws),
    )


def summarise(
    errors: NDArray[np.float64],
    missed: NDArray[np.bool_],
    absent: NDArray[np.bool_],
    labels: Sequence[str],
    radii: tuple[float, ...],
    draws: tuple[int, int],
) -> list[Metrics]:
    """(N, M, G) errors -> figures of each of the G groups."""
    values = np.sort(errors.reshape(-1, errors.shape[-1]), axis=0)  # NaN last
    n = values.shape[0] - np.isnan(values).sum(axis=0)
    n_missed, n_absent = missed.sum(axis=(0, 1)), absent.sum(axis=(0, 1))
    limits = [radius * TIE for radius in radii]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(values, axis=0) / n
        sd = np.sqrt(np.nansum(np.square(values - mean), axis=0) / n)
        rates = np.stack([100.0 * (values <= limit).sum(axis=0) / (n + n_missed) for limit in limits])
        area = 100.0 * np.nansum(np.maximum(1.0 - values / radii[-1], 0.0), axis=0) / (n + n_missed)
    group = np.arange(values.shape[1])
    # Without any error the first value is NaN, and so is the median.
    median = (values[np.maximum(n - 1, 0) // 2, group] + values[n // 2, group]) / 2.0
    count, seed = draws
    ends = intervals(errors, missed, limits, count, seed) if count and len(errors) > 1 else None
    found = []
    for g, name in enumerate(labels):
        ci = {}
        if ends is not None:
            rows = {key: ends[key][g] for key in ("mre", "sd", "median", "area")}
            rows |= {f"sdr_{radius:g}": ends["sdr"][i, g] for i, radius in enumerate(radii)}
            ci = {key: (float(low), float(high)) for key, (low, high) in rows.items()}
        found.append(
            Metrics(
                name=name,
                n=int(n[g]),
                n_missed=int(n_missed[g]),
                n_absent=int(n_absent[g]),
                mre=float(mean[g]),
                sd=float(sd[g]),
                median=float(median[g]),
                sdr={radius: float(rates[i, g]) for i, radius in enumerate(radii)},
                area=float(area[g]),
                ci=ci,
            )
        )
    return found


def _json(value: float) -> float | None:
    return None if math.isnan(value) else value
