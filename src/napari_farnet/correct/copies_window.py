"""The window that lists the copies of unsaved work, to open or to remove them: they are patients' data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QAbstractItemView, QDialog, QListWidget, QListWidgetItem, QVBoxLayout

from farnet.autosave import KEPT_DAYS, Autosave
from farnet.errors import FarnetError
from napari_farnet.ui.widgets import button, row, said

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from farnet.autosave import Copy

__all__ = ["CopiesWindow"]


class CopiesWindow(QDialog):
    """Lists the copies of unsaved work.

    Args:
        store: Where they are.
        parent: In front of which window.
    """

    opened = Signal(str)
    """The file of a copy that is to be shown in the viewer."""

    def __init__(self, store: Autosave, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Copies of unsaved work")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._store = store
        self.text = said()
        self.list = QListWidget()
        self.list.setToolTip("Work that was never saved: the radiographs, when it was done, and its size.")
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.open_chosen = button(
            "&Open", "Show the landmarks of the chosen copy as a layer. The copy stays.", self._open
        )
        self.remove = button("&Remove", "Remove the chosen copies for good.", self.remove_chosen)
        self.remove_all = button("Remove &all", "Remove all copies for good.", self._remove_all)
        close = button("&Close", "Leave the copies as they are.", self.close)
        column = QVBoxLayout(self)
        column.addWidget(self.text)
        column.addWidget(self.list, 1)
        column.addWidget(row(self.open_chosen, self.remove, self.remove_all, close))
        self.resize(460, 320)
        self.list.itemSelectionChanged.connect(self._enable)
        self.refresh()

    def refresh(self) -> None:
        """List what there is now."""
        self.list.clear()
        copies = self._store.copies()
        for copy in copies:
            item = QListWidgetItem(
                f"{copy.title}   {copy.when.astimezone():%Y-%m-%d %H:%M}   {copy.size / 1000:.0f} kB"
            )
            item.setData(Qt.ItemDataRole.UserRole, copy)
            self.list.addItem(item)
        what = f"in {self._store.folder}. They are removed {KEPT_DAYS} days after the last change."
        self.text.setText(f"Landmarks that were never saved, {what}" if copies else f"There are no copies {what}")
        self._enable()

    @property
    def chosen(self) -> list[Copy]:
        """The copies that are chosen in the list."""
        return [item.data(Qt.ItemDataRole.UserRole) for item in self.list.selectedItems()]

    def remove_chosen(self) -> None:
        """Remove the chosen copies for good."""
        self._remove(self.chosen)

    def _remove_all(self) -> None:
        self._remove(self._store.copies())

    def _remove(self, copies: list[Copy]) -> None:
        problem = ""
        try:
            self._store.remove(copies)
        except FarnetError as error:
            problem = str(error)
        self.refresh()
        if problem:
            self.text.setText(f"\N{WARNING SIGN} {problem}")

    def _open(self) -> None:
        for copy in self.chosen:
            self.opened.emit(str(copy.path))

    def _enable(self) -> None:
        self.open_chosen.setEnabled(any(not copy.damaged for copy in self.chosen))
        self.remove.setEnabled(bool(self.chosen))
        self.remove_all.setEnabled(self.list.count() > 0)
