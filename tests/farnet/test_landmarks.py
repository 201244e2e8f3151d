from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farnet.errors import AnnotationError, InvalidInputError, SchemeError
from farnet.landmarks import MODEL_SAYS, Landmarks, least_certain, mean_landmarks, outside_picture
from farnet.scheme import LandmarkDefinition, LandmarkScheme

SCHEME = LandmarkScheme(
    "three", "Three points", tuple(LandmarkDefinition(f"Point {name}", name) for name in ("A", "B", "C"))
)
OTHER = LandmarkScheme("other", "Others", SCHEME.landmarks)
POINTS = np.array([[1.0, 2.0], [np.nan, np.nan], [5.5, 6.25]])


def make(**changes):
    return Landmarks(**{"points": POINTS, "scheme": SCHEME, **changes})


def test_points_are_a_read_only_copy():
    points = POINTS.copy()
    landmarks = make(points=points)
    points[0] = 0
    assert landmarks.points[0].tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        landmarks.points[0] = 0


def test_present_is_what_is_not_nan():
    assert make().present.tolist() == [True, False, True]
    assert len(make()) == 3


def test_lists_and_integers_are_accepted():
    landmarks = make(points=[[1, 2], [3, 4], [5, 6]], spacing=0.1, edited=[1, 0, 0], image_shape=np.array([10, 20]))
    assert landmarks.points.dtype == np.float64
    assert landmarks.spacing == (0.1, 0.1)
    assert landmarks.edited.tolist() == [True, False, False]
    assert landmarks.image_shape == (10, 20)


def test_standard_deviation_is_the_root_of_the_mean_variance():
    covariance = np.array([np.diag([9.0, 16.0]), np.eye(2), np.full((2, 2), np.nan)])
    landmarks = make(covariance=covariance, spacing=(0.1, 0.2))
    np.testing.assert_allclose(landmarks.sd_px, [np.sqrt(12.5), np.nan, np.nan])
    np.testing.assert_allclose(landmarks.sd_mm, [np.sqrt((0.09 + 0.64) / 2), np.nan, np.nan])


@given(st.floats(0.01, 100), st.floats(0.01, 5))
def test_isotropic_standard_deviation_is_sigma(sigma, spacing):
    landmarks = make(covariance=np.broadcast_to(sigma**2 * np.eye(2), (3, 2, 2)), spacing=spacing)
    np.testing.assert_allclose(landmarks.sd_px[[0, 2]], sigma)
    np.testing.assert_allclose(landmarks.sd_mm[[0, 2]], sigma * spacing)


def test_standard_deviation_without_covariance_or_spacing():
    assert np.isnan(make().sd_px).all()
    assert make().sd_mm is None
    assert np.isnan(make(spacing=0.1).sd_mm).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"points": POINTS[:2]}, r"shape \(2, 2\).*must be \(3, 2\)"),
        ({"points": [["a", "b"]] * 3}, "not numbers"),
        ({"points": [[1, np.nan], [1, 2], [1, 2]]}, "'Point A' is at"),
        ({"points": [[1, 2], [1, 2], [np.inf, 2]]}, "'Point C' is at"),
        ({"confidence": [1.0]}, "confidence"),
        ({"edited": [True]}, "edited"),
        ({"covariance": np.zeros((3, 2))}, "covariance"),
        ({"covariance": [np.eye(2), [[1, 2], [0, 1]], np.eye(2)]}, "'Point B'.*symmetric"),
        ({"covariance": [np.eye(2), np.eye(2), -np.eye(2)]}, "'Point C'.*at least zero"),
        ({"provenance": {"array": np.zeros(2)}}, "JSON"),
    ],
)
def test_malformed_landmarks_are_refused(changes, words):
    with pytest.raises(AnnotationError, match=words):
        make(**changes)


def test_spacing_of_zero_is_refused():
    with pytest.raises(InvalidInputError, match="above zero"):
        make(spacing=0)


