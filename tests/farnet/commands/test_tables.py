"""Tables that several commands share."""

import numpy as np

from farnet.commands.tables import print_facts, print_landmarks
from farnet.landmarks import Landmarks
from farnet.scheme import load_scheme


def test_landmarks_with_and_without_a_spacing(capsys):
    points = np.full((19, 2), 12.25)
    points[3] = np.nan
    covariance = np.tile(np.eye(2) * 9.0, (19, 1, 1))
    landmarks = Landmarks(
        points, load_scheme("cephalometric19"), covariance=covariance, radiograph="one", source="somebody"
    )
    print_landmarks(landmarks)
    out = capsys.readouterr().out
    assert "one: somebody" in out
    assert "sd (px)" in out
    assert "3.00" in out
    assert "1 not found" in out
    print_landmarks(landmarks.replace(spacing=(0.1, 0.1)))
    out = capsys.readouterr().out
    assert "sd (mm)" in out
    assert "0.30" in out


def test_facts_are_flat_and_long_ones_cut(capsys):
    print_facts("Card", {"a": {"b": 1, "c": None}, "list": list(range(200)), "empty": ""})
    out = capsys.readouterr().out
    assert "a.b" in out
    assert "a.c" not in out
    assert "empty" not in out
    assert "0, 1, 2" in out
    assert " ..." in out
    print_facts("Nothing", {})
    assert capsys.readouterr().out == ""
