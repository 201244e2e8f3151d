"""What every dock has around its form: scrolling, a line that says what happens, help, and the equivalent command."""

from __future__ import annotations

import os
import shlex
import subprocess
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QFrame, QScrollArea, QScrollBar, QVBoxLayout, QWidget

from farnet.errors import FarnetError
from napari_farnet.ui.help import show_page
from napari_farnet.ui.widgets import button, hint, row, said, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.components import ViewerModel
    from qtpy.QtGui import QShowEvent

    Connections = list[tuple[Any, Callable[..., None]]]

__all__ = ["Dock", "command_line"]


class Dock(QWidget):
    """A dock: a form that scrolls where the screen is small, and below it what the dock says and how to get help.

    Args:
        viewer: The viewer that the dock is in.
        page: Page of the guide that the help button opens: "detect", "correct", ...
    """

    def __init__(self, viewer: ViewerModel, page: str) -> None:
        super().__init__()
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
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._scroll, 1)
        foot = QWidget()
        below = QVBoxLayout(foot)
        below.setContentsMargins(9, 0, 9, 6)
        below.addWidget(self.status)
        below.addWidget(row(self.copy_command, self.help))
        below.addWidget(note)
        column.addWidget(foot)
        # A partial of the list, not a method: when this is called, the Python side of the dock may be gone.
        self.destroyed.connect(partial(_disconnect, self._connections))

    def set_form(self, form: QWidget) -> None:
        """Put the form into the dock, once it is laid out; it scrolls up and down, never sideways."""
        self._scroll.setWidget(form)
        self._fit_width()

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Widen to what the form needs in the style of the window, which it has only now."""
        super().showEvent(event)
        self._fit_width()

    def _fit_width(self) -> None:
        form = self._scroll.widget()
        if form is not None:
            self._scroll.setMinimumWidth(form.minimumSizeHint().width() + QScrollBar().sizeHint().width())

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
        from napari.utils.notifications import notification_manager, show_error

        if isinstance(error, FarnetError):
            show_error(str(error))
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


def command_line(words: Sequence[str]) -> str:
    """Write a command as one line for the shell of this system."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _disconnect(connections: Connections, _dock: object = None) -> None:
    for event, slot in connections:
        event.disconnect(slot)
