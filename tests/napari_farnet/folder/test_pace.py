"""How far a run is, in words."""

from __future__ import annotations

import pytest

from napari_farnet.folder import pace
from napari_farnet.folder.pace import Pace


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by itself only where it is told to: clock(seconds)."""
    now = [100.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])

    def advance(seconds):
        now[0] += seconds

    return advance


def test_before_the_first_nothing_is_promised(clock):
    assert Pace(3).seconds_left() is None
    assert Pace(3).text() == "0 of 3"


def test_the_others_take_as_long_as_those_that_are_done(clock):
    run = Pace(4)
    clock(2.0)
    run.count("done")
    assert run.seconds_left() == pytest.approx(6.0)
    clock(4.0)
    run.count("failed")
    assert run.seconds_left() == pytest.approx(6.0)
    assert run.text() == "2 of 4, 6 s left"
    clock(1.0)  # the one that is running does not count yet
    assert run.seconds_left() == pytest.approx(6.0)


def test_what_was_there_before_promises_nothing(clock):
    run = Pace(10)
    for _ in range(5):
        clock(0.01)
        run.count("skipped")
    assert run.seconds_left() is None
    clock(3.0)
    run.count("done")
    assert run.seconds_left() == pytest.approx(12.0)


def test_the_end(clock):
    run = Pace(3)
    for status in ("done", "skipped", "failed"):
        clock(1.0)
        run.count(status)
    assert run.ended == 3
    assert run.text() == "3 of 3"
    assert run.summary() == "1 done, 1 as before, 1 failed of 3"


def test_only_what_happened_is_said():
    run = Pace(2)
    run.count("done")
    assert run.summary() == "1 done of 2"


@pytest.mark.parametrize(
    ("each", "text"),
    [(0.001, "1 s left"), (8.0, "80 s left"), (12.0, "2 min left"), (360.0, "60 min left"), (1200.0, "3.3 h left")],
)
def test_the_time_is_said_as_one_would(clock, each, text):
    run = Pace(11)
    clock(each)
    run.count("done")
    assert run.text() == f"1 of 11, {text}"
