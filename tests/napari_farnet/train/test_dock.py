"""The dock, in a real viewer, with a training that is quick and learns nothing."""

from __future__ import annotations

import os
import shlex
import signal

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtGui import QGuiApplication

from farnet.training.progress import EventReader
from farnet.training.runfolder import EVENTS_FILE, is_running, state_of
from napari_farnet.train import runs


@pytest.fixture
def make_dock(make_napari_viewer_proxy, plugin, fake, fake_program):
    """Open a viewer with the dock in it; gives (viewer, dock)."""

    def make(viewer=None, **keywords):
        viewer = viewer or make_napari_viewer_proxy(**keywords)
        _, dock = viewer.window.add_plugin_dock_widget("napari-farnet", "Train a model")
        return viewer, dock

    return make


@pytest.fixture
def with_layers(make_dock, stack):
    """The dock, and a stack of radiographs with landmarks in its viewer."""
    viewer, dock = make_dock()
    images, points, names = stack
    viewer.add_image(images, name="skulls", scale=(1, 0.1, 0.1), units=("pixel", "mm", "mm"))
    viewer.add_points(
        points, name="marks", features={"name": names}, scale=(1, 0.1, 0.1), units=("pixel", "mm", "mm"), size=3
    )
    return viewer, dock


@pytest.fixture
def begin(until):
    """Presses Train, and waits for the first epoch."""

    def press(dock):
        dock.form.train.click()
        assert dock.follower.state != "idle", dock.status.text()
        until(lambda: dock.curves.epochs, "an epoch")

    return press


def idle(dock):
    return dock.follower.state == "idle"


def test_layers_to_a_model(with_layers, begin, until, folders, fake_program):
    fake_program("--epochs", "4", "--seconds", "0.05")
    viewer, dock = with_layers
    assert "Radiographs with landmarks: 4" in dock.form.data_hint.text()
    assert dock.form.model_name.text() == "light"
    begin(dock)
    assert (folders / "runs" / "light" / "data" / "landmarks.csv").is_file()
    until(lambda: idle(dock), "the end")
    assert dock.curves.epochs == [1, 2, 3, 4]
    np.testing.assert_allclose(dock.curves.values("mre"), [8, 4, 8 / 3, 2], rtol=1e-6)
    assert "Done. The model (weights: last of 3 epochs) is in the list" in dock.status.text()
    assert any("training of light is done" in record.message for record in notification_manager.records)
    shown = {layer.name for layer in viewer.layers}
    assert {f"light: {part}" for part in ("radiographs", "heatmaps", "true", "found", "errors")} <= shown
    assert viewer.layers.selection.active.name == "marks"
    assert "finished training" in dock.form.name_hint.text() and dock.form.discard.isEnabled()


def test_the_image_is_closed_meanwhile(with_layers, begin, until):
    viewer, dock = with_layers
    dock.form.show_preview.setChecked(False)
    begin(dock)
    viewer.layers.clear()
    until(lambda: idle(dock), "the end")
    assert "Done." in dock.status.text() and len(viewer.layers) == 0


def test_pause_go_on_and_stop(with_layers, begin, until, fake_program):
    fake_program("--epochs", "500", "--seconds", "0.05")
    _, dock = with_layers
    begin(dock)
    assert not dock.form.train.isEnabled() and dock.form.pause.isEnabled()
    dock.form.pause.click()
    until(lambda: dock.follower.state == "paused", "the pause")
    assert dock.form.pause.text() == "&Go on" and "Paused" in dock.status.text()
    dock.form.pause.click()
    until(lambda: dock.follower.state == "running", "going on")
    dock.form.stop.click()
    assert not dock.form.stop.isEnabled()
    until(lambda: idle(dock), "the stop")
    assert "Stopped. The model (weights: best" in dock.status.text()


def test_discard_leaves_nothing(with_layers, begin, until, fake_program, folders):
    fake_program("--epochs", "500", "--seconds", "0.05")
    viewer, dock = with_layers
    begin(dock)
    until(lambda: len(viewer.layers) == 7, "the layers of the preview")
    dock.form.discard.click()
    until(lambda: "Discarded" in dock.status.text(), "the end")
    assert not (folders / "runs" / "light").exists() and len(viewer.layers) == 2
    assert idle(dock) and dock.form.train.isEnabled() and not dock.form.discard.isEnabled()


