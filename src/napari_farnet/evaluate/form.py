"""What the dock "Evaluate landmarks" looks like; what is asked for in it, it says with signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QCheckBox,
    QLineEdit,
    QProgressBar,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from farnet.evaluation.metrics import DEFAULT_RADII
from farnet.evaluation.request import EvaluationRequest, as_numbers
from napari_farnet.evaluate.blind_page import BlindPage
from napari_farnet.evaluate.measured import MeasuredView
from napari_farnet.evaluate.observers_page import ObserversPage
from napari_farnet.evaluate.pages import FilesPage, LayersPage, ModelPage, Settings, form_of
from napari_farnet.evaluate.plots import BoxPlot, CurvePlot
from napari_farnet.evaluate.table import FigureView
from napari_farnet.ui.widgets import button, choice, fill, row, said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel

    from farnet.evaluation.figures import Extra

__all__ = ["EvaluateForm", "Mode"]

Mode = Literal["layers", "files", "model", "observers", "blind"]

_WIDTH = 300  # px of a page at least: four columns of the table

_MODES: tuple[tuple[str, Mode], ...] = (
    ("Two layers", "layers"),
    ("Files", "files"),
    ("Model against data set", "model"),
    ("Observers", "observers"),
    ("Blind reading", "blind"),
)


class EvaluateForm(QWidget):
    """What is compared, and what came of it, behind tabs: a small screen has room for one of them at a time."""

    evaluate_requested = Signal()
    cancel_requested = Signal()
    mode_changed = Signal()
    result_changed = Signal()
    copy_requested = Signal()
    save_requested = Signal()
    report_requested = Signal()
    vectors_toggled = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.mode = choice("What is compared with what.")
        self.layers_page = LayersPage(viewer)
        self.files_page = FilesPage()
        self.model_page = ModelPage()
        self.observers_page = ObserversPage(viewer)
        self.blind_page = BlindPage(viewer)
        self.pages = QWidget()
        stacked = QVBoxLayout(self.pages)
        stacked.setContentsMargins(0, 0, 0, 0)
        self._pages: tuple[QWidget, ...] = (
            self.layers_page,
            self.files_page,
            self.model_page,
            self.observers_page,
            self.blind_page,
        )
        for (text, value), page in zip(_MODES, self._pages, strict=True):
            self.mode.addItem(text, value)
            stacked.addWidget(page)
        self.radii = QLineEdit(", ".join(f"{radius:g}" for radius in DEFAULT_RADII))
        self.radii.setToolTip(
            "Errors up to these count as success: in mm, or in pixels where the size of a pixel is not known."
        )
        self.intervals = QCheckBox("&95 % intervals")
        self.intervals.setToolTip("How much the figures would change had other patients been looked at.")
        self.intervals.setChecked(True)
        self.evaluate = button("&Evaluate", "", self.evaluate_requested.emit)
        self.cancel = button("&Cancel", "Stop after the stage that is running.", self.cancel_requested.emit)
        self.progress = QProgressBar()
        self.progress.setToolTip("How much of the work is done.")
        self.result = choice("Which of the comparisons is shown.")
        self.table = FigureView()
        self.curve = CurvePlot()
        self.boxes = BoxPlot()
        self.live = said()
        self.vectors = QCheckBox("Error vec&tors")
        self.vectors.setToolTip("Arrows from where a landmark should be to where it is, coloured by the error.")
        self.vectors.setChecked(True)
        self.copy = button(
            "Cop&y table", "Copy the table, to paste it into a spreadsheet or a text.", self.copy_requested.emit
        )
        self.save = button(
            "&Save csv\N{HORIZONTAL ELLIPSIS}",
            "Save all figures, and every single error beside them, as tables.",
            self.save_requested.emit,
        )
        self.report = button("Report pa&ge\N{HORIZONTAL ELLIPSIS}", "", self.report_requested.emit)
        self.measured = MeasuredView()
        self.tabs = QTabWidget()
        self._lay_out()
        # The dock is as wide as its widest page from the beginning, and does not jump.
        widest = max(page.minimumSizeHint().width() for page in self._pages)
        self.pages.setMinimumWidth(max(widest, _WIDTH))
        self.mode.currentIndexChanged.connect(self._on_mode)
        self.result.currentIndexChanged.connect(lambda: self.result_changed.emit())
        self.vectors.toggled.connect(lambda: self.vectors_toggled.emit())
        self._on_mode()
        self.set_running(False)
        self.set_results([])

    def _lay_out(self) -> None:
        setup = QWidget()
        column = QVBoxLayout(setup)
        above, below = QWidget(), QWidget()
        form_of(above).addRow("C&ompare", self.mode)
        self._below = below
        form = form_of(below)
        form.addRow("Rad&ii", self.radii)
        form.addRow(self.intervals)
        for widget in (above, self.pages, below):
            column.addWidget(widget)
        column.addStretch(1)
        for widget, title in ((setup, "Setup"), (self.table, "Table"), (self.curve, "Curve"), (self.boxes, "Box plot")):
            self.tabs.addTab(widget, title)
        self.tabs.addTab(self.measured, "Measured")
        self.show_measured(())
        self.tabs.setToolTip("What is compared, and what came of it. Ctrl+Tab goes from one to the next.")
        column = QVBoxLayout(self)
        column.addWidget(self.tabs, 1)
        column.addWidget(self.result)
        column.addWidget(self.live)
        self._run_row = row(self.evaluate, self.cancel)
        column.addWidget(self._run_row)
        column.addWidget(self.progress)
        column.addWidget(self.vectors)
        column.addWidget(row(self.copy, self.save, self.report))

    @property
    def current_mode(self) -> Mode:
        """What is compared."""
        mode: Mode = self.mode.currentData()
        return mode

    def settings(self) -> Settings:
        """Radii and draws, as all pages take them.

        Raises:
            InvalidInputError: If the radii are no numbers above zero.
        """
        default = EvaluationRequest.__dataclass_fields__["bootstrap"].default
        return {
            "radii": as_numbers(self.radii.text(), "The list of radii", "2, 2.5, 3, 4"),
            "bootstrap": default if self.intervals.isChecked() else 0,
        }

    def set_running(self, running: bool, *, stopping: bool = False) -> None:
        """Show whether something is being evaluated."""
        self.mode.setEnabled(not running)
        self.pages.setEnabled(not running)
        self.evaluate.setEnabled(not running)
        self.evaluate.setToolTip(
            "This is running." if running else "Compare, and show the figures. You can go on working meanwhile."
        )
        self.cancel.setEnabled(running and not stopping)
        self.cancel.setText("Cancelling \N{HORIZONTAL ELLIPSIS}" if stopping else "&Cancel")
        self.progress.setVisible(running)

    def set_progress(self, done: int, total: int) -> None:
        """Show how much is done; a total of 0 is not known."""
        self.progress.setRange(0, total)
        self.progress.setValue(done)

    def set_results(self, titles: Sequence[str], chosen: int = 0) -> None:
        """List the comparisons that can be looked at."""
        fill(self.result, [(title, place) for place, title in enumerate(titles)], chosen)
        self.result.setVisible(len(titles) > 1)
        for widget in (self.copy, self.save, self.vectors):
            widget.setEnabled(bool(titles))
        self.set_reportable(bool(titles))

    def set_reportable(self, possible: bool, *, writing: bool = False) -> None:
        """Show whether a report of what is shown can be written now."""
        self.report.setEnabled(possible and not writing)
        if writing:
            self.report.setToolTip("A report is being written.")
        elif possible:
            self.report.setToolTip(
                "Save a report to read, print and pass on, as a page or PDF: figures, plots, and the best and worst "
                "radiographs as pictures. It holds the names of files."
            )
        else:
            self.report.setToolTip(
                "Evaluate first. A report is of one comparison: choose one above where there are more."
            )

    def show_measured(self, extras: Sequence[Extra]) -> None:
        """Show further figures of this kind of landmarks in their own tab, which is there for them alone."""
        self.measured.show_tables(extras)
        self.tabs.setTabVisible(self.tabs.indexOf(self.measured), bool(extras))

    def show_table_tab(self) -> None:
        """Bring the result before the eyes, unless one of its tabs is there already."""
        if self.tabs.currentIndex() == 0:
            self.tabs.setCurrentWidget(self.table)

    def say_live(self, text: str) -> None:
        """Say the error of what is being dragged."""
        self.live.setText(text)
        self.live.setVisible(bool(text))

    def _on_mode(self) -> None:
        for place, page in enumerate(self._pages):
            page.setVisible(place == self.mode.currentIndex())
        blind = self.current_mode == "blind"
        self._below.setVisible(not blind)
        self._run_row.setVisible(not blind)
        self.say_live("")
        self.mode_changed.emit()
