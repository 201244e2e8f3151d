"""What is drawn of measurements."""

from __future__ import annotations

import pytest

from farnet.measurement import load_measurements, measure
from napari_farnet.measure.drawing import strokes


@pytest.fixture
def results(ceph):
    return measure(load_measurements("cephalometry"), ceph)


def test_each_line_once_and_each_value_once(results):
    drawn = strokes(results)
    ends = [frozenset(stroke.segment) for stroke in drawn]
    assert len(ends) == len(set(ends))
    labels = [line for stroke in drawn for line in stroke.label.splitlines()]
    assert sorted(label.split()[0] for label in labels) == sorted(item.name for item in results)
    assert any(label.endswith(" mm") for label in labels)
    assert {stroke.look for stroke in drawn} == {"plain", "outside"}


def test_selected_ones_alone_are_written(results):
    drawn = strokes(results, {"SNA"})
    assert [stroke.label for stroke in drawn if stroke.label] == ["SNA 82.6°"]
    assert sum(stroke.look == "selected" for stroke in drawn) == 2


def test_without_a_value_nothing_is_written(ceph):
    results = measure(load_measurements("cephalometry"), ceph.replace(spacing=None))
    drawn = strokes(results)
    assert not any("MW" in stroke.label for stroke in drawn)
    assert strokes(()) == []
