"""Labels stand beside their points and not over one another."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_farnet.looks import beside, row_looks
from napari_farnet.settings import Settings


def side(label):
    if "\n" in label:
        return "above" if label.endswith("\n\u2005") else "below"
    return "left" if label.endswith("\u2005") else "right"


def bare(label):
    return label.strip("\u2005\n")


def test_a_lonely_label_stands_to_the_right():
    (label,) = beside(np.array([[100.0, 100.0]]), ["Nasion"], (200, 200), size=11, marker=12)
    assert bare(label) == "Nasion"
    assert side(label) == "right"


def test_neighbours_take_different_sides():
    points = np.array([[1000.0, 1000.0], [1002.0, 1004.0]])
    labels = beside(points, ["LI", "UI"], (2400, 1935), size=11, marker=12)
    assert {side(label) for label in labels} == {"left", "right"}


def test_in_a_crowd_every_side_is_used():
    points = np.array([[1000.0, 1000.0], [1000.0, 960.0], [1000.0, 1040.0]])
    middle = beside(points, ["Gn", "Me", "Pog"], (2400, 1935), size=11, marker=12)[0]
    assert side(middle) in ("above", "below")


@given(st.integers(0, 30), st.integers(0, 10_000))
def test_every_text_is_kept(count, seed):
    rng = np.random.default_rng(seed)
    texts = [f"landmark {k}" for k in range(count)]
    labels = beside(rng.uniform(0, 500, (count, 2)), texts, (500, 500), size=11, marker=12)
    assert [bare(label) for label in labels] == texts


@pytest.mark.parametrize(("label", "expected"), [("name", "Sella"), ("abbreviation", "S"), ("none", "")])
def test_settings_choose_the_label(label, expected):
    features = pd.DataFrame({"name": ["Sella"], "abbreviation": ["S"], "edited": [False]})
    looks = row_looks(np.array([[2.0, 10.0, 20.0]]), features, (100, 100), Settings(label=label))
    assert [bare(text) for text in looks["text"]["string"]] == [expected]


def test_edited_points_look_different():
    features = pd.DataFrame({"name": ["A", "B"], "abbreviation": ["a", "b"], "edited": [False, True]})
    looks = row_looks(np.array([[10.0, 20.0], [50.0, 60.0]]), features, (100, 100), Settings())
    assert looks["symbol"][0] != looks["symbol"][1]
    assert looks["border_color"][0] != looks["border_color"][1]
