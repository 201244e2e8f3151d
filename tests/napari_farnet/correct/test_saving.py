"""A correction that cannot be saved stays where it is, is said, and holds everything that would leave it behind."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from farnet.autosave import Autosave, Work, autosave_folder
from farnet.formats import read_annotations, write_annotations
from farnet.radiograph import read_radiograph
from napari_farnet.correct import saving, unsaved
from napari_farnet.ending import _do_all
from napari_farnet.opening import add_landmarks, add_radiograph


@pytest.fixture
def folder(tmp_path, landmarks_on):
    """Three radiographs with predictions."""
    root = tmp_path / "radiographs"
    root.mkdir()
    found = []
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 255, (120 + 10 * number, 90), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"p{number}.png")
        found.append(landmarks_on(read_radiograph(root / f"p{number}.png")))
    write_annotations(root / "landmarks.csv", found)
    return root


@pytest.fixture
def open_dock(make_napari_viewer_proxy, plugin, fake, blocked):
    """Opens a window with the dock; whatever fails to be saved can be saved again at its end."""

    def make(**keywords):
        viewer = make_napari_viewer_proxy(**keywords)
        _, dock = viewer.window.add_plugin_dock_widget("napari-farnet", "Correct landmarks")
        QApplication.processEvents()
        return viewer, dock

    yield make
    unsaved.orphaned()


class Blocked:
    """Makes saving into a folder fail, in one way or another."""

    def __init__(self, monkeypatch):
        self._patch = monkeypatch
        self.off = lambda: None

    def disk_full(self, _folder):
        def full(*_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        real = os.fsync
        self._patch.setattr(os, "fsync", full)
        self.off = lambda: self._patch.setattr(os, "fsync", real)

    def folder_gone(self, folder):
        away = folder.with_name("away")
        folder.rename(away)
        self.off = lambda: away.rename(folder) if away.exists() else None

    def no_right(self, folder):
        """Not even root can make a folder where a file is."""
        store = folder / "corrections"
        if store.is_dir():
            store.rename(folder / "before")
        store.write_bytes(b"")

        def mend():
            store.unlink()
            if (folder / "before").exists():
                (folder / "before").rename(store)

        self.off = mend


@pytest.fixture
def blocked(monkeypatch):
    made = Blocked(monkeypatch)
    yield made
    made.off()


@pytest.fixture
def asked(monkeypatch):
    """Answers questions, the last answer for ever; gives what was asked."""
    questions, answers = [], ["stay"]

    def answer(_parent, title, text, buttons, _safest):
        questions.append((title, text, list(buttons.values())))
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return found() if callable(found) else found

    monkeypatch.setattr(saving, "ask", answer)
    questions_and_answers = questions, answers
    return questions_and_answers


def canvas(viewer):
    found = [item for item in QApplication.allWidgets() if item.__class__.__name__ == "CanvasBackendDesktop"]
    return max(found, key=lambda item: item.isVisible() * item.width() * item.height())


def press(qtbot, viewer, key):
    """Press a key over the picture, as a person does."""
    qtbot.keyClick(canvas(viewer), key)
    QApplication.processEvents()


@pytest.mark.parametrize("how", ["disk_full", "folder_gone", "no_right"])
def test_the_walk_waits_until_a_correction_is_saved(open_dock, folder, drag, qtbot, blocked, how):
    viewer, dock = open_dock(show=True)
    dock.open_folder(folder)
    layer = viewer.layers[1]
    getattr(blocked, how)(folder)
    drag(layer, 0, (4.0, 2.0))
    moved = layer.data[0].copy()
    qtbot.waitUntil(lambda: dock.form.unsaved.isVisible(), timeout=3000)
    assert "Not saved: the corrections of p0" in dock.form.unsaved_text.text()
    for _ in range(3):
        press(qtbot, viewer, Qt.Key.Key_PageDown)
    dock.show_radiograph(2)
    dock.open_folder(folder)
    dock.close_folder()
    dock.start_empty("hand37")
    dock.export(folder / "all.csv")
    dock.export_session(folder / "session")
    assert not (folder / "all.csv").exists()
    assert not (folder / "session").exists()
    assert [item.name for item in viewer.layers] == ["p0", "p0 landmarks"]
    assert dock.form.radiographs.currentIndex() == 0
    np.testing.assert_array_equal(layer.data[0], moved)
    assert not dock.form.walk.isHidden()
    assert "p0 are not saved" in dock.status.text()
    assert dock.form.unsaved.isVisible()
    blocked.off()
    blocked.off = lambda: None
    qtbot.mouseClick(dock.form.again, Qt.MouseButton.LeftButton)
    assert not dock.form.unsaved.isVisible()
    (saved,) = read_annotations(folder / "corrections" / "p0.csv")
    np.testing.assert_array_equal(saved.points[0], moved)
    press(qtbot, viewer, Qt.Key.Key_PageDown)
    assert viewer.layers[0].name == "p1"
    assert Autosave(autosave_folder()).copies() == []


def test_the_next_change_saves_both(open_dock, folder, drag, qtbot, blocked):
    viewer, dock = open_dock()
    dock.open_folder(folder)
    layer = viewer.layers[1]
    blocked.disk_full(folder)
    drag(layer, 0, (4.0, 2.0))
    qtbot.waitUntil(lambda: not dock.form.unsaved.isHidden(), timeout=3000)
    blocked.off()
    drag(layer, 1, (1.0, 1.0))
    qtbot.waitUntil(lambda: dock.form.unsaved.isHidden(), timeout=3000)
    (saved,) = read_annotations(folder / "corrections" / "p0.csv")
    assert saved.edited[:2].all()


def test_another_folder_takes_what_the_first_cannot(open_dock, folder, drag, qtbot, blocked, tmp_path):
    viewer, dock = open_dock(show=True)
    dock.open_folder(folder)
    layer = viewer.layers[1]
    drag(layer, 0, (4.0, 2.0))
    press(qtbot, viewer, Qt.Key.Key_PageDown)
    drag(layer, 0, (2.0, 1.0))
    moved = layer.data[0].copy()
    blocked.no_right(folder)
    assert not dock._recovery.flush()
    other = tmp_path / "other"
    other.mkdir()
    dock._saving.save_elsewhere(other)
    store = other / "corrections of radiographs"
    assert str(store) in dock.status.text()
    assert not dock.form.unsaved.isVisible()
    (saved,) = read_annotations(store / "p1.csv")
    np.testing.assert_array_equal(saved.points[0], moved)
    blocked.off()
    blocked.off = lambda: None
    press(qtbot, viewer, Qt.Key.Key_PageDown)
    drag(layer, 0, (1.0, 1.0))
    press(qtbot, viewer, Qt.Key.Key_PageUp)
    assert sorted(item.name for item in store.iterdir()) == ["p1.csv", "p2.csv"]
    np.testing.assert_array_equal(layer.data[0], moved)
    assert dock.command() == ["farnet", "review", str(store)]


def test_a_correction_that_could_not_be_saved_is_offered_after_a_crash(open_dock, folder, drag, qtbot, blocked):
    viewer, dock = open_dock()
    dock.open_folder(folder)
    blocked.no_right(folder)
    layer = viewer.layers[1]
    drag(layer, 0, (4.0, 2.0))
    moved = layer.data[0].copy()
    assert not dock._recovery.flush()
    assert "A copy is kept" in dock.form.unsaved_text.text()
    dock._recovery.unsaved.drop(dock._rounds.folder)  # as if the process had been killed
    blocked.off()
    blocked.off = lambda: None
    dock.close_folder()
    dock.open_folder(folder)
    assert "never saved" in dock.form.recovery_text.text()
    dock.form.restore_requested.emit()
    np.testing.assert_array_equal(layer.data[0], moved)
    (saved,) = read_annotations(folder / "corrections" / "p0.csv")
    np.testing.assert_array_equal(saved.points[0], moved)
    assert Autosave(autosave_folder()).copies() == []


def test_a_file_that_somebody_else_changed_does_not_hold_the_walk(open_dock, folder, drag, qtbot):
    viewer, dock = open_dock(show=True)
    dock.open_folder(folder)
    layer = viewer.layers[1]
    drag(layer, 0, (4.0, 2.0))
    assert dock._recovery.flush()
    own = folder / "corrections" / "p0.csv"
    own.write_bytes(own.read_bytes() + b"\n")
    drag(layer, 1, (4.0, 2.0))
    press(qtbot, viewer, Qt.Key.Key_PageDown)
    assert viewer.layers[0].name == "p1"
    (beside,) = (folder / "corrections").glob("p0.conflict-*.csv")
    assert read_annotations(beside)[0].edited[1]


def test_closing_the_window_asks(open_dock, folder, drag, qtbot, blocked, asked):
    questions, answers = asked
    viewer, dock = open_dock(show=True)
    dock.open_folder(folder)
    qtbot.wait(10)
    blocked.disk_full(folder)
    drag(viewer.layers[1], 0, (4.0, 2.0))
    window = dock.window()
    window.close()
    assert window.isVisible()
    ((title, text, offered),) = questions
    assert title == "Not saved"
    assert "p0" in text
    assert set(offered) == {"again", "elsewhere", "leave", "stay"}
    answers[:] = ["again", lambda: blocked.off() or "again"]
    assert dock._saving._may_close()
    assert read_annotations(folder / "corrections" / "p0.csv")[0].edited[0]


@pytest.mark.parametrize("way", ["the dock", "the layer", "the end"])
def test_the_last_change_is_saved_at(open_dock, folder, drag, qtbot, way):
    viewer, dock = open_dock()
    dock.open_folder(folder)
    drag(viewer.layers[1], 0, (4.0, 2.0))  # and no time passes
    if way == "the dock":
        viewer.window.remove_dock_widget(dock)
    elif way == "the layer":
        viewer.layers.remove(viewer.layers[1])
    else:
        _do_all()
    assert read_annotations(folder / "corrections" / "p0.csv")[0].edited[0]


@pytest.mark.parametrize("way", ["the dock", "the layer", "the end"])
def test_the_copy_of_a_layer_has_the_last_change_at(open_dock, radiograph, landmarks_on, drag, way):
    viewer, dock = open_dock()
    image = add_radiograph(viewer, radiograph)
    landmarks = landmarks_on(radiograph)
    layer = add_landmarks(viewer, image, landmarks, name="predicted")
    drag(layer, 4, (3.0, -2.0))
    if way == "the dock":
        viewer.window.remove_dock_widget(dock)
    elif way == "the layer":
        viewer.layers.remove(layer)
    else:
        _do_all()
    store = Autosave(autosave_folder())
    copy = store.find(Work.of([landmarks]))
    assert store.read(copy, landmarks.scheme)[0].edited[4]


def test_closing_the_dock_asks_and_what_is_left_waits_for_the_next(
    open_dock, folder, drag, qtbot, blocked, asked, monkeypatch
):
    questions, answers = asked
    answers[:] = ["leave"]
    viewer, dock = open_dock()
    dock.open_folder(folder)
    blocked.disk_full(folder)
    drag(viewer.layers[1], 0, (4.0, 2.0))
    viewer.window.remove_dock_widget(dock)
    assert len(questions) == 1
    with qtbot.waitSignal(dock.destroyed):
        dock.deleteLater()
    _, again = viewer.window.add_plugin_dock_widget("napari-farnet", "Correct landmarks")
    assert "Not saved: the corrections of p0" in again.form.unsaved_text.text()
    blocked.off()
    again.form.again.click()
    assert read_annotations(folder / "corrections" / "p0.csv")[0].edited[0]


def test_fast_changes_do_not_wait_for_a_pause(open_dock, folder, drag):
    viewer, dock = open_dock()
    dock.open_folder(folder)
    for row in range(5):
        drag(viewer.layers[1], row, (4.0, 2.0))
    (saved,) = read_annotations(folder / "corrections" / "p0.csv")
    assert saved.edited.sum() >= 4  # at most the last one is missing


def test_landmarks_of_another_file_are_asked_about(open_dock, folder, qtbot, monkeypatch):
    from napari_farnet.correct import dock as module

    viewer, dock = open_dock()
    pixels = np.random.default_rng(9).integers(0, 255, (130, 90), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "p1.png")  # another picture in its place, of the same size
    answers, asked = ["stay", "leave"], []
    monkeypatch.setattr(module, "ask", lambda *words: asked.append(words[2]) or answers.pop(0))
    dock.open_folder(folder)
    dock.show_radiograph(2)
    assert asked == []
    dock.show_radiograph(1)
    assert "of another radiograph" in asked[0]
    assert viewer.layers[0].name == "p2"
    dock.show_radiograph(1)
    assert viewer.layers[0].name == "p1"
    assert len(viewer.layers[1].data) == 19
