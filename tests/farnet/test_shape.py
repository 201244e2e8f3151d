from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from farnet.datasets.isbi2015 import ISBI2015
from farnet.errors import AnnotationError, InvalidInputError, SchemeError, UnknownNameError
from farnet.landmarks import Landmarks
from farnet.samples import average_cephalogram
from farnet.scheme import LandmarkDefinition, LandmarkScheme, load_scheme
from farnet.shape import IMPLAUSIBLE, MINIMUM_SHAPES, ShapeModel, load_shape_model

COUNT = 8
SCHEME = LandmarkScheme("eight", "Eight", tuple(LandmarkDefinition(f"Point {k}", f"P{k}") for k in range(COUNT)))
SPREAD = 1.5  # of every coordinate of the made-up shapes, mm
MEAN = np.random.default_rng(3).uniform(0, 120, (COUNT, 2))


def made_up(rng, count, spacing=(0.1, 0.1), spread=SPREAD):
    """Shapes whose coordinates differ from the mean independently, at any size, place and direction."""
    result = []
    for _ in range(count):
        shape = MEAN + rng.normal(0, spread, MEAN.shape)
        angle, size = rng.normal(0, 0.3), rng.uniform(0.9, 1.1)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        points = (size * shape @ turn.T + rng.normal(0, 20, 2)) / spacing
        result.append(Landmarks(points, SCHEME, spacing=spacing))
    return result


@pytest.fixture(scope="module")
def model():
    return ShapeModel.fit(made_up(np.random.default_rng(1), 200), components=2, source="made up")


@pytest.fixture(scope="module")
def cephalometric():
    return load_shape_model("cephalometric19")


@pytest.fixture(scope="module")
def average():
    return average_cephalogram()[1].points


@pytest.fixture(scope="module")
def held_out(isbi2015):
    """(148, 19, 2) mean points of both observers on radiographs that the model has not seen."""
    dataset = ISBI2015(isbi2015, split="test1")
    return np.stack(
        [dataset.landmarks(i).points for i in range(len(dataset)) if dataset.ids[i] not in dataset.duplicates]
    )


# The fit


def test_the_mean_is_the_shape_that_was_put_in(model):
    z, mean = (p @ [1, 1j] for p in (MEAN - MEAN.mean(axis=0), model.mean))
    a = np.vdot(z, mean) / np.vdot(z, z)
    assert np.abs(a * z - mean).max() < 4 * SPREAD / np.sqrt(200)
    assert abs(np.angle(a)) < 0.1, "the mean stands as the shapes stand on average"
    assert model.unit == "mm"
    assert model.count == 200
    assert np.linalg.norm(model.mean) == pytest.approx(np.linalg.norm(MEAN - MEAN.mean(axis=0)), rel=0.03)


def test_variance_is_what_was_put_in(model):
    assert model.residual_variance == pytest.approx(SPREAD**2, rel=0.1)
    np.testing.assert_allclose(model.components @ model.components.T, np.eye(2), atol=1e-12)


def test_a_variation_becomes_the_first_component(rng):
    """One landmark that slides along a line is found again, with the right variance."""
    shapes = []
    for item in made_up(rng, 300, spread=0.05):
        points = item.points.copy()
        side = points[0] - points[4]
        points[0] += rng.normal(0, 8) * side / np.linalg.norm(side) / 0.1
        shapes.append(item.replace(points=points))
    model = ShapeModel.fit(shapes, components=3)
    direction = model.components[0].reshape(-1, 2)
    assert np.argmax(np.linalg.norm(direction, axis=1)) == 0
    assert model.variances[0] > 100 * model.variances[1]
    ends = [model.shape([score]) @ [1, 1j] for score in (-1.0, 1.0)]
    a = np.vdot(ends[0][1:] - ends[0][1:].mean(), ends[1][1:])
    a /= np.vdot(ends[0][1:], ends[0][1:] - ends[0][1:].mean())
    span = abs((ends[1][0] - ends[1][1:].mean()) - a * (ends[0][0] - ends[0][1:].mean()))
    assert span == pytest.approx(16, rel=0.1), "seen from the other landmarks"


