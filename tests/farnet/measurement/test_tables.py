"""Tables of measured values."""

from __future__ import annotations

import csv

import pytest

from farnet.errors import OutputError
from farnet.measurement import load_measurements, measure
from farnet.measurement.tables import COLUMNS, Measured, table_text, write_measurements
from farnet.samples import average_cephalogram


@pytest.fixture
def measured():
    landmarks = average_cephalogram()[1]
    bare = landmarks.replace(spacing=None, radiograph="bare, of course", source="junior")
    ceph = load_measurements("cephalometry")
    return [Measured.of(item, measure(ceph, item)) for item in (landmarks, bare)]


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_for_each_measurement(measured, tmp_path):
    write_measurements(tmp_path / "t.csv", measured)
    rows = read(tmp_path / "t.csv")
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 16
    anb = rows[0]
    assert (anb["measurement"], anb["unit"], anb["class"], anb["class_number"]) == ("ANB", "°", "Class III", "3")
    assert float(anb["value"]) == pytest.approx(measured[0].results[0].value, rel=1e-9)
    assert (anb["norm_lower"], anb["norm_mean"], anb["assessment"]) == ("3.2", "", "below")
    mw = rows[-1]
    assert (mw["radiograph"], mw["source"], mw["value"], mw["class"]) == ("bare, of course", "junior", "", "")
    assert "calibrate" in mw["remark"]


def test_a_row_for_each_radiograph(measured, tmp_path):
    write_measurements(tmp_path / "t.csv", measured, wide=True)
    rows = read(tmp_path / "t.csv")
    assert list(rows[0])[:6] == ["radiograph", "source", "ANB (°)", "ANB class", "SNB (°)", "SNB class"]
    assert rows[0]["ANB class"] == "3"
    assert (rows[1]["MW (mm)"], rows[1]["MW class"]) == ("", "")


def test_for_the_clipboard(measured):
    lines = table_text(measured[1].results).splitlines()
    assert lines[0].split("\t")[:3] == ["measurement", "value", "unit"]
    assert len(lines) == 9
    assert {line.count("\t") for line in lines} == {6}


def test_nothing_is_half_written(measured, tmp_path):
    with pytest.raises(OutputError):
        write_measurements(tmp_path, measured)
    (tmp_path / "t.csv").write_text("old")
    with pytest.raises(AttributeError):
        write_measurements(tmp_path / "t.csv", [*measured, None])
    assert (tmp_path / "t.csv").read_text() == "old"
