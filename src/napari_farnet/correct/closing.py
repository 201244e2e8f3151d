"""Asking before unsaved corrections are left behind: when the dock or the window is closed."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QMessageBox

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from qtpy.QtWidgets import QWidget

    Answer = Literal["again", "elsewhere", "leave", "stay"]

__all__ = ["CloseGuard", "ask"]


def ask(parent: QWidget | None, title: str, text: str, buttons: dict[str, Answer], safest: Answer) -> Answer:
    """Ask what to do, with a button for each answer; closing the question is the safest of them.

    Args:
        parent: In front of which window.
        title: What it is about.
        text: The question, which is shown as plain text.
        buttons: Answer by the text of its button; the first is the one that the return key presses.
        safest: One of the answers.
    """
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle(title)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(text)
    role = QMessageBox.ButtonRole.ActionRole
    made = {box.addButton(words, role): answer for words, answer in buttons.items()}
    for button, answer in made.items():
        if answer == safest:
            box.setEscapeButton(button)
    box.setDefaultButton(next(iter(made)))
    box.exec()
    return made.get(box.clickedButton(), safest)  # type: ignore[arg-type]


class CloseGuard(QObject):
    """Asks before a window is closed.

    Args:
        dock: In the window.
        may_close: Called when the window is to be closed; tells whether it may be.
    """

    def __init__(self, dock: QWidget, may_close: Callable[[], bool]) -> None:
        super().__init__(dock)
        self._dock, self._may_close = dock, may_close
        self._window: weakref.ref[QWidget] | None = None

    def watch(self) -> None:
        """Watch the window that the dock is in now."""
        window = self._dock.window()
        if window is not None and window is not self._dock and (self._window is None or self._window() is not window):
            self._window = weakref.ref(window)
            window.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Keep a window open that may not be closed."""
        closing = event is not None and event.type() == QEvent.Type.Close and watched is self._dock.window()
        if event is not None and closing and not self._may_close():
            event.ignore()
            return True
        return super().eventFilter(watched, event)
