"""From corrected landmarks in the viewer to a model that detects, with the training itself in its own process."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from farnet.detection import Detector
from farnet.modelfile import read_metadata
from farnet.training.runfolder import state_of
from farnet.zoo import find_model, list_models


@pytest.fixture
def tiny_model(folders):
    """A model of 64 x 64 pixels that has learnt nothing, among the user's."""
    import torch

    from farnet.inputs import InputConfig
    from farnet.modelfile import DecoderConfig, ModelMetadata, save_model
    from farnet.networks import NetworkConfig, build_network
    from farnet.scheme import load_scheme

    config = NetworkConfig(backbone="efficientnet_lite0", width=8)
    torch.manual_seed(0)
    about = ModelMetadata(
        name="tiny",
        network=config,
        input=InputConfig(height=64, width=64, fit="letterbox", intensity="percentiles"),
        decoder=DecoderConfig(sigma=3.0),
        scheme=load_scheme("cephalometric19").to_dict(),
        licence="none",
    )
    path = folders / "models" / "tiny.safetensors"
    path.parent.mkdir()
    save_model(path, build_network(config), about)
    return path


def test_corrections_to_a_model(make_napari_viewer_proxy, plugin, fake, stack, tiny_model, until, radiograph):
    viewer = make_napari_viewer_proxy()
    _, dock = viewer.window.add_plugin_dock_widget("napari-farnet", "Train a model")
    images, points, names = stack
    millimetres = {"scale": (1, 0.1, 0.1), "units": ("pixel", "mm", "mm")}
    viewer.add_image(images, name="skulls", **millimetres)
    some = np.arange(len(points)) != 5  # one landmark of the first radiograph is absent
    some_names = [name for name, here in zip(names, some, strict=True) if here]
    viewer.add_points(points[some], name="marks", features={"name": some_names}, size=3, **millimetres)
    form = dock.form
    form.start.setCurrentIndex(form.start.findText("tiny, trained further"))
    form.settings["epochs"].setValue(3)
    form.settings["validation_share"].setValue(0.25)
    form.device.setCurrentIndex(form.device.findData("cpu"))
    form.train.click()
    until(lambda: dock.follower.state == "running", f"the start ({dock.status.text()})", 120)
    until(lambda: dock.follower.state == "idle", "the end", 120)
    assert "Done." in dock.status.text(), dock.status.text()
    assert dock.curves.epochs == [1, 2, 3] and np.isfinite(dock.curves.values("train_loss")).all()
    assert len(viewer.layers["tiny-tuned: radiographs"].data) == 64  # one is held out, which is no stack
    assert len(viewer.layers["tiny-tuned: true"].data) in (18, 19)

    assert "tiny-tuned" in {entry.name for entry in list_models()}
    card = read_metadata(find_model("tiny-tuned"))
    assert card.training["started_from"]["model"] == "tiny" and card.training["radiographs"] == 3
    assert card.evaluation["held_out"]["n_radiographs"] == 1
    assert Detector("tiny-tuned", "cpu").detect(radiograph).landmarks.scheme.name == "cephalometric19"
    assert state_of(dock.folder) == "finished"


def test_a_folder_without_landmarks(make_napari_viewer_proxy, plugin, fake, folders, until):
    viewer = make_napari_viewer_proxy()
    _, dock = viewer.window.add_plugin_dock_widget("napari-farnet", "Train a model")
    (folders / "knees").mkdir()
    dock.form.source.setCurrentIndex(1)
    dock.form.folder.setText(str(folders / "knees"))
    dock.form.train.click()
    until(lambda: dock.follower.state == "idle", "the end", 60)
    assert "holds no radiographs" in dock.status.text()
    assert dock.form.train.isEnabled() and state_of(dock.folder) == "none"


def test_the_synthetic_stack_cancelled_resumed_and_used(make_napari_viewer_proxy, plugin, fake, tiny_model, until):
    viewer = make_napari_viewer_proxy()
    viewer.open_sample("napari-farnet", "eight_cephalograms_observers")
    image, points = (next(item for item in viewer.layers if item._type_string == kind) for kind in ("image", "points"))
    _, dock = viewer.window.add_plugin_dock_widget("napari-farnet", "Train a model")
    form = dock.form
    form.image.choose(image)
    form.points.choose(points)
    form.show_preview.setChecked(False)
    form.start.setCurrentIndex(form.start.findText("tiny, trained further"))
    form.settings["epochs"].setValue(3)
    form.settings["validation_share"].setValue(0.25)
    form.device.setCurrentIndex(form.device.findData("cpu"))
    form.train.click()
    until(lambda: len(dock.curves.epochs) >= 1, f"the first epoch ({dock.status.text()})", 90)
    os.kill(dock.follower.run.process.pid, signal.SIGKILL)
    until(lambda: dock.follower.state == "idle", "the end", 30)
    assert "Press Resume" in dock.status.text()
    assert state_of(dock.folder) == "resumable"
    form.resume.click()
    until(lambda: "Done." in dock.status.text(), "the end of the resumed training", 120)
    assert dock.curves.epochs == [1, 2, 3]
    assert np.isfinite(dock.curves.values("train_loss")).all()

    from farnet.samples import synthetic_cephalograms

    radiograph, _ = synthetic_cephalograms()[0]
    found = Detector("tiny-tuned", "cpu").detect(radiograph).landmarks
    assert found.image_shape == radiograph.shape
    assert read_metadata(find_model("tiny-tuned")).training["radiographs"] == 6
