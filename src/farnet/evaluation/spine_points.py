"""Normalised error and correlation of the points of a spine, and the mean shape that they stand beside.

The definitions are in `farnet.evaluation.spine`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from farnet.errors import InvalidInputError
from farnet.evaluation.figures import Figure, draws_of, figure, weighted_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["PointAgreement", "mean_shapes", "normalised_points", "point_agreement"]


@dataclass(frozen=True, slots=True)
class PointAgreement:
    """Error and correlation of normalised points.

    Attributes:
        nmse_point: Mean squared distance of a point, as a part of the radiograph's sides.
        nmse_coordinate: Mean squared error of a coordinate; half of `nmse_point`.
        rho: Pearson's rho of all coordinates pooled.
        rho_image: Mean over radiographs of the rho of each.
        rho_x: Pooled rho of x alone.
        rho_y: Pooled rho of y alone.
    """

    nmse_point: Figure
    nmse_coordinate: Figure
    rho: Figure
    rho_image: Figure
    rho_x: Figure
    rho_y: Figure

    def named(self) -> dict[str, Figure]:
        """The figures by name, in order."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


def normalised_points(points: Sequence[ArrayLike], shapes: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    """Points as parts of the height and the width of their radiographs.

    Args:
        points: N times (K, 2) row, column in pixels; NaN = absent.
        shapes: N times (rows, columns) of the radiograph.

    Returns:
        (N, K, 2) row / rows, column / columns.

    Raises:
        InvalidInputError: If there are not as many shapes as points, or a side is not above zero.
    """
    sides = np.asarray(shapes, np.float64).reshape(-1, 2)
    if len(sides) != len(points) or not (sides > 0).all():
        raise InvalidInputError(
            f"There are {len(points)} sets of points and {len(sides)} sizes of radiographs; each needs one, with both "
            "sides above zero."
        )
    return np.stack([np.asarray(item, np.float64) for item in points]) / sides[:, None]


def mean_shapes(true: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each radiograph the mean of the true points of the others.

    Args:
        true: (N, K, 2) normalised points; NaN = absent.

    Returns:
        (N, K, 2); NaN where no other radiograph has the point.
    """
    known = ~np.isnan(true)
    filled = np.where(known, true, 0.0)
    others = known.sum(axis=0) - known
    total = filled.sum(axis=0) - filled
    return np.where(others > 0, total / np.maximum(others, 1), np.nan)


def point_agreement(
    predicted: NDArray[np.float64], true: NDArray[np.float64], *, bootstrap: int = 2000, seed: int = 0
) -> PointAgreement:
    """Error and correlation of normalised points.

    Args:
        predicted: (N, K, 2) row, column as parts of height and width; NaN = not found, and in no figure.
        true: (N, K, 2) likewise; NaN = absent, and in no figure.
        bootstrap: Draws of radiographs for the intervals; 0 for none.
        seed: Seed of the draws.

    Returns:
        The figures; NaN where there is no point, or no spread to correlate.

    Raises:
        InvalidInputError: If the shapes are not the same (N, K, 2).
    """
    if predicted.shape != true.shape or true.ndim != 3 or true.shape[-1] != 2:
        raise InvalidInputError(
            f"The predicted points have the shape {predicted.shape}, the true ones {true.shape}; both must be the "
            "same (N, K, 2)."
        )
    weights = draws_of(len(true), bootstrap, seed)
    known: NDArray[np.bool_] = np.logical_not(np.isnan(predicted).any(axis=-1) | np.isnan(true).any(axis=-1))
    squared = np.where(known, np.square(predicted - true).sum(axis=-1), 0.0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        per_point = (weights @ squared) / (weights @ known.sum(axis=1))
    sums = _moments(predicted, true, known)  # (N, axis, 6)
    pooled = _rho(np.einsum("dn,nm->dm", weights, sums.sum(axis=1)))
    rho_y, rho_x = (_rho(weights @ sums[:, axis]) for axis in range(2))
    each = _rho(_moments(predicted, true, known, own_centre=True).sum(axis=1))
    return PointAgreement(
        nmse_point=figure(per_point),
        nmse_coordinate=figure(per_point / 2.0),
        rho=figure(pooled),
        rho_image=figure(weighted_mean(weights, each)),
        rho_x=figure(rho_x),
        rho_y=figure(rho_y),
    )


def _moments(
    predicted: NDArray[np.float64], true: NDArray[np.float64], known: NDArray[np.bool_], *, own_centre: bool = False
) -> NDArray[np.float64]:
    """(N, 2, 6) sums of 1, p, t, pp, tt, pt over the points of each radiograph, for rows and for columns.

    Both are shifted by the mean of the true coordinates, of all radiographs or of each its own: rho does not change,
    and large numbers do not cancel.
    """
    there = known[..., None]
    kept = np.where(there, true, 0.0)
    axes = (1, 2) if own_centre else (0, 1, 2)
    count = np.maximum(2 * known.sum(axis=1 if own_centre else None, keepdims=own_centre), 1)
    centre = kept.sum(axis=axes).reshape(-1, 1, 1) / np.reshape(count, (-1, 1, 1))
    t, p = np.where(there, true - centre, 0.0), np.where(there, predicted - centre, 0.0)
    ones = np.broadcast_to(there.astype(np.float64), t.shape)
    return np.stack([part.sum(axis=1) for part in (ones, p, t, p * p, t * t, p * t)], axis=-1)


def _rho(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 6) sums of 1, p, t, pp, tt, pt -> (...) Pearson's rho; NaN without spread."""
    n, p, t, pp, tt, pt = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        variances = pp - p * p / n, tt - t * t / n
        # What rounding leaves of a sum of squares is no spread.
        flat = (variances[0] <= 1e-12 * pp) | (variances[1] <= 1e-12 * tt)
        rho = (pt - p * t / n) / np.sqrt(np.maximum(variances[0], 0.0) * np.maximum(variances[1], 0.0))
    return np.asarray(np.where(flat, np.nan, np.clip(rho, -1.0, 1.0)))
