from __future__ import annotations

import numpy as np
import pytest

from farnet.datasets.isbi2015 import ISBI2015
from farnet.errors import AnnotationError, InvalidInputError, SchemeError
from farnet.landmarks import Landmarks
from farnet.samples import average_cephalogram, noisy_observers
from farnet.scheme import load_scheme

TRUTH = average_cephalogram()[1]


def errors_mm(placed, truth=TRUTH):
    return (np.stack([item.points for item in placed]) - truth.points) * truth.spacing


def test_names_and_what_is_kept():
    absent = TRUTH.points.copy()
    absent[3] = np.nan
    truth = [TRUTH, TRUTH.replace(points=absent, radiograph="another", confidence=np.ones(19))]
    observers = noisy_observers(truth)
    assert [[item.source for item in placed] for placed in observers] == [["observer 1"] * 2, ["observer 2"] * 2]
    for placed in observers:
        assert [item.radiograph for item in placed] == ["average_cephalogram", "another"]
        assert placed[1].confidence is None
        assert placed[0].spacing == TRUTH.spacing
        assert placed[0].image_shape == TRUTH.image_shape
        assert placed[0].image_sha256 == TRUTH.image_sha256
        np.testing.assert_array_equal(placed[1].present, truth[1].present)


def test_the_same_seed_gives_the_same():
    first, again, other = (noisy_observers([TRUTH] * 2, seed)[0] for seed in (4, 4, 5))
    assert all(a.equals(b) for a, b in zip(first, again, strict=True))
    assert not np.allclose(first[0].points, other[0].points)
    assert not np.allclose(first[0].points, first[1].points)


def test_two_of_them_differ_as_the_two_doctors_do(isbi2015):
    dataset = ISBI2015(isbi2015, split="train")
    junior, senior = (
        np.stack([dataset.observer_landmarks(i, name).points for i in range(len(dataset))]) * 0.1
        for name in dataset.observers
    )
    real = junior - senior
    first, second = (errors_mm(placed) for placed in noisy_observers([TRUTH] * 3000))
    made = first - second
    np.testing.assert_allclose(made.mean(axis=0), real.mean(axis=0), atol=0.2)
    np.testing.assert_allclose(made.std(axis=0), real.std(axis=0), rtol=0.1)
    assert np.linalg.norm(made, axis=2).mean() == pytest.approx(np.linalg.norm(real, axis=2).mean(), rel=0.15)
    for k in range(19):
        assert np.corrcoef(made[:, k].T)[0, 1] == pytest.approx(np.corrcoef(real[:, k].T)[0, 1], abs=0.1)
    assert np.abs((first + second).mean(axis=0)).max() < 0.2, "their mean is right"


def test_one_observer_is_right_on_average_and_three_share_the_difference():
    (alone,) = noisy_observers([TRUTH] * 2000, observers=1)
    assert np.abs(errors_mm(alone).mean(axis=0)).max() < 0.2
    three = [errors_mm(placed).mean(axis=0) for placed in noisy_observers([TRUTH] * 2000, observers=3)]
    np.testing.assert_allclose(three[1], 0, atol=0.2)
    assert np.abs(three[0] - three[2]).max() > 5


def test_spacing_is_used():
    flat = TRUTH.replace(points=TRUTH.points * [0.5, 1], spacing=(0.4, 0.2))
    a, b = noisy_observers([TRUTH], 9)[0][0], noisy_observers([flat], 9)[0][0]
    np.testing.assert_allclose(b.points * [2, 1], a.points)


def test_what_cannot_be_placed_is_refused():
    with pytest.raises(AnnotationError, match="no spacing"):
        noisy_observers([TRUTH.replace(spacing=None)])
    with pytest.raises(SchemeError, match="hand37"):
        noisy_observers([Landmarks(np.zeros((37, 2)), load_scheme("hand37"), spacing=0.2)])
    with pytest.raises(InvalidInputError, match="0 observers"):
        noisy_observers([TRUTH], observers=0)
    with pytest.raises(InvalidInputError, match="seed -1"):
        noisy_observers([TRUTH], seed=-1)
