"""The eight measurements of ISBI 2015: against an independent reading of their definition, and on real landmarks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from farnet.datasets.isbi2015 import ISBI2015
from farnet.errors import UnknownNameError
from farnet.landmarks import Landmarks
from farnet.measurement import load_measurements, measure, with_mw_gap
from farnet.samples import average_cephalogram
from farnet.scheme import load_scheme

CEPH = load_scheme("cephalometric19")
STRICT = load_measurements("cephalometry")
SCRIPT = with_mw_gap(STRICT, "script")
NAMES = ("ANB", "SNB", "SNA", "ODI", "APDI", "FHI", "FMA", "MW")
# Types 1, 2, 3 (and 4) among all 400 radiographs, mean of both doctors; made with another program.
REFERENCE = [
    (108, 83, 209, 0),
    (102, 47, 251, 0),
    (160, 167, 73, 0),
    (186, 42, 172, 0),
    (136, 82, 182, 0),
    (186, 8, 206, 0),
    (93, 248, 59, 0),
    (137, 0, 153, 110),
]
AGREEMENT = (78.0, 82.0, 67.8, 77.0, 82.2, 84.2, 82.0, 87.5)  # of the doctors in %, among all 400


def unsigned(u, v):
    return math.degrees(math.acos(np.clip(u @ v / np.linalg.norm(u) / np.linalg.norm(v), -1, 1)))


def cross(u, v):
    return u[0] * v[1] - u[1] * v[0]


def by_definition(points):
    """The eight values by the words of the challenge, with arc cosines and signs, for points numbered from 1."""
    at = {number: points[number - 1, ::-1] for number in range(1, 20)}  # (x, y)

    def to(a, b):
        return at[b] - at[a]

    s = -1 if cross(to(4, 3), to(17, 18)) < 0 else 1
    t = -1 if cross(to(2, 7), to(5, 6)) > 0 else 1
    palatal = s * unsigned(to(4, 3), to(17, 18))
    sna, snb = unsigned(to(2, 1), to(2, 5)), unsigned(to(2, 1), to(2, 6))
    return [
        sna - snb,
        snb,
        sna,
        unsigned(to(8, 10), to(6, 5)) + palatal,
        unsigned(to(3, 4), to(2, 7)) + t * unsigned(to(2, 7), to(5, 6)) + palatal,
        np.linalg.norm(to(1, 10)) / np.linalg.norm(to(2, 8)),
        unsigned(to(1, 2), to(10, 9)),
        np.linalg.norm(to(11, 12)) * 0.1 * (-1 if at[12][0] < at[11][0] else 1),
    ]


def types_by_program(value):
    """Types by the ranges of the challenge's program."""
    limits = [(3.2, 5.7), (74.6, 78.7), (79.4, 83.2), (68.4, 80.5), (77.6, 85.2), (0.65, 0.75), (26.8, 31.4)]
    above_is = [2, 3, 2, 2, 3, 2, 2]
    found = [
        1 if low <= x <= high else kind if x > high else 5 - kind
        for x, (low, high), kind in zip(value[:7], limits, above_is, strict=True)
    ]
    mw = value[7]
    return [*found, 1 if 2 <= mw <= 4.5 else 2 if mw == 0 else 4 if mw > 4.5 else 3]


def types(landmarks, definitions=SCRIPT):
    return [item.classification.number for item in measure(definitions, landmarks)]


def test_names_and_order():
    assert tuple(item.name for item in STRICT.shown) == NAMES


def test_values_and_classes_are_those_of_the_definition(rng):
    mean = average_cephalogram()[1]
    for _ in range(100):
        points = mean.points + rng.normal(0, 25, mean.points.shape)
        landmarks = Landmarks(points, CEPH, spacing=0.1)
        expected = by_definition(points)
        assert [item.value for item in measure(SCRIPT, landmarks)] == pytest.approx(expected, abs=1e-6)
        assert types(landmarks) == types_by_program(expected)


