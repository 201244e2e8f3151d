import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farnet.frame import Frame
from farnet.reframing import reframed

SHAPE = (512, 416)
TYPICAL = np.random.default_rng(0).uniform((120, 100), (400, 330), (19, 2))
SURE = np.ones(19)


@given(
    scale=st.floats(0.4, 2.5),
    row=st.floats(-300, 300),
    column=st.floats(-300, 300),
    mode=st.sampled_from(["letterbox", "stretch"]),
    image=st.tuples(st.integers(600, 2600), st.integers(600, 2600)),
)
def test_the_new_frame_shows_the_points_where_they_are_typical(scale, row, column, mode, image):
    frame = Frame.fit(image, SHAPE, mode)
    there = (TYPICAL - TYPICAL.mean(0)) * scale + TYPICAL.mean(0) + (row, column)
    better = reframed(frame, there, SURE, TYPICAL, mode)
    if better is None:
        assert 0.88 < scale < 1.13
        return
    shown = better.to_network(frame.to_radiograph(there))
    # A crop is whole pixels of the radiograph, so half of one is the best that can be had.
    assert np.abs(shown - TYPICAL).max() < 4.0


def test_what_lies_well_is_left_alone():
    frame = Frame.fit((2400, 1935), SHAPE, "letterbox")
    assert reframed(frame, TYPICAL * 1.02 + 5, SURE, TYPICAL, "letterbox") is None


def test_outliers_do_not_decide():
    frame = Frame.fit((2400, 1935), SHAPE, "letterbox")
    wild = TYPICAL.copy()
    wild[:3] = (5, 5)
    assert reframed(frame, wild, SURE, TYPICAL, "letterbox") is None


@pytest.mark.parametrize("found", [0, 3, 5])
def test_too_few_points_tell_nothing(found):
    points = np.full((19, 2), np.nan)
    points[:found] = 3 * TYPICAL[:found]
    assert reframed(Frame.fit((900, 700), SHAPE), points, SURE, TYPICAL, "stretch") is None


def test_points_on_one_spot_are_no_anatomy():
    assert reframed(Frame.fit((900, 700), SHAPE), np.full((19, 2), 30.0), SURE, TYPICAL, "stretch") is None