def test_the_dock_is_closed_and_opened_again(with_layers, begin, until, qtbot, fake_program):
    fake_program("--epochs", "500", "--seconds", "0.05")
    viewer, dock = with_layers
    begin(dock)
    pid = dock.follower.run.process.pid
    viewer.window.remove_dock_widget(dock)
    dock.deleteLater()
    del dock
    qtbot.wait(500)  # nobody listens, and nothing is raised
    _, again = viewer.window.add_plugin_dock_widget("napari-farnet", "Train a model")
    assert again.follower.state == "running" and again.follower.run.process.pid == pid
    assert again.curves.epochs[0] == 1 and again.form.model_name.text() == "light"
    seen = len(again.curves.epochs)
    until(lambda: len(again.curves.epochs) > seen, "the next epoch")
    again.form.stop.click()
    until(lambda: idle(again), "the stop")


def test_two_docks_show_one_training(with_layers, begin, until, make_dock, fake_program):
    fake_program("--epochs", "500", "--seconds", "0.05")
    _, dock = with_layers
    begin(dock)
    _, other = make_dock()
    assert other.follower.run is dock.follower.run
    other.form.stop.click()
    until(lambda: idle(dock) and idle(other), "the stop")


def test_a_training_that_goes_on_without_napari_is_found(with_layers, begin, until, make_dock, fake_program, folders):
    fake_program("--epochs", "500", "--seconds", "0.05")
    viewer, dock = with_layers
    dock.form.keep_going.setChecked(True)
    begin(dock)
    run = dock.follower.run
    runs.end_all()  # what happens when napari closes
    run.forget()
    assert run.process.alive and is_running(run.folder)
    viewer.window.remove_dock_widget(dock)
    _, again = make_dock(viewer)
    assert again.follower.state == "running" and again.form.model_name.text() == "light"
    again.form.stop.click()
    until(lambda: idle(again), "the stop")
    assert state_of(folders / "runs" / "light") == "stopped"


def test_other_trainings_end_with_napari(with_layers, begin, fake_program, folders):
    fake_program("--epochs", "500", "--seconds", "0.05")
    _, dock = with_layers
    begin(dock)
    process = dock.follower.run.process
    runs.end_all()
    assert not process.alive and state_of(folders / "runs" / "light") == "resumable"
    assert EventReader(process.run / EVENTS_FILE).read()[-1]["kind"] == "interrupted"


def test_a_killed_process_can_be_resumed(with_layers, begin, until, fake_program):
    fake_program("--epochs", "500", "--seconds", "0.05")
    _, dock = with_layers
    begin(dock)
    os.kill(dock.follower.run.process.pid, signal.SIGKILL)
    until(lambda: idle(dock), "the end")
    assert "ended from outside by signal 9" in dock.status.text() and "Press Resume" in dock.status.text()
    assert dock.form.resume.isVisibleTo(dock)
    dock.form.train.click()
    assert "Resume it, discard it, or choose another name" in dock.status.text()
    before = len(dock.curves.epochs)
    dock.form.resume.click()
    until(lambda: dock.follower.state == "running" and len(dock.curves.epochs) > before, "the next epoch")
    assert dock.curves.epochs == list(range(1, len(dock.curves.epochs) + 1))
    dock.form.stop.click()
    until(lambda: idle(dock), "the stop")


@pytest.mark.parametrize(
    ("kind", "words"), [("oom", "Try a smaller batch"), ("disk", "press Resume"), ("diverged", "learning rate")]
)
def test_failures_come_with_advice(with_layers, begin, until, fake_program, kind, words):
    fake_program("--epochs", "1", "--fail", kind)
    _, dock = with_layers
    dock.form.train.click()
    until(lambda: idle(dock) and "failure" in dock.status.text(), "the failure")
    assert words in dock.status.text()
    assert any("failed" in record.message for record in notification_manager.records)


