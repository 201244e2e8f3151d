"""Generators off the GUI thread, and how they report."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from farnet.errors import DeviceError, FarnetError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from qtpy.QtWidgets import QWidget

    from napari_farnet.record import Index

__all__ = ["Failure", "Progress", "apart", "begin", "start"]

_T = TypeVar("_T")
_NOTICED = 0.05  # s that nobody notices
_LOOK_MS = 20


@dataclass(frozen=True)
class Progress:
    """How far something is: `done` of `total` steps, and what comes now."""

    done: int
    total: int
    text: str


@dataclass(frozen=True)
class Failure:
    """Why a worker ended without a result.

    Attributes:
        error: What was raised.
        index: Where in the stack the radiograph is that it was raised for; None if for none.
    """

    error: Exception
    index: Index | None = None

    @property
    def expected(self) -> bool:
        """Whether the error's message is made for the user."""
        return isinstance(self.error, FarnetError)

    @property
    def on_device(self) -> bool:
        """Whether another device may do."""
        return isinstance(self.error, DeviceError)


_quitting = False


def begin() -> None:
    """There is a window that may start workers, until the application quits; doing it again is harmless."""
    global _quitting
    _quitting = False
    _watch_for_the_end()


@cache
def _watch_for_the_end() -> None:
    from qtpy.QtCore import QCoreApplication

    application = QCoreApplication.instance()
    if application is not None:
        application.aboutToQuit.connect(_on_quit)


def _on_quit() -> None:
    global _quitting
    _quitting = True


def apart(function: Callable[[], _T], busy: QWidget) -> _T:
    """Call something in another thread and wait for what it returns or raises, while windows are drawn and answer.

    Args:
        function: It must not touch Qt or napari.
        busy: Cannot be used meanwhile, if it takes long enough to be noticed.
    """
    from concurrent.futures import ThreadPoolExecutor, wait

    from qtpy.QtCore import QEventLoop, QTimer

    with ThreadPoolExecutor(1, "farnet-apart") as pool:
        future = pool.submit(function)
        if wait([future], timeout=_NOTICED).done:
            return future.result()
        loop, timer = QEventLoop(), QTimer()
        timer.timeout.connect(lambda: loop.quit() if future.done() else None)
        timer.start(_LOOK_MS)
        enabled = busy.isEnabled()
        busy.setEnabled(False)
        try:
            loop.exec()
        finally:
            timer.stop()
            busy.setEnabled(enabled)
        return future.result()


def start(
    generator: Callable[..., Generator[Any, None, Any]],
    *arguments: Any,
    yielded: Callable[[Any], None] | None = None,
    returned: Callable[[Any], None],
    finished: Callable[[], None] | None = None,
) -> Any:
    """Run a generator in napari's thread pool.

    It must return whatever happens, also when something is raised in it: napari's worker takes a `RuntimeError` that
    leaves a generator for a deleted widget and then never says that it finished, and nearly everything that can go
    wrong in torch is a `RuntimeError`.

    Args:
        generator: Function that gives the generator; its first argument is an event that is set when it should end.
        *arguments: Its further arguments.
        yielded: Called in the GUI thread with each value that it yields.
        returned: Called in the GUI thread with what it returns.
        finished: Called in the GUI thread at the very end.

    Returns:
        napari's worker; its `quit` asks the generator to end.
    """
    from napari.qt.threading import create_worker

    connections = {"yielded": yielded, "returned": returned, "finished": finished}
    worker = create_worker(
        generator,
        stop := threading.Event(),
        *arguments,
        _worker_class=_worker_class(),
        _start_thread=False,
        _connect={name: slot for name, slot in connections.items() if slot is not None},
    )
    worker.stop = stop
    if not _quitting:  # napari has waited for its workers: the next would run while Qt is taken down around it
        worker.start()
    return worker


@cache
def _worker_class() -> type[Any]:
    from napari.qt.threading import GeneratorWorker

    class Worker(GeneratorWorker):  # type: ignore[misc]
        """Ends when its generator does.

        The original drops a generator where it stands, and napari keeps the worker, and with it everything that the
        generator holds, for as long as the window lives.
        """

        stop: threading.Event

        def quit(self) -> None:
            """Ask the generator to end."""
            self.stop.set()

    return Worker
