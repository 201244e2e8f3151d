"""What a heatmap says about a point: peaks, the nearest of them, the mass above."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farnet.heatmap_evidence import OUTSIDE_MASS, find_peaks, mass_above, nearest_peak

SHAPE = (60, 50)


def gaussian(row, column, sigma=3.0, height=1.0):
    rows, columns = np.indices(SHAPE)
    return (height * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * sigma**2))).astype(np.float32)


@given(row=st.floats(5, 54), column=st.floats(5, 44))
def test_a_gaussian_has_one_peak_at_its_centre(row, column):
    peaks = find_peaks(gaussian(row, column))
    np.testing.assert_allclose(peaks.points, [[row, column]], atol=1e-3)


def test_peaks_come_highest_first_and_noise_is_none():
    noise = np.random.default_rng(0).normal(0, 0.01, SHAPE)
    peaks = find_peaks(gaussian(15, 12, height=0.5) + gaussian(40, 35) + noise)
    np.testing.assert_allclose(peaks.points, [[40, 35], [15, 12]], atol=0.5)
    assert peaks.heights[0] > peaks.heights[1]


def test_a_plateau_is_one_peak():
    flat = np.zeros(SHAPE)
    flat[10:12, 20:22] = 1.0
    assert len(find_peaks(flat).points) == 1


@pytest.mark.parametrize("heatmap", [np.zeros(SHAPE), np.full(SHAPE, np.nan), np.full(SHAPE, -1.0)])
def test_an_empty_heatmap_has_no_peak(heatmap):
    assert find_peaks(heatmap).points.shape == (0, 2)
    assert nearest_peak(heatmap, (3, 3)) is None
    assert np.isnan(mass_above(heatmap, (3, 3)))


def test_a_peak_at_the_border_is_found():
    np.testing.assert_allclose(find_peaks(gaussian(0, 0)).points, [[0, 0]])
    np.testing.assert_allclose(find_peaks(gaussian(59, 49)).points, [[59, 49]])


def test_the_nearest_peak_is_not_the_highest():
    heatmap = gaussian(15, 12, height=0.5) + gaussian(40, 35)
    np.testing.assert_allclose(nearest_peak(heatmap, (18, 14)), [15, 12], atol=0.05)
    np.testing.assert_allclose(nearest_peak(heatmap, (30, 30)), [40, 35], atol=0.05)


@given(radius=st.floats(0.2, 6.0), angle=st.floats(0, 6.28))
def test_the_mass_above_is_that_of_the_disc_inside(radius, angle):
    # Of a Gaussian of two dimensions, the disc of radius r holds 1 - exp(-r^2 / (2 sigma^2)). Pixels are counted whole:
    # the eight that are sqrt(5) from the peak hold 0.107 of it, and are in the disc or not.
    point = (30 + radius * np.sin(angle), 25 + radius * np.cos(angle))
    assert mass_above(gaussian(30, 25), point) == pytest.approx(1 - np.exp(-(radius**2) / 18), abs=0.11)


def test_far_from_the_peak_everything_is_above():
    heatmap = gaussian(30, 25)
    assert mass_above(heatmap, (30, 25)) == 0.0
    assert mass_above(heatmap, (30, 45)) > OUTSIDE_MASS
    assert mass_above(heatmap, (-5, 25)) == 1.0
    assert mass_above(heatmap, (200, 25)) == 1.0


def test_a_second_peak_is_within_the_mass():
    heatmap = gaussian(15, 12, height=0.6) + gaussian(40, 35)
    assert mass_above(heatmap, (15, 12)) < OUTSIDE_MASS
    assert mass_above(heatmap, (15, 40)) > OUTSIDE_MASS
