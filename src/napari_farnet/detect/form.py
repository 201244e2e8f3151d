"""What the dock "Detect landmarks" looks like; it knows nothing of napari, and says with signals what was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QStandardItemModel
from qtpy.QtWidgets import QFormLayout, QLabel, QProgressBar, QPushButton, QToolButton, QVBoxLayout, QWidget

from napari_farnet.notices import plain
from napari_farnet.settings import HeatmapChoice
from napari_farnet.ui.widgets import choice, fill, hint, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farnet.devices import DeviceChoice

__all__ = ["DetectForm", "State"]

State = Literal["idle", "running", "stopping"]

_HEATMAP_TEXTS: dict[HeatmapChoice, str] = {
    "none": "None",
    "combined": "Combined",
    "each": "One per landmark",
}
_AUTOMATIC = "auto"


class DetectForm(QWidget):
    """Image, model, device, slices, heatmaps, and the buttons below them."""

    detect_requested = Signal()
    cancel_requested = Signal()
    refresh_requested = Signal()
    image_changed = Signal()
    model_changed = Signal()
    cpu_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._devices: dict[str, DeviceChoice] = {}
        self.image = choice("The radiograph. It follows the layer that is selected in the layer list.")
        self.image_hint = hint()
        self.slices = choice("Which radiographs of the stack to look at.")
        self._slices_label = QLabel("&Slices")
        self.model = choice("The trained network. Models in your folder of models are listed too.")
        self.model_hint = hint()
        self.refresh = QToolButton()
        self.refresh.setText("\N{CLOCKWISE OPEN CIRCLE ARROW}")
        self.refresh.setToolTip("Look for models again, for example after copying one into your folder of models.")
        self.device = choice("Where the network runs. A device that cannot be used tells why.")
        self.device_hint = hint()
        self.heatmaps = choice(
            "Add what the network saw as an image over the radiograph: the maximum over all landmarks, or the heatmap "
            "of the landmark that is selected in the points layer. One per landmark takes the memory of one picture "
            "per landmark and slice."
        )
        for value in get_args(HeatmapChoice):
            self.heatmaps.addItem(_HEATMAP_TEXTS[value], value)
        self.detect = QPushButton("&Detect")
        self.cancel = QPushButton("&Cancel")
        self.cancel.setToolTip("Stop after the stage that is running. Nothing is added to the viewer.")
        self.progress = QProgressBar()
        self.progress.setToolTip("How much of the detection is done.")
        self.use_cpu = QPushButton("Detect on the CP&U instead")
        self.use_cpu.setToolTip("It is slower, and has more memory.")
        self.use_cpu.setVisible(False)
        self._lay_out()
        self.detect.clicked.connect(lambda: self.detect_requested.emit())
        self.cancel.clicked.connect(lambda: self.cancel_requested.emit())
        self.refresh.clicked.connect(lambda: self.refresh_requested.emit())
        self.image.currentIndexChanged.connect(lambda: self.image_changed.emit())
        self.model.currentIndexChanged.connect(lambda: self.model_changed.emit())
        self.device.currentIndexChanged.connect(self._show_reason)
        self.use_cpu.clicked.connect(lambda: self.cpu_requested.emit())
        self.set_state("idle")

    def _lay_out(self) -> None:
        model_row = row(self.model, self.refresh)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("&Image", self.image)
        form.addRow("", self.image_hint)
        self._slices_label.setBuddy(self.slices)
        form.addRow(self._slices_label, self.slices)
        model = QLabel("&Model")
        model.setBuddy(self.model)
        form.addRow(model, model_row)
        form.addRow("", self.model_hint)
        form.addRow("D&evice", self.device)
        form.addRow("", self.device_hint)
        form.addRow("Hea&tmaps", self.heatmaps)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(row(self.detect, self.cancel))
        column.addWidget(self.progress)
        column.addWidget(self.use_cpu)
        column.addStretch(1)

    def set_images(self, images: Sequence[tuple[str, object]], chosen: object) -> None:
        """List (name, layer) to choose from, one of them chosen."""
        fill(self.image, images, chosen)

    def set_slices(self, current: str, every: str) -> None:
        """Offer the current and all radiographs of a stack; two empty texts where there is no stack."""
        keep = self.all_slices
        fill(self.slices, [(current, False), (every, True)] if every else [], keep)
        for widget in (self.slices, self._slices_label):
            widget.setVisible(bool(every))

    def set_models(self, models: Sequence[tuple[str, str]], chosen: str) -> None:
        """List (title, name) of the models, one of them chosen."""
        fill(self.model, models, chosen)

    def set_devices(self, devices: Sequence[DeviceChoice], chosen: str) -> None:
        """List the devices after "Automatic", with the reason why one can or cannot be used."""
        self._devices = {item.name: item for item in devices}
        fill(self.device, [("Automatic", _AUTOMATIC), *((item.name, item.name) for item in devices)], chosen)
        model = self.device.model()
        for place, item in enumerate(devices, start=1):
            self.device.setItemData(place, plain(item.reason), Qt.ItemDataRole.ToolTipRole)
            entry = model.item(place) if isinstance(model, QStandardItemModel) else None
            if entry is not None:
                entry.setEnabled(item.usable)
        self._show_reason()

    def choose_device(self, name: str) -> None:
        """Choose a device that is listed."""
        self.device.setCurrentIndex(self.device.findData(name))

    def set_state(self, state: State, reason: str = "") -> None:
        """Show whether a detection runs, and why none can be begun (an empty text where one can)."""
        running = state != "idle"
        for widget in (self.image, self.slices, self.model, self.refresh, self.device, self.heatmaps):
            widget.setEnabled(not running)
        self.detect.setEnabled(not running and not reason)
        self.detect.setToolTip(plain(reason) or "Find the landmarks. You can go on working meanwhile.")
        self.cancel.setEnabled(state == "running")
        self.cancel.setText("Cancelling \N{HORIZONTAL ELLIPSIS}" if state == "stopping" else "&Cancel")
        self.progress.setVisible(running)

    def set_progress(self, done: int, total: int) -> None:
        """Show how much is done."""
        self.progress.setRange(0, total)
        self.progress.setValue(done)

    @property
    def all_slices(self) -> bool:
        """Whether all radiographs of a stack are wanted."""
        return bool(self.slices.currentData())

    def _show_reason(self) -> None:
        chosen = self.device.currentData()
        if chosen == _AUTOMATIC:
            best = next((item for item in self._devices.values() if item.usable), None)
            self.device_hint.setText("" if best is None else f"{best.name}: {best.reason}")
        elif chosen in self._devices:
            self.device_hint.setText(self._devices[chosen].reason)
