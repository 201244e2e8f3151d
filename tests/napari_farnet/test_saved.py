"""A layer travels in the provenance of the landmarks that were saved from it, and comes out of it whole."""

from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image

from farnet.errors import AnnotationError
from farnet.landmarks import Landmarks
from farnet.scheme import load_scheme
from napari_farnet.placement import Placement
from napari_farnet.saved import SavedLayer

FILE = Path("skull.csv")


@pytest.fixture
def landmarks():
    points = np.random.default_rng(0).uniform(0, 90, (19, 2))
    return Landmarks(points, load_scheme("cephalometric19"), radiograph="skull", provenance={"model": "m"})


def layer(shape=(4, 20, 10)):
    image = Image(np.zeros(shape), scale=(1.0, 0.2, 0.3)[-len(shape) :], translate=(0.0, 5.0, -2.0)[-len(shape) :])
    return SavedLayer("my points", (2,) * (len(shape) - 2), Placement.of(image))


@pytest.mark.parametrize("shape", [(20, 10), (4, 20, 10)])
def test_round_trip(landmarks, shape):
    saved = layer(shape)
    carrying = saved.add_to(landmarks)
    assert carrying.provenance["model"] == "m" and "napari" not in landmarks.provenance
    again, plain = SavedLayer.split_off(carrying, FILE)
    assert (again.name, again.index) == (saved.name, saved.index)
    assert again.placement.to_json() == saved.placement.to_json()
    assert plain.equals(landmarks)


def test_landmarks_of_no_layer(landmarks):
    assert SavedLayer.split_off(landmarks, FILE) == (None, landmarks)


@pytest.mark.parametrize(
    "damage",
    [
        lambda own: own.pop("layer"),
        lambda own: own.update(slice=["two"]),
        lambda own: own.update(slice=[1, 2]),
        lambda own: own.update(slice=None),
        lambda own: own.update(placement={}),
        lambda own: own.update(placement="left"),
    ],
)
def test_something_else_in_its_place_is_named(landmarks, damage):
    carrying = layer().add_to(landmarks)
    own = {**carrying.provenance["napari"]}
    damage(own)
    hostile = carrying.replace(provenance={**carrying.provenance, "napari": own})
    with pytest.raises(AnnotationError, match=r"skull\.csv.*'napari'.*Remove"):
        SavedLayer.split_off(hostile, FILE)
    with pytest.raises(AnnotationError, match="no layer"):
        SavedLayer.split_off(carrying.replace(provenance={"napari": 7}), FILE)
