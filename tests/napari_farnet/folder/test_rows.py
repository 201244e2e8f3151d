"""A radiograph as a row of the table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_farnet.folder.rows import COLUMNS, RadiographRow

PATH = Path("scans") / "a.png"


def test_what_is_waiting_says_so_and_nothing_else():
    row = RadiographRow(PATH, "a")
    assert row.cells == ("a", "\N{WHITE CIRCLE} waiting", "", "", "", "", "")
    assert row.keys[2:] == (None,) * 5
    assert len(row.cells) == len(row.keys) == len(COLUMNS)


def test_what_was_found(radiograph, landmarks_on):
    landmarks = landmarks_on(radiograph, absent=(3, 18))
    row = RadiographRow(PATH, "a", "done", landmarks, 1.26)
    least = np.nanmin(landmarks.confidence[landmarks.present])
    error = np.nanmean(landmarks.sd_mm)
    assert row.cells == ("a", "\N{CHECK MARK} done", "17 of 19", f"{least:.2f}", f"{error:.2f} mm", "1.3", "")
    assert row.keys[2:6] == (17.0, pytest.approx(least), ("mm", pytest.approx(error)), 1.26)


def test_without_the_size_of_a_pixel_errors_are_in_pixels(radiograph, landmarks_on):
    landmarks = landmarks_on(radiograph).replace(spacing=None)
    assert RadiographRow(PATH, "a", "done", landmarks).cells[4].endswith(" px")


def test_landmarks_without_confidence_and_uncertainty(radiograph, landmarks_on):
    landmarks = landmarks_on(radiograph).replace(confidence=None, covariance=None)
    assert RadiographRow(PATH, "a", "done", landmarks).cells[2:5] == ("19 of 19", "", "")


def test_nothing_found(radiograph, landmarks_on):
    landmarks = landmarks_on(radiograph, absent=tuple(range(19)))
    assert RadiographRow(PATH, "a", "done", landmarks).cells[2:5] == ("0 of 19", "", "")


def test_a_message_is_one_line():
    row = RadiographRow(PATH, "a", "failed", message="It is\nno picture.\tTry another.")
    assert row.cells[6] == "It is no picture. Try another."


def test_what_needs_a_look_comes_first():
    states = ("done", "waiting", "skipped", "failed", "running")
    ordered = sorted(states, key=lambda state: RadiographRow(PATH, "a", state).keys[1])
    assert ordered == ["failed", "running", "waiting", "skipped", "done"]
