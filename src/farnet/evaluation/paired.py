"""Which of two is better, on the same radiographs: differences with intervals, and tests that allow for the pairing.

Two models fail on the same hard radiographs, so intervals of each by itself say little of their difference; here every
draw of the bootstrap takes the same radiographs for both. The p values are those of Wilcoxon's signed-rank test: over
radiographs, of the mean error of each (all landmarks), or of the error of one landmark. Testing K landmarks at once
finds a difference by chance; Holm's method raises the p values so that all of them together err once in 20 times at
most (Wilcoxon, Biometrics Bulletin 1, 1945; Holm, Scandinavian Journal of Statistics 6, 1979).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import InvalidInputError
from farnet.evaluation.figures import Figure, TextTable, draws_of, figure, finite
from farnet.evaluation.tables import cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from farnet.evaluation.metrics import Evaluation
    from farnet.evaluation.tables import Cells

__all__ = ["SIGNIFICANT", "Difference", "PairedComparison", "compare_paired", "holm"]

SIGNIFICANT = 0.05
"""p values below it are called a difference."""


@dataclass(frozen=True, eq=False)
class Difference:
    """The second less the first, of one landmark or of all.

    Attributes:
        name: The landmark, or "all".
        n: Landmarks that both found.
        mre: Of the mean radial errors, over the landmarks that both found; below 0 the second is better.
        sdr: Of the detection rates in per cent points, by radius; above 0 the second is better. A missed landmark is a
            failure.
        p: Of Wilcoxon's test, two-sided; 1 where all differences are 0, NaN where there is none.
        p_holm: The same after Holm's correction over the landmarks; of "all" the same as `p`.
    """

    name: str
    n: int
    mre: Figure
    sdr: dict[float, Figure]
    p: float
    p_holm: float

    def to_dict(self) -> dict[str, Any]:
        """JSON types only; None stands for NaN."""
        return {
            "name": self.name,
            "n": self.n,
            "mre": self.mre.to_dict(),
            "sdr": {f"{radius:g}": value.to_dict() for radius, value in self.sdr.items()},
            "p_wilcoxon": finite(self.p),
            "p_holm": finite(self.p_holm),
        }


@dataclass(frozen=True, eq=False)
class PairedComparison:
    """Two evaluations of the same radiographs beside each other.

    Attributes:
        first: What the first is called.
        second: What the second is called.
        unit: Of the errors, "mm" or "px".
        pooled: All landmarks together.
        per_landmark: Each landmark.
        n_radiographs: N.
    """

    first: str
    second: str
    unit: str
    pooled: Difference
    per_landmark: tuple[Difference, ...]
    n_radiographs: int

    @property
    def key(self) -> str:
        """Name in JSON."""
        return "against"

    @property
    def verdict(self) -> str:
        """What the test of all landmarks together says, in words."""
        pooled = self.pooled
        if not pooled.p < SIGNIFICANT:
            return f"No difference is shown between {self.first} and {self.second} (p = {_p(pooled.p)})."
        better, worse = (self.second, self.first) if pooled.mre.value < 0 else (self.first, self.second)
        amount = abs(pooled.mre.value)
        each = [item for item in self.per_landmark if item.p_holm < SIGNIFICANT]
        return (
            f"{better} is better than {worse}: by {amount:.3f} {self.unit} of mean radial error (p {_p(pooled.p)}); "
            f"{len(each)} of {len(self.per_landmark)} landmarks differ after Holm's correction."
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON types only; None stands for NaN."""
        return {
            "first": self.first,
            "second": self.second,
            "unit": self.unit,
            "n_radiographs": self.n_radiographs,
            "difference": "second less first",
            "test": "Wilcoxon signed-rank over radiographs, two-sided; Holm over landmarks",
            "verdict": self.verdict,
            "pooled": self.pooled.to_dict(),
            "per_landmark": [item.to_dict() for item in self.per_landmark],
        }

    def rows(self) -> Iterator[Cells]:
        """Rows of `farnet.evaluation.tables.FIGURE_COLUMNS`."""
        for item in (self.pooled, *self.per_landmark):
            name, counts = "" if item is self.pooled else item.name, (str(item.n), "0", "0")
            group = "second less first"
            yield group, name, "mre", "", self.unit, *map(cell, (item.mre.value, item.mre.low, item.mre.high)), *counts
            for radius, value in item.sdr.items():
                ends = map(cell, (value.value, value.low, value.high))
                yield group, name, "sdr", f"{radius:g}", "%", *ends, *counts
            for test, p in (("p wilcoxon", item.p), ("p holm", item.p_holm)):
                yield group, name, test, "", "", cell(p), "", "", *counts

    def tables(self) -> Sequence[TextTable]:
        """What the command line prints."""
        radii = tuple(self.pooled.sdr)
        rows = tuple(
            (
                item.name,
                _signed(item.mre, 3),
                *(_signed(item.sdr[radius], 1) for radius in radii[:1]),
                _p(item.p),
                _p(item.p_holm),
            )
            for item in (self.pooled, *self.per_landmark)
        )
        headers = (
            "landmark",
            f"MRE {self.unit}",
            *(f"SDR {radius:g} {self.unit}, % points" for radius in radii[:1]),
            "p",
            "p (Holm)",
        )
        title = f"{self.second} less {self.first}, on the same {self.n_radiographs} radiographs"
        return (TextTable(title, headers, rows, self.verdict),)


