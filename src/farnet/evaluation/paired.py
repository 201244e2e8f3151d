"""Which of two is better, on the same radiographs: differences with intervals, and tests that allow for the pairing.

Two models fail on the same hard radiographs, so intervals of each by itself say little of their difference; here every
draw of the bootstrap takes the same radiographs for both. The p values are those of Wilcoxon's signed-rank test: over
radiographs, of the mean error of each (all landmarks), or of the error of one landmark. Testing K landmarks at once
finds a difference by chance; Holm's method raises the p values so that all of them together err once in 20 times at
most (Wilcoxon, Biometrics Bulletin 1, 1945; Holm, Scandinavian Journal of Statistics 6, 1979).

The test asks which of two is closer on the typical radiograph, the mean is moved by a few large errors, and errors know
nothing of landmarks that were missed. So each is reported beside the others: the direction of the test as the matched
rank-biserial correlation (Kerby, Comprehensive Psychology 3, 2014), the radiographs on which each is closer, and what
each missed; a verdict is only given where they agree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from farnet.errors import InvalidInputError
from farnet.evaluation.figures import Figure, TextTable, draws_of, figure, finite
from farnet.evaluation.summary import TIE
from farnet.evaluation.tables import cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from farnet.evaluation.metrics import Evaluation
    from farnet.evaluation.tables import Cells

__all__ = ["SIGNIFICANT", "Difference", "PairedComparison", "compare_paired", "holm"]

SIGNIFICANT = 0.05
"""p values below it are called a difference."""

_DECIMALS = 9
"""Differences are equal, or none, where they agree to so many decimals of a mm or px: below it is rounding."""


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
        rank: The direction of the test, from -1 (the second is closer on every radiograph) to 1 (the first is): the sum
            of the signed ranks over that of the ranks. 0 where all differences are 0, NaN where there is none.
        closer: Radiographs on which the first, and on which the second, has the smaller error.
        missed: Landmarks that the first, and that the second, left out though the truth has them.
        n_absent: Landmarks that the truth has not.
    """

    name: str
    n: int
    mre: Figure
    sdr: dict[float, Figure]
    p: float
    p_holm: float
    rank: float
    closer: tuple[int, int]
    missed: tuple[int, int]
    n_absent: int

    def to_dict(self) -> dict[str, Any]:
        """JSON types only; None stands for NaN."""
        return {
            "name": self.name,
            "n": self.n,
            "mre": self.mre.to_dict(),
            "sdr": {f"{radius:g}": value.to_dict() for radius, value in self.sdr.items()},
            "p_wilcoxon": finite(self.p),
            "p_holm": finite(self.p_holm),
            "rank_biserial": finite(self.rank),
            "closer": list(self.closer),
            "missed": list(self.missed),
            "n_absent": self.n_absent,
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
        """What the test of all landmarks together says, in words; where the means or the misses disagree, that."""
        pooled, names = self.pooled, (self.first, self.second)
        if math.isnan(pooled.p):
            return f"{self.first} and {self.second} have no landmark in common, so nothing can be compared."
        mean = f"{abs(pooled.mre.value):.3f} {self.unit} of mean radial error"
        smaller = names[pooled.mre.value < 0]
        if not pooled.p < SIGNIFICANT:
            text = f"No difference is shown between {self.first} and {self.second} ({_equals(pooled.p)})"
            apart = pooled.mre.low > 0 or pooled.mre.high < 0
            text += f", though {smaller} is better by {mean}: it has fewer large errors." if apart else "."
        else:
            of = sum(pooled.closer)
            closer, other = names[pooled.rank < 0], names[pooled.rank >= 0]
            where = f"closer on {pooled.closer[pooled.rank < 0]} of the {of} radiographs that differ"
            if closer == smaller:
                each = sum(item.p_holm < SIGNIFICANT for item in self.per_landmark)
                text = (
                    f"{closer} is better than {other}: by {mean}, and {where} ({_equals(pooled.p)}). {each} of "
                    f"{len(self.per_landmark)} landmarks differ after Holm's correction."
                )
            else:
                text = (
                    f"Neither is better throughout: {closer} is {where} ({_equals(pooled.p)}), but {other} is better "
                    f"by {mean}: {closer} has more large errors."
                )
        if pooled.missed[0] != pooled.missed[1]:
            text += (
                f" Missed landmarks count for nothing in this: {self.first} missed {pooled.missed[0]}, {self.second} "
                f"{pooled.missed[1]}. The detection rates (SDR) count them as failures."
            )
        return text

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
            name = "" if item is self.pooled else item.name
            counts = (str(item.n), str(item.missed[1] - item.missed[0]), str(item.n_absent))
            group = "second less first"
            yield group, name, "mre", "", self.unit, *map(cell, (item.mre.value, item.mre.low, item.mre.high)), *counts
            for radius, value in item.sdr.items():
                ends = map(cell, (value.value, value.low, value.high))
                yield group, name, "sdr", f"{radius:g}", "%", *ends, *counts
            for test, number in (("p wilcoxon", item.p), ("p holm", item.p_holm), ("rank biserial", item.rank)):
                yield group, name, test, "", "", cell(number), "", "", *counts

    def tables(self) -> Sequence[TextTable]:
        """What the command line prints."""
        radii = tuple(self.pooled.sdr)
        rows = tuple(
            (
                item.name,
                _signed(item.mre, 3),
                *(_signed(item.sdr[radius], 1) for radius in radii[:1]),
                f"{item.closer[0]} / {item.closer[1]}",
                f"{item.missed[0]} / {item.missed[1]}",
                _p(item.p),
                _p(item.p_holm),
            )
            for item in (self.pooled, *self.per_landmark)
        )
        headers = (
            "landmark",
            f"MRE {self.unit}",
            *(f"SDR {radius:g} {self.unit}, % points" for radius in radii[:1]),
            "closer, first / second",
            "missed",
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
        InvalidInputError: If the two are not of the same radiographs, landmarks, unit, radii and truth.
    """
    for what in ("radiographs", "landmarks", "unit", "radii"):
        one, two = getattr(first, what), getattr(second, what)
        if one != two:
            raise InvalidInputError(
                f"The two evaluations differ in their {what}: {_shortened(one)} and {_shortened(two)}. Evaluate both "
                "on the same radiographs against the same truth."
            )
    there = _there(first)
    if not np.array_equal(there, _there(second)):
        row, column = np.argwhere(there != _there(second))[0]
        raise InvalidInputError(
            f"The two evaluations differ in their truth: {first.landmarks[column]} of {first.radiographs[row]} is in "
            "one of them alone. Evaluate both against the same truth."
        )
    draws = draws_of(first.n_radiographs, bootstrap, seed)
    count = len(first.landmarks)
    tests = [_wilcoxon(first.errors[:, k], second.errors[:, k]) for k in range(count)]
    corrected = holm([test.p for test in tests])
    each = tuple(
        _difference(first.landmarks[k], first, second, [k], draws, tests[k], float(corrected[k])) for k in range(count)
    )
    both = np.isfinite(first.errors) & np.isfinite(second.errors)
    test = _wilcoxon(_row_means(first.errors, both), _row_means(second.errors, both))
    pooled = _difference("all", first, second, list(range(count)), draws, test, test.p)
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


class _Test(NamedTuple):
    """Of one Wilcoxon test; the fields are those of `Difference`."""

    p: float
    rank: float
    closer: tuple[int, int]


def _there(evaluation: Evaluation) -> NDArray[np.bool_]:
    """(N, K) where the truth has a landmark: it was found or missed."""
    return np.asarray(np.isfinite(evaluation.errors) | evaluation.missed)


def _difference(
    name: str,
    first: Evaluation,
    second: Evaluation,
    columns: list[int],
    draws: NDArray[np.float64],
    test: _Test,
    p_holm: float,
) -> Difference:
    one, two = first.errors[:, columns], second.errors[:, columns]
    both = np.isfinite(one) & np.isfinite(two)
    there = _there(first)[:, columns]
    with np.errstate(invalid="ignore", divide="ignore"):
        mre = (draws @ np.where(both, two - one, 0.0).sum(axis=1)) / (draws @ both.sum(axis=1))
        trials = draws @ there.sum(axis=1)
        rates = {
            radius: 100.0 * (draws @ ((two <= radius * TIE).sum(axis=1) - (one <= radius * TIE).sum(axis=1))) / trials
            for radius in first.radii
        }
    return Difference(
        name,
        n=int(both.sum()),
        mre=figure(mre),
        sdr={radius: figure(rate) for radius, rate in rates.items()},
        p=test.p,
        p_holm=p_holm,
        rank=test.rank,
        closer=test.closer,
        missed=(int(first.missed[:, columns].sum()), int(second.missed[:, columns].sum())),
        n_absent=int((~there).sum()),
    )


def _row_means(errors: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(N,) mean of the known errors of each radiograph; NaN where there is none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(known, errors, 0.0).sum(axis=1) / known.sum(axis=1))


def _wilcoxon(first: NDArray[np.float64], second: NDArray[np.float64]) -> _Test:
    """Test the differences of (N,) errors, NaN = none; equal pairs are left out, as Wilcoxon did."""
    from scipy.stats import rankdata, wilcoxon

    difference = np.round(second - first, _DECIMALS)
    difference = difference[np.isfinite(difference)]
    if not difference.size:
        return _Test(math.nan, math.nan, (0, 0))
    difference = difference[difference != 0]
    if not difference.size:
        return _Test(1.0, 0.0, (0, 0))
    ranks = rankdata(np.abs(difference))
    rank = float((np.sign(difference) * ranks).sum() / ranks.sum())
    return _Test(float(wilcoxon(difference).pvalue), rank, (int((difference > 0).sum()), int((difference < 0).sum())))


def _signed(value: Figure, digits: int) -> str:
    if math.isnan(value.value):
        return "\N{EN DASH}"
    ends = "" if math.isnan(value.low) else f" [{value.low:+.{digits}f}, {value.high:+.{digits}f}]"
    return f"{value.value:+.{digits}f}{ends}"


def _p(p: float) -> str:
    if math.isnan(p):
        return "\N{EN DASH}"
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _equals(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {_p(p)}"


def _shortened(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
