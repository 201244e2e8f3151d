"""The table of measured values; what is outside its norm is told by words, a sign and a colour."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QBrush, QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_farnet.notices import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farnet.measurement import MeasurementResult

__all__ = ["ResultsModel", "ResultsTable", "assessment_text"]

_HEADERS = ("Name", "Value", "Unit", "Norm", "Assessment")
_HEADER_TIPS = (
    "Point at a name to see how it is defined.",
    "What was measured on the radiograph that is shown.",
    "Degrees, millimetres, pixels where the size of a pixel is unknown, or none for a ratio.",
    "What is normal: a range, or mean and standard deviation.",
    "Inside, below (triangle down) or above the norm (triangle up), and what such a value is called.",
)
_SIGNS = {
    "inside": "\N{CHECK MARK}",
    "below": "\N{BLACK DOWN-POINTING TRIANGLE}",
    "above": "\N{BLACK UP-POINTING TRIANGLE}",
}
# White on these has a contrast above 5 : 1 in every theme, and blue and orange differ for the colour-blind too.
_INSIDE, _OUTSIDE, _INK = QColor("#14568c"), QColor("#9c4300"), QColor("white")
_NUMBERS = (1, 3)


def assessment_text(result: MeasurementResult) -> str:
    """What the table says of a value: "▲ Class II" where it has a class, else "▲ above", or why there is no value."""
    found = result.classification
    said = f"{_SIGNS.get(result.assessment, '')} {result.assessment if found is None else found.name}".strip()
    return f"{said} ({result.remark})" if said and result.remark else said or result.remark


class ResultsModel(QAbstractTableModel):
    """The results of one radiograph."""

    def __init__(self) -> None:
        super().__init__()
        self._results: tuple[MeasurementResult, ...] = ()
        self._brushes = {True: QBrush(_INSIDE), False: QBrush(_OUTSIDE), None: QBrush(_INK)}

    @property
    def results(self) -> tuple[MeasurementResult, ...]:
        """What is shown."""
        return self._results

    def set_results(self, results: Sequence[MeasurementResult]) -> None:
        """Show these results; the selection stays while the names do."""
        new = tuple(results)
        if [item.name for item in new] != [item.name for item in self._results]:
            self.beginResetModel()
            self._results = new
            self.endResetModel()
            return
        before, self._results = self._results, new
        for row, (old, item) in enumerate(zip(before, new, strict=True)):
            if _cells(old) != _cells(item):  # painting a cell costs more than measuring
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(_HEADERS) - 1))

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex | None = None) -> int:  # noqa: N802
        """Number of results; a table has no children."""
        return 0 if parent is not None and parent.isValid() else len(self._results)

    def columnCount(self, parent: QModelIndex | QPersistentModelIndex | None = None) -> int:  # noqa: N802
        """Number of columns."""
        return 0 if parent is not None and parent.isValid() else len(_HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        """The headers of the columns."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _HEADERS[section]
        return _HEADER_TIPS[section] if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text, colours and tooltip of a cell."""
        result = self._results[index.row()]
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _cells(result)[column]
        if role == Qt.ItemDataRole.TextAlignmentRole and column in _NUMBERS:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role in (Qt.ItemDataRole.BackgroundRole, Qt.ItemDataRole.ForegroundRole) and result.assessment:
            if column not in (1, len(_HEADERS) - 1):
                return None
            inside = result.assessment == "inside" if role == Qt.ItemDataRole.BackgroundRole else None
            return self._brushes[inside]
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain(_tooltip(result))
        return None


class ResultsTable(QTableView):
    """Shows the results; whole rows are selected."""

    selected = Signal()
    """Other rows are selected."""

    def __init__(self) -> None:
        super().__init__()
        self._model = ResultsModel()
        self.setModel(self._model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)  # Tab leaves the table
        self.setToolTip("Select rows to make their lines stand out.")
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMinimumHeight(180)
        rows = self.verticalHeader()
        if rows is not None:
            rows.setVisible(False)
            rows.setDefaultSectionSize(self.fontMetrics().height() + 6)
        header = self.horizontalHeader()
        if header is not None:
            header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
            header.setStretchLastSection(True)
        selection = self.selectionModel()
        if selection is not None:
            selection.selectionChanged.connect(lambda *_: self.selected.emit())
        self._model.modelReset.connect(self.selected)

    @property
    def results(self) -> tuple[MeasurementResult, ...]:
        """What is shown."""
        return self._model.results

    def set_results(self, results: Sequence[MeasurementResult]) -> None:
        """Show these results; columns are made wide enough when the measurements are others."""
        names = [item.name for item in self.results]
        self._model.set_results(results)
        if names != [item.name for item in results]:
            self.resizeColumnsToContents()

    def selected_names(self) -> set[str]:
        """Names of the measurements whose rows are selected."""
        selection = self.selectionModel()
        rows = [] if selection is None else [index.row() for index in selection.selectedRows()]
        return {self.results[row].name for row in rows if row < len(self.results)}


def _cells(result: MeasurementResult) -> tuple[str, ...]:
    return result.name, result.value_text, result.unit, result.norm_text, assessment_text(result)


def _tooltip(result: MeasurementResult) -> str:
    lines = [result.measurement.title, result.measurement.quantity.formula()]
    if result.assessment:
        where = "inside the norm" if result.assessment == "inside" else f"{result.assessment} the norm"
        lines.append(f"{result.value_text} {result.unit} is {where}".replace("  ", " "))
    if result.landmarks and len(result.landmarks) <= 12:
        lines.append(f"Landmarks: {', '.join(result.landmarks)}")
    if not math.isnan(result.deviation):
        lines.append(f"{result.deviation:+.1f} standard deviations from the mean")
    return "\n".join(line for line in (*lines, result.remark) if line)
