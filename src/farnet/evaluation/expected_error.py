"""Whether expected errors and 95 % regions hold: beside the true errors of the same landmarks.

- Coverage: the share of landmarks whose truth lies inside the region; 95 % is right.
- Area: of the ellipse; of two that cover alike, the smaller says more.
- Ratio: mean true error over mean expected error; 1 is right.
- Rank correlation (Spearman) between expected and true error: whether the landmarks that are said to be uncertain are
  those that are wrong. Of all landmarks together, and the mean of those of each landmark by itself, where the
  difference between easy and hard landmarks does not help.

Reference: Kuleshov, Fenner & Ermon, "Accurate uncertainties for deep learning using calibrated regression", 2018.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import InvalidInputError
from farnet.evaluation.figures import Figure, TextTable, draws_of, figure, finite
from farnet.evaluation.pairing import check_pair
from farnet.evaluation.tables import cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from farnet.evaluation.tables import Cells
    from farnet.landmarks import Landmarks

__all__ = ["ExpectedErrors", "Likely", "evaluate_expected_errors"]

_GROUPS = 5  # of landmarks by their expected error, whose true errors are shown
_LEAST = 3  # errors that a rank correlation needs


@dataclass(frozen=True, eq=False)
class Likely:
    """Figures of one landmark, or of all.

    Attributes:
        name: The landmark, or "all".
        n: Landmarks with a region and a true point.
        coverage: Per cent of them inside the region.
        area: Median area of the regions, in the square of the unit.
        expected: Mean expected error.
        error: Mean true error.
        ratio: The true over the expected.
        rank: Spearman's correlation between the two.
    """

    name: str
    n: int
    coverage: Figure
    area: float
    expected: float
    error: float
    ratio: Figure
    rank: Figure

    def to_dict(self) -> dict[str, Any]:
        """JSON types only; None stands for NaN."""
        return {
            "name": self.name,
            "n": self.n,
            "coverage_percent": self.coverage.to_dict(),
            "median_area": finite(self.area),
            "mean_expected_error": finite(self.expected),
            "mean_error": finite(self.error),
            "ratio": self.ratio.to_dict(),
            "rank_correlation": self.rank.to_dict(),
        }


@dataclass(frozen=True, eq=False)
class ExpectedErrors:
    """Expected errors beside true ones.

    Attributes:
        unit: "mm" or "px".
        pooled: Of all landmarks.
        per_landmark: One for each landmark.
        rank_within: Mean of the rank correlations of the single landmarks.
        heatmap_area: Median area of the plain covariance of the heatmaps, scaled by one factor until it covers as much
            as `pooled`; NaN where it is not known.
        groups: (5, 2) mean expected and mean true error of the landmarks in five equal parts, the surest first.
        n_radiographs: N.
    """

    unit: str
    pooled: Likely
    per_landmark: tuple[Likely, ...]
    rank_within: float
    heatmap_area: float
    groups: NDArray[np.float64]
    n_radiographs: int

    @property
    def key(self) -> str:
        """Name in JSON."""
        return "expected_error"

    def to_dict(self) -> dict[str, Any]:
        """JSON types only; None stands for NaN."""
        return {
            "unit": self.unit,
            "level_percent": 95,
            "n_radiographs": self.n_radiographs,
            "pooled": self.pooled.to_dict(),
            "rank_correlation_within_landmarks": finite(self.rank_within),
            "median_area_of_heatmaps_at_the_same_coverage": finite(self.heatmap_area),
            "groups_expected_and_true": self.groups.tolist(),
            "per_landmark": [item.to_dict() for item in self.per_landmark],
        }

    def rows(self) -> Iterator[Cells]:
        """Rows of `farnet.evaluation.tables.FIGURE_COLUMNS`."""
        for item in (self.pooled, *self.per_landmark):
            name = "" if item is self.pooled else item.name
            figures: tuple[tuple[str, str, Figure], ...] = (
                ("coverage95", "%", item.coverage),
                ("median_area95", f"{self.unit}2", Figure(item.area)),
                ("error_over_expected", "", item.ratio),
                ("rank_correlation", "", item.rank),
            )
            for figure_name, unit, value in figures:
                ends = cell(value.value), cell(value.low), cell(value.high)
                yield "expected error", name, figure_name, "", unit, *ends, str(item.n), "0", "0"

    def tables(self) -> Sequence[TextTable]:
        """What the command line prints."""
        rows = tuple(
            (
                item.name,
                item.coverage.text(1),
                _text(item.area),
                _text(item.expected),
                _text(item.error),
                item.rank.text(2),
            )
            for item in (self.pooled, *self.per_landmark)
        )
        groups = "; ".join(f"{expected:.2f} / {true:.2f}" for expected, true in self.groups)
        caption = (
            f"Expected / true {self.unit} from the surest fifth of the landmarks to the least sure: {groups}. "
            f"Rank correlation within landmarks, mean: {self.rank_within:.2f}."
        )
        if not math.isnan(self.heatmap_area):
            caption += (
                f" The plain spread of the heatmaps, scaled to the same coverage: median {self.heatmap_area:.2f} "
                f"{self.unit}\N{SUPERSCRIPT TWO}."
            )
        unit = self.unit
        headers = (
            "landmark",
            "in 95 % region, %",
            f"median area {unit}\N{SUPERSCRIPT TWO}",
            f"expected {unit}",
            f"true {unit}",
            "rank correlation",
        )
        return (TextTable("Expected errors", headers, rows, caption),)


def evaluate_expected_errors(
    predictions: Sequence[Landmarks],
    references: Sequence[Landmarks],
    *,
    spread: Sequence[NDArray[np.float64]] | None = None,
    bootstrap: int = 2000,
    seed: int = 0,
) -> ExpectedErrors | None:
    """Compare expected errors and regions with the truth.

    Args:
        predictions: N sets of landmarks, with `region95` and covariance.
        references: N sets of true landmarks of the same radiographs, in the same order.
        spread: N arrays (K, 2, 2), px^2 of the radiograph: the plain covariance of the heatmaps, to compare with.
        bootstrap: Draws of radiographs for the intervals; 0 for none.
        seed: Seed of the draws.

    Returns:
        None where no prediction has a region beside a true point.

    Raises:
        InvalidInputError: If there are not as many predictions as references.
        AnnotationError: If a pair does not belong together.
    """
    if len(predictions) != len(references):
        raise InvalidInputError(f"{len(predictions)} predictions for {len(references)} references.")
    if all(item.region95 is None for item in predictions):
        return None
    for prediction, reference in zip(predictions, references, strict=True):
        check_pair(prediction, reference, references[0])
    # In the unit of the radial errors (`farnet.evaluation.evaluate`), whichever side tells the size of a pixel.
    spacings = [reference.spacing or item.spacing for item, reference in zip(predictions, references, strict=True)]
    in_mm = all(spacing is not None for spacing in spacings)
    references = [item.replace(spacing=spacing) for item, spacing in zip(references, spacings, strict=True)]
    parts = [_of(p, r, in_mm) for p, r in zip(predictions, references, strict=True)]
    error, expected, distance, area = (np.stack(part) for part in zip(*parts, strict=True))
    known = np.isfinite(error) & np.isfinite(expected) & np.isfinite(distance)
    if not known.any():
        return None
    draws = draws_of(len(references), bootstrap, seed)
    inside = np.where(known, distance <= 1.0, np.nan)
    names = references[0].scheme.names
    each = tuple(
        _likely(names[k], error[:, [k]], expected[:, [k]], inside[:, [k]], area[:, [k]], known[:, [k]], draws)
        for k in range(len(names))
    )
    pooled = _likely("all", error, expected, inside, area, known, draws)
    ranks = [item.rank.value for item in each if not math.isnan(item.rank.value)]
    order = np.argsort(expected[known], kind="stable")
    groups = [
        (float(expected[known][part].mean()), float(error[known][part].mean()))
        for part in np.array_split(order, min(_GROUPS, order.size))
    ]
    plain = math.nan if spread is None else _plain_area(predictions, references, spread, known, inside, in_mm)
    return ExpectedErrors(
        unit="mm" if in_mm else "px",
        pooled=pooled,
        per_landmark=each,
        rank_within=float(np.mean(ranks)) if ranks else math.nan,
        heatmap_area=plain,
        groups=np.array(groups),
        n_radiographs=len(references),
    )


def _of(
    prediction: Landmarks, reference: Landmarks, in_mm: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(K,) radial error, expected error, distance over the radius of the region, area of the region; NaN = unknown."""
    difference, covariance, scale = _scaled(prediction, reference, prediction.covariance, in_mm)
    count = len(prediction)
    region = np.full(count, np.nan) if prediction.region95 is None else prediction.region95
    placed = prediction.replace(spacing=scale)
    expected = placed.expected_error_mm
    assert expected is not None, "the scale stands for the spacing"
    return (
        np.linalg.norm(difference, axis=1),
        expected,
        _mahalanobis(difference, covariance) / region,
        math.pi * np.square(region) * _root_determinant(covariance),
    )


