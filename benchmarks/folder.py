"""Radiographs of a folder a second, from files to one table, with the bundled model on the CPU, the model loaded.

    python benchmarks/folder.py [--quick] [--json]

The files are JPEGs of 1935 x 2400, made of the bundled sample, framed as in training and all a bit different. A run is
what `farnet detect FOLDER` does: files are listed, read ahead, detected, put into the journal, and written into the
table. Beside it stands the same work in a plain loop that reads, detects and only then reads the next, without table
and journal. What a run costs beyond detection and reading is the time of a run whose detector answers at once, without
that of reading the files. Times are medians of several runs that take turns: a machine is not always equally fast.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from detection import SPACING, framed_as_in_training
from farnet.batch import detect_batch
from farnet.batch_request import BatchRequest
from farnet.detection import Detector
from farnet.radiograph import find_radiographs, read_radiograph
from report import Row, main, use_two_cores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from farnet.detection import Detection
    from farnet.radiograph import Radiograph

LEAST = 4.0
"""Radiographs a second that are to be reached."""


def write_folder(folder: Path, detector: Detector, count: int) -> None:
    """Write radiographs that are moved a few pixels, and made a bit brighter or darker, so that no two are the same."""
    pixels = np.asarray(framed_as_in_training(detector), np.float64)
    random = np.random.default_rng(2015)
    for number in range(count):
        moved = np.roll(pixels, random.integers(-20, 21, 2), axis=(0, 1)) * random.uniform(0.9, 1.1)
        picture = Image.fromarray(np.clip(np.rint(moved), 0, 255).astype(np.uint8))
        picture.convert("RGB").save(folder / f"{number:03}.jpg")


class Instant:
    """A detector that has found everything before, and needs no time."""

    def __init__(self, detector: Detector, radiographs: Sequence[Radiograph]) -> None:
        self.name, self.sha256, self.scheme = detector.name, detector.sha256, detector.scheme
        self.device = detector.device
        self._found = {radiograph.sha256: detector.detect(radiograph) for radiograph in radiographs}

    def detect(self, radiograph: Radiograph) -> Detection:
        """What was found in the radiograph of this file."""
        return self._found[radiograph.sha256]


def seconds(work: Callable[[], object]) -> float:
    """Time of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure(quick: bool) -> list[Row]:
    use_two_cores()
    count, repeats = (3, 1) if quick else (24, 5)
    detector = Detector(device="cpu")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_folder(folder, detector, count)
        files = find_radiographs([folder])
        instant: Any = Instant(detector, [read_radiograph(file, spacing=SPACING) for file in files])

        def run(with_detector: Any = detector, *, resume: bool = False) -> None:
            request = BatchRequest(
                radiographs=(folder,), output=folder / "all.csv", spacing=SPACING, resume=resume, force=not resume
            )
            wanted = "skipped" if resume else "done"
            items = list(detect_batch(request, with_detector))
            assert [item.status for item in items] == [wanted] * count, [item.message for item in items]

        def plain() -> None:
            for file in files:
                detector.detect(read_radiograph(file, spacing=SPACING))

        def read() -> None:
            for file in files:
                read_radiograph(file, spacing=SPACING)

        run()  # warms up
        works = (run, plain, read, lambda: run(instant), lambda: run(resume=True))
        times = [[seconds(work) for work in works] for _ in range(repeats)]
        whole, looped, reading, undetected, again = map(statistics.median, zip(*times, strict=True))
    work = f"{count} JPEGs of 1935x2400"
    return [
        Row(
            f"{detector.name}, folder of {work}, to one table",
            count / whole,
            "radiographs/s",
            LEAST,
            above=True,
            peer=count / looped,
            peer_name="plain loop, no table",
        ),
        Row("reading, each radiograph", 1e3 * reading / count, "ms"),
        Row("a run beyond reading and detection, each radiograph", 1e3 * (undetected - reading) / count, "ms"),
        Row("going on where all is done, each radiograph", 1e3 * again / count, "ms"),
    ]


if __name__ == "__main__":
    main(__doc__, measure)
