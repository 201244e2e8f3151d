"""The form of the dock by itself: what it offers, says and lets one press."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from farnet.devices import DeviceChoice
from napari_farnet.detect.form import DetectForm

DEVICES = [DeviceChoice("cuda", False, "no NVIDIA GPU"), DeviceChoice("cpu", True, "2 cores")]


@pytest.fixture
def form(qtbot):
    form = DetectForm()
    qtbot.addWidget(form)
    form.show()
    return form


def controls(form):
    return (form.image, form.model, form.refresh, form.device, form.heatmaps)


def test_every_control_says_what_it_is_for(form):
    for control in (*controls(form), form.slices, form.detect, form.cancel, form.progress, form.use_cpu):
        assert control.toolTip()


def test_idle(form):
    form.set_state("idle")
    assert form.detect.isEnabled() and not form.cancel.isEnabled() and not form.progress.isVisible()
    assert all(control.isEnabled() for control in controls(form))


def test_a_reason_not_to_detect(form):
    form.set_state("idle", "There is no image.")
    assert not form.detect.isEnabled() and form.detect.toolTip() == "There is no image."


@pytest.mark.parametrize(("state", "can_cancel"), [("running", True), ("stopping", False)])
def test_running(form, state, can_cancel):
    form.set_state(state)
    assert not form.detect.isEnabled() and form.cancel.isEnabled() == can_cancel and form.progress.isVisible()
    assert not any(control.isEnabled() for control in controls(form))
    form.set_progress(2, 5)
    assert (form.progress.value(), form.progress.maximum()) == (2, 5)


def test_buttons_ask(form, qtbot):
    form.set_state("idle")
    with qtbot.waitSignal(form.detect_requested):
        qtbot.mouseClick(form.detect, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(form.refresh_requested):
        qtbot.mouseClick(form.refresh, Qt.MouseButton.LeftButton)
    form.set_state("running")
    with qtbot.waitSignal(form.cancel_requested):
        qtbot.mouseClick(form.cancel, Qt.MouseButton.LeftButton)


def test_a_device_that_cannot_be_used_tells_why_and_cannot_be_chosen(form):
    form.set_devices(DEVICES, "auto")
    assert form.device_hint.text() == "cpu: 2 cores"
    assert not form.device.model().item(1).isEnabled() and form.device.model().item(2).isEnabled()
    assert form.device.itemData(1, Qt.ItemDataRole.ToolTipRole) == "no NVIDIA GPU"
    form.choose_device("cpu")
    assert form.device_hint.text() == "2 cores"


def test_a_preferred_device_that_is_gone_is_automatic(form):
    form.set_devices(DEVICES, "mps")
    assert form.device.currentData() == "auto"


def test_filling_a_list_tells_nobody(form, qtbot):
    with qtbot.assertNotEmitted(form.image_changed), qtbot.assertNotEmitted(form.model_changed):
        form.set_images([("one", 1), ("two", 2)], 2)
        form.set_models([("Model", "m")], "unknown")
    assert form.image.currentData() == 2 and form.model.currentData() == "m"
    with qtbot.waitSignal(form.image_changed):
        form.image.setCurrentIndex(0)


def test_slices_are_asked_for_only_in_stacks_and_remembered(form):
    form.set_slices("This slice (1)", "All 4 slices")
    form.slices.setCurrentIndex(1)
    assert form.slices.isVisible() and form.all_slices
    form.set_slices("This slice (2)", "All 4 slices")
    assert form.all_slices
    form.set_slices("", "")
    assert not form.slices.isVisible() and not form.all_slices


def test_a_long_name_does_not_make_the_dock_wide(form):
    before = form.minimumSizeHint().width()
    form.set_images([("a name " * 60, 1)], 1)
    assert form.minimumSizeHint().width() <= before + 5
