"""Measuring: values, units, and the reason where there is no value."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farnet.errors import MeasurementError
from farnet.landmarks import Landmarks
from farnet.measurement import load_measurements, measure, parse_measurements
from farnet.samples import average_cephalogram
from farnet.scheme import load_scheme

CEPH = load_scheme("cephalometric19")
ALL = """
name: all
scheme: cephalometric19
forward: [[S, N]]
measurements:
  - {name: length, distance: [S, N]}
  - {name: mm, distance: [S, N], unit: mm}
  - {name: normed, distance: [S, N], norm: {mean: 60, sd: 5}}
  - {name: forward, distance: [N, S], signed: true}
  - {name: angle, angle: [S, N, A]}
  - {name: turn, angle: [S, N, A], signed: true}
  - {name: between, angle: [[Po, Or], [Go, Me]], signed: true}
  - {name: offset, offset: {point: LL, line: [Sn, "Pog'"]}, signed: true}
  - {name: beside, offset: {point: LL, line: ["Pog'", Sn]}}
  - {name: along, along: {points: [B, A], line: [Po, Or]}}
  - {name: ratio, ratio: [length, along]}
  - {name: less, difference: [length, along, beside]}
  - {name: more, sum: [angle, between]}
"""
EVERYTHING = parse_measurements(ALL)


@pytest.fixture
def landmarks():
    return average_cephalogram()[1]


def values(landmarks, definitions=EVERYTHING):
    return {item.name: item.value for item in measure(definitions, landmarks)}


def by_name(landmarks, definitions=EVERYTHING):
    return {item.name: item for item in measure(definitions, landmarks)}


def test_figures_by_hand():
    points = np.full((19, 2), np.nan)
    for name, place in {
        "S": (0, 0),
        "N": (0, 30),
        "A": (40, 30),
        "Sn": (0, 50),
        "Pog'": (100, 50),
        "LL": (50, 53),
    }.items():
        points[CEPH.index(name)] = place
    found = by_name(Landmarks(points, CEPH, spacing=(0.5, 0.5)))
    assert (found["length"].value, found["length"].unit) == (15, "mm")
    assert (found["angle"].value, found["turn"].value) == (90, -90)
    assert found["offset"].value == 1.5
    assert found["beside"].value == 1.5
    assert found["forward"].value == -15
    assert found["normed"].assessment == "below"
    assert found["normed"].deviation == -9
    assert found["along"].remark == "absent: B, Po, Or"
    assert math.isnan(found["along"].value)
    assert math.isnan(found["ratio"].value)
    assert found["ratio"].remark == "absent: B, Po, Or"
    assert found["angle"].segments == (((0, 30), (0, 0)), ((0, 30), (40, 30)))
    assert found["offset"].segments == (((0, 50), (100, 50)), ((50, 53), (50, 50)))
    assert found["along"].segments == ()


def test_without_a_spacing_there_are_no_mm(landmarks):
    found = by_name(landmarks.replace(spacing=None))
    assert (found["length"].unit, found["mm"].unit, found["normed"].unit, found["ratio"].unit) == ("px", "mm", "mm", "")
    for name in ("mm", "normed"):
        assert math.isnan(found[name].value)
        assert "calibrate" in found[name].remark
        assert found[name].value_text == "–"
        assert found[name].assessment == ""
    known = values(landmarks)
    assert found["angle"].value == pytest.approx(known["angle"])
    assert found["ratio"].value == pytest.approx(known["ratio"])
    assert found["length"].value == pytest.approx(known["length"] / landmarks.spacing[0])


@given(st.floats(0.1, 3), st.floats(0.1, 3))
def test_unequal_pixels_measure_the_same_patient(rows, columns):
    landmarks = average_cephalogram()[1]
    resampled = landmarks.replace(
        points=landmarks.points / (rows, columns),
        spacing=(landmarks.spacing[0] * rows, landmarks.spacing[1] * columns),
    )
    before, after = values(landmarks), values(resampled)
    assert after == pytest.approx(before, rel=1e-9, abs=1e-9)


def test_a_face_that_looks_to_the_left_is_measured_in_a_mirror(landmarks):
    flipped = landmarks.replace(points=landmarks.points * (1, -1) + (0, 900))
    for definitions in (EVERYTHING, load_measurements("cephalometry")):
        assert values(flipped, definitions) == pytest.approx(values(landmarks, definitions))
    lines = by_name(flipped)["length"].segments
    assert lines[0][0] == tuple(flipped.points[CEPH.index("S")])  # what is drawn is on the radiograph as it is


@given(st.floats(-40, 40), st.floats(0.5, 2), st.floats(-300, 300))
def test_turning_moving_and_enlarging(turn, factor, shift):
    landmarks = average_cephalogram()[1]
    c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    moved = landmarks.replace(points=factor * landmarks.points @ np.array([[c, -s], [s, c]]).T + shift)
    before, after = values(landmarks), values(moved)
    for name in ("angle", "turn", "between", "ratio", "more"):
        assert after[name] == pytest.approx(before[name], abs=1e-6)
    for name in ("length", "offset", "along", "less", "forward"):
        assert after[name] == pytest.approx(factor * before[name], rel=1e-9)


def test_which_way_the_face_looks_may_be_unknown(landmarks):
    points = landmarks.points.copy()
    points[CEPH.index("S")] = np.nan
    found = by_name(landmarks.replace(points=points))
    assert "which way the patient faces" in found["offset"].remark
    assert math.isnan(found["offset"].value)
    assert found["beside"].value > 0
    points[CEPH.index("S")] = points[CEPH.index("N")] - (10, 0)  # straight above: neither left nor right
    assert "which way the patient faces" in by_name(landmarks.replace(points=points))["offset"].remark


def test_points_at_the_same_place(landmarks):
    points = landmarks.points.copy()
    points[CEPH.index("A")] = points[CEPH.index("N")]
    found = by_name(landmarks.replace(points=points))
    assert found["angle"].remark == "points that should be apart are at the same place"
    assert math.isnan(found["more"].value)


def test_many_absent_landmarks_are_not_all_listed():
    spine = load_scheme("spine68")
    found = measure(load_measurements("spine"), Landmarks(np.full((68, 2), np.nan), spine))
    assert "and 62 more" in found[0].remark


def test_cobb_angles_say_what_to_check():
    points = np.array([[[0, 0], [0, 40], [20, 0], [20, 40]]]) + np.arange(17)[:, None, None] * [30, 0] + 100.0
    points[3] = points[3][[1, 0, 3, 2]]
    for vertebra, turn in ((5, 50), (9, -50)):
        c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        middle = points[vertebra].mean(axis=0)
        points[vertebra] = (points[vertebra] - middle) @ np.array([[c, s], [-s, c]]).T + middle
    spine = load_scheme("spine68")
    found = measure(load_measurements("spine"), Landmarks(points.reshape(-1, 2), spine, image_shape=(800, 400)))
    assert found[0].value == pytest.approx(100)
    assert "more than 90°: check the corners of T6, T10" in found[0].remark
    assert "corners were not in order and were sorted: T4" in found[0].remark
    assert len(found[0].segments) == 2


def test_a_value_near_a_boundary_is_shown_with_more_digits(landmarks):
    text = "name: x\nscheme: cephalometric19\nmeasurements:\n  - {name: d, distance: [S, N], norm: {lower: 5}}\n"
    points = landmarks.points.copy()
    points[CEPH.index("S")], points[CEPH.index("N")] = (0, 0), (0, 49.998)
    (found,) = measure(parse_measurements(text), landmarks.replace(points=points, spacing=0.1))
    assert found.assessment == "below"
    assert found.value_text == "4.9998"


def test_landmarks_of_another_scheme(landmarks):
    with pytest.raises(MeasurementError, match="need the landmark 'T1 upper left corner' of the scheme 'spine68'"):
        measure(load_measurements("spine"), landmarks)


def test_landmarks_are_found_by_name_in_a_scheme_with_others(landmarks):
    from farnet.scheme import LandmarkScheme

    order = list(reversed(range(19)))
    other = LandmarkScheme("mine", "mine", tuple(CEPH.landmarks[k] for k in order))
    shuffled = Landmarks(landmarks.points[order], other, spacing=landmarks.spacing)
    assert values(shuffled) == values(landmarks)


def test_results_as_json(landmarks):
    results = measure(load_measurements("cephalometry"), landmarks.replace(spacing=None))
    described = [json.loads(json.dumps(item.to_dict(), allow_nan=False)) for item in results]
    assert described[-1]["value"] is None
    assert described[-1]["norm"] == {"lower": 2.0, "upper": 4.5, "mean": None, "sd": None}
    assert described[0]["class_number"] == 3
    assert described[0]["landmarks"] == ["S", "N", "A", "B"]
