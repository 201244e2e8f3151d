"""What every dock has around its form: scrolling, a line that says what happens, help, and the equivalent command."""

from __future__ import annotations

import os
import shlex
import subprocess
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import (
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from farnet.errors import FarnetError
from napari_farnet.notices import show_notices, tell_error
from napari_farnet.threads import begin
from napari_farnet.ui.help import show_page
from napari_farnet.ui.widgets import button, hint, said, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.components import ViewerModel
    from qtpy.QtGui import QShowEvent

    Connections = list[tuple[Any, Callable[..., None]]]

__all__ = ["Dock", "command_line"]

_LEAST_HEIGHT = 120  # px, of the form before it is scrolled


class Dock(QWidget):
    """A dock: a form that scrolls where the screen is small, and below it what the dock says and how to get help.

    Args:
        viewer: The viewer that the dock is in.
        page: Page of the guide that the help button opens: "detect", "correct", ...
    """

    def __init__(self, viewer: ViewerModel, page: str) -> None:
        super().__init__()
        begin()
        show_notices()
        self.viewer = viewer
        self._connections: Connections = []
        self.status = said()
        self.copy_command = button(
            "Copy command", "Copy the command that does the same on the command line, to run it again or on more files."
        )
        self.copy_command.clicked.connect(lambda: self._copy_command())
        self.help = tool("?", "Open the page of the guide about this dock.", partial(show_page, page))
        note = hint()
        note.setText("Research use only, not for diagnosis.")
        self._scroll = _UpAndDown()
        self._tabbed = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._scroll, 1)
        foot = QWidget()
        below = QVBoxLayout(foot)
        below.setContentsMargins(9, 0, 9, 6)
        below.addWidget(self.status)
        line = QHBoxLayout()
        line.addWidget(note, 1)
        line.addWidget(self.copy_command)
        line.addWidget(self.help)
        below.addLayout(line)
        column.addWidget(foot)
        # A partial of the list, not a method: when this is called, the Python side of the dock may be gone.
        self.destroyed.connect(partial(_disconnect, self._connections))

    def set_form(self, form: QWidget) -> None:
        """Put the form into the dock, once it is laid out; it scrolls up and down, never sideways."""
        self._scroll.setWidget(form)
        self._scroll.updateGeometry()  # a dock that is shown already has to be measured again

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802
        """Join the other docks of this plugin in one place: side by side, none of them would be high enough."""
        super().showEvent(event)
        if not self._tabbed:
            self._tabbed = True
            QTimer.singleShot(0, self._join_others)

    def _join_others(self) -> None:
        own, window = self._dock_widget(), self.window()
        if own is None or not isinstance(window, QMainWindow) or own.isFloating():
            return
        area = window.dockWidgetArea(own)
        for other in window.findChildren(Dock):
            place = other._dock_widget()
            if other is self or place is None or not place.isVisible() or place.isFloating():
                continue
            if window.dockWidgetArea(place) == area:
                window.tabifyDockWidget(place, own)
                own.raise_()
                return

    def _dock_widget(self) -> QDockWidget | None:
        """What holds this dock in the window."""
        holder = self.parent()
        while holder is not None and not isinstance(holder, QDockWidget):
            holder = holder.parent()
        return holder

    def listen(self, event: Any, slot: Callable[..., None]) -> None:
        """Connect a napari event to a slot for as long as the dock lives."""
        event.connect(slot)
        self._connections.append((event, slot))

    def say(self, text: str, *, warn: bool = False) -> None:
        """Say something below the form."""
        self.status.setText(f"\N{WARNING SIGN} {text}" if warn else text)

    def fail(self, error: Exception, what: str) -> None:
        """Say that something failed: what is wrong if that was foreseen, else that there is a bug.

        Args:
            error: What was raised; the message of a `FarnetError` is made for the user.
            what: What failed, such as "Detection".
        """
        from napari.utils.notifications import notification_manager

        if isinstance(error, FarnetError):
            tell_error(str(error))
            self.say(str(error), warn=True)
        else:
            notification_manager.receive_error(type(error), error, error.__traceback__)
            self.say(f"{what} failed: {error}. The notification has the details.", warn=True)

    def command(self) -> Sequence[str]:
        """Give the command that does what the dock would do now: its words, "farnet" first.

        Raises:
            FarnetError: If there is none, as when something is still to be chosen; the message says what.
        """
        raise NotImplementedError

    def _copy_command(self) -> None:
        try:
            text = command_line(self.command())
        except FarnetError as error:
            self.say(str(error), warn=True)
            return
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(text)
        self.say(f"Copied: {text}")


class _UpAndDown(QScrollArea):
    """Scrolls its widget up and down, and is as wide as that must be."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Hear that the widget needs another width, which Qt's own scroll area does not care for."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Room for the widget beside the scroll bar, and a few lines of it."""
        form, bar = self.widget(), self.verticalScrollBar()
        if form is None or bar is None:
            return super().minimumSizeHint()
        return QSize(form.minimumSizeHint().width() + bar.sizeHint().width(), _LEAST_HEIGHT)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Room for the whole widget."""
        form, least = self.widget(), self.minimumSizeHint()
        return least if form is None else QSize(least.width(), form.sizeHint().height())


def command_line(words: Sequence[str]) -> str:
    """Write a command as one line for the shell of this system."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _disconnect(connections: Connections, _dock: object = None) -> None:
    for event, slot in connections:
        event.disconnect(slot)
