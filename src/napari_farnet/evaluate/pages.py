"""The pages of the form: two layers, files, a model on a data set. What is chosen there becomes a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QCheckBox, QFormLayout, QLineEdit, QWidget

from farnet.datasets.named import DATASETS, dataset_kind
from farnet.errors import InvalidInputError
from farnet.evaluation.request import EvaluationRequest
from napari_farnet.evaluate.fields import PathField, spacing_of
from napari_farnet.points import points_refusal
from napari_farnet.ui.layer_choice import LayerChoice
from napari_farnet.ui.widgets import choice, fill, hint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari.components import ViewerModel

    from farnet.devices import DeviceChoice

__all__ = ["FilesPage", "LayersPage", "ModelPage", "Settings", "form_of"]

Settings = dict[str, Any]
"""Radii, draws and the like, which all pages share: keywords of a request."""

_OWN = "own"


def form_of(page: QWidget) -> QFormLayout:
    """The layout of a page."""
    form = QFormLayout(page)
    form.setContentsMargins(0, 0, 0, 0)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
    return form


def common_box() -> QCheckBox:
    """Whether radiographs of one side alone are left out."""
    box = QCheckBox("O&nly radiographs that all have")
    box.setToolTip(
        "Leave out radiographs that one side alone has. Unticked, they are an error, so none gets lost unseen."
    )
    return box


def spacing_edit() -> QLineEdit:
    """The size of a pixel, where files do not know it."""
    edit = QLineEdit()
    edit.setPlaceholderText("as the files say")
    edit.setToolTip(
        "mm per pixel of all radiographs, such as 0.1, or row, column. It stands in for what the files say; without "
        "any, errors are in pixels."
    )
    return edit


class LayersPage(QWidget):
    """Two layers of landmarks."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.predictions = LayerChoice(viewer, points_refusal, "The landmarks that are measured.")
        self.references = LayerChoice(viewer, points_refusal, "The landmarks that count as true.")
        self.common = common_box()
        self.hint = hint()
        self.hint.setText("Landmarks are matched by name. Drag a point, and its error follows.")
        form = form_of(self)
        form.addRow("Pre&diction", self.predictions)
        form.addRow("&Reference", self.references)
        form.addRow(self.common)
        form.addRow(self.hint)
        self.predictions.changed.connect(lambda: self._keep_apart(self.references))
        self.references.changed.connect(self.on_layers)
        self.on_layers()

    def on_layers(self, _event: object = None) -> None:
        """Layers have come: what is opened first is usually the reference, and the next is measured."""
        for box in (self.predictions, self.references):
            box.refresh()
        self._keep_apart(self.predictions)

    def _keep_apart(self, box: LayerChoice) -> None:
        """Where both boxes have the same layer, let this one choose another, while there is one."""
        if box.count() > 1 and self.references.currentData() == self.predictions.currentData():
            box.setCurrentIndex(next(i for i in (0, 1) if i != box.currentIndex()))


class FilesPage(QWidget):
    """Landmarks in files against landmarks in files."""

    def __init__(self) -> None:
        super().__init__()
        self.predictions = PathField(
            "the predictions", "Landmarks to measure: a file of any format that can be read, or a folder of such files."
        )
        self.references = PathField("the reference", "Landmarks that count as true: a file, or a folder of files.")
        self.radiographs = PathField(
            "the radiographs",
            "Folder of the radiographs, so that a click can open them. The figures do not need it.",
            files=False,
        )
        self.spacing = spacing_edit()
        self.common = common_box()
        form = form_of(self)
        form.addRow("Pre&diction", self.predictions)
        form.addRow("&Reference", self.references)
        form.addRow("R&adiographs", self.radiographs)
        form.addRow("Pi&xel size", self.spacing)
        form.addRow(self.common)

    def request(self, settings: Settings) -> EvaluationRequest:
        """What is to be evaluated.

        Raises:
            InvalidInputError: If something is missing or wrong.
        """
        return EvaluationRequest(
            predictions=self.predictions.required(),
            reference=self.references.required(),
            spacing=spacing_of(self.spacing.text()),
            common=self.common.isChecked(),
            **settings,
        )


class ModelPage(QWidget):
    """A model against a data set, or against a folder of radiographs with annotations."""

    def __init__(self) -> None:
        super().__init__()
        self.model = choice("The trained network. Models in your folder of models are listed too.")
        self.device = choice("Where the network runs.")
        self.kind = choice("Where radiographs and true landmarks are from.")
        for name in DATASETS:
            self.kind.addItem(dataset_kind(name).title, name)
        self.kind.addItem("My own radiographs", _OWN)
        self.data = PathField("the data set", "The folder of the data set, as it was unpacked.", files=False)
        self.split = choice("Which part of the data set.")
        self.observer = choice("Whose points are the truth.")
        self.radiographs = PathField("the radiographs", "Folder of the radiographs.", files=False)
        self.references = PathField("the reference", "Landmarks that count as true: a file, or a folder of files.")
        self.spacing = spacing_edit()
        self.common = common_box()
        self._form = form = form_of(self)
        form.addRow("&Model", self.model)
        form.addRow("Device", self.device)
        form.addRow("&Data", self.kind)
        form.addRow("Folder", self.data)
        form.addRow("Part", self.split)
        form.addRow("Tr&uth", self.observer)
        form.addRow("R&adiographs", self.radiographs)
        form.addRow("&Reference", self.references)
        form.addRow("Pi&xel size", self.spacing)
        form.addRow(self.common)
        self.kind.currentIndexChanged.connect(self._show_fields)
        self._show_fields()

    def _show_fields(self) -> None:
        own = self.kind.currentData() == _OWN
        if not own:
            kind = dataset_kind(self.kind.currentData())
            fill(self.split, [(title, part) for part, title in kind.splits.items()], kind.test_split)
            fill(self.observer, [(title, who) for who, title in kind.observers.items()], "")
        of_data_set: tuple[QWidget, ...] = (self.data, self.split, self.observer)
        of_mine: tuple[QWidget, ...] = (self.radiographs, self.references, self.spacing, self.common)
        for widget in (*of_data_set, *of_mine):
            self._form.setRowVisible(widget, own == (widget in of_mine))

    def set_models(self, models: Sequence[tuple[str, str]], chosen: str) -> None:
        """List (title, name) of the models, one of them chosen."""
        fill(self.model, models, chosen)

    def set_devices(self, devices: Sequence[DeviceChoice], chosen: str) -> None:
        """List the devices that can be used, after "Automatic"."""
        usable = [(item.name, item.name) for item in devices if item.usable]
        fill(self.device, [("Automatic", "auto"), *usable], chosen)

    def request(self, settings: Settings) -> EvaluationRequest:
        """What is to be evaluated; errors as `FilesPage.request`."""
        model = self.model.currentData()
        if model is None:
            raise InvalidInputError("There is no model. Copy one into your folder of models, and open this page again.")
        keywords: Settings = {"model": model, "device": self.device.currentData() or "auto", **settings}
        if self.kind.currentData() != _OWN:
            return EvaluationRequest(
                data=self.data.required(),
                dataset=self.kind.currentData(),
                split=self.split.currentData(),
                observer=self.observer.currentData(),
                **keywords,
            )
        return EvaluationRequest(
            radiographs=self.radiographs.required(),
            reference=self.references.required(),
            spacing=spacing_of(self.spacing.text()),
            common=self.common.isChecked(),
            **keywords,
        )

    @property
    def folder(self) -> Path | None:
        """Where the radiographs are."""
        return self.radiographs.path if self.kind.currentData() == _OWN else self.data.path
