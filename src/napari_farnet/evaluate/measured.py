"""The tables that a kind of landmarks has besides errors, such as Cobb angles and classes, as text to read and copy."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from qtpy.QtGui import QTextOption
from qtpy.QtWidgets import QTextEdit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farnet.evaluation.figures import Extra, TextTable

__all__ = ["MeasuredView"]


class MeasuredView(QTextEdit):
    """Shows the tables below each other, in the colours of the theme."""

    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setWordWrapMode(QTextOption.WrapMode.WordWrap)  # a table that is too wide is scrolled, no word is cut
        self.setToolTip(
            "What is measured with the landmarks: predicted against true, with 95 % intervals in brackets. Ctrl+A and "
            "Ctrl+C copy it."
        )

    def show_tables(self, extras: Sequence[Extra]) -> None:
        """Show all tables of some further figures; none empties it."""
        self.setHtml("".join(_html(table) for extra in extras for table in extra.tables()))


def _html(table: TextTable) -> str:
    """A table for Qt's subset of HTML; every word is escaped."""

    def cells(texts: Sequence[str], tag: str) -> str:
        sides = ("left" if i < table.left else "right" for i in range(len(texts)))
        return "".join(f'<{tag} align="{side}">{escape(text)}</{tag}>' for side, text in zip(sides, texts, strict=True))

    lines = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in table.rows)
    caption = f"<p>{escape(table.caption)}</p>" if table.caption else ""
    head = f"<tr>{cells(table.headers, 'th')}</tr>"
    return f'<h4>{escape(table.title)}</h4><table cellspacing="0" cellpadding="3">{head}{lines}</table>{caption}'
