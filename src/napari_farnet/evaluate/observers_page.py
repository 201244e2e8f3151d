"""The page of the form for observers: two or more layers, or files, and a model beside them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from farnet.errors import InvalidInputError
from farnet.evaluation.observer_request import ObserversRequest, named_files
from napari_farnet.evaluate.fields import PathField, spacing_of
from napari_farnet.evaluate.pages import Settings, common_box, form_of, spacing_edit
from napari_farnet.points import points_refusal
from napari_farnet.ui.layer_choice import LayerChoice, layer_id
from napari_farnet.ui.widgets import button, choice, row

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Points

__all__ = ["LayerChecks", "ObserversPage"]

_LIST_HEIGHT = 96


def items_of(box: QListWidget) -> list[QListWidgetItem]:
    """The items of a list, in order."""
    return [item for i in range(box.count()) if (item := box.item(i)) is not None]


class LayerChecks(QListWidget):
    """Layers of landmarks to tick; layers that come, go or get another name are followed, and ticks stay."""

    def __init__(self, viewer: ViewerModel, tooltip: str) -> None:
        super().__init__()
        self._viewer = viewer
        self.setToolTip(tooltip)
        self.setMaximumHeight(_LIST_HEIGHT)
        events = viewer.layers.events
        connections: list[tuple[Any, Callable[..., None]]] = [
            (event, self.refresh) for event in (events.inserted, events.removed, events.renamed, events.reordered)
        ]
        for event, slot in connections:
            event.connect(slot)
        self.destroyed.connect(partial(_disconnect, connections))
        self.refresh()

    def refresh(self, _event: object = None) -> None:
        """List the layers anew."""
        ticked = {layer_id(layer) for layer in self.layers()}
        known = {item.data(Qt.ItemDataRole.UserRole) for item in items_of(self)}
        self.clear()
        for layer in reversed(self._viewer.layers):
            if points_refusal(layer):
                continue
            item = QListWidgetItem(str(layer.name), self)
            item.setData(Qt.ItemDataRole.UserRole, layer_id(layer))
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            tick = layer_id(layer) in ticked or layer_id(layer) not in known
            item.setCheckState(Qt.CheckState.Checked if tick else Qt.CheckState.Unchecked)

    def layers(self) -> list[Points]:
        """The layers that are ticked, in the order of the list."""
        ticked = [item for item in items_of(self) if item.checkState() == Qt.CheckState.Checked]
        wanted = [item.data(Qt.ItemDataRole.UserRole) for item in ticked]
        by_id = {layer_id(layer): layer for layer in self._viewer.layers}
        return [by_id[item] for item in wanted if item in by_id]


class ObserversPage(QWidget):
    """Who is compared with whom."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.source = choice("Where the readings are: in layers of the viewer, or in files.")
        self.source.addItem("Layers", "layers")
        self.source.addItem("Files", "files")
        self.layers = LayerChecks(viewer, "The layers of the observers, one each; tick two or more.")
        self.model_layer = LayerChoice(
            viewer, points_refusal, "Landmarks of a model, to stand beside the observers.", none="No model"
        )
        self.files = QListWidget()
        self.files.setToolTip(
            "A file or folder of landmarks for each observer, as name=file; double-click to change the name. The same "
            "name twice is one observer in two sessions."
        )
        self.files.setMaximumHeight(_LIST_HEIGHT)
        self.files.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.predictions = PathField(
            "the model's landmarks", "Landmarks of a model on the same radiographs, or nothing."
        )
        self.key = PathField("the key", "The key of the blind study that the files are of, or nothing.", folders=False)
        self.radiographs = PathField(
            "the radiographs", "Folder of the radiographs, so that a click can open them.", files=False
        )
        self.spacing = spacing_edit()
        self.common = common_box()
        self._lay_out()
        self.source.currentIndexChanged.connect(self._show_source)
        self._show_source()

    def _lay_out(self) -> None:
        in_layers, in_files = QWidget(), QWidget()
        form = form_of(in_layers)
        form.addRow("O&bservers", self.layers)
        form.addRow("&Model", self.model_layer)
        form = form_of(in_files)
        form.addRow("O&bservers", self.files)
        form.addRow(
            row(
                button(
                    "Add files\N{HORIZONTAL ELLIPSIS}", "Add files of landmarks, one observer each.", self._add_files
                ),
                button("Add folder\N{HORIZONTAL ELLIPSIS}", "Add a folder of files, one observer.", self._add_folder),
                button("&Remove", "Take the selected files out of the list.", self._remove),
            )
        )
        form.addRow("&Model", self.predictions)
        form.addRow("&Key", self.key)
        form.addRow("R&adiographs", self.radiographs)
        form.addRow("Pi&xel size", self.spacing)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        above = QWidget()
        form_of(above).addRow("Rea&dings", self.source)
        column.addWidget(above)
        for widget in (in_layers, in_files):
            column.addWidget(widget)
        self._in_layers, self._in_files = in_layers, in_files
        column.addWidget(self.common)

    def _show_source(self) -> None:
        self._in_layers.setVisible(not self.in_files)
        self._in_files.setVisible(self.in_files)

    @property
    def in_files(self) -> bool:
        """Whether the readings are in files."""
        return bool(self.source.currentData() == "files")

    def add_file(self, word: str) -> None:
        """Add a file, as ``name=file`` or by its name alone."""
        ((name, path),) = named_files([word])
        item = QListWidgetItem(f"{name}={path}", self.files)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)

    def request(self, settings: Settings) -> ObserversRequest:
        """What is to be compared.

        Raises:
            InvalidInputError: If something is missing or wrong.
        """
        words = [item.text() for item in items_of(self.files)]
        if not words:
            raise InvalidInputError("Add the files of the observers first, at least two, or one who read twice.")
        return ObserversRequest(
            files=named_files(words),
            predictions=self.predictions.path,
            key=self.key.path,
            spacing=spacing_of(self.spacing.text()),
            common=self.common.isChecked(),
            **settings,
        )

    def _add_files(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(self, "Choose the landmarks of the observers")
        for name in chosen:
            self.add_file(name)

    def _add_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Choose the landmarks of an observer")
        if chosen:
            self.add_file(chosen)

    def _remove(self) -> None:
        for item in self.files.selectedItems():
            self.files.takeItem(self.files.row(item))


def _disconnect(connections: list[tuple[Any, Callable[..., None]]], _list: object = None) -> None:
    for event, slot in connections:
        event.disconnect(slot)
