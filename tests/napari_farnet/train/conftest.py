"""A training that is quick and learns nothing, and folders of its own for runs and models."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest

from farnet.scheme import load_scheme
from napari_farnet.train import runs

FAKE = Path(__file__).parents[2] / "farnet" / "training" / "fake_training.py"


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """Runs and models are in an empty folder."""
    monkeypatch.setenv("FARNET_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("FARNET_MODELS", str(tmp_path / "models"))
    return tmp_path


@pytest.fixture(autouse=True)
def no_process_is_left(monkeypatch):
    """Whatever a test starts is ended after it."""
    begun = []
    original = runs.TrainingProcess.start.__func__

    def start(cls, *arguments, **keywords):
        process = original(cls, *arguments, **keywords)
        begun.append(process)
        return process

    monkeypatch.setattr(runs.TrainingProcess, "start", classmethod(start))
    yield begun
    for run in list(runs._RUNS.values()):
        run.forget()
    for process in begun:
        process.kill()
    assert not any(process.alive for process in begun)


@pytest.fixture
def fake_program(monkeypatch):
    """What is started is the fake, with these arguments."""

    def use(*arguments):
        monkeypatch.setattr(runs, "program", (sys.executable, str(FAKE), *arguments))

    use()
    return use


@pytest.fixture
def stack(radiograph_pixels):
    """(4, 240, 180) radiographs, and (4 * 19, 3) points on them with names."""
    images = np.stack([np.roll(radiograph_pixels, shift, axis=0) for shift in (0, 3, 6, 9)])
    scheme = load_scheme("cephalometric19")
    rows = np.linspace(30, 200, len(scheme))
    points = [(n, row + n, 40 + 5 * k) for n in range(4) for k, row in enumerate(rows)]
    return images, np.array(points), list(scheme.names) * 4


@pytest.fixture
def until(qtbot):
    """Waits for something, with words for what did not come."""

    def wait(condition, what, seconds=60.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
            qtbot.wait(20)

    return wait