def test_pixels_that_are_not_square_do_no_harm():
    square = made_up(np.random.default_rng(5), 40)
    flat = [item.replace(points=item.points * [0.5, 1.0], spacing=(0.2, 0.1)) for item in square]
    a, b = ShapeModel.fit(square), ShapeModel.fit(flat)
    np.testing.assert_allclose(a.mean, b.mean, atol=1e-9)
    points = square[0].points.copy()
    points[2] += 100
    np.testing.assert_allclose(
        a.implausibility(points), a.implausibility(points * [0.5, 1.0], spacing=(0.2, 0.1)), rtol=1e-9
    )


def test_without_spacing_the_unit_is_the_size():
    model = ShapeModel.fit([item.replace(spacing=None) for item in made_up(np.random.default_rng(5), 40)])
    assert model.unit == "size"
    assert np.sqrt(np.square(model.mean).sum(axis=1).mean()) == pytest.approx(1)


def test_the_number_of_components_is_found(rng):
    """Shapes that differ in two independent ways only, and by little noise, need no more."""
    ways = rng.normal(0, 3, (2, COUNT, 2))
    shapes = [
        item.replace(points=item.points + np.tensordot(rng.normal(0, 10, 2), ways, 1))
        for item in made_up(rng, 150, spread=0.3)
    ]
    assert 2 <= len(ShapeModel.fit(shapes).variances) <= 6


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda items: items[: MINIMUM_SHAPES - 1], AnnotationError, "needs at least 20"),
        (lambda items: [*items, items[0].replace(spacing=None)], AnnotationError, "has no spacing"),
        (
            lambda items: [*items, items[0].replace(points=np.r_[[[np.nan] * 2], items[0].points[1:]])],
            AnnotationError,
            "'Point 0'.* is absent",
        ),
        (
            lambda items: [*items, Landmarks(np.zeros((19, 2)), load_scheme("cephalometric19"), spacing=0.1)],
            SchemeError,
            "cannot be in one model",
        ),
    ],
)
def test_shapes_that_make_no_model_are_refused(change, error, said):
    with pytest.raises(error, match=said):
        ShapeModel.fit(change(made_up(np.random.default_rng(0), MINIMUM_SHAPES)))


@pytest.mark.parametrize("components", [0, 13])
def test_too_many_components_are_refused(components):
    with pytest.raises(InvalidInputError, match="allow 1 to"):
        ShapeModel.fit(made_up(np.random.default_rng(0), 60), components=components)


# Files


def test_dictionary_round_trip_survives_json(model):
    again = ShapeModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert again.to_dict() == model.to_dict()
    assert again.scheme == SCHEME
    points = MEAN + np.eye(COUNT, 2) * 20
    np.testing.assert_allclose(again.implausibility(points), model.implausibility(points), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "farnet-scheme"},
        {"version": 2},
        {"scheme": None},
        {"scheme": "cephalometric19"},
        {"mean": [[0, 0]]},
        {"mean": [[1.0, 1.0]] * COUNT},
        {"mean": "north"},
        {"mean": [[float("nan")] * 2] * COUNT},
        {"residual_variance": 0},
        {"residual_variance": "small"},
        {"variances": [1.0]},
        {"calibration": [-1.0] * COUNT},
        {"unit": "inch"},
        {"count": None},
    ],
    ids=str,
)
def test_damaged_models_are_refused(model, change):
    with pytest.raises(InvalidInputError):
        ShapeModel.from_dict(model.to_dict() | change)


@pytest.mark.parametrize("key", ["scheme", "mean", "components", "variances", "residual_variance", "count", "unit"])
def test_incomplete_models_are_refused(model, key):
    data = model.to_dict()
    del data[key]
    with pytest.raises(InvalidInputError):
        ShapeModel.from_dict(data)


def test_a_bundled_model_belongs_to_its_very_landmarks(cephalometric):
    scheme = load_scheme("cephalometric19")
    assert load_shape_model(scheme) is cephalometric
    turned = LandmarkScheme(scheme.name, scheme.title, scheme.landmarks[::-1])
    assert load_shape_model(turned) is None
    assert load_shape_model(SCHEME) is None
    with pytest.raises(UnknownNameError, match="cephalometric19"):
        load_shape_model("cephalometric18")


