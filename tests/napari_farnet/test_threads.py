"""Generators off the GUI thread: values arrive in the GUI thread, and the generator itself decides when it ends."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest
from qtpy.QtCore import QCoreApplication

from napari_farnet.threads import apart, begin, start


def test_values_and_result_arrive_in_the_gui_thread(qtbot):
    heard = []

    def note(kind):
        return lambda *value: heard.append((kind, *value, threading.current_thread() is threading.main_thread()))

    def work(stop, first, second):
        assert threading.current_thread() is not threading.main_thread()
        yield first
        yield second
        return first + second

    start(work, 3, 4, yielded=note("yielded"), returned=note("returned"), finished=note("finished"))
    qtbot.waitUntil(lambda: bool(heard) and heard[-1][0] == "finished")
    assert heard == [("yielded", 3, True), ("yielded", 4, True), ("returned", 7, True), ("finished", True)]


def test_stopping_lets_the_generator_finish_its_turn(qtbot):
    begun, results = threading.Event(), []

    def work(stop):
        begun.set()
        stop.wait(10)
        yield "last words"
        return "cleaned up" if stop.is_set() else "never told"

    worker = start(work, returned=results.append)
    qtbot.waitUntil(begun.is_set)
    worker.quit()
    qtbot.waitUntil(lambda: bool(results))
    assert results == ["cleaned up"]


def test_what_the_generator_held_is_let_go(qtbot):
    class Large:
        pass

    held, results = [], []

    def work(stop):
        large = Large()
        held.append(weakref.ref(large))
        yield None
        return None

    def returned(_value):
        results.append(True)

    start(work, returned=returned)
    qtbot.waitUntil(lambda: bool(results))
    qtbot.wait(50)
    gc.collect()
    assert held[0]() is None


def test_nothing_begins_once_the_application_quits(qtbot):
    """A worker that began when napari had waited for all of them took the process down with it."""
    begun = []

    def work(stop):
        begun.append(True)
        yield

    begin()
    QCoreApplication.instance().aboutToQuit.emit()
    start(work, returned=begun.append)
    qtbot.wait(100)
    assert begun == []
    begin()  # another window, as in a script that opens one after another
    start(work, returned=begun.append)
    qtbot.waitUntil(lambda: begun == [True, None])


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_waiting_apart_leaves_the_window_alive(qtbot, seconds):
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QWidget

    widget, ticks = QWidget(), []
    qtbot.addWidget(widget)
    timer = QTimer(widget)
    timer.timeout.connect(lambda: ticks.append(widget.isEnabled()))
    timer.start(10)

    def work():
        time.sleep(seconds)
        return threading.current_thread()

    assert apart(work, widget) is not threading.main_thread()
    timer.stop()
    assert widget.isEnabled()
    assert not any(ticks)
    assert bool(ticks) == bool(seconds)
    with pytest.raises(ZeroDivisionError):
        apart(lambda: 1 / (time.sleep(seconds) or 0), widget)
    with pytest.raises(TimeoutError):
        apart(_times_out, widget)


def _times_out():
    raise TimeoutError
