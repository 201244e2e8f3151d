"""Curves and boxes agree with plain counting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from farnet.errors import InvalidInputError
from farnet.evaluation import box_statistics, evaluate_points, sdr_curves

ERRORS = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 12), st.integers(1, 4)),
    elements=st.one_of(st.just(np.nan), st.floats(0, 50).map(lambda value: round(value, 2))),
)


def of_errors(errors):
    """An evaluation with these errors; NaN is a missed landmark."""
    reference = np.zeros((*errors.shape, 2))
    predicted = np.stack([errors, np.where(np.isnan(errors), np.nan, 0.0)], axis=-1)
    return evaluate_points(predicted, reference, (1.0, 1.0), bootstrap=0)


@given(ERRORS)
def test_a_curve_passes_through_the_reported_rates(errors):
    evaluation = of_errors(errors)
    curves = sdr_curves(evaluation, limit=4.0, steps=9)  # 0, 0.5, ..., 4
    for place, radius in ((4, 2.0), (5, 2.5), (6, 3.0), (8, 4.0)):
        assert curves.pooled[place] == pytest.approx(evaluation.pooled.sdr[radius])
        assert curves.per_landmark[:, place] == pytest.approx([m.sdr[radius] for m in evaluation.per_landmark])
    assert (np.diff(curves.pooled) >= 0).all()
    assert curves.pooled[-1] <= 100.0


def test_a_missed_landmark_keeps_a_curve_from_the_top():
    curves = sdr_curves(of_errors(np.array([[0.5], [np.nan]])))
    assert curves.pooled[-1] == 50.0
    assert curves.radii[0] == 0.0
    assert curves.radii[-1] == 8.0  # twice the largest radius


def test_a_curve_goes_as_far_as_the_errors():
    assert sdr_curves(of_errors(np.full((20, 1), 30.0))).radii[-1] == pytest.approx(30.0)


def test_an_absent_landmark_has_no_curve():
    reference = np.zeros((2, 2, 2))
    reference[:, 1] = np.nan
    curves = sdr_curves(evaluate_points(np.zeros((2, 2, 2)), reference, bootstrap=0))
    assert np.isnan(curves.per_landmark[1]).all()
    assert curves.pooled.tolist() == [100.0] * len(curves.radii)


@pytest.mark.parametrize("wrong", [{"limit": 0.0}, {"limit": np.inf}, {"steps": 1}])
def test_a_curve_needs_room(wrong):
    with pytest.raises(InvalidInputError, match="cannot be drawn"):
        sdr_curves(of_errors(np.ones((1, 1))), **wrong)


@given(ERRORS)
def test_a_box_holds_every_error_once(errors):
    radiographs = [f"r{i}" for i in range(len(errors))]
    for k, box in enumerate(box_statistics(errors, [f"p{k}" for k in range(errors.shape[1])], radiographs)):
        values = errors[:, k][~np.isnan(errors[:, k])]
        assert box.n == len(values)
        if not box.n:
            assert np.isnan(box.median) and not box.outliers
            continue
        assert box.low <= box.q1 <= box.median <= box.q3 <= box.high
        assert box.median == pytest.approx(np.median(values))
        reach = 1.5 * (box.q3 - box.q1)
        outside = values[(values < box.q1 - reach) | (values > box.q3 + reach)]
        assert [o.error for o in box.outliers] == sorted(outside, reverse=True)
        for outlier in box.outliers:
            assert errors[outlier.index, k] == outlier.error
            assert outlier.radiograph == f"r{outlier.index}"


def test_an_outlier_knows_its_radiograph():
    errors = np.array([[1.0], [1.1], [9.0], [0.9], [np.nan], [1.0]])
    (box,) = box_statistics(errors, ["Porion"], list("abcdef"))
    (outlier,) = box.outliers
    assert (outlier.radiograph, outlier.index, outlier.error) == ("c", 2, 9.0)
    assert box.high == 1.1


def test_names_must_fit():
    with pytest.raises(InvalidInputError, match="2 radiographs and 1 landmarks"):
        box_statistics(np.zeros((1, 1)), ["p"], ["a", "b"])
