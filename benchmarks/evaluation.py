"""Evaluation of 400 radiographs with 19 landmarks: time with and without intervals, of observers, curves and boxes.

python benchmarks/evaluation.py [--quick]
"""

from __future__ import annotations

import numpy as np

from farnet.evaluation import box_statistics, evaluate_points, sdr_curves, study_observers
from farnet.landmarks import Landmarks
from farnet.scheme import load_scheme
from report import Row, main, median_seconds

RADIOGRAPHS, LANDMARKS = 400, 19


def measure(quick: bool) -> list[Row]:
    repeats = 1 if quick else 5
    random = np.random.default_rng(0)
    reference = random.uniform(0, 2000, (RADIOGRAPHS, LANDMARKS, 2))
    predicted = reference + random.normal(0, 12, reference.shape)
    scheme = load_scheme("cephalometric19")
    readings = {
        name: [
            Landmarks(points, scheme, spacing=(0.1, 0.1), radiograph=str(i))
            for i, points in enumerate(reference + random.normal(0, 12, reference.shape))
        ]
        for name in ("first", "second", "model")
    }
    people = {name: readings[name] for name in ("first", "second")}
    found = evaluate_points(predicted, reference, (0.1, 0.1), bootstrap=0)
    work = f"evaluate {RADIOGRAPHS} x {LANDMARKS}"
    return [
        Row(
            f"{work} with 2000 draws for the intervals",
            median_seconds(lambda: evaluate_points(predicted, reference, (0.1, 0.1)), repeats),
            "s",
            2,
        ),
        Row(
            f"{work} with 10000 draws for the intervals",
            median_seconds(lambda: evaluate_points(predicted, reference, (0.1, 0.1), bootstrap=10_000), repeats),
            "s",
            1,
        ),
        Row(
            f"{work} without intervals",
            1e3 * median_seconds(lambda: evaluate_points(predicted, reference, (0.1, 0.1), bootstrap=0), repeats),
            "ms",
        ),
        Row(
            f"two observers and a model, {RADIOGRAPHS} x {LANDMARKS}, with intervals",
            median_seconds(lambda: study_observers(people, model=readings["model"]), repeats),
            "s",
        ),
        Row(
            "SDR curves and boxes of it",
            1e3
            * median_seconds(
                lambda: (sdr_curves(found), box_statistics(found.errors, found.landmarks, found.radiographs)), repeats
            ),
            "ms",
        ),
    ]


if __name__ == "__main__":
    main(__doc__, measure)
