"""The dock, in a real viewer, with a detector that needs no model."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari_farnet.record import kind_of, record_of

from farnet.errors import DeviceError


def idle(dock):
    return lambda: dock.form.detect.isEnabled() or pytest.fail("still busy")


def run(dock, qtbot):
    dock.detect()
    qtbot.waitUntil(dock.form.detect.isEnabled, timeout=10_000)
    qtbot.wait(50)


def test_detects_and_adds_layers(make_dock, qtbot, radiograph_pixels):
    viewer, dock = make_dock()
    image = viewer.add_image(radiograph_pixels, name="skull", scale=(0.1, 0.2), units="mm")
    run(dock, qtbot)
    assert [layer.name for layer in viewer.layers] == ["skull", "skull heatmaps", "skull landmarks"]
    points = viewer.layers["skull landmarks"]
    assert len(points.data) == 19
    assert {"name", "abbreviation", "confidence", "sd_mm", "source", "model"} <= set(points.features)
    assert points.face_colorbar.visible
    record = record_of(points.metadata)
    assert record is not None
    assert record.landmarks[0].spacing == pytest.approx((0.1, 0.2))
    np.testing.assert_allclose(points.data, record.landmarks[0].points)
    assert "19 landmarks" in dock.form.status.text()
    assert image.name == "skull"