def test_a_process_that_cannot_begin(with_layers, until, fake_program):
    fake_program("--crash")
    _, dock = with_layers
    dock.form.train.click()
    until(lambda: idle(dock) and "exit code 3" in dock.status.text(), "the failure")
    assert "nothing is as it should be" in dock.status.text()
    assert dock.form.train.isEnabled()  # after mending, the same name can be used


class TestSources:
    def test_a_list_of_pairs(self, make_dock, stack, until):
        viewer, dock = make_dock()
        images, points, names = stack
        for n in range(2):
            viewer.add_image(images[n], name=f"skull {n}")
            viewer.add_points(points[:19, 1:], name=f"marks {n}", features={"name": names[:19]})
            dock._images.choose(viewer.layers[f"skull {n}"])
            assert "Radiographs with landmarks: 1" in dock.form.data_hint.text()
            dock.form.add_pair.click()
        assert dock.form.pairs.count() == 2 and "Radiographs with landmarks: 2" in dock.form.data_hint.text()
        viewer.layers.remove("skull 0")
        dock.form.train.click()
        assert "'skull 0' or its landmarks were removed" in dock.status.text()
        dock.form.pairs.setCurrentRow(0)
        dock.form.remove_pair.click()
        dock.form.train.click()
        assert "needs at least 2" in dock.status.text() and idle(dock)

    def test_without_layers(self, make_dock):
        _, dock = make_dock()
        dock.form.train.click()
        assert "Open radiographs and their landmarks" in dock.status.text()
        dock.form.add_pair.click()
        assert "Choose an image and its landmarks first" in dock.status.text()

    def test_points_without_names(self, make_dock, stack):
        viewer, dock = make_dock()
        viewer.add_image(stack[0])
        viewer.add_points(stack[1])
        assert "have no names" in dock.form.data_hint.text()
        dock.form.train.click()
        assert "have no names" in dock.status.text() and idle(dock)

    def test_a_folder(self, make_dock, begin, until, folders):
        _, dock = make_dock()
        dock.form.source.setCurrentIndex(1)
        dock.form.train.click()
        assert "Choose the folder of the radiographs" in dock.status.text()
        dock.form.folder.setText(str(folders / "knees"))
        begin(dock)
        until(lambda: idle(dock), "the end")

    def test_isbi(self, make_dock):
        _, dock = make_dock()
        dock.form.source.setCurrentIndex(2)
        dock.form.dataset.setText("isbi")
        assert dock.choice().data.words()[:4] == ["--data", "isbi", "--dataset", "isbi2015"]

    def test_landmarks_that_the_model_does_not_have(self, with_layers, monkeypatch):
        from farnet.scheme import load_scheme

        viewer, dock = with_layers
        hand = load_scheme("hand37")
        points = viewer.add_points(
            [(n, 10 + 3 * k, 20) for n in (0, 1) for k in range(37)], features={"name": list(hand.names) * 2}
        )
        dock._points.choose(points)
        dock.form.start.setCurrentIndex(dock.form.start.findText("ceph19-compact, trained further"))
        dock.form.train.click()
        assert "19 landmarks of 'cephalometric19'" in dock.status.text() and idle(dock)


class TestName:
    @pytest.mark.parametrize("name", ["", "  ", "a/b", "..", "-x", "größe", "x" * 101, "a b"])
    def test_odd_names_are_refused_as_they_are_typed(self, with_layers, name):
        _, dock = with_layers
        dock.form.model_name.setText(name)
        assert not dock.form.train.isEnabled() and dock.form.name_hint.text() == dock.form.train.toolTip()

    def test_a_name_that_is_taken(self, with_layers):
        _, dock = with_layers
        dock.form.model_name.setText("ceph19-compact")
        dock.form.train.click()
        assert "There is a model 'ceph19-compact' already" in dock.status.text() and idle(dock)

    def test_a_free_name_is_proposed(self, make_dock, folders):
        (folders / "runs" / "light").mkdir(parents=True)
        _, dock = make_dock()
        assert dock.form.model_name.text() == "light-2"
        dock.form.start.setCurrentIndex(1)
        assert dock.form.model_name.text() == "ceph19-compact-tuned"
        dock.form.model_name.setText("mine")
        dock.form.start.setCurrentIndex(0)
        assert dock.form.model_name.text() == "mine"


