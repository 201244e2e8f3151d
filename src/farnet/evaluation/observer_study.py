"""What is known of observers from their readings: the results of `farnet.evaluation.observers`, and their JSON."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from farnet.evaluation.bootstrap import LEVEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from farnet.evaluation.metrics import Evaluation
    from farnet.evaluation.summary import Metrics
    from farnet.landmarks import Landmarks

__all__ = ["Difference", "ObserverStudy", "Offset", "PairedReadings", "Repeated", "Verdict"]

Verdict = Literal["within", "beyond", "undecided"]
"""Whether a model is within the observers' distance: the difference is surely at most zero, surely more, or neither."""


@dataclass(frozen=True, eq=False)
class PairedReadings:
    """Two readings of the same radiographs, and how far they are apart.

    Attributes:
        first: Who made the first.
        second: Who made the second.
        first_landmarks: One `Landmarks` a radiograph.
        second_landmarks: The same radiographs.
        evaluation: Of the first against the second. A landmark that either leaves out has no distance.
    """

    first: str
    second: str
    first_landmarks: list[Landmarks]
    second_landmarks: list[Landmarks]
    evaluation: Evaluation

    @property
    def title(self) -> str:
        """Both names."""
        return f"{self.first} \N{EN DASH} {self.second}"


@dataclass(frozen=True, eq=False)
class Repeated:
    """One observer who read radiographs again.

    Attributes:
        observer: Who.
        pairs: Every pair of readings that have radiographs in common.
        pooled: Distances of all pairs and landmarks.
        per_landmark: Distances of all pairs, of each landmark.
        dahlberg: Dahlberg's error, pooled.
        dahlberg_per_landmark: (K,) Dahlberg's error of each landmark.
    """

    observer: str
    pairs: list[PairedReadings]
    pooled: Metrics
    per_landmark: list[Metrics]
    dahlberg: float
    dahlberg_per_landmark: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """The model's mean distance from the observers less the observers' mean distance from each other.

    Attributes:
        name: The landmark, or "pooled".
        value: The difference; negative where the model is nearer. NaN where one of the two is not known.
        low: Lower end of its 95 % interval; NaN without draws.
        high: Upper end.
        verdict: What that says.
    """

    name: str
    value: float
    low: float
    high: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Offset:
    """Systematic and random error of one observer (or the model) at one landmark, against the mean of the observers.

    Attributes:
        observer: Who.
        landmark: Which.
        n: Radiographs on which every observer placed it.
        bias: (down, right) mean offset; NaN without radiographs, as the next.
        random: (down, right) population standard deviation of the offset.
    """

    observer: str
    landmark: str
    n: int
    bias: tuple[float, float]
    random: tuple[float, float]