def test_replace_checks_again():
    landmarks = make(source="junior").replace(source="senior")
    assert landmarks.source == "senior"
    assert landmarks.equals(make(source="senior"))
    with pytest.raises(AnnotationError):
        landmarks.replace(points=POINTS[:1])


def test_equality_is_to_the_last_bit_and_nan_equals_nan():
    full = make(confidence=[0.5, np.nan, 1], covariance=np.full((3, 2, 2), np.nan), edited=[1, 0, 0], spacing=0.1)
    assert full.equals(full.replace())
    assert full.equals(pickle.loads(pickle.dumps(full)))
    assert not full.equals(full.replace(confidence=None))
    assert not full.equals(full.replace(points=np.nextafter(POINTS, 9)))
    assert not full.equals(full.replace(radiograph="001"))


def test_summary_table_is_json():
    landmarks = make(confidence=[0.9, np.nan, 0.5], covariance=[4 * np.eye(2)] * 3, spacing=0.1, edited=[0, 0, 1])
    table = landmarks.summary_table()
    assert json.loads(json.dumps(table, allow_nan=False)) == table
    assert table[0] == {
        "name": "Point A",
        "abbreviation": "A",
        "row": 1.0,
        "column": 2.0,
        "confidence": 0.9,
        "sd_px": 2.0,
        "sd_mm": pytest.approx(0.2),
        "expected_error_px": None,
        "expected_error_mm": None,
        "reach95_px": None,
        "reach95_mm": None,
        "edited": False,
    }
    assert table[1]["row"] is table[1]["column"] is table[1]["confidence"] is table[1]["sd_mm"] is None
    assert table[2]["confidence"] is None
    assert make().summary_table()[0]["edited"] is None


def test_expected_errors_are_of_calibrated_covariances_alone():
    plain = make(covariance=[np.diag([9.0, 16.0])] * 3, spacing=(0.1, 0.2))
    assert np.isnan(plain.expected_error_px).all() and not plain.uncertainty.calibrated
    assert plain.uncertainty.text(0) == "± 0.6 mm"
    told = plain.replace(region95=[2.0, np.nan, 2.5])
    sd = np.sqrt((0.3**2 + 0.8**2) / 2)
    np.testing.assert_allclose(told.expected_error_mm[0], np.sqrt(np.pi / 2) * sd)
    assert told.uncertainty.text(0) == f"expected error {np.sqrt(np.pi / 2) * sd:.1f} mm"
    np.testing.assert_allclose(told.reach95()[0], 2.0 * 4.0)
    np.testing.assert_allclose(told.reach95(told.spacing)[0], 2.0 * 0.8)
    assert np.isnan(told.expected_error_px[1]) and np.isnan(told.reach95()[1])
    assert told.uncertainty.text(1) == ""
    assert make().expected_error_mm is None
    for bad in ([0.0, 1.0, 1.0], [-1.0, 1.0, 1.0], [np.inf, 1.0, 1.0], [1.0]):
        with pytest.raises(AnnotationError, match="region95"):
            make(region95=bad)


def test_mean_of_two_observers():
    junior = make(source="junior", spacing=0.1, radiograph="001", image_shape=(10, 10))
    senior = junior.replace(source="senior", points=[[2, 2], [3, 3], [np.nan, np.nan]], confidence=[1, 1, 1])
    mean = mean_landmarks([junior, senior])
    np.testing.assert_array_equal(mean.points, [[1.5, 2], [np.nan, np.nan], [np.nan, np.nan]])
    assert mean.source == "mean of junior, senior"
    assert (mean.radiograph, mean.spacing, mean.image_shape) == ("001", (0.1, 0.1), (10, 10))
    assert mean.confidence is None


def test_mean_of_one_is_itself():
    np.testing.assert_array_equal(mean_landmarks([make()]).points, POINTS)


