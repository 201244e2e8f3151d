"""How often measurements and error vectors are updated while a point is dragged, and how long the viewer stands still.

    python benchmarks/measuring.py [--scheme spine68] [--measurements 30] [--seconds 5] [--window 1366x768] [--json]

A real viewer with a radiograph, a layer of landmarks and the dock "Measure" gets mouse events, as a hand would make
them: press on a point, move in small steps, let go. An update is one measurement of everything with the table filled
and the lines drawn in the Shapes layer. Its own time is what it computes in a step of the drag; `repaints` counts how
often the canvas was drawn meanwhile, which without a graphics card costs more than all else. A timer ticks in the GUI
thread, and the longest gap between two ticks is the longest stall. What napari itself needs to drag the same point,
without the docks, is measured beside it; last, the dock "Evaluate landmarks" is open as well, and draws the error
vectors to a second layer. By default there are three cases: 68 landmarks with the Cobb angles, 68 with thirty
measurements of a file, and the cephalogram with its eight. Drawing without a graphics card takes time by the pixel: a
smaller window shows what is left when it does not. Without a display:

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/measuring.py

Exit status 1 if updates are too slow: less than 30 a second would be possible, or one of them makes
the viewer stand still for more than 50 ms.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

LEAST_UPDATES, LONGEST_MS = 30.0, 50.0
_TICK_MS = 2
_PLUGIN, _DOCK, _OTHER_DOCK = "napari-farnet", "Measure", "Evaluate landmarks"


class Ticker:
    """Notes when the GUI thread gets to run."""

    def __init__(self) -> None:
        from qtpy.QtCore import Qt, QTimer

        self.ticks: list[float] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(lambda: self.ticks.append(time.perf_counter()))
        self._timer.start(_TICK_MS)

    def stop(self) -> list[float]:
        """End ticking; give the gaps in ms."""
        self._timer.stop()
        return [1e3 * gap for gap in np.diff(self.ticks)]


def settle(seconds: float = 0.5) -> None:
    """Let the viewer draw."""
    from qtpy.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(int(1e3 * seconds), loop.quit)
    loop.exec()


def landmarks_of(scheme_name: str) -> Any:
    """Landmarks that look like the anatomy from afar, on a radiograph of 2000 x 1000 px."""
    from farnet.landmarks import Landmarks
    from farnet.samples import average_cephalogram
    from farnet.scheme import load_scheme

    if scheme_name == "cephalometric19":
        return average_cephalogram()[1]
    scheme = load_scheme(scheme_name)
    k = np.arange(len(scheme) // 4)
    middle = np.stack([150 + 100 * k, 500 + 80 * np.sin(k / 3)], axis=1)
    corners = np.array([[-35, -70], [-35, 70], [35, -70], [35, 70]])
    turn = 0.4 * np.cos(k / 3)
    rows = corners[None, :, 0] * np.cos(turn)[:, None] + corners[None, :, 1] * np.sin(turn)[:, None]
    columns = corners[None, :, 1] * np.cos(turn)[:, None] - corners[None, :, 0] * np.sin(turn)[:, None]
    points = (np.stack([rows, columns], axis=2) + middle[:, None]).reshape(-1, 2)
    return Landmarks(points, scheme, spacing=0.2, radiograph="made up", image_shape=(2000, 1000))


def many(count: int) -> str:
    """A file with this many distances and angles of the spine."""
    from farnet.scheme import load_scheme

    names = load_scheme("spine68").abbreviations
    lines = ["name: many", "scheme: spine68", "measurements:"]
    for i in range(count):
        a, b, c = (names[(7 * i + step) % len(names)] for step in (0, 5, 11))
        what = f"distance: [{a}, {b}]" if i % 2 else f"angle: [{a}, {b}, {c}]"
        lines.append(f"  - {{name: m{i}, {what}, norm: {{mean: 40, sd: 10}}}}")
    return "\n".join(lines) + "\n"


class Hand:
    """Presses, moves and lets go the mouse on the canvas, through the window system's events."""

    def __init__(self, viewer: Any) -> None:
        # The widget of the canvas has no public name; a benchmark may look for it.
        from vispy.app.backends._qt import CanvasBackendDesktop

        (self.canvas,) = viewer.window._qt_window.findChildren(CanvasBackendDesktop)
        self.viewer = viewer

    def place(self, layer: Any, point: Any) -> tuple[float, float]:
        """Where a point (row, column) of a layer is on the canvas, (x, y) in pixels of the screen."""
        world = np.array(layer.data_to_world(point))[-2:]
        camera = self.viewer.scene.camera
        size = np.array([self.canvas.height(), self.canvas.width()])
        row, column = (world - np.array(camera.center)[-2:]) * camera.zoom + size / 2
        return float(column), float(row)

    def send(self, kind: str, place: tuple[float, float], *, held: bool) -> None:
        """Send one event: "press", "move" or "release"."""
        from qtpy.QtCore import QEvent, QPointF, Qt
        from qtpy.QtGui import QMouseEvent
        from qtpy.QtWidgets import QApplication

        kinds = {
            "press": QEvent.Type.MouseButtonPress,
            "move": QEvent.Type.MouseMove,
            "release": QEvent.Type.MouseButtonRelease,
        }
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        at = QPointF(*place)
        event = QMouseEvent(
            kinds[kind],
            at,
            QPointF(self.canvas.mapToGlobal(at)),
            none if kind == "move" else left,
            left if held else none,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(self.canvas, event)

    def take(self, layer: Any, row: int) -> tuple[float, float]:
        """Press on a point; gives where that is."""
        for attempt in range(5):
            settle(0.3 * attempt)  # a busy machine takes its time to lay out the window
            place = self.place(layer, layer.data[row])
            self.send("move", place, held=False)
            settle(0.3)
            self.send("press", place, held=True)
            if layer.selected_data == {row}:
                return place
            self.send("release", place, held=False)
        raise RuntimeError(f"the mouse missed point {row}; selected: {layer.selected_data}")


def time_calls(owner: Any, name: str, into: list[float]) -> None:
    """Note how many ms of the processor each call of a method takes."""
    method = getattr(owner, name)

    def timed() -> None:
        start = time.thread_time()
        method()
        into.append(1e3 * (time.thread_time() - start))

    setattr(owner, name, timed)


def drag(viewer: Any, layer: Any, seconds: float, updates: list[float] | None) -> dict[str, float]:
    """Drag the first point in circles; give rates and stalls."""
    from qtpy.QtCore import QTimer

    hand = Hand(viewer)
    viewer.layers.selection.active = layer
    layer.mode = "select"
    settle()
    before = layer.data.copy()
    start = hand.take(layer, 0)
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        turn = steps / 15
        hand.send("move", (start[0] + 30 * math.sin(turn), start[1] + 30 * (1 - math.cos(turn))), held=True)

    painted: list[float] = []
    hand.canvas._vispy_canvas.events.draw.connect(lambda _event: painted.append(time.perf_counter()))
    mouse = QTimer()
    mouse.timeout.connect(step)
    ticker = Ticker()
    if updates is not None:
        updates.clear()
    began = time.perf_counter()
    mouse.start(10)  # a hundred events a second, as mice send
    settle(seconds)
    mouse.stop()
    elapsed = time.perf_counter() - began
    gaps = ticker.stop()
    done = 0 if updates is None else len(updates)
    hand.send("release", start, held=False)
    settle(0.2)
    layer.data = before  # lest the point lie below another one the next time
    settle(0.2)
    return {
        "updates_per_s": done / elapsed,
        "own_ms_per_update": float(np.median(updates)) if updates else 0.0,
        "longest_update_ms": max(updates) if updates else 0.0,
        "repaints_per_s": len(painted) / elapsed,
        "mouse_events_per_s": steps / elapsed,
        "longest_stall_ms": max(gaps),
        "p99_stall_ms": float(np.percentile(gaps, 99)),
    }


def measure(scheme: str, count: int, seconds: float, window: tuple[int, int]) -> dict[str, dict[str, float]]:
    """Open a viewer with the landmarks of a scheme and drag, without docks, with one and with two."""
    import napari

    from farnet.radiograph import Radiograph
    from napari_farnet.opening import add_landmarks, add_radiograph

    landmarks = landmarks_of(scheme)
    viewer = napari.Viewer(show=True)
    viewer.window.resize(*window)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, landmarks.image_shape, dtype=np.uint8)
    image = add_radiograph(viewer, Radiograph.from_array(pixels, spacing=landmarks.spacing, name="made up"))
    other = landmarks.replace(points=landmarks.points + rng.normal(0, 8, landmarks.points.shape))
    reference = add_landmarks(viewer, image, other, name="reference")
    reference.visible = False
    layer = add_landmarks(viewer, image, landmarks, name="made up landmarks")
    settle(1)
    alone = drag(viewer, layer, seconds, None)
    _, dock = viewer.window.add_plugin_dock_widget(_PLUGIN, _DOCK)
    dock.form.landmarks.choose(layer)
    settle(1)
    if count:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "many.yaml"
            path.write_text(many(count), encoding="utf-8")
            dock.open_file(path)
        settle(0.5)
    updates: list[float] = []
    time_calls(dock, "_update", updates)
    with_dock = drag(viewer, layer, seconds, updates)
    with_dock["measurements"] = len(dock.form.table.results)
    with_dock["lines"] = sum("measurements" in item.name and len(item.data) for item in viewer.layers)
    _, evaluating = viewer.window.add_plugin_dock_widget(_PLUGIN, _OTHER_DOCK)
    settle(1)
    page = evaluating.form.layers_page
    page.predictions.choose(layer)
    page.references.choose(reference)
    vectors: list[float] = []
    time_calls(evaluating._live, "_on_moved", vectors)  # before it is connected
    evaluating.evaluate()
    settle(3)
    vectors.clear()
    with_both = drag(viewer, layer, seconds, updates)
    with_both["own_ms_per_update"] += float(np.median(vectors))
    with_both["longest_update_ms"] += max(vectors)
    viewer.close()
    return {"napari alone": alone, "with the dock": with_dock, "with error vectors too": with_both}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scheme", help="only this scheme")
    parser.add_argument("--measurements", type=int, default=0, help="measurements of a file instead of the bundled set")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long a point is dragged")
    parser.add_argument("--window", default="1366x768", help="size of the window in pixels")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    wanted = [("spine68", 0), ("spine68", 30), ("cephalometric19", 0)]
    if options.scheme:
        wanted = [(options.scheme, options.measurements)]
    width, height = map(int, options.window.split("x"))
    found = {
        f"{scheme}, {count or 'bundled'}": measure(scheme, count, options.seconds, (width, height))
        for scheme, count in wanted
    }
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        for name, parts in found.items():
            for part, figures in parts.items():
                told = ", ".join(
                    f"{key} {value:.0f}" for key, value in figures.items() if part != "napari alone" or value
                )
                print(f"{name:26} {part:22} {told}")
    docks = [figures for parts in found.values() for part, figures in parts.items() if part != "napari alone"]
    slow = max(item["own_ms_per_update"] for item in docks) > 1e3 / LEAST_UPDATES
    return int(slow or max(item["longest_update_ms"] for item in docks) > LONGEST_MS)


if __name__ == "__main__":
    sys.exit(main())
