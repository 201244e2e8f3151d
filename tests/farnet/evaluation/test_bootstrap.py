"""The vectorised bootstrap equals the loop that defines it, and covers what it promises."""

import numpy as np
import pytest

from farnet.evaluation import bootstrap
from farnet.evaluation.bootstrap import draw_counts, intervals


def example(seed=0, shape=(23, 3, 2)):
    rng = np.random.default_rng(seed)
    errors = rng.gamma(2.0, size=shape) + 100.0  # far from zero: centring matters
    errors[rng.random(shape) < 0.15] = np.nan
    missed = np.isnan(errors) & (rng.random(shape) < 0.5)
    return errors, missed


def test_every_draw_has_as_many_radiographs_as_there_are():
    counts = draw_counts(7, 300, seed=3)
    assert counts.shape == (300, 7)
    assert (counts.sum(axis=1) == 7).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(7), abs=0.25)
    assert np.array_equal(counts, draw_counts(7, 300, seed=3))
    assert not np.array_equal(counts, draw_counts(7, 300, seed=4))


@pytest.mark.parametrize("chunk", [4_000_000, 50])
def test_intervals_equal_the_loop_over_draws(monkeypatch, chunk):
    monkeypatch.setattr(bootstrap, "_CHUNK", chunk)
    errors, missed = example()
    limits = (101.0, 102.0)
    found = intervals(errors, missed, limits, 200, seed=5)
    values = {"mre": [], "sd": [], "median": [], "sdr": []}
    for counts in draw_counts(len(errors), 200, seed=5).astype(int):
        rows = np.repeat(np.arange(len(errors)), counts)
        e, m = errors[rows].reshape(-1, 2), missed[rows].reshape(-1, 2)
        trials = (~np.isnan(e)).sum(axis=0) + m.sum(axis=0)
        values["mre"].append(np.nanmean(e, axis=0))
        values["sd"].append(np.nanstd(e, axis=0))
        values["median"].append(np.nanmedian(e, axis=0))
        values["sdr"].append([100 * (e <= limit).sum(axis=0) / trials for limit in limits])
    for key, draws in values.items():
        expected = np.moveaxis(np.percentile(np.array(draws), (2.5, 97.5), axis=0), 0, -1)
        assert found[key] == pytest.approx(expected, rel=1e-9), key


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    inside = 0
    for seed in range(200):
        errors = np.random.default_rng(seed).gamma(4.0, 0.5, size=(60, 1, 1))  # mean 2
        low, high = intervals(errors, np.zeros(errors.shape, bool), (2.0,), 400, seed)["mre"][0]
        inside += low <= 2.0 <= high
    assert 0.90 <= inside / 200 <= 0.985


def test_landmarks_of_one_radiograph_are_drawn_together():
    """19 copies of one error per radiograph say no more than one copy."""
    errors = np.random.default_rng(0).gamma(2.0, size=(40, 1, 1))
    no_misses = np.zeros((40, 1, 1), bool)
    one = intervals(errors, no_misses, (2.0,), 300, 0)
    many = intervals(errors.repeat(19, axis=1), no_misses.repeat(19, axis=1), (2.0,), 300, 0)
    for key in one:
        assert many[key] == pytest.approx(one[key])


def test_a_draw_without_values_is_left_out():
    errors = np.full((3, 1, 2), np.nan)
    errors[0, 0, 0] = 1.5  # a third of the draws misses it
    found = intervals(errors, np.zeros(errors.shape, bool), (2.0,), 100, 0)
    assert found["mre"][0].tolist() == found["median"][0].tolist() == [1.5, 1.5]
    assert np.isnan(found["mre"][1]).all()
    assert np.isnan(found["sdr"][0, 1]).all()
