"""Exact small examples, invariants, and the published distances between the two doctors of ISBI 2015."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farnet.errors import AnnotationError, InvalidInputError, SchemeError
from farnet.evaluation import evaluate, evaluate_points, radial_errors
from farnet.landmarks import Landmarks
from farnet.scheme import LandmarkDefinition, LandmarkScheme, load_scheme

NAN = float("nan")
SCHEME = LandmarkScheme("pair", "Two landmarks", (LandmarkDefinition("Left", "L"), LandmarkDefinition("Right", "R")))


def landmarks(points, **changes):
    return Landmarks(np.array(points, float), SCHEME, **changes)


def test_radial_errors_are_euclidean_in_pixels():
    assert radial_errors([[[3.0, 4.0], [0.0, 0.0]]], [[[0.0, 0.0], [0.0, -2.0]]]).tolist() == [[5.0, 2.0]]


def test_radial_errors_use_the_spacing_of_each_axis_and_radiograph():
    predicted, reference = np.array([[[3.0, 4.0]], [[3.0, 4.0]]]), np.zeros((2, 1, 2))
    assert radial_errors(predicted, reference, [(1.0, 0.75), (0.1, 0.1)]) == pytest.approx(
        np.array([[math.hypot(3, 3)], [0.5]])
    )
    assert radial_errors(predicted, reference, (2.0, 2.0)).tolist() == [[10.0], [10.0]]


def test_an_absent_point_on_either_side_has_no_error():
    errors = radial_errors([[[1, 1], [NAN, NAN], [NAN, NAN]]], [[[NAN, NAN], [1, 1], [NAN, NAN]]])
    assert np.isnan(errors).all()


@pytest.mark.parametrize(
    ("predicted", "reference", "spacing", "message"),
    [
        (np.zeros((1, 2, 2)), np.zeros((1, 3, 2)), None, r"same \(N, K, 2\)"),
        (np.zeros((2, 2)), np.zeros((2, 2)), None, r"same \(N, K, 2\)"),
        (np.full((1, 1, 2), np.inf), np.zeros((1, 1, 2)), None, "infinite"),
        (np.zeros((1, 1, 2)), np.zeros((1, 1, 2)), (0.0, 0.1), "above zero"),
        (np.zeros((1, 1, 2)), np.zeros((1, 1, 2)), (0.1, 0.1, 0.1), "spacing has the shape"),
    ],
)
def test_radial_errors_refuse_what_does_not_fit(predicted, reference, spacing, message):
    with pytest.raises(InvalidInputError, match=message):
        radial_errors(predicted, reference, spacing)


def test_a_small_example_by_hand():
    # Errors 1, 2, 3 and 6 px; one landmark missed; one that the reference leaves out.
    reference = np.zeros((3, 2, 2))
    reference[2, 1] = NAN
    predicted = np.array([[[1.0, 0], [0, 2]], [[3, 0], [0, 6]], [[NAN, NAN], [5, 5]]])
    result = evaluate_points(predicted, reference, radii=(2, 3), names=["a", "b"], bootstrap=0)
    pooled = result.pooled
    assert (result.unit, result.n_radiographs, result.radii) == ("px", 3, (2.0, 3.0))
    assert (pooled.n, pooled.n_missed, pooled.n_absent) == (4, 1, 1)
    assert pooled.mre == 3.0
    assert pooled.sd == pytest.approx(np.std([1, 2, 3, 6]))  # population
    assert pooled.median == 2.5
    assert pooled.sdr == {2.0: 40.0, 3.0: 60.0}  # <=, and the missed one is a failure
    assert pooled.ci == {}
    a, b = result.per_landmark
    assert (a.name, a.n, a.n_missed, a.n_absent, a.mre, a.median) == ("a", 2, 1, 0, 2.0, 2.0)
    assert (b.name, b.n, b.n_missed, b.n_absent, b.mre, b.median) == ("b", 2, 0, 1, 4.0, 4.0)
    assert a.sdr == {2.0: pytest.approx(100 / 3), 3.0: pytest.approx(200 / 3)}


def test_an_error_of_exactly_the_radius_is_a_success_whatever_the_arithmetic():
    # 18 and 24 px are 30 px, and 30 * 0.1 is 3.0000000000000004 in floating point.
    predicted, reference = np.array([[[18.0, 24.0]]]), np.zeros((1, 1, 2))
    assert evaluate_points(predicted, reference, (0.1, 0.1), bootstrap=0).pooled.sdr[3.0] == 100.0
    assert evaluate_points(predicted + 1e-3, reference, (0.1, 0.1), bootstrap=0).pooled.sdr[3.0] == 0.0


def test_nothing_found_is_no_error_and_no_success():
    pooled = evaluate_points(np.full((3, 2, 2), NAN), np.zeros((3, 2, 2)), bootstrap=50).pooled
    assert (pooled.n, pooled.n_missed) == (0, 6)
    assert math.isnan(pooled.mre)
    assert math.isnan(pooled.sd)
    assert math.isnan(pooled.median)
    assert set(pooled.sdr.values()) == {0.0}
    assert pooled.to_dict()["mre"] is None
    assert pooled.to_dict()["ci"]["mre"] == [None, None]
    assert pooled.ci["sdr_2"] == (0.0, 0.0)


def test_nothing_to_find_is_counted_and_gives_no_figure():
    result = evaluate_points(np.zeros((2, 1, 2)), np.full((2, 1, 2), NAN), bootstrap=10)
    assert result.pooled.n_absent == 2
    assert math.isnan(result.pooled.sdr[2.0])
    assert result.largest_errors() == []


points = st.lists(
    st.lists(
        st.one_of(st.just((NAN, NAN)), st.tuples(st.floats(-500, 500), st.floats(-500, 500))), min_size=3, max_size=3
    ),
    min_size=2,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(points, st.randoms(use_true_random=False))
def test_invariants(predicted, random):
    predicted = np.array(predicted, float)
    n, k = predicted.shape[:2]
    reference = np.array([[(random.uniform(-500, 500), random.uniform(-500, 500)) for _ in range(k)] for _ in range(n)])
    reference[0, 0] = NAN
    result = evaluate_points(predicted, reference, (0.1, 0.1), bootstrap=0)
    pooled, each = result.pooled, result.per_landmark

    # Every landmark is counted once, and pooling adds up.
    assert pooled.n + pooled.n_missed + pooled.n_absent == n * k
    assert [sum(getattr(m, c) for m in each) for c in ("n", "n_missed", "n_absent")] == [
        pooled.n,
        pooled.n_missed,
        pooled.n_absent,
    ]
    rates = list(pooled.sdr.values())
    assert rates == sorted(rates)
    if pooled.n:
        assert pooled.mre == pytest.approx(sum(m.mre * m.n for m in each if m.n) / pooled.n)
        assert pooled.sd == pytest.approx(np.nanstd(result.errors))
        assert pooled.median == pytest.approx(np.nanmedian(result.errors))

    # The order of radiographs and landmarks does not matter.
    rows, columns = list(range(n)), list(range(k))
    random.shuffle(rows)
    random.shuffle(columns)
    shuffled = evaluate_points(predicted[rows][:, columns], reference[rows][:, columns], (0.1, 0.1), bootstrap=0)
    assert shuffled.pooled.mre == pytest.approx(pooled.mre, nan_ok=True)
    assert shuffled.pooled.sdr == pytest.approx(pooled.sdr)
    for place, column in enumerate(columns):
        assert shuffled.per_landmark[place].mre == pytest.approx(each[column].mre, nan_ok=True)

    # Millimetres are pixels times the spacing; a shift of the whole picture changes nothing.
    in_px = evaluate_points(predicted + 7, reference + 7, radii=[10 * r for r in result.radii], bootstrap=0)
    assert (result.unit, in_px.unit) == ("mm", "px")
    assert in_px.pooled.mre / 10 == pytest.approx(pooled.mre, nan_ok=True)
    assert in_px.pooled.sd / 10 == pytest.approx(pooled.sd, nan_ok=True)


def test_swapping_prediction_and_reference_swaps_missed_and_absent():
    a, b = np.zeros((1, 3, 2)), np.ones((1, 3, 2))
    a[0, 0], b[0, 1] = NAN, NAN
    one, other = (evaluate_points(*pair, bootstrap=0).pooled for pair in ((a, b), (b, a)))
    assert (one.n_missed, one.n_absent) == (other.n_absent, other.n_missed) == (1, 1)
    assert one.mre == other.mre


def test_observers_own_distance_is_that_of_all_pairs():
    zero = np.zeros((2, 1, 2))
    result = evaluate_points(
        zero, zero, observers=[zero, zero + np.array([0, 3]), zero + np.array([4, 0])], bootstrap=0
    )
    # 3, 4 and 5 px on each of two radiographs.
    assert result.observer_distance.name == "observers"
    assert (result.observer_distance.n, result.observer_distance.mre) == (6, 4.0)
    assert result.observer_distance_per_landmark[0].median == 4.0
    assert result.pooled.mre == 0.0


def test_one_observer_has_no_distance():
    zero = np.zeros((2, 1, 2))
    with pytest.raises(InvalidInputError, match="two or more"):
        evaluate_points(zero, zero, observers=[zero])


def test_one_radiograph_has_no_interval():
    assert evaluate_points(np.zeros((1, 2, 2)), np.ones((1, 2, 2)), bootstrap=100).pooled.ci == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"radii": ()}, "radii"),
        ({"radii": (2, -1)}, "above zero"),
        ({"bootstrap": -1}, "bootstrap is -1"),
        ({"names": ["only one"]}, "1 names for 2"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(InvalidInputError, match=message):
        evaluate_points(np.zeros((2, 2, 2)), np.zeros((2, 2, 2)), **options)


def test_nothing_at_all_is_refused():
    with pytest.raises(InvalidInputError, match="nothing to evaluate"):
        evaluate_points(np.zeros((0, 2, 2)), np.zeros((0, 2, 2)))
    with pytest.raises(AnnotationError, match="nothing to evaluate"):
        evaluate([], [])


def test_evaluate_takes_the_spacing_from_either_side():
    reference = landmarks([[0, 0], [0, 0]], radiograph="1", spacing=(0.5, 0.5))
    predicted = landmarks([[3, 4], [6, 8]], radiograph="1.png")
    result = evaluate([predicted], [reference], bootstrap=0)
    assert (result.unit, result.pooled.mre) == ("mm", 3.75)
    assert evaluate([reference.replace(radiograph="")], [predicted], bootstrap=0).unit == "mm"
    assert [m.name for m in result.per_landmark] == ["Left", "Right"]
    assert result.largest_errors(1) == [("1", "Right", 5.0)]


def test_evaluate_without_every_spacing_is_in_pixels_and_says_so():
    known = landmarks([[0, 0], [0, 0]], spacing=(0.1, 0.1))
    unknown = known.replace(spacing=None)
    result = evaluate([known, unknown], [known, unknown.replace(points=[[30, 40], [0, 0]])], bootstrap=0)
    assert (result.unit, result.pooled.mre) == ("px", 12.5)


def test_evaluate_refuses_what_does_not_belong_together():
    one = landmarks([[0, 0], [1, 1]], radiograph="a", spacing=(0.1, 0.1), image_shape=(100, 80))
    with pytest.raises(AnnotationError, match="radiograph 'b' are compared"):
        evaluate([one.replace(radiograph="b")], [one])
    with pytest.raises(AnnotationError, match=r"\(90, 80\) pixels"):
        evaluate([one.replace(image_shape=(90, 80))], [one])
    with pytest.raises(AnnotationError, match=r"\(0.2, 0.2\) mm"):
        evaluate([one.replace(spacing=(0.2, 0.2))], [one])
    with pytest.raises(AnnotationError, match="1 references, but 2 predictions"):
        evaluate([one, one], [one])
    with pytest.raises(AnnotationError, match="observer's"):
        evaluate([one], [one], observers=[[one], []])
    other = Landmarks(np.zeros((19, 2)), load_scheme("cephalometric19"))
    with pytest.raises(SchemeError, match="cephalometric19"):
        evaluate([other], [one])


def test_to_dict_is_json_and_says_what_the_figures_are():
    import json

    predicted = np.random.default_rng(0).normal(size=(4, 2, 2))
    result = evaluate_points(predicted, np.zeros((4, 2, 2)), (0.1, 0.1), observers=[predicted, predicted], bootstrap=20)
    data = json.loads(json.dumps(result.to_dict()))
    assert data["unit"] == "mm"
    assert data["pooled"]["mre"] == result.pooled.mre
    assert data["pooled"]["sdr"]["2.5"] == 100.0
    assert data["pooled"]["ci"]["sdr_2"] == [100.0, 100.0]
    assert data["confidence"] == {
        "level": 0.95,
        "method": "percentile bootstrap over radiographs",
        "draws": 20,
        "seed": 0,
    }
    assert "population" in data["sd"]
    assert "missed" in data["sdr"]
    assert data["observer_distance"]["mre"] == 0.0
    assert len(data["per_landmark"]) == len(data["observer_distance_per_landmark"]) == 2
    assert data["largest_errors"][0]["error"] == result.errors.max()


def test_the_array_core_is_quick():
    rng = np.random.default_rng(0)
    predicted, reference = rng.normal(size=(400, 19, 2)), rng.normal(size=(400, 19, 2))

    def milliseconds():
        start = time.perf_counter()
        evaluate_points(predicted, reference, (0.1, 0.1), bootstrap=0)
        return 1000 * (time.perf_counter() - start)

    # 2 ms on an idle machine; the allowance is for a busy one.
    assert min(milliseconds() for _ in range(15)) < 6


@pytest.mark.parametrize(
    ("split", "mean", "sd", "within_2mm"), [("train", 2.353, 2.596, 1723), ("test1", 2.363, 2.163, 1583)]
)
def test_distance_between_the_doctors(isbi2015, split, mean, sd, within_2mm):
    """The figures that the FARNet paper gives for the observers; they pin ground truth, SD and SDR at once."""
    from farnet.datasets.isbi2015 import ISBI2015

    data = ISBI2015(isbi2015, split)
    junior, senior = ([data.observer_landmarks(i, who) for i in range(len(data))] for who in data.observers)
    truth = [data.landmarks(i) for i in range(len(data))]
    result = evaluate(truth, truth, observers=[junior, senior], bootstrap=0)
    between = result.observer_distance
    assert (round(between.mre, 3), round(between.sd, 3)) == (mean, sd)
    assert (result.unit, between.n) == ("mm", 150 * 19)
    # Both clicked on whole pixels, so dx^2 + dy^2 <= 20^2 counts without rounding; some pairs are at exactly 2 mm.
    assert between.sdr[2.0] == pytest.approx(100 * within_2mm / (150 * 19))
    # Either doctor is half that distance from their mean.
    assert evaluate(junior, truth, bootstrap=0).pooled.mre == pytest.approx(between.mre / 2)


def test_the_doctors_disagree_most_about_the_soft_tissue_pogonion(isbi2015):
    from farnet.datasets.isbi2015 import ISBI2015

    data = ISBI2015(isbi2015, "train")
    junior, senior = ([data.observer_landmarks(i, who) for i in range(len(data))] for who in data.observers)
    each = evaluate(junior, senior, bootstrap=0).per_landmark
    published = [0.88, 1.28, 3.27, 3.77, 3.48, 3.07, 0.93, 1.20, 0.78, 3.84]
    published += [0.69, 0.46, 2.42, 1.76, 1.93, 9.20, 1.40, 1.94, 2.41]
    assert [round(m.mre, 2) for m in each] == published
