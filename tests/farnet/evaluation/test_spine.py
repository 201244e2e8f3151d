"""Figures of spines: against loops that follow the definitions, and the mean shape of the published radiographs."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farnet.datasets.spineweb16 import SpineWeb16
from farnet.errors import AnnotationError, InvalidInputError, SchemeError, UnknownNameError
from farnet.evaluation.spine import cobb_agreement, evaluate_spine, smape
from farnet.evaluation.spine_points import mean_shapes, normalised_points, point_agreement
from farnet.landmarks import Landmarks
from farnet.measurement.spine import cobb_angles
from farnet.scheme import load_scheme

SHAPE = (900, 400)


def spine(seed=0, *, shape=SHAPE, bend=30.0, noise=0.0):
    """A spine of 17 vertebrae on a sine; `noise` px are added to every corner."""
    rng = np.random.default_rng(seed)
    turn = np.linspace(0, rng.uniform(2, 5), 17)
    rows, columns = np.linspace(60, 840, 17), 200 + bend * np.sin(turn)
    corners = [[r + dr, c + dc] for r, c in zip(rows, columns, strict=True) for dr in (-15, 15) for dc in (-25, 25)]
    # Upper plates tilt with the curve, so that there are angles to measure.
    tilt = np.repeat(0.6 * bend * np.cos(turn) / 25, 4) * np.tile([-1, 1, -1, 1], 17) * 5
    points = np.array(corners) + np.stack([tilt, np.zeros(68)], axis=1) + rng.normal(0, noise, (68, 2)) * bool(noise)
    return Landmarks(points, load_scheme("spine68"), radiograph=f"s{seed}", image_shape=shape)


def spines(count=6, **more):
    return [spine(i, **more) for i in range(count)]


def moved(items, scale, seed=7):
    rng = np.random.default_rng(seed)
    return [item.replace(points=item.points + rng.normal(0, scale, item.points.shape)) for item in items]


def test_the_figures_follow_their_definitions():
    truth = spines()
    found = moved(truth, 6.0)
    result = evaluate_spine(found, truth, bootstrap=0).points
    p, t = (np.stack([i.points for i in side]) / SHAPE for side in (found, truth))
    assert result.nmse_point.value == pytest.approx(np.mean(((p - t) ** 2).sum(-1)))
    assert result.nmse_coordinate.value == pytest.approx(np.mean((p - t) ** 2))
    assert result.rho.value == pytest.approx(np.corrcoef(p.ravel(), t.ravel())[0, 1])
    each = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(p, t, strict=True)]
    assert result.rho_image.value == pytest.approx(np.mean(each))
    assert result.rho_x.value == pytest.approx(np.corrcoef(p[..., 1].ravel(), t[..., 1].ravel())[0, 1])
    assert result.rho_y.value == pytest.approx(np.corrcoef(p[..., 0].ravel(), t[..., 0].ravel())[0, 1])
    assert np.isnan(result.rho.low)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 7), st.integers(1, 6), st.floats(0.001, 0.3), st.integers(0, 10_000), st.booleans())
def test_agreement_of_any_points_is_that_of_numpy(n, k, scale, seed, holes):
    rng = np.random.default_rng(seed)
    true = rng.uniform(0, 1, (n, k, 2))
    predicted = true + rng.normal(0, scale, true.shape)
    if holes:
        predicted[rng.random((n, k)) < 0.2] = np.nan
    known = ~np.isnan(predicted[..., 0])
    result = point_agreement(predicted, true, bootstrap=0)
    if known.sum() < 2:
        return
    a, b = predicted[known], true[known]
    assert result.nmse_point.value == pytest.approx(((a - b) ** 2).sum(axis=1).mean())
    assert result.rho.value == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1], abs=1e-9)
    assert result.nmse_coordinate.value == result.nmse_point.value / 2


def test_the_interval_is_that_of_the_loop_over_draws():
    from farnet.evaluation.bootstrap import draw_counts

    truth = np.random.default_rng(0).uniform(0, 1, (9, 5, 2))
    found = truth + np.random.default_rng(1).normal(0, 0.1, truth.shape)
    drawn = []
    for counts in draw_counts(9, 100, 3).astype(int):
        rows = np.repeat(np.arange(9), counts)
        drawn.append(np.corrcoef(found[rows].ravel(), truth[rows].ravel())[0, 1])
    result = point_agreement(found, truth, bootstrap=100, seed=3)
    assert (result.rho.low, result.rho.high) == pytest.approx(np.percentile(drawn, (2.5, 97.5)))


def test_perfect_points_and_points_without_spread():
    truth = spines()
    perfect = evaluate_spine(truth, truth, bootstrap=20)
    assert (perfect.points.nmse_point.value, perfect.points.rho.value) == (0.0, pytest.approx(1.0))
    assert (perfect.cobb.smape.value, perfect.cobb.n, perfect.cobb.n_missed) == (0.0, 6, 0)
    same = np.full((3, 4, 2), 0.5)
    assert np.isnan(point_agreement(same, same + 0.1, bootstrap=0).rho.value)
    assert np.isnan(point_agreement(np.full_like(same, np.nan), same, bootstrap=5).nmse_point.value)


def test_the_mean_shape_leaves_its_own_radiograph_out():
    true = np.random.default_rng(0).uniform(0, 1, (4, 3, 2))
    true[1, 2] = np.nan
    expected = [np.nanmean(np.delete(true, i, axis=0), axis=0) for i in range(4)]
    assert mean_shapes(true) == pytest.approx(np.stack(expected))
    assert np.isnan(mean_shapes(true[:1])).all()


@pytest.mark.parametrize(
    ("predicted", "true", "expected"),
    [
        ([[10, 0, 0]], [[0, 10, 0]], 100.0),
        ([[10, 5, 5]], [[10, 5, 5]], 0.0),
        ([[0, 0, 0], [30, 0, 0]], [[0, 0, 0], [10, 0, 0]], 25.0),  # 0/0 is no error: mean of 0 and 20/40
        ([[np.nan, 1, 1], [2, 1, 1]], [[1, 1, 1], [1, 1, 2]], 25.0),
    ],
)
def test_smape(predicted, true, expected):
    assert smape(predicted, true) == pytest.approx(expected)
    assert cobb_agreement(predicted, true, bootstrap=0).smape.value == pytest.approx(expected)


@given(st.lists(st.tuples(*[st.floats(0, 90)] * 6), min_size=1, max_size=8))
def test_smape_is_between_0_and_100_and_symmetric(values):
    array = np.array(values)
    a, b = array[:, :3], array[:, 3:]
    found = smape(a, b)
    assert 0 <= found <= 100 + 1e-9
    assert found == smape(b, a)
    agreement = cobb_agreement(a, b, bootstrap=0)
    assert [item.value for item in agreement.error_each] == pytest.approx(np.abs(a - b).mean(axis=0))


def test_smape_of_nothing():
    assert np.isnan(smape([[np.nan] * 3], [[1, 2, 3]]))
    with pytest.raises(InvalidInputError, match=r"\(N, 3\)"):
        smape([[1, 2]], [[1, 2]])


def test_a_spine_that_was_not_found_is_counted_and_not_averaged():
    truth = spines()
    found = moved(truth, 1.0)
    points = found[2].points.copy()
    points[5] = np.nan
    found[2] = found[2].replace(points=points)
    result = evaluate_spine(found, truth, bootstrap=10)
    assert (result.cobb.n, result.cobb.n_missed) == (5, 1)
    assert np.isfinite(result.points.nmse_point.value)
    assert result.to_dict()["cobb"]["n_missed"] == 1


def test_without_the_size_of_radiographs_only_angles_are_left():
    truth = spines(shape=None)
    result = evaluate_spine(moved(truth, 1.0), truth, bootstrap=10)
    assert result.points is None
    assert result.mean_shape is None
    assert result.n_sized == 0
    assert "the size of no radiograph is known" in result.tables()[-1].caption
    sized = evaluate_spine(spines(shape=SHAPE), truth, bootstrap=0)  # the prediction knows it
    assert sized.n_sized == 6


def test_the_variant_is_a_switch():
    truth = spines()
    found = moved(truth, 4.0)
    port = evaluate_spine(found, truth, variant="port", bootstrap=0)
    expected = [cobb_angles(i.points, image_rows=SHAPE[0], variant="port").angles for i in truth]
    assert port.true_angles == pytest.approx(np.array(expected))
    assert port.cobb.variant == "port"
    with pytest.raises(UnknownNameError):
        evaluate_spine(found, truth, variant="excel", bootstrap=0)


def test_what_cannot_be_compared_is_refused():
    truth = spines(2)
    with pytest.raises(AnnotationError, match="1 predicted and 2 true"):
        evaluate_spine(truth[:1], truth)
    with pytest.raises(AnnotationError, match="compared with those of"):
        evaluate_spine(truth[::-1], truth)
    with pytest.raises(InvalidInputError, match="bootstrap is -1"):
        evaluate_spine(truth, truth, bootstrap=-1)
    with pytest.raises(InvalidInputError, match="2 sets of points and 1 sizes"):
        normalised_points([t.points for t in truth], [SHAPE])
    other = Landmarks(np.zeros((19, 2)), load_scheme("cephalometric19"), radiograph="s0")
    with pytest.raises(SchemeError):
        evaluate_spine([other, truth[1]], truth)


@functools.cache
def published(folder):
    data = SpineWeb16(folder, "train")
    return [data.landmarks(i) for i in range(len(data))]


def test_the_mean_shape_of_the_481(spineweb16):
    """What a prediction reaches that looks at no radiograph: the floor of every published figure."""
    truth = published(spineweb16)
    assert len(truth) == 481
    floor = evaluate_spine(truth, truth, bootstrap=0).mean_shape
    assert floor.nmse_point.value == pytest.approx(0.010597, abs=1e-6)
    assert floor.nmse_coordinate.value == pytest.approx(0.005298, abs=1e-6)
    assert floor.rho.value == pytest.approx(0.94033, abs=1e-5)
    assert floor.rho_image.value == pytest.approx(0.95198, abs=1e-5)
    assert floor.rho_x.value == pytest.approx(0.72832, abs=1e-5)
    assert floor.rho_y.value == pytest.approx(0.99490, abs=1e-5)


def test_port_and_matlab_on_the_481(spineweb16):
    truth = published(spineweb16)
    angles = {
        variant: np.array([cobb_angles(t.points, image_rows=t.image_shape[0], variant=variant).angles for t in truth])
        for variant in ("matlab", "port")
    }
    difference = np.abs(angles["matlab"] - angles["port"]).max(axis=1)
    assert (difference > 1e-6).sum() == 16
    assert (difference > 1.0).sum() == 14
    assert not np.isnan(difference).any()
