#!/usr/bin/env python3
"""Make the pictures of the user guide: each dock in a real napari window on the bundled samples, at 1366 x 768.

    python scripts/make_guide_images.py [--only correct measure] [--theme light] [--to FOLDER]

Without a display:

    xvfb-run -a -s "-screen 0 1600x1000x24" python scripts/make_guide_images.py
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer

GUIDE = Path(__file__).parents[1] / "src" / "napari_farnet" / "guide" / "images"
SIZE = (1366, 768)
PLUGIN = "napari-farnet"


def settle(seconds: float = 0.5) -> None:
    """Let the window work."""
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def wait_for(happened: Callable[[], bool], seconds: float = 120.0) -> None:
    """Let the window work until something has happened.

    Raises:
        TimeoutError: If it has not in this time.
    """
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise TimeoutError("nothing happened")
        settle(0.05)


pictures: list[Any] = []
"""Pictures that a scene took itself, before it came to an end."""

radiograph: list[Path] = []
"""The radiograph to show instead of the average cephalogram; empty for that."""


def take_now(viewer: Viewer) -> None:
    """Take the picture of a scene before it ends."""
    viewer.window.resize(*SIZE)
    settle(1.5)
    pictures.append(viewer.screenshot(canvas_only=False, flash=False))


def open_dock(viewer: Viewer, name: str) -> Any:
    """Open a dock of the plugin."""
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, name)
    settle()
    return dock


def detected(viewer: Viewer, heatmaps: str = "each") -> Any:
    """Open the average cephalogram, or the radiograph that is asked for, and detect its landmarks; gives the dock."""
    from napari_farnet.record import kind_of

    if radiograph:
        viewer.open(radiograph[0], plugin=None)
    else:
        viewer.open_sample(PLUGIN, "average_cephalogram")
    dock = open_dock(viewer, "Detect landmarks")
    dock.form.heatmaps.setCurrentIndex(dock.form.heatmaps.findData(heatmaps))
    dock.detect()
    wait_for(
        lambda: dock.form.detect.isEnabled() and any(kind_of(item.metadata) == "landmarks" for item in viewer.layers)
    )
    return dock


def detect(viewer: Viewer, _folder: Path) -> None:
    """Landmarks with the combined heatmaps."""
    detected(viewer, "combined")
    viewer.fit_to_view()


def correct(viewer: Viewer, _folder: Path) -> None:
    """A landmark that is looked at, with its heatmap; some are reviewed, one was moved."""
    viewer.window.remove_dock_widget(detected(viewer))
    layer = viewer.layers[-1]
    dock = open_dock(viewer, "Correct landmarks")
    dock.form.reader.setText("AB")
    dock.form.reader.editingFinished.emit()
    for _ in range(6):
        dock.act("next")
        dock.act("accept")
    moved = layer.data.copy()
    moved[4] += (4.0, 6.0)
    layer.data = moved
    dock.go_to(4)


def evaluate(viewer: Viewer, _folder: Path) -> None:
    """Two observers of the synthetic cephalograms against each other, with the errors of one radiograph."""
    viewer.open_sample(PLUGIN, "eight_cephalograms_observers")
    dock = open_dock(viewer, "Evaluate landmarks")
    page = dock.form.layers_page
    page.predictions.choose(viewer.layers[1])
    page.references.choose(viewer.layers[2])
    dock.evaluate()
    wait_for(lambda: dock.form.table.model().rowCount() > 0)
    viewer.dims.set_current_step(0, 2)
    for item in viewer.layers[1:3]:
        item.text.visible = False
    viewer.fit_to_view()


def measure(viewer: Viewer, _folder: Path) -> None:
    """The eight measurements, one of them chosen."""
    viewer.window.remove_dock_widget(detected(viewer, "none"))
    dock = open_dock(viewer, "Measure")
    wait_for(lambda: bool(dock.form.table.results))
    dock.form.table.selectRow(2)
    viewer.fit_to_view()


def folder(viewer: Viewer, place: Path) -> None:
    """The synthetic cephalograms and a file that is none, all done; one of them is open."""
    from farnet.samples.folder import write_samples

    write_samples(place, observers=0)
    scans = place / "radiographs"
    (scans / "truth.csv").unlink()
    (scans / "report.png").write_text("Findings: none.")
    dock = open_dock(viewer, "Detect in a folder")
    dock.form.folder.setText(str(scans))
    dock.form.spacing.setText("0.2")
    wait_for(lambda: dock.form.detect.isEnabled() and len(dock.form.table.radiographs.rows) == 9)
    dock.detect()
    wait_for(lambda: not dock.form.progress.isVisibleTo(dock), 300)
    dock.form.table.select(3)
    dock.open_radiograph(3)
    settle()
    viewer.fit_to_view()


def train(viewer: Viewer, folder: Path) -> None:
    """The bundled model, trained further on the synthetic cephalograms, after its third epoch."""
    os.environ["FARNET_RUNS"], os.environ["FARNET_MODELS"] = str(folder / "runs"), str(folder / "models")
    viewer.open_sample(PLUGIN, "eight_cephalograms_observers")
    dock = open_dock(viewer, "Train a model")
    form = dock.form
    form.image.choose(viewer.layers[0])
    form.points.choose(viewer.layers[1])
    form.start.setCurrentIndex(form.start.findText("ceph19-compact", Qt.MatchFlag.MatchContains))
    form.settings["epochs"].setValue(4)
    form.device.setCurrentIndex(form.device.findData("cpu"))
    for layer in viewer.layers[1:]:
        layer.visible = False
    dock.train()
    wait_for(lambda: len(dock.curves.epochs) >= 3, 300)
    for layer in viewer.layers[:3]:
        layer.visible = False
    low, high = next(layer for layer in viewer.layers if "radiographs" in layer.name).extent.world
    viewer.scene.camera.center = (0.0, *(low + high) / 2)
    viewer.scene.camera.zoom = 0.9 * min(np.array(viewer.canvas.size) / (high - low))
    take_now(viewer)
    form.discard.click()
    wait_for(lambda: dock.follower.state == "idle", 120)


SCENES: dict[str, Callable[[Any, Path], None]] = {
    "detect": detect,
    "correct": correct,
    "measure": measure,
    "evaluate": evaluate,
    "train": train,
    "folder": folder,
}


def take(name: str, target: Path, theme: str) -> None:
    """Make one picture in a window of its own."""
    import napari
    from PIL import Image

    viewer = napari.Viewer()
    viewer.theme = theme
    viewer.window.resize(*SIZE)
    settle()
    with tempfile.TemporaryDirectory() as folder:
        pictures.clear()
        SCENES[name](viewer, Path(folder))
        if not pictures:
            take_now(viewer)
        pixels = pictures[0]
        viewer.close()
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels[..., :3]).save(target, optimize=True)
    print(f"{target}: {pixels.shape[1]} x {pixels.shape[0]}, {target.stat().st_size / 1024:.0f} KiB")


def main() -> int:
    """Make the pictures that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=tuple(SCENES), default=tuple(SCENES), help="make these alone")
    parser.add_argument("--theme", choices=("dark", "light"), default="dark", help="of napari")
    parser.add_argument("--to", type=Path, default=GUIDE, help="folder of the pictures")
    parser.add_argument("--radiograph", type=Path, help="a cephalogram to show instead of the sample")
    options = parser.parse_args()
    if options.radiograph:
        radiograph.append(options.radiograph.resolve())
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = folder  # nobody's own models and autosaved copies are to be seen
        for name in options.only:
            take(name, options.to / f"{name}.png", options.theme)
    return 0


if __name__ == "__main__":
    sys.exit(main())
