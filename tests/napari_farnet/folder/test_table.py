"""The table of the folder: it shows, sorts, filters, copies, and says what was double-clicked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from qtpy.QtCore import QItemSelectionModel, Qt
from qtpy.QtTest import QAbstractItemModelTester
from qtpy.QtWidgets import QApplication

from napari_farnet.folder.rows import COLUMNS, RadiographRow
from napari_farnet.folder.table import RadiographView


@pytest.fixture
def rows(radiograph, landmarks_on):
    """B done with 17, a failed, C waiting, d done with 19 and faster."""
    return [
        RadiographRow(Path("B.png"), "B", "done", landmarks_on(radiograph, absent=(1, 2)), 2.0),
        RadiographRow(Path("a.png"), "a", "failed", message="It is no picture.\nTry another."),
        RadiographRow(Path("C.png"), "C"),
        RadiographRow(Path("d.png"), "d", "skipped", landmarks_on(radiograph), 10.0),
    ]


@pytest.fixture
def view(qtbot, rows):
    made = RadiographView()
    qtbot.addWidget(made)
    made.resize(900, 300)
    made.radiographs.show_rows(rows)
    return made


def shown(view, column=0):
    model = view.model()
    return [model.index(row, column).data() for row in range(model.rowCount())]


def test_it_keeps_the_rules_of_qt(view, rows):
    tester = QAbstractItemModelTester(view.radiographs, QAbstractItemModelTester.FailureReportingMode.Fatal)
    view.radiographs.show_rows(rows[:2])
    view.radiographs.set_row(1, rows[1])
    view.radiographs.show_rows([])
    assert tester.model() is view.radiographs


def test_the_folder_in_its_order(view):
    assert shown(view) == ["B", "a", "C", "d"]
    heads = [view.model().headerData(column, Qt.Orientation.Horizontal) for column in range(len(COLUMNS))]
    assert heads == [title for title, _ in COLUMNS]


def test_heads_and_cells_say_more_as_a_tooltip(view):
    role = Qt.ItemDataRole.ToolTipRole
    for column, (_, meaning) in enumerate(COLUMNS):
        assert view.model().headerData(column, Qt.Orientation.Horizontal, role) == meaning
    assert view.model().index(0, 0).data(role) == "B.png"
    assert "Try another" in view.model().index(1, 3).data(role)


@pytest.mark.parametrize(
    ("column", "first", "last"),
    [
        (0, "aBCd", "dCBa"),  # upper case is no matter
        (1, "aCdB", "BdCa"),  # what needs a look first
        (2, "Bd", "dB"),
        (5, "Bd", "dB"),  # 2.0 before 10.0
        (6, "a", "a"),
    ],
)
def test_sorting_where_what_is_empty_comes_last_in_either_direction(view, column, first, last):
    view.sortByColumn(column, Qt.SortOrder.AscendingOrder)
    assert "".join(shown(view))[: len(first)] == first
    view.sortByColumn(column, Qt.SortOrder.DescendingOrder)
    assert "".join(shown(view))[: len(last)] == last
    assert len(shown(view)) == 4


def test_it_stays_sorted_while_it_fills_up(view, rows):
    view.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert shown(view)[0] == "a"
    view.radiographs.set_row(2, replace(rows[2], state="failed"))
    assert set(shown(view)[:2]) == {"a", "C"}


def test_only_failed(view, rows):
    view.show_only_failed(True)
    assert shown(view) == ["a"]
    view.radiographs.set_row(3, replace(rows[3], state="failed"))
    assert shown(view) == ["a", "d"]
    view.show_only_failed(False)
    assert len(shown(view)) == 4


def test_a_double_click_names_the_radiograph_of_the_folder_however_it_is_sorted(view, qtbot):
    view.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    place = view.visualRect(view.model().index(0, 0)).center()
    view.show()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    with qtbot.waitSignal(view.opened) as heard:
        qtbot.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert heard.args == [3]


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_enter_opens_the_row_that_the_arrows_went_to(view, qtbot, key):
    view.show_only_failed(True)
    view.setCurrentIndex(view.model().index(0, 0))
    with qtbot.waitSignal(view.opened) as heard:
        qtbot.keyClick(view, key)
    assert heard.args == [1]


def test_enter_without_a_row_does_nothing(view, qtbot):
    view.setCurrentIndex(view.model().index(-1, -1))
    with qtbot.assertNotEmitted(view.opened):
        qtbot.keyClick(view, Qt.Key.Key_Return)


def test_the_table_is_copied_as_it_is_shown(view, qtbot):
    view.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    qtbot.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QApplication.clipboard().text().splitlines()
    assert lines[0] == "\t".join(title for title, _ in COLUMNS)
    assert [line.split("\t")[0] for line in lines[1:]] == ["a", "B", "C", "d"]
    assert all(line.count("\t") == len(COLUMNS) - 1 for line in lines)
    assert "It is no picture. Try another." in lines[1]
    view.show_only_failed(True)
    assert len(view.text().splitlines()) == 2


def test_it_follows_the_run_unless_a_row_is_selected(view, qtbot):
    view.radiographs.show_rows([RadiographRow(Path(f"{i}.png"), f"{i}") for i in range(500)])
    view.show()
    view.bring_into_view(400)
    assert view.rowAt(0) > 300
    view.select(3)
    assert view.rowAt(0) <= 3
    view.bring_into_view(400)
    assert view.rowAt(0) <= 3
    view.selectionModel().clearSelection()
    view.bring_into_view(400)
    assert view.rowAt(0) > 300


def test_what_is_filtered_out_is_not_selected(view):
    view.show_only_failed(True)
    view.select(0)
    assert not view.selectionModel().hasSelection()
    view.bring_into_view(0)
    view.select(1)
    assert view.selectionModel().isRowSelected(0, view.rootIndex())


def test_a_selection_stays_while_the_table_fills_up(view, rows):
    view.selectionModel().select(view.model().index(3, 0), QItemSelectionModel.SelectionFlag.Select)
    view.radiographs.set_row(0, replace(rows[0], state="running"))
    assert view.selectionModel().selectedIndexes()[0].row() == 3
