"""Making a calibration from detections on radiographs that the network had not seen, and judging one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from farnet.errors import InvalidInputError
from farnet.uncertainty.calibration import LEVEL, Calibration, turned_to_unit
from farnet.uncertainty.evidence import SIGNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CONFIDENCE", "LEAST_RADIOGRAPHS", "Held", "fit_calibration"]

CONFIDENCE = 0.9
"""How sure it is that a region holds the truth as often as it says, for this one set of radiographs that it was made
from; on average over such sets (split conformal prediction as usual) it would be too small half of the time."""

LEAST_RADIOGRAPHS = 45
"""Fewer cannot tell the 95 % region of a landmark with that confidence: 0.95 to the power of 45 is just below 0.1."""

_RIDGE = 5.0  # of the slopes, in units of a standardised sign: some regularisation where landmarks are few
_BLENDS = (0.0, 0.1, 0.2, 0.3, 0.5)
_PRIOR = 10.0  # radiographs' worth of the pooled direction in that of a landmark
_STEPS = 60


@dataclass(frozen=True, eq=False)
class Held:
    """Detections on radiographs held out, beside the truth; everything in network pixels.

    Attributes:
        signs: (N, K, 5) by `farnet.uncertainty.evidence.SIGNS`; NaN where a landmark was not found.
        spread: (N, K, 2, 2) covariance of the heatmaps; NaN likewise.
        errors: (N, K, 2) found less true, row and column; NaN where either is absent.
        folds: (N,) which network looked: radiographs of one fold were held out together.
    """

    signs: NDArray[np.float64]
    spread: NDArray[np.float64]
    errors: NDArray[np.float64]
    folds: NDArray[np.intp]

    def __post_init__(self) -> None:
        n, k = self.errors.shape[:2]
        shapes = (self.signs.shape, self.spread.shape, self.errors.shape, self.folds.shape)
        if shapes != ((n, k, len(SIGNS)), (n, k, 2, 2), (n, k, 2), (n,)):
            raise InvalidInputError(f"signs, spread, errors and folds do not belong together: shapes {shapes}.")

    def __len__(self) -> int:
        return len(self.errors)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(N, K) where there is an error."""
        return np.asarray(np.isfinite(self.errors).all(-1) & np.isfinite(self.signs).all(-1))

    def part(self, chosen: NDArray[np.bool_]) -> Held:
        """Some of the radiographs."""
        return Held(self.signs[chosen], self.spread[chosen], self.errors[chosen], self.folds[chosen])


def fit_calibration(held: Held, *, source: str = "") -> Calibration:
    """Fit levels, slopes and directions to all detections, and the radii across folds.

    The radius of a landmark is one of its n Mahalanobis distances, each by a calibration that was fitted without the
    radiographs of that fold: neither the network nor the calibration has seen what it is judged by. It is the k-th
    smallest, the first for which at least 95 % of other radiographs lie within it with the confidence `CONFIDENCE`:
    that share has a beta distribution with k and n + 1 - k (Vovk, Machine Learning 92, 2013).

    Args:
        held: Detections held out, of at least two folds.
        source: Which radiographs they were, in words.

    Raises:
        InvalidInputError: If a landmark has fewer than `LEAST_RADIOGRAPHS` errors, or there is but one fold.
    """
    counts = held.known.sum(axis=0)
    if counts.min() < LEAST_RADIOGRAPHS:
        raise InvalidInputError(
            f"{int(counts.min())} radiographs with a landmark are too few for its 95 % region; at least "
            f"{LEAST_RADIOGRAPHS} held out are needed."
        )
    folds = np.unique(held.folds)
    if len(folds) < 2:
        raise InvalidInputError("Radiographs of one fold alone cannot be calibrated; at least two folds are needed.")
    distances = np.full(held.known.shape, np.nan)
    blend = _best_blend(held)
    for fold in folds:
        inside = held.folds == fold
        distances[inside] = _distances(_fit(held.part(~inside), blend), held.part(inside))
    radii = np.array([_conformal(distances[:, k]) for k in range(len(counts))])
    return replace(_fit(held, blend), radii=radii, radiographs=len(held), source=source)


def _conformal(distances: NDArray[np.float64]) -> float:
    from scipy.stats import beta

    values = np.sort(distances[np.isfinite(distances)])
    ranks = np.arange(1, values.size + 1)
    sure = np.asarray(beta.cdf(LEVEL, ranks, values.size + 1 - ranks)) <= 1.0 - CONFIDENCE
    return float(values[int(np.argmax(sure)) if sure.any() else -1])


