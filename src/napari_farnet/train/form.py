"""What the dock "Train a model" looks like; it knows nothing of trainings, and says with signals what was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from farnet.datasets.named import DATASETS, dataset_kind
from napari_farnet.notices import plain
from napari_farnet.train.fields import setting_field
from napari_farnet.train.request import SETTINGS, SourceKind, StartChoice
from napari_farnet.ui.widgets import button, choice, fill, hint, row, tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farnet.devices import DeviceChoice
    from farnet.training.config import TrainingConfig

__all__ = ["TrainForm", "TrainState"]

TrainState = Literal["idle", "writing", "starting", "running", "paused", "stopping", "finishing"]

_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_SOURCES: tuple[tuple[str, SourceKind], ...] = (
    ("Open layers", "layers"),
    ("A folder with landmarks", "folder"),
    *((dataset_kind(name).title, name) for name in DATASETS),
)
_PRESETS = (
    ("Light: for most computers", "light"),
    ("Compact: as the bundled model for heads", "compact"),
    ("Spine: as the bundled model for spines", "spine"),
    ("Paper", "paper"),
)
_SETTING_LABELS = {
    "epochs": "&Epochs",
    "batch_size": "&Batch",
    "learning_rate": "Learnin&g rate",
    "validation_share": "Hold out",
}


class TrainForm(QWidget):
    """Radiographs, what to start from, settings, name; buttons; progress.

    Args:
        image: The box of image layers.
        points: The box of points layers.
        curves: What is shown below the progress.
    """

    train_requested = Signal()
    pause_requested = Signal()
    stop_requested = Signal()
    discard_requested = Signal()
    resume_requested = Signal()
    add_requested = Signal()
    source_changed = Signal()
    base_changed = Signal()
    name_changed = Signal()
    preview_changed = Signal()
    weights_chosen = Signal(str)

    def __init__(self, image: QWidget, points: QWidget, curves: QWidget) -> None:
        super().__init__()
        self.image, self.points, self.curves = image, points, curves
        self._devices: dict[str, DeviceChoice] = {}
        self._state: TrainState = "idle"
        self._resumable = False
        self.source = choice("Where radiographs and their landmarks come from.")
        fill(self.source, _SOURCES, "layers")
        self.pages = QStackedWidget()
        self.data_hint = hint()
        self._make_layers_page()
        self._make_folder_page()
        self._make_dataset_page()
        self._make_settings()
        self._make_run()
        self._lay_out()
        self._connect()
        self.set_state("idle")

    # What it is made of

    def _make_layers_page(self) -> None:
        self.add_pair = button(
            "&Add to the list",
            "Add this image and its landmarks to the list. With an empty list, the image and landmarks above are used.",
        )
        self.pairs = QListWidget()
        self.pairs.setToolTip("Images and landmarks to train on. Delete takes the selected one out of the list.")
        self.pairs.setMaximumHeight(80)
        self.pairs.hide()
        self.remove_pair = button("Remove", "Take the selected image and its landmarks out of the list.")
        page = QWidget()
        form = _form(page)
        form.addRow("&Image", self.image)
        form.addRow("Landmar&ks", self.points)
        form.addRow("", row(self.add_pair, self.remove_pair))
        form.addRow(self.pairs)
        self.pages.addWidget(page)

    def _make_folder_page(self) -> None:
        self.folder = _path_box(
            "Folder of the radiographs; files of landmarks (csv, COCO, labelme, ...) are in it too."
        )
        self.annotations = _path_box("File of landmarks that is elsewhere. Empty: those in the folder are found.")
        self.annotations.setPlaceholderText("found in the folder")
        page = QWidget()
        form = _form(page)
        browse = tool(_ELLIPSIS, "Choose the folder.", lambda: self._choose_folder(self.folder))
        form.addRow("Folder", row(self.folder, browse))
        browse = tool(_ELLIPSIS, "Choose the file of landmarks.", self._choose_annotations)
        form.addRow("Landmar&ks", row(self.annotations, browse))
        self.pages.addWidget(page)

    def _make_dataset_page(self) -> None:
        self.dataset = _path_box("Folder of the published data set, as it was unpacked.")
        self.split = choice("The part of the data set to train on.")
        self.observer = choice("Whose landmarks are the truth.")
        page = QWidget()
        form = _form(page)
        browse = tool(_ELLIPSIS, "Choose the folder.", lambda: self._choose_folder(self.dataset))
        form.addRow("Folder", row(self.dataset, browse))
        form.addRow("P&art", self.split)
        form.addRow("Observer", self.observer)
        self.pages.addWidget(page)

    def _show_dataset(self, name: str) -> None:
        """Offer the parts and observers of a published data set."""
        kind = dataset_kind(name)
        fill(self.split, [(title, part) for part, title in kind.splits.items()], kind.training_split)
        fill(self.observer, [(title, who) for who, title in kind.observers.items()], "")
        self.dataset.setPlaceholderText(f"holds {kind.folder}")

    def _make_settings(self) -> None:
        self.start = choice(
            "What the network begins with. A model that is trained further keeps its landmarks and needs few "
            "radiographs; a new network needs many."
        )
        self.start_hint = hint()
        self.browse_start = tool(
            _ELLIPSIS, "Choose a model or a file of backbone weights (.safetensors). Nothing is downloaded."
        )
        self.preset = choice("Network and settings of a new model. The light one needs the least memory and time.")
        fill(self.preset, _PRESETS, "light")
        self.preset_label = QLabel("P&reset")
        self.preset_label.setBuddy(self.preset)
        self.settings = {name: setting_field(name) for name in SETTINGS}
        self.device = choice("Where the network is trained. A device that cannot be used tells why.")
        fill(self.device, [("Automatic", "auto"), ("cpu", "cpu")], "auto")
        self.model_name = QLineEdit()
        self.model_name.setToolTip("Name of the new model: letters, digits, dots, dashes and underscores.")
        self.name_hint = hint()

    def _make_run(self) -> None:
        self.show_preview = QCheckBox("Show radiographs held out in the viewer")
        self.show_preview.setChecked(True)
        self.show_preview.setToolTip(
            "After every epoch, show what the network finds on some radiographs that it does not learn from: found and "
            "true landmarks, the errors between them, and heatmaps, in layers of their own beside yours."
        )
        self.keep_going = QCheckBox("Go on when napari &closes")
        self.keep_going.setToolTip(
            "Without it, the training ends when napari is closed, and can be resumed. With it, it goes on, and this "
            "dock finds it again when napari is opened. Closing the dock alone never ends a training."
        )
        self.train = button("&Train", "Begin.")
        self.pause = button("Pa&use", "Wait after the step that runs; the memory stays in use.")
        self.stop = button("St&op, keep best", "Stop after the step that runs, and make the model of the best epoch.")
        self.discard = button("&Discard", "End the training and delete what it left. There is no way back.")
        self.resume = button("Res&ume", "Go on with the unfinished training of this name where its last epoch ended.")
        self.progress = QProgressBar()
        self.progress.setToolTip("Epochs of the training.")
        self.steps = QProgressBar()
        self.steps.setToolTip("Steps of the epoch.")
        self.time_left = hint()

    def _lay_out(self) -> None:
        data = QGroupBox("Radiographs")
        inside = _form(data)
        inside.addRow("&Source", self.source)
        inside.addRow(self.pages)
        inside.addRow(self.data_hint)
        what = QGroupBox("New model")
        form = _form(what)
        form.addRow("Start fro&m", row(self.start, self.browse_start))
        form.addRow("", self.start_hint)
        form.addRow(self.preset_label, self.preset)
        for name, box in self.settings.items():
            form.addRow(_SETTING_LABELS[name], box)
        form.addRow("Device", self.device)
        form.addRow("&Name", self.model_name)
        form.addRow("", self.name_hint)
        self._inputs = [data, what]
        self.summary = hint()
        column = QVBoxLayout(self)
        column.addWidget(self.summary)
        column.addWidget(data)
        column.addWidget(what)
        column.addWidget(self.show_preview)
        column.addWidget(self.keep_going)
        column.addWidget(row(self.train, self.resume))
        column.addWidget(row(self.pause, self.stop, self.discard))
        column.addWidget(self.progress)
        column.addWidget(self.steps)
        column.addWidget(self.time_left)
        column.addWidget(self.curves)
        column.addStretch(1)

    def _connect(self) -> None:
        self.source.currentIndexChanged.connect(self._on_source)
        for box in (self.folder, self.annotations, self.dataset):
            box.textChanged.connect(lambda: self.source_changed.emit())
        for combo in (self.split, self.observer):
            combo.currentIndexChanged.connect(lambda: self.source_changed.emit())
        self.start.currentIndexChanged.connect(lambda: self.base_changed.emit())
        self.preset.currentIndexChanged.connect(lambda: self.base_changed.emit())
        self.model_name.textChanged.connect(lambda: self.name_changed.emit())
        self.show_preview.toggled.connect(lambda: self.preview_changed.emit())
        self.add_pair.clicked.connect(lambda: self.add_requested.emit())
        self.remove_pair.clicked.connect(lambda: self.remove_selected_pair())
        self.browse_start.clicked.connect(lambda: self._choose_start())
        self.train.clicked.connect(lambda: self.train_requested.emit())
        self.pause.clicked.connect(lambda: self.pause_requested.emit())
        self.stop.clicked.connect(lambda: self.stop_requested.emit())
        self.discard.clicked.connect(lambda: self.discard_requested.emit())
        self.resume.clicked.connect(lambda: self.resume_requested.emit())

    # What it shows

    def describe(self, label: QLabel, text: str) -> None:
        """Say something below a control; without a text there is no room for it."""
        label.setText(text)
        label.setVisible(bool(text))

    @property
    def source_kind(self) -> SourceKind:
        """Which source is chosen."""
        kind: SourceKind = self.source.currentData()
        return kind

    @property
    def start_choice(self) -> StartChoice:
        """What the network begins with."""
        chosen: StartChoice | None = self.start.currentData()
        return chosen or StartChoice()

    def set_starts(self, starts: Sequence[tuple[str, StartChoice]], chosen: StartChoice) -> None:
        """List what a network can begin with."""
        fill(self.start, starts, chosen)
        self.show_start()

    def show_start(self) -> None:
        """A model that is trained further brings its own settings."""
        new = self.start_choice.kind != "model"
        self.preset.setVisible(new)
        self.preset_label.setVisible(new)

    def set_settings(self, config: TrainingConfig) -> None:
        """Show the values of settings, as those to begin with."""
        for name, box in self.settings.items():
            box.setValue(getattr(config, name))

    def setting_values(self) -> dict[str, Any]:
        """The values that are shown; numbers with decimals as they read."""
        return {
            name: float(f"{box.value():.{box.decimals()}f}") if isinstance(box, QDoubleSpinBox) else box.value()
            for name, box in self.settings.items()
        }

    def set_devices(self, devices: Sequence[DeviceChoice]) -> None:
        """List the devices that can be used."""
        usable = [(f"{item.name} ({item.reason})", item.name) for item in devices if item.usable]
        fill(self.device, [("Automatic", "auto"), *usable], self.device.currentData())

    def remove_selected_pair(self) -> None:
        """Take the selected image and its landmarks out of the list."""
        for item in self.pairs.selectedItems():
            self.pairs.takeItem(self.pairs.row(item))
        self.pairs.setVisible(self.pairs.count() > 0)
        self.source_changed.emit()

    def add_to_list(self, text: str, value: object) -> None:
        """Add an image and its landmarks to the list."""
        item = QListWidgetItem(text)
        item.setData(Qt.ItemDataRole.UserRole, value)
        self.pairs.addItem(item)
        self.pairs.show()
        self.source_changed.emit()

    @property
    def listed(self) -> list[Any]:
        """What was given to `add_to_list` and is still in the list."""
        items = (self.pairs.item(place) for place in range(self.pairs.count()))
        return [item.data(Qt.ItemDataRole.UserRole) for item in items if item is not None]

    def set_state(
        self, state: TrainState, *, reason: str = "", resumable: bool = False, disposable: bool = False
    ) -> None:
        """Show what can be done now.

        Args:
            state: What the training does.
            reason: Why none can be begun; empty where one can.
            resumable: An unfinished one of this name can go on.
            disposable: One of this name can be deleted.
        """
        self._state = state
        idle = state == "idle"
        for box in self._inputs:  # what cannot be changed now makes room for what is to be watched
            box.setVisible(idle)
        name = self.model_name.text().strip()
        self.describe(
            self.summary, "" if idle else f"{name} is being trained. The settings come back when it has ended."
        )
        self.keep_going.setEnabled(idle)
        self.train.setEnabled(idle and not reason)
        self.train.setToolTip(plain(reason) or "Begin. You can go on working meanwhile, and close this dock.")
        self.resume.setVisible(idle and resumable)
        alive = state in ("running", "paused")
        self.pause.setEnabled(alive)
        self.pause.setText("&Go on" if state == "paused" else "Pa&use")
        self.stop.setEnabled(alive)
        self.stop.setText(f"Stopping {_ELLIPSIS}" if state == "stopping" else "St&op, keep best")
        self.discard.setEnabled((not idle) or disposable)
        for widget in (self.progress, self.steps, self.time_left):
            widget.setVisible(not idle)
        if state in ("writing", "starting", "finishing"):
            self.set_busy({"writing": "Writing", "starting": "Starting", "finishing": "Making the model"}[state])

    def set_busy(self, text: str) -> None:
        """Show that something is done that takes an unknown time."""
        self.progress.setRange(0, 0)
        self.steps.setVisible(False)
        self.time_left.setText(f"{text} {_ELLIPSIS}")

    def set_progress(self, epoch: int, epochs: int, step: int, steps: int, left: str) -> None:
        """Show how far the training is; `epoch` counts those that are over."""
        self.progress.setRange(0, epochs)
        self.progress.setValue(epoch)
        self.progress.setFormat(f"Epoch {min(epoch + 1, epochs)} of {epochs}")
        self.steps.setVisible(True)
        self.steps.setRange(0, max(steps, 1))
        self.steps.setValue(step)
        self.steps.setFormat(f"Step {step} of {steps}")
        self.time_left.setText(left)

    def _on_source(self) -> None:
        self.pages.setCurrentIndex(min(self.source.currentIndex(), self.pages.count() - 1))
        if self.source_kind in DATASETS:
            self._show_dataset(self.source_kind)
        self.source_changed.emit()

    def _choose_folder(self, box: QLineEdit) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of radiographs", box.text())
        if chosen:
            box.setText(chosen)

    def _choose_annotations(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, "File of landmarks", self.annotations.text() or self.folder.text()
        )
        if chosen:
            self.annotations.setText(chosen)

    def _choose_start(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Model or weights", str(Path.home()), "Weights (*.safetensors)")
        if chosen:
            self.weights_chosen.emit(chosen)


def _form(parent: QWidget) -> QFormLayout:
    form = QFormLayout(parent)
    if not isinstance(parent, QGroupBox):
        form.setContentsMargins(0, 0, 0, 0)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form


def _path_box(tooltip: str) -> QLineEdit:
    box = QLineEdit()
    box.setToolTip(tooltip)
    box.setClearButtonEnabled(True)
    return box
