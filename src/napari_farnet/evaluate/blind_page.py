"""The page of the form for a blind reading: what is read, by whom, and the way through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QLineEdit, QSpinBox, QWidget

from farnet.scheme import bundled_schemes, load_scheme
from napari_farnet.evaluate.fields import PathField
from napari_farnet.evaluate.pages import form_of
from napari_farnet.sources import refusal
from napari_farnet.ui.layer_choice import LayerChoice
from napari_farnet.ui.widgets import button, choice, hint, row

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["BlindPage"]


class BlindPage(QWidget):
    """Begins, goes through and ends a blind reading."""

    begin_requested = Signal()
    next_requested = Signal()
    end_requested = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.stack = LayerChoice(
            viewer, refusal, "Read the radiographs of an image layer, or those of a folder.", none="A folder"
        )
        self.folder = PathField("the radiographs", "The radiographs that are to be read.", files=False)
        self.study = PathField(
            "the folder of the study",
            "Where order and readings are written; the key is written beside it. A study that is there goes on.",
            files=False,
        )
        self.reader = QLineEdit()
        self.reader.setToolTip("Who reads; the readings are saved under this name.")
        self.scheme = choice("Which landmarks are placed, in this order.")
        for name in bundled_schemes():
            self.scheme.addItem(load_scheme(name).title, name)
        self.seed = _number("Decides the order; the same number gives the same order.", 10_000_000)
        self.repeats = _number("How many radiographs are shown twice, for the intra-observer error.", 10_000)
        self.begin = button(
            "&Begin reading",
            "Hide the landmarks of others and their names, and show the radiographs one by one under neutral codes.",
            self.begin_requested.emit,
        )
        self.next = button("&Next radiograph", "Save this reading and show the next one.", self.next_requested.emit)
        self.end = button("E&nd", "Show everything again. What was saved can be gone on with.", self.end_requested.emit)
        self.hint = hint()
        self._form = form = form_of(self)
        form.addRow("Rea&d", self.stack)
        form.addRow("R&adiographs", self.folder)
        form.addRow("Land&marks", self.scheme)
        form.addRow("Stud&y folder", self.study)
        form.addRow("&Reader", self.reader)
        form.addRow("&Seed", self.seed)
        form.addRow("Read twice", self.repeats)
        form.addRow(self.begin)
        form.addRow(row(self.next, self.end))
        form.addRow(self.hint)
        self.stack.changed.connect(self._show_fields)
        self.set_reading(False)
        self._show_fields()

    def set_reading(self, reading: bool) -> None:
        """Show whether a reading is going on."""
        fields = (self.stack, self.folder, self.study, self.reader, self.scheme, self.seed, self.repeats, self.begin)
        for widget in fields:
            widget.setEnabled(not reading)
        self.next.setEnabled(reading)
        self.end.setEnabled(reading)

    def _show_fields(self) -> None:
        self._form.setRowVisible(self.folder, self.stack.layer() is None)


def _number(tooltip: str, most: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(0, most)
    box.setToolTip(tooltip)
    return box
