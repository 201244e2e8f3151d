"""Two evaluations of the same radiographs: signs, ties, corrections, and how often chance is taken for a difference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from farnet.errors import InvalidInputError
from farnet.evaluation import evaluate_points
from farnet.evaluation.paired import compare_paired, holm


def evaluation(predicted, truth, **options):
    return evaluate_points(predicted, truth, (0.1, 0.1), bootstrap=0, **options)


@pytest.fixture
def truth(rng):
    return rng.uniform(0, 1000, (30, 4, 2))


@pytest.fixture
def pair(rng, truth):
    """The second is better at the first landmark and misses some of the last."""
    one = truth + rng.normal(0, 15, truth.shape)
    two = truth + rng.normal(0, 15, truth.shape)
    two[:, 0] = truth[:, 0] + rng.normal(0, 3, truth[:, 0].shape)
    two[:5, 3] = np.nan
    return evaluation(one, truth), evaluation(two, truth)


def test_the_difference_is_that_of_the_figures(pair, truth):
    one, two = pair
    found = compare_paired(one, two, bootstrap=500)
    for k in (0, 1, 2):
        expected = two.per_landmark[k].mre - one.per_landmark[k].mre
        assert found.per_landmark[k].mre.value == pytest.approx(expected)
        assert found.per_landmark[k].mre.low < expected < found.per_landmark[k].mre.high
    for radius in one.radii:
        for k in range(4):
            expected = two.per_landmark[k].sdr[radius] - one.per_landmark[k].sdr[radius]
            assert found.per_landmark[k].sdr[radius].value == pytest.approx(expected)
        assert found.pooled.sdr[radius].value == pytest.approx(two.pooled.sdr[radius] - one.pooled.sdr[radius])
    assert found.per_landmark[3].n == 25
    assert found.per_landmark[0].p_holm < 0.001 < found.per_landmark[1].p_holm
    assert found.verdict.startswith("second is better than first")


def test_swapping_turns_every_sign(pair):
    there = compare_paired(*pair, bootstrap=200)
    back = compare_paired(*pair[::-1], bootstrap=200)
    for a, b in zip((there.pooled, *there.per_landmark), (back.pooled, *back.per_landmark), strict=True):
        assert (a.mre.value, a.mre.low, a.mre.high) == pytest.approx((-b.mre.value, -b.mre.high, -b.mre.low))
        assert a.p == pytest.approx(b.p) and a.p_holm == pytest.approx(b.p_holm)
        for radius, value in a.sdr.items():
            assert value.value == pytest.approx(-b.sdr[radius].value)


def test_the_same_twice_shows_no_difference(pair):
    found = compare_paired(pair[1], pair[1], bootstrap=100)
    assert (found.pooled.mre.value, found.pooled.mre.low, found.pooled.mre.high, found.pooled.p) == (0, 0, 0, 1)
    assert [item.p_holm for item in found.per_landmark] == [1.0] * 4
    assert found.verdict.startswith("No difference is shown")


def test_chance_is_taken_for_a_difference_as_often_as_said(rng):
    taken = 0
    for _ in range(200):
        truth = np.zeros((20, 2, 2))
        one, two = (evaluation(rng.normal(0, 10, truth.shape), truth) for _ in range(2))
        found = compare_paired(one, two, bootstrap=0)
        taken += any(item.p_holm < 0.05 for item in found.per_landmark)
    assert taken <= 20  # 10 expected


def test_a_pair_has_narrower_intervals_than_two_apart(rng):
    truth = np.zeros((40, 3, 2))
    hard = rng.gamma(1.0, 20.0, (40, 1, 1))  # both fail on the same radiographs
    one = hard * rng.normal(1, 0.1, truth.shape)
    two = one * 0.97
    first, second = evaluation(one, truth), evaluation(two, truth)
    found = compare_paired(first, second, bootstrap=500)
    assert found.pooled.mre.high < 0 and found.pooled.p < 0.001


def test_what_is_not_of_the_same_radiographs_is_refused(pair, truth):
    other = evaluation(truth[:20] + 1.0, truth[:20])
    with pytest.raises(InvalidInputError, match="radiographs"):
        compare_paired(pair[0], other, bootstrap=0)
    with pytest.raises(InvalidInputError, match="unit"):
        compare_paired(pair[0], evaluate_points(truth + 1.0, truth, bootstrap=0), bootstrap=0)
    with pytest.raises(InvalidInputError, match="radii"):
        compare_paired(pair[0], evaluation(truth + 1.0, truth, radii=(5.0,)), bootstrap=0)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, np.nan, 0.6]) == pytest.approx([1.0, np.nan, 1.0], nan_ok=True)
    assert holm([]).shape == (0,)


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, st.integers(1, 12), elements=st.floats(0, 1)))
def test_holm_keeps_the_order_and_never_lowers(p):
    raised = holm(p)
    assert (raised >= p - 1e-12).all() and (raised <= 1).all()
    assert (np.diff(raised[np.argsort(p, kind="stable")]) >= -1e-12).all()


def test_json_and_csv_hold_every_figure(pair):
    found = compare_paired(*pair, names=("a", "b"), bootstrap=50)
    values = found.to_dict()
    assert (values["first"], values["second"], len(values["per_landmark"])) == ("a", "b", 4)
    rows = list(found.rows())
    assert len(rows) == 5 * (1 + 4 + 2)
    assert {len(row) for row in rows} == {11}
    (table,) = found.tables()
    assert len(table.rows) == 5 and {len(row) for row in table.rows} == {len(table.headers)}
