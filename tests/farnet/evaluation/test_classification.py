"""Classes of measurements: the rates by hand, what is counted, and the published doctors."""

import numpy as np
import pytest

from farnet import ISBI2015
from farnet.errors import AnnotationError, InvalidInputError, UnknownNameError
from farnet.evaluation.classification import classify, evaluate_classes
from farnet.evaluation.extras import extras_of
from farnet.evaluation.tables import FIGURE_COLUMNS
from farnet.landmarks import Landmarks
from farnet.measurement import load_measurements, with_mw_gap
from farnet.scheme import load_scheme

# Mean positions of the 19 landmarks, (x, y) in mm.
MEAN = [81.4, 103.9, 139.8, 96.9, 129.2, 121.6, 60.3, 121.2, 139.3, 151.8, 135.5, 186.2, 134.7, 199.1, 128.7, 204.7]
MEAN += [132.8, 203.0, 73.0, 173.5, 142.5, 169.7, 144.4, 170.9, 155.9, 160.7, 152.9, 182.2, 150.4, 149.5, 144.8, 200.7]
MEAN += [98.3, 143.3, 141.1, 144.8, 67.7, 132.8]


def heads(count=12, seed=0, noise=20.0):
    mean = np.array(MEAN).reshape(19, 2)[:, ::-1] * 10.0
    rng = np.random.default_rng(seed)
    scheme = load_scheme("cephalometric19")
    return [
        Landmarks(mean + rng.normal(0, noise, mean.shape), scheme, spacing=(0.1, 0.1), radiograph=str(i))
        for i in range(count)
    ]


def test_the_rates_follow_their_definitions():
    truth, found = heads(), heads(seed=1)
    result = evaluate_classes(found, truth, bootstrap=0)
    definitions = with_mw_gap(load_measurements("cephalometry"), "script")
    (a, x), (b, y) = (classify(definitions, side) for side in (found, truth))
    for m, item in enumerate(result.measurements):
        mine, theirs = [row[m] for row in x], [row[m] for row in y]
        assert item.accuracy.value == pytest.approx(100 * np.mean(np.equal(mine, theirs)))
        rates = [np.mean([p == t for p, t in zip(mine, theirs, strict=True) if t == number]) for number in set(theirs)]
        assert item.scr.value == pytest.approx(100 * np.mean(rates))
        assert item.difference.value == pytest.approx(np.abs(a[:, m] - b[:, m]).mean())
        assert item.confusion.sum() == len(truth)
        assert item.confusion.sum(axis=1).tolist() == [theirs.count(number) for number in item.numbers]
    assert result.scr.value == pytest.approx(np.mean([item.scr.value for item in result.measurements]))


def test_a_missed_landmark_is_a_wrong_class_and_an_absent_one_is_none():
    truth = heads()
    points = truth[0].points.copy()
    points[1] = np.nan  # nasion
    holed = truth[0].replace(points=points)
    missed = evaluate_classes([holed, *truth[1:]], truth, bootstrap=10).measurements[0]
    assert missed.confusion[:, -1].sum() == 1
    assert missed.accuracy.value == pytest.approx(100 * 11 / 12)
    assert (missed.n_absent, missed.n_values) == (0, 11)
    absent = evaluate_classes(truth, [holed, *truth[1:]], bootstrap=10).measurements[0]
    assert (absent.confusion.sum(), absent.n_absent) == (11, 1)
    assert absent.accuracy.value == 100.0


def test_the_gap_is_a_switch():
    truth = heads(40)
    script, strict = (evaluate_classes(truth, truth, mw_gap=gap, bootstrap=0) for gap in ("script", "strict"))
    assert script.measurements[-1].n_absent == 0
    assert strict.measurements[-1].n_absent > 0
    with pytest.raises(UnknownNameError):
        evaluate_classes(truth, truth, mw_gap="wide", bootstrap=0)


def test_tables_rows_and_json_fit_together():
    truth = heads()
    (extra,) = extras_of(heads(seed=1), truth, bootstrap=20)
    assert all(len(row) == len(FIGURE_COLUMNS) for row in extra.rows())
    for table in extra.tables():
        assert all(len(row) == len(table.headers) for row in table.rows)
    assert [item["name"] for item in extra.to_dict()["measurements"]][:3] == ["ANB", "SNB", "SNA"]
    low, high = extra.to_dict()["scr_percent"]["ci"]
    assert low <= extra.scr.value <= high


def test_other_schemes_have_no_such_figures():
    hand = Landmarks(np.zeros((37, 2)), load_scheme("hand37"), radiograph="1")
    assert extras_of([hand], [hand]) == ()


def test_what_cannot_be_compared_is_refused():
    truth = heads(2)
    with pytest.raises(AnnotationError, match="1 predictions and 2 references"):
        evaluate_classes(truth[:1], truth)
    with pytest.raises(InvalidInputError, match="bootstrap is -1"):
        evaluate_classes(truth, truth, bootstrap=-1)


def test_the_two_doctors_of_001_to_300(isbi2015):
    data = ISBI2015(isbi2015, "all")
    assert len(data) == 300
    mean = [data.landmarks(i) for i in range(300)]
    counts = [np.diag(item.confusion).tolist() for item in evaluate_classes(mean, mean, bootstrap=0).measurements]
    assert counts == [
        [80, 54, 166],
        [70, 35, 195],
        [117, 127, 56],
        [132, 26, 142],
        [94, 59, 147],
        [141, 6, 153],
        [71, 180, 49],
        [94, 0, 125, 81],
    ]
    junior, senior = ([data.observer_landmarks(i, who) for i in range(300)] for who in ("junior", "senior"))
    found = evaluate_classes(junior, senior, bootstrap=0)
    agreement = [item.accuracy.value for item in found.measurements]
    assert agreement == pytest.approx([74.0, 82.0, 66.333, 79.667, 80.333, 82.0, 83.0, 86.667], abs=1e-3)
    assert found.scr.value == pytest.approx(75.39864, abs=1e-4)
