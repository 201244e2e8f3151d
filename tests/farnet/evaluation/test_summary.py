"""Figures of groups agree with NumPy's own, group by group."""

import numpy as np
import pytest

from farnet.evaluation.summary import summarise, summarise_both


def test_groups_agree_with_numpy():
    rng = np.random.default_rng(1)
    errors = rng.gamma(2.0, size=(31, 2, 4))
    errors[rng.random(errors.shape) < 0.2] = np.nan
    missed = np.isnan(errors) & (rng.random(errors.shape) < 0.5)
    absent = np.isnan(errors) & ~missed
    groups = summarise(errors, missed, absent, list("abcd"), (1.0, 2.0), (0, 0))
    for g, group in enumerate(groups):
        own = errors[:, :, g][~np.isnan(errors[:, :, g])]
        assert group.n == own.size
        assert group.n_missed == missed[:, :, g].sum()
        assert group.n_absent == absent[:, :, g].sum()
        assert group.mre == pytest.approx(own.mean())
        assert group.sd == pytest.approx(own.std())
        assert group.median == pytest.approx(np.median(own))
        assert group.sdr[2.0] == pytest.approx(100 * (own <= 2).sum() / (own.size + group.n_missed))


def test_pooled_is_the_one_group_of_everything():
    errors = np.arange(12.0).reshape(2, 2, 3)
    nothing = np.zeros(errors.shape, bool)
    pooled, each = summarise_both(errors, nothing, nothing, ["a", "b", "c"], "all", (5.0,), (0, 0))
    assert (pooled.name, pooled.n, pooled.mre) == ("all", 12, 5.5)
    assert [metrics.mre for metrics in each] == [4.5, 5.5, 6.5]