class TestStart:
    def test_a_model_brings_its_settings(self, make_dock):
        _, dock = make_dock()
        assert dock.form.preset.isVisibleTo(dock) and dock.form.settings["epochs"].value() == 60
        dock.form.start.setCurrentIndex(1)
        assert not dock.form.preset.isVisibleTo(dock)
        assert dock.form.settings["epochs"].value() == 20
        assert dock.form.settings["learning_rate"].value() == pytest.approx(1e-4)

    def test_a_file(self, make_dock, tmp_path):
        import torch
        from safetensors.torch import save_file

        _, dock = make_dock()
        path = tmp_path / "weights.safetensors"
        save_file({"x": torch.zeros(2)}, path)
        dock.form.weights_chosen.emit(str(path))
        assert dock.form.start_choice.kind == "backbone" and dock.form.start_choice.model == str(path)
        path.write_text("no weights")
        dock.form.weights_chosen.emit(str(path))
        assert "no readable .safetensors file" in dock.status.text()

    def test_new_models_are_listed_in_every_dock(self, make_dock, folders):
        from napari_farnet.model_events import model_events

        viewer, dock = make_dock()
        _, detect = viewer.window.add_plugin_dock_widget("napari-farnet", "Detect landmarks")
        dock.form.settings["epochs"].setValue(7)
        count = dock.form.start.count()
        models = folders / "models"
        models.mkdir()
        from farnet.zoo import find_model

        content = find_model("ceph19-compact").read_bytes().replace(b"ceph19-compact", b"ceph19-tunedxx")
        (models / "tuned.safetensors").write_bytes(content)
        model_events.changed.emit()
        assert dock.form.start.count() == count + 2
        assert dock.form.settings["epochs"].value() == 7  # what the user chose stays
        assert "models found" in detect.status.text()


def test_copy_command(make_dock, with_layers):
    _, dock = with_layers
    dock.copy_command.click()
    assert "The command line reads files" in dock.status.text()
    dock.form.source.setCurrentIndex(1)
    dock.form.folder.setText("my knees")
    dock.form.settings["epochs"].setValue(7)
    dock.copy_command.click()
    words = shlex.split(QGuiApplication.clipboard().text())
    assert words[:4] == ["farnet", "train", "--data", "my knees"] and "epochs=7" in words
    assert words[-2:] == ["--output", str(dock.folder)]


def test_the_preview_is_shown_on_demand(with_layers, begin, until, fake_program):
    fake_program("--epochs", "500", "--seconds", "0.05")
    viewer, dock = with_layers
    dock.form.show_preview.setChecked(False)
    begin(dock)
    assert len(viewer.layers) == 2
    dock.form.show_preview.setChecked(True)
    assert len(viewer.layers) == 7
    dock.form.show_preview.setChecked(False)
    assert len(viewer.layers) == 2
    dock.form.discard.click()
    until(lambda: "Discarded" in dock.status.text(), "the end")


def test_every_control_explains_itself(make_dock):
    from qtpy.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QListWidget, QProgressBar

    _, dock = make_dock()
    for kind in (QAbstractButton, QComboBox, QProgressBar, QAbstractSpinBox, QListWidget):
        for control in dock.form.findChildren(kind):
            # Parts of other controls (the clear button and the editor in a box) are explained by those.
            if not isinstance(control.parent(), QLineEdit | QListWidget):
                assert control.toolTip(), control
    assert dock.curves.toolTip()


def test_curves_follow_the_theme(with_layers, begin, until, fake_program):
    fake_program("--epochs", "500", "--seconds", "0.05")
    viewer, dock = with_layers
    begin(dock)
    before = dock.curves._plots[0].getAxis("left").textPen().color().name()
    viewer.theme = "light"
    assert dock.curves._plots[0].getAxis("left").textPen().color().name() != before
    dock.form.discard.click()
    until(lambda: "Discarded" in dock.status.text(), "the end")


def test_menus(make_napari_viewer, plugin, fake, fake_program):
    viewer = make_napari_viewer()
    from napari._app_model import get_app_model

    get_app_model().commands.execute_command("napari-farnet.train").result()
    assert any("Train a model" in name for name in viewer.window.dock_widgets)
