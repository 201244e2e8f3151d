"""Fields that the pages of the form share: a path to choose, and what a page asks for."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QWidget

from farnet.errors import InvalidInputError
from farnet.evaluation.request import as_numbers
from farnet.spacing import Spacing, as_spacing
from napari_farnet.ui.widgets import tool

__all__ = ["PathField", "spacing_of"]


class PathField(QWidget):
    """A file or folder, typed or chosen.

    Args:
        what: What it is, as it reads after "Choose": "the annotations".
        tooltip: What it is for.
        files: Whether a file may be chosen.
        folders: Whether a folder may be chosen.
    """

    changed = Signal()

    def __init__(self, what: str, tooltip: str, *, files: bool = True, folders: bool = True) -> None:
        super().__init__()
        self._what = what
        self.edit = QLineEdit()
        self.edit.setToolTip(tooltip)
        self.edit.setMinimumWidth(80)
        self.edit.textChanged.connect(lambda: self.changed.emit())
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.edit, 1)
        if files:
            line.addWidget(tool("File\N{HORIZONTAL ELLIPSIS}", f"Choose a file: {what}.", self._choose_file))
        if folders:
            line.addWidget(tool("Folder\N{HORIZONTAL ELLIPSIS}", f"Choose a folder: {what}.", self._choose_folder))
        self.setFocusProxy(self.edit)

    @property
    def path(self) -> Path | None:
        """What is there; None where nothing is."""
        text = self.edit.text().strip()
        return Path(text).expanduser() if text else None

    @path.setter
    def path(self, value: Path | None) -> None:
        self.edit.setText("" if value is None else str(value))

    def required(self) -> Path:
        """The path.

        Raises:
            InvalidInputError: If there is none.
        """
        path = self.path
        if path is None:
            raise InvalidInputError(f"Choose {self._what} first.")
        return path

    def _choose_file(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, f"Choose {self._what}", self.edit.text())
        if chosen:
            self.edit.setText(chosen)

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, f"Choose {self._what}", self.edit.text())
        if chosen:
            self.edit.setText(chosen)


def spacing_of(text: str) -> Spacing | None:
    """The size of a pixel as it was typed; None where nothing was.

    Raises:
        InvalidInputError: If it is no number above zero, or two.
    """
    if not text.strip():
        return None
    return as_spacing(as_numbers(text, "The pixel size", "0.1"), what="pixel size")
