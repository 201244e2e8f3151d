"""The folder of a training run: what is in it, whether it runs, and how it ended."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from farnet.errors import OutputError
from farnet.training.progress import END_EVENTS, Event, EventReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

__all__ = [
    "BEST_CHECKPOINT",
    "COMPANIONS",
    "CONFIG_FILE",
    "CONTROL_FILE",
    "DATA_FOLDER",
    "EVENTS_FILE",
    "LAST_CHECKPOINT",
    "LOG_FILE",
    "PREVIEW_FILE",
    "RUN_FILE",
    "RunState",
    "is_running",
    "last_event",
    "lock_run",
    "remove_lock",
    "running_pid",
    "state_of",
]

CONFIG_FILE = "config.json"
LAST_CHECKPOINT = "last.ckpt"
BEST_CHECKPOINT = "best.ckpt"
RUN_FILE = "run.json"
EVENTS_FILE = "events.jsonl"
PREVIEW_FILE = "preview.npz"
CONTROL_FILE = "control"
LOG_FILE = "output.txt"
DATA_FOLDER = "data"
_LOCK_FILE = "lock"

COMPANIONS = frozenset(
    {EVENTS_FILE, f".{EVENTS_FILE}.reserve", PREVIEW_FILE, CONTROL_FILE, LOG_FILE, DATA_FOLDER, _LOCK_FILE}
)
"""What may be in the folder before a run begins: they are of whoever starts it."""

RunState = Literal["none", "running", "finished", "stopped", "resumable"]
"""Of a folder: no run is in it, one runs, it made its model, it was stopped and kept its best, or it can go on."""

_TRIES, _PAUSE_SECONDS = 5, 0.05
_LOCKED_BYTE = 2**20  # beyond the text, which others may read on Windows too


@contextmanager
def lock_run(folder: Path) -> Iterator[None]:
    """Hold the run of a folder while the block runs; the system lets go of it however the process ends.

    Raises:
        OutputError: Another process holds it, or the folder cannot be written.
    """
    path = folder / _LOCK_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("r+b" if path.exists() else "w+b")
    except OSError as error:
        raise OutputError(f"cannot use the output folder {folder}: {error.strerror or error}") from error
    with file:
        if not _lock_patiently(file):
            raise OutputError(
                f"a training runs in {folder} already (process {running_pid(folder)}); wait for it, stop it, or use "
                "another folder"
            )
        file.truncate(0)
        file.write(f"{os.getpid()}\n".encode())
        file.flush()
        yield


def remove_lock(folder: Path) -> None:
    """Take away the file of the lock, where no run began."""
    (folder / _LOCK_FILE).unlink(missing_ok=True)


def is_running(folder: Path) -> bool:
    """Whether a process holds the run of a folder."""
    try:
        with (folder / _LOCK_FILE).open("r+b") as file:
            return not _lock(file)
    except (FileNotFoundError, NotADirectoryError):
        return False


def running_pid(folder: Path) -> int | None:
    """The process that holds the run of a folder; None where none does."""
    if not is_running(folder):
        return None
    try:
        return int((folder / _LOCK_FILE).read_bytes() or b"0") or None
    except (OSError, ValueError):
        return None


def last_event(folder: Path) -> Event | None:
    """The last event in a folder; None where there is none."""
    events = EventReader(folder / EVENTS_FILE).read()
    return events[-1] if events else None


def state_of(folder: Path) -> RunState:
    """What has become of the run in a folder."""
    if is_running(folder):
        return "running"
    if not (folder / CONFIG_FILE).is_file():
        return "none"
    event = last_event(folder)
    kind = "" if event is None or event["event"] not in END_EVENTS else event["event"]
    if kind == "finished":
        return "finished"
    return "stopped" if kind == "stopped" and event is not None and event.get("model") else "resumable"


def _lock_patiently(file: BinaryIO) -> bool:
    """Somebody who only asks whether the run is held holds it for a moment."""
    for _ in range(_TRIES):
        if _lock(file):
            return True
        time.sleep(_PAUSE_SECONDS)
    return False


def _lock(file: BinaryIO) -> bool:
    """Lock an open file for this process alone, if nobody else has; it stays locked until it is closed."""
    if sys.platform == "win32":
        import msvcrt

        file.seek(_LOCKED_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(0)
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
