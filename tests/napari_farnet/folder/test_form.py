"""The form of the dock by itself: what it asks for, and what it lets one press."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QFileDialog, QLabel

from farnet.batch_request import BatchRequest
from farnet.devices import DeviceChoice
from farnet.errors import InvalidInputError
from napari_farnet.folder.form import FolderForm

DEVICES = [DeviceChoice("cuda", False, "no NVIDIA GPU"), DeviceChoice("cpu", True, "2 cores")]


@pytest.fixture
def form(qtbot):
    form = FolderForm()
    qtbot.addWidget(form)
    form.set_models([("Compact", "compact"), ("Large", "large")], "large")
    form.set_devices(DEVICES, "auto")
    form.set_work("&Detect", "", some=False)
    form.show()
    return form


def inputs(form):
    return (
        form.folder,
        form.browse,
        form.recursive,
        form.model,
        form.device,
        form.output,
        form.browse_output,
        form.spacing,
        form.detector_spacing,
        form.overlay,
    )


def test_every_control_says_what_it_is_for(form):
    others = (form.anew, form.detect, form.stop, form.progress, form.only_failed, form.copy_table, form.table)
    assert all(control.toolTip() for control in (*inputs(form), *others))


def test_no_letter_is_for_two_controls(form):
    texts = [item.text() for kind in (QAbstractButton, QLabel) for item in form.findChildren(kind)] + ["&Resume"]
    letters = Counter(text.partition("&")[2][0].lower() for text in texts if "&" in text)
    assert len(letters) >= 12
    assert max(letters.values()) == 1


def test_the_folder_is_enough(form):
    form.folder.setText("scans")
    assert form.request() == BatchRequest(
        radiographs=(Path("scans"),), model="large", output=Path("scans") / "landmarks.csv", resume=True
    )
    assert form.output.placeholderText() == str(Path("scans") / "landmarks.csv")


def test_everything(form):
    form.folder.setText("  scans ")
    form.recursive.setChecked(True)
    form.model.setCurrentIndex(0)
    form.device.setCurrentIndex(form.device.findData("cpu"))
    form.output.setText("out/all.coco.json")
    form.spacing.setText("0.1, 0.2")
    form.detector_spacing.setChecked(True)
    form.overlay.setChecked(True)
    form.set_work("&Detect", "", some=True)
    form.anew.setChecked(True)
    assert form.request() == BatchRequest(
        radiographs=(Path("scans"),),
        recursive=True,
        model="compact",
        device="cpu",
        output=Path("out/all.coco.json"),
        spacing=(0.1, 0.2),
        detector_spacing=True,
        overlay=True,
        force=True,
    )


def test_the_home_folder(form):
    form.folder.setText("~/scans")
    assert form.request().radiographs == (Path.home() / "scans",)


@pytest.mark.parametrize(
    ("folder", "spacing", "message"),
    [("", "", "Choose a folder"), ("scans", "wide", "wide"), ("scans", "0", "above zero"), ("scans", "1,2,3", "above")],
)
def test_what_cannot_be_asked_for(form, folder, spacing, message):
    form.folder.setText(folder)
    form.spacing.setText(spacing)
    with pytest.raises(InvalidInputError, match=message):
        form.request()


def test_without_a_model_it_says_what_to_do(form):
    form.folder.setText("scans")
    form.set_models([], "")
    with pytest.raises(InvalidInputError, match="folder of models"):
        form.request()


def test_every_change_of_what_is_to_be_done_is_told(form, qtbot):
    for change in (
        lambda: form.folder.setText("a"),
        lambda: form.output.setText("b.csv"),
        lambda: form.spacing.setText("0.1"),
        lambda: form.recursive.setChecked(True),
        lambda: form.detector_spacing.setChecked(True),
        lambda: form.overlay.setChecked(True),
        lambda: form.model.setCurrentIndex(0),
    ):
        with qtbot.waitSignal(form.changed):
            change()
    with qtbot.assertNotEmitted(form.changed):
        form.device.setCurrentIndex(2)  # where it runs changes nothing of what there is to do
        form.only_failed.setChecked(True)


def test_a_device_that_cannot_be_used_says_why(form):
    place = form.device.findData("cuda")
    assert not form.device.model().item(place).isEnabled()
    assert form.device.itemData(place, Qt.ItemDataRole.ToolTipRole) == "no NVIDIA GPU"
    assert form.device.currentData() == "auto"


def test_a_reason_not_to_detect(form):
    form.set_work("&Detect", "There is no folder.", some=False)
    assert not form.detect.isEnabled() and form.detect.toolTip() == "There is no folder."
    assert not form.anew.isVisible()


def test_going_on_or_beginning_anew(form):
    form.set_work("&Resume (2 of 4 done)", "", some=True)
    assert form.detect.text() == "&Resume (2 of 4 done)" and form.detect.isEnabled()
    form.anew.click()
    assert form.detect.text() == "&Detect"
    form.set_work("&Detect", "", some=False)
    assert not form.anew.isChecked()  # what is not seen is not asked for


def test_what_cannot_be_gone_on_with_can_be_replaced(form):
    form.set_work("&Detect", "", some=True, obstacle="The table is of another model.")
    assert not form.detect.isEnabled() and "another model" in form.detect.toolTip()
    form.anew.click()
    assert form.detect.isEnabled()
    form.anew.click()
    assert not form.detect.isEnabled()


@pytest.mark.parametrize(("state", "can_stop"), [("running", True), ("stopping", False)])
def test_running(form, state, can_stop):
    form.set_running(state)
    assert not form.detect.isEnabled() and form.stop.isEnabled() == can_stop and form.progress.isVisible()
    assert not any(control.isEnabled() for control in inputs(form))
    assert form.table.isEnabled() and form.only_failed.isEnabled() and form.copy_table.isEnabled()
    form.set_progress(2, 5, "2 of 5")
    assert (form.progress.value(), form.progress.maximum(), form.progress.text()) == (2, 5, "2 of 5")
    form.set_running("idle")
    assert form.detect.isEnabled() and not form.stop.isEnabled() and not form.progress.isVisible()
    assert all(control.isEnabled() for control in inputs(form))


def test_buttons_ask(form, qtbot):
    with qtbot.waitSignal(form.detect_requested):
        qtbot.mouseClick(form.detect, Qt.MouseButton.LeftButton)
    form.set_running("running")
    with qtbot.waitSignal(form.stop_requested):
        qtbot.mouseClick(form.stop, Qt.MouseButton.LeftButton)


def test_folder_and_table_are_chosen_in_a_dialog(form, monkeypatch):
    asked = []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "/scans")
    form.browse.click()
    assert form.folder.text() == "/scans"

    def save(_parent, _title, start, _kinds, options):
        asked.append((start, options))
        return "/out/all.csv", ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", save)
    form.browse_output.click()
    assert form.output.text() == "/out/all.csv"
    ((start, options),) = asked
    assert Path(start) == Path("/scans/landmarks.csv")
    assert options == QFileDialog.Option.DontConfirmOverwrite  # what is there is gone on with
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    form.browse.click()
    assert form.folder.text() == "/scans"
