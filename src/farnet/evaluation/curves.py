"""Curves and boxes of an evaluation: the numbers behind the plots, whoever draws them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from farnet.errors import InvalidInputError
from farnet.evaluation.summary import TIE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from farnet.evaluation.metrics import Evaluation

__all__ = ["Box", "Outlier", "SDRCurves", "box_statistics", "sdr_curves"]

_STEPS = 201
_REACH = 2.0  # times the largest radius that a curve goes on at least, so that its bend is seen
_SHOWN = 95.0  # per cent of the errors that a curve reaches at least
_WHISKER = 1.5  # quartile ranges beyond which an error is an outlier (Tukey 1977)


@dataclass(frozen=True, eq=False)
class SDRCurves:
    """Successful detection rate over the radius: the cumulative distribution of the radial errors.

    A missed landmark is a failure at every radius, so a curve need not reach 100 %.

    Attributes:
        unit: "mm" or "px", of the radii.
        radii: (R,) from 0 upwards.
        pooled: (R,) per cent; NaN where there is no landmark at all.
        per_landmark: (K, R) per cent, NaN as above.
        names: Names of the K landmarks.
    """

    unit: str
    radii: NDArray[np.float64]
    pooled: NDArray[np.float64]
    per_landmark: NDArray[np.float64]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outlier:
    """An error beyond the whiskers: `radiograph` is its name, `index` its row in the errors."""

    radiograph: str
    index: int
    error: float


@dataclass(frozen=True, slots=True)
class Box:
    """What a box plot shows of one group of errors (Tukey 1977).

    Attributes:
        name: The landmark.
        n: How many errors.
        low: Least error within 1.5 quartile ranges of the box; NaN without errors, like the next four.
        q1: First quartile, by linear interpolation.
        median: Second quartile.
        q3: Third quartile.
        high: Greatest error within 1.5 quartile ranges of the box.
        outliers: The errors beyond, the greatest first.
    """

    name: str
    n: int
    low: float
    q1: float
    median: float
    q3: float
    high: float
    outliers: tuple[Outlier, ...] = ()


def sdr_curves(evaluation: Evaluation, *, limit: float | None = None, steps: int = _STEPS) -> SDRCurves:
    """The detection rates of an evaluation on a grid of radii.

    Args:
        evaluation: What to draw.
        limit: Greatest radius of the grid; None goes on to twice the largest reporting radius, or as far as 95 % of the
            errors reach, whichever is more.
        steps: R, at least 2, evenly spaced from 0 to the limit.

    Raises:
        InvalidInputError: If the limit is not above zero, or there are fewer than 2 steps.
    """
    if steps < 2 or (limit is not None and not 0 < limit < np.inf):
        raise InvalidInputError(
            f"A curve of {steps} steps up to {limit} cannot be drawn; it needs 2 steps or more and a limit above zero."
        )
    known = evaluation.errors[~np.isnan(evaluation.errors)]
    if limit is None:
        reach = float(np.percentile(known, _SHOWN)) if known.size else 0.0
        limit = max(_REACH * max(evaluation.radii), reach)
    radii = np.linspace(0.0, limit, steps)
    each = np.stack(
        [
            _rates(evaluation.errors[:, k], int(evaluation.missed[:, k].sum()), radii)
            for k in range(evaluation.errors.shape[1])
        ]
    )
    pooled = _rates(evaluation.errors.ravel(), int(evaluation.missed.sum()), radii)
    return SDRCurves(evaluation.unit, radii, pooled, each, evaluation.landmarks)


def box_statistics(errors: NDArray[np.float64], names: Sequence[str], radiographs: Sequence[str]) -> list[Box]:
    """A box for each landmark.

    Args:
        errors: (N, K) radial errors, NaN where there is none.
        names: K names of the landmarks.
        radiographs: N names of the radiographs.

    Raises:
        InvalidInputError: If the names do not fit the errors.
    """
    if errors.shape != (len(radiographs), len(names)):
        raise InvalidInputError(
            f"The errors have the shape {errors.shape}, but there are {len(radiographs)} radiographs and {len(names)} "
            "landmarks."
        )
    return [_box(name, errors[:, k], radiographs) for k, name in enumerate(names)]


def _box(name: str, errors: NDArray[np.float64], radiographs: Sequence[str]) -> Box:
    place = np.flatnonzero(~np.isnan(errors))
    values = errors[place]
    if not values.size:
        nan = float("nan")
        return Box(name, 0, nan, nan, nan, nan, nan)
    q1, median, q3 = (float(q) for q in np.percentile(values, (25.0, 50.0, 75.0)))
    reach = _WHISKER * (q3 - q1)
    inside = (values >= q1 - reach) & (values <= q3 + reach)
    beyond = place[~inside]
    beyond = beyond[np.argsort(-errors[beyond], kind="stable")]
    return Box(
        name=name,
        n=len(values),
        # Interpolated quartiles may lie beyond every value inside; a whisker never points into its box.
        low=min(float(values[inside].min()), q1),
        q1=q1,
        median=median,
        q3=q3,
        high=max(float(values[inside].max()), q3),
        outliers=tuple(Outlier(radiographs[i], int(i), float(errors[i])) for i in beyond),
    )


def _rates(errors: NDArray[np.float64], missed: int, radii: NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.sort(errors[~np.isnan(errors)])
    trials = values.size + missed
    if not trials:
        return np.full(radii.shape, np.nan)
    return 100.0 * np.searchsorted(values, radii * TIE, side="right") / trials
