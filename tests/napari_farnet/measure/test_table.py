"""The table of results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt

from farnet.measurement import load_measurements, measure, parse_measurements
from napari_farnet.measure.table import ResultsModel, ResultsTable, assessment_text

ROLES = Qt.ItemDataRole


@pytest.fixture
def results(ceph):
    return measure(load_measurements("cephalometry"), ceph)


def contrast(one, other):
    """Contrast ratio of two colours by WCAG 2."""

    def luminance(colour):
        parts = np.array(colour.getRgbF()[:3])
        linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_cells(qtbot, results):
    model = ResultsModel()
    model.set_results(results)
    texts = [[model.data(model.index(row, column)) for column in range(model.columnCount())] for row in range(8)]
    assert texts[0] == ["ANB", "1.6", "°", "3.2 to 5.7", "▼ Class III"]
    assert texts[2][-1] == "✓ normal maxilla"
    assert [model.headerData(i, Qt.Orientation.Horizontal) for i in (0, 4)] == ["Name", "Assessment"]
    assert model.headerData(0, Qt.Orientation.Vertical) is None
    assert model.rowCount(model.index(0, 0)) == model.columnCount(model.index(0, 0)) == 0
    tip = model.data(model.index(0, 0), ROLES.ToolTipRole)
    assert "SNA − SNB" in tip
    assert "1.6 ° is below the norm" in tip


def test_inside_and_outside_differ_by_sign_words_and_readable_colours(qtbot, results):
    model = ResultsModel()
    model.set_results(results)
    inside, outside = (model.index(row, 4) for row in (2, 0))
    backgrounds = [model.data(index, ROLES.BackgroundRole).color() for index in (inside, outside)]
    inks = [model.data(index, ROLES.ForegroundRole).color() for index in (inside, outside)]
    assert backgrounds[0] != backgrounds[1]
    assert all(contrast(ink, ground) > 5 for ink, ground in zip(inks, backgrounds, strict=True))
    assert model.data(model.index(0, 0), ROLES.BackgroundRole) is None  # names keep the colours of the theme


def test_why_there_is_no_value(qtbot, ceph):
    model = ResultsModel()
    model.set_results(measure(load_measurements("cephalometry"), ceph.replace(spacing=None)))
    assert model.data(model.index(7, 1)) == "–"
    assert model.data(model.index(7, 4)).startswith("no mm: the size of a pixel is unknown")
    assert model.data(model.index(7, 4), ROLES.BackgroundRole) is None


def test_words_without_classes_and_with_a_remark(ceph):
    text = "name: x\nscheme: cephalometric19\nmeasurements:\n  - {name: d, distance: [S, N], norm: {mean: 50, sd: 1}}\n"
    (result,) = measure(parse_measurements(text), ceph)
    assert assessment_text(result) == "▲ above"
    assert assessment_text(replace(result, remark="check it")) == "▲ above (check it)"
    model = ResultsModel()
    model.set_results([result])
    assert "standard deviations from the mean" in model.data(model.index(0, 0), ROLES.ToolTipRole)


def test_only_rows_that_changed_are_painted_anew_and_the_selection_stays(qtbot, ceph, results):
    table = ResultsTable()
    qtbot.addWidget(table)
    table.set_results(results)
    table.selectRow(2)
    changed = []
    table.model().dataChanged.connect(lambda first, _last: changed.append(first.row()))
    points = ceph.points.copy()
    points[ceph.scheme.index("UI")] += (0, 20)
    table.set_results(measure(load_measurements("cephalometry"), ceph.replace(points=points)))
    assert changed == [7]
    assert table.selected_names() == {"SNA"}
    with qtbot.waitSignal(table.selected):
        table.set_results(())
    assert table.selected_names() == set()
