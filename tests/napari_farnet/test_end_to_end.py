"""A person's way through the plugin, in a real window with the bundled model: open, detect, correct, save, reopen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from farnet.formats import read_annotations
from farnet.samples import average_cephalogram
from farnet.zoo import DEFAULT_MODEL
from napari_farnet import demo
from napari_farnet.record import record_of


@pytest.fixture
def detected(make_napari_viewer, plugin):
    viewer = make_napari_viewer(show=True)
    demo.show_detection(viewer, model=DEFAULT_MODEL, device="cpu")
    return viewer


def test_sample_detect_correct_save_reopen(detected, drag, tmp_path):
    viewer = detected
    points = viewer.layers[-1]
    _, truth = average_cephalogram()

    errors = np.linalg.norm((points.data - truth.points) * truth.spacing, axis=1)
    assert len(errors) == 19
    assert errors.max() < 4.0
    assert np.median(errors) < 2.0
    assert list(points.features["name"]) == list(truth.scheme.names)

    before = points.data.copy()
    drag(points, 3, (4.25, -7.5))
    np.testing.assert_allclose(points.data[3], before[3] + (4.25, -7.5))
    assert points.features["edited"].tolist() == [row == 3 for row in range(19)]

    path = tmp_path / "corrected.csv"
    viewer.layers.selection = {points}
    assert viewer.layers.save(str(path), selected=True, plugin="napari-farnet") == [str(path)]
    (again,) = viewer.open(str(path), plugin="napari-farnet")
    np.testing.assert_array_equal(again.data, points.data)
    pd.testing.assert_frame_equal(again.features, points.features)
    np.testing.assert_allclose(again.data_to_world(again.data[3]), points.data_to_world(points.data[3]))
    assert again.units == points.units

    (landmarks,) = read_annotations(path)
    np.testing.assert_array_equal(landmarks.points, points.data)
    assert landmarks.spacing == truth.spacing
    assert landmarks.edited.sum() == 1
    assert landmarks.provenance["model"] == DEFAULT_MODEL
    assert len(record_of(again.metadata).landmarks) == 1


@pytest.fixture
def mouse(qtbot):
    """Drags a point of a layer with the left button, as the window system reports it to the canvas."""

    def canvas_of(viewer):
        canvases = [item for item in QApplication.allWidgets() if item.__class__.__name__ == "CanvasBackendDesktop"]
        return max(canvases, key=lambda item: item.isVisible() * item.width() * item.height())

    def drag_point(viewer, layer, row, shift):
        canvas = canvas_of(viewer)
        middle = np.array([canvas.height(), canvas.width()]) / 2

        def place(share):
            world = np.array(layer.data_to_world(layer.data[row] + share * np.array(shift)))
            return QPointF(*(middle + (world - viewer.scene.camera.center[-2:]) * viewer.scene.camera.zoom)[::-1])

        def send(kind, where, button, buttons):
            there = QPointF(canvas.mapToGlobal(where))
            event = QMouseEvent(kind, where, there, button, buttons, Qt.KeyboardModifier.NoModifier)
            QApplication.sendEvent(canvas, event)
            qtbot.wait(30)

        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        path = [place(share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
        send(QEvent.Type.MouseMove, path[0], none, none)
        send(QEvent.Type.MouseButtonPress, path[0], left, left)
        for where in path[1:]:
            send(QEvent.Type.MouseMove, where, none, left)
        send(QEvent.Type.MouseButtonRelease, path[-1], left, none)

    return drag_point


def test_the_mouse_moves_a_point_at_once_after_the_detection(detected, mouse, qtbot):
    viewer = detected
    points = viewer.layers[-1]
    qtbot.waitUntil(lambda: points.mode == "select", timeout=10_000)
    qtbot.wait(500)
    nasion = points.features["name"].tolist().index("Nasion")
    before = points.data.copy()
    mouse(viewer, points, nasion, (-60.0, 40.0))
    moved = np.linalg.norm(points.data - before, axis=1) > 1.0
    np.testing.assert_array_equal(np.flatnonzero(moved), [nasion])
    np.testing.assert_allclose(points.data[nasion] - before[nasion], (-60.0, 40.0), atol=6.0)
    np.testing.assert_array_equal(np.flatnonzero(points.features["edited"]), [nasion])
