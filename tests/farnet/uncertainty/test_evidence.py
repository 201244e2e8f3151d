"""Signs of uncertainty in heatmaps that are known."""

import numpy as np
import pytest
import torch

from farnet.heatmaps import decode, encode
from farnet.landmarks import Landmarks
from farnet.samples import average_cephalogram
from farnet.uncertainty.evidence import SIGNS, mass_outside, signs_of

SIGMA = 4.0


def heatmaps(points, shape=(120, 100)):
    return encode(torch.from_numpy(np.asarray(points, np.float64)), shape, SIGMA)


def test_a_lone_peak_has_no_mass_elsewhere_and_a_second_one_has_its_share():
    maps = heatmaps([[40.0, 50.0], [40.0, 50.0], [np.nan, np.nan]])
    maps[1] += 0.5 * heatmaps([[100.0, 20.0]])[0]
    points = torch.tensor([[40.0, 50.0], [40.0, 50.0], [np.nan, np.nan]], dtype=torch.float64)
    alone, with_rival, absent = mass_outside(maps, points, SIGMA)
    assert alone == pytest.approx(0.0, abs=1e-6)
    assert 0.2 < with_rival < 0.35  # half as high, and cut off at the same tenth: less than a third
    assert np.isnan(absent)


def test_a_faint_haze_is_no_mass():
    maps = heatmaps([[40.0, 50.0]]) + 0.05
    assert mass_outside(maps, torch.tensor([[40.0, 50.0]]), SIGMA)[0] == pytest.approx(0.0, abs=0.02)
    assert mass_outside(torch.full((1, 20, 20), 0.05), torch.tensor([[4.0, 5.0]]), SIGMA)[0] == 0.0


def test_batches_are_as_single_ones(rng):
    maps = torch.from_numpy(rng.uniform(0, 1, (2, 3, 40, 30)).astype(np.float32))
    points = torch.from_numpy(rng.uniform(5, 25, (2, 3, 2)))
    together = mass_outside(maps, points, 2.0)
    assert together.shape == (2, 3)
    for i in range(2):
        np.testing.assert_allclose(together[i], mass_outside(maps[i], points[i], 2.0), rtol=1e-6)


def test_every_sign_rises_with_its_cause(rng):
    truth = average_cephalogram()[1]
    points = truth.points * 100.0 / truth.points.max()
    clear = heatmaps(points)
    vague = clear.clone()
    vague[3] = 0.6 * torch.nn.functional.avg_pool2d(clear[3:4], 9, 1, 4)[0] * 2.0  # wide and low
    vague[4] += 0.8 * heatmaps(points[4:5] + np.array([30.0, -20.0]))[0]  # a rival
    moved = points.copy()
    moved[5] += 6.0  # the first look found it elsewhere
    decoded, unsure = decode(clear, SIGMA), decode(vague, SIGMA)
    landmarks = Landmarks(points=points, scheme=truth.scheme)
    misplaced = landmarks.replace(points=points + np.where(np.arange(19) == 6, 20.0, 0.0)[:, None])
    sure = signs_of(decoded, points, mass_outside(clear, decoded.points, SIGMA), landmarks)
    other = signs_of(unsure, moved, mass_outside(vague, unsure.points, SIGMA), misplaced)
    assert sure.shape == (19, len(SIGNS)) and np.isfinite(sure).all()
    rise = dict(zip(SIGNS, (other - sure).T, strict=True))
    assert rise["spread"][3] > 0.5 and rise["lowness"][3] > 0.5
    assert rise["elsewhere"][4] > 1.0
    assert rise["unsteadiness"][5] > 3.0
    assert rise["implausibility"][6] > 0.5
    untouched = np.setdiff1d(np.arange(19), [3, 4, 5, 6])
    for name in ("spread", "lowness", "elsewhere", "unsteadiness"):
        np.testing.assert_allclose(rise[name][untouched], 0.0, atol=1e-6)


def test_a_network_that_is_vaguer_everywhere_is_not_less_certain():
    truth = average_cephalogram()[1]
    points = truth.points * 100.0 / truth.points.max()
    found = []
    for height, sigma in ((1.0, 1.2 * SIGMA), (0.5, 1.5 * SIGMA)):
        maps = height * encode(torch.from_numpy(points), (120, 100), sigma)
        decoded = decode(maps, SIGMA)
        outside = mass_outside(maps, decoded.points, SIGMA)
        found.append(signs_of(decoded, points, outside, Landmarks(points, truth.scheme)))
    np.testing.assert_allclose(found[0][:, :2], found[1][:, :2], atol=0.1)


def test_what_is_absent_has_no_signs():
    truth = average_cephalogram()[1]
    points = truth.points * 100.0 / truth.points.max()
    points[2] = np.nan
    maps = heatmaps(points)
    decoded = decode(maps, SIGMA)
    signs = signs_of(decoded, points, mass_outside(maps, decoded.points, SIGMA), Landmarks(points, truth.scheme))
    assert np.isnan(signs[2]).all() and np.isfinite(np.delete(signs, 2, axis=0)).all()
