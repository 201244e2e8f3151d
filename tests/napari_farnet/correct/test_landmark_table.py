"""The list of landmarks and the log as Qt models, and the card."""

from __future__ import annotations

import numpy as np
import pytest

from farnet.review import Review
from napari_farnet.correct.card import card_text
from napari_farnet.correct.evidence import Evidence
from napari_farnet.correct.landmark_table import LandmarkTable, LogTable, state_text


@pytest.fixture
def review(radiograph, landmarks_on):
    return Review.of(landmarks_on(radiograph, absent=(2,)))


@pytest.fixture
def table(qtmodeltester, review):
    table = LandmarkTable()
    table.show(review, (True,) + (False,) * 18)
    qtmodeltester.check(table)
    return table


def cell(table, row, column):
    return table.data(table.index(row, column))


def test_a_row_for_each_landmark(table):
    assert table.rowCount() == 19
    assert cell(table, 0, 0) == "\N{WARNING SIGN} S  Sella"
    assert cell(table, 1, 0) == "N  Nasion"
    assert cell(table, 2, 1).endswith("missing")
    assert cell(table, 0, 2) == "0.95"
    assert cell(table, 0, 3).endswith(" mm")
    assert cell(table, 2, 3) == ""


def test_a_change_keeps_the_rows(table, review, qtbot):
    with qtbot.waitSignal(table.dataChanged, timeout=500):
        table.show(review.accepted(0))
    assert cell(table, 0, 1).endswith("accepted")
    with qtbot.waitSignal(table.modelReset, timeout=500):
        table.show(None)
    assert table.rowCount() == 0


def test_a_reopened_landmark_has_a_question_mark():
    assert state_text("edited", reviewed=False).endswith("edited ?")
    assert state_text("edited", reviewed=True).endswith("edited")
    assert state_text("predicted", reviewed=False).endswith("predicted")


def test_the_log_has_the_latest_first(qtmodeltester, review):
    log = LogTable()
    log.show(review.accepted(0, who="AB").moved(1, review.landmarks.points[1] + (10.0, 0.0), who="CD").log)
    qtmodeltester.check(log)
    assert [cell(log, 0, column) for column in (1, 2, 6)] == ["Nasion", "moved", "CD"]
    assert cell(log, 0, 5) == "1.00 mm (10.0 px)"
    assert cell(log, 1, 5) == ""


def test_the_card_says_what_the_landmark_is_and_what_speaks_against_it(review):
    nothing = np.full(19, np.nan)
    text = card_text(review, Evidence(nothing, nothing), 0)
    for words in ("Sella", "(S)", "pituitary", "not its floor", "confidence 0.95"):
        assert words in text
    assert "no point yet" in card_text(review, Evidence(nothing, nothing), 2)
    odd = nothing.copy()
    odd[0] = 9.25
    assert "Unusual place: 9.2 standard deviations" in card_text(review, Evidence(nothing, odd), 0)
    moved = review.moved(0, review.landmarks.points[0] + (10.0, 0.0))
    assert "moved by 1.0 mm" in card_text(moved, Evidence(nothing, nothing), 0)
