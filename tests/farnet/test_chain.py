"""Groups of landmarks found together: made-up columns whose heatmaps are ambiguous."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from farnet.chain import Chain, decode_chain
from farnet.errors import InvalidInputError
from farnet.heatmaps import decode, encode

SHAPE, SIGMA = (208, 96), 2.5


def column(rng, shift=(0.0, 0.0), scale=1.0):
    """(28, 2) corners of 7 vertebrae."""
    step = np.array([24.0, 0.0]) * scale + rng.normal(0, 0.8, (7, 2))
    centres = np.array([24.0, 48.0]) + np.cumsum(step, axis=0) - step[0] + shift
    corners = np.array([[-7.0, -12.0], [-7.0, 12.0], [7.0, -12.0], [7.0, 12.0]]) * scale
    return (centres[:, None] + corners[None] + rng.normal(0, 0.7, (7, 4, 2))).reshape(-1, 2)


@pytest.fixture(scope="module")
def chain():
    rng = np.random.default_rng(1)
    return Chain.fit(np.stack([column(rng, rng.normal(0, 3, 2)) for _ in range(60)]), 4)


def maps_of(points):
    return encode(torch.from_numpy(points), SHAPE, SIGMA)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_clear_heatmaps_are_decoded_as_ever(chain, seed):
    rng = np.random.default_rng(seed)
    points = column(rng, rng.normal(0, 3, 2))
    maps = maps_of(points)
    found, plain = decode_chain(maps, SIGMA, chain), decode(maps, SIGMA)
    torch.testing.assert_close(found.points, plain.points)
    torch.testing.assert_close(found.confidence, plain.confidence)
    np.testing.assert_allclose(found.points, points, atol=1e-3)


def test_a_vertebra_that_was_taken_for_its_neighbour_is_put_right(chain, rng):
    points = column(rng)
    maps = maps_of(points)
    wrong = maps.clone()
    wrong[8:12] = 0.4 * maps[8:12] + 0.6 * maps[12:16]  # the third is seen at the fourth's place
    by_itself = decode(wrong, SIGMA).points.numpy()
    assert np.abs(by_itself[8:12] - points[12:16]).max() < 0.5
    found = decode_chain(wrong, SIGMA, chain)
    np.testing.assert_allclose(found.points, points, atol=0.5)
    assert (found.confidence[8:12] < 0.5).all() and (found.confidence[12:16] > 0.9).all()


def test_corners_of_one_vertebra_stay_together(chain, rng):
    points = column(rng)
    maps = maps_of(points)
    wrong = maps.clone()
    for k in (13, 14):  # two corners of the fourth vertebra are seen at the fifth
        wrong[k] = 0.45 * maps[k] + 0.55 * maps[k + 4]
    found = decode_chain(wrong, SIGMA, chain).points.numpy()
    np.testing.assert_allclose(found, points, atol=0.6)


def test_a_landmark_without_a_peak_is_placed_by_the_others(chain, rng):
    points = column(rng)
    maps = maps_of(points)
    maps[[9, 16]] = 0.0
    found = decode_chain(maps, SIGMA, chain)
    assert np.linalg.norm(found.points.numpy() - points, axis=1).max() < 5.0
    assert float(found.confidence[9]) < 0.1


def test_nothing_is_found_in_nothing(chain):
    found = decode_chain(torch.zeros(28, *SHAPE), SIGMA, chain)
    assert torch.isnan(found.points).all()


def test_a_chain_is_kept_in_a_file(chain):
    again = Chain.from_dict(chain.to_dict())
    np.testing.assert_allclose(again.offsets, chain.offsets, atol=1e-3)
    np.testing.assert_allclose(again.step_sd, chain.step_sd, atol=1e-3)
    assert (len(again), again.size) == (28, 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": [[1.0, 2.0]]}, "G at least 2"),
        ({"offsets": "none"}, "no description"),
        ({"step_sd": [[0.0, 1.0]] * 6}, "above zero"),
        ({"offsets": [[[float("nan"), 0.0]] * 4] * 7}, "finite"),
    ],
)
def test_a_damaged_description_is_refused(chain, change, message):
    with pytest.raises(InvalidInputError, match=message):
        Chain.from_dict(chain.to_dict() | change)


def test_what_cannot_be_measured_is_refused():
    points = np.random.default_rng(0).normal(size=(10, 28, 2))
    with pytest.raises(InvalidInputError, match="groups of 5"):
        Chain.fit(points, 5)
    with pytest.raises(InvalidInputError, match="groups of 28"):
        Chain.fit(points, 28)
    points[:6, 3] = np.nan
    with pytest.raises(InvalidInputError, match="4 radiographs have all landmarks"):
        Chain.fit(points, 4)
