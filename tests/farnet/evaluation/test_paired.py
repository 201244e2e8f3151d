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
    fewer = truth.copy()
    fewer[2, 1] = np.nan
    with pytest.raises(InvalidInputError, match="differ in their truth: 2 of 3"):
        compare_paired(pair[0], evaluation(truth + 1.0, fewer), bootstrap=0)


def along(errors):
    """An evaluation with these (N, K) errors in mm; NaN is missed."""
    errors = np.asarray(errors, np.float64)
    truth = np.zeros((*errors.shape, 2))
    return evaluation(np.stack([errors * 10.0, np.where(np.isnan(errors), np.nan, 0.0)], axis=-1), truth)


def test_a_few_large_errors_do_not_turn_the_verdict_of_the_test(rng):
    one = rng.uniform(1.0, 1.2, (40, 2))
    two = one - 0.1
    two[:2] += 20.0  # worse on 2 radiographs, and so in the mean
    found = compare_paired(along(one), along(two), names=("a", "b"), bootstrap=200)
    assert found.pooled.p < 0.001 and found.pooled.mre.value > 0.5 and found.pooled.rank < -0.5
    assert found.pooled.closer == (2, 38)
    assert found.verdict.startswith("Neither is better throughout: b is closer on 38 of the 40 radiographs")
    assert "but a is better by" in found.verdict and "b has more large errors" in found.verdict
    back = compare_paired(along(two), along(one), names=("b", "a"), bootstrap=200)
    assert back.verdict == found.verdict and back.pooled.rank == -found.pooled.rank


def test_a_difference_of_the_means_alone_is_told():
    one = np.ones((40, 1))
    two = one + np.where(np.arange(40) % 2, 0.01, -0.01)[:, None]
    two[::4] += 5.0
    two[1::4] -= 0.5
    found = compare_paired(along(one), along(two), names=("a", "b"), bootstrap=500)
    assert found.pooled.p > 0.05 and found.pooled.mre.low > 0
    assert found.verdict.startswith("No difference is shown between a and b (p = ")
    assert "though a is better by" in found.verdict


def test_missed_landmarks_are_counted_and_told(rng):
    one = rng.uniform(1.0, 2.0, (30, 3))
    two = one - 0.5
    two[:6, 1] = np.nan
    found = compare_paired(along(one), along(two), names=("a", "b"), bootstrap=0)
    assert found.pooled.missed == (0, 6) and found.per_landmark[1].missed == (0, 6)
    assert found.per_landmark[1].sdr[2.0].value == pytest.approx(-20.0)
    assert found.verdict.startswith("b is better than a") and "a missed 0, b 6" in found.verdict
    rows = [row for row in found.rows() if row[1] == "2"]
    assert {row[-3:] for row in rows} == {("24", "6", "0")}


def test_a_radius_that_is_met_exactly_is_met_in_both_tables():
    first, second = along([[1.9]] * 3), along([[2.0 + 1e-15]] * 3)
    assert first.pooled.sdr[2.0] == second.pooled.sdr[2.0] == 100.0
    assert compare_paired(first, second, bootstrap=0).pooled.sdr[2.0].value == 0.0


def test_rounding_is_no_difference(rng):
    one = rng.uniform(1.0, 2.0, (30, 3))
    found = compare_paired(along(one), along(one * (1 + 1e-14)), bootstrap=0)
    assert found.pooled.p == 1.0 and found.pooled.closer == (0, 0)


def test_nothing_in_common_is_said():
    found = compare_paired(along([[1.0, np.nan]] * 4), along([[np.nan, 1.0]] * 4), names=("a", "b"), bootstrap=20)
    assert np.isnan(found.pooled.p) and found.verdict.startswith("a and b have no landmark in common")
    assert found.to_dict()["pooled"]["p_wilcoxon"] is None
    assert found.tables()[0].rows[0][-1] == "\N{EN DASH}"


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
    assert len(rows) == 5 * (1 + 4 + 3)
    assert {len(row) for row in rows} == {11}
    (table,) = found.tables()
    assert len(table.rows) == 5 and {len(row) for row in table.rows} == {len(table.headers)}