def test_the_bundled_model_is_that_of_the_training_annotations(cephalometric, isbi2015):
    dataset = ISBI2015(isbi2015, split="train")
    fitted = ShapeModel.fit([dataset.landmarks(i) for i in range(len(dataset))])
    assert cephalometric.count == 150
    np.testing.assert_allclose(cephalometric.mean, fitted.mean, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(cephalometric.variances, fitted.variances, rtol=1e-5)
    np.testing.assert_allclose(cephalometric.calibration, fitted.calibration, rtol=1e-5)


@pytest.mark.parametrize(("name", "count"), [("hand37", 889), ("spine68", 455)])
def test_bundled_models_without_spacing(name, count):
    model = load_shape_model(name)
    assert model.scheme == load_scheme(name)
    assert model.count == count
    assert model.unit == "size"
    assert np.sqrt(np.square(model.mean).sum(axis=1).mean()) == pytest.approx(1, rel=1e-4)
    for score in (-2.0, 2.0):
        points = 500 * model.shape([score])
        assert model.implausibility(points).max() < IMPLAUSIBLE
        assert not model.looks_mirrored(points)
        assert model.looks_mirrored(points * [-1, 1])


def test_neighbours_that_change_places_in_a_spine_are_seen():
    model = load_shape_model("spine68")
    for a, b in (("T1-TL", "T1-TR"), ("T5-TL", "T6-TL"), ("L5-BL", "L5-BR")):
        pair = [model.scheme.index(a), model.scheme.index(b)]
        points = 500 * model.shape([1.0, -1.0])
        points[pair] = points[pair[::-1]]
        assert set(np.flatnonzero(model.implausibility(points) > IMPLAUSIBLE)) == set(pair)


# What it says of points


def test_distances_are_chi_of_two_degrees_of_freedom(model, rng):
    distances = np.concatenate([model.implausibility(item.points) for item in made_up(rng, 400)])
    for limit in (1.0, 2.0, 3.0):
        expected = stats.chi2.sf(limit**2, 2)
        assert np.mean(distances > limit) == pytest.approx(expected, rel=0.25, abs=0.004)


def test_the_expected_place_and_its_covariance_are_right(model, rng):
    """Points are where they are expected, and as far from there as the covariance says."""
    misses, squares = [], []
    for item in made_up(rng, 400):
        mean, covariance = model.expected(item.points, 3, item.spacing)
        miss = item.points[3] - mean
        misses.append(miss)
        squares.append(miss @ np.linalg.solve(covariance, miss))
        np.testing.assert_allclose(np.sqrt(squares[-1]), model.implausibility(item.points)[3], rtol=0.05)
    assert np.abs(np.mean(misses, axis=0)).max() < 4 * np.std(misses) / np.sqrt(400)
    assert np.mean(squares) == pytest.approx(2, rel=0.15)


def test_expected_does_not_look_at_the_landmark_itself(cephalometric, average):
    before = cephalometric.expected(average, 9)
    for place in (np.nan, 1e4):
        points = average.copy()
        points[9] = place
        after = cephalometric.expected(points, 9)
        np.testing.assert_allclose(after[0], before[0])
        np.testing.assert_allclose(after[1], before[1])
    assert np.linalg.norm(before[0] - average[9]) * 0.2 < 0.5
    assert np.linalg.eigvalsh(before[1]).min() > 0


@given(
    angle=st.floats(-np.pi, np.pi),
    size=st.floats(0.01, 100),
    shift=st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)),
    moved=st.integers(0, 18),
    absent=st.sets(st.integers(0, 18), max_size=8),
)
def test_size_place_and_direction_do_not_count(angle, size, shift, moved, absent):
    model, points = load_shape_model("cephalometric19"), average_cephalogram()[1].points.copy()
    points[moved] += [40, -25]
    points[list(absent)] = np.nan
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    elsewhere = size * points @ turn.T + shift
    np.testing.assert_allclose(
        model.implausibility(elsewhere), model.implausibility(points), rtol=1e-5, atol=1e-5, equal_nan=True
    )
    k = (moved + 5) % 19
    mean, covariance = model.expected(points, k)
    mean_there, covariance_there = model.expected(elsewhere, k)
    scale = size * np.sqrt(np.trace(covariance))
    np.testing.assert_allclose((mean_there - size * mean @ turn.T - shift) / scale, 0, atol=1e-5)
    np.testing.assert_allclose(covariance_there / scale**2, turn @ covariance @ turn.T * size**2 / scale**2, atol=1e-6)
    assert not model.looks_mirrored(elsewhere)
    assert model.looks_mirrored(elsewhere * [1, -1])


