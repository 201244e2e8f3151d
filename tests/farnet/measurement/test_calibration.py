"""Calibration with a ruler."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farnet.errors import InvalidInputError
from farnet.measurement import calibrate
from farnet.measurement.calibration import is_ruler
from farnet.measurement.geometry import Space, distance


def test_square_pixels():
    found = calibrate((0, 0), (30, 40), 10)
    assert found.spacing == (0.2, 0.2)
    assert found.source == "ruler 10 mm over 50.0 px"
    assert found.relative_error == 0.04
    assert is_ruler(found.source)
    assert not is_ruler("PixelSpacing")
    assert not is_ruler(None)


@given(
    st.tuples(st.floats(0, 500), st.floats(0, 500)),
    st.tuples(st.floats(600, 900), st.floats(600, 900)),
    st.floats(0.1, 500),
    st.floats(0.05, 3),
    st.floats(0.05, 3),
)
def test_the_ruler_has_its_length_afterwards_and_pixels_keep_their_shape(first, second, length, rows, columns):
    found = calibrate(first, second, length, pixel_shape=(rows, columns))
    assert distance(Space(found.spacing).vector(first, second)) == pytest.approx(length)
    assert found.spacing[0] / found.spacing[1] == pytest.approx(rows / columns)


@pytest.mark.parametrize("length", [0, -1, math.nan, math.inf, "10", None])
def test_a_length_that_is_none(length):
    with pytest.raises(InvalidInputError, match="millimetres above zero"):
        calibrate((0, 0), (0, 100), length)


@pytest.mark.parametrize("end", [(0, 0), (0, 1.5), (math.nan, 3)])
def test_ends_that_are_one(end):
    with pytest.raises(InvalidInputError, match="further apart"):
        calibrate((0, 0), end, 10)


@pytest.mark.parametrize("end", [None, (1, 2, 3), "there"])
def test_ends_that_are_no_points(end):
    with pytest.raises(InvalidInputError, match="two points"):
        calibrate((0, 0), end, 10)
