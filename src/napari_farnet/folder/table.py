"""The table of the folder: it fills up while the run goes on, sorts, filters and opens what is double-clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import (  # type: ignore[attr-defined]
    QAbstractTableModel,
    QModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from qtpy.QtGui import QGuiApplication, QKeySequence
from qtpy.QtWidgets import QAbstractItemView, QTableView

from farnet.spreadsheet import safe_cell
from napari_farnet.folder.rows import COLUMNS, RadiographRow
from napari_farnet.notices import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QKeyEvent

__all__ = ["RadiographModel", "RadiographView"]

_NOTHING = QModelIndex()
_WIDTHS = ("0000000000000", "\N{WHITE CIRCLE} skipped", "19 of 19", "0.00", "00.00 mm", "000.0")
_NUMBERS = range(2, 6)  # columns that end at the right
_PADDING = 18  # px, of a head with its sign of sorting


class RadiographModel(QAbstractTableModel):
    """A row for each radiograph of the folder, in the folder's order."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[RadiographRow] = []

    def show_rows(self, rows: Sequence[RadiographRow]) -> None:
        """Show other radiographs."""
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def set_row(self, number: int, row: RadiographRow) -> None:
        """Something became of a radiograph."""
        self.rows[number] = row
        self.dataChanged.emit(self.index(number, 0), self.index(number, len(COLUMNS) - 1))

    def rowCount(self, parent: QModelIndex = _NOTHING) -> int:  # noqa: N802
        """Number of radiographs."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = _NOTHING) -> int:  # noqa: N802
        """Number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text, alignment and tooltip of a cell."""
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return row.cells[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain(row.message or str(row.path))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column in _NUMBERS else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        """Title of a column, and what it means as its tooltip."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        title, meaning = COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return title
        return meaning if role == Qt.ItemDataRole.ToolTipRole else None


class _Arranged(QSortFilterProxyModel):
    """The rows as they are sorted and filtered; empty cells come last in either direction."""

    def __init__(self, model: RadiographModel) -> None:
        super().__init__()
        self._model = model
        self._only_failed = False
        self.setSourceModel(model)

    def show_only_failed(self, only: bool) -> None:
        self._only_failed = only
        self.invalidate()

    def filterAcceptsRow(self, row: int, _parent: QModelIndex) -> bool:  # noqa: N802
        return not self._only_failed or self._model.rows[row].state == "failed"

    def lessThan(self, left: QModelIndex, right: QModelIndex) -> bool:  # noqa: N802
        one, other = (self._model.rows[index.row()].keys[index.column()] for index in (left, right))
        if one is None or other is None:
            if (one is None) == (other is None):
                return left.row() < right.row()
            return (other is None) == (self.sortOrder() == Qt.SortOrder.AscendingOrder)
        if one == other:
            return left.row() < right.row()
        return bool(one < other)  # type: ignore[operator]  # a column holds numbers alone, or texts alone


class RadiographView(QTableView):
    """Shows the radiographs; a double click or Enter on a row says that it should be opened."""

    opened = Signal(int)
    """The number of a radiograph in the folder."""
    chosen = Signal(int)
    """Another row is the current one; the number of its radiograph in the folder."""

    def __init__(self) -> None:
        super().__init__()
        self.radiographs = RadiographModel()
        self._arranged = _Arranged(self.radiographs)
        self.setModel(self._arranged)
        self.setToolTip(
            "Double-click a radiograph, or press Enter on it, to open it with its landmarks. Click a column's head to "
            "sort. Ctrl+C copies the table."
        )
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        across, down = self.horizontalHeader(), self.verticalHeader()
        assert across is not None and down is not None, "a table has both"
        across.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        across.setStretchLastSection(True)
        across.setHighlightSections(False)
        self.setSortingEnabled(True)
        metrics = self.fontMetrics()
        for column, text in enumerate(_WIDTHS):  # to measure thousands of cells would take long
            wide = max(metrics.horizontalAdvance(text), metrics.horizontalAdvance(COLUMNS[column][0]))
            self.setColumnWidth(column, wide + _PADDING)
        down.setDefaultSectionSize(metrics.height() + 8)
        down.hide()
        self.setMinimumHeight(8 * (metrics.height() + 8))
        self.doubleClicked.connect(self._open)
        selection = self.selectionModel()
        assert selection is not None, "a table with a model has one"
        selection.currentRowChanged.connect(self._choose)

    def show_only_failed(self, only: bool) -> None:
        """Show all radiographs, or those alone that failed."""
        self._arranged.show_only_failed(only)

    def select(self, number: int) -> None:
        """Select a radiograph that is shown, and bring it into view."""
        index = self._arranged.mapFromSource(self.radiographs.index(number, 0))
        if index.isValid():
            self.selectRow(index.row())
            self.scrollTo(index)

    def bring_into_view(self, number: int) -> None:
        """Scroll to a radiograph, unless the user has selected one."""
        selection = self.selectionModel()
        index = self._arranged.mapFromSource(self.radiographs.index(number, 0))
        if index.isValid() and selection is not None and not selection.hasSelection():
            self.scrollTo(index)

    def text(self) -> str:
        """The table as it is shown, cells separated by tabs."""
        lines = [[title for title, _ in COLUMNS]]
        for row in range(self._arranged.rowCount()):
            number = self._arranged.mapToSource(self._arranged.index(row, 0)).row()
            lines.append(list(self.radiographs.rows[number].cells))
        return "".join("\t".join(map(safe_cell, cells)) + "\n" for cells in lines)

    def copy(self) -> None:
        """Put the table on the clipboard, for a spreadsheet."""
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self.text())

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Enter opens the radiograph, Ctrl+C copies the whole table."""
        if event is None:
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._open(self.currentIndex())
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)

    def _choose(self, index: QModelIndex) -> None:
        if index.isValid():
            self.chosen.emit(self._arranged.mapToSource(index).row())

    def _open(self, index: QModelIndex) -> None:
        self.opened.emit(self._arranged.mapToSource(index).row())
