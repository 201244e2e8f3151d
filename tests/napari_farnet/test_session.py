"""Editing a layer of landmarks, on a viewer without a window."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.notifications import notification_manager

from farnet.frame import Frame
from napari_farnet.layers import heatmaps_layer, landmarks_from_layer, landmarks_layer
from napari_farnet.placement import Placement
from napari_farnet.session import follow, watch
from napari_farnet.settings import Settings

FLAT = Placement.from_spacing((0.1, 0.2))


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    watch(viewer)
    return viewer


def add(viewer, landmarks, indices=((),), placement=FLAT):
    data = landmarks_layer(landmarks, indices, placement, name="points", settings=Settings())
    return viewer.add_layer(Layer.create(*data))


def test_a_moved_point_is_marked(viewer, radiograph, landmarks_on, drag):
    layer = add(viewer, [landmarks_on(radiograph)])
    drag(layer, 4, (3.0, -2.0))
    features = layer.features
    np.testing.assert_array_equal(np.flatnonzero(features["edited"]), [4])
    assert features["source"].tolist().count("edited") == 1
    assert features["source"][4] == "edited"
    assert features["model"][4] == "fake"
    assert str(layer.symbol[4]) != str(layer.symbol[3])
    assert layer.text.values[4].strip("\u2005\n") == "A"


def test_clicking_a_point_marks_nothing(viewer, radiograph, landmarks_on, drag):
    layer = add(viewer, [landmarks_on(radiograph)])
    drag(layer, 4, (0.0, 0.0))
    assert not layer.features["edited"].any()


def test_setting_all_points_marks_those_that_differ(viewer, radiograph, landmarks_on):
    layer = add(viewer, [landmarks_on(radiograph)])
    data = layer.data.copy()
    data[[1, 3]] += 1.0
    layer.data = data
    np.testing.assert_array_equal(np.flatnonzero(layer.features["edited"]), [1, 3])


def test_an_added_point_is_the_next_absent_landmark(viewer, radiograph, landmarks_on):
    layer = add(viewer, [landmarks_on(radiograph, absent=(2, 6))])
    assert layer.metadata["farnet"]["absent"] == (("Orbitale", "Pogonion"),)
    layer.selected_data = {0}  # napari gives a new point the features of the selected one
    layer.add((50.0, 60.0))
    layer.add((70.0, 80.0))
    assert layer.features["name"].tolist()[-2:] == ["Orbitale", "Pogonion"]
    assert layer.features["edited"].tolist()[-2:] == [True, True]
    assert layer.features["edited"].dtype == bool
    assert layer.features["confidence"].tolist()[-2:] == [1.0, 1.0]
    assert [text.strip("\u2005\n") for text in layer.text.values[-2:]] == ["Or", "Pog"]
    assert layer.metadata["farnet"]["absent"] == ((),)
    (again,) = landmarks_from_layer(layer.data, layer.features, layer.metadata, name="points").landmarks
    np.testing.assert_array_equal(again.points[[2, 6]], [[50.0, 60.0], [70.0, 80.0]])
    assert np.isnan(again.confidence[[2, 6]]).all()
    assert np.isnan(again.covariance[[2, 6]]).all()


def test_a_point_too_many_is_taken_away_and_spoken_of(viewer, radiograph, landmarks_on):
    layer = add(viewer, [landmarks_on(radiograph)])
    layer.add((50.0, 60.0))
    assert "All 19 landmarks are placed" in notification_manager.records[-1].message
    assert len(layer.data) == 19
    assert not layer.features["edited"].any()


def test_a_deleted_point_is_absent_again(viewer, radiograph, landmarks_on):
    layer = add(viewer, [landmarks_on(radiograph)])
    layer.selected_data = {1}
    layer.remove_selected()
    assert layer.metadata["farnet"]["absent"] == (("Nasion",),)
    layer.add((50.0, 60.0))
    assert layer.features["name"].tolist()[-1] == "Nasion"


def test_in_a_stack_a_point_belongs_to_its_slice(viewer, radiograph, landmarks_on):
    stack = [landmarks_on(radiograph, absent=(0,)), landmarks_on(radiograph, absent=(5,))]
    layer = add(viewer, stack, ((0,), (1,)), FLAT.stacked())
    layer.add((1.0, 50.0, 60.0))
    assert layer.features["name"].tolist()[-1] == "Supramentale"
    layer.add((0.0, 50.0, 60.0))
    assert layer.features["name"].tolist()[-1] == "Sella"


@pytest.fixture
def with_heatmaps(viewer, radiograph, landmarks_on, heatmaps_at):
    frame = Frame.fit(radiograph.shape, (64, 48))
    landmarks = landmarks_on(radiograph, absent=(2,))
    maps = heatmaps_at(frame.to_network(landmarks.points))
    heatmaps = Layer.create(*heatmaps_layer(maps[None], frame, (), (), FLAT, name="maps"))
    viewer.add_layer(heatmaps)
    layer = add(viewer, [landmarks])
    follow(layer).show_heatmaps_in(heatmaps)
    return layer, heatmaps, maps


def test_selecting_a_point_shows_its_heatmap(with_heatmaps):
    layer, heatmaps, maps = with_heatmaps
    np.testing.assert_array_equal(heatmaps.data, maps.max(axis=0))
    layer.selected_data = {3}  # the fourth row is the fifth landmark: the third is absent
    np.testing.assert_array_equal(heatmaps.data, maps[4])
    layer.selected_data = {0}
    np.testing.assert_array_equal(heatmaps.data, maps[0])
    layer.selected_data = {0, 1}
    np.testing.assert_array_equal(heatmaps.data, maps.max(axis=0))
    layer.selected_data = set()
    np.testing.assert_array_equal(heatmaps.data, maps.max(axis=0))


def test_deleted_heatmaps_are_not_missed(viewer, with_heatmaps):
    layer, heatmaps, _ = with_heatmaps
    viewer.layers.remove(heatmaps)
    del heatmaps
    layer.selected_data = {3}


def test_a_session_keeps_no_layer_alive(radiograph, landmarks_on):
    data = landmarks_layer([landmarks_on(radiograph)], [()], FLAT, name="points", settings=Settings())
    layer = Layer.create(*data)
    assert follow(layer) is follow(layer)
    gone = weakref.ref(layer)
    del layer
    gc.collect()
    assert gone() is None


def test_other_layers_are_left_alone(viewer):
    viewer.add_points(np.zeros((2, 2)))
    viewer.add_image(np.zeros((8, 8)))
    assert [follow(layer) for layer in viewer.layers] == [None, None]


def test_what_the_model_says_of_a_point_goes_when_it_is_moved_and_comes_back_by_undo(viewer, radiograph, landmarks_on):
    before = landmarks_on(radiograph).replace(region95=np.full(19, 2.0))
    layer = add(viewer, [before])
    data = layer.data.copy()
    data[[1, 3]] += 4.0
    layer.data = data

    def now():
        return landmarks_from_layer(layer.data, layer.features, layer.metadata, name="points").landmarks[0]

    assert np.isnan(layer.features["sd_mm"][[1, 3]]).all()
    for said in (now().confidence, now().expected_error_px, now().reach95()):
        assert np.flatnonzero(np.isnan(said)).tolist() == [1, 3]
    session = follow(layer)
    while session.can_undo:
        session.undo()
    after = now()
    for name in ("points", "confidence", "covariance", "region95"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    np.testing.assert_array_equal(layer.features["sd_mm"], before.sd_mm)
