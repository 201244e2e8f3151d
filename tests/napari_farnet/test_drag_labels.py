"""Labels vanish while a point is dragged, and are as they were before when it is let go."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from napari_farnet.drag_labels import _on_drag
from napari_farnet.opening import add_landmarks, add_radiograph


@pytest.fixture
def shown(make_napari_viewer_proxy, plugin, radiograph, landmarks_on):
    viewer = make_napari_viewer_proxy(show=True)
    image = add_radiograph(viewer, radiograph)
    return viewer, add_landmarks(viewer, image, landmarks_on(radiograph), name="found")


def test_a_drag_of_the_mouse(shown, mouse, qtbot):
    viewer, layer = shown
    qtbot.wait(50)
    layer.mode = "select"
    seen = []
    before = layer.data.copy()
    mouse(viewer, layer, 3, (12.0, 9.0), at_step=lambda: seen.append(layer.text.visible))
    assert np.abs(layer.data[3] - before[3]).max() > 3
    assert False in seen and layer.text.visible


def test_labels_that_were_hidden_stay_hidden(shown, drag):
    _, layer = shown
    layer.text.visible = False
    drag(layer, 3, (12.0, 9.0))
    assert not layer.text.visible


def test_a_click_and_a_drag_of_the_view_leave_them(shown, drag):
    _, layer = shown
    seen = []
    layer.text.events.visible.connect(lambda: seen.append(layer.text.visible))
    drag(layer, 3, (0.0, 0.0))
    layer.selected_data = set()
    for mode in ("pan_zoom", "add"):
        layer.mode = mode
        event = SimpleNamespace(type="mouse_press")
        steps = _on_drag(layer, event)
        next(steps)
        event.type = "mouse_move"
        next(steps)
        event.type = "mouse_release"
        assert next(steps, "ended") == "ended"
        assert layer.text.visible


def test_a_drag_that_is_given_up_shows_them_again(shown):
    _, layer = shown
    layer.mode, layer.selected_data = "select", {2}
    event = SimpleNamespace(type="mouse_press")
    steps = _on_drag(layer, event)
    next(steps)
    event.type = "mouse_move"
    next(steps)
    assert not layer.text.visible
    steps.close()
    assert layer.text.visible
