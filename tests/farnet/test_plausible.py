"""Sizes that a person can have and cannot, and points that are not on their picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farnet.landmarks import Landmarks
from farnet.plausible import SPANS_MM, doubts, implausible_scale, relative_size, span_mm
from farnet.scheme import LandmarkDefinition, LandmarkScheme, bundled_schemes, load_scheme
from farnet.shape import load_shape_model

OWN = LandmarkScheme("own", "My own", tuple(LandmarkDefinition(name, name) for name in "ABC"))


def of_span(name, span, spacing=(0.1, 0.1), absent=()):
    """The mean shape of a scheme, as large as is asked for, in px."""
    mean = load_shape_model(name).mean
    mean = mean * span / max(np.linalg.norm(mean - point, axis=1).max() for point in mean)
    points = (mean - mean.min(0) + 5.0) / np.array(spacing)
    points[list(absent)] = np.nan
    return Landmarks(points, load_scheme(name), spacing=spacing, radiograph="a")


@pytest.mark.parametrize("name", bundled_schemes())
@given(data=st.data())
def test_the_size_is_told_by_what_is_present(name, data):
    count = len(load_scheme(name))
    absent = data.draw(st.sets(st.integers(0, count - 1), max_size=count - 2))
    spacing = data.draw(st.tuples(st.floats(0.01, 5), st.floats(0.01, 5)))
    low, high = SPANS_MM[name]
    span = data.draw(st.floats(low / 50, high * 50))
    item = of_span(name, span, spacing, absent)
    assert span_mm(item) == pytest.approx(span)
    said = implausible_scale(item)
    assert (said is None) == (low <= span_mm(item) <= high)
    assert implausible_scale(item.replace(spacing=None)) is None


@pytest.mark.parametrize("name", bundled_schemes())
@pytest.mark.parametrize("wrong", [0.0001, 0.01, 10.0, 350.0])
def test_pixels_a_hundred_times_too_large_or_small_are_told(name, wrong):
    low, high = SPANS_MM[name]
    right = of_span(name, np.sqrt(low * high))
    assert doubts(right) == ()
    (said,) = doubts(right.replace(spacing=0.1 * wrong))
    assert f"At {0.1 * wrong:.4g} mm a pixel" in said and load_scheme(name).title in said


def test_schemes_of_ones_own_may_be_as_large_as_a_person():
    item = Landmarks([[0, 0], [3, 4], [np.nan, np.nan]], OWN, spacing=1.0)
    assert span_mm(item) == 5.0
    assert implausible_scale(item) is None
    assert "reach over 5 m" in implausible_scale(item.replace(spacing=1000.0))
    assert implausible_scale(item.replace(spacing=0.01)) is not None
    alone = Landmarks([[0, 0], [np.nan, np.nan], [np.nan, np.nan]], OWN, spacing=1.0)
    assert implausible_scale(alone) is None
    assert implausible_scale(item.replace(points=np.ones((3, 2)))) is None


@given(st.floats(0.1, 10), st.floats(-np.pi, np.pi), st.integers(0, 18))
def test_one_misplaced_point_does_not_change_the_size(times, angle, k):
    shape = load_shape_model("cephalometric19").mean
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = times * shape @ turn + 100.0
    assert relative_size(points, shape) == pytest.approx(times)
    points[k] += 1000.0 * times
    assert relative_size(points, shape) == pytest.approx(times)


def test_what_is_outside_its_picture_is_named():
    item = of_span("cephalometric19", 120.0).replace(image_shape=(5000, 5000))
    assert doubts(item) == ()
    cut = item.replace(image_shape=(int(item.points[7, 0]) - 2, 5000))
    (said,) = doubts(cut)
    assert "taken as they are" in said and cut.scheme.names[7] in said
    (said,) = doubts(cut.inside())
    assert "so absent" in said and cut.scheme.names[7] in said
    again = cut.inside()
    points = again.points.copy()
    points[np.isnan(points)] = 1.0  # a person places them
    assert not any("so absent" in text for text in doubts(again.replace(points=points)))


def test_heads_of_the_challenge_are_of_a_plausible_size(isbi2015):
    from farnet.datasets.named import open_dataset

    data = open_dataset("isbi2015", isbi2015, split="test1")
    for i in range(len(data.ids)):
        assert doubts(data.landmarks(i)) == ()
        assert implausible_scale(data.landmarks(i).replace(spacing=0.001)) is not None