def _distances(calibration: Calibration, held: Held) -> NDArray[np.float64]:
    """(N, K) Mahalanobis distance of the truth."""
    precision = np.linalg.inv(_usable(calibration.covariance(held.signs, held.spread)))
    found = np.einsum("nki,nkij,nkj->nk", held.errors, precision, held.errors)
    return np.where(held.known, np.sqrt(np.maximum(found, 0.0)), np.nan)


def _usable(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The unit matrix where it is not known, so that it can be inverted."""
    return np.where(np.isfinite(covariance), covariance, np.eye(2))


def _best_blend(held: Held) -> float:
    """That with the greatest likelihood of errors of folds left out, taken as normal."""
    totals = dict.fromkeys(_BLENDS, 0.0)
    for fold in np.unique(held.folds):
        inside = held.folds == fold
        rest, part = held.part(~inside), held.part(inside)
        for blend in _BLENDS:
            calibration = _fit(rest, blend)
            covariance = _usable(calibration.covariance(part.signs, part.spread))
            determinant = np.log(np.linalg.det(covariance))
            distance = _distances(calibration, part)
            # By the logarithm of the distances, so that a few large errors do not decide.
            totals[blend] += float(np.nansum(np.where(part.known, determinant / 2.0 + 1.5 * np.log1p(distance**2), 0)))
    return min(totals, key=totals.__getitem__)


def _fit(held: Held, blend: float) -> Calibration:
    """Everything but the radii, which are 1."""
    known = held.known
    signs = held.signs[known]
    means, deviations = signs.mean(axis=0), np.maximum(signs.std(axis=0), 1e-3)
    landmark = np.broadcast_to(np.arange(known.shape[1]), known.shape)[known]
    radial = np.linalg.norm(held.errors, axis=-1)[known]
    count = known.shape[1]
    started = Calibration(
        levels=np.zeros(count),
        slopes=np.zeros(len(SIGNS)),
        means=means,
        deviations=deviations,
        directions=np.broadcast_to(np.eye(2), (count, 2, 2)),
        radii=np.ones(count),
        blend=blend,
    )
    z = np.clip((signs - means) / deviations, -started.limits, started.limits)
    levels, slopes = _gamma_regression(radial, landmark, z, count)
    fitted = replace(started, levels=levels, slopes=slopes)
    # The regression is right about error over expected error; a user adds up errors. They differ by a few per cent.
    expected = np.where(known, fitted.expected_error(held.signs), 0.0).sum(axis=0)
    errors = np.where(known, np.linalg.norm(held.errors, axis=-1), 0.0).sum(axis=0)
    fitted = replace(fitted, levels=levels + np.log(errors / expected))
    return replace(fitted, directions=_directions(held, fitted))


def _gamma_regression(
    radial: NDArray[np.float64], landmark: NDArray[np.intp], z: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log E[radial] = level of the landmark + slopes . z, by Newton steps on the likelihood of gamma distributions.

    At the solution every landmark's expected errors are right on average: mean(radial / expected) is 1.
    """
    design = np.concatenate([np.eye(count)[landmark], z], axis=1)
    weights = np.concatenate(
        [np.log([radial[landmark == k].mean() + 1e-9 for k in range(count)]), np.zeros(z.shape[1])]
    )
    ridge = np.diag(np.concatenate([np.full(count, 1e-6), np.full(z.shape[1], _RIDGE)]))
    centre = weights.copy()
    for _ in range(_STEPS):
        ratio = radial * np.exp(-(design @ weights))
        gradient = design.T @ (ratio - 1.0) - ridge @ (weights - centre)
        step = np.linalg.solve((design * ratio[:, None]).T @ design + ridge, gradient)
        weights = weights + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-9:
            break
    return weights[:count], weights[count:]


def _directions(held: Held, fitted: Calibration) -> NDArray[np.float64]:
    """(K, 2, 2) covariance of the errors over the expected error, shrunk towards that of all landmarks, trace 2."""
    scaled = np.where(held.known[..., None], held.errors / fitted.expected_error(held.signs)[..., None], 0.0)
    # Beyond three times the expected error is an error of another kind, and says nothing of a direction.
    far = np.linalg.norm(scaled, axis=-1, keepdims=True)
    scaled = scaled * np.minimum(1.0, 3.0 / np.maximum(far, 1e-9))
    products = np.einsum("nki,nkj->kij", scaled, scaled) / np.maximum(held.known.sum(axis=0), 1)[:, None, None]
    n = held.known.sum(axis=0)[:, None, None]
    mixed = (n * turned_to_unit(products) + _PRIOR * np.eye(2)) / (n + _PRIOR)
    return turned_to_unit(mixed)
