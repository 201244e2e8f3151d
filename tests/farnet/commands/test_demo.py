"""`farnet demo`: where it opens its window, and what it prints. The window itself is tested with the plugin."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from farnet.commands import demo
from farnet.errors import FarnetError
from farnet.samples import average_cephalogram


@pytest.fixture
def no_display(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", demo._VIRTUAL):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def window(monkeypatch):
    """In place of napari: the truth of the sample, 3 px off, is found at once."""
    calls = []

    def run_demo(*, model, device, screenshot, detected):
        calls.append(SimpleNamespace(model=model, device=device, screenshot=screenshot))
        _, truth = average_cephalogram()
        detected(truth.replace(points=truth.points + np.array([3.0, 0.0]), source="model fake", radiograph="Average"))

    fake = SimpleNamespace(run_demo=run_demo)
    monkeypatch.setitem(sys.modules, "napari_farnet.demo", fake)
    monkeypatch.setattr(demo, "has_display", lambda: True)
    return calls


def test_the_table_and_the_distance_from_the_truth(farnet, window):
    result = farnet("demo", "--model", "mine", "--device", "cpu")
    assert result.code == 0
    assert (window[0].model, window[0].device, window[0].screenshot) == ("mine", "cpu", None)
    assert "Sella" in result.out
    _, truth = average_cephalogram()
    assert f"own landmarks: {3 * truth.spacing[0]:.2f} mm" in result.out
    assert "Close the window" in result.err


def test_json(farnet, window, here):
    report = farnet("demo", "--screenshot", "x.png", "--json").json()
    assert report["screenshot"] == "x.png"
    assert report["unit"] == "mm"
    assert len(report["landmarks"]) == 19


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays are found through the environment on Linux")
def test_a_display_is_one_that_answers(no_display, monkeypatch, tmp_path):
    assert not demo.has_display()
    monkeypatch.setenv("DISPLAY", ":987")
    assert not demo.has_display()
    monkeypatch.delenv("DISPLAY")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert not demo.has_display()
    (tmp_path / "wayland-7").touch()
    assert demo.has_display()


@pytest.mark.skipif(not os.environ.get("DISPLAY"), reason="needs a display")
def test_the_display_of_this_run_is_found():
    assert demo.has_display()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="virtual displays are for Linux")
def test_without_a_display_it_starts_itself_on_a_virtual_one(farnet, no_display, monkeypatch, here):
    started = []

    def run(command, *, env, check):
        started.append((command, env))
        return SimpleNamespace(returncode=1)

    monkeypatch.setattr(demo.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    result = farnet("demo", "--device", "cpu", "--json")
    assert result.code == 1  # that of the other process
    (command, environment) = started[0]
    assert command[:4] == ["/usr/bin/xvfb-run", "-a", "-s", "-screen 0 1600x1000x24"]
    assert command[-3:] == ["--screenshot", str(Path("demo", "screenshot.png")), "--json"]
    assert "cpu" in command
    assert environment[demo._VIRTUAL] == "1"
    assert "QT_QPA_PLATFORM" not in environment


def test_it_does_not_start_itself_for_ever(farnet, no_display, monkeypatch):
    monkeypatch.setattr(demo, "has_display", lambda: False)
    monkeypatch.setenv(demo._VIRTUAL, "1")
    result = farnet("demo")
    assert result.code == 2
    assert "virtual display cannot be reached" in result.err


def test_without_xvfb_it_says_what_to_install(no_display, monkeypatch, farnet):
    monkeypatch.setattr(demo, "has_display", lambda: False)
    monkeypatch.setattr(demo.shutil, "which", lambda name: None)
    assert "apt-get install xvfb xauth" in farnet("demo").err


def test_without_qt_it_says_what_to_install(farnet, monkeypatch):
    monkeypatch.setattr(demo, "has_display", lambda: True)
    monkeypatch.setitem(sys.modules, "napari_farnet.demo", None)
    result = farnet("demo")
    assert result.code == 2
    assert "napari-farnet[all]" in result.err


def test_a_failed_detection_is_told(farnet, monkeypatch):
    def run_demo(**_):
        raise FarnetError("The detection failed: too little memory")

    monkeypatch.setattr(demo, "has_display", lambda: True)
    monkeypatch.setitem(sys.modules, "napari_farnet.demo", SimpleNamespace(run_demo=run_demo))
    assert "too little memory" in farnet("demo").err