@dataclass(frozen=True, eq=False)
class ObserverStudy:
    """What is known of observers from their readings.

    Attributes:
        unit: "mm", or "px" where the spacing is not known of every radiograph.
        observers: Their names.
        radiographs: The radiographs that all of them read.
        landmarks: Names of the K landmarks.
        pairs: Every pair of observers; empty where there is but one.
        inter: Distances of all pairs and landmarks; None where there is but one observer.
        inter_per_landmark: Distances of all pairs, of each landmark.
        intra: Of each observer who read again.
        model: The model against each observer; empty without one.
        model_pooled: Distances of the model from all observers; None without a model.
        model_per_landmark: The same of each landmark.
        differences: Pooled, then each landmark; empty without a model, or with one observer.
        offsets: Of every observer, then the model, at each landmark; empty where there is but one observer.
        left_out: What was left out and why, to be told.
        bootstrap: Draws behind the intervals.
        seed: Seed of the draws.
    """

    unit: str
    observers: tuple[str, ...]
    radiographs: tuple[str, ...]
    landmarks: tuple[str, ...]
    radii: tuple[float, ...]
    pairs: list[PairedReadings] = field(default_factory=list)
    inter: Metrics | None = None
    inter_per_landmark: list[Metrics] = field(default_factory=list)
    intra: list[Repeated] = field(default_factory=list)
    model: list[PairedReadings] = field(default_factory=list)
    model_pooled: Metrics | None = None
    model_per_landmark: list[Metrics] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    offsets: list[Offset] = field(default_factory=list)
    left_out: tuple[str, ...] = ()
    bootstrap: int = 0
    seed: int = 0

    @property
    def comparisons(self) -> list[PairedReadings]:
        """Every two readings that were compared: the observers', who read again, the model with each observer."""
        return [*self.pairs, *(pair for item in self.intra for pair in item.pairs), *self.model]

    @property
    def main_pairs(self) -> list[PairedReadings]:
        """The pairs of observers; without any, the repeated readings, else the model with each observer."""
        return self.pairs or [pair for item in self.intra for pair in item.pairs] or self.model

    def together(self) -> PairedReadings:
        """All of `main_pairs`, one below the other.

        Its evaluation has a row for each pair and radiograph, so that plots can show every distance.
        """
        pairs = self.main_pairs
        pooled, each = self.inter, self.inter_per_landmark
        if not self.pairs:
            first = self.intra[0] if self.intra else None
            pooled, each = (
                (self.model_pooled, self.model_per_landmark) if first is None else (first.pooled, first.per_landmark)
            )
        assert pooled is not None, "a study compares something"
        errors = np.concatenate([pair.evaluation.errors for pair in pairs])
        evaluation = replace(
            pairs[0].evaluation,
            n_radiographs=len(errors),
            pooled=pooled,
            per_landmark=each,
            errors=errors,
            missed=np.zeros(errors.shape, np.bool_),
            radiographs=tuple(name for pair in pairs for name in pair.evaluation.radiographs),
        )
        return PairedReadings(
            "all",
            "all",
            [item for pair in pairs for item in pair.first_landmarks],
            [item for pair in pairs for item in pair.second_landmarks],
            evaluation,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON types only; None stands for NaN."""
        return {
            "unit": self.unit,
            "observers": list(self.observers),
            "n_radiographs": len(self.radiographs),
            "radii": list(self.radii),
            "confidence": {
                "level": LEVEL,
                "method": "percentile bootstrap over radiographs",
                "draws": self.bootstrap,
                "seed": self.seed,
            },
            "inter": None if self.inter is None else self.inter.to_dict(),
            "inter_per_landmark": [item.to_dict() for item in self.inter_per_landmark],
            "pairs": [_pair_dict(pair) for pair in self.pairs],
            "intra": [
                {
                    "observer": item.observer,
                    "pooled": item.pooled.to_dict(),
                    "per_landmark": [metrics.to_dict() for metrics in item.per_landmark],
                    "dahlberg": _json(item.dahlberg),
                    "dahlberg_per_landmark": [_json(float(value)) for value in item.dahlberg_per_landmark],
                }
                for item in self.intra
            ],
            "model": [_pair_dict(pair) for pair in self.model],
            "model_pooled": None if self.model_pooled is None else self.model_pooled.to_dict(),
            "model_per_landmark": [item.to_dict() for item in self.model_per_landmark],
            "differences": [
                {
                    "name": item.name,
                    "value": _json(item.value),
                    "ci": [_json(item.low), _json(item.high)],
                    "verdict": item.verdict,
                }
                for item in self.differences
            ],
            "offsets": [
                {
                    "observer": item.observer,
                    "landmark": item.landmark,
                    "n": item.n,
                    "bias_down_right": [_json(value) for value in item.bias],
                    "random_down_right": [_json(value) for value in item.random],
                }
                for item in self.offsets
            ],
        }


def _pair_dict(pair: PairedReadings) -> dict[str, Any]:
    return {
        "first": pair.first,
        "second": pair.second,
        "n_radiographs": pair.evaluation.n_radiographs,
        "pooled": pair.evaluation.pooled.to_dict(),
        "per_landmark": [metrics.to_dict() for metrics in pair.evaluation.per_landmark],
    }


def _json(value: float) -> float | None:
    return None if np.isnan(value) else value
