"""The frame that all docks share, in a real window."""

from __future__ import annotations

import os
import shlex

import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QApplication, QDockWidget, QLabel, QVBoxLayout, QWidget

from farnet.errors import InvalidInputError
from napari_farnet.ui.dock import Dock, command_line
from napari_farnet.ui.help import GuideWindow


class Plain(Dock):
    words = ("farnet", "detect", "a file.png")

    def command(self):
        if not self.words:
            raise InvalidInputError("Choose something first.")
        return self.words


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer(show=True)


@pytest.fixture
def dock(viewer):
    made = Plain(viewer, "detect")
    viewer.window.add_dock_widget(made, name="Plain")
    return made


def form_of(*widths):
    form = QWidget()
    column = QVBoxLayout(form)
    for width in widths:
        label = QLabel("x")
        label.setMinimumSize(width, 300)
        column.addWidget(label)
    return form


def holder(dock):
    item = dock.parent()
    while not isinstance(item, QDockWidget):
        item = item.parent()
    return item


def test_docks_join_as_tabs(viewer, dock, qtbot):
    other = Plain(viewer, "correct")
    viewer.window.add_dock_widget(other, name="Other")
    window = dock.window()
    qtbot.waitUntil(lambda: holder(other) in window.tabifiedDockWidgets(holder(dock)), timeout=2000)
    # The one that was opened last is seen.
    qtbot.waitUntil(lambda: not other.visibleRegion().isEmpty(), timeout=2000)
    assert dock.visibleRegion().isEmpty()


def test_a_dock_in_another_place_is_left_there(viewer, dock, qtbot):
    other = Plain(viewer, "correct")
    viewer.window.add_dock_widget(other, name="Other", area="bottom")
    qtbot.wait(50)
    assert dock.window().tabifiedDockWidgets(holder(dock)) == []


def test_docks_of_others_are_left_alone(viewer, qtbot):
    viewer.window.add_dock_widget(QLabel("foreign"), name="Foreign")
    own = Plain(viewer, "detect")
    viewer.window.add_dock_widget(own, name="Own")
    qtbot.wait(50)
    assert own.window().tabifiedDockWidgets(holder(own)) == []


def test_a_dock_that_floats_does_not_join(viewer, dock, qtbot):
    holder(dock).setFloating(True)
    other = Plain(viewer, "correct")
    viewer.window.add_dock_widget(other, name="Other")
    qtbot.wait(50)
    assert other.window().tabifiedDockWidgets(holder(other)) == []


def test_a_dock_that_is_closed_at_once_joins_nobody(viewer, dock, qtbot):
    other = Plain(viewer, "correct")
    viewer.window.add_dock_widget(other, name="Other")
    viewer.window.remove_dock_widget(other)
    other.deleteLater()
    qtbot.wait(50)
    assert not dock.visibleRegion().isEmpty()


def test_the_command_is_copied(dock):
    dock.copy_command.click()
    line = QGuiApplication.clipboard().text()
    assert line == command_line(Plain.words)
    assert dock.status.text() == f"Copied: {line}"


@pytest.mark.skipif(os.name == "nt", reason="the words are joined for another shell there")
@pytest.mark.parametrize("words", [["farnet", "a b"], ["farnet", "it's", "$HOME", "*.png", "\u03c0"]])
def test_a_command_line_means_its_words(words):
    assert shlex.split(command_line(words)) == words


def test_without_a_command_the_dock_says_why(dock):
    QGuiApplication.clipboard().setText("before")
    dock.words = ()
    dock.copy_command.click()
    assert dock.status.text().endswith("Choose something first.")
    assert dock.status.text().startswith("\N{WARNING SIGN}")
    assert QGuiApplication.clipboard().text() == "before"


def test_it_says_plain_text(dock):
    dock.say("<b>5 < 6</b>")
    assert dock.status.text() == "<b>5 < 6</b>"
    dock.say("careful", warn=True)
    assert dock.status.text() == "\N{WARNING SIGN} careful"


def test_a_foreseen_error_is_told_as_it_is(dock):
    notification_manager.records.clear()
    dock.fail(InvalidInputError("The file is gone. Choose another."), "Detection")
    assert dock.status.text() == "\N{WARNING SIGN} The file is gone. Choose another."
    assert [item.message for item in notification_manager.records] == ["The file is gone. Choose another."]
    notification_manager.records.clear()


def test_a_bug_is_told_as_one(dock, monkeypatch):
    received = []
    monkeypatch.setattr(notification_manager, "receive_error", lambda *error: received.append(error))
    error = ZeroDivisionError("by nothing")
    dock.fail(error, "Detection")
    assert dock.status.text().endswith("Detection failed: by nothing. The notification has the details.")
    assert received == [(ZeroDivisionError, error, error.__traceback__)]


def test_it_listens_for_as_long_as_it_lives(viewer, dock, qtbot):
    heard = []
    before = len(viewer.layers.events.inserted.callbacks)
    dock.listen(viewer.layers.events.inserted, lambda event: heard.append(event.value.name))
    assert len(viewer.layers.events.inserted.callbacks) == before + 1
    viewer.add_points(name="first")
    viewer.window.remove_dock_widget(dock)
    with qtbot.waitSignal(dock.destroyed):
        dock.deleteLater()
    assert len(viewer.layers.events.inserted.callbacks) == before
    viewer.add_points(name="second")
    assert heard == ["first"]


@pytest.mark.parametrize("width", [150, 420])
def test_it_is_as_wide_as_its_form(dock, qtbot, width):
    dock.set_form(form_of(width))
    assert dock.minimumSizeHint().width() >= width
    assert dock.minimumSizeHint().width() <= max(width, 260) + 60
    qtbot.waitUntil(lambda: dock.width() >= width, timeout=2000)


def test_it_grows_with_its_form(dock, qtbot):
    form = form_of(150)
    dock.set_form(form)
    label = form.findChild(QLabel)
    label.setMinimumWidth(430)
    qtbot.waitUntil(lambda: dock.minimumSizeHint().width() >= 430, timeout=2000)


def test_a_high_form_scrolls(dock):
    dock.set_form(form_of(*[150] * 9))
    assert dock.minimumSizeHint().height() < 400
    assert dock.sizeHint().height() > 2000


def test_help_opens_its_page(dock, qtbot):
    dock.help.click()
    (window,) = (item for item in QApplication.topLevelWidgets() if isinstance(item, GuideWindow))
    assert window.source().fileName() == "detect.md"
    assert window.isVisible()
    with qtbot.waitSignal(window.destroyed):
        window.close()
