from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from farnet.errors import RadiographError
from farnet.readers.picture import check_size, inverted, luminance

DTYPES = (np.uint8, np.uint16, np.float32)


@given(hnp.arrays(st.sampled_from(DTYPES), (3, 4), elements={"allow_nan": False, "allow_infinity": False}))
def test_equal_channels_give_exactly_their_value(grey):
    for channels in (3, 4):
        result = luminance(np.repeat(grey[..., None], channels, axis=-1), "x")
        assert result.dtype == grey.dtype
        np.testing.assert_array_equal(result, grey)


def test_colour_is_weighted_alike_in_every_type(rng):
    colour = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    expected = colour @ [0.299, 0.587, 0.114]
    assert np.abs(luminance(colour, "x") - expected).max() <= 0.51
    assert np.abs(luminance(colour.astype(np.uint16) * 257, "x") / 257 - expected).max() <= 0.01
    np.testing.assert_allclose(luminance(colour.astype(np.float64), "x"), expected, atol=5e-3)


@pytest.mark.parametrize(
    ("array", "dtype", "values"),
    [
        (np.array([[True, False]]), np.uint8, [255, 0]),
        (np.array([[1, 255]], np.uint8), np.uint8, [1, 255]),
        (np.array([[1, 65535]], np.int64), np.uint16, [1, 65535]),
        (np.array([[1, 65535]], ">u2"), np.uint16, [1, 65535]),
        (np.array([[-1, 5]], np.int16), np.float32, [-1, 5]),
        (np.array([[0, 65536]], np.uint32), np.float32, [0, 65536]),
        (np.array([[0.5, 2]], np.float16), np.float32, [0.5, 2]),
        (np.array([[0.5, 2]], ">f8"), np.float32, [0.5, 2]),
    ],
)
def test_values_are_kept_in_the_narrowest_of_three_types(array, dtype, values):
    result = luminance(array, "x")
    assert result.dtype == dtype
    assert result.dtype.isnative
    assert result[0].tolist() == values


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (1, 5, 7), (1, 1, 5, 7), (5, 7, 3), (5, 7, 4), (1, 5, 7, 3)])
def test_shapes_of_one_picture(shape):
    assert luminance(np.zeros(shape, np.uint8), "x").shape == (5, 7)


@pytest.mark.parametrize("shape", [(), (7,), (5, 7, 2), (5, 7, 9), (3, 5, 7), (2, 5, 7, 3)])
def test_anything_else_is_no_radiograph(shape):
    with pytest.raises(RadiographError, match=r"The array has the shape .*one 2-D picture"):
        luminance(np.zeros(shape, np.uint8), "The array")


@pytest.mark.parametrize("array", [np.array([["a"]]), np.array([[1j]]), np.array([[None]])])
def test_pixels_are_numbers(array):
    with pytest.raises(RadiographError, match=r"type .*must be boolean, integer or floating-point"):
        luminance(array, "The array")


def test_values_beyond_32_bits_are_refused_not_made_infinite():
    with pytest.raises(RadiographError, match=r"1e\+300"):
        luminance(np.array([[0, 1e300]]), "x")


@given(hnp.arrays(st.sampled_from([np.uint8, np.uint16]), (3, 4)))
def test_inverting_keeps_range_and_type_and_undoes_itself(pixels):
    once = inverted(pixels)
    assert once.dtype == pixels.dtype
    assert (once.min(), once.max()) == (pixels.min(), pixels.max())
    np.testing.assert_array_equal(inverted(once), pixels)


@pytest.mark.parametrize("shape", [(16, 16), (10_000, 15_000)])
def test_sizes_at_the_limits_pass(shape):
    check_size(shape, "x")


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((0, 0), "at least 16 x 16"),
        ((8, 8), "8 x 8 pixels"),
        ((15, 4000), "at least 16 x 16"),
        ((20_000, 20_000), "400 million; at most 150 million"),
    ],
)
def test_sizes_beyond_the_limits_are_refused(shape, words):
    with pytest.raises(RadiographError, match=words):
        check_size(shape, "The picture")
