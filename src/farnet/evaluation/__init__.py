"""How good landmarks are: radial errors, rates of success, confidence intervals, and observers beside the model."""

from farnet.evaluation.comparison import Comparison, compare
from farnet.evaluation.curves import box_statistics, sdr_curves
from farnet.evaluation.metrics import (
    DEFAULT_RADII,
    Evaluation,
    Metrics,
    evaluate,
    evaluate_points,
    radial_errors,
)
from farnet.evaluation.observer_study import ObserverStudy
from farnet.evaluation.observers import gather_readings, study_observers
from farnet.evaluation.pairing import Pairing, pair_landmarks
from farnet.evaluation.request import EvaluationRequest

__all__ = [
    "DEFAULT_RADII",
    "Comparison",
    "Evaluation",
    "EvaluationRequest",
    "Metrics",
    "ObserverStudy",
    "Pairing",
    "box_statistics",
    "compare",
    "evaluate",
    "evaluate_points",
    "gather_readings",
    "pair_landmarks",
    "radial_errors",
    "sdr_curves",
    "study_observers",
]
