"""Landmarks and guesses are told apart."""

import numpy as np
import pytest

from farnet.familiarity import familiarity
from farnet.landmarks import Landmarks
from farnet.samples import average_cephalogram
from farnet.scheme import LandmarkDefinition, LandmarkScheme


@pytest.fixture(scope="module")
def good():
    landmarks = average_cephalogram()[1]
    return landmarks.replace(confidence=np.full(19, 0.95))


def test_landmarks_of_a_patient_are_familiar(good):
    found = familiarity(good)
    assert not found.unlike and found.reasons == ()
    assert (found.confidence, found.misplaced, found.mirrored) == (0.95, 0.0, False)
    assert found.score == 0.95


def test_an_unsure_network_is_told(good):
    found = familiarity(good.replace(confidence=np.full(19, 0.6)))
    assert found.unlike and "median confidence 0.60" in found.reasons[0]
    assert not familiarity(good.replace(confidence=np.full(19, 0.6)), least_confidence=0.5).unlike


def test_points_that_do_not_lie_as_in_a_patient_are_told(good, rng):
    found = familiarity(good.replace(points=rng.permutation(good.points)))
    assert found.unlike and "do not lie as in a patient" in found.reasons[0]
    assert found.score < 0.7


def test_a_few_absent_landmarks_are_no_reason(good):
    points = good.points.copy()
    points[:3] = np.nan
    assert not familiarity(good.replace(points=points)).unlike
    points[:8] = np.nan
    assert familiarity(good.replace(points=points)).unlike
    nothing = familiarity(good.replace(points=np.full((19, 2), np.nan), confidence=np.full(19, np.nan)))
    assert nothing.unlike and nothing.score == 0.0


def test_mirrored_points_are_called_so(good):
    points = good.points * (1, -1) + (0, 2000)
    assert "they look mirrored" in familiarity(good.replace(points=points, confidence=np.full(19, 0.1))).reasons


def test_landmarks_without_a_shape_model_are_judged_by_confidence():
    scheme = LandmarkScheme("own", "Own", tuple(LandmarkDefinition(name, name) for name in "abcd"))
    landmarks = Landmarks(np.zeros((4, 2)), scheme, confidence=np.full(4, 0.9))
    assert not familiarity(landmarks).unlike
    assert familiarity(landmarks.replace(confidence=None)).unlike
