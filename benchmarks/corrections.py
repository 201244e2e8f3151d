"""Opening a folder of 6,000 radiographs with their predictions, looking at one, verifying, and a review of 5,000 edits.

    python benchmarks/corrections.py [--quick] [--json]

The radiographs are small PNGs, no two alike, with a landmarks.csv of 19 landmarks each as `farnet detect` writes it.
The review is of 68 landmarks on one radiograph. Reading the whole table, which opening does not do, stands beside it.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from farnet.corrections import Corrections
from farnet.finding import RadiographFinder
from farnet.formats import read_annotations, write_annotations
from farnet.landmarks import Landmarks
from farnet.radiograph import find_radiographs, read_radiograph
from farnet.review import Review
from farnet.scheme import load_scheme
from report import Row, main, use_two_cores

if TYPE_CHECKING:
    from collections.abc import Callable

EDITS = 5000


def write_folder(folder: Path, count: int) -> list[Landmarks]:
    """Write radiographs and the table of what a model may have found in them."""
    scheme, random, found = load_scheme("cephalometric19"), np.random.default_rng(2015), []
    for number in range(count):
        file = folder / f"{number:05}.png"
        Image.fromarray(random.integers(0, 256, (24, 20), dtype=np.uint8)).save(file)
        radiograph = read_radiograph(file)
        found.append(
            Landmarks(
                random.uniform(0, 19, (len(scheme), 2)),
                scheme,
                confidence=random.random(len(scheme)),
                source="model",
                radiograph=radiograph.name,
                image_shape=radiograph.shape,
                image_sha256=radiograph.sha256,
                provenance={"model": "model", "pixels_sha256": radiograph.pixels_sha256(), "image": str(file)},
            )
        )
    write_annotations(folder / "landmarks.csv", found)
    return found


def milliseconds(work: Callable[[], object], repeats: int) -> float:
    """Median time of a call."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - began))
    return statistics.median(times)


def of_folder(folder: Path, count: int, repeats: int) -> list[Row]:
    found = write_folder(folder, count)
    corrections = Corrections.open(folder)
    last = count - 1
    radiograph = corrections.radiograph(last)

    def find_all() -> None:
        finder = RadiographFinder([folder])
        for item in found:
            finder.find(item)

    def find_half() -> None:
        finder = RadiographFinder([folder])
        for item in found[: count // 2]:
            finder.find(item.replace(radiograph="renamed"))

    whole, half = milliseconds(find_all, repeats), milliseconds(find_half, repeats)
    return [
        Row(
            f"opening a folder of {count} radiographs and their predictions",
            milliseconds(lambda: Corrections.open(folder), repeats) / 1e3,
            "s",
            0.2,
            peer=milliseconds(lambda: read_annotations(folder / "landmarks.csv"), 1) / 1e3,
            peer_name="reading the whole table",
        ),
        Row("listing the radiographs alone", milliseconds(lambda: find_radiographs([folder]), repeats), "ms"),
        Row(
            "landmarks of one of them",
            milliseconds(lambda: corrections.landmarks(last, radiograph), repeats),
            "ms",
            10.0,
        ),
        Row("finding a radiograph by its content, each of all", whole / count, "ms"),
        Row("the same, renamed, each of half of them", 2 * half / count, "ms"),
    ]


def of_log(folder: Path, repeats: int) -> list[Row]:
    scheme = load_scheme("spine68")
    places = np.random.default_rng(2015).uniform(0, 900, (EDITS, 2))
    blank = Landmarks(np.full((len(scheme), 2), np.nan), scheme, radiograph="x", image_shape=(1000, 1000))
    review = Review.of(blank)
    for number, place in enumerate(places):
        review = review.moved(number % len(scheme), place, who="AB")
    landmarks, file = review.to_landmarks(), folder / "log.csv"
    again = Review.of(landmarks)
    return [
        Row(f"one more edit after {EDITS}", milliseconds(lambda: again.moved(3, (1.0, 2.0)), repeats), "ms", 5.0),
        Row("making landmarks of it", milliseconds(again.to_landmarks, repeats), "ms"),
        Row("saving it", milliseconds(lambda: write_annotations(file, [landmarks]), repeats), "ms"),
        Row("opening its log", milliseconds(lambda: Review.of(landmarks), repeats), "ms"),
    ]


def measure(quick: bool) -> list[Row]:
    use_two_cores()
    count, repeats = (300, 2) if quick else (6000, 5)
    with tempfile.TemporaryDirectory() as name:
        return of_folder(Path(name), count, repeats) + of_log(Path(name), repeats)


if __name__ == "__main__":
    main(__doc__, measure)
