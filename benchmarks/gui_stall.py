"""Longest time for which the viewer does not react while landmarks are detected.

    python benchmarks/gui_stall.py [--image radiograph.png] [--model ceph19-compact] [--device cpu]

A timer ticks in the GUI thread every few milliseconds, from pressing Detect until the result is drawn; the longest gap
between two ticks is the longest stall, told apart for the time in which landmarks are detected and for the moment in
which napari adds the layers. What napari itself takes for one such layer is measured beside it: an image, or points
with labels and a colour bar, added by `viewer.add_layer` without this plugin. Opening the dock looks for devices in the
background, which imports torch; the first detection loads the model. Without a display:

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/gui_stall.py

Exit status 1 if a stall while detecting is longer than the limit.
"""

from __future__ import annotations

import argparse
import json
import math
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
    """

    milliseconds: float
    computed: float


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

    def stop(self) -> None:
        """End ticking."""
        self._timer.stop()

    def longest(self, after: float = -math.inf, before: float = math.inf) -> Stall:
        """The longest gap between two ticks that ended in a span of time (`time.perf_counter`)."""
        stalls = [
            Stall(1e3 * (later[0] - earlier[0]), 1e3 * (later[1] - earlier[1]))
            for earlier, later in zip(self.ticks, self.ticks[1:], strict=False)
            if after < later[0] <= before
        ]
        return max(stalls, default=Stall(0.0, 0.0))


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


def detect_once(viewer: Any, dock: Any) -> dict[str, Stall]:
    """Press Detect; give the longest stalls until the first layer comes, and until the result has been drawn."""
    arrivals: list[float] = []

    def note_arrival(_event: object) -> None:
        arrivals.append(time.perf_counter())

    viewer.layers.events.inserted.connect(note_arrival)
    ticker = Ticker()
    dock.form.detect.click()
    wait_until(lambda: dock.form.detect.isEnabled(), 600)
    settle()
    ticker.stop()
    viewer.layers.events.inserted.disconnect(note_arrival)
    if not arrivals:
        raise RuntimeError(f"nothing was added; the dock says: {dock.form.status.text()}")
    return {"detecting": ticker.longest(before=arrivals[0]), "showing": ticker.longest(after=arrivals[0])}


def napari_alone(viewer: Any) -> dict[str, Stall]:
    """Add copies of the heatmaps and of the landmarks as anybody would; give the longest stall of each."""
    stalls = {}
    for original in viewer.layers[-2:]:
        data, keywords, kind = original.as_layer_data_tuple()
        keywords["metadata"] = {}
        ticker = Ticker()
        settle(0.1)
        layer = type(original).create(data, keywords, kind)
        if kind == "points":
            layer.face_colorbar.visible = True
        viewer.add_layer(layer)
        settle()
        ticker.stop()
        stalls[f"adding {kind}"] = ticker.longest()
    return stalls


def settle(seconds: float = 0.6) -> None:
    """Let the viewer draw."""
    end = time.perf_counter() + seconds
    wait_until(lambda: time.perf_counter() > end, seconds + 60)


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
    settle()
    ticker = Ticker()
    settle(0.1)
    _, dock = viewer.window.add_plugin_dock_widget(_PLUGIN, _DOCK)
    settle(0.05)
    opened = time.perf_counter()
    looking = dock.form.device_hint.text()
    wait_until(lambda: dock.form.device_hint.text() != looking, 600)
    settle()
    ticker.stop()
    runs = {"the dock": {"opening": ticker.longest(before=opened), "looking for devices": ticker.longest(after=opened)}}
    dock.form.device.setCurrentIndex(dock.form.device.findData(options.device))
    if options.model is not None:
        dock.form.model.setCurrentIndex(dock.form.model.findData(options.model))
    runs |= {f"detection {number + 1}": detect_once(viewer, dock) for number in range(1 + options.repeats)}
    runs["without the plugin"] = napari_alone(viewer)
    viewer.close()

    rows = {f"{name}, {phase}": stall for name, stalls in runs.items() for phase, stall in stalls.items()}
    if options.json:
        print(json.dumps({name: stall._asdict() for name, stall in rows.items()}, indent=2))
    else:
        for name, stall in rows.items():
            print(f"{name:40} longest stall {stall.milliseconds:5.0f} ms, {stall.computed:4.0f} ms of it computing")
    return int(max(stall.milliseconds for name, stall in rows.items() if name.endswith("detecting")) > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
