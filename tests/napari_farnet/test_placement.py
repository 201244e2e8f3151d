"""Placements agree with napari's own transforms, to the last digits that a double has."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.layers import Image, Points

from farnet.frame import Frame
from napari_farnet.placement import Placement

# napari shows a stack that is tilted along its slices less than exactly, and says so; it places it exactly.
pytestmark = pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")

_sizes = st.floats(0.05, 20.0)
_shifts = st.floats(-500.0, 500.0)
_small = st.floats(-0.8, 0.8)


@st.composite
def layers(draw, ndim=None):
    n = draw(st.integers(2, 4)) if ndim is None else ndim
    turn = np.linalg.qr(np.array(draw(st.lists(_small, min_size=n * n, max_size=n * n))).reshape(n, n) + 2 * np.eye(n))
    affine = np.eye(n + 1)
    affine[:-1, :-1] += 0.3 * np.array(draw(st.lists(_small, min_size=n * n, max_size=n * n))).reshape(n, n)
    affine[:-1, -1] = draw(st.lists(_shifts, min_size=n, max_size=n))
    return Image(
        np.zeros((3,) * (n - 2) + (40, 30)),
        scale=draw(st.lists(_sizes, min_size=n, max_size=n)),
        translate=draw(st.lists(_shifts, min_size=n, max_size=n)),
        rotate=turn.Q,
        shear=draw(st.lists(_small, min_size=n * (n - 1) // 2, max_size=n * (n - 1) // 2)),
        affine=affine,
        units=("pixel",) * (n - 2) + ("mm", "mm"),
        axis_labels=tuple("abcd"[:n]),
    )


def world(matrix, point):
    return (matrix @ np.append(point, 1.0))[:-1]


@settings(deadline=None, max_examples=20)
@given(layers(), st.lists(_shifts, min_size=4, max_size=4))
def test_matrix_is_data_to_world(layer, point):
    point = np.array(point[: layer.ndim])
    np.testing.assert_allclose(
        world(Placement.of(layer).matrix, point), layer.data_to_world(point), rtol=1e-9, atol=1e-6
    )


@settings(deadline=None, max_examples=20)
@given(layers(), st.lists(_shifts, min_size=4, max_size=4))
def test_a_layer_made_with_it_lies_the_same(layer, point):
    point = np.array(point[: layer.ndim])
    twin = Points(np.zeros((1, layer.ndim)), **Placement.of(layer).keywords())
    np.testing.assert_allclose(twin.data_to_world(point), layer.data_to_world(point), rtol=1e-9, atol=1e-6)
    assert twin.units == layer.units
    assert twin.axis_labels == layer.axis_labels


@settings(deadline=None, max_examples=20)
@given(layers(), st.sampled_from(["stretch", "letterbox"]), st.data())
def test_heatmaps_lie_over_the_radiograph(layer, mode, data):
    frame = Frame.fit((40, 30), (64, 96), mode)
    leading = tuple(data.draw(st.integers(0, 2)) for _ in range(layer.ndim - 2))
    pixel = np.array([data.draw(st.integers(0, 63)), data.draw(st.integers(0, 95))])
    heatmaps = Image(
        np.zeros((1,) * len(leading) + (64, 96)), **Placement.of(layer).of_heatmaps(frame, leading).keywords()
    )
    on_heatmap = heatmaps.data_to_world((*(0,) * len(leading), *pixel))
    on_image = layer.data_to_world((*leading, *frame.to_radiograph(pixel.astype(float))))
    np.testing.assert_allclose(on_heatmap, on_image, rtol=1e-9, atol=1e-6)


@settings(deadline=None, max_examples=10)
@given(layers())
def test_json_gives_it_back_exactly(layer):
    before = Placement.of(layer)
    after = Placement.from_json(json.loads(json.dumps(before.to_json())))
    for name, value in before.keywords().items():
        assert np.array_equal(value, after.keywords()[name]), name


@settings(deadline=None, max_examples=10)
@given(layers(ndim=2), st.lists(_shifts, min_size=2, max_size=2))
def test_a_stack_of_layers_lies_like_each_of_them(layer, point):
    stack = Image(np.zeros((5, 40, 30)), **Placement.of(layer).stacked().keywords())
    there = stack.data_to_world((3, *point))
    assert there[0] == pytest.approx(3.0)
    np.testing.assert_allclose(there[1:], layer.data_to_world(point), rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({"scale": (0.1, 0.2), "units": ("mm", "mm")}, (0.1, 0.2)),
        ({"scale": (100, 150), "units": ("um", "um")}, (0.1, 0.15)),
        ({"scale": (0.01, 0.02), "units": ("cm", "mm")}, (0.1, 0.02)),
        ({"scale": (0.1, 0.1), "units": ("mm", "mm"), "rotate": 30}, (0.1, 0.1)),
        ({"scale": (0.1, 0.1), "units": ("mm", "mm"), "affine": np.diag([2.0, 3.0, 1.0])}, (0.2, 0.3)),
        ({"scale": (0.1, 0.1), "units": ("mm", "mm"), "shear": [0.4]}, None),
        ({"scale": (0.1, 0.1)}, None),
        ({"scale": (0.1, 0.1), "units": ("mm", "pixel")}, None),
        ({"scale": (0.1, 0.1), "units": ("s", "s")}, None),
    ],
)
def test_spacing_only_from_lengths(keywords, expected):
    layer = Image(np.zeros((40, 30)), **keywords)
    measured = Placement.of(layer).spacing()
    assert measured == (None if expected is None else pytest.approx(expected))


def test_spacing_of_a_stack_of_slices_counted_in_pixels():
    layer = Image(np.zeros((3, 40, 30)), scale=(5, 0.1, 0.2), units=("pixel", "mm", "mm"))
    assert Placement.of(layer).spacing() == pytest.approx((0.1, 0.2))


@pytest.mark.parametrize(
    "change", [{"scale": [1.0]}, {"units": ["mm"]}, {"rotate": [[1.0]]}, {"affine": None}, {"shear": "tilted"}]
)
def test_what_is_no_placement_is_refused(change):
    with pytest.raises((KeyError, TypeError, ValueError)):
        Placement.from_json(Placement.from_spacing(None).to_json() | change)
