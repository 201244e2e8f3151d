"""One radiograph from file to landmarks with the bundled model, the model loaded.

    python benchmarks/detection.py [--quick]

The file is the bundled sample enlarged to 1935 x 2400, as a 24-bit BMP and as a JPEG; reading it counts.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from PIL import Image

from farnet.detection import Detector
from farnet.radiograph import read_radiograph
from farnet.samples import average_cephalogram
from report import Row, main, median_seconds, use_two_cores

SIZE = (1935, 2400)  # columns, rows
SPACING = 0.1


def measure(quick: bool) -> list[Row]:
    use_two_cores()
    repeats = 1 if quick else 11
    loading = median_seconds(lambda: Detector(device="cpu"), 1, 0)
    detector = Detector(device="cpu")
    rows = [Row(f"load {detector.name} (imports done)", loading, "s")]
    sample = Image.fromarray(average_cephalogram()[0].pixels).resize(SIZE, Image.Resampling.BICUBIC).convert("RGB")
    with tempfile.TemporaryDirectory() as folder:
        for name, target in (("radiograph.bmp", 0.4), ("radiograph.jpg", 0.4)):
            path = Path(folder) / name
            sample.save(path)

            def detect(path: Path = path) -> None:
                detector.detect(read_radiograph(path, spacing=SPACING))

            seconds = median_seconds(detect, repeats, 2)
            rows.append(
                Row(f"{detector.name}, {path.suffix[1:].upper()} of 1935x2400 to landmarks", seconds, "s", target)
            )
    return rows


if __name__ == "__main__":
    main(__doc__, measure)
