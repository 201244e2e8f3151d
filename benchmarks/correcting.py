"""How quickly the dock "Correct landmarks" opens a folder of 400 radiographs and goes from one to the next.

    python benchmarks/correcting.py [--json] [--quick]

The radiographs are made up, as large as those of ISBI 2015 (2400 x 1935), with predicted landmarks for all of them.
Measured in a real window: from asking for the folder until the first picture is drawn, from Page Down until the next
one is drawn after half a second of looking (which reads it ahead), and from Page Down to drawn without a pause. Without
a display:

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/correcting.py
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from report import Row, main

_SHAPE = (2400, 1935)
_MADE = 4  # different pictures; the others are links to them


def make_folder(folder: Path, count: int) -> None:
    """Fill a folder with radiographs and a table of predicted landmarks."""
    from PIL import Image

    from farnet.formats import write_annotations
    from farnet.landmarks import Landmarks
    from farnet.samples import average_cephalogram

    average, landmarks = average_cephalogram()
    scale = np.array(_SHAPE) / np.array(average.shape)
    for number in range(_MADE):
        picture = Image.fromarray(average.pixels).resize(_SHAPE[::-1])
        noise = np.random.default_rng(number).normal(0, 6, _SHAPE)
        pixels = np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03}.jpg", quality=92)
    for number in range(_MADE, count):
        os.link(folder / f"{number % _MADE:03}.jpg", folder / f"{number:03}.jpg")
    points = (landmarks.points + 0.5) * scale - 0.5
    predicted = [
        Landmarks(points, landmarks.scheme, spacing=(0.1, 0.1), radiograph=f"{number:03}", image_shape=_SHAPE)
        for number in range(count)
    ]
    write_annotations(folder / "landmarks.csv", predicted)


def measure(folder: Path, steps: int) -> dict[str, float]:
    """Seconds to the first picture, and median seconds to the next with and without a pause."""
    import napari
    from qtpy.QtWidgets import QApplication

    viewer = napari.Viewer()
    _, dock = viewer.window.add_plugin_dock_widget("napari-farnet", "Correct landmarks")
    _wait(2.0)  # as long as nobody needs to choose a folder

    def timed(action: Any) -> float:
        began = time.perf_counter()
        action()
        QApplication.processEvents()  # draws
        QApplication.processEvents()
        return time.perf_counter() - began

    first = timed(lambda: dock.open_folder(folder))
    looked = []
    for _ in range(steps):
        _wait(0.5)
        looked.append(timed(lambda: dock.act("next_radiograph")))
    hurried = [timed(lambda: dock.act("next_radiograph")) for _ in range(steps)]
    viewer.close()
    return {"first": first, "next": statistics.median(looked), "hurried": statistics.median(hurried)}


def _wait(seconds: float) -> None:
    from qtpy.QtWidgets import QApplication

    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        QApplication.processEvents()
        time.sleep(0.005)


def rows(quick: bool) -> list[Row]:
    count, steps = (8, 2) if quick else (400, 9)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_folder(folder, count)
        found = measure(folder, steps)
    return [
        Row(f"Correct: first picture of a folder of {count}", 1000 * found["first"], "ms", 1000),
        Row("Correct: next picture, read ahead", 1000 * found["next"], "ms", 150),
        Row("Correct: next picture, without a pause", 1000 * found["hurried"], "ms"),
    ]


if __name__ == "__main__":
    main(__doc__, rows)
