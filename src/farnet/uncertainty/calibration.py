"""From the signs of uncertainty to an expected error and a region that holds the truth 95 times in 100.

The expected radial error of landmark k is exp(a_k + w . z): its own level, raised or lowered by the signs z of this
radiograph (`farnet.uncertainty.evidence`), as in a regression of gamma-distributed errors. Its ellipse has the
direction in which this landmark errs (along an outline, mostly), blended with that of the heatmap. The region is the
ellipse scaled by split conformal prediction: with a confidence of 90 %, at least 95 % of radiographs like those it was
measured on have the truth inside, whatever the distribution of the errors (Lei et al., Journal of the American
Statistical Association 113, 2018; Vovk, Machine Learning 92, 2013).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import InvalidInputError
from farnet.uncertainty.evidence import SIGNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["LEVEL", "Calibration", "expected_radial_error", "turned_to_unit"]

LEVEL = 0.95
"""How often the region holds the truth."""

_RAYLEIGH = math.sqrt(math.pi / 2.0)
_DIGITS = 5  # significant digits of the numbers in a file


def expected_radial_error(sd: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean distance from the truth of points whose error along each axis has the standard deviation `sd`.

    sqrt(pi / 2) sd, the mean of a Rayleigh distribution; a `Calibration` makes covariances for which this holds.
    """
    return np.asarray(_RAYLEIGH * sd)


@dataclass(frozen=True, eq=False)
class Calibration:
    """What the signs of uncertainty mean for one model, in network pixels.

    Attributes:
        levels: (K,) a_k, natural logarithm of the expected error where every sign is at its mean.
        slopes: (5,) w, by `SIGNS`, of the signs less their mean, over their standard deviation.
        means: (5,) of the signs.
        deviations: (5,) of the signs, above 0.
        limits: Signs are cut at this many standard deviations.
        directions: (K, 2, 2) covariance of the errors of each landmark in units of its expected error, trace 2.
        blend: Share of the heatmap's own ellipse in the direction, 0 to 1.
        radii: (K,) Mahalanobis distance within which the truth lies at the rate `LEVEL`.
        radiographs: How many it was measured on.
        source: Which those were, in words.

    Raises:
        InvalidInputError: If an array has another shape, or a number is not finite or out of its range.
    """

    levels: NDArray[np.float64]
    slopes: NDArray[np.float64]
    means: NDArray[np.float64]
    deviations: NDArray[np.float64]
    directions: NDArray[np.float64]
    radii: NDArray[np.float64]
    limits: float = 3.0
    blend: float = 0.0
    radiographs: int = 0
    source: str = ""

    def __post_init__(self) -> None:
        count = np.shape(self.levels)[:1]
        signs = (len(SIGNS),)
        shapes = {"levels": count, "slopes": signs, "means": signs, "deviations": signs}
        for name, shape in (shapes | {"directions": (*count, 2, 2), "radii": count}).items():
            values = np.array(getattr(self, name), np.float64)
            if values.shape != shape or not np.isfinite(values).all():
                raise InvalidInputError(f"{name} of a calibration must be finite numbers of shape {shape}.")
            object.__setattr__(self, name, values)
        positive = (self.deviations, self.radii, np.linalg.eigvalsh(self.directions))
        if any((values <= 0).any() for values in positive) or not (self.limits > 0 and 0 <= self.blend <= 1):
            raise InvalidInputError(
                "A calibration needs deviations, radii, limits and directions above zero and a blend from 0 to 1."
            )

    def __len__(self) -> int:
        return len(self.levels)

    def expected_error(self, signs: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., K, 5) signs -> (..., K) expected radial error in network pixels; NaN where a sign is."""
        z = np.clip((signs - self.means) / self.deviations, -self.limits, self.limits)
        return np.asarray(np.exp(self.levels + z @ self.slopes))

    def covariance(self, signs: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
        """The covariance of the error of each landmark.

        Args:
            signs: (..., K, 5) of one or more detections.
            spread: (..., K, 2, 2) covariance of the heatmaps, network px^2, of which only the direction counts.

        Returns:
            (..., K, 2, 2) network px^2; its standard deviation `sqrt(trace / 2)` times sqrt(pi / 2) is the expected
            error. NaN where a sign is.
        """
        sd = self.expected_error(signs) / _RAYLEIGH
        shape = (1.0 - self.blend) * self.directions + self.blend * turned_to_unit(spread)
        return np.asarray(np.square(sd)[..., None, None] * shape)

    def to_dict(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "level": LEVEL,
            "signs": list(SIGNS),
            **{item.name: _plain(getattr(self, item.name)) for item in fields(self)},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calibration:
        """Read what `to_dict` made.

        Raises:
            InvalidInputError: If it is not that, or of other signs or another level.
        """
        names = {item.name for item in fields(cls)}
        if data.get("level") != LEVEL or data.get("signs") != list(SIGNS) or set(data) - names != {"level", "signs"}:
            raise InvalidInputError(
                f"The calibration is for {data.get('signs')} at {data.get('level')}; this farnet knows {list(SIGNS)} "
                f"at {LEVEL}."
            )
        try:
            return cls(**{name: value for name, value in data.items() if name in names})
        except InvalidInputError:
            raise
        except (TypeError, ValueError) as error:
            raise InvalidInputError(f"The calibration is damaged: {error}.") from error


def turned_to_unit(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 2, 2) covariances of trace 2, in the same direction."""
    half = np.trace(covariance, axis1=-2, axis2=-1)[..., None, None] / 2.0
    return np.asarray(covariance / half)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return np.array([float(f"{number:.{_DIGITS}g}") for number in value.ravel()]).reshape(value.shape).tolist()
    return value
