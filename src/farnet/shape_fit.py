"""The arithmetic behind `farnet.shape`: alignment, principal components, and what landmarks say about one another.

Points are complex numbers here, row + i column: a similarity transform is then z -> a z + b.

Where the others expect a landmark. A shape that has been brought near the mean differs from it by d = G q + e: q are
the four small numbers of a similarity transform, of which nothing is known beforehand, and e is normal with the
covariance S of the principal-component model. The precision of d is

    P = A - A G (G' A G)^-1 G' A,   A = S^-1

and landmark k, given all others, is expected P_kk^-1 (P d)_k away from where it is, with the covariance P_kk^-1: all
K answers from one inverse. (It is universal kriging; Dubrule, Mathematical Geology 15, 1983, for leaving one out.)
Leaving further landmarks out changes P by a Schur complement. The result does not depend on how the shape was brought
near the mean but to second order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Complex = NDArray[np.complex128]
    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]

__all__ = ["MINIMUM_POINTS", "Predictor", "View", "fit", "to_complex"]

MINIMUM_POINTS = 4
"""A landmark and three others: two fix a similarity transform, the third tells whether they agree."""

_PARTS = 10  # of the cross-validation
_PAIRS = 200  # of landmarks, from which a similarity transform is tried


def to_complex(points: Floats) -> Complex:
    """(..., 2) row, column -> (...) row + i column."""
    return points[..., 0] + 1j * points[..., 1]


def _to_vector(z: Complex) -> Floats:
    """(..., K) complex -> (..., 2K) row, column, row, ..."""
    return np.stack([z.real, z.imag], axis=-1).reshape(*z.shape[:-1], -1)


def _similarity(source: Complex, target: Complex) -> tuple[complex, complex]:
    """Least squares a, b of a * source + b = target."""
    centre = source.mean()
    a = np.vdot(source - centre, target) / np.vdot(source - centre, source - centre)
    return complex(a), complex(target.mean() - a * centre)


def _robust_similarity(source: Complex, target: Complex) -> tuple[complex, complex] | None:
    """Similarity transform that a minority of misplaced points does not disturb; None where all are in one place.

    Of the transforms through two points the one with the least median distance; then least squares over the points
    near it.
    """
    first, second = np.triu_indices(len(source), 1)
    wide = np.argsort(-np.abs(target[first] - target[second]), kind="stable")[: max(len(first) // 2, 3)]
    wide = wide[:: -(-len(wide) // _PAIRS)]
    first, second = first[wide], second[wide]
    across = source[second] - source[first]
    usable = np.abs(across) > 1e-9 * np.abs(source - source.mean()).max()
    if not usable.any():
        return None
    first, second, across = first[usable], second[usable], across[usable]
    a = (target[second] - target[first]) / across
    b = target[first] - a * source[first]
    distances = np.abs(a[:, None] * source + b[:, None] - target)
    medians = np.median(distances, axis=1)
    best = int(medians.argmin())
    near = distances[best] <= max(4.5 * medians[best], np.partition(distances[best], 2)[2])
    return (
        _similarity(source[near], target[near]) if np.ptp(source[near]) != 0 else (complex(a[best]), complex(b[best]))
    )


def _tangents(mean: Complex) -> Floats:
    """(2K, 4): what small moves, growth and turning do to the mean."""
    one = np.ones_like(mean)
    return np.stack([_to_vector(z) for z in (one, 1j * one, mean, 1j * mean)], axis=1)


class Predictor:
    """What the landmarks of a shape model say about one another; see the module.

    Args:
        mean: (K, 2).
        components: (M, 2K), orthonormal.
        variances: (M,).
        residual_variance: Of every coordinate.
        calibration: (K,) factors of standard deviations.
    """

    def __init__(
        self, mean: Floats, components: Floats, variances: Floats, residual_variance: float, calibration: Floats
    ) -> None:
        self.mean = to_complex(mean)
        self.calibration = calibration
        self.covariance = (components.T * variances) @ components + residual_variance * np.eye(2 * len(mean))
        self.tangents = _tangents(self.mean)
        self._complete: Floats | None = None

    def precision(self, which: Indices) -> Floats:
        """Precision of the landmarks `which` with the similarity transform unknown, (2n, 2n) of rank 2n - 4."""
        if len(which) < len(self.mean):
            return self._precision(which)
        if self._complete is None:
            self._complete = self._precision(which)
        return self._complete

    def _precision(self, which: Indices) -> Floats:
        two = _coordinates(which)
        inverse = np.linalg.inv(self.covariance[np.ix_(two, two)])
        tangents = self.tangents[two]
        carried = inverse @ tangents
        return np.asarray(inverse - carried @ np.linalg.solve(tangents.T @ carried, carried.T))

    def view(self, z: Complex, which: Indices) -> View | None:
        """Bring the landmarks `which` of `z` near the mean; None where all are in one place."""
        similarity = _robust_similarity(z[which], self.mean[which])
        if similarity is None or similarity[0] == 0:
            return None
        a, b = similarity
        difference = _to_vector(a * z[which] + b - self.mean[which])
        return View(which, difference, self.precision(which), self.calibration[which], a, b)

    def predict(self, view: View, k: int, limit: float) -> tuple[Floats, Floats]:
        """Where the landmarks of `view`, but for those beyond `limit`, expect landmark `k`, which is not among them.

        Returns:
            (2,) and (2, 2) in the frame of the points that `view` was made from.
        """
        kept = view.which[view.clean(limit)] if len(view.which) >= MINIMUM_POINTS else view.which
        which = np.append(kept, k)
        position = np.isin(view.which, kept)
        difference = np.append(view.difference.reshape(-1, 2)[position].ravel(), [0.0, 0.0])
        precision = self.precision_in_order(which)
        covariance = np.linalg.inv(precision[-2:, -2:])
        miss = covariance @ (precision[-2:] @ difference)
        expected = (complex(self.mean[k]) + complex(-miss[0], -miss[1]) - view.b) / view.a
        back = 1 / view.a
        turn = np.array([[back.real, -back.imag], [back.imag, back.real]])
        spread = turn @ (covariance * self.calibration[k] ** 2) @ turn.T
        return np.array([expected.real, expected.imag]), spread

    def precision_in_order(self, which: Indices) -> Floats:
        """Like `precision`, for landmarks in any order."""
        order = np.argsort(which)
        two = _coordinates(np.argsort(order))
        return self.precision(which[order])[np.ix_(two, two)]


@dataclass(frozen=True)
class View:
    """Landmarks of one radiograph, brought near the mean shape by z -> a z + b.

    Attributes:
        which: (n,) their indices, increasing.
        difference: (2n,) from the mean.
        precision: (2n, 2n) of the difference.
        calibration: (n,).
        a: Factor.
        b: Shift.
    """

    which: Indices
    difference: Floats
    precision: Floats
    calibration: Floats
    a: complex
    b: complex

    def clean(self, limit: float) -> Indices:
        """Positions, increasing, of the landmarks that agree: the worst is left out until none is beyond `limit`.

        At least half of them stay, and at least `MINIMUM_POINTS` - 1.
        """
        kept = np.arange(len(self.which))
        least = max(-(-len(kept) // 2), MINIMUM_POINTS - 1)
        precision, difference = self.precision, self.difference
        while len(kept) > least:
            distances = _left_out(precision, difference) / self.calibration[kept]
            worst = int(distances.argmax())
            if not distances[worst] > limit:
                break
            precision = _without(precision, worst)
            difference = np.delete(difference, [2 * worst, 2 * worst + 1])
            kept = np.delete(kept, worst)
        return kept

    def distances(self, kept: Indices) -> Floats:
        """(n,) distance of each landmark from where those at positions `kept`, itself aside, expect it; in sd."""
        others = np.setdiff1d(np.arange(len(self.which)), kept)
        result = np.empty(len(self.which))
        result[kept] = _left_out(_marginal(self.precision, kept, others), self.difference[_coordinates(kept)])
        for position in others:
            asked = np.append(kept, position)
            rest = others[others != position]
            marginal = _marginal(self.precision, asked, rest)
            result[position] = _left_out(marginal, self.difference[_coordinates(asked)])[-1]
        return np.asarray(result / self.calibration)

    def misfit(self) -> float:
        """Squared distance of the whole shape from the mean, any similarity transform allowed."""
        return float(self.difference @ self.precision @ self.difference)


def _coordinates(which: Indices) -> Indices:
    """Positions of rows and columns of landmarks in a vector of length 2K."""
    return np.stack([2 * which, 2 * which + 1], axis=1).ravel()


def _left_out(precision: Floats, difference: Floats) -> Floats:
    """(n,) Mahalanobis distance of each landmark from where all others expect it."""
    n = len(difference) // 2
    carried = (precision @ difference).reshape(n, 2)
    blocks = precision.reshape(n, 2, n, 2)[np.arange(n), :, np.arange(n), :]
    solved = np.linalg.solve(blocks, carried[..., None])[..., 0]
    return np.asarray(np.sqrt(np.maximum((carried * solved).sum(axis=1), 0.0)))


def _without(precision: Floats, position: int) -> Floats:
    """Precision of the rest when one landmark is left out."""
    n = len(precision) // 2
    return _marginal(precision, np.delete(np.arange(n), position), np.array([position]))


def _marginal(precision: Floats, kept: Indices, dropped: Indices) -> Floats:
    """Precision of the landmarks at `kept` when nothing is known of those at `dropped`."""
    inside = _coordinates(kept)
    block = precision[np.ix_(inside, inside)]
    if len(dropped) == 0:
        return block
    outside = _coordinates(dropped)
    across = precision[np.ix_(outside, inside)]
    return np.asarray(block - across.T @ np.linalg.solve(precision[np.ix_(outside, outside)], across))


Fitted = tuple["Floats", "Floats", "Floats", float]
"""mean (K, 2), components (M, 2K), variances (M,), residual variance."""


def fit(shapes: Floats, components: int | None, most: int, *, unit_size: bool) -> tuple[Fitted, Floats]:
    """Fit a principal-component model and measure its calibration.

    Args:
        shapes: (N, K, 2).
        components: How many to keep; None chooses, of up to half of `most`, the number with the smallest calibrated
            area of uncertainty for a left-out landmark.
        most: As many components, at most.
        unit_size: Whether the mean is scaled to a root mean square radius of 1.

    Returns:
        Mean (K, 2), components (M, 2K), variances (M,) and residual variance; and the calibration (K,).
    """
    z = to_complex(shapes)
    # Half is plenty: with more, the residual variance rests on few degrees of freedom.
    tried = [components] if components is not None else sorted({*range(2, max(most // 2, 2) + 1, 2)})
    squares = np.zeros((len(tried), z.shape[1]))
    part = np.arange(len(z)) % _PARTS
    for number in range(_PARTS):
        analysed = _analyse(z[part != number])
        for row, count in enumerate(tried):
            predictor = Predictor(*_cut(analysed, count), np.ones(z.shape[1]))
            for shape in z[part == number]:
                view = predictor.view(shape, np.arange(z.shape[1]))
                if view is not None:
                    squares[row] += np.square(view.distances(np.arange(z.shape[1])))
    # Two degrees of freedom: the mean square of a distance is 2.
    calibrations = np.sqrt(squares / len(z) / 2)
    analysed = _analyse(z)
    areas = []
    for count, calibration in zip(tried, calibrations, strict=True):
        precision = Predictor(*_cut(analysed, count), calibration).precision(np.arange(z.shape[1]))
        n = z.shape[1]
        blocks = precision.reshape(n, 2, n, 2)[np.arange(n), :, np.arange(n), :]
        areas.append(float(np.mean(2 * np.log(calibration) - np.log(np.linalg.det(blocks)) / 2)))
    best = int(np.argmin(areas))
    mean, vectors, variances, residual = _cut(analysed, tried[best])
    scale = 1 / float(np.sqrt(np.square(mean).sum(axis=1).mean())) if unit_size else 1.0
    return (mean * scale, vectors, variances * scale**2, residual * scale**2), calibrations[best]


def _analyse(z: Complex) -> tuple[Complex, Any, Floats, int]:
    """Mean (K,), all principal directions (rows) and variances of (N, K) shapes, and their degrees of freedom."""
    z = z - z.mean(axis=1, keepdims=True)
    size = float(np.sqrt(np.square(np.abs(z)).sum(axis=1)).mean())
    mean = z[0]
    for _ in range(30):
        aligned = _aligned(z, mean)
        mean = aligned.mean(axis=0)
        mean = mean * (size / np.sqrt(np.square(np.abs(mean)).sum()))
    # The mean stands as the shapes stand on average.
    upright = np.vdot(mean, z.mean(axis=0))
    mean = mean * (upright / abs(upright)) if upright != 0 else mean
    differences = _to_vector(_aligned(z, mean) - mean)
    differences = differences - differences.mean(axis=0)
    _, singular, directions = np.linalg.svd(differences, full_matrices=False)
    return mean, directions, np.square(singular) / (len(z) - 1), min(2 * z.shape[1] - 4, len(z) - 1)


def _aligned(z: Complex, mean: Complex) -> Complex:
    factors = (np.conj(z) @ mean) / np.square(np.abs(z)).sum(axis=1)
    return np.asarray(factors[:, None] * z)


def _cut(analysed: tuple[Complex, Any, Floats, int], count: int) -> Fitted:
    """Keep the first components; the mean of the other variances is the residual one."""
    mean, directions, variances, freedom = analysed
    # Shapes that differ in nothing but a few ways leave no residual; rounding is the least there is.
    floor = 1e-12 * float(np.square(np.abs(mean)).mean())
    residual = max(float(variances[count:freedom].mean()), floor)
    # Along a component the residual variance is there already.
    kept = np.maximum(variances[:count] - residual, floor)
    return np.stack([mean.real, mean.imag], axis=1), directions[:count], kept, residual
