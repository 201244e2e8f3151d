"""The trainings of this napari: they outlive the dock that started them, and the next dock finds them again.

A training ends with napari, unless it was started to go on; then it is found by its folder when napari is opened again.
"""

from __future__ import annotations

import atexit
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import Signal
from qtpy.QtCore import QTimer

from farnet.errors import FarnetError
from farnet.training.process import PROGRAM, TrainingProcess
from farnet.training.runfolder import is_running
from napari_farnet.model_events import model_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farnet.training.progress import Event

__all__ = ["TrainingRun", "begin", "current_run", "end_all", "program", "runs_folder"]

program: Sequence[str] = PROGRAM
"""What is started; tests put something quicker in its place."""

_LOOK_MS = 200
_END_SECONDS = 5.0

_RUNS: dict[Path, TrainingRun] = {}


class TrainingRun:
    """A training that is followed for as long as it runs, whether or not a dock shows it.

    Attributes:
        process: The training.
        history: What it told so far, without its steps but the last.
    """

    told = Signal(dict)
    """One event, as it comes; see `farnet.training.progress`."""

    def __init__(self, process: TrainingProcess) -> None:
        self.process = process
        self.history: list[Event] = []
        for event in process.past:
            self._remember(event)
        self._coming: list[Event] = []
        self._patience = time.monotonic() + _END_SECONDS
        self._timer = QTimer()
        self._timer.timeout.connect(self._look)
        self._timer.start(_LOOK_MS)

    @property
    def folder(self) -> Path:
        """Folder of the run."""
        return self.process.run

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.folder.name

    def forget(self) -> None:
        """Follow it no more."""
        self._timer.stop()
        self._timer.deleteLater()
        _RUNS.pop(self.folder, None)

    def _look(self) -> None:
        try:
            events = self.process.read()
        except FarnetError as error:
            events = [{"event": "failed", "kind": "bug", "message": str(error), "resumable": True}]
        self._coming += events
        ended = self.process.ended or any(event["event"] == "failed" for event in events)
        if ended and self.process.alive and time.monotonic() < self._patience:
            return  # its last word is told when the process is gone, and its folder free
        events, self._coming = self._coming, []
        if ended:
            self.forget()
        else:
            self._patience = time.monotonic() + _END_SECONDS
        for event in events:
            self._remember(event)
            if event.get("installed"):
                model_events.changed.emit()
            self.told.emit(event)
        if ended:
            _notify(self.name, events[-1])

    def _remember(self, event: Event) -> None:
        if self.history and self.history[-1]["event"] == event["event"] == "step":
            self.history.pop()
        self.history.append(event)


def runs_folder() -> Path:
    """Where the docks keep their runs: ``FARNET_RUNS`` if set, else ``runs`` in the user's data folder."""
    if folder := os.environ.get("FARNET_RUNS"):
        return Path(folder)
    from platformdirs import user_data_path

    return user_data_path("farnet", appauthor=False) / "runs"


def begin(arguments: Sequence[str], folder: Path, *, resume: bool = False, keep_going: bool = False) -> TrainingRun:
    """Start a training, or go on with one.

    Args:
        arguments: Of `farnet train`; see `farnet.training.process.TrainingProcess.start`.
        folder: Folder of the run.
        resume: Go on with the run in it.
        keep_going: Let it go on when napari closes.

    Raises:
        OutputError: A training runs in the folder, or it cannot be written.
    """
    process = TrainingProcess.start(arguments, folder, resume=resume, keep_going=keep_going, program=program)
    run = _RUNS[folder] = TrainingRun(process)
    atexit.register(end_all)  # more than once does no harm
    return run


def current_run() -> TrainingRun | None:
    """The training that runs: the newest of this napari, else one that was started to go on without it."""
    if _RUNS:
        return list(_RUNS.values())[-1]
    try:
        folders = sorted(runs_folder().iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)
    except OSError:
        return None  # there were no runs yet
    for folder in folders:
        process = TrainingProcess.attach(folder) if is_running(folder) else None
        if process is not None:
            run = _RUNS[folder] = TrainingRun(process)
            return run
    return None


def end_all() -> None:
    """End the trainings that do not go on without napari; what their last finished epoch left can be resumed."""
    ending = [run for run in _RUNS.values() if not run.process.keeps_going]
    for run in ending:
        run.process.end()
    for run in ending:
        if not run.process.wait(_END_SECONDS):
            run.process.kill()
    _RUNS.clear()


def _notify(name: str, event: dict[str, Any]) -> None:
    from napari_farnet.notices import tell_info, tell_warning

    if event.get("model"):
        tell_info(f"The training of {name} is done. The model is in the list of the dock Detect landmarks.")
    elif event["event"] == "failed" and event.get("kind") != "interrupted":
        tell_warning(f"The training of {name} failed. {event['message']}")
