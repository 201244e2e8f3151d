"""The dock, in a real viewer, on a folder of made-up radiographs, with a detector that needs no model."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from farnet import read_annotations
from farnet.batch_journal import Journal
from farnet.errors import DeviceError
from napari_farnet.record import record_of


@pytest.fixture
def folder(tmp_path, radiograph_pixels):
    """Three small radiographs that differ, and a file that is none."""
    place = tmp_path / "scans"
    place.mkdir()
    for number, name in enumerate("abd"):
        Image.fromarray(np.roll(radiograph_pixels, 5 * number, axis=0)).save(place / f"{name}.png")
    (place / "c.png").write_text("no picture")
    return place


@pytest.fixture
def open_dock(make_napari_viewer_proxy, plugin, fake):
    """Opens a viewer with the dock in it; gives (viewer, dock)."""

    def make(**keywords):
        viewer = make_napari_viewer_proxy(**keywords)
        _, dock = viewer.window.add_plugin_dock_widget("napari-farnet", "Detect in a folder")
        return viewer, dock

    return make


@pytest.fixture
def look(qtbot):
    """Chooses a folder and waits until it is known what is in it."""

    def choose(dock, folder):
        dock.form.folder.setText(str(folder))
        listed(qtbot, dock)

    return choose


def listed(qtbot, dock):
    def told():
        return not dock._later.isActive() and "\N{HORIZONTAL ELLIPSIS}" not in dock.form.count.text()

    qtbot.waitUntil(told, timeout=10_000)


@pytest.fixture
def run(qtbot):
    """Presses Detect and waits for the end."""

    def press_and_wait(dock):
        assert dock.form.detect.isEnabled(), dock.form.detect.toolTip()
        dock.form.detect.click()
        ended(qtbot, dock)

    return press_and_wait


def ended(qtbot, dock):
    qtbot.waitUntil(lambda: not dock.form.progress.isVisibleTo(dock), timeout=20_000)


def states(dock):
    return [(row.name, row.state) for row in dock.form.table.radiographs.rows]


def double_click(qtbot, dock, row):
    """Double-click a row as it is shown, with the mouse."""
    table = dock.form.table
    table.scrollTo(table.model().index(row, 0))
    place = table.visualRect(table.model().index(row, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_from_a_folder_to_landmarks_in_the_viewer(open_dock, look, run, folder, qtbot):
    viewer, dock = open_dock(show=True)
    assert not dock.form.detect.isEnabled() and "Choose a folder" in dock.status.text()
    look(dock, folder)
    assert dock.form.count.text() == "4 radiographs"
    assert states(dock) == [(name, "waiting") for name in "abcd"]
    assert "4 to do" in dock.status.text()
    assert dock.form.detect.text() == "&Detect" and not dock.form.anew.isVisibleTo(dock)

    run(dock)
    assert states(dock) == [("a", "done"), ("b", "done"), ("c", "failed"), ("d", "done")]
    rows = dock.form.table.radiographs.rows
    assert rows[0].cells[2:6] == ("19 of 19", "0.40", rows[0].cells[4], "0.5")
    assert "c.png" in rows[2].message
    assert "3 done, 1 failed of 4" in dock.status.text()
    assert str(folder / "landmarks.csv") in dock.status.text()
    assert [item.radiograph for item in read_annotations(folder / "landmarks.csv")] == ["a", "b", "d"]
    assert not Journal(folder / "landmarks.csv").exists()
    assert dock.form.detect.text() == "&Resume (3 of 4 done)"
    assert len(viewer.layers) == 0  # nothing is opened that nobody asked for

    dock.form.only_failed.click()
    assert dock.form.table.model().rowCount() == 1
    dock.form.table.selectRow(0)
    assert rows[2].message in dock.status.text()
    dock.form.only_failed.click()
    double_click(qtbot, dock, 1)
    assert [layer.name for layer in viewer.layers] == ["b", "b landmarks"]
    points = viewer.layers["b landmarks"]
    np.testing.assert_allclose(points.data, rows[1].landmarks.points)
    assert points.mode == "select" and "19 of 19" in dock.status.text()
    double_click(qtbot, dock, 2)
    assert "c.png" in dock.status.text() and len(viewer.layers) == 2
    double_click(qtbot, dock, 3)
    assert [layer.name for layer in viewer.layers] == ["d", "d landmarks"]

    dock.form.copy_table.click()
    assert QApplication.clipboard().text().count("\n") == 5
    dock.copy_command.click()
    text = QApplication.clipboard().text()
    assert text.startswith("farnet detect ") and "--resume" in text and "--model fake" in text


def test_stop_and_resume(open_dock, look, folder, fake, qtbot):
    _, dock = open_dock()
    look(dock, folder)
    fake.delay = 0.1
    dock.form.detect.click()
    assert dock.form.stop.isEnabled() and not dock.form.folder.isEnabled()
    qtbot.waitUntil(lambda: states(dock)[:2] == [("a", "done"), ("b", "running")], timeout=20_000)
    dock.form.stop.click()
    assert dock.form.stop.text().startswith("Stopping") and not dock.form.stop.isEnabled()
    ended(qtbot, dock)
    assert "Stopped" in dock.status.text()
    assert "running" not in dict(states(dock)).values()
    found = {name for name, state in states(dock) if state == "done"}
    assert found and "d" not in found
    assert {item.radiograph for item in read_annotations(folder / "landmarks.csv")} == found
    fake.delay = 0.0
    assert dock.form.detect.text().startswith("&Resume")
    before = len(fake.stages)
    dock.form.detect.click()
    ended(qtbot, dock)
    assert dict(states(dock))["a"] == "skipped" and dict(states(dock))["d"] == "done"
    assert len(fake.stages) - before == 3 * (3 - len(found))
    assert len(fake.made) == 1  # the model stayed loaded
    assert f"{len(found)} as before" in dock.status.text()
    assert len(read_annotations(folder / "landmarks.csv")) == 3


def test_a_folder_that_was_done_before_is_shown_and_can_be_done_anew(open_dock, look, run, folder, fake, qtbot):
    viewer, dock = open_dock()
    look(dock, folder)
    run(dock)
    viewer, dock = open_dock()  # another day
    look(dock, folder)
    assert dock.form.detect.text() == "&Resume (3 of 4 done)"
    assert [state for _, state in states(dock)] == ["done", "done", "waiting", "done"]
    dock.open_radiograph(0)
    assert [layer.name for layer in viewer.layers] == ["a", "a landmarks"]
    assert dock.form.anew.isVisibleTo(dock)
    dock.form.anew.click()
    before = len(fake.stages)
    run(dock)
    assert len(fake.stages) - before == 9
    assert not dock.form.anew.isChecked()  # so that what is there is not replaced twice
    # Another model cannot go on with the table, but replace it.
    dock.form.model.setCurrentIndex(1)
    listed(qtbot, dock)
    assert not dock.form.detect.isEnabled() and "not from other" in dock.status.text()
    dock.form.anew.click()
    run(dock)
    assert {item.provenance["model_sha256"] for item in read_annotations(folder / "landmarks.csv")} == {"1" * 64}


def test_corrections_are_never_overwritten(open_dock, look, run, folder, drag):
    viewer, dock = open_dock()
    look(dock, folder)
    run(dock)
    before = (folder / "landmarks.csv").read_bytes()
    dock.open_radiograph(0)
    points = viewer.layers["a landmarks"]
    drag(points, 4, (8, 8))
    moved = np.array(points.data)
    dock.open_radiograph(1)
    run(dock)  # Resume
    dock.open_radiograph(3)
    dock.open_radiograph(0)
    assert viewer.layers["a landmarks"] == points and points.visible
    np.testing.assert_array_equal(points.data, moved)
    assert (folder / "landmarks.csv").read_bytes() == before


def test_looking_at_results_while_it_runs(open_dock, look, folder, fake, qtbot):
    viewer, dock = open_dock()
    look(dock, folder)
    fake.delay = 0.05
    dock.form.detect.click()
    qtbot.waitUntil(lambda: ("a", "done") in states(dock), timeout=20_000)
    dock.open_radiograph(0)
    assert [layer.name for layer in viewer.layers] == ["a", "a landmarks"]
    dock.open_radiograph(3)
    assert "no landmarks yet" in dock.status.text()
    viewer.layers.clear()
    ended(qtbot, dock)
    assert states(dock)[3] == ("d", "done")
    dock.open_radiograph(3)
    (landmarks,) = record_of(viewer.layers["d landmarks"].metadata).landmarks
    assert landmarks.radiograph == "d"


def test_what_is_in_the_folder_is_told(open_dock, look, folder, tmp_path, qtbot):
    _, dock = open_dock()
    look(dock, tmp_path / "nowhere")
    assert "is no folder" in dock.status.text() and not dock.form.detect.isEnabled()
    (tmp_path / "empty").mkdir()
    look(dock, tmp_path / "empty")
    assert "holds no radiographs" in dock.status.text() and states(dock) == []
    look(dock, tmp_path)
    assert "Sub-folders" in dock.status.text()
    dock.form.recursive.click()
    listed(qtbot, dock)
    assert len(states(dock)) == 4
    dock.form.spacing.setText("wide")
    listed(qtbot, dock)
    assert "wide" in dock.status.text() and not dock.form.detect.isEnabled()
    dock.form.spacing.setText("")
    (tmp_path / "scans" / "landmarks.csv").write_text("precious")
    look(dock, folder)
    assert "landmarks.csv" in dock.status.text() and not dock.form.detect.isEnabled()
    dock.form.anew.click()
    assert dock.form.detect.isEnabled()
    look(dock, "")
    assert "Choose a folder" in dock.status.text() and states(dock) == []


def test_an_answer_that_comes_too_late_is_not_taken_for_another_folder(open_dock, folder, tmp_path, qtbot):
    _, dock = open_dock()
    dock.form.folder.setText(str(folder))
    dock.look()
    dock.form.folder.setText(str(tmp_path))  # before it is known what is in the first
    qtbot.wait(150)
    assert states(dock) == [] and not dock.form.detect.isEnabled()
    listed(qtbot, dock)
    assert "holds no radiographs" in dock.status.text()


def test_a_lost_device_ends_the_run_and_says_so(open_dock, look, folder, fake, qtbot):
    _, dock = open_dock()
    look(dock, folder)
    fake.fail = DeviceError("cuda has too little memory")
    dock.form.detect.click()
    ended(qtbot, dock)
    assert "too little memory" in dock.status.text()
    assert fake.closed == 1
    assert [state for _, state in states(dock)] == ["waiting"] * 4
    fake.fail = None
    dock.form.detect.click()
    ended(qtbot, dock)
    assert "3 done" in dock.status.text()


def test_the_dock_is_closed_meanwhile(open_dock, look, folder, fake, qtbot):
    viewer, dock = open_dock()
    look(dock, folder)
    fake.delay = 0.05
    dock.form.detect.click()
    qtbot.waitUntil(lambda: bool(fake.stages), timeout=20_000)
    known = weakref.ref(dock)
    viewer.window.remove_dock_widget(dock)
    dock.deleteLater()
    del dock
    qtbot.waitUntil(lambda: fake.closed == 1, timeout=20_000)  # it ends after its radiograph, and frees the model
    assert [item.radiograph for item in read_annotations(folder / "landmarks.csv")] == ["a"]
    qtbot.wait(300)
    gc.collect()
    assert known() is None
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("farnet-read")]
    viewer.layers.clear()


def test_the_viewer_is_closed_meanwhile(open_dock, look, folder, fake, qtbot):
    viewer, dock = open_dock()
    look(dock, folder)
    fake.delay = 0.05
    dock.form.detect.click()
    qtbot.waitUntil(lambda: bool(fake.stages), timeout=20_000)
    del dock
    viewer.close()
    qtbot.waitUntil(lambda: fake.closed == 1, timeout=20_000)
    assert [item.radiograph for item in read_annotations(folder / "landmarks.csv")] == ["a"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("farnet-read")]


def test_two_viewers_with_a_folder_each(open_dock, look, run, folder, tmp_path, radiograph_pixels):
    other = tmp_path / "other"
    other.mkdir()
    Image.fromarray(radiograph_pixels[::-1]).save(other / "x.png")
    one, dock_one = open_dock()
    two, dock_two = open_dock()
    look(dock_one, folder)
    look(dock_two, other)
    run(dock_two)
    assert [state for _, state in states(dock_one)] == ["waiting"] * 4
    dock_two.open_radiograph(0)
    assert len(one.layers) == 0 and len(two.layers) == 2
    run(dock_one)
    dock_one.open_radiograph(0)
    assert [layer.name for layer in one.layers] == ["a", "a landmarks"]
    assert [layer.name for layer in two.layers] == ["x", "x landmarks"]
