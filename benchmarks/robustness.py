"""Accuracy of a model on radiographs that are framed, sized, exposed or taken unlike those of its training.

    python benchmarks/robustness.py --data isbi2015 [--model ceph19-compact] [--split test1] [--count 50]

Every radiograph of a split is changed in one way at a time, and so are its true landmarks; the error is in mm of the
patient. It tells how a model stands other pixel sizes, framings and exposures, not how it stands other patients.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from skimage.transform import SimilarityTransform, resize, warp

from farnet.datasets.isbi2015 import ISBI2015
from farnet.detection import Detector
from farnet.evaluation import evaluate
from farnet.landmarks import Landmarks
from farnet.radiograph import Radiograph

Pixels = NDArray[np.float32]
Points = NDArray[np.float64]
Change = Callable[[Pixels, Points, np.random.Generator], tuple[Pixels, Points, float]]
"""Grey values 0..1 and points -> the changed ones, and the factor by which a pixel has grown."""


def resized(factor: float) -> Change:
    def change(grey: Pixels, points: Points, rng: np.random.Generator) -> tuple[Pixels, Points, float]:
        shape = tuple(round(n * factor) for n in grey.shape)
        scale = np.array(shape) / grey.shape
        return resize(grey, shape, order=1, anti_aliasing=True), (points + 0.5) * scale - 0.5, 1.0 / factor

    return change


def cropped(margin: float) -> Change:
    def change(grey: Pixels, points: Points, rng: np.random.Generator) -> tuple[Pixels, Points, float]:
        room = margin * np.ptp(points, axis=0)
        low = np.maximum(0, np.floor(points.min(0) - room)).astype(int)
        high = np.minimum(grey.shape, np.ceil(points.max(0) + room)).astype(int)
        return grey[low[0] : high[0], low[1] : high[1]], points - low, 1.0

    return change


def bordered(share: float) -> Change:
    def change(grey: Pixels, points: Points, rng: np.random.Generator) -> tuple[Pixels, Points, float]:
        border = [round(share * n) for n in grey.shape]
        return np.pad(grey, [(n, n) for n in border]), points + border, 1.0

    return change


def turned(degrees: float) -> Change:
    def change(grey: Pixels, points: Points, rng: np.random.Generator) -> tuple[Pixels, Points, float]:
        centre = (np.array(grey.shape[::-1]) - 1) / 2
        turn = (
            SimilarityTransform(translation=-centre)
            + SimilarityTransform(rotation=np.deg2rad(degrees))
            + SimilarityTransform(translation=centre)
        )
        return warp(grey, turn.inverse, order=1), turn(points[:, ::-1])[:, ::-1], 1.0

    return change


def exposed(change_grey: Callable[[Pixels, np.random.Generator], Pixels]) -> Change:
    def change(grey: Pixels, points: Points, rng: np.random.Generator) -> tuple[Pixels, Points, float]:
        return np.clip(change_grey(grey, rng), 0.0, 1.0), points, 1.0

    return change


def shaded(grey: Pixels, rng: np.random.Generator) -> Pixels:
    """Darker towards one side, as behind a badly centred grid."""
    return grey * np.linspace(0.4, 1.0, grey.shape[1], dtype=np.float32)


CHANGES: dict[str, Change] = {
    "as it is": exposed(lambda grey, rng: grey),
    "half as many pixels a side": resized(0.5),
    "a quarter as many": resized(0.25),
    "cropped to the landmarks and 8 % around": cropped(0.08),
    "a black border of 25 % on each side": bordered(0.25),
    "turned by 10 degrees": turned(10.0),
    "turned by -10 degrees": turned(-10.0),
    "dark (gamma 2)": exposed(lambda grey, rng: grey**2.0),
    "bright (gamma 0.5)": exposed(lambda grey, rng: grey**0.5),
    "flat (40 % of the contrast)": exposed(lambda grey, rng: 0.3 + 0.4 * grey),
    "shaded towards one side": exposed(shaded),
    "noise of sd 10 %": exposed(lambda grey, rng: grey + rng.normal(0, 0.1, grey.shape).astype(np.float32)),
}


def measure(detector: Detector, data: ISBI2015, indices: range, change: Change) -> dict[str, float]:
    """Figures under one change."""
    found, truth = [], []
    for index in indices:
        original, landmarks = data.radiograph(index), data.landmarks(index)
        assert landmarks.spacing is not None
        grey, points, growth = change(
            original.pixels.astype(np.float32) / 255, landmarks.points, np.random.default_rng(index)
        )
        spacing = (landmarks.spacing[0] * growth, landmarks.spacing[1] * growth)
        pixels = np.rint(255 * np.asarray(grey)).astype(np.uint8)
        found.append(detector.detect(Radiograph.from_array(pixels, spacing=spacing, name=data.ids[index])).landmarks)
        truth.append(Landmarks(points, landmarks.scheme, spacing=spacing, radiograph=data.ids[index]))
    pooled = evaluate(found, truth).pooled
    return {
        "mre": pooled.mre,
        "low": pooled.ci["mre"][0],
        "high": pooled.ci["mre"][1],
        "sdr2": pooled.sdr[2.0],
        "sdr4": pooled.sdr[4.0],
        "missed": pooled.n_missed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the ISBI 2015 folder")
    parser.add_argument("--model", default="ceph19-compact", help="name or file")
    parser.add_argument("--split", default="test1", choices=("train", "test1"))
    parser.add_argument("--count", type=int, default=50, help="how many radiographs")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    detector, data = Detector(options.model), ISBI2015(options.data, options.split)
    indices = range(min(options.count, len(data)))
    rows = {name: measure(detector, data, indices, change) for name, change in CHANGES.items()}
    if options.json:
        print(json.dumps(rows))
        return
    print(f"{detector.name} on the first {len(indices)} radiographs of {options.split}\n")
    print("| change | MRE mm | SDR 2 mm % | SDR 4 mm % | missed |\n|---|---|---|---|---|")
    for name, row in rows.items():
        error = f"{row['mre']:.2f} ({row['low']:.2f}-{row['high']:.2f})"
        print(f"| {name} | {error} | {row['sdr2']:.1f} | {row['sdr4']:.1f} | {row['missed']} |")


if __name__ == "__main__":
    main()