def compare_paired(
    first: Evaluation,
    second: Evaluation,
    *,
    names: tuple[str, str] = ("first", "second"),
    bootstrap: int,
    seed: int = 0,
) -> PairedComparison:
    """Compare two evaluations radiograph by radiograph.

    Args:
        first: Of one model, or of landmarks in files.
        second: Of the other, on the same radiographs in the same order, against the same truth.
        names: What the two are called.
        bootstrap: Draws of radiographs for the intervals; 0 for none.
        seed: Seed of the draws.

    Raises:
        InvalidInputError: If the two are not of the same radiographs, landmarks, unit and radii.
    """
    for what in ("radiographs", "landmarks", "unit", "radii"):
        one, two = getattr(first, what), getattr(second, what)
        if one != two:
            raise InvalidInputError(
                f"The two evaluations differ in their {what}: {_shortened(one)} and {_shortened(two)}. Evaluate both "
                "on the same radiographs against the same truth."
            )
    draws = draws_of(first.n_radiographs, bootstrap, seed)
    count = len(first.landmarks)
    ps = [_wilcoxon(first.errors[:, k], second.errors[:, k]) for k in range(count)]
    corrected = holm(ps)
    each = tuple(
        _difference(first.landmarks[k], first, second, [k], draws, ps[k], float(corrected[k])) for k in range(count)
    )
    both = np.isfinite(first.errors) & np.isfinite(second.errors)
    means = [_row_means(item.errors, both) for item in (first, second)]
    p = _wilcoxon(*means)
    pooled = _difference("all", first, second, list(range(count)), draws, p, p)
    return PairedComparison(*names, first.unit, pooled, each, first.n_radiographs)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Raise p values of several tests by Holm's method.

    Args:
        p_values: (M,) p values; NaN is no test.

    Returns:
        (M,) the i-th smallest times M - i + 1, never below a smaller one's, at most 1; NaN stays.
    """
    p = np.asarray(p_values, np.float64)
    raised = np.full(p.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    raised[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return raised


def _difference(
    name: str,
    first: Evaluation,
    second: Evaluation,
    columns: list[int],
    draws: NDArray[np.float64],
    p: float,
    p_holm: float,
) -> Difference:
    one, two = first.errors[:, columns], second.errors[:, columns]
    both = np.isfinite(one) & np.isfinite(two)
    # The truth has a landmark where either side found or missed it.
    there = (np.isfinite(one) | first.missed[:, columns]) & (np.isfinite(two) | second.missed[:, columns])
    with np.errstate(invalid="ignore", divide="ignore"):
        mre = (draws @ np.where(both, two - one, 0.0).sum(axis=1)) / (draws @ both.sum(axis=1))
        trials = draws @ there.sum(axis=1)
        rates = {
            radius: 100.0 * (draws @ (((two <= radius) & there).sum(1) - ((one <= radius) & there).sum(1))) / trials
            for radius in first.radii
        }
    sdr = {radius: figure(rate) for radius, rate in rates.items()}
    return Difference(name, int(both.sum()), figure(mre), sdr, p, p_holm)


def _row_means(errors: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(N,) mean of the known errors of each radiograph; NaN where there is none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(known, errors, 0.0).sum(axis=1) / known.sum(axis=1))


def _wilcoxon(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Two-sided p of the differences; equal pairs are left out, as Wilcoxon did."""
    from scipy.stats import wilcoxon

    difference = second - first
    difference = difference[np.isfinite(difference)]
    if not difference.size:
        return math.nan
    if not difference.any():
        return 1.0
    return float(wilcoxon(difference, zero_method="wilcox").pvalue)


def _signed(value: Figure, digits: int) -> str:
    if math.isnan(value.value):
        return "\N{EN DASH}"
    ends = "" if math.isnan(value.low) else f" [{value.low:+.{digits}f}, {value.high:+.{digits}f}]"
    return f"{value.value:+.{digits}f}{ends}"


def _p(p: float) -> str:
    if math.isnan(p):
        return "\N{EN DASH}"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _shortened(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
