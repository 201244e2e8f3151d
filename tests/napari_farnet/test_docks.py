"""What holds for every dock of the manifest, in a real window on the smallest screen that is catered for."""

from __future__ import annotations

import gc
import weakref
from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from npe2 import PluginManifest
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QScrollBar,
    QTabBar,
    QTabWidget,
    QWidget,
)

from farnet.errors import InvalidInputError
from napari_farnet.opening import add_landmarks, add_radiograph
from napari_farnet.ui.dock import Dock
from napari_farnet.ui.help import GUIDE, GuideWindow
from napari_farnet.ui.widgets import hint, said

from .conftest import MANIFEST

PLUGIN = "napari-farnet"
CONTRIBUTIONS = PluginManifest.from_file(str(MANIFEST)).contributions
DOCKS = [item.display_name for item in CONTRIBUTIONS.widgets]
WIDTH, HEIGHT = 480, 560  # px that a dock may need at 1366 x 768, beside napari's own controls
CONTROLS = (QAbstractButton, QComboBox, QLineEdit, QAbstractSpinBox, QAbstractSlider, QAbstractItemView)

every_dock = pytest.mark.parametrize("name", DOCKS)


@pytest.fixture
def open_dock(make_napari_viewer_proxy, plugin, fake):
    """Opens a dock by its name in the manifest; gives (viewer, dock)."""

    def make(name, viewer=None, **keywords):
        viewer = make_napari_viewer_proxy(**keywords) if viewer is None else viewer
        _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, name)
        return viewer, dock

    return make


@pytest.fixture
def furnish(radiograph, landmarks_on):
    """Puts a radiograph with two layers of landmarks into a viewer."""

    def fill(viewer):
        image = add_radiograph(viewer, radiograph)
        for name in ("one", "two"):
            add_landmarks(viewer, image, landmarks_on(radiograph, absent=(3,)), name=name)

    return fill


def pages(dock):
    """Turn to every page of every tab and every mode of a dock, one after another."""
    yield
    for tabs in dock.findChildren(QTabWidget):
        for page in range(tabs.count()):
            tabs.setCurrentIndex(page)
            yield
            for box in tabs.widget(page).findChildren(QComboBox):
                if box.objectName() != "mode":
                    continue
                for place in range(box.count()):
                    box.setCurrentIndex(place)
                    yield


def controls(dock):
    """What a person can reach by mouse or keyboard: no scroll bars, no parts inside of other controls."""
    for item in dock.findChildren(QWidget):
        if not isinstance(item, CONTROLS) or isinstance(item, QScrollBar):
            continue
        holder = item.parent()
        while holder is not dock and not isinstance(holder, (*CONTROLS, QTabBar)) and not holder.isWindow():
            holder = holder.parent()
        if holder is dock:
            yield item


def called(item):
    text = getattr(item, "text", None) or getattr(item, "currentText", None)
    return f"{type(item).__name__} {text() if text else ''} {item.objectName()}".strip()


def test_the_docks_that_there_must_be():
    assert {"Detect landmarks", "Correct landmarks", "Evaluate landmarks"} <= set(DOCKS)
    assert len(set(DOCKS)) == len(DOCKS)


@every_dock
def test_it_is_a_dock_of_the_manifest_with_a_title_and_a_menu(name):
    (widget,) = (item for item in CONTRIBUTIONS.widgets if item.display_name == name)
    (command,) = (item for item in CONTRIBUTIONS.commands if item.id == widget.command)
    assert command.title == name
    module, _, kind = command.python_name.partition(":")
    assert issubclass(getattr(import_module(module), kind), Dock)
    assert widget.command in {item.command for menu in CONTRIBUTIONS.menus.values() for item in menu}


@every_dock
def test_every_control_says_what_it_is_for(open_dock, furnish, name):
    viewer, dock = open_dock(name)
    furnish(viewer)
    silent = {called(item) for _ in pages(dock) for item in controls(dock) if not item.toolTip().strip()}
    assert silent == set()


@every_dock
def test_it_fits_a_small_screen(open_dock, furnish, name, qtbot):
    viewer, dock = open_dock(name, show=True)
    furnish(viewer)
    for _ in pages(dock):
        qtbot.wait(20)
        hint = dock.minimumSizeHint()
        assert hint.width() <= WIDTH, f"{hint.width()} px wide"
        assert hint.height() <= HEIGHT, f"{hint.height()} px high"


@every_dock
def test_it_has_a_page_of_the_guide(open_dock, name, qtbot):
    _, dock = open_dock(name)
    dock.help.click()
    (window,) = (item for item in QApplication.topLevelWidgets() if isinstance(item, GuideWindow))
    page = window.source().toLocalFile().rpartition("/")[2]
    assert page != "index.md"
    text = (GUIDE / page).read_text(encoding="utf-8")
    assert text.splitlines()[0].startswith("# ")
    assert len(text) > 1000
    assert f"({page})" in (GUIDE / "index.md").read_text(encoding="utf-8")
    with qtbot.waitSignal(window.destroyed):
        window.close()


@every_dock
def test_tab_reaches_every_control(open_dock, furnish, name, qtbot):
    viewer, dock = open_dock(name, show=True)
    furnish(viewer)
    window = dock.window()
    for _ in pages(dock):
        qtbot.wait(50)
        # A group of radio buttons is one stop, and the arrows lead on from there.
        wanted = [item for item in controls(dock) if item.isVisible() and item.isEnabled() and not grouped(item)]
        item, reached = dock.help, []
        item.setFocus(Qt.FocusReason.TabFocusReason)
        while item not in reached and len(reached) < 200:
            reached.append(item)
            qtbot.keyClick(item, Qt.Key.Key_Tab)
            item = window.focusWidget()
        assert len(reached) > 2
        assert item is not reached[-1], f"Tab does not leave {called(item)}"
        assert {called(item) for item in wanted if item not in reached} == set()


