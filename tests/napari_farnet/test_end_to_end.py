"""A person's way through the plugin, in a real window with the bundled model: open, detect, correct, save, reopen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

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
