"""A training in a process of its own: started, followed, told what to do, found again, and never left behind.

The process gets a session of its own, so that nothing that ends the program that started it by chance (Ctrl-C in its
terminal) ends the training. It holds one end of a pipe: when the program that started it is gone, however that came
about, the pipe is closed and the training ends itself; what its last finished epoch left can be resumed. A training
that shall go on without its program is started with ``keep_going``; it has no such pipe, and is found again by its
folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from farnet.errors import OutputError
from farnet.training.control import send
from farnet.training.progress import END_EVENTS, Event, EventReader
from farnet.training.runfolder import (
    BEST_CHECKPOINT,
    COMPANIONS,
    CONFIG_FILE,
    CONTROL_FILE,
    EVENTS_FILE,
    LAST_CHECKPOINT,
    LOG_FILE,
    RUN_FILE,
    is_running,
    running_pid,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["PROGRAM", "TrainingProcess", "discard_run"]

PROGRAM = (sys.executable, "-P", "-m", "farnet", "train")
"""The command, with this Python; -P keeps modules in the current folder out."""

_LOG_LINES = 3
_KILL_SECONDS = 10.0


class TrainingProcess:
    """One training that runs, or did.

    Made by `start` or `attach`.

    Attributes:
        run: Folder of the run.
        keeps_going: Whether it goes on when the program that started it ends.
        past: Events from before: of a run that is resumed or attached to.
    """

    def __init__(self, run: Path, process: subprocess.Popen[bytes] | None, *, keeps_going: bool) -> None:
        self.run, self.keeps_going = run, keeps_going
        self._process = process
        self._reader = EventReader(run / EVENTS_FILE)
        self._ended = False
        self.past: list[Event] = []

    @classmethod
    def start(
        cls,
        arguments: Sequence[str],
        run: Path,
        *,
        resume: bool = False,
        keep_going: bool = False,
        program: Sequence[str] = PROGRAM,
    ) -> TrainingProcess:
        """Start a training.

        Args:
            arguments: Of `farnet train`, without output, events and resume.
            run: Folder of the run.
            resume: Go on with the run in it.
            keep_going: Let it go on when this program ends.
            program: What is started.

        Raises:
            OutputError: A training runs in the folder, or it cannot be written.
        """
        if is_running(run):
            raise OutputError(
                f"a training runs in {run} already (process {running_pid(run)}); wait for it, or stop it first"
            )
        words = [*program, *arguments, "--output", str(run), "--events", str(run / EVENTS_FILE)]
        words += ["--resume"] * resume + ["--follow-stdin"] * (not keep_going)
        try:
            run.mkdir(parents=True, exist_ok=True)
            if not resume:
                (run / EVENTS_FILE).unlink(missing_ok=True)  # of an attempt that did not begin
            (run / CONTROL_FILE).unlink(missing_ok=True)
            with (run / LOG_FILE).open("ab" if resume else "wb") as log:
                process = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL if keep_going else subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    **_apart(),
                )
        except OSError as error:
            raise OutputError(f"cannot start a training in {run}: {error.strerror or error}") from error
        made = cls(run, process, keeps_going=keep_going)
        if resume:
            made.past = made._reader.read()
        return made

    @classmethod
    def attach(cls, run: Path) -> TrainingProcess | None:
        """Follow a training that another program started, or this one before; None where none runs in the folder."""
        if not is_running(run):
            return None
        made = cls(run, None, keeps_going=True)
        made.past = made._reader.read()
        # Nothing would be told any more of a training that ends just now.
        made._ended = bool(made.past) and made.past[-1]["event"] in END_EVENTS
        return made

    @property
    def pid(self) -> int | None:
        """Its number; None where an attached one has ended."""
        return running_pid(self.run) if self._process is None else self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return is_running(self.run) if self._process is None else self._process.poll() is None

    @property
    def ended(self) -> bool:
        """Whether `read` has given the last event."""
        return self._ended

    def read(self) -> list[Event]:
        """The events since the last time, without waiting.

        The last one is always "finished", "stopped" or "failed": where the process is gone without a word, a "failed"
        of kind "killed" (or "bug", where it ended itself) tells so.
        """
        if self._ended:
            return []
        alive = self.alive  # asked first: what it told before it ended is then there
        events = self._reader.read()
        self._ended = any(event["event"] in END_EVENTS for event in events)
        if not alive and not self._ended:
            self._ended = True
            events.append(self._gone())
        return events

    def pause(self) -> None:
        """Wait after the step that runs."""
        self._say("pause")

    def resume(self) -> None:
        """Go on after a pause."""
        self._say("resume")

    def stop(self) -> None:
        """Stop after the step that runs, and make the model of what is best so far."""
        self._say("stop")

    def end(self) -> None:
        """End at once and make no model; the run can be resumed."""
        self._say("end")

    def kill(self) -> None:
        """End the process and all of its own whatever they do, and wait until they are gone."""
        pid = self.pid
        if pid is None or not self.alive:
            self._close()
            return
        with suppress(ProcessLookupError):
            if sys.platform == "win32":
                os.kill(pid, signal.SIGTERM)  # which is TerminateProcess there
            elif os.getpgid(pid) == pid:
                os.killpg(pid, signal.SIGKILL)
            else:
                os.kill(pid, signal.SIGKILL)
        if not self.wait(_KILL_SECONDS):
            raise OutputError(f"the training in {self.run} (process {pid}) could not be ended")

    def wait(self, seconds: float) -> bool:
        """Wait until the process has ended; False if it has not."""
        until = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        self._close()
        return True

    def _say(self, word: str) -> None:
        if self._process is None or self._process.stdin is None:
            send(self.run / CONTROL_FILE, word)
            return
        with suppress(BrokenPipeError, ValueError):  # it has ended, which `read` tells
            self._process.stdin.write(f"{word}\n".encode())
            self._process.stdin.flush()

    def _close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()

    def _gone(self) -> Event:
        code = None if self._process is None else self._process.returncode
        resumable = (self.run / CONFIG_FILE).is_file()
        said = self._last_lines()
        if code is not None and code > 0:
            kind, message = "bug", f"The training ended itself (exit code {code}). It said: {said or 'nothing'}"
        else:
            how = f" by signal {-code}" if code else ""
            kind = "killed"
            message = (
                f"The process of the training was ended from outside{how}. A system does that when its memory is full; "
                "then use a smaller batch or a smaller preset."
            )
        if resumable:
            message += " What the last finished epoch left is kept; the run can be resumed."
        return {"event": "failed", "time": time.time(), "kind": kind, "message": message, "resumable": resumable}

    def _last_lines(self) -> str:
        try:
            lines = (self.run / LOG_FILE).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-_LOG_LINES:])


def discard_run(run: Path) -> None:
    """Delete what a run left in its folder, and the folder if nothing else is in it.

    Raises:
        OutputError: A training runs in it, or something cannot be deleted.
    """
    if is_running(run):
        raise OutputError(f"a training runs in {run} (process {running_pid(run)}); stop it first")
    own = [*COMPANIONS, CONFIG_FILE, RUN_FILE, LAST_CHECKPOINT, BEST_CHECKPOINT, "log", "tensorboard"]
    try:
        for path in [*(run / name for name in own), *run.glob("*.safetensors")]:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        if run.is_dir() and not any(run.iterdir()):
            run.rmdir()
    except OSError as error:
        raise OutputError(f"cannot delete the run in {run}: {error.strerror or error}") from error


def _apart() -> dict[str, Any]:
    """How a process gets a group of its own."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
