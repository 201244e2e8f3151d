"""Landmarks become layers and come back."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Layer

from farnet.errors import AnnotationError
from farnet.frame import Frame
from napari_farnet.layers import heatmaps_layer, landmarks_from_layer, landmarks_layer, radiograph_layer
from napari_farnet.placement import Placement
from napari_farnet.record import kind_of, record_of
from napari_farnet.settings import Settings
from napari_farnet.sources import RadiographSource

FEATURES = {"name", "abbreviation", "confidence", "sd_mm", "source", "model", "edited"}
FLAT = Placement.from_spacing((0.1, 0.2))


def points_layer(landmarks, indices=((),), placement=FLAT):
    return Layer.create(*landmarks_layer(landmarks, indices, placement, name="points", settings=Settings()))


def back(layer):
    return landmarks_from_layer(layer.data, layer.features, layer.metadata, name=layer.name)


def test_layer_and_back_is_the_same(radiograph, landmarks_on):
    landmarks = landmarks_on(radiograph, absent=(4, 7))
    layer = points_layer([landmarks])
    (again,) = back(layer).landmarks
    assert again.equals(landmarks)


def test_what_the_layer_shows(radiograph, landmarks_on):
    landmarks = landmarks_on(radiograph, absent=(4,))
    layer = points_layer([landmarks])
    assert set(layer.features) == FEATURES
    np.testing.assert_array_equal(layer.data, landmarks.points[landmarks.present])
    np.testing.assert_array_equal(layer.features["confidence"], landmarks.confidence[landmarks.present])
    np.testing.assert_array_equal(layer.features["sd_mm"], landmarks.sd_mm[landmarks.present])
    assert set(layer.features["source"]) == {"model"}
    assert set(layer.features["model"]) == {"fake"}
    assert not layer.features["edited"].any()
    assert [text.strip("\u2005\n") for text in layer.text.values] == [
        name for k, name in enumerate(landmarks.scheme.abbreviations) if k != 4
    ]
    assert layer.face_color_mode == "colormap"
    assert layer.face_contrast_limits == (0.0, 1.0)
    np.testing.assert_array_equal(layer.scale, (0.1, 0.2))
    assert [str(unit) for unit in layer.units] == ["millimeter"] * 2


def test_absent_landmarks_are_in_the_metadata_and_nothing_is_nan(radiograph, landmarks_on):
    layer = points_layer([landmarks_on(radiograph, absent=(0, 18))])
    own = layer.metadata["farnet"]
    assert own["absent"] == (("Sella", "Articulare"),)
    assert own["provenance"]["model"] == {"name": "fake", "sha256": "0" * 64}
    assert np.isfinite(layer.data).all()
    assert np.isfinite(layer.extent.world).all()
    assert (layer.face_color[:, 3] == 1).all()


def test_nothing_found_is_an_empty_layer(radiograph, landmarks_on):
    landmarks = landmarks_on(radiograph, absent=tuple(range(19)))
    layer = points_layer([landmarks])
    assert layer.data.shape == (0, 2)
    assert set(layer.features) == FEATURES
    assert back(layer).landmarks[0].equals(landmarks)


def test_without_confidence_the_colour_is_plain_and_stays_unknown(radiograph, landmarks_on):
    landmarks = landmarks_on(radiograph).replace(confidence=None, covariance=None, source="junior", spacing=None)
    layer = points_layer([landmarks])
    assert layer.face_color_mode == "direct"
    assert (layer.features["confidence"] == 1.0).all()
    assert layer.features["sd_mm"].isna().all()
    assert set(layer.features["source"]) == {"junior"}
    assert back(layer).landmarks[0].equals(landmarks)


def test_an_unknown_confidence_is_never_an_invisible_point(radiograph, landmarks_on):
    landmarks = landmarks_on(radiograph)
    confidence = landmarks.confidence.copy()
    confidence[3] = np.nan
    layer = points_layer([landmarks.replace(confidence=confidence)])
    assert (layer.face_color[:, 3] == 1).all()
    assert np.isnan(back(layer).landmarks[0].confidence[3])


def test_stack(radiograph, landmarks_on):
    stack = [landmarks_on(radiograph, absent=(k,)) for k in range(3)]
    indices = [(0,), (1,), (2,)]
    layer = points_layer(stack, indices, FLAT.stacked())
    assert layer.data.shape == (3 * 18, 3)
    np.testing.assert_array_equal(np.unique(layer.data[:, 0], return_counts=True), [[0, 1, 2], [18, 18, 18]])
    record = back(layer)
    assert record.indices == tuple(indices)
    assert all(now.equals(before) for now, before in zip(record.landmarks, stack, strict=True))


def test_a_moved_point_comes_back_edited_without_anybody_watching(radiograph, landmarks_on):
    landmarks = landmarks_on(radiograph)
    layer = points_layer([landmarks])
    layer.data[2] += (1.5, -2.25)
    (again,) = back(layer).landmarks
    np.testing.assert_array_equal(again.points[2], landmarks.points[2] + (1.5, -2.25))
    np.testing.assert_array_equal(np.flatnonzero(again.edited), [2])


def test_a_deleted_point_comes_back_absent_and_edited(radiograph, landmarks_on):
    layer = points_layer([landmarks_on(radiograph)])
    layer.remove([5])
    (again,) = back(layer).landmarks
    np.testing.assert_array_equal(np.flatnonzero(~again.present), [5])
    np.testing.assert_array_equal(np.flatnonzero(again.edited), [5])


def test_a_point_twice_is_refused_with_its_name(radiograph, landmarks_on):
    layer = points_layer([landmarks_on(radiograph)])
    features = layer.features.copy()
    features.loc[3, "name"] = "Sella"
    layer.features = features
    with pytest.raises(AnnotationError, match=r"has Sella twice.*Delete one"):
        back(layer)


@pytest.mark.parametrize("name", ["", "Bregma"])
def test_a_point_that_is_no_landmark_is_refused(radiograph, landmarks_on, name):
    layer = points_layer([landmarks_on(radiograph)])
    features = layer.features.copy()
    features.loc[3, "name"] = name
    layer.features = features
    with pytest.raises(AnnotationError, match="Point 4 of the layer 'points'"):
        back(layer)


def test_points_of_somebody_else_are_refused():
    layer = Layer.create(np.zeros((3, 2)), {"name": "cells"}, "points")
    with pytest.raises(AnnotationError, match="'cells' holds points, not landmarks"):
        back(layer)


def test_a_lost_name_column_is_refused(radiograph, landmarks_on):
    layer = points_layer([landmarks_on(radiograph)])
    features = layer.features.drop(columns=["name", "abbreviation"])
    with pytest.raises(AnnotationError, match="lost its feature 'name'"):
        landmarks_from_layer(layer.data, features, layer.metadata, name="points")


def test_heatmaps(radiograph, landmarks_on, heatmaps_at):
    frame = Frame.fit(radiograph.shape, (64, 48))
    landmarks = landmarks_on(radiograph)
    maps = heatmaps_at(frame.to_network(landmarks.points))
    layer = Layer.create(*heatmaps_layer(maps[None], frame, (), (), FLAT, name="maps"))
    np.testing.assert_array_equal(layer.data, maps.max(axis=0))
    np.testing.assert_array_equal(layer.metadata["farnet"]["maps"], maps)
    assert layer.blending == "additive"
    assert layer.colormap.name != "gray"
    assert kind_of(layer.metadata) == "heatmaps"


@pytest.mark.parametrize("absent", [(), (2,)])
def test_a_combined_heatmap_keeps_no_others(radiograph, landmarks_on, heatmaps_at, absent):
    frame = Frame.fit(radiograph.shape, (64, 48))
    maps = heatmaps_at(frame.to_network(landmarks_on(radiograph, absent=absent).points)).max(axis=0)
    layer = Layer.create(*heatmaps_layer(maps[None, None], frame, (), (), FLAT, name="maps"))
    np.testing.assert_array_equal(layer.data, maps)
    assert "maps" not in layer.metadata["farnet"]


def test_heatmaps_of_a_stack_and_of_one_of_its_slices(radiograph, heatmaps_at):
    frame = Frame.fit(radiograph.shape, (64, 48))
    maps = heatmaps_at(np.array([[10.0, 10.0], [40.0, 30.0]]))
    stacked = FLAT.stacked().stacked()
    whole = Layer.create(*heatmaps_layer(np.stack([maps] * 6), frame, (0, 0), (2, 3), stacked, name="maps"))
    assert whole.data.shape == (2, 3, 64, 48)
    one = Layer.create(*heatmaps_layer(maps[None], frame, (1, 2), (1, 1), stacked, name="maps"))
    assert one.data.shape == (1, 1, 64, 48)
    np.testing.assert_allclose(one.data_to_world((0, 0, 0, 0))[:2], (1, 2))
    np.testing.assert_allclose(one.data_to_world((0, 0, 7, 9)), whole.data_to_world((1, 2, 7, 9)))


def test_a_radiograph_keeps_where_it_is_from(radiograph):
    layer = Layer.create(*radiograph_layer([radiograph], FLAT))
    source = RadiographSource.of(layer)
    assert source.spacing == radiograph.spacing
    assert source.spacing_source == "given"
    assert record_of(layer.metadata) is None
    np.testing.assert_array_equal(source.read(()).pixels, radiograph.pixels)
