"""The demonstration, in a real viewer: with a detector that needs no model, and as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from farnet.errors import DeviceError, FarnetError
from farnet.inputs import InputConfig
from farnet.modelfile import DecoderConfig, ModelMetadata, save_model
from farnet.networks import NetworkConfig, build_network
from farnet.scheme import load_scheme
from napari_farnet import demo


@pytest.fixture
def viewer(make_napari_viewer, plugin, fake):
    return make_napari_viewer(show=True)


def test_the_landmarks_come_from_the_viewer(viewer):
    landmarks = demo.show_detection(viewer, model="fake", device="cpu")
    assert viewer.layers[0].name == "Average cephalogram"
    points = viewer.layers[-1]
    assert landmarks.present.all()
    np.testing.assert_array_equal(points.data, landmarks.points)
    assert landmarks.spacing is not None


def test_a_model_that_is_in_no_list_can_be_shown(viewer, fake):
    demo.show_detection(viewer, model="folder/own.safetensors", device="auto")
    assert fake.made == [("folder/own.safetensors", "auto")]


def test_a_failure_is_raised_with_its_reason(viewer, fake):
    fake.fail = DeviceError("cuda has too little memory")
    with pytest.raises(FarnetError, match="cuda has too little memory"):
        demo.show_detection(viewer, model="fake", device="auto")


def test_an_unknown_device_is_refused(viewer, monkeypatch):
    monkeypatch.setattr(demo, "_DEVICES", 0.5)
    with pytest.raises(FarnetError, match="Unknown device 'tpu'"):
        demo.show_detection(viewer, model="fake", device="tpu")


def test_a_detection_that_never_ends_is_given_up(viewer, fake, monkeypatch):
    fake.delay = 1.0
    monkeypatch.setattr(demo, "_PATIENCE", 0.2)
    with pytest.raises(FarnetError, match="nothing came of it"):
        demo.show_detection(viewer, model="fake", device="auto")


def test_the_picture_shows_the_window(viewer, tmp_path):
    demo.take_picture(viewer, tmp_path / "new" / "window.png")
    with Image.open(tmp_path / "new" / "window.png") as picture:
        assert picture.mode == "RGB"
        assert picture.width > 500


def test_an_unknown_model_is_refused_before_a_window_opens(monkeypatch):
    import napari

    monkeypatch.setattr(napari, "Viewer", lambda: pytest.fail("a window was opened"))
    with pytest.raises(FarnetError, match="Unknown model 'no-such-model'"):
        demo.run_demo(model="no-such-model", device="auto", screenshot=None, detected=print)


def test_the_command_from_beginning_to_end(tmp_path):
    """An untrained model finds what it likes; window, detection, picture, report and end are real."""
    config = NetworkConfig(backbone="efficientnet_lite0", width=8)
    torch.manual_seed(0)
    metadata = ModelMetadata(
        name="tiny",
        network=config,
        input=InputConfig(height=64, width=64),
        decoder=DecoderConfig(sigma=2.0, min_peak=0.0),
        scheme=load_scheme("cephalometric19").to_dict(),
    )
    save_model(tmp_path / "tiny.safetensors", build_network(config), metadata)
    command = [sys.executable, "-m", "farnet.cli", "demo", "--json", "--model", "tiny.safetensors", "--device", "cpu"]
    result = subprocess.run(
        [*command, "--screenshot", "window.png"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["source"] == "model tiny"
    assert len(report["landmarks"]) == 19
    with Image.open(tmp_path / "window.png") as picture:
        assert np.asarray(picture).std() > 10
