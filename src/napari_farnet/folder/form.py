"""What the dock "Detect in a folder" looks like; it knows nothing of napari and says with signals what was asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from farnet.batch_request import BatchRequest
from farnet.errors import InvalidInputError
from napari_farnet.folder.table import RadiographView
from napari_farnet.notices import plain
from napari_farnet.ui.widgets import button, choice, fill, hint, row, tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farnet.devices import DeviceChoice

__all__ = ["FolderForm", "FormState"]

FormState = Literal["idle", "running", "stopping"]

_TABLE = "landmarks.csv"
_AUTOMATIC = "auto"


class FolderForm(QWidget):
    """Folder, model, device, output, the buttons below them, and the table of radiographs."""

    changed = Signal()
    """What is to be done has changed, so that it must be looked what there is."""
    detect_requested = Signal()
    stop_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._state: FormState = "idle"
        self._reason = ""
        self._text, self._obstacle = "&Detect", ""
        self.folder = QLineEdit()
        self.folder.setToolTip("Folder of the radiographs.")
        self.browse = tool(
            "Folder\N{HORIZONTAL ELLIPSIS}", "Choose the folder of the radiographs.", self._choose_folder
        )
        self.recursive = QCheckBox("Su&b-folders")
        self.recursive.setToolTip("Also look into the folders of the folder, and into theirs.")
        self.count = hint()
        self.model = choice("The trained network. Models in your folder of models are listed too.")
        self.device = choice("Where the network runs. A device that cannot be used tells why.")
        self.output = QLineEdit()
        self.output.setToolTip(
            "The table of landmarks that is written. Left empty it is landmarks.csv in the folder, which the dock "
            "Correct landmarks reads."
        )
        self.browse_output = tool("File\N{HORIZONTAL ELLIPSIS}", "Choose the table to write.", self._choose_output)
        self.spacing = QLineEdit()
        self.spacing.setPlaceholderText("as the files say")
        self.spacing.setToolTip(
            "Size of a pixel of all radiographs in mm (or rows, columns), instead of what they say."
        )
        self.detector_spacing = QCheckBox("S&ize on the detector")
        self.detector_spacing.setToolTip(
            "Where a DICOM file knows only the size of a pixel on the detector, use it. It overestimates distances."
        )
        self.overlay = QCheckBox("Pi&ctures")
        self.overlay.setToolTip(
            "Also draw a picture of each radiograph with its landmarks, in a folder beside the table."
        )
        self.anew = QCheckBox("Be&gin anew")
        self.anew.setToolTip("Replace the landmarks that are in the output, instead of going on with them.")
        self.detect = button("&Detect", "", self.detect_requested.emit)
        self.stop = button(
            "&Stop", "Stop after the radiograph that is running. What was found is kept.", self.stop_requested.emit
        )
        self.progress = QProgressBar()
        self.progress.setToolTip("How many of the radiographs are done, and how long the others will take.")
        self.only_failed = QCheckBox("Only f&ailed")
        self.only_failed.setToolTip("Show those radiographs alone that failed.")
        self.copy_table = button("Copy &table", "Copy the table as it is shown, for a spreadsheet.")
        self.table = RadiographView()
        self._lay_out()
        for edit in (self.folder, self.output, self.spacing):
            edit.textChanged.connect(lambda: self.changed.emit())
        for box in (self.recursive, self.detector_spacing, self.overlay):
            box.toggled.connect(lambda: self.changed.emit())
        self.folder.textChanged.connect(self._show_default)
        self.model.currentIndexChanged.connect(lambda: self.changed.emit())
        self.anew.toggled.connect(self.refresh)
        self.only_failed.toggled.connect(self.table.show_only_failed)
        self._show_default()
        self.set_running("idle")

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        options = row(self.detector_spacing, self.overlay)
        for text, widget, buddy in (
            ("F&older", row(self.folder, self.browse), self.folder),
            ("", row(self.recursive, self.count), None),
            ("&Model", self.model, self.model),
            ("D&evice", self.device, self.device),
            ("Outp&ut", row(self.output, self.browse_output), self.output),
            ("Pixel si&ze (mm)", self.spacing, self.spacing),
            ("", options, None),
        ):
            label = QLabel(text)
            if buddy is not None:
                label.setBuddy(buddy)
            form.addRow(label, widget)
        below = QHBoxLayout()
        below.addWidget(self.only_failed)
        below.addStretch(1)
        below.addWidget(self.copy_table)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(row(self.detect, self.stop, self.anew))
        column.addWidget(self.progress)
        column.addWidget(self.table, 1)
        column.addLayout(below)

    # What is chosen

    def request(self) -> BatchRequest:
        """What is asked for.

        Raises:
            InvalidInputError: If there is no folder or model, or the size of a pixel is no number above zero.
        """
        from farnet.evaluation.request import as_numbers
        from farnet.spacing import as_spacing

        folder, output, spacing = (edit.text().strip() for edit in (self.folder, self.output, self.spacing))
        if not folder:
            raise InvalidInputError("Choose a folder of radiographs first.")
        if not self.model.currentData():
            raise InvalidInputError("There is no model. Copy one into your folder of models, and open the dock again.")
        size = as_numbers(spacing, "The pixel size", "0.1") if spacing else None
        place = Path(folder).expanduser()
        return BatchRequest(
            radiographs=(place,),
            recursive=self.recursive.isChecked(),
            model=self.model.currentData(),
            device=self.device.currentData() or _AUTOMATIC,
            output=Path(output).expanduser() if output else place / _TABLE,
            spacing=as_spacing(size, what="pixel size"),
            detector_spacing=self.detector_spacing.isChecked(),
            overlay=self.overlay.isChecked(),
            resume=not self.anew.isChecked(),
            force=self.anew.isChecked(),
        )

    def set_models(self, models: Sequence[tuple[str, str]], chosen: str) -> None:
        """List (title, name) of the models, one of them chosen."""
        fill(self.model, models, chosen)

    def set_devices(self, devices: Sequence[DeviceChoice], chosen: str) -> None:
        """List the devices after "Automatic", with the reason why one can or cannot be used."""
        from qtpy.QtGui import QStandardItemModel

        fill(self.device, [("Automatic", _AUTOMATIC), *((item.name, item.name) for item in devices)], chosen)
        model = self.device.model()
        for place, item in enumerate(devices, start=1):
            self.device.setItemData(place, plain(item.reason), Qt.ItemDataRole.ToolTipRole)
            entry = model.item(place) if isinstance(model, QStandardItemModel) else None
            if entry is not None:
                entry.setEnabled(item.usable)

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "A folder of radiographs", self.folder.text())
        if chosen:
            self.folder.setText(chosen)

    def _choose_output(self) -> None:
        start = self.output.text() or self.output.placeholderText()
        kinds = "Tables (*.csv);;COCO (*.coco.json);;TPS (*.tps)"
        options = QFileDialog.Option.DontConfirmOverwrite  # what is there is gone on with
        chosen, _ = QFileDialog.getSaveFileName(self, "The table to write", start, kinds, options=options)
        if chosen:
            self.output.setText(chosen)

    def _show_default(self) -> None:
        folder = self.folder.text().strip()
        self.output.setPlaceholderText(str(Path(folder) / _TABLE) if folder else f"{_TABLE} in the folder")

    # What is shown

    def set_work(self, text: str, reason: str, *, some: bool, obstacle: str = "") -> None:
        """Say what Detect would do.

        Args:
            text: What the button says.
            reason: Why nothing can be done; empty where something can.
            some: Whether there are results that can be replaced.
            obstacle: Why the results that are there cannot be gone on with; empty where they can.
        """
        self._text, self._reason, self._obstacle = text, reason, obstacle
        self.anew.setVisible(some)
        if not some:
            self.anew.setChecked(False)
        self.refresh()

    def set_running(self, state: FormState) -> None:
        """Show whether a run is going on."""
        self._state = state
        for widget in (
            self.folder,
            self.browse,
            self.recursive,
            self.model,
            self.device,
            self.output,
            self.browse_output,
            self.spacing,
            self.detector_spacing,
            self.overlay,
            self.anew,
        ):
            widget.setEnabled(state == "idle")
        self.stop.setEnabled(state == "running")
        self.stop.setText("Stopping \N{HORIZONTAL ELLIPSIS}" if state == "stopping" else "&Stop")
        self.progress.setVisible(state != "idle")
        self.refresh()

    def refresh(self) -> None:
        """Bring the button Detect up to date."""
        anew = self.anew.isChecked()
        reason = self._reason or ("" if anew else self._obstacle)
        self.detect.setText("&Detect" if anew else self._text)
        self.detect.setEnabled(self._state == "idle" and not reason)
        self.detect.setToolTip(
            plain(reason) or "Find the landmarks of all radiographs. You can go on working meanwhile."
        )

    def set_progress(self, done: int, total: int, text: str) -> None:
        """Show how far the run is."""
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self.progress.setFormat(text)
