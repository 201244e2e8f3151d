"""The dock, in a real viewer, with a detector that needs no model."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.utils.notifications import notification_manager

from farnet.errors import DeviceError
from napari_farnet.record import kind_of, record_of


@pytest.fixture
def wait(qtbot):
    """Waits until the detection that runs in a dock has ended, and its layers are in the viewer."""

    def until_idle(dock):
        qtbot.waitUntil(lambda: not dock.form.progress.isVisibleTo(dock), timeout=20_000)
        qtbot.wait(50)

    return until_idle


@pytest.fixture
def run(wait):
    """Presses Detect and waits for the end."""

    def press_and_wait(dock):
        dock.form.detect.click()
        wait(dock)

    return press_and_wait


def names(viewer):
    return [layer.name for layer in viewer.layers]


def test_detects_and_adds_layers(make_dock, run, radiograph_pixels):
    viewer, dock = make_dock()
    viewer.add_image(radiograph_pixels, name="skull", scale=(0.1, 0.2), units="mm", translate=(3, 4), rotate=20)
    run(dock)
    assert names(viewer) == ["skull", "skull heatmaps", "skull landmarks"]
    image, heatmaps, points = viewer.layers
    assert len(points.data) == 19
    assert {"name", "abbreviation", "confidence", "sd_mm", "source", "model"} <= set(points.features)
    assert points.face_colorbar.visible
    (landmarks,) = record_of(points.metadata).landmarks
    assert landmarks.spacing == pytest.approx((0.1, 0.2))
    np.testing.assert_allclose(points.data, landmarks.points)
    np.testing.assert_allclose(points.data_to_world((5, 6)), image.data_to_world((5, 6)))
    assert points.units == heatmaps.units == image.units
    assert kind_of(heatmaps.metadata) == "heatmaps"
    assert "19 landmarks" in dock.status.text()
    assert "Least certain: Articulare" in dock.status.text()
    assert viewer.layers.selection.active == points
    assert points.mode == "select"


def test_without_heatmaps(make_dock, run, radiograph_pixels):
    viewer, dock = make_dock()
    viewer.add_image(radiograph_pixels, name="skull")
    dock.form.heatmaps.setCurrentIndex(dock.form.heatmaps.findData("none"))
    run(dock)
    assert names(viewer) == ["skull", "skull landmarks"]


def test_selecting_a_point_shows_its_heatmap(make_dock, run, radiograph_pixels):
    viewer, dock = make_dock()
    viewer.add_image(radiograph_pixels, name="skull")
    dock.form.heatmaps.setCurrentIndex(dock.form.heatmaps.findData("each"))
    run(dock)
    _, heatmaps, points = viewer.layers
    combined = np.array(heatmaps.data)
    points.selected_data = {3}
    assert not np.array_equal(heatmaps.data, combined)
    np.testing.assert_array_equal(heatmaps.data, heatmaps.metadata["farnet"]["maps"][3])


def test_a_moved_point_is_marked(make_dock, run, radiograph_pixels, drag):
    viewer, dock = make_dock()
    viewer.add_image(radiograph_pixels, name="skull")
    run(dock)
    points = viewer.layers["skull landmarks"]
    drag(points, 4, (10, 10))
    np.testing.assert_array_equal(np.flatnonzero(points.features["edited"]), [4])


def test_a_second_detection_overwrites_nothing(make_dock, run, radiograph_pixels):
    viewer, dock = make_dock()
    viewer.add_image(radiograph_pixels, name="skull")
    run(dock)
    run(dock)
    assert len(viewer.layers) == 5
    assert "skull landmarks [1]" in names(viewer)


@pytest.mark.parametrize("every", [False, True])
def test_stack(make_dock, run, radiograph_pixels, every):
    viewer, dock = make_dock()
    stack = da.stack([da.from_array(radiograph_pixels[::-1]), *[da.from_array(radiograph_pixels)] * 3])
    viewer.add_image(stack, name="skulls", scale=(2, 0.1, 0.1))
    viewer.dims.set_current_step(0, 2)
    assert "2" in dock.form.slices.itemText(0)
    assert "All 4" in dock.form.slices.itemText(1)
    dock.form.slices.setCurrentIndex(int(every))
    run(dock)
    _, heatmaps, points = viewer.layers
    slices = [0, 1, 2, 3] if every else [2]
    assert sorted(set(points.data[:, 0])) == slices
    assert len(points.data) == 19 * len(slices)
    assert len(heatmaps.data) == len(slices)
    assert heatmaps.data_to_world((0, 0, 0))[0] == slices[0] * 2


@pytest.mark.parametrize("make", ["rgb", "multiscale"])
def test_kinds_of_image(make_dock, run, radiograph_pixels, make):
    viewer, dock = make_dock()
    if make == "rgb":
        viewer.add_image(np.stack([radiograph_pixels] * 3, axis=-1), name="skull", rgb=True)
    else:
        viewer.add_image([radiograph_pixels, radiograph_pixels[::2, ::2]], name="skull", multiscale=True)
    run(dock)
    points = viewer.layers["skull landmarks"]
    assert record_of(points.metadata).landmarks[0].image_shape == (240, 180)


def test_slices_are_offered_for_stacks_only(make_dock, radiograph_pixels):
    viewer, dock = make_dock()
    viewer.add_image(radiograph_pixels, name="one")
    assert not dock.form.slices.isVisibleTo(dock)
    viewer.add_image(np.stack([radiograph_pixels] * 2), name="two")
    assert dock.form.image.currentText() == "two"
    assert dock.form.slices.isVisibleTo(dock)


def test_labels_are_refused_with_words(make_dock, radiograph_pixels):
    viewer, dock = make_dock()
    assert not dock.form.detect.isEnabled()
    assert "no image" in dock.form.detect.toolTip()
    viewer.add_labels(radiograph_pixels // 50, name="cells")
    assert not dock.form.detect.isEnabled()
    assert "'cells' is a labels layer" in dock.status.text()
    assert dock.form.image.count() == 0
    viewer.add_image(radiograph_pixels, name="skull")
    assert dock.form.detect.isEnabled()


def test_the_list_of_images_follows_the_viewer(make_dock, run, radiograph_pixels):
    viewer, dock = make_dock()
    viewer.add_image(radiograph_pixels, name="a")
    viewer.add_image(radiograph_pixels, name="b")
    run(dock)  # heatmaps are images of napari's, and no radiographs

    def listed():
        return {dock.form.image.itemText(row) for row in range(dock.form.image.count())}

    assert listed() == {"a", "b"}
    viewer.layers["a"].name = "c"
    assert listed() == {"b", "c"}
    viewer.layers.selection.active = viewer.layers["c"]
    assert dock.form.image.currentText() == "c"
    viewer.layers.remove("c")
    assert listed() == {"b"}
    assert dock.form.image.currentText() == "b"


def test_cancel(make_dock, wait, fake, qtbot, radiograph_pixels):
    viewer, dock = make_dock()
    viewer.add_image(radiograph_pixels, name="skull")
    fake.delay = 0.2
    dock.form.detect.click()
    assert not dock.form.detect.isEnabled()
    assert dock.form.cancel.isEnabled()
    qtbot.waitUntil(lambda: bool(fake.stages))
    dock.form.cancel.click()
    assert dock.form.cancel.text().startswith("Cancelling")
    wait(dock)
    assert names(viewer) == ["skull"]
    assert "Cancelled" in dock.status.text()
    assert len(fake.stages) < 3
    fake.delay = 0.0
    dock.form.detect.click()
    wait(dock)
    assert len(viewer.layers) == 3
    assert len(fake.made) == 1  # the model stayed loaded


@pytest.mark.parametrize("delay", [0, 1, 5, 20, 60, 120])
def test_cancel_at_any_moment(make_dock, wait, fake, qtbot, radiograph_pixels, delay):
    viewer, dock = make_dock()
    viewer.add_image(radiograph_pixels, name="skull")
    fake.delay = 0.02
    dock.form.detect.click()
    if delay:
        qtbot.wait(delay)
    dock.form.cancel.click()
    wait(dock)
    assert names(viewer) in (["skull"], ["skull", "skull heatmaps", "skull landmarks"])
    assert dock.form.detect.isEnabled()


def test_the_image_is_removed_meanwhile(make_dock, wait, fake, qtbot, radiograph_pixels):
    viewer, dock = make_dock()
    viewer.add_image(radiograph_pixels, name="skull")
    viewer.add_image(radiograph_pixels, name="other")
    viewer.layers.selection.active = viewer.layers["skull"]
    fake.delay = 0.1
    dock.form.detect.click()
    qtbot.waitUntil(lambda: bool(fake.stages))
    viewer.layers.remove("skull")
    wait(dock)
    assert names(viewer) == ["other"]
    assert "'skull' was removed" in dock.status.text()
    assert dock.form.detect.isEnabled()


def test_the_image_is_renamed_and_moved_meanwhile(make_dock, wait, fake, qtbot, radiograph_pixels):
    viewer, dock = make_dock()
    image = viewer.add_image(radiograph_pixels, name="skull")
    fake.delay = 0.1
    dock.form.detect.click()
    qtbot.waitUntil(lambda: bool(fake.stages))
    image.name = "renamed"
    image.translate = (100, 200)
    wait(dock)
    assert names(viewer) == ["renamed", "renamed heatmaps", "renamed landmarks"]
    np.testing.assert_array_equal(viewer.layers["renamed landmarks"].translate, (100, 200))


def test_other_layers_come_and_go_meanwhile(make_dock, wait, fake, qtbot, radiograph_pixels):
    viewer, dock = make_dock()
    viewer.add_image(radiograph_pixels, name="skull")
    fake.delay = 0.1
    dock.form.detect.click()
    qtbot.waitUntil(lambda: bool(fake.stages))
    viewer.add_image(radiograph_pixels, name="other")
    viewer.add_labels(radiograph_pixels // 50)
    viewer.layers.remove("other")
    wait(dock)
    assert "skull landmarks" in names(viewer)


def test_the_dock_is_closed_meanwhile(make_dock, fake, qtbot, radiograph_pixels):
    viewer, dock = make_dock()
    viewer.add_image(radiograph_pixels, name="skull")
    fake.delay = 0.1
    dock.form.detect.click()
    qtbot.waitUntil(lambda: bool(fake.stages))
    viewer.window.remove_dock_widget(dock)
    dock.deleteLater()
    del dock
    qtbot.waitUntil(lambda: fake.closed == 1, timeout=5_000)
    assert names(viewer) == ["skull"]
    viewer.add_image(radiograph_pixels, name="nobody listens any more")


def test_the_viewer_is_closed_meanwhile(make_dock, fake, qtbot, radiograph_pixels):
    viewer, dock = make_dock()
    viewer.add_image(radiograph_pixels, name="skull")
    fake.delay = 0.2
    dock.form.detect.click()
    qtbot.waitUntil(lambda: bool(fake.stages))
    viewer.close()
    del dock, viewer
    qtbot.waitUntil(lambda: fake.closed == 1, timeout=5_000)
    qtbot.wait(100)


def test_out_of_gpu_memory_offers_the_cpu(make_dock, run, wait, fake, radiograph_pixels):
    viewer, dock = make_dock()
    viewer.add_image(radiograph_pixels, name="skull")
    fake.fail = DeviceError("cuda has too little free memory")
    run(dock)
    assert "too little free memory" in dock.status.text()
    assert "too little free memory" in notification_manager.records[-1].message
    assert fake.closed == 1
    assert dock.form.use_cpu.isVisibleTo(dock)
    assert names(viewer) == ["skull"]
    fake.fail = None
    dock.form.use_cpu.click()
    wait(dock)
    assert fake.made[-1] == ("fake", "cpu")
    assert not dock.form.use_cpu.isVisibleTo(dock)
    assert "skull landmarks" in names(viewer)


def test_a_bug_is_not_hidden(make_dock, run, fake, radiograph_pixels):
    viewer, dock = make_dock()
    viewer.add_image(radiograph_pixels, name="skull")
    fake.fail = RuntimeError("shapes cannot be multiplied")
    run(dock)
    assert "shapes cannot be multiplied" in dock.status.text()
    assert notification_manager.records[-1].exception is fake.fail
    assert dock.form.detect.isEnabled()


def test_a_radiograph_that_cannot_be_used(make_dock, run, radiograph_pixels):
    viewer, dock = make_dock()
    viewer.add_image(np.zeros_like(radiograph_pixels), name="black")
    run(dock)
    assert "there is no picture to look at" in dock.status.text()
    assert not dock.form.use_cpu.isVisibleTo(dock)


def test_a_cut_across_a_stack(make_dock, run, radiograph_pixels):
    viewer, dock = make_dock()
    viewer.add_image(np.stack([radiograph_pixels] * 3), name="skulls")
    viewer.dims.order = (1, 0, 2)
    run(dock)
    assert "cut across the radiographs of 'skulls'" in dock.status.text()


def test_devices_are_listed_with_their_reasons(make_dock, qtbot):
    _, dock = make_dock()
    assert [dock.form.device.itemText(row) for row in range(2)] == ["Automatic", "cpu"]
    qtbot.waitUntil(lambda: dock.form.device.count() == 3)
    assert [dock.form.device.itemText(row) for row in range(3)] == ["Automatic", "cuda", "cpu"]
    assert dock.form.device_hint.text() == "cpu: 2 cores"
    assert not dock.form.device.model().item(1).isEnabled()
    dock.form.choose_device("cpu")
    assert dock.form.device_hint.text() == "2 cores"


def test_a_device_can_be_chosen_before_they_are_listed(make_dock, qtbot):
    from napari.settings import get_plugin_settings

    get_plugin_settings("napari-farnet").detection.device = "cpu"
    _, dock = make_dock()
    assert dock.form.device.currentData() == "cpu"
    dock.form.choose_device("auto")
    qtbot.waitUntil(lambda: dock.form.device.count() == 3)
    assert dock.form.device.currentData() == "auto"


def test_models_are_listed_and_looked_for_again(make_dock, monkeypatch):
    from napari_farnet.detect import models

    _, dock = make_dock()
    assert dock.form.model.currentText() == "Fake model"
    assert "19 landmarks" in dock.form.model_hint.text()
    dock.form.model.setCurrentIndex(1)
    more = [*models.available_models(), models.ModelChoice("new", "New model", "")]
    monkeypatch.setattr(models, "available_models", lambda: more)
    monkeypatch.setattr(models, "unreadable_models", lambda: ["x.safetensors is damaged"])
    dock.form.refresh.click()
    assert dock.form.model.count() == 3
    assert dock.form.model.currentData() == "other"
    assert "x.safetensors is damaged" in dock.status.text()


def test_without_models_there_is_a_reason(make_dock, monkeypatch, radiograph_pixels):
    from napari_farnet.detect import models

    viewer, dock = make_dock()
    viewer.add_image(radiograph_pixels)
    monkeypatch.setattr(models, "available_models", list)
    monkeypatch.setattr(models, "unreadable_models", list)
    dock.form.refresh.click()
    assert not dock.form.detect.isEnabled()
    assert "There is no model" in dock.form.detect.toolTip()


def test_every_control_explains_itself(make_dock):
    from qtpy.QtWidgets import QAbstractButton, QComboBox, QProgressBar

    _, dock = make_dock()
    for kind in (QAbstractButton, QComboBox, QProgressBar):
        assert all(control.toolTip() for control in dock.form.findChildren(kind))


def test_settings_choose_what_the_dock_begins_with(make_dock):
    from napari.settings import get_plugin_settings

    get_plugin_settings("napari-farnet").detection.heatmaps = "each"
    get_plugin_settings("napari-farnet").detection.model = "other"
    _, dock = make_dock()
    assert dock.form.heatmaps.currentData() == "each"
    assert dock.form.model.currentData() == "other"


def test_menus(make_napari_viewer, plugin, fake, qtbot):
    viewer = make_napari_viewer()
    from napari._app_model import get_app_model

    get_app_model().commands.execute_command("napari-farnet.detect").result()
    assert any("Detect landmarks" in name for name in viewer.window.dock_widgets)
