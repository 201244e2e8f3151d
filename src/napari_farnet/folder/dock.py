"""The dock "Detect in a folder": it wires the form to the viewer, and runs detections of many radiographs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from farnet.errors import FarnetError
from napari_farnet.detect import models
from napari_farnet.detect.workers import DetectorKeeper, find_devices
from napari_farnet.folder.form import FolderForm
from napari_farnet.folder.pace import Pace
from napari_farnet.folder.rows import RadiographRow
from napari_farnet.folder.showing import Opener
from napari_farnet.folder.work import Ending, Listing, detect_folder, list_folder
from napari_farnet.settings import load_settings
from napari_farnet.threads import Failure, Progress, start
from napari_farnet.ui.dock import Dock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel

    from farnet.batch import BatchItem
    from farnet.batch_request import BatchRequest
    from farnet.devices import DeviceChoice

__all__ = ["FolderWidget"]

_WELCOME = "Choose a folder of radiographs, and press Detect. The landmarks go into one table."
_LOOKING = "Looking \N{HORIZONTAL ELLIPSIS}"
_LOOK_AFTER_MS = 300  # so that a path that is being typed is not looked for at every letter
_DEVICES_AFTER_MS = 200  # which takes torch: the dock is drawn first


class FolderWidget(Dock):
    """Finds the landmarks of all radiographs of a folder, off the GUI thread.

    Args:
        napari_viewer: The viewer that the dock is in.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer, "folder")
        self._run = _Run()
        self._opener = Opener(napari_viewer)
        self.form = form = FolderForm()
        self.set_form(form)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_LOOK_AFTER_MS)
        self._later.timeout.connect(self.look)
        form.changed.connect(self._on_changed)
        form.detect_requested.connect(self.detect)
        form.stop_requested.connect(self.stop)
        form.copy_table.clicked.connect(lambda: self._copy_table())
        form.table.opened.connect(self.open_radiograph)
        form.table.chosen.connect(self._say_message)
        self.destroyed.connect(partial(_farewell, self._run))
        settings = load_settings()
        form.set_models([(item.title, item.name) for item in models.available_models()], settings.model)
        form.set_devices([], settings.device)
        form.set_work("&Detect", _WELCOME, some=False)
        self.say(_WELCOME)
        QTimer.singleShot(_DEVICES_AFTER_MS, self._look_for_devices)

    def _look_for_devices(self) -> None:
        start(find_devices, returned=self._on_devices)

    def _on_devices(self, outcome: list[DeviceChoice] | Failure) -> None:
        if isinstance(outcome, Failure):
            self.fail(outcome.error, "Looking for devices")
        else:
            self.form.set_devices(outcome, self.form.device.currentData() or load_settings().device)

    def command(self) -> Sequence[str]:
        """Give the `farnet detect` that does the same."""
        return self.form.request().words()

    # What is in the folder

    def _on_changed(self) -> None:
        self._run.listing = self._run.looking_for = None
        self.form.set_work("&Detect", _LOOKING, some=False)
        self._later.start()

    def look(self) -> None:
        """Look what is in the folder, and what of it is done; does nothing while a detection runs."""
        self._later.stop()
        if self._run.worker is not None:
            return
        self._run.looking_for = None
        self.form.count.setText("")
        if not self.form.folder.text().strip():
            self._show_nothing(_WELCOME)
            return
        try:
            request = replace(self.form.request(), resume=True, force=False)
        except FarnetError as error:
            self._show_nothing(str(error), warn=True)
            return
        self.form.count.setText(_LOOKING)
        self._run.looking_for = request
        start(list_folder, request, returned=self._on_listed)

    def _on_listed(self, answer: tuple[BatchRequest, Listing | Failure]) -> None:
        request, outcome = answer
        if request is not self._run.looking_for or self._run.worker is not None:
            return  # something else was asked for since
        if isinstance(outcome, Failure):
            self.form.count.setText("")
            if outcome.expected:
                self._show_nothing(str(outcome.error), warn=True)
            else:
                self._show_nothing("")
                self.fail(outcome.error, "Looking into the folder")
            return
        self._run.listing = outcome
        rows = [RadiographRow(path, name) for path, name in zip(outcome.plan.files, outcome.plan.names, strict=True)]
        for place, landmarks in outcome.known.items():
            rows[place] = replace(rows[place], state="done", landmarks=landmarks)
        self.form.table.radiographs.show_rows(rows)
        total, known = len(rows), len(outcome.known)
        self.form.count.setText(f"{total} radiograph{'s' * (total != 1)}")
        text = f"&Resume ({known} of {total} done)" if known else "&Detect"
        some = bool(known or outcome.obstacle)
        self.form.set_work(text, "", some=some, obstacle=outcome.obstacle)
        if outcome.obstacle:
            self.say(outcome.obstacle, warn=True)
        elif known == total:
            self.say("All are done. Double-click one to look at it; Resume looks for files that have changed.")
        else:
            self.say(f"{total - known} to do. Press {'Resume' if known else 'Detect'}.")

    def _show_nothing(self, text: str, *, warn: bool = False) -> None:
        self._run.listing = None
        self.form.table.radiographs.show_rows([])
        self.form.set_work("&Detect", text or _WELCOME, some=False)
        self.say(text, warn=warn)

    # A run, from beginning to end

    def detect(self) -> None:
        """Begin, or go on; does nothing while a detection runs, or before it is known what is in the folder."""
        listing, run = self._run.listing, self._run
        if listing is None or run.worker is not None:
            return
        try:
            request = self.form.request()
        except FarnetError as error:
            self.say(str(error), warn=True)
            return
        plan = replace(listing.plan, request=request)
        run.begin(request, len(plan.files))
        table = self.form.table.radiographs
        if request.force:
            table.show_rows([RadiographRow(row.path, row.name) for row in table.rows])
        self.form.set_progress(0, len(plan.files), _LOOKING)
        run.worker = start(
            detect_folder,
            plan,
            run.keeper,
            yielded=self._on_yielded,
            returned=self._on_returned,
            finished=self._on_finished,
        )
        self.form.set_running("running")
        self.say("Detecting \N{HORIZONTAL ELLIPSIS} You can go on working; double-click a radiograph that is done.")

    def stop(self) -> None:
        """End the run after the radiograph that it is at; what was found is kept."""
        if self._run.worker is not None:
            self._run.worker.quit()
            self.form.set_running("stopping")

    def _on_yielded(self, value: Progress | BatchItem) -> None:
        if isinstance(value, Progress):
            self.form.set_progress(value.done, value.total, f"{value.text} \N{HORIZONTAL ELLIPSIS}")
            self._mark_running(0)
            return
        run, table = self._run, self.form.table.radiographs
        run.pace.count(value.status)
        seconds = value.seconds if value.status == "done" else None
        row = RadiographRow(value.path, value.name, value.status, value.landmarks, seconds, value.message)
        table.set_row(value.number, row)
        self.form.table.bring_into_view(value.number)
        self.form.set_progress(run.pace.ended, run.pace.total, run.pace.text())
        self._mark_running(value.number + 1)

    def _mark_running(self, number: int) -> None:
        table = self.form.table.radiographs
        if number < len(table.rows) and table.rows[number].state == "waiting":
            table.set_row(number, replace(table.rows[number], state="running"))

    def _on_returned(self, outcome: Ending | Failure | None) -> None:
        run = self._run
        failure = outcome.failure if isinstance(outcome, Ending) else outcome
        if failure is not None:
            self.fail(failure.error, "Detection")
            return
        output = outcome.output if isinstance(outcome, Ending) else None
        stopped = run.pace.ended < run.pace.total
        where = f" Landmarks: {output}." if output is not None else ""
        more = " Double-click a radiograph to look at it." if output is not None else ""
        self.say(f"{'Stopped: ' if stopped else ''}{run.pace.summary()}.{where}{more}", warn=bool(run.pace.failed))

    def _on_finished(self) -> None:
        run, table = self._run, self.form.table.radiographs
        run.worker = None
        for number, row in enumerate(table.rows):
            if row.state == "running":
                table.set_row(number, replace(row, state="waiting"))
        known = sum(row.landmarks is not None for row in table.rows)
        self.form.anew.setChecked(False)
        text = f"&Resume ({known} of {len(table.rows)} done)" if known else "&Detect"
        self.form.set_work(text, "", some=bool(known))
        self.form.set_running("idle")

    # What came of it

    def open_radiograph(self, number: int) -> None:
        """Open a radiograph of the table in the viewer, with its landmarks where there are some."""
        listing = self._run.listing
        if listing is None:
            return
        row = self.form.table.radiographs.rows[number]
        try:
            note = self._opener.show(row, self._run.request or listing.plan.request)
        except FarnetError as error:
            self.fail(error, "Opening the radiograph")
            return
        if row.landmarks is None:
            note = note or f"{row.name} has no landmarks yet. {row.message}".strip()
            self.say(note, warn=bool(row.message))
        else:
            text = f"{row.name}: {row.cells[2]} landmarks. Drag a point to correct it."
            self.say(note or text, warn=bool(note))

    def _say_message(self, number: int) -> None:
        """The message of a row is longer than its cell."""
        row = self.form.table.radiographs.rows[number]
        if row.message:
            self.say(f"{row.name}: {row.message}", warn=True)

    def _copy_table(self) -> None:
        self.form.table.copy()
        self.say("The table is on the clipboard.")


class _Run:
    """What is known of the folder, the run that goes on, and what outlives it."""

    def __init__(self) -> None:
        self.keeper = DetectorKeeper()
        self.worker: Any = None
        self.listing: Listing | None = None
        self.request: BatchRequest | None = None
        self.pace = Pace(0)
        self.looking_for: BatchRequest | None = None

    def begin(self, request: BatchRequest, total: int) -> None:
        """Forget the last run."""
        self.request, self.pace = request, Pace(total)


def _farewell(run: _Run, _dock: object = None) -> None:
    """The dock is gone, perhaps while a detection runs: stop after this radiograph, free the memory."""
    if run.worker is not None:
        run.worker.quit()
    run.keeper.retire()
