"""One radiograph from file to landmarks with the bundled model, the model loaded.

    python benchmarks/detection.py [--quick]

The files are pictures of 1935 x 2400 made of the bundled sample, as a 24-bit BMP and as a JPEG; reading them counts.
In one the anatomy lies as in the radiographs that the model was trained on, in the other it is larger, so that the
detector crops and looks again.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.transform import SimilarityTransform, warp

from farnet.detection import Detector
from farnet.radiograph import read_radiograph
from farnet.samples import average_cephalogram
from report import Row, main, median_seconds, use_two_cores

SIZE = (1935, 2400)  # columns, rows
SPACING = 0.1


def framed_as_in_training(detector: Detector) -> Image.Image:
    """The sample on a canvas of SIZE where its landmarks lie as the model's training landmarks did on average."""
    radiograph, landmarks = average_cephalogram()
    shape = SIZE[::-1]
    assert detector.metadata.typical_points is not None
    typical = np.array(detector.metadata.typical_points)
    wanted = detector.metadata.input.frame(shape).to_radiograph(typical)
    points = landmarks.points - landmarks.points.mean(0)
    size = float((points * (wanted - wanted.mean(0))).sum() / (points**2).sum())
    corner = (wanted.mean(0) - size * landmarks.points.mean(0))[::-1]
    laid = warp(radiograph.pixels, SimilarityTransform(scale=size, translation=corner).inverse, output_shape=shape)
    return Image.fromarray(np.rint(255 * laid).astype(np.uint8))


def measure(quick: bool) -> list[Row]:
    use_two_cores()
    repeats = 1 if quick else 11
    loading = median_seconds(lambda: Detector(device="cpu"), 1, 0)
    detector = Detector(device="cpu")
    rows = [Row(f"load {detector.name} (imports done)", loading, "s")]
    larger = Image.fromarray(average_cephalogram()[0].pixels).resize(SIZE, Image.Resampling.BICUBIC)
    with tempfile.TemporaryDirectory() as folder:
        for picture, framing in ((framed_as_in_training(detector), ""), (larger, ", framed otherwise")):
            for ending in ("bmp", "jpg"):
                path = Path(folder) / f"radiograph.{ending}"
                picture.convert("RGB").save(path)

                def detect(path: Path = path) -> None:
                    detector.detect(read_radiograph(path, spacing=SPACING))

                seconds = median_seconds(detect, repeats, 2)
                work = f"{detector.name}, {ending.upper()} of 1935x2400{framing}, to landmarks"
                rows.append(Row(work, seconds, "s", 0.4))
    return rows


if __name__ == "__main__":
    main(__doc__, measure)
