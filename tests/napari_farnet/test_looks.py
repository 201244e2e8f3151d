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
    return "left" if label[-1] == "\u2005" else "right"


def test_a_lonely_label_stands_to_the_right():
    (label,) = beside(np.array([[100.0, 100.0]]), ["Nasion"], (200, 200), size=11, marker=12)
    assert label.strip("\u2005") == "Nasion"
    assert side(label) == "right"


def test_neighbours_take_different_sides():
    points = np.array([[1000.0, 1000.0], [1002.0, 1004.0]])
    labels = beside(points, ["LI", "UI"], (2400, 1935), size=11, marker=12)
    assert {side(label) for label in labels} == {"left", "right"}


@given(st.integers(0, 30), st.integers(0, 10_000))
def test_every_text_is_kept(count, seed):
    rng = np.random.default_rng(seed)
    texts = [f"landmark {k}" for k in range(count)]
    labels = beside(rng.uniform(0, 500, (count, 2)), texts, (500, 500), size=11, marker=12)
    assert [label.strip("\u2005") for label in labels] == texts


@pytest.mark.parametrize(("label", "expected"), [("name", "Sella"), ("abbreviation", "S"), ("none", "")])
def test_settings_choose_the_label(label, expected):
    features = pd.DataFrame({"name": ["Sella"], "abbreviation": ["S"], "edited": [False]})
    looks = row_looks(np.array([[2.0, 10.0, 20.0]]), features, (100, 100), Settings(label=label))
    assert [text.strip("\u2005") for text in looks["text"]["string"]] == [expected]


def test_edited_points_look_different():
    features = pd.DataFrame({"name": ["A", "B"], "abbreviation": ["a", "b"], "edited": [False, True]})
    looks = row_looks(np.array([[10.0, 20.0], [50.0, 60.0]]), features, (100, 100), Settings())
    assert looks["symbol"][0] != looks["symbol"][1]
    assert looks["border_color"][0] != looks["border_color"][1]
