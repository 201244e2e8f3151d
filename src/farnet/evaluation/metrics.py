"""What is reported of detected landmarks: mean radial error, its spread, and successful detection rates.

Definitions, for the radial errors (Euclidean distances between a predicted and a true point) of all radiographs and
landmarks pooled, or of one landmark:

- MRE: their mean. SD: the population standard deviation of the same pooled errors, not a mean of SDs per landmark.
- SDR at radius r: the share of true landmarks whose error is *at most* r. A landmark that the detector left out is a
  failure at every radius; it has no error and takes no part in MRE, SD and median, which is why it is counted.
- A landmark that the reference leaves out takes no part in anything; it is counted too.
- Confidence intervals: 95 % percentile bootstrap over radiographs.

Reference: Wang et al. 2016, "A benchmark for comparison of dental radiography analysis algorithms" (MRE and SDR).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from farnet.errors import AnnotationError, InvalidInputError
from farnet.evaluation.bootstrap import LEVEL
from farnet.evaluation.pairing import check_pair
from farnet.evaluation.summary import Metrics, summarise_both

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from farnet.landmarks import Landmarks

__all__ = ["DEFAULT_RADII", "Evaluation", "Metrics", "as_radii", "evaluate", "evaluate_points", "radial_errors"]

DEFAULT_RADII = (2.0, 2.5, 3.0, 4.0)
"""The radii (mm) at which cephalometric work reports success."""

Unit = Literal["mm", "px"]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How far predictions are from references.

    Attributes:
        unit: "mm", or "px" (of the original radiograph) where the spacing is not known of every radiograph.
        n_radiographs: N.
        pooled: All landmarks of all radiographs.
        per_landmark: One group for each of the K landmarks, in the order of the scheme.
        errors: (N, K) the radial errors themselves, NaN where there is none.
        missed: (N, K) True where the reference has a landmark that the prediction leaves out.
        radiographs: Names of the N radiographs.
        observer_distance: Distance between the observers, pooled, or None; where there are more than two, of all pairs.
        observer_distance_per_landmark: The same for each landmark, or None.
        bootstrap: Draws behind the confidence intervals; 0 is none.
        seed: Seed of the draws.
    """

    unit: Unit
    n_radiographs: int
    pooled: Metrics
    per_landmark: list[Metrics]
    errors: NDArray[np.float64]
    missed: NDArray[np.bool_]
    radiographs: tuple[str, ...]
    observer_distance: Metrics | None = None
    observer_distance_per_landmark: list[Metrics] | None = None
    bootstrap: int = 0
    seed: int = 0

    @property
    def radii(self) -> tuple[float, ...]:
        """Radii of the detection rates, in `unit`."""
        return tuple(self.pooled.sdr)

    @property
    def landmarks(self) -> tuple[str, ...]:
        """Names of the K landmarks."""
        return tuple(metrics.name for metrics in self.per_landmark)

    def largest_errors(self, count: int = 5) -> list[tuple[str, str, float]]:
        """(radiograph, landmark, error) of the worst misplaced landmarks, worst first."""
        flat = np.where(np.isnan(self.errors), -1.0, self.errors).ravel()
        worst = np.argsort(-flat, kind="stable")[:count]
        rows, columns = np.unravel_index(worst[flat[worst] >= 0], self.errors.shape)
        return [
            (self.radiographs[row], self.per_landmark[column].name, float(self.errors[row, column]))
            for row, column in zip(rows, columns, strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """JSON types only; None stands for NaN. The single errors are left out."""
        pooled, each = self.observer_distance, self.observer_distance_per_landmark
        return {
            "unit": self.unit,
            "n_radiographs": self.n_radiographs,
            "radii": list(self.radii),
            "sd": "population, of the pooled radial errors",
            "sdr": "per cent with error <= radius; a missed landmark is a failure",
            "confidence": {
                "level": LEVEL,
                "method": "percentile bootstrap over radiographs",
                "draws": self.bootstrap,
                "seed": self.seed,
            },
            "pooled": self.pooled.to_dict(),
            "per_landmark": [metrics.to_dict() for metrics in self.per_landmark],
            "observer_distance": None if pooled is None else pooled.to_dict(),
            "observer_distance_per_landmark": None if each is None else [metrics.to_dict() for metrics in each],
            "largest_errors": [
                {"radiograph": radiograph, "landmark": landmark, "error": error}
                for radiograph, landmark, error in self.largest_errors()
            ],
        }


def radial_errors(predicted: ArrayLike, reference: ArrayLike, spacing: ArrayLike | None = None) -> NDArray[np.float64]:
    """Distances between predicted and true points.

    Args:
        predicted: (N, K, 2) row, column in pixels of the original radiographs; NaN = not found.
        reference: (N, K, 2) the true points; NaN = absent.
        spacing: (N, 2) or (2,) row, column in mm per pixel, or None.

    Returns:
        (N, K) in mm with a spacing, otherwise in pixels; NaN where either point is absent.

    Raises:
        InvalidInputError: If the shapes differ, a coordinate is infinite, or a spacing is not above zero.
    """
    p, r = np.asarray(predicted, np.float64), np.asarray(reference, np.float64)
    if p.shape != r.shape or p.ndim != 3 or p.shape[-1] != 2:
        raise InvalidInputError(
            f"The predicted points have the shape {p.shape}, the reference {r.shape}; both must be the same (N, K, 2)."
        )
    if np.isinf(p).any() or np.isinf(r).any():
        raise InvalidInputError("A point has an infinite coordinate; write NaN twice where a landmark is absent.")
    difference = p - r
    if spacing is not None:
        scale = np.asarray(spacing, np.float64)
        if scale.shape not in ((2,), (len(p), 2)) or not (np.isfinite(scale) & (scale > 0)).all():
            raise InvalidInputError(
                f"The spacing has the shape {scale.shape}; it must be (2,) or ({len(p)}, 2) as (row, column) in mm per "
                "pixel, every number above zero. Use None where it is unknown."
            )
        difference = difference * scale.reshape(-1, 1, 2)
    return np.asarray(np.hypot(difference[..., 0], difference[..., 1]))


def evaluate_points(
    predicted: ArrayLike,
    reference: ArrayLike,
    spacing: ArrayLike | None = None,
    *,
    names: Sequence[str] | None = None,
    radiographs: Sequence[str] | None = None,
    radii: Sequence[float] = DEFAULT_RADII,
    bootstrap: int = 2000,
    seed: int = 0,
    observers: Sequence[ArrayLike] | None = None,
) -> Evaluation:
    """Evaluate arrays of points; `evaluate` does the same for `Landmarks`.

    Args:
        predicted: (N, K, 2) row, column in pixels of the original radiographs; NaN = not found.
        reference: (N, K, 2) the true points; NaN = absent.
        spacing: (N, 2) or (2,) row, column in mm per pixel; None evaluates in pixels.
        names: K names of the landmarks; "1", "2", ... by default.
        radiographs: N names of the radiographs; "1", "2", ... by default.
        radii: Radii of the detection rates, in mm or, without a spacing, in pixels.
        bootstrap: Draws for the confidence intervals; 0 for none. One radiograph has none either.
        seed: Seed of the draws.
        observers: For each of two or more observers, (N, K, 2) where they put the landmarks.

    Raises:
        InvalidInputError: If shapes do not agree, there is no radiograph, or a radius, the number of draws or the
            spacing is not allowed.
    """
    limits = as_radii(radii)
    if bootstrap < 0:
        raise InvalidInputError(f"bootstrap is {bootstrap}; it must be 0 (no intervals) or more, usually 2000.")
    p, r = np.asarray(predicted, np.float64), np.asarray(reference, np.float64)
    errors = radial_errors(p, r, spacing)
    if not errors.size:
        raise InvalidInputError(f"There is nothing to evaluate: the points have the shape {p.shape}.")
    there: NDArray[np.bool_] = np.logical_not(np.isnan(r).any(axis=-1))
    labels = _names(names, errors.shape[1], "names")
    draws = (bootstrap, seed)
    missed = there & np.isnan(errors)
    pooled, each = summarise_both(errors[:, None], missed[:, None], ~there[:, None], labels, "pooled", limits, draws)
    distance = None
    if observers is not None:
        if len(observers) < 2:
            raise InvalidInputError(f"There is {len(observers)} observer; a distance needs two or more.")
        pairs = [radial_errors(a, b, spacing) for a, b in itertools.combinations(observers, 2)]
        if any(pair.shape != errors.shape for pair in pairs):
            raise InvalidInputError(f"The observers' points must have the shape of the predicted ones, {p.shape}.")
        between = np.stack(pairs, axis=1)
        unknown = np.isnan(between)
        distance = summarise_both(between, np.zeros_like(unknown), unknown, labels, "observers", limits, draws)
    return Evaluation(
        unit="px" if spacing is None else "mm",
        n_radiographs=len(errors),
        pooled=pooled,
        per_landmark=each,
        errors=errors,
        missed=missed,
        radiographs=tuple(_names(radiographs, errors.shape[0], "radiographs")),
        observer_distance=None if distance is None else distance[0],
        observer_distance_per_landmark=None if distance is None else distance[1],
        bootstrap=bootstrap if len(errors) > 1 else 0,
        seed=seed,
    )


def evaluate(
    predictions: Sequence[Landmarks],
    references: Sequence[Landmarks],
    *,
    radii: Sequence[float] = DEFAULT_RADII,
    bootstrap: int = 2000,
    seed: int = 0,
    observers: Sequence[Sequence[Landmarks]] | None = None,
) -> Evaluation:
    """Compare predictions with references, radiograph by radiograph.

    In mm where the spacing of every radiograph is known, from the reference or else from the prediction; otherwise in
    pixels of the original radiographs, and `Evaluation.unit` says so.

    Args:
        predictions: N sets of landmarks.
        references: N sets of true landmarks of the same radiographs, in the same order (`pair_landmarks` makes it so).
        radii: Radii of the detection rates, in mm (in pixels where the unit is px).
        bootstrap: Draws for the confidence intervals; 0 for none.
        seed: Seed of the draws.
        observers: For each of two or more observers, N sets of landmarks: their own distance is reported too.

    Raises:
        AnnotationError: If the lists are empty or of different lengths, or two sets are of different radiographs.
        SchemeError: If not all have the same scheme.
        InvalidInputError: As `evaluate_points`.
    """
    if not references:
        raise AnnotationError("There is nothing to evaluate; give the landmarks of at least one radiograph.")
    for side, landmarks in (("predictions", predictions), *(("observer's", o) for o in observers or ())):
        if len(landmarks) != len(references):
            raise AnnotationError(f"There are {len(references)} references, but {len(landmarks)} {side} landmarks.")
        for item, reference in zip(landmarks, references, strict=True):
            check_pair(item, reference, references[0])
    known = [r.spacing or p.spacing for p, r in zip(predictions, references, strict=True)]
    spacing = [s for s in known if s is not None]
    return evaluate_points(
        _points(predictions),
        _points(references),
        spacing if len(spacing) == len(known) else None,
        names=references[0].scheme.names,
        radiographs=[r.radiograph or str(i) for i, r in enumerate(references, 1)],
        radii=radii,
        bootstrap=bootstrap,
        seed=seed,
        observers=None if observers is None else [_points(o) for o in observers],
    )


def _points(landmarks: Sequence[Landmarks]) -> NDArray[np.float64]:
    return np.stack([item.points for item in landmarks])


def as_radii(radii: Sequence[float]) -> tuple[float, ...]:
    """The radii in order, each once.

    Raises:
        InvalidInputError: If there is none, or one that is not above zero.
    """
    values = tuple(sorted({float(radius) for radius in radii}))
    if not values or not all(math.isfinite(radius) and radius > 0 for radius in values):
        raise InvalidInputError(f"The radii are {tuple(radii)!r}; give at least one number, all above zero.")
    return values


def _names(names: Sequence[str] | None, count: int, what: str) -> list[str]:
    given = [str(i) for i in range(1, count + 1)] if names is None else list(names)
    if len(given) != count:
        raise InvalidInputError(f"There are {len(given)} {what} for {count}; give one for each.")
    return given
