"""Who follows a layer of points hears of every change, also in the middle of a drag."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from napari.layers import Points

from farnet.samples import average_cephalogram
from napari_farnet.layers import landmarks_layer
from napari_farnet.live import follow_points
from napari_farnet.placement import Placement
from napari_farnet.session import follow
from napari_farnet.settings import Settings


@pytest.fixture
def layer():
    return Points([[10.0, 10.0], [50.0, 60.0]], features={"name": ["a", "b"]}, size=8)


class Seen(list):
    """Points at each call, and what ends them."""

    def __init__(self, layer):
        super().__init__()
        self.stop = follow_points(layer, lambda: self.append(layer.data.copy()))


@pytest.mark.parametrize("mode_first", [True, False])
def test_each_step_of_a_drag_is_heard_with_the_points_where_they_are_then(layer, drag, mode_first):
    if mode_first:
        layer.mode = "select"
    seen = Seen(layer)  # the callback that moves points comes after ours where the mode is set later
    drag(layer, 1, (8.0, 4.0))
    rows = [float(data[1, 0]) for data in seen]
    assert sorted(set(rows)) == [54.0, 58.0]
    assert rows == sorted(rows)


def test_each_step_is_heard_where_napari_does_not_tell_it(layer, drag):
    layer.mode = "select"
    seen = Seen(layer)
    with layer.events.features.blocker():
        drag(layer, 1, (8.0, 4.0))
    assert [float(data[1, 0]) for data in seen] == [54.0, 58.0, 58.0]


def test_a_drag_of_the_mouse_in_a_real_viewer(make_napari_viewer, mouse, qtbot):
    radiograph, truth = average_cephalogram()
    viewer = make_napari_viewer(show=True)
    viewer.add_image(radiograph.pixels, scale=radiograph.spacing, units="mm")
    layer = viewer.add_points(truth.points.copy(), size=12, scale=radiograph.spacing, units="mm")
    seen = Seen(layer)
    layer.mode = "select"
    qtbot.wait(200)
    mouse(viewer, layer, 3, (-60.0, 40.0))
    steps = np.array([data[3] - truth.points[3] for data in seen])
    assert len(np.unique(steps.round(3), axis=0)) >= 3
    np.testing.assert_allclose(steps[-1], (-60.0, 40.0), atol=6.0)
    assert (np.diff(steps[:, 1]) >= 0).all()


def test_selecting_and_moving_the_mouse_tell_nothing_of_points(layer, drag):
    seen = Seen(layer)
    layer.selected_data = {1}
    drag(layer, 0, (0.0, 0.0))
    assert all(np.array_equal(data, layer.data) for data in seen)


@pytest.mark.parametrize("change", ["add", "remove", "set", "name"])
def test_other_changes(layer, change):
    seen = Seen(layer)
    if change == "add":
        layer.add([20.0, 20.0])
    elif change == "remove":
        layer.selected_data = {0}
        layer.remove_selected()
    elif change == "set":
        layer.data = layer.data + 1.0
    else:
        layer.features = layer.features.assign(name=["b", "a"])
    assert seen
    np.testing.assert_array_equal(seen[-1], layer.data)


def test_an_added_landmark_has_its_name_when_it_is_told(landmarks_on, radiograph):
    landmarks = landmarks_on(radiograph, absent=(4,))
    data, keywords, _ = landmarks_layer([landmarks], [()], Placement.from_spacing(None), name="x", settings=Settings())
    layer = Points(data, **keywords)
    follow(layer)
    names = []
    follow_points(layer, lambda: names.append(layer.features["name"].iat[-1]))
    layer.add([30.0, 30.0])
    assert set(names) == {landmarks.scheme.names[4]}


def test_after_the_end_nothing_is_heard(layer, drag):
    seen = Seen(layer)
    seen.stop()
    seen.stop()
    drag(layer, 1, (8.0, 4.0))
    layer.add([1.0, 1.0])
    assert seen == []
    assert not [call for call in layer.mouse_drag_callbacks if call.__module__ == "napari_farnet.live"]


def test_it_can_end_in_the_middle_of_a_drag(layer, drag):
    calls = []

    def moved():
        calls.append(1)
        stop()

    stop = follow_points(layer, moved)
    drag(layer, 1, (8.0, 4.0))
    assert calls == [1]


def test_the_layer_is_not_kept_alive():
    layer = Points([[10.0, 10.0]])
    stop = follow_points(layer, lambda: None)
    gone = weakref.ref(layer)
    del layer
    gc.collect()
    assert gone() is None
    stop()


def test_the_proxy_that_a_plugin_gets_will_do(make_napari_viewer_proxy, drag):
    viewer = make_napari_viewer_proxy()
    viewer.add_points([[10.0, 10.0], [50.0, 60.0]], size=8)
    layer = viewer.layers[0]
    seen = Seen(layer)
    layer.data = layer.data + 1.0
    assert seen
    seen.stop()
