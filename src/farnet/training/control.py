"""How a running training is told to pause, to go on and to stop: by a word in a file, or on standard input.

The words are "pause", "resume", "stop" (stop at the next step and make the model of what is best so far) and "end" (end
at once; the run can be resumed). The file ``control`` in the folder of the run is taken away when its word is read.

Standard input is followed where the training was started for it (``--follow-stdin``): when the other end closes it,
because the program that started the training is gone, that counts as "end". So no training outlives its napari, even
one that was killed.
"""

from __future__ import annotations

import _thread
import os
import queue
import signal
import threading
import time
from typing import TYPE_CHECKING

from farnet.atomic import write_text_atomic
from farnet.errors import unknown_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["WORDS", "Control", "StopTraining", "send"]

WORDS = ("pause", "resume", "stop", "end")

_POLL_SECONDS = 0.1
_GRACE_SECONDS = 60.0  # for the step that runs, after which the process ends whatever it does


class StopTraining(Exception):  # noqa: N818 - nothing went wrong
    """The training was asked to stop, and to keep what is best so far."""


def send(path: Path, word: str) -> None:
    """Leave a word for the training that looks at this file.

    Raises:
        UnknownNameError: There is no such word.
        OutputError: The file cannot be written.
    """
    if word not in WORDS:
        raise unknown_name("word to a training", word, WORDS)
    write_text_atomic(path, word + "\n")


class Control:
    """What the training that holds it was told.

    Attributes:
        told: Called with "paused" and "resumed" when that is so.
        paused_seconds: How long all pauses took.
    """

    def __init__(self) -> None:
        self.told: Callable[[str], None] = lambda _: None
        self.paused_seconds = 0.0
        self._path: Path | None = None
        self._words: queue.SimpleQueue[str] = queue.SimpleQueue()

    def watch(self, path: Path) -> None:
        """Look at a file for words; one that is there already was said to a run before this one."""
        path.unlink(missing_ok=True)
        self._path = path

    def follow_stdin(self) -> None:
        """Take words from standard input too, and end when it is closed; called in the main thread."""
        if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as a shell has it for what runs in the background
            signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread(target=self._follow, name="farnet-control", daemon=True).start()

    def say(self, word: str) -> None:
        """Tell the training something, from any thread."""
        self._words.put(word)

    def check(self) -> None:
        """Do what was asked for; called at every step. A pause waits here until it is over.

        Raises:
            StopTraining: Asked to stop.
            KeyboardInterrupt: Asked to end.
        """
        word = self._next()
        if word != "pause":
            self._obey(word)
            return
        self.told("paused")
        began = time.monotonic()
        try:
            while (word := self._next()) != "resume":
                self._obey(word)
                time.sleep(_POLL_SECONDS)
        finally:
            self.paused_seconds += time.monotonic() - began
        self.told("resumed")

    def _obey(self, word: str) -> None:
        if word == "stop":
            raise StopTraining
        if word == "end":
            raise KeyboardInterrupt

    def _next(self) -> str:
        """The next word; empty if nothing was said."""
        try:
            return self._words.get_nowait()
        except queue.Empty:
            pass
        if self._path is None:
            return ""
        try:
            word = self._path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return ""
        self._path.unlink(missing_ok=True)
        return word

    def _follow(self) -> None:
        rest = b""
        while True:
            # Not through sys.stdin: a thread that waits in its buffer keeps Python from ending.
            got = os.read(0, 4096)
            if not got:
                break
            *lines, rest = (rest + got).split(b"\n")
            for line in lines:
                if line.strip() == b"end":
                    _thread.interrupt_main()  # wherever it is, not at the next step only
                else:
                    self.say(line.decode("ascii", "replace").strip())
        _thread.interrupt_main()
        time.sleep(_GRACE_SECONDS)
        os._exit(130)