def test_mean_of_what_does_not_belong_together_is_refused():
    with pytest.raises(AnnotationError, match="at least one"):
        mean_landmarks([])
    with pytest.raises(SchemeError, match="'three' cannot be averaged with those of 'other'"):
        mean_landmarks([make(), make(scheme=OTHER)])
    with pytest.raises(AnnotationError, match="radiograph differs: '001' and '002'"):
        mean_landmarks([make(radiograph="001"), make(radiograph="002")])


COUNTED = st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3)


def certain(confidence=(0.9, 0.9, 0.9), sd=(1.0, 1.0, 1.0), region=None, **changes):
    """Three present points of a model."""
    covariance = np.square(np.array(sd))[:, None, None] * np.eye(2)
    region95 = None if region is None else np.full(3, region)
    own = {"confidence": list(confidence), "covariance": covariance, "region95": region95, "points": np.ones((3, 2))}
    return make(**{**own, **changes})


@given(st.lists(st.booleans(), min_size=3, max_size=3), COUNTED, st.sampled_from([None, 2.0]))
def test_what_a_model_says_is_not_said_of_the_points_of_a_person(edited, confidence, region):
    before = certain(confidence, region=region)
    for after in (before.replace(edited=edited), certain(confidence, region=region, edited=edited)):
        for name in MODEL_SAYS:
            values, was = getattr(after, name), getattr(before, name)
            assert (values is None) == (was is None)
            if values is not None:
                assert not values.flags.writeable
                for k in range(3):
                    np.testing.assert_array_equal(values[k], np.full_like(was[k], np.nan) if edited[k] else was[k])
        assert after.replace().equals(after)
        rows = after.summary_table()
        keys = ("confidence", "sd_px", "expected_error_px", "reach95_px")
        assert all(rows[k][key] is None for k in range(3) if edited[k] for key in keys)


def test_least_certain_by_expected_error_where_calibrated():
    item = certain([0.2, 0.9, 0.9], [1.0, 3.0, 2.0], region=2.0)
    assert [k for _, k in least_certain([item])] == [1, 2, 0]
    assert [k for _, k in least_certain([item.replace(edited=[False, True, False])])] == [2, 0, 1]


def test_least_certain_by_confidence_where_not():
    item = certain([0.9, 0.301, 0.299], [1.0, 2.0, 3.0])
    assert [k for _, k in least_certain([item])] == [2, 1, 0]  # equal as they are shown, so the wider
    assert [k for _, k in least_certain([item.replace(covariance=None)])] == [1, 2, 0]
    assert [k for _, k in least_certain([item.replace(edited=[0, 0, 1])])] == [1, 0, 2]
    assert least_certain([make(points=np.full((3, 2), np.nan))]) == []
    assert least_certain([]) == []


def test_least_certain_of_several_is_in_one_unit():
    near = certain(sd=[1.0, 1.0, 4.0], region=2.0, spacing=1.0)
    fine = certain(sd=[20.0, 30.0, 30.0], region=2.0, spacing=0.1)  # 2 and 3 mm
    assert least_certain([near, fine]) == [(0, 2), (1, 1), (1, 2), (1, 0), (0, 0), (0, 1)]
    assert least_certain([near.replace(spacing=None), fine])[:3] == [(1, 1), (1, 2), (1, 0)]  # in px, both


@given(st.floats(-3, 14), st.floats(-3, 24))
def test_a_point_is_on_the_picture_up_to_half_a_pixel_beyond_the_outermost_centres(row, column):
    item = certain(points=[[row, column], [2.0, 3.0], [np.nan, np.nan]], image_shape=(10, 20), region=2.0)
    inside = -0.5 <= row <= 9.5 and -0.5 <= column <= 19.5
    assert item.outside.tolist() == [not inside, False, False]
    assert not item.replace(image_shape=None).outside.any()
    kept = item.inside()
    assert kept.present.tolist() == [inside, True, False]
    assert outside_picture(kept) == ({} if inside else {"Point A": (row, column)})
    assert np.isnan(kept.confidence[0]) != inside
    assert kept.inside() is kept
