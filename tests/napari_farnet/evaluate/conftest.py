"""A viewer with the dock "Evaluate landmarks" in it, and layers and files to evaluate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from farnet.formats import write_annotations
from napari_farnet.opening import add_landmarks, add_radiograph

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def make_evaluate(make_napari_viewer_proxy: Callable[..., Any], plugin: None, fake: Any) -> Callable[..., Any]:
    """Open a viewer with the dock in it; gives (viewer, dock)."""

    def make(**keywords: Any) -> tuple[Any, Any]:
        viewer = make_napari_viewer_proxy(**keywords)
        _, dock = viewer.window.add_plugin_dock_widget("napari-farnet", "Evaluate landmarks")
        return viewer, dock

    return make


@pytest.fixture
def wait(qtbot):
    """Waits until the evaluation that runs in a dock has ended."""

    def until_idle(dock):
        qtbot.waitUntil(lambda: dock.form.evaluate.isEnabled() and dock._run.worker is None, timeout=20_000)
        qtbot.wait(20)

    return until_idle


@pytest.fixture
def run(wait):
    """Presses Evaluate and waits for the end."""

    def press_and_wait(dock):
        dock.form.evaluate.click()
        wait(dock)

    return press_and_wait


@pytest.fixture
def choose():
    """Chooses a mode of the dock."""

    def choose_mode(dock, mode):
        dock.form.mode.setCurrentIndex(dock.form.mode.findData(mode))

    return choose_mode


@pytest.fixture
def two_layers(make_evaluate, radiograph, landmarks_on):
    """(viewer, dock) with a reference, and a prediction that is 3 rows (0.3 mm) off, landmark 4 by 20 rows."""

    def make(*, predicted=None, **keywords):
        viewer, dock = make_evaluate(**keywords)
        image = add_radiograph(viewer, radiograph)
        truth = landmarks_on(radiograph)
        add_landmarks(viewer, image, truth.replace(source="reader"), name="truth")
        points = truth.points + np.array([3.0, 0.0])
        points[4] = truth.points[4] + (20.0, 0.0)
        found = truth.replace(points=points) if predicted is None else predicted
        add_landmarks(viewer, image, found, name="found")
        page = dock.form.layers_page
        page.predictions.choose(viewer.layers["found"])
        page.references.choose(viewer.layers["truth"])
        return viewer, dock

    return make


@pytest.fixture
def files(tmp_path, radiograph_pixels, landmarks_on):
    """A folder with scans/a.png and scans/b.png, truth.csv and found.csv; on b the first landmark is 50 px off."""
    from farnet.radiograph import read_radiograph

    truth, found = [], []
    for i, name in enumerate("ab"):
        path = tmp_path / "scans" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.roll(radiograph_pixels, i, axis=0)).save(path)
        landmarks = landmarks_on(read_radiograph(path, spacing=(0.1, 0.1))).replace(image_sha256=None)
        points = landmarks.points + np.array([0.0, 4.0])
        points[0] += (0.0, 50.0 * i)
        truth.append(landmarks.replace(source="reader"))
        found.append(landmarks.replace(points=points))
    write_annotations(tmp_path / "truth.csv", truth)
    write_annotations(tmp_path / "found.csv", found)
    return tmp_path
