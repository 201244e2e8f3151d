"""What the dock "Correct landmarks" looks like; it knows nothing of napari and says with signals what is wanted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QItemSelectionModel, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QAction  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QFormLayout,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QProgressBar,
    QSizePolicy,
    QTableView,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_farnet.correct.landmark_table import LandmarkTable, LogTable
from napari_farnet.correct.schematic import Schematic
from napari_farnet.correct.shortcuts import SHORTCUTS, key_of
from napari_farnet.ui.widgets import button, choice, fill, hint, row, said, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qtpy.QtCore import QAbstractTableModel, QModelIndex
    from qtpy.QtWidgets import QComboBox

    from farnet.review import Review

__all__ = ["CorrectForm"]

_ROWS_SEEN = 8


class CorrectForm(QWidget):
    """Which landmarks, which radiograph, the list, what is known of the chosen one, and what can be done with it.

    Args:
        layers: The box that chooses the layer of landmarks.
        schemes: (name, title) of the schemes that New offers.
        own: Gives further ones, those of installed models, each time that New is opened.
    """

    action_requested = Signal(str)
    """One of the actions of `SHORTCUTS`."""
    landmark_chosen = Signal(int)
    radiograph_chosen = Signal(int)
    new_requested = Signal(str)
    """Name of the scheme of an empty layer."""
    folder_requested = Signal()
    folder_closed = Signal()
    export_requested = Signal()
    session_requested = Signal()
    restore_requested = Signal()
    discard_requested = Signal()
    take_over_requested = Signal()
    again_requested = Signal()
    """Try once more to save what could not be saved."""
    elsewhere_requested = Signal()
    """Save it in another place."""
    copies_requested = Signal()

    def __init__(
        self,
        layers: QComboBox,
        schemes: Sequence[tuple[str, str]],
        own: Callable[[], Sequence[tuple[str, str]]] = tuple,
    ) -> None:
        super().__init__()
        self.layers = layers
        self.new = QToolButton()
        self.new.setText("&New")
        self.new.setToolTip("Begin with an empty layer of landmarks on the image, to place them all by hand.")
        self.new.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.new)
        for name, title in schemes:
            menu.addAction(self._offer(name, title, menu))
        end_of_schemes = menu.addSeparator()
        self.copies = QAction("&Copies of unsaved work\N{HORIZONTAL ELLIPSIS}", menu)
        self.copies.setToolTip("See what an earlier session has left unsaved, to open it or to remove it.")
        self.copies.triggered.connect(lambda: self.copies_requested.emit())
        menu.addAction(self.copies)
        self._own: list[QAction] = []
        menu.aboutToShow.connect(partial(self._offer_own, menu, end_of_schemes, own))
        self.new.setMenu(menu)
        self.folder = tool(
            "F&older\N{HORIZONTAL ELLIPSIS}",
            "Go through a folder of radiographs. Corrections are saved as you go, beside the radiographs.",
            self.folder_requested.emit,
        )
        self.previous = tool(
            "\N{BLACK LEFT-POINTING TRIANGLE}",
            f"Previous radiograph ({key_of('previous_radiograph')}).",
            lambda: self.action_requested.emit("previous_radiograph"),
        )
        self.following = tool(
            "\N{BLACK RIGHT-POINTING TRIANGLE}",
            f"Next radiograph ({key_of('next_radiograph')}).",
            lambda: self.action_requested.emit("next_radiograph"),
        )
        self.radiographs = choice("The radiograph that is looked at. A check mark: it has corrections.")
        self.export = QToolButton()
        self.export.setText("&Export")
        self.export.setToolTip("Write what was corrected: a session folder with everything, or all in one file.")
        self.export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        exports = QMenu(self.export)
        exports.setToolTipsVisible(True)
        self.export_session = QAction("&Session\N{HORIZONTAL ELLIPSIS}", exports)
        self.export_session.setToolTip(
            "A new folder with the landmarks in several formats, the measurements, the log, and hashes to verify it by."
        )
        self.export_session.triggered.connect(lambda: self.session_requested.emit())
        self.export_file = QAction("All corrections of the folder in one &file\N{HORIZONTAL ELLIPSIS}", exports)
        self.export_file.triggered.connect(lambda: self.export_requested.emit())
        exports.addActions([self.export_session, self.export_file])
        self.export.setMenu(exports)
        self.close_folder = tool(
            "\N{MULTIPLICATION X}", "Leave the folder, once everything is saved.", self.folder_closed.emit
        )
        self.walk = row(self.previous, self.radiographs, self.following, self.close_folder)
        self.take_over = button(
            "Take these po&ints over",
            "Make a layer of landmarks of these points, by their names. Their own layer is hidden and stays as it is.",
            self.take_over_requested.emit,
        )
        self.take_over.setVisible(False)
        self.unsaved_text = said()
        self.unsaved_reason = said()
        self.unsaved = QFrame()
        self.unsaved.setFrameShape(QFrame.Shape.StyledPanel)
        self.recovery_text = said()
        self.recovery = QWidget()
        self.progress = QProgressBar()
        self.progress.setToolTip("How many of the landmarks of this radiograph have been reviewed.")
        self.table = LandmarkTable()
        self.view = _table_view(self.table, "The landmarks. Choose one to see it; the arrow keys go up and down.", 0)
        self.log = LogTable()
        self.log_view = _table_view(self.log, "What was done, the latest first. It is saved with the landmarks.", 5)
        self.card = said()
        self.card.setTextFormat(Qt.TextFormat.RichText)
        self.card.setToolTip("What the landmark is, what is known of its point, and what speaks against it.")
        self.schematic = Schematic()
        self.heatmaps = QCheckBox("Hea&tmaps")
        self.heatmaps.setToolTip(
            "Show the heatmap of the chosen landmark. Where there are none yet, the model runs once on this "
            "radiograph; the points stay as they are."
        )
        self.ghosts = QCheckBox("Other pea&ks")
        self.ghosts.setToolTip("Show rings where the heatmap of the landmark has further peaks.")
        self.ghosts.setChecked(True)
        self.zoom = QCheckBox("&Zoom")
        self.zoom.setToolTip("Zoom in on the landmark when going to the next one.")
        self.zoom.setChecked(True)
        self.reader = QLineEdit()
        self.reader.setPlaceholderText("your initials, for the log")
        self.reader.setToolTip("Who corrects; it is written into the log of changes with each of them.")
        self._lay_out()
        self.radiographs.currentIndexChanged.connect(self.radiograph_chosen.emit)
        self._selection = QItemSelectionModel(self.table)
        self.view.setSelectionModel(self._selection)
        self._quiet = False
        self._selection.currentRowChanged.connect(self._on_row)
        self.show_walk(None, 0)
        self.show_recovery("")
        self.show_unsaved("")

    def _lay_out(self) -> None:
        which = QFormLayout()
        which.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        label = QLabel("Land&marks")
        label.setBuddy(self.layers)
        which.addRow(label, row(self.layers, self.new, self.folder))
        reader = QLabel("&Reader")
        reader.setBuddy(self.reader)
        which.addRow(reader, row(self.reader, self.export))
        bold = self.unsaved_text.font()
        bold.setBold(True)
        self.unsaved_text.setFont(bold)
        unsaved = QVBoxLayout(self.unsaved)
        unsaved.addWidget(self.unsaved_text)
        unsaved.addWidget(self.unsaved_reason)
        self.again = button("Try a&gain", "Save it now, where it belongs.", self.again_requested.emit)
        self.elsewhere = button(
            "Save else&where\N{HORIZONTAL ELLIPSIS}",
            "Choose another place that can be written to and has room.",
            self.elsewhere_requested.emit,
        )
        unsaved.addWidget(row(self.again, self.elsewhere))
        recovery = QVBoxLayout(self.recovery)
        recovery.setContentsMargins(0, 0, 0, 0)
        recovery.addWidget(self.recovery_text)
        restore = button("Restore", "Put the autosaved landmarks into the layer; undo takes that back.")
        restore.clicked.connect(lambda: self.restore_requested.emit())
        discard = button("Discard", "Delete the autosaved copy.")
        discard.clicked.connect(lambda: self.discard_requested.emit())
        recovery.addWidget(row(restore, discard))
        self.buttons = {
            action: button(text, f"{tip} ({key_of(action)}).", partial(self.action_requested.emit, action))
            for action, text, tip in (
                ("next", "Ne&xt", "Go to the landmark that most needs a look"),
                ("accept", "&Accept", "The point is right: accept it and go on"),
                ("absent", "A&bsent", "The landmark is not on this radiograph"),
                ("place", "Pla&ce", "Place missing landmarks: click where each of them is"),
                ("snap", "&Snap", "Move the point to the nearest peak of its heatmap; Alt+click does so anywhere"),
                ("undo", "&Undo", "Take the last change back"),
                ("redo", "Re&do", "Do again what was undone"),
            )
        }
        self.buttons["place"].setCheckable(True)
        actions = QGridLayout()
        for place, action in enumerate(("next", "accept", "absent", "place", "snap", "undo", "redo")):
            # The style asks for more width than the words need, and four of them would make the dock wide.
            self.buttons[action].setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            actions.addWidget(self.buttons[action], place // 4, place % 4)
        review = QWidget()
        column = QVBoxLayout(review)
        column.setContentsMargins(0, 4, 0, 0)
        column.addWidget(self.progress)
        column.addWidget(self.view, 1)
        described = QHBoxLayout()
        described.addWidget(self.card, 1)
        described.addWidget(self.schematic, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(described)
        column.addLayout(actions)
        column.addWidget(row(self.heatmaps, self.ghosts, self.zoom))
        keys = hint()
        keys.setTextFormat(Qt.TextFormat.RichText)
        lines = "".join(f"<tr><td><b>{item.shown}</b>&nbsp;&nbsp;</td><td>{item.text}</td></tr>" for item in SHORTCUTS)
        keys.setText(
            f"<p>With the layer of landmarks selected:</p><table>{lines}"
            "<tr><td><b>Alt+click</b>&nbsp;&nbsp;</td><td>put the landmark on the nearest peak of its heatmap</td></tr>"
            "<tr><td><b>Delete</b>&nbsp;&nbsp;</td><td>take the selected point away</td></tr></table>"
        )
        key_page = QWidget()
        key_column = QVBoxLayout(key_page)
        key_column.addWidget(keys)
        key_column.addStretch(1)
        self.tabs = QTabWidget()
        self.tabs.setToolTip("Review the landmarks, see what was changed, or look the keys up.")
        self.tabs.addTab(review, "Review")
        self.tabs.addTab(self.log_view, "Log")
        self.tabs.addTab(key_page, "Keys")
        whole = QVBoxLayout(self)
        whole.addLayout(which)
        whole.addWidget(self.take_over)
        whole.addWidget(self.walk)
        whole.addWidget(self.unsaved)
        whole.addWidget(self.recovery)
        whole.addWidget(self.tabs, 1)

    def _offer(self, name: str, title: str, menu: QMenu) -> QAction:
        entry = QAction(title, menu)
        entry.triggered.connect(partial(self._ask_new, name))
        return entry

    def _offer_own(self, menu: QMenu, before: QAction | None, own: Callable[[], Sequence[tuple[str, str]]]) -> None:
        for entry in self._own:
            menu.removeAction(entry)
        self._own = [self._offer(name, title, menu) for name, title in own()]
        menu.insertActions(before, self._own)

    def _ask_new(self, scheme: str, _checked: bool = False) -> None:
        self.new_requested.emit(scheme)

    def _on_row(self, now: QModelIndex, _before: QModelIndex) -> None:
        if not self._quiet:
            self.landmark_chosen.emit(now.row())

    # What is shown

    def show_review(self, review: Review | None, warned: tuple[bool, ...] = ()) -> None:
        """Show the review of a radiograph, or that there is none."""
        self.table.show(review, warned)
        self.log.show(() if review is None else review.log)
        self.tabs.setEnabled(review is not None)
        count, done = (0, 0) if review is None else (len(review), int(review.reviewed.sum()))
        self.progress.setRange(0, max(count, 1))
        self.progress.setValue(done)
        self.progress.setFormat(f"{done}/{count} reviewed" if count else "no landmarks")

    def choose_landmark(self, k: int) -> None:
        """Mark a landmark in the list, without saying that it was chosen; -1 for none."""
        whole_row = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self._quiet = True
        self._selection.setCurrentIndex(self.table.index(k, 0), whole_row)
        self._quiet = False

    @property
    def landmark(self) -> int:
        """Number of the landmark that is chosen in the list; -1 for none."""
        return int(self._selection.currentIndex().row())

    def show_walk(self, names: Sequence[str] | None, number: int) -> None:
        """List the radiographs of a folder or stack, one of them shown; None for a single radiograph."""
        self.walk.setVisible(names is not None)
        if names is not None:
            fill(self.radiographs, [(name, place) for place, name in enumerate(names)], number)
            self.previous.setEnabled(number > 0)
            self.following.setEnabled(number < len(names) - 1)

    def show_recovery(self, text: str) -> None:
        """Offer an autosaved copy, described by a text; an empty one offers nothing."""
        self.recovery_text.setText(text)
        self.recovery.setVisible(bool(text))

    def show_unsaved(self, text: str, reason: str = "") -> None:
        """Say what could not be saved, and why, for as long as it is not; an empty text says nothing."""
        self.unsaved_text.setText(f"\N{WARNING SIGN} {text}")
        self.unsaved_reason.setText(reason)
        self.unsaved.setVisible(bool(text))

    def show_steps(self, *, undo: bool, redo: bool) -> None:
        """Show whether there is something to undo and to redo."""
        self.buttons["undo"].setEnabled(undo)
        self.buttons["redo"].setEnabled(redo)


def _table_view(model: QAbstractTableModel, tooltip: str, stretched: int) -> QTableView:
    view = QTableView()
    view.setModel(model)
    view.setToolTip(tooltip)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    view.setTabKeyNavigation(False)  # Tab leaves the table: the keyboard must not be caught in it
    view.setShowGrid(False)
    view.setWordWrap(False)
    header, side = view.horizontalHeader(), view.verticalHeader()
    if header is not None:
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)
    if side is not None:
        side.setVisible(False)
        side.setDefaultSectionSize(view.fontMetrics().height() + 6)
        view.setMinimumHeight(_ROWS_SEEN * side.defaultSectionSize())
    return view
