"""A calibration finds what made errors that were drawn, and its regions hold on others."""

import json

import numpy as np
import pytest

from farnet.errors import InvalidInputError
from farnet.uncertainty import Calibration, expected_radial_error
from farnet.uncertainty.evidence import SIGNS
from farnet.uncertainty.fitting import LEAST_RADIOGRAPHS, Held, fit_calibration

SLOPES = np.array([0.5, 0.25, 0.0, 0.1, 0.0])
LANDMARKS = 6


def drawn(rng, count, folds=3, tails=None):
    """Errors whose size follows the signs by `SLOPES`, in a direction of each landmark; heavy tails with `tails`."""
    signs = rng.normal(size=(count, LANDMARKS, len(SIGNS)))
    scale = np.linspace(1.0, 3.0, LANDMARKS) * np.exp(signs @ SLOPES)
    angle = np.linspace(0.0, np.pi, LANDMARKS, endpoint=False)
    along = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
    across = np.stack([np.cos(angle), -np.sin(angle)], axis=-1)
    a, b = rng.normal(size=(2, count, LANDMARKS)) if tails is None else rng.standard_t(tails, (2, count, LANDMARKS))
    errors = scale[..., None] * (1.3 * a[..., None] * along + 0.5 * b[..., None] * across)
    spread = np.broadcast_to(np.eye(2), (count, LANDMARKS, 2, 2)) * rng.uniform(1, 9, (count, LANDMARKS, 1, 1))
    return Held(signs, spread, errors, np.arange(count) % folds)


def distances(calibration, held):
    covariance = calibration.covariance(held.signs, held.spread)
    return np.sqrt(np.einsum("nki,nkij,nkj->nk", held.errors, np.linalg.inv(covariance), held.errors))


@pytest.fixture(scope="module")
def fitted():
    return fit_calibration(drawn(np.random.default_rng(0), 600), source="drawn")


def test_slopes_and_directions_are_found(fitted):
    np.testing.assert_allclose(fitted.slopes / fitted.deviations, SLOPES, atol=0.06)
    values = np.linalg.eigvalsh(fitted.directions)
    np.testing.assert_allclose(values[:, 1] / values[:, 0], (1.3 / 0.5) ** 2, rtol=0.35)
    assert (fitted.radiographs, fitted.source) == (600, "drawn")


@pytest.mark.parametrize("tails", [None, 3])
def test_regions_hold_the_truth_of_others_whatever_the_tails(tails):
    rng = np.random.default_rng(1)
    calibration = fit_calibration(drawn(rng, 400, tails=tails))
    others = drawn(rng, 3000, tails=tails)
    inside = distances(calibration, others) <= calibration.radii
    assert 0.95 < inside.mean() < 0.98
    assert (inside.mean(axis=0) > 0.935).all()


def test_a_region_is_too_small_as_rarely_as_it_says():
    small = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        calibration = fit_calibration(drawn(rng, 60))
        others = drawn(rng, 1000)
        small += int((distances(calibration, others) <= calibration.radii).mean(axis=0)[0] < 0.95)
    assert small <= 12  # 6 expected


def test_expected_errors_are_right_on_average_for_every_landmark(fitted):
    others = drawn(np.random.default_rng(2), 3000)
    said = fitted.expected_error(others.signs)
    ratio = np.linalg.norm(others.errors, axis=-1).mean(axis=0) / said.mean(axis=0)
    np.testing.assert_allclose(ratio, 1.0, atol=0.1)
    covariance = fitted.covariance(others.signs, others.spread)
    sd = np.sqrt(np.trace(covariance, axis1=-2, axis2=-1) / 2)
    np.testing.assert_allclose(expected_radial_error(sd), said, rtol=1e-9)


def test_the_area_is_less_than_that_of_one_circle_for_all(fitted):
    others = drawn(np.random.default_rng(3), 2000)
    area = np.pi * fitted.radii**2 * np.sqrt(np.linalg.det(fitted.covariance(others.signs, others.spread)))
    radial = np.linalg.norm(others.errors, axis=-1)
    assert np.median(area) < 0.7 * np.pi * np.quantile(radial, 0.95) ** 2


def test_absent_landmarks_take_no_part():
    held = drawn(np.random.default_rng(4), 200)
    errors, signs = held.errors.copy(), held.signs.copy()
    errors[::4, 2] = np.nan
    signs[1::4, 3] = np.nan
    calibration = fit_calibration(Held(signs, held.spread, errors, held.folds))
    assert np.isfinite(calibration.radii).all()
    assert np.isnan(calibration.expected_error(signs)[1::4, 3]).all()


def test_few_radiographs_or_one_fold_are_refused():
    rng = np.random.default_rng(5)
    with pytest.raises(InvalidInputError, match=f"at least {LEAST_RADIOGRAPHS}"):
        fit_calibration(drawn(rng, LEAST_RADIOGRAPHS - 1))
    with pytest.raises(InvalidInputError, match="at least two folds"):
        fit_calibration(drawn(rng, 100, folds=1))
    assert fit_calibration(drawn(rng, LEAST_RADIOGRAPHS)).radiographs == LEAST_RADIOGRAPHS


def test_it_goes_through_json(fitted):
    again = Calibration.from_dict(json.loads(json.dumps(fitted.to_dict())))
    others = drawn(np.random.default_rng(6), 20)
    np.testing.assert_allclose(again.expected_error(others.signs), fitted.expected_error(others.signs), rtol=2e-4)
    np.testing.assert_allclose(again.radii, fitted.radii, rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"level": 0.9}, "0.9"),
        ({"signs": ["height"]}, "height"),
        ({"radii": [1.0]}, "radii"),
        ({"radii": [-1.0] * LANDMARKS}, "above zero"),
        ({"levels": ["x"] * LANDMARKS}, "damaged"),
        ({"blend": 2.0}, "blend"),
        ({"levels": [float("nan")] * LANDMARKS}, "levels"),
        ({"more": 1}, "knows"),
    ],
)
def test_damaged_calibrations_are_refused(fitted, change, word):
    with pytest.raises(InvalidInputError, match=word):
        Calibration.from_dict(fitted.to_dict() | change)
