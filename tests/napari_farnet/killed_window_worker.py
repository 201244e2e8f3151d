"""A napari window in which somebody corrects a folder without a pause, until the process is killed.

    python killed_window_worker.py FOLDER

Each change is told on standard output when it is done: the radiograph, and how many changes it has.
"""

from __future__ import annotations

import sys
from itertools import cycle

import napari
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_farnet.correct.dock import CorrectWidget

_EVERY_MS = 40


def main(folder: str) -> None:
    viewer = napari.Viewer(show=True)
    dock = CorrectWidget(viewer)
    viewer.window.add_dock_widget(dock, name="Correct landmarks")
    dock.open_folder(folder)
    found = [item for item in QApplication.allWidgets() if item.__class__.__name__ == "CanvasBackendDesktop"]
    canvas = max(found, key=lambda item: item.width() * item.height())
    keys = cycle([Qt.Key.Key_N, *[Qt.Key.Key_Y] * 4, Qt.Key.Key_PageDown])
    told = {}

    def work() -> None:
        key = next(keys)
        names = [item.name for item in dock._rounds.folder.walk.corrections.items]
        QTest.keyClick(canvas, key)
        name = names[dock._rounds.folder.walk.number]
        count = len(dock._subject.review.log)
        if told.get(name, 0) < count:
            told[name] = count
            print(name, count, flush=True)
        if sum(told.values()) >= 4 * len(names):
            print("round", flush=True)
            timer.stop()

    timer = QTimer()
    timer.timeout.connect(work)
    timer.start(_EVERY_MS)
    napari.run()
    print("ended", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