def grouped(item):
    return isinstance(item, QAbstractButton) and item.group() is not None


@every_dock
def test_two_viewers(open_dock, furnish, name):
    one, dock_one = open_dock(name)
    two, dock_two = open_dock(name)
    furnish(one)
    assert dock_one.viewer is not dock_two.viewer
    assert not any("one" in texts(box) for box in dock_two.findChildren(QComboBox))
    furnish(two)
    one.layers.clear()
    assert len(two.layers) == 3


def texts(box):
    return [box.itemText(place) for place in range(box.count())]


@every_dock
def test_it_leaves_nothing_behind(open_dock, furnish, name, qtbot):
    viewer, dock = open_dock(name)
    furnish(viewer)
    for _ in pages(dock):
        qtbot.wait(5)
    before = set(QApplication.topLevelWidgets())
    known = weakref.ref(dock)
    viewer.window.remove_dock_widget(dock)
    dock.deleteLater()
    del dock

    def is_gone():
        gc.collect()
        return known() is None

    qtbot.waitUntil(is_gone, timeout=10_000)
    # Nobody who is gone hears of a layer.
    furnish(viewer)
    viewer.layers[0].name = "renamed"
    viewer.layers.clear()
    new = set(QApplication.topLevelWidgets()) - before
    assert not [item for item in new if isinstance(item, Dock | QDialog)]


@every_dock
def test_other_layers_do_not_disturb_it(open_dock, furnish, name, radiograph_pixels, rng, qtbot):
    viewer, dock = open_dock(name)
    viewer.add_labels(np.zeros((20, 20), np.int32), name="labels")
    viewer.add_shapes([[[0, 0], [5, 5]]], shape_type="line", name="shapes")
    viewer.add_vectors(np.zeros((2, 2, 2)), name="vectors")
    viewer.add_surface((rng.random((3, 2)), np.array([[0, 1, 2]]), np.ones(3)), name="surface")
    viewer.add_tracks([[1, 0, 3.0, 4.0], [1, 1, 3.0, 5.0]], name="tracks")
    viewer.add_points(rng.random((5, 3)) * 20, name="points in 3-D")
    viewer.add_points(name="no points")
    viewer.add_image(np.stack([radiograph_pixels] * 2), name="stack")
    for layer in list(viewer.layers):
        viewer.layers.selection.active = layer
        qtbot.wait(2)
    furnish(viewer)
    for _ in pages(dock):
        qtbot.wait(5)
    viewer.layers.reverse()
    viewer.layers[0].name = "renamed"
    viewer.layers.clear()
    qtbot.wait(20)
    for _ in pages(dock):
        qtbot.wait(5)
    furnish(viewer)
    assert dock.isEnabled()


@every_dock
def test_its_command_is_there_or_it_says_why_not(open_dock, furnish, name):
    viewer, dock = open_dock(name)
    for _ in range(2):
        for _ in pages(dock):
            dock.say("")
            dock.copy_command.click()
            assert dock.status.text()
        furnish(viewer)


def mnemonics(root):
    """Letters that Alt+letter takes, each with the texts of the controls that are seen and want it."""
    found = defaultdict(list)
    texts = [item.text() for item in root.findChildren(QAbstractButton) if item.isVisibleTo(root)]
    texts += [item.text() for item in root.findChildren(QLabel) if item.buddy() and item.isVisibleTo(root)]
    for text in texts:
        key = QKeySequence.mnemonic(text).toString()
        if key:
            found[key].append(text)
    return found


@every_dock
def test_no_two_controls_want_one_key_and_none_that_of_a_menu(open_dock, furnish, name):
    viewer, dock = open_dock(name)
    furnish(viewer)
    menus = {QKeySequence.mnemonic(action.text()).toString() for action in dock.window().menuBar().actions()}
    assert len(menus) >= 5
    for _ in pages(dock):
        wanted = mnemonics(dock)
        assert {key: texts for key, texts in wanted.items() if len(texts) > 1 or key in menus} == {}
    assert len(wanted) >= 3


HOSTILE = "<b>skull</b><img src='x'>"


def labels_of(dock):
    """Labels of a dock that are not rendered by Qt's own widgets."""
    return [item for item in dock.findChildren(QLabel) if item.text()]


@every_dock
def test_names_of_radiographs_are_never_taken_for_html(open_dock, name, radiograph, landmarks_on, qtbot):
    viewer, dock = open_dock(name)
    hostile = replace(radiograph, name=HOSTILE)
    image = add_radiograph(viewer, hostile)
    landmarks = landmarks_on(hostile).replace(source=HOSTILE)
    add_landmarks(viewer, image, landmarks, name=HOSTILE)
    dock.say(f"{HOSTILE} is here.")
    with suppress(InvalidInputError):
        dock.command()
    for _ in pages(dock):
        qtbot.wait(5)
        for label in labels_of(dock):
            rich = label.textFormat() == Qt.TextFormat.RichText
            guessed = label.textFormat() == Qt.TextFormat.AutoText and Qt.mightBeRichText(label.text())
            assert not (rich or guessed) or "<img" not in label.text(), label.text()
            # What is written while the dock is used must not be guessed at; captions are fixed.
            if label.textFormat() == Qt.TextFormat.AutoText:
                assert HOSTILE not in label.text()
    assert HOSTILE in dock.status.text()
    assert dock.status.textFormat() == Qt.TextFormat.PlainText


def test_labels_that_show_data_are_plain(qapp):
    assert {hint().textFormat(), said().textFormat()} == {Qt.TextFormat.PlainText}
