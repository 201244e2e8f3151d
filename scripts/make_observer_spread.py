"""Measure how two observers differ, for the made-up observers of `farnet.samples`.

    python scripts/make_observer_spread.py --data FOLDER_OF_ISBI2015

writes `src/farnet/samples/observer_spread.json`: for each landmark the mean and the covariance, in mm and mm^2, of the
junior's point minus the senior's, over the training radiographs. Only these numbers go in.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from farnet.atomic import write_text_atomic
from farnet.datasets.isbi2015 import ISBI2015, SPACING


def main() -> None:
    """Measure and write."""
    target = Path(__file__).parents[1] / "src" / "farnet" / "samples" / "observer_spread.json"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the ISBI 2015 folder (RawImage, AnnotationsByMD)")
    parser.add_argument("--output", type=Path, default=target, help="file to write; default: %(default)s")
    arguments = parser.parse_args()
    dataset = ISBI2015(arguments.data, split="train")
    junior, senior = (
        np.stack([dataset.observer_landmarks(i, name).points for i in range(len(dataset))]) * SPACING
        for name in dataset.observers
    )
    differences = junior - senior
    heading = {
        "source": "ISBI 2015 grand challenge, training radiographs: junior minus senior (row, column), mm and mm^2",
        "scheme": dataset.scheme.name,
        "count": len(dataset),
    }
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in heading.items()]
    landmarks = []
    for k, abbreviation in enumerate(dataset.scheme.abbreviations):
        mean, covariance = differences[:, k].mean(axis=0), np.cov(differences[:, k].T)
        numbers = {"mean": mean.round(4).tolist(), "covariance": covariance.round(4).tolist()}
        landmarks.append(f"{json.dumps(abbreviation)}: {json.dumps(numbers)}")
    text = "{\n" + ",\n".join([*lines, '"landmarks": {\n  ' + ",\n  ".join(landmarks) + "\n}"]) + "\n}\n"
    write_text_atomic(arguments.output, text)
    print(f"{arguments.output}: {len(dataset)} radiographs, {np.linalg.norm(differences, axis=2).mean():.2f} mm apart")


if __name__ == "__main__":
    main()
