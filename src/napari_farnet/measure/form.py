"""What the dock "Measure" looks like; it knows nothing of layers, and says with signals what was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QKeySequence, QShortcut  # type: ignore[attr-defined]
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from napari_farnet.measure.table import ResultsTable
from napari_farnet.ui.widgets import button, choice, fill, hint, row, tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_farnet.ui.layer_choice import LayerChoice

__all__ = ["MeasureForm"]

_START, _CANCEL = "Cali&brate", "Cancel (Esc)"
_START_TIP = (
    "Find the size of a pixel with a ruler on the radiograph: click its two ends, then type how long it is. "
    "Lengths in mm need it."
)
_CANCEL_TIP = "Take the ruler away; nothing is changed."


class MeasureForm(QWidget):
    """Landmarks, radiograph, set of measurements, table, and calibration.

    Args:
        landmarks: The box that lists layers of landmarks.
        image: The box that lists radiographs.
    """

    set_changed = Signal()
    gap_changed = Signal()
    open_requested = Signal()
    reload_requested = Signal()
    example_requested = Signal()
    lines_changed = Signal()
    copy_requested = Signal()
    save_requested = Signal()
    calibrate_requested = Signal()
    cancel_requested = Signal()
    apply_requested = Signal()

    def __init__(self, landmarks: LayerChoice, image: LayerChoice) -> None:
        super().__init__()
        self.landmarks, self.image = landmarks, image
        self.hint = hint()
        self.sets = choice("What to measure. The sets that fit the landmarks, and files that you opened.")
        self.open = button("&Open\N{HORIZONTAL ELLIPSIS}", "Open a file (.yaml) with measurements of your own.")
        self.reload = tool("\N{CLOCKWISE OPEN CIRCLE ARROW}", "Read the opened file again, after changing it.")
        self.example = button(
            "Save an &example\N{HORIZONTAL ELLIPSIS}",
            "Save the measurements that are shown as a file, to be changed in any text editor.",
        )
        self.gap = choice(
            "Class of an overjet (MW) between 0 and 2 mm, for which the challenge's definition has none: none, or "
            "cross-bite as its program says."
        )
        fill(self.gap, [("No class (definition)", "strict"), ("Cross-bite (challenge program)", "script")], "strict")
        self._gap_label = QLabel("Overjet 0\N{EN DASH}2 mm")
        self.table = ResultsTable()
        self.lines = QCheckBox("Show lines on the &radiograph")
        self.lines.setToolTip("Draw what is measured, with the values. Selected rows stand out in yellow.")
        self.lines.setChecked(True)
        self.copy_table = button("Copy &table", "Copy the table, to be pasted into a spreadsheet or a letter.")
        self.save_table = button("&Save csv\N{HORIZONTAL ELLIPSIS}", "Save the table as a file for spreadsheets.")
        self.calibrate = button(_START, _START_TIP)
        self.ruler_hint = hint()
        self.length = QDoubleSpinBox()
        self.length.setRange(0.1, 10_000.0)
        self.length.setDecimals(2)
        self.length.setValue(100.0)
        self.length.setSuffix(" mm")
        self.length.setToolTip("How long the ruler is between the two points.")
        self.apply = button("Set si&ze", "Give the radiograph this size. Everything on it stays in its place.")
        self._connect()
        self._lay_out()
        self.set_calibrating(False)

    def _connect(self) -> None:
        self.sets.currentIndexChanged.connect(lambda: self.set_changed.emit())
        self.gap.currentIndexChanged.connect(lambda: self.gap_changed.emit())
        self.open.clicked.connect(lambda: self.open_requested.emit())
        self.reload.clicked.connect(lambda: self.reload_requested.emit())
        self.example.clicked.connect(lambda: self.example_requested.emit())
        self.lines.toggled.connect(lambda: self.lines_changed.emit())
        self.copy_table.clicked.connect(lambda: self.copy_requested.emit())
        self.save_table.clicked.connect(lambda: self.save_requested.emit())
        self.apply.clicked.connect(lambda: self.apply_requested.emit())
        self.calibrate.clicked.connect(
            lambda: self.cancel_requested.emit() if self.calibrating else self.calibrate_requested.emit()
        )
        field = self.length.lineEdit()
        if field is not None:
            field.returnPressed.connect(lambda: self.apply_requested.emit() if self.apply.isEnabled() else None)
        self._escape = QShortcut(QKeySequence("Escape"), self)
        self._escape.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self._escape.activated.connect(lambda: self.cancel_requested.emit())

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Landmarks", self.landmarks)
        form.addRow("Radiograph", self.image)
        form.addRow("", self.hint)
        form.addRow("Measure", self.sets)
        form.addRow("", row(self.open, self.reload, self.example))
        form.addRow(self._gap_label, self.gap)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(self.table, 1)
        column.addWidget(self.lines)
        column.addWidget(row(self.copy_table, self.save_table))
        column.addWidget(row(self.calibrate, self.length, self.apply))
        column.addWidget(self.ruler_hint)

    def set_sets(self, sets: Sequence[tuple[str, str]], chosen: object) -> None:
        """List (title, key) of the sets, one of them chosen."""
        fill(self.sets, sets, chosen)

    def set_gap_shown(self, shown: bool) -> None:
        """Offer the choice for the overjet only where there is one."""
        for widget in (self.gap, self._gap_label):
            widget.setVisible(shown)

    @property
    def calibrating(self) -> bool:
        """Whether a ruler is being laid."""
        return bool(self._escape.isEnabled())

    def set_calibrating(self, calibrating: bool, text: str = "", *, ready: bool = False) -> None:
        """Show whether a ruler is being laid, what to do next, and whether both its ends are set."""
        self._escape.setEnabled(calibrating)
        self.calibrate.setText(_CANCEL if calibrating else _START)
        self.calibrate.setToolTip(_CANCEL_TIP if calibrating else _START_TIP)
        for widget in (self.length, self.apply, self.ruler_hint):
            widget.setVisible(calibrating)
        self.length.setEnabled(ready)
        self.apply.setEnabled(ready)
        self.ruler_hint.setText(text)
        for box in (self.landmarks, self.image):
            box.setEnabled(not calibrating)
