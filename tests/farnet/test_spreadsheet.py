"""No cell is a formula, every number stays one, and every text comes back."""

import csv
import io

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from farnet.evaluation import evaluate
from farnet.evaluation.tables import write_tables
from farnet.formats import read_annotations, write_annotations
from farnet.landmarks import Landmarks
from farnet.measurement.tables import Measured, long_rows, write_measurements
from farnet.scheme import LandmarkDefinition, LandmarkScheme
from farnet.spreadsheet import csv_text, restored_cell, safe_cell

STARTS = "=+-@\t\r"
FORMULAS = ("=1+1", "+cmd|'/C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1", "-", "=")


@given(st.text() | st.text(alphabet="'=+-@ \t\r\n1.e"))
@example("'=1")
@example("''-1.5")
def test_every_text_comes_back_and_none_is_a_formula(text):
    safe = safe_cell(text)
    assert restored_cell(safe) == text
    if safe and safe[0] in STARTS:
        assert float(safe) is not None  # only numbers may begin so


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_a_number_stays_a_number(value):
    for text in (repr(value), f"{value:g}", f"{value:+.3f}"):
        assert safe_cell(text) == text


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_text(text):
    assert safe_cell(text) == f"'{text}"
    read = list(csv.reader(io.StringIO(csv_text([[text, 1.5, None]], line_end="\n"), newline="")))
    assert read == [[f"'{text}", "1.5", ""]]


def landmarks(name):
    scheme = LandmarkScheme("two", "Two", (LandmarkDefinition("=A", "=a"), LandmarkDefinition("-b", "@b")))
    return Landmarks(np.array([[-1.5, 2.0], [3.0, 4.0]]), scheme, radiograph=name, source="@me", spacing=(0.1, 0.1))


def cells(path):
    text = path.read_bytes().decode("utf-8")
    return [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]


def computed(found):
    """Cells that a spreadsheet would compute."""

    def number(cell):
        try:
            return bool(np.isfinite(float(cell)))
        except ValueError:
            return False

    return [cell for cell in found if cell and cell[0] in STARTS and not number(cell)]


@pytest.mark.parametrize("name", FORMULAS)
def test_the_table_of_landmarks_is_exact_and_safe(tmp_path, name):
    path = tmp_path / "landmarks.csv"
    item = landmarks(name)
    write_annotations(path, [item])
    assert computed(cells(path)) == []
    (again,) = read_annotations(path, scheme=item.scheme)
    assert (again.radiograph, again.source) == (name, "@me")
    np.testing.assert_array_equal(again.points, item.points)


def test_tables_of_figures_and_measurements_are_safe(tmp_path):
    items = [landmarks(name) for name in FORMULAS]
    evaluation = evaluate(items, items)
    for path in write_tables(tmp_path / "figures.csv", evaluation):
        assert computed(cells(path)) == []
    write_measurements(tmp_path / "m.csv", [Measured(item.radiograph, item.source, ()) for item in items], wide=True)
    found = cells(tmp_path / "m.csv")
    assert computed(found) == [] and f"'{FORMULAS[0]}" in found
    assert long_rows([]) == []