def _scaled(
    prediction: Landmarks, reference: Landmarks, covariance: NDArray[np.float64] | None, in_mm: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[float, float]]:
    """Difference (K, 2), covariance (K, 2, 2) and (row, column) units of a pixel."""
    scale = reference.spacing if in_mm and reference.spacing is not None else (1.0, 1.0)
    factors = np.array(scale)
    full = np.full((len(prediction), 2, 2), np.nan) if covariance is None else covariance
    return (prediction.points - reference.points) * factors, full * np.outer(factors, factors), scale


def _mahalanobis(difference: NDArray[np.float64], covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.isfinite(covariance).all((-1, -2)) & (_root_determinant(covariance) > 0)
    solved = np.linalg.solve(np.where(known[..., None, None], covariance, np.eye(2)), difference[..., None])[..., 0]
    return np.where(known, np.sqrt(np.maximum((difference * solved).sum(-1), 0.0)), np.nan)


def _root_determinant(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    product = covariance[..., 0, 0] * covariance[..., 1, 1] - covariance[..., 0, 1] * covariance[..., 1, 0]
    return np.asarray(np.sqrt(np.maximum(product, 0.0)))


def _plain_area(
    predictions: Sequence[Landmarks],
    references: Sequence[Landmarks],
    spread: Sequence[NDArray[np.float64]],
    known: NDArray[np.bool_],
    inside: NDArray[np.float64],
    in_mm: bool,
) -> float:
    """Median area of the plain ellipses at that one scale at which they cover as many of the same landmarks."""
    distances, areas = [], []
    for prediction, reference, own in zip(predictions, references, spread, strict=True):
        difference, covariance, _ = _scaled(prediction, reference, own, in_mm)
        distances.append(_mahalanobis(difference, covariance))
        areas.append(math.pi * _root_determinant(covariance))
    distance, area = np.stack(distances), np.stack(areas)
    usable = known & np.isfinite(distance)
    if not usable.any():
        return math.nan
    wanted = int(np.nansum(inside[usable]))
    scale = float(np.sort(distance[usable])[max(wanted, 1) - 1])
    return float(np.median(area[usable]) * scale**2)


def _likely(
    name: str,
    error: NDArray[np.float64],
    expected: NDArray[np.float64],
    inside: NDArray[np.float64],
    area: NDArray[np.float64],
    known: NDArray[np.bool_],
    draws: NDArray[np.float64],
) -> Likely:
    """Figures of (N, M) landmarks."""
    n = int(known.sum())
    if not n:
        none = Figure(math.nan)
        return Likely(name, 0, none, math.nan, math.nan, math.nan, none, none)
    ones = np.ones(known.shape)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(1 + B,) mean over the landmarks of the radiographs drawn."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return _sums(draws, values, known) / _sums(draws, ones, known)

    true, said = mean(error), mean(expected)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = true / said
    return Likely(
        name,
        n,
        coverage=figure(100.0 * mean(inside)),
        area=float(np.median(area[known])),
        expected=float(said[0]),
        error=float(true[0]),
        ratio=figure(ratio),
        rank=figure(_rank_correlation(error, expected, known, draws)),
    )


def _rank_correlation(
    error: NDArray[np.float64], expected: NDArray[np.float64], known: NDArray[np.bool_], draws: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(1 + B,) correlation of the ranks, which are those among all landmarks in every draw."""
    if known.sum() < _LEAST:
        return np.full(len(draws), np.nan)
    from scipy.stats import rankdata

    ranks = []
    for values in (error, expected):
        rank = np.full(known.shape, np.nan)
        rank[known] = rankdata(values[known])
        ranks.append(rank - np.nanmean(rank))
    x, y = ranks

    def moment(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return _sums(draws, values, known)

    total = moment(np.ones(known.shape))
    with np.errstate(invalid="ignore", divide="ignore"):
        mx, my = moment(x) / total, moment(y) / total
        both = moment(x * y) / total - mx * my
        variances = (moment(x * x) / total - mx**2) * (moment(y * y) / total - my**2)
        return np.asarray(np.where(variances > 0, both / np.sqrt(np.maximum(variances, 1e-300)), np.nan))


def _sums(draws: NDArray[np.float64], values: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(1 + B,) sums over (N, M) values, by how often each radiograph was drawn."""
    return np.asarray(draws @ np.where(known, values, 0.0).sum(axis=1))


def _text(value: float) -> str:
    return "\N{EN DASH}" if math.isnan(value) else f"{value:.2f}"
