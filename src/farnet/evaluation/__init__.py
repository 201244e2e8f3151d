"""How good landmarks are: radial errors, rates of success, confidence intervals, and observers beside the model."""

from farnet.evaluation.metrics import (
    DEFAULT_RADII,
    Evaluation,
    Metrics,
    evaluate,
    evaluate_points,
    radial_errors,
)
from farnet.evaluation.pairing import Pairing, pair_landmarks

__all__ = [
    "DEFAULT_RADII",
    "Evaluation",
    "Metrics",
    "Pairing",
    "evaluate",
    "evaluate_points",
    "pair_landmarks",
    "radial_errors",
]
