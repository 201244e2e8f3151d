"""Means over seeds, intervals over radiographs, and the figures of spines."""

import math

import numpy as np
import pytest

from farnet.errors import InvalidInputError
from farnet.evaluation import evaluate
from farnet.landmarks import Landmarks
from farnet.reproduction.figures import Figure, radial_figures, shape_figures
from farnet.scheme import LandmarkDefinition, LandmarkScheme

SCHEME = LandmarkScheme(
    name="two",
    title="Two",
    landmarks=tuple(
        LandmarkDefinition(name=f"point {word}", abbreviation=word, definition="A point.", side="none") for word in "AB"
    ),
    links=(),
)


def made(points, spacing=(0.5, 0.5), shape=(100, 50)):
    return [
        Landmarks(points=p, scheme=SCHEME, spacing=spacing, image_shape=shape, radiograph=f"r{i}")
        for i, p in enumerate(points)
    ]


@pytest.fixture
def truth(rng):
    return rng.uniform([20, 10], [80, 40], (6, 2, 2))


def test_one_seed_is_the_evaluation(rng, truth):
    references, found = made(truth), made(truth + rng.normal(0, 4, truth.shape))
    figures = radial_figures([found], references, (2.0, 4.0), bootstrap=200)
    expected = evaluate(found, references, radii=(2.0, 4.0), bootstrap=200).pooled
    assert set(figures) == {"mre", "sd", "sdr_2", "sdr_4"}
    assert figures["mre"].value == pytest.approx(expected.mre) and figures["sd"].value == pytest.approx(expected.sd)
    assert figures["sdr_4"].value == pytest.approx(expected.sdr[4.0])
    assert (figures["mre"].low, figures["mre"].high) == pytest.approx(expected.ci["mre"])
    assert math.isnan(figures["mre"].seed_half_width)


def test_seeds_are_averaged(truth):
    # Errors of 2 px and of 4 px are 1 mm and 2 mm.
    shifted = [made(truth + np.array([shift, 0.0])) for shift in (2.0, 4.0)]
    figures = radial_figures(shifted, made(truth), (1.5,), bootstrap=50)
    assert figures["mre"].seeds == pytest.approx((1.0, 2.0)) and figures["mre"].value == pytest.approx(1.5)
    assert (figures["mre"].low, figures["mre"].high) == pytest.approx((1.5, 1.5))  # all radiographs are alike
    assert figures["sdr_1.5"].seeds == (100.0, 0.0) and figures["sdr_1.5"].value == 50.0


def test_interval_of_the_mean_over_seeds():
    # t(0.975, 2 degrees of freedom) = 4.302653; SD of 1, 2, 3 is 1.
    figure = Figure(2.0, math.nan, math.nan, (1.0, 2.0, 3.0))
    assert figure.seed_half_width == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert figure.to_dict()["ci"] == [None, None]


def test_mm_need_a_spacing(truth):
    with pytest.raises(InvalidInputError, match="r0"):
        radial_figures([made(truth, None)], made(truth, None), (2.0,))


class TestShapes:
    def test_squared_error_by_hand(self, truth):
        # 10 of 100 rows and 10 of 50 columns: 0.01 + 0.04 for each point.
        figures = shape_figures([made(truth + 10.0)], made(truth), bootstrap=20)
        assert figures["nmse"].value == pytest.approx(0.05)
        assert (figures["nmse"].low, figures["nmse"].high) == pytest.approx((0.05, 0.05))

    def test_correlation_is_numpys(self, rng, truth):
        found = [truth + rng.normal(0, 5, truth.shape) for _ in range(2)]
        figures = shape_figures([made(f) for f in found], made(truth), bootstrap=200)
        size = np.array([100, 50])
        expected = [np.corrcoef((f / size).ravel(), (truth / size).ravel())[0, 1] for f in found]
        assert figures["rho"].seeds == pytest.approx(expected, rel=1e-9)
        assert figures["rho"].low < figures["rho"].value < figures["rho"].high <= 1.0

    def test_missing_points_take_no_part(self, rng, truth):
        found = truth + rng.normal(0, 5, truth.shape)
        found[0, 1] = np.nan
        figures = shape_figures([made(found)], made(truth), bootstrap=0)
        known = np.isfinite(found).all(-1)
        a, b = ((x / [100, 50])[known] for x in (found, truth))
        assert figures["nmse"].value == pytest.approx(np.square(a - b).sum(-1).mean())
        assert figures["rho"].value == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1])
        assert math.isnan(figures["rho"].low)

    def test_nothing_found(self, truth):
        figures = shape_figures([made(np.full_like(truth, np.nan))], made(truth), bootstrap=20)
        assert math.isnan(figures["nmse"].value) and math.isnan(figures["nmse"].low)

    def test_shares_need_a_shape(self, truth):
        with pytest.raises(InvalidInputError, match="height and width of r0"):
            shape_figures([made(truth)], made(truth, shape=None))