def incisors(shift, rows=0.0):
    points = np.tile([[100.0, 100.0]], (19, 1)) + np.arange(19)[:, None] * [7, 3]
    points[CEPH.index("LI")], points[CEPH.index("UI")] = (500, 500), (500 + rows, 500 + shift)
    results = {item.name: item for item in measure(STRICT, Landmarks(points, CEPH, spacing=0.1))}
    return results["MW"], {item.name: item for item in measure(SCRIPT, Landmarks(points, CEPH, spacing=0.1))}["MW"]


@pytest.mark.parametrize(
    ("shift", "strict", "script"),
    [
        (20, 1, 1),
        (45, 1, 1),
        (45.01, 4, 4),
        (19.99, None, 3),
        (0.01, None, 3),
        (0, 2, 2),
        (-0.01, 3, 3),
        (-60, 3, 3),
    ],
)
def test_the_boundaries_of_the_overjet(shift, strict, script):
    by_definition, by_script = incisors(shift)
    assert by_definition.value == by_script.value == pytest.approx(shift / 10)
    assert (None if by_definition.classification is None else by_definition.classification.number) == strict
    assert by_script.classification.number == script


def test_the_sign_of_the_overjet_is_that_of_its_columns():
    assert incisors(0, rows=30)[0].value == pytest.approx(3)
    assert incisors(-0.5, rows=30)[0].value < -3


@pytest.mark.parametrize("name", NAMES[:7])
def test_the_boundaries_of_the_others_belong_to_type_1(name):
    item = STRICT[name]
    for end in (item.norm.lower, item.norm.upper):
        assert item.classify(end).number == 1
    numbers = {item.classify(item.norm.lower - 1e-6).number, item.classify(item.norm.upper + 1e-6).number}
    assert numbers == {2, 3}


def test_choices_for_the_gap():
    assert with_mw_gap(STRICT, "strict") is STRICT
    hand = load_measurements("hand")
    assert with_mw_gap(hand, "script") is hand
    with pytest.raises(UnknownNameError, match="Did you mean 'script'"):
        with_mw_gap(STRICT, "scripts")


@pytest.fixture(scope="module")
def observers(isbi2015):
    """Types of the eight measurements by both doctors and by their mean, of the radiographs that are here."""
    data = ISBI2015(isbi2015, "all", "mean")
    indices = range(len(data))
    return {
        "n": len(data),
        "mean": np.array([types(data.landmarks(i)) for i in indices]),
        **{who: np.array([types(data.observer_landmarks(i, who)) for i in indices]) for who in data.observers},
    }


def test_the_real_landmarks_give_the_reference_distribution(observers):
    """Of the 400 radiographs of the reference, those that are not here make up what is missing in a class."""
    counts = np.array([[(column == kind).sum() for kind in (1, 2, 3, 4)] for column in observers["mean"].T])
    missing = np.array(REFERENCE) - counts
    assert (missing.sum(axis=1) == 400 - observers["n"]).all()
    assert (missing >= 0).all()
    if observers["n"] == 300:
        assert counts.tolist() == [
            [80, 54, 166, 0],
            [70, 35, 195, 0],
            [117, 127, 56, 0],
            [132, 26, 142, 0],
            [94, 59, 147, 0],
            [141, 6, 153, 0],
            [71, 180, 49, 0],
            [94, 0, 125, 81],
        ]


def test_how_often_the_doctors_agree(observers):
    agreed = (observers["junior"] == observers["senior"]).sum(axis=0)
    of_all = np.rint(np.array(AGREEMENT) * 4)
    absent = 400 - observers["n"]
    assert ((agreed <= of_all) & (of_all - agreed <= absent)).all()
    if absent == 0:
        assert (agreed == of_all).all()


def test_the_real_faces_all_look_to_the_right(isbi2015):
    data = ISBI2015(isbi2015, "all")
    s, n = CEPH.index("S"), CEPH.index("N")
    assert all(data.landmarks(i).points[n, 1] > data.landmarks(i).points[s, 1] for i in range(len(data)))
