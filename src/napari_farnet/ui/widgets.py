"""Small widgets that the docks share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["button", "choice", "fill", "hint", "row", "said", "tool"]


def choice(tooltip: str) -> QComboBox:
    """A box to choose from, which a long name does not make wide: it is cut off in the box and whole in the list."""
    box = QComboBox()
    box.setToolTip(tooltip)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(12)
    return box


def fill(box: QComboBox, items: Sequence[tuple[str, Any]], chosen: object) -> None:
    """Put (text, value) into a box and choose a value (the first without it), without telling anybody."""
    box.blockSignals(True)
    box.clear()
    for text, value in items:
        box.addItem(text, value)
    values = [value for _, value in items]
    box.setCurrentIndex(values.index(chosen) if chosen in values else 0)
    box.blockSignals(False)


def button(text: str, tooltip: str, clicked: Callable[[], object] | None = None) -> QPushButton:
    """A button; `clicked` is called without arguments."""
    made = QPushButton(text)
    made.setToolTip(tooltip)
    if clicked is not None:
        made.clicked.connect(lambda: clicked())
    return made


def tool(text: str, tooltip: str, clicked: Callable[[], object] | None = None) -> QToolButton:
    """A small button beside another control; `clicked` is called without arguments."""
    made = QToolButton()
    made.setText(text)
    made.setToolTip(tooltip)
    if clicked is not None:
        made.clicked.connect(lambda: clicked())
    return made


def hint() -> QLabel:
    """A small text below a control; plain, as it may hold names of files."""
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    font = label.font()
    font.setPointSizeF(0.9 * font.pointSizeF())
    label.setFont(font)
    return label


def said() -> QLabel:
    """What a dock says: plain text that wraps and can be selected."""
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def row(*widgets: QWidget) -> QWidget:
    """Widgets side by side."""
    made = QWidget()
    layout = QHBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    return made
