"""Longest time for which the viewer does not react while landmarks are detected.

    python benchmarks/gui_stall.py [--image radiograph.png] [--model ceph19-compact] [--device cpu]

A timer ticks in the GUI thread every few milliseconds, from pressing Detect until the result is drawn; the longest gap
between two ticks is the longest stall. The first detection also imports torch and loads the model. Without a display:

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/gui_stall.py

Exit status 1 if a stall is longer than the limit.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

LIMIT_MS = 100.0


class Stall(NamedTuple):
    """A time for which the GUI thread did not react.

    Attributes:
        milliseconds: How long it was.
        computed: How much of it the GUI thread was computing; on a busy machine it waits for the processor too.
        at: When it began, in seconds after the first tick.
    """

    milliseconds: float
    computed: float
    at: float


_TICK_MS = 2
_PLUGIN, _DOCK = "napari-farnet", "Detect landmarks"


class Ticker:
    """Notes when the GUI thread gets to run, and how long it has computed until then."""

    def __init__(self) -> None:
        from qtpy.QtCore import Qt, QTimer

        self.ticks: list[tuple[float, float]] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(lambda: self.ticks.append((time.perf_counter(), time.thread_time())))
        self._timer.start(_TICK_MS)

    def stop(self) -> Stall:
        """Give the longest gap between two ticks."""
        self._timer.stop()
        began = self.ticks[0][0]
        stalls = [
            Stall(1e3 * (later[0] - earlier[0]), 1e3 * (later[1] - earlier[1]), earlier[0] - began)
            for earlier, later in zip(self.ticks, self.ticks[1:], strict=False)
        ]
        return max(stalls, key=lambda stall: stall.milliseconds)


def wait_until(condition: Any, seconds: float) -> None:
    """Let the event loop run until a condition holds."""
    from qtpy.QtCore import QEventLoop, QTimer

    loop, end = QEventLoop(), time.perf_counter() + seconds
    poll = QTimer()
    poll.timeout.connect(lambda: loop.quit() if condition() or time.perf_counter() > end else None)
    poll.start(20)
    loop.exec()
    if not condition():
        raise TimeoutError(f"nothing happened within {seconds:.0f} s")


def detect_once(viewer: Any, dock: Any) -> tuple[Stall, float]:
    """Press Detect; give the longest stall until half a second after the result is there, and the seconds it took."""
    before = len(viewer.layers)
    ticker = Ticker()
    began = time.perf_counter()
    dock.form.detect.click()
    wait_until(lambda: len(viewer.layers) > before and dock.form.detect.isEnabled(), 600)
    seconds = time.perf_counter() - began
    done = time.perf_counter() + 0.5
    wait_until(lambda: time.perf_counter() > done, 10)
    longest = ticker.stop()
    if not any(layer.name.endswith("landmarks") for layer in viewer.layers):
        raise RuntimeError(f"no landmarks were added; the dock says: {dock.form.status.text()}")
    return longest, seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", type=Path, help="a radiograph; by default the bundled sample")
    parser.add_argument("--model", help="name of the model; by default the one that the dock offers")
    parser.add_argument("--device", default="auto", help="device, as the dock lists it")
    parser.add_argument("--repeats", type=int, default=3, help="detections after the first")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()

    import napari

    viewer = napari.Viewer(show=True)
    if options.image is None:
        viewer.open_sample(_PLUGIN, "average_cephalogram")
    else:
        from farnet.radiograph import read_radiograph

        viewer.add_image(read_radiograph(options.image).pixels, name=options.image.stem)
    _, dock = viewer.window.add_plugin_dock_widget(_PLUGIN, _DOCK)
    wait_until(lambda: dock.form.device.count() > 1, 600)
    dock.form.device.setCurrentIndex(dock.form.device.findData(options.device))
    if options.model is not None:
        dock.form.model.setCurrentIndex(dock.form.model.findData(options.model))
    runs = {f"detection {number + 1}": detect_once(viewer, dock) for number in range(1 + options.repeats)}
    viewer.close()

    if options.json:
        print(
            json.dumps({name: {**stall._asdict(), "seconds": took} for name, (stall, took) in runs.items()}, indent=2)
        )
    else:
        for name, (stall, took) in runs.items():
            print(
                f"{name:12} longest stall {stall.milliseconds:5.0f} ms ({stall.computed:4.0f} ms of it computing), "
                f"{stall.at:.2f} s after pressing Detect; result after {took:.2f} s"
            )
    return int(max(stall.milliseconds for stall, _ in runs.values()) > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
