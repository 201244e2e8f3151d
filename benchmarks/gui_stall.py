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
from typing import Any

LIMIT_MS = 100.0
_TICK_MS = 2
_PLUGIN, _DOCK = "napari-farnet", "Detect landmarks"


class Ticker:
    """Notes when the GUI thread gets to run, and where the longest gap was."""

    def __init__(self) -> None:
        from qtpy.QtCore import Qt, QTimer

        self.times: list[float] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(lambda: self.times.append(time.perf_counter()))
        self._timer.start(_TICK_MS)

    def stop(self) -> tuple[float, float]:
        """Longest gap in ms, and the time at which it ended, in s after the start."""
        self._timer.stop()
        gaps = [later - earlier for earlier, later in zip(self.times, self.times[1:], strict=False)]
        longest = max(range(len(gaps)), key=gaps.__getitem__)
        return 1e3 * gaps[longest], self.times[longest + 1] - self.times[0]


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


def detect_once(viewer: Any, dock: Any) -> dict[str, float]:
    """Press Detect and measure until half a second after the result is there."""
    before = len(viewer.layers)
    ticker = Ticker()
    began = time.perf_counter()
    dock.form.detect.click()
    wait_until(lambda: len(viewer.layers) > before and dock.form.detect.isEnabled(), 600)
    seconds = time.perf_counter() - began
    done = time.perf_counter() + 0.5
    wait_until(lambda: time.perf_counter() > done, 10)
    longest, at = ticker.stop()
    if not any(layer.name.endswith("landmarks") for layer in viewer.layers):
        raise RuntimeError(f"no landmarks were added; the dock says: {dock.form.status.text()}")
    return {"longest_stall_ms": longest, "at_s": at, "detection_s": seconds}


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
        print(json.dumps(runs, indent=2))
    else:
        for name, run in runs.items():
            print(
                f"{name:12} longest stall {run['longest_stall_ms']:6.0f} ms "
                f"(after {run['at_s']:.2f} s of {run['detection_s']:.2f} s)"
            )
    return int(max(run["longest_stall_ms"] for run in runs.values()) > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
