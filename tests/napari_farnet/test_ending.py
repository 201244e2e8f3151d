"""What is done before the end, and whose signals are whose."""

from __future__ import annotations

import os
import signal

import pytest

from napari_farnet import ending
from napari_farnet.ending import before_the_end

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture
def sigterm(monkeypatch):
    """The handler of SIGTERM is as it was afterwards, and nothing is to be done but what the test says."""
    monkeypatch.setattr(ending, "_tasks", [])
    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


def test_somebody_elses_handler_stays(qapp, sigterm):
    heard = []
    signal.signal(signal.SIGTERM, lambda *_: heard.append("theirs"))
    before_the_end(lambda: heard.append("ours"))
    os.kill(os.getpid(), signal.SIGTERM)
    assert heard == ["theirs"]


def test_the_loop_of_the_window_hears_the_signal_and_ends(qapp, qtbot, sigterm, monkeypatch):
    from qtpy.QtCore import QEventLoop, QTimer

    heard, loop = [], QEventLoop()
    before_the_end(lambda: heard.append("saved"))
    monkeypatch.setattr(type(qapp), "exit", staticmethod(lambda code: (heard.append(code), loop.quit())))
    QTimer.singleShot(50, lambda: os.kill(os.getpid(), signal.SIGTERM))
    QTimer.singleShot(10_000, loop.quit)
    loop.exec()
    assert heard == ["saved", 128 + signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL  # the next one ends the process
