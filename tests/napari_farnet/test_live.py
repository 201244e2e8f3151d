"""Following points while they are dragged: in a real window with a real mouse, and on a bare layer."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from napari.layers import Points

from napari_farnet.live import follow_points

POINTS = np.array([[60.0, 50.0], [120.0, 90.0], [180.0, 130.0]])


@pytest.fixture
def shown(make_napari_viewer, radiograph_pixels, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.add_image(radiograph_pixels)
    layer = viewer.add_points(POINTS.copy(), size=12)
    layer.mode = "select"
    qtbot.wait(200)
    return viewer, layer


def test_each_step_of_a_drag_is_heard_with_the_point_where_it_is(shown, mouse):
    viewer, layer = shown
    heard = []
    follow_points(layer, lambda: heard.append(layer.data[1].copy()))
    steps = []
    mouse(viewer, layer, 1, (24.0, -16.0), steps=4, at_step=lambda: steps.append((len(heard), layer.data[1].copy())))
    for number, (count, point) in enumerate(steps, start=1):
        assert count == number
        np.testing.assert_array_equal(heard[number - 1], point)
    ways = np.linalg.norm(np.array(heard[:4]) - POINTS[1], axis=1)
    assert (np.diff(ways) > 1).all()
    # And once more when the button is let go.
    assert len(heard) == 5
    np.testing.assert_allclose(heard[-1], POINTS[1] + (24.0, -16.0), atol=2.0)


def test_a_click_that_moves_nothing_is_not_heard(shown, mouse):
    viewer, layer = shown
    heard = []
    follow_points(layer, lambda: heard.append(1))
    mouse(viewer, layer, 1, (0.0, 0.0), steps=0)
    assert heard == []


def test_after_the_end_nothing_is_heard(shown, mouse):
    viewer, layer = shown
    heard = []
    stop = follow_points(layer, lambda: heard.append(1))
    stop()
    stop()
    mouse(viewer, layer, 1, (24.0, -16.0))
    assert heard == []
    assert np.linalg.norm(layer.data[1] - POINTS[1]) > 10


def test_it_can_end_in_the_midst_of_a_drag(shown, mouse):
    viewer, layer = shown
    heard = []
    stop = follow_points(layer, lambda: heard.append(1))
    mouse(viewer, layer, 1, (24.0, -16.0), at_step=stop)
    assert len(heard) == 1


def test_a_layer_that_was_deleted_is_let_go(shown, qtbot):
    viewer, layer = shown
    stop = follow_points(layer, lambda: None)
    viewer.layers.remove(layer)
    stop()
    bare = Points(POINTS.copy())
    follow_points(bare, lambda: None)
    bare_known = weakref.ref(bare)
    del bare
    gc.collect()
    assert bare_known() is None


def test_points_that_come_go_and_are_set_are_heard():
    layer = Points(POINTS.copy())
    heard = []
    follow_points(layer, lambda: heard.append(len(layer.data)))
    layer.add((1.0, 2.0))
    layer.selected_data = {0}
    layer.remove_selected()
    layer.data = POINTS + 1
    assert heard == [4, 3, 3]


def test_two_followers_do_not_know_of_each_other():
    layer = Points(POINTS.copy())
    one, two = [], []
    stop = follow_points(layer, lambda: one.append(1))
    follow_points(layer, lambda: two.append(1))
    layer.data = POINTS + 1
    stop()
    layer.data = POINTS + 2
    assert (len(one), len(two)) == (1, 2)


def test_the_proxy_that_napari_gives_to_plugins_will_do(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy()
    layer = viewer.add_points(POINTS.copy())
    heard = []
    stop = follow_points(layer, lambda: heard.append(1))
    layer.data = POINTS + 1
    stop()
    layer.data = POINTS + 2
    assert heard == [1]