def test_false_alarms_are_rare_on_radiographs_that_the_model_has_not_seen(cephalometric, held_out):
    distances = np.array([cephalometric.implausibility(points) for points in held_out])
    assert np.mean(distances > IMPLAUSIBLE) < 0.005
    assert np.sqrt(np.mean(distances**2) / 2) == pytest.approx(1, abs=0.05), "calibrated"
    assert not any(cephalometric.looks_mirrored(points) for points in held_out)
    assert all(cephalometric.looks_mirrored(points * [1, -1]) for points in held_out)


def test_a_landmark_15_mm_off_is_seen(cephalometric, held_out, rng):
    """In any direction, on any of them; gonion is held least firmly, and is seen in two of three."""
    gonion = cephalometric.scheme.index("Go")
    seen, blamed = np.zeros((50, 19), bool), 0
    for i, points in enumerate(held_out[:50]):
        for k in range(19):
            angle, moved = rng.uniform(0, 2 * np.pi), points.copy()
            moved[k] += 150 * np.array([np.cos(angle), np.sin(angle)])
            distances = cephalometric.implausibility(moved)
            seen[i, k] = distances[k] > IMPLAUSIBLE
            blamed += int((np.delete(distances, k) > IMPLAUSIBLE).sum())
    rates = seen.mean(axis=0)
    assert rates[gonion] > 0.6
    assert np.delete(rates, gonion).min() > 0.9
    assert np.median(rates) == 1
    assert blamed / (18 * seen.size) < 0.01, "the others are not blamed"


def test_swapped_landmarks_are_both_seen_and_no_other(cephalometric, average):
    for a, b in (("S", "N"), ("ANS", "PNS"), ("Or", "Po"), ("A", "B"), ("Go", "Me"), ("UL", "LL")):
        a, b = cephalometric.scheme.index(a), cephalometric.scheme.index(b)
        points = average.copy()
        points[[a, b]] = points[[b, a]]
        assert set(np.flatnonzero(cephalometric.implausibility(points) > IMPLAUSIBLE)) == {a, b}


def test_a_gross_outlier_does_not_hide_others_nor_accuse_them(cephalometric, average):
    points = average.copy()
    points[3] = [1e5, -1e5]
    points[11] += [0, 100]
    distances = cephalometric.implausibility(points)
    assert set(np.flatnonzero(distances > IMPLAUSIBLE)) == {3, 11}
    mean, _ = cephalometric.expected(points, 11)
    assert np.linalg.norm(mean - average[11]) * 0.2 < 2


def test_absent_landmarks_say_nothing_and_get_nothing(cephalometric, average):
    points = average.copy()
    points[4:] = np.nan
    distances = cephalometric.implausibility(points)
    assert np.isfinite(distances[:4]).all()
    assert np.isnan(distances[4:]).all()
    points[3] = np.nan
    assert np.isnan(cephalometric.implausibility(points)).all(), "three points are too few"
    assert np.isfinite(cephalometric.expected(points, 3)[0]).all(), "but enough to expect a fourth"
    assert not cephalometric.looks_mirrored(points * [1, -1])
    points[2] = np.nan
    mean, covariance = cephalometric.expected(points, 3)
    assert np.isnan(mean).all()
    assert np.isnan(covariance).all()


def test_points_all_in_one_place_fit_nothing(cephalometric):
    points = np.full((19, 2), 7.0)
    assert np.isposinf(cephalometric.implausibility(points)).all()
    assert np.isnan(cephalometric.expected(points, 0)[0]).all()
    assert not cephalometric.looks_mirrored(points)


def test_an_outlier_does_not_hide_a_mirror_image(cephalometric, average):
    points = average * [1, -1]
    points[5] += 300
    assert cephalometric.looks_mirrored(points)


@pytest.mark.parametrize("points", [np.zeros((18, 2)), np.zeros(38), np.full((19, 2), np.inf)])
def test_other_points_are_refused(cephalometric, points):
    with pytest.raises(InvalidInputError, match="needs \\(19, 2\\) finite"):
        cephalometric.implausibility(points)


def test_unknown_landmark_and_too_many_scores_are_refused(cephalometric, average):
    with pytest.raises(InvalidInputError, match="no landmark 19"):
        cephalometric.expected(average, 19)
    with pytest.raises(InvalidInputError, match="components"):
        cephalometric.shape(np.zeros(40))
