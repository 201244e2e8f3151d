"""The table of figures: sorted by number, the line of all landmarks always on top, copied as text for a spreadsheet."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from farnet.spreadsheet import safe_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QKeyEvent

    from napari_farnet.evaluate.figures import FigureTable, Line

__all__ = ["FigureModel", "FigureView"]

_NOTHING = QModelIndex()


class FigureModel(QAbstractTableModel):
    """A `FigureTable` for Qt."""

    def __init__(self) -> None:
        super().__init__()
        self._table: FigureTable | None = None
        self._lines: list[Line] = []
        self._sorted = (-1, Qt.SortOrder.AscendingOrder)

    def show_table(self, table: FigureTable | None) -> bool:
        """Show a table, and tell whether it is sorted as the last one was, because it has the same columns."""
        self.beginResetModel()
        same = self._table is not None and table is not None and self._table.columns == table.columns
        self._table = table
        self._lines = [] if table is None else list(table.lines)
        if not same:
            self._sorted = (-1, Qt.SortOrder.AscendingOrder)
        self._arrange()
        self.endResetModel()
        return same

    def line(self, row: int) -> Line:
        """The line in a row."""
        return self._lines[row]

    def row_of(self, landmark: int | None) -> int:
        """The row of a landmark; None is that of all landmarks."""
        return next(row for row, line in enumerate(self._lines) if line.landmark == landmark)

    def text(self) -> str:
        """The table as it stands, cells separated by tabs."""
        if self._table is None:
            return ""
        rows = [[column.title for column in self._table.columns]]
        rows += [[safe_cell(line.title), *(cell.text for cell in line.cells)] for line in self._lines]
        return "".join("\t".join(cells) + "\n" for cells in rows)

    def rowCount(self, parent: QModelIndex = _NOTHING) -> int:  # noqa: N802
        """Number of lines."""
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: QModelIndex = _NOTHING) -> int:  # noqa: N802
        """Number of columns."""
        return 0 if parent.isValid() or self._table is None else len(self._table.columns)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text, alignment and weight of a cell."""
        line, column = self._lines[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return line.cells[column - 1].text if column else line.title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.FontRole and line.landmark is None:
            from qtpy.QtGui import QFont

            font = QFont()
            font.setBold(True)
            return font
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        """Title of a column, and what it means as its tooltip."""
        if orientation != Qt.Orientation.Horizontal or self._table is None:
            return None
        column = self._table.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        return column.meaning if role == Qt.ItemDataRole.ToolTipRole else None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by the numbers of a column (by the scheme's order in the first); all landmarks stay on top."""
        self.layoutAboutToBeChanged.emit()
        self._sorted = (column, order)
        self._arrange()
        self.layoutChanged.emit()

    def _arrange(self) -> None:
        column, order = self._sorted
        descending = order == Qt.SortOrder.DescendingOrder

        def place(line: Line) -> tuple[int, float]:
            if line.landmark is None:
                return 0, 0.0
            value = float(line.landmark) if column <= 0 else line.cells[column - 1].value
            if math.isnan(value):
                return 2, float(line.landmark)
            return 1, -value if descending else value

        self._lines.sort(key=place)


class FigureView(QTableView):
    """Shows a `FigureModel`; a click or Enter on a line says which landmark it is."""

    landmark_chosen = Signal(object)
    """The number of a landmark, or None for all."""

    def __init__(self) -> None:
        super().__init__()
        self.figures = FigureModel()
        self.setModel(self.figures)
        self.setToolTip(
            "Click a line, or press Enter on it, to look at the worst radiograph of that landmark. Click a column's "
            "head to sort. Ctrl+C copies the table."
        )
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setSortingEnabled(True)
        across, down = self.horizontalHeader(), self.verticalHeader()
        assert across is not None and down is not None, "a table has both"
        for header in (across, down):
            header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        across.setStyleSheet("QHeaderView::section { padding: 2px 3px; }")  # napari's leaves room for fewer columns
        across.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        down.hide()
        self.clicked.connect(self._choose)

    def show_table(self, table: FigureTable | None) -> None:
        """Show a table; the landmark that is selected stays selected."""
        chosen = self.landmark()
        if not self.figures.show_table(table):
            across = self.horizontalHeader()
            assert across is not None, "a table has a head"
            across.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        if chosen and table is not None and any(line.landmark == chosen[0] for line in table.lines):
            self.select(chosen[0])

    def landmark(self) -> Sequence[int | None]:
        """The landmark of the selected line (None for all), in a list of one; an empty list without a selection."""
        selection = self.selectionModel()
        rows = [] if selection is None else selection.selectedRows()
        return [self.figures.line(rows[0].row()).landmark] if rows else []

    def select(self, landmark: int | None) -> None:
        """Select the line of a landmark, and bring it into view."""
        row = self.figures.row_of(landmark)
        self.selectRow(row)
        self.scrollTo(self.figures.index(row, 0))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Enter chooses the line, Ctrl+C copies the whole table."""
        if event is None:
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._choose(self.currentIndex())
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)

    def copy(self) -> None:
        """Put the table on the clipboard, for a spreadsheet."""
        from qtpy.QtGui import QGuiApplication

        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self.figures.text())

    def _choose(self, index: QModelIndex) -> None:
        self.landmark_chosen.emit(self.figures.line(index.row()).landmark)
