"""Asking which landmark each label of a file is, where the labels are landmarks of no scheme (l1 to l19, say)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from qtpy.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHeaderView,
    QMainWindow,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
)

from farnet.errors import FarnetError
from farnet.formats.labels import read_labels
from napari_farnet.ui.widgets import button, choice, fill, row, said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QWidget

    from farnet.scheme import LandmarkScheme

__all__ = ["Answer", "LabelsDialog", "ask_labels"]

_LEFT_OUT = "(left out)"


class Answer(NamedTuple):
    """What the labels of a file are.

    Attributes:
        scheme: The scheme of the landmarks.
        labels: Name of the landmark by label; an empty one is left out.
    """

    scheme: LandmarkScheme
    labels: dict[str, str]


class LabelsDialog(QDialog):
    """Asks for a scheme and the landmark of each label.

    Args:
        file: Name of the file.
        labels: Its labels.
        schemes: Schemes to choose from.
        parent: In front of which window.
    """

    def __init__(
        self, file: str, labels: Sequence[str], schemes: Sequence[LandmarkScheme], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Which landmarks are these?")
        self._labels, self._schemes = list(labels), list(schemes)
        self.text = said()
        self.text.setText(f"The labels in {file} are landmarks of no scheme. Say which landmark each of them is.")
        self.scheme = choice("The scheme of the landmarks.")
        fill(self.scheme, [(item.title, number) for number, item in enumerate(self._schemes)], None)
        self.in_order = button(
            "In &order",
            "The first label is the first landmark of the scheme, and so on: l1, l2, ...",
            self.fill_in_order,
        )
        self.from_table = button(
            "From a &table\N{HORIZONTAL ELLIPSIS}",
            "A csv file with a label and its landmark in each row, such as l1,Sella.",
            self._ask_table,
        )
        self.table = QTableWidget(len(self._labels), 2)
        self.table.setToolTip("The labels in the file, and which landmark each of them is.")
        self.table.setHorizontalHeaderLabels(["Label", "Landmark"])
        header = self.table.horizontalHeader()
        if header is not None:
            header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.boxes = [QComboBox() for _ in self._labels]
        for place, (label, box) in enumerate(zip(self._labels, self.boxes, strict=True)):
            self.table.setItem(place, 0, QTableWidgetItem(label))
            self.table.setCellWidget(place, 1, box)
            box.setToolTip("The landmark that this label is.")
            box.currentIndexChanged.connect(self._enable)
        standard = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(standard.Open | standard.Cancel)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.text)
        column.addWidget(row(self.scheme, self.in_order, self.from_table))
        column.addWidget(self.table, 1)
        column.addWidget(self.buttons)
        self.resize(480, 520)
        self.scheme.currentIndexChanged.connect(self._fill_boxes)
        alike = [number for number, item in enumerate(self._schemes) if len(item) == len(self._labels)]
        self.scheme.setCurrentIndex(alike[0] if alike else 0)
        self._fill_boxes()

    @property
    def answer(self) -> Answer:
        """What was chosen."""
        scheme = self._schemes[self.scheme.currentIndex()]
        return Answer(scheme, {label: box.currentData() for label, box in zip(self._labels, self.boxes, strict=True)})

    def fill_in_order(self) -> None:
        """Take the labels, counted as people count, for the landmarks in the order of the scheme."""
        for number, label in enumerate(sorted(self._labels, key=_counted)):
            box = self.boxes[self._labels.index(label)]
            box.setCurrentIndex(number + 1 if number + 1 < box.count() else 0)

    def fill_from(self, path: Path) -> None:
        """Take the landmarks from a table; labels that it does not have stay as they are.

        Raises:
            AnnotationError: If it is no such table.
            UnknownNameError: If a landmark in it is none of the scheme.
        """
        scheme, known = self._schemes[self.scheme.currentIndex()], read_labels(path)
        found = {label: known[label] for label in self._labels if label in known}
        places = {label: scheme.index(name) + 1 if name else 0 for label, name in found.items()}
        for label, place in places.items():
            self.boxes[self._labels.index(label)].setCurrentIndex(place)

    def _ask_table(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Labels and landmarks", "", "tables (*.csv *.tsv *.txt)")
        if chosen:
            try:
                self.fill_from(Path(chosen))
            except FarnetError as error:
                self.text.setText(f"\N{WARNING SIGN} {error}")

    def _fill_boxes(self) -> None:
        scheme = self._schemes[self.scheme.currentIndex()]
        for label, box in zip(self._labels, self.boxes, strict=True):
            same = scheme.names[scheme.index(label)] if scheme.knows(label) else ""
            fill(box, [(_LEFT_OUT, ""), *((name, name) for name in scheme.names)], same)
        self.in_order.setEnabled(len(self._labels) <= len(scheme))
        self._enable()

    def _enable(self) -> None:
        """Open only where something is chosen, and nothing twice."""
        chosen = [name for name in self.answer.labels.values() if name]
        opening = self.buttons.button(QDialogButtonBox.StandardButton.Open)
        if opening is not None:
            opening.setEnabled(bool(chosen) and len(set(chosen)) == len(chosen))


def ask_labels(file: Path, labels: Sequence[str]) -> Answer | None:
    """Ask a person; None where there is no window to ask in, or no answer."""
    windows = [item for item in QApplication.topLevelWidgets() if isinstance(item, QMainWindow) and item.isVisible()]
    if not windows:
        return None
    from farnet.formats.schemes import own_schemes
    from farnet.scheme import bundled_schemes, load_scheme

    schemes = [*(load_scheme(name) for name in bundled_schemes()), *own_schemes(file)]
    dialog = LabelsDialog(file.name, labels, schemes, windows[0])
    return dialog.answer if dialog.exec() == QDialog.DialogCode.Accepted else None


def _counted(label: str) -> list[tuple[int, str]]:
    """A key that sorts l2 before l10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", label) if part]
