"""The list of a scheme's landmarks with the state of each, as a Qt model; it knows a review and nothing of napari."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt

from napari_farnet.notices import plain

if TYPE_CHECKING:
    from farnet.review import Edit, Review, State

__all__ = ["LandmarkTable", "LogTable", "state_text"]

_COLUMNS = ("Landmark", "State", "Confidence", "Error")
_COLUMN_TIPS = (
    "Abbreviation and name. A warning sign means that something speaks against the place of the point.",
    "What became of it: predicted (not looked at yet), accepted, edited, placed, absent, or still missing.",
    "How sure the network was, from 0 to 1.",
    "Expected error of the prediction: how far off it is on average, in mm (px where the size of a pixel is unknown). "
    "Of a model that is not calibrated: one standard deviation by its heatmap.",
)
_GLYPHS: dict[State, str] = {
    "missing": "\N{DOTTED CIRCLE}",
    "predicted": "\N{WHITE CIRCLE}",
    "accepted": "\N{CHECK MARK}",
    "edited": "\N{LOWER RIGHT PENCIL}",
    "placed": "\N{HEAVY PLUS SIGN}",
    "absent": "\N{EMPTY SET}",
}
_LOG_COLUMNS = ("Time (UTC)", "Landmark", "Action", "From", "To", "Moved", "Who")


def state_text(state: State, reviewed: bool) -> str:
    """A state in words, with a sign that tells it without colour; one that was opened again says so."""
    again = not reviewed and state in ("accepted", "edited", "placed", "absent")
    return f"{_GLYPHS[state]} {state}{' ?' if again else ''}"


class LandmarkTable(QAbstractTableModel):
    """A row for each landmark of the scheme, in its order."""

    def __init__(self) -> None:
        super().__init__()
        self._review: Review | None = None
        self._warned: tuple[bool, ...] = ()
        self._by_model = True

    def show(self, review: Review | None, warned: tuple[bool, ...] = ()) -> None:
        """Show a review; `warned` says which of its landmarks something speaks against."""
        old = 0 if self._review is None else len(self._review)
        new = 0 if review is None else len(review)
        same = old == new and new > 0 and self._review is not None and review is not None
        if same and self._review is not None and review is not None:
            same = self._review.landmarks.scheme is review.landmarks.scheme
        if not same:
            self.beginResetModel()
        self._review, self._warned = review, warned
        if not same:
            self.endResetModel()
        else:
            self.dataChanged.emit(self.index(0, 0), self.index(new - 1, len(_COLUMNS) - 1))

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802
        """How many landmarks there are."""
        return 0 if self._review is None or (parent is not None and parent.isValid()) else len(self._review)

    def columnCount(self, _parent: QModelIndex | None = None) -> int:  # noqa: N802
        """How many columns there are."""
        return len(_COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        """Titles of the columns."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _COLUMNS[section]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.ToolTipRole:
            return _COLUMN_TIPS[section]
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell shows."""
        review = self._review
        if review is None or not index.isValid():
            return None
        k, column = index.row(), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(review, k, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain(review.landmarks.scheme.landmarks[k].definition)
        if role == Qt.ItemDataRole.TextAlignmentRole and column >= 2:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _text(self, review: Review, k: int, column: int) -> str:
        item = review.landmarks
        if column == 0:
            landmark = item.scheme.landmarks[k]
            sign = "\N{WARNING SIGN} " if self._warned and self._warned[k] else ""
            return f"{sign}{landmark.abbreviation}  {landmark.name}"
        if column == 1:
            return state_text(review.states[k], bool(review.reviewed[k]))
        if column == 2:
            value = np.nan if item.confidence is None else item.confidence[k]
            return "" if np.isnan(value) else f"{value:.2f}"
        off = item.uncertainty
        return "" if np.isnan(off.values[k]) else f"{off.values[k]:.1f} {off.unit}"


class LogTable(QAbstractTableModel):
    """A row for each thing that was done, the latest first."""

    def __init__(self) -> None:
        super().__init__()
        self._log: tuple[Edit, ...] = ()

    def show(self, log: tuple[Edit, ...]) -> None:
        """Show a log."""
        self.beginResetModel()
        self._log = log
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802
        """How many things were done."""
        return 0 if parent is not None and parent.isValid() else len(self._log)

    def columnCount(self, _parent: QModelIndex | None = None) -> int:  # noqa: N802
        """How many columns there are."""
        return len(_LOG_COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        """Titles of the columns."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _LOG_COLUMNS[section]
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell shows."""
        if not index.isValid() or role != Qt.ItemDataRole.DisplayRole:
            return None
        edit = self._log[len(self._log) - 1 - index.row()]
        moved = ""
        if edit.distance_px > 0:
            moved = f"{edit.distance_px:.1f} px"
            if not np.isnan(edit.distance_mm):
                moved = f"{edit.distance_mm:.2f} mm ({moved})"
        time = edit.time.replace("T", " ").removesuffix("Z")
        return (time, edit.landmark, edit.action, _place(edit.before), _place(edit.after), moved, edit.who)[
            index.column()
        ]


def _place(point: tuple[float, float] | None) -> str:
    return "" if point is None else f"{point[0]:.1f}, {point[1]:.1f}"
