"""What is done before the application ends: when it quits, and when the system asks it to (SIGTERM).

The system asks when a session is closed or a computer shuts down. Nothing is asked of the user then: there is no time.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from functools import cache
from typing import TYPE_CHECKING

from qtpy.QtCore import QCoreApplication, QSocketNotifier, QThread, QTimer

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["before_the_end"]

_LOOK_MS = 250  # where somebody else is woken by signals, and Qt has to look by itself

_tasks: list[Callable[[], object]] = []


def before_the_end(task: Callable[[], object]) -> None:
    """Call something before the application ends; it may be called more than once. Doing this again is harmless."""
    if task not in _tasks:
        _tasks.append(task)
    application = QCoreApplication.instance()
    if application is not None:
        _watch(application)
        _hear_the_system(application)


def _do_all() -> None:
    for task in _tasks:
        task()


@cache
def _watch(application: QCoreApplication) -> None:
    application.aboutToQuit.connect(_do_all)


def _hear_the_system(application: QCoreApplication) -> None:
    """Listen for SIGTERM, unless somebody does so already."""
    if os.name != "posix" or threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _on_sigterm)
        _wake_python(application)


@cache
def _wake_python(application: QCoreApplication) -> None:
    """Let Python hear of signals while Qt waits: it runs their handlers between instructions of its own."""
    here, there = socket.socketpair()
    here.setblocking(False)
    there.setblocking(False)
    others = signal.set_wakeup_fd(there.fileno(), warn_on_full_buffer=False)
    if others == -1:
        notifier = QSocketNotifier(here.fileno(), QSocketNotifier.Type.Read, application)  # type: ignore[call-overload]
        notifier.activated.connect(lambda: here.recv(4096))
        application.aboutToQuit.connect(lambda: _sleep(there))
        return
    signal.set_wakeup_fd(others)
    here.close()
    there.close()
    timer = QTimer(application)
    timer.timeout.connect(lambda: None)
    timer.start(_LOOK_MS)


def _sleep(there: socket.socket) -> None:
    """The application is gone, and with it who reads: leave signals as they were."""
    ours = there.fileno()
    now = signal.set_wakeup_fd(-1)
    if now not in (ours, -1):
        signal.set_wakeup_fd(now)
    if signal.getsignal(signal.SIGTERM) is _on_sigterm:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _on_sigterm(_number: int, _frame: FrameType | None) -> None:
    if _in_loop():
        QTimer.singleShot(0, _end)  # after what Python is in the middle of, which may be an edit
    else:
        _end()


def _in_loop() -> bool:
    """Whether Qt waits for events in this thread."""
    thread = QThread.currentThread()
    return thread is not None and thread.loopLevel() > 0


def _end() -> None:
    """Do what is to be done, and end as if nobody had listened; the next signal ends the process at once."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _do_all()
    application = QCoreApplication.instance()
    if application is not None and _in_loop():
        application.exit(128 + signal.SIGTERM)
    else:
        os.kill(os.getpid(), signal.SIGTERM)
