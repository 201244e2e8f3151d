"""Expected errors beside true ones, on landmarks whose errors were drawn as they say."""

import numpy as np
import pytest
from scipy.stats import chi2, spearmanr

from farnet.evaluation.expected_error import evaluate_expected_errors
from farnet.evaluation.metrics import evaluate
from farnet.evaluation.tables import FIGURE_COLUMNS
from farnet.landmarks import Landmarks
from farnet.review import Review
from farnet.scheme import LandmarkDefinition, LandmarkScheme

SCHEME = LandmarkScheme(
    name="three",
    title="Three points",
    landmarks=tuple(LandmarkDefinition(name=n, abbreviation=n, definition="A point.", side="none") for n in "ABC"),
    links=(),
)
SPACING = (0.5, 0.25)
RADIUS = float(np.sqrt(chi2.ppf(0.95, 2)))


def drawn(count, seed=0, spacing=SPACING, sd=(1.0, 2.0, 4.0)):
    """Normal errors of these standard deviations in px, with the covariance that they have."""
    rng = np.random.default_rng(seed)
    found, truth = [], []
    for i in range(count):
        scale = np.array(sd) * rng.uniform(0.5, 1.5, 3)
        points = rng.uniform(20, 80, (3, 2))
        errors = rng.normal(0, 1, (3, 2)) * scale[:, None]
        truth.append(Landmarks(points, SCHEME, spacing=spacing, radiograph=f"{i}"))
        covariance = scale[:, None, None] ** 2 * np.eye(2)
        found.append(truth[-1].replace(points=points + errors, covariance=covariance, region95=np.full(3, RADIUS)))
    return found, truth


def test_what_is_drawn_as_said_is_found_right():
    found, truth = drawn(2000)
    result = evaluate_expected_errors(found, truth, bootstrap=200)
    assert result.unit == "mm" and result.pooled.n == 6000
    assert result.pooled.coverage.value == pytest.approx(95.0, abs=1.0)
    assert result.pooled.coverage.low < result.pooled.coverage.value < result.pooled.coverage.high
    # Pixels are not square, so that an axis of 0.5 mm errs twice as far: a little less than a circle's mean.
    assert result.pooled.ratio.value == pytest.approx(0.96, abs=0.03)
    assert (np.diff(result.groups, axis=0) > 0).all()
    areas = [np.median(np.pi * RADIUS**2 * p.covariance[:, 0, 0] * SPACING[0] * SPACING[1]) for p in found]
    assert result.pooled.area == pytest.approx(np.median(areas), rel=0.05)


def test_the_rank_correlation_is_spearmans():
    found, truth = drawn(50, seed=3, spacing=(1.0, 1.0))
    result = evaluate_expected_errors(found, truth, bootstrap=0)
    error = np.stack([np.linalg.norm(p.points - t.points, axis=1) for p, t in zip(found, truth, strict=True)])
    said = np.stack([p.expected_error_px for p in found])
    assert result.pooled.rank.value == pytest.approx(spearmanr(error.ravel(), said.ravel())[0])
    each = [spearmanr(error[:, k], said[:, k])[0] for k in range(3)]
    assert [item.rank.value for item in result.per_landmark] == pytest.approx(each)
    assert result.rank_within == pytest.approx(np.mean(each))
    assert np.isnan(result.pooled.rank.low)


def test_another_scale_of_the_spread_is_the_same_ellipse():
    found, truth = drawn(300, seed=1)
    spread = [item.covariance * 7.0 for item in found]
    result = evaluate_expected_errors(found, truth, spread=spread, bootstrap=0)
    assert result.heatmap_area == pytest.approx(result.pooled.area, rel=0.1)
    assert np.isnan(evaluate_expected_errors(found, truth, bootstrap=0).heatmap_area)


def test_regions_that_are_too_small_are_told():
    found, truth = drawn(500)
    small = [item.replace(covariance=item.covariance / 9.0) for item in found]
    result = evaluate_expected_errors(small, truth, bootstrap=0)
    assert result.pooled.coverage.value < 50
    assert result.pooled.ratio.value == pytest.approx(3 * 0.96, abs=0.1)


def test_what_is_not_known_takes_no_part():
    found, truth = drawn(40)
    assert evaluate_expected_errors([item.replace(region95=None) for item in found], truth) is None
    points = found[0].points.copy()
    points[0] = np.nan
    found[0] = found[0].replace(points=points)
    found[1] = found[1].replace(region95=[np.nan, RADIUS, RADIUS])
    points = truth[2].points.copy()
    points[0] = np.nan
    truth[2] = truth[2].replace(points=points)
    truth[3], found[3] = truth[3].replace(spacing=None), found[3].replace(spacing=None)
    result = evaluate_expected_errors(found, truth, bootstrap=20)
    assert [item.n for item in result.per_landmark] == [37, 40, 40]
    assert result.unit == "px"


def test_tables_and_rows_hold_all():
    result = evaluate_expected_errors(*drawn(30), bootstrap=20)
    (table,) = result.tables()
    assert len(table.rows) == 4 and {len(row) for row in table.rows} == {len(table.headers)}
    rows = list(result.rows())
    assert len(rows) == 4 * 4 and {len(row) for row in rows} == {len(FIGURE_COLUMNS)}
    assert result.to_dict()["pooled"]["coverage_percent"]["value"] == result.pooled.coverage.value


@pytest.mark.parametrize("in_truth", [True, False, "in part"])
@pytest.mark.parametrize("in_found", [True, False, "in part"])
def test_the_unit_is_that_of_the_radial_errors(in_truth, in_found):
    found, truth = drawn(12)

    def known(items, which):
        return [
            item.replace(spacing=SPACING if which is True or (which == "in part" and i % 2) else None)
            for i, item in enumerate(items)
        ]

    found, truth = known(found, in_found), known(truth, in_truth)
    main = evaluate(found, truth, bootstrap=0)
    likely = evaluate_expected_errors(found, truth, bootstrap=0)
    assert likely.unit == main.unit
    assert likely.pooled.error == pytest.approx(main.pooled.mre)  # the same errors in the same unit
    assert likely.pooled.coverage.value > 80


def test_points_of_a_person_count_in_no_coverage():
    found, truth = drawn(60)
    before = evaluate_expected_errors(found, truth, bootstrap=0)
    moved = [
        Review.of(item).moved(1, reference.points[1]).landmarks for item, reference in zip(found, truth, strict=True)
    ]
    after = evaluate_expected_errors(moved, truth, bootstrap=0)
    assert [item.n for item in after.per_landmark] == [60, 0, 60]
    assert after.pooled.n == 120
    for k in (0, 2):
        assert after.per_landmark[k].coverage.value == before.per_landmark[k].coverage.value
    again = [item.replace(edited=np.ones(3, bool)) for item in found]
    assert evaluate_expected_errors(again, truth, bootstrap=0) is None
