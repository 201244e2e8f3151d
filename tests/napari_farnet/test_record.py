"""What a layer remembers of where its landmarks are from."""

import numpy as np
import pytest

from farnet.landmarks import Landmarks
from farnet.scheme import load_scheme
from napari_farnet.record import METADATA_KEY, LandmarkRecord, kind_of, record_of

SCHEME = load_scheme("cephalometric19")


def landmarks(last=(30.2, 17.6), **changes):
    points = np.full((19, 2), np.nan)
    points[0], points[5] = (3.0, 4.0), last
    return Landmarks(points, SCHEME, **changes)


def test_the_landmarks_of_a_slice():
    first, second = landmarks(), landmarks((5.0, 6.0))
    record = LandmarkRecord((first, second), ((0,), (7,)))
    assert record.at((7,)) is second and record.at((1,)) is None
    assert record.scheme == SCHEME


def test_the_shape_of_the_radiographs():
    assert LandmarkRecord((landmarks(image_shape=(240, 180)),), ((),)).image_shape == (240, 180)


def test_where_the_shape_is_unknown_the_points_fit_in():
    assert LandmarkRecord((landmarks(), landmarks((50.0, 2.0))), ((0,), (1,))).image_shape == (51, 18)
    nothing = Landmarks(np.full((19, 2), np.nan), SCHEME)
    assert LandmarkRecord((nothing,), ((),)).image_shape == (1, 1)


@pytest.mark.parametrize("metadata", [{}, {METADATA_KEY: "text"}, {METADATA_KEY: {}}, {"other": {"kind": "landmarks"}}])
def test_layers_of_somebody_else(metadata):
    assert kind_of(metadata) is None and record_of(metadata) is None


def test_only_landmarks_have_a_record():
    assert record_of({METADATA_KEY: {"kind": "heatmaps"}}) is None
    own = {"kind": "landmarks", "landmarks": (landmarks(),), "indices": ((),)}
    record = record_of({METADATA_KEY: own})
    assert record is not None and record.landmarks == own["landmarks"]
