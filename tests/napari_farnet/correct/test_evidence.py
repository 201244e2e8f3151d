"""Heatmaps seen from a layer of points, and what speaks against a point."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer

from farnet.frame import Frame
from farnet.review import Review
from napari_farnet.correct.evidence import HeatmapView, gather
from napari_farnet.layers import heatmaps_layer, landmarks_layer
from napari_farnet.placement import Placement
from napari_farnet.settings import Settings

FLAT = Placement.from_spacing((0.1, 0.2))


@pytest.fixture(params=["flat", "stack", "rotated"])
def scene(request, radiograph, landmarks_on, heatmaps_at):
    """A view on the heatmaps of a radiograph, its review, and where it is in the stack."""
    landmarks = landmarks_on(radiograph)
    frame = Frame.fit(radiograph.shape, (64, 48))
    maps = heatmaps_at(frame.to_network(landmarks.points))
    placement, index, stack = FLAT, (), ()
    if request.param == "stack":
        placement, index, stack = FLAT.stacked(), (2,), (1,)
    elif request.param == "rotated":
        turned = ViewerModel().add_points(np.zeros((1, 2)), rotate=30, scale=(0.1, 0.2), translate=(4, -7))
        placement = Placement.of(turned)
    points = Layer.create(*landmarks_layer([landmarks], [index], placement, name="points", settings=Settings()))
    heatmaps = Layer.create(*heatmaps_layer(maps[None], frame, index, stack, placement, name="maps"))
    return HeatmapView(heatmaps, points), Review.of(landmarks), index


def test_points_go_there_and_back(scene, rng):
    view, _review, index = scene
    for point in rng.uniform(0, 150, (5, 2)):
        np.testing.assert_allclose(view.to_points(index, view.to_map(index, point)), point, atol=1e-9)
    assert view.of(index, 0).shape == (64, 48)


def test_a_point_snaps_to_the_peak_of_its_own_landmark(scene):
    view, review, index = scene
    for k in (0, 7, 18):
        near = review.landmarks.points[k] + (9.0, -6.0)
        np.testing.assert_allclose(view.snapped(index, k, near), review.landmarks.points[k], atol=0.05)


def test_the_peak_of_a_point_is_no_rival(scene):
    view, review, index = scene
    assert len(view.rivals(index, 3, review.landmarks.points[3])) == 0
    far = review.landmarks.points[3] + (60.0, 0.0)
    np.testing.assert_allclose(view.rivals(index, 3, far), review.landmarks.points[[3]], atol=0.05)
    assert len(view.rivals(index, 3, None)) == 1


def test_a_point_off_its_heatmap_is_warned_of(scene):
    view, review, index = scene
    before = gather(review, index, view)
    assert (before.mass < 0.5).all()
    moved = review.moved(3, review.landmarks.points[3] + (60.0, 0.0))
    after = gather(moved, index, view, (review, before))
    assert after.mass[3] > 0.99
    np.testing.assert_array_equal(np.delete(after.mass, 3), np.delete(before.mass, 3))
    assert after.alarms[3] > 0
    assert any("Outside its heatmap" in text for text in after.warnings(3))


def test_without_heatmaps_nothing_is_said_of_them(scene):
    _, review, index = scene
    found = gather(review, index, None)
    assert np.isnan(found.mass).all()


def test_another_radiograph_of_the_stack_has_no_heatmaps(scene):
    view, _, index = scene
    if index:
        assert view.of((0,), 0) is None
        assert view.snapped((0,), 0, (5.0, 5.0)) is None
        assert len(view.rivals((0,), 0, None)) == 0
