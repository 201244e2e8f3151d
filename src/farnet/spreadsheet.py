"""Cells that a spreadsheet shows as text and never computes: a radiograph may be called ``=HYPERLINK(...)``.

A spreadsheet takes a cell of a csv file that begins with ``=``, ``+``, ``-`` or ``@`` for a formula and runs it, and
some skip a tab, a line end or a space before. `safe_cell` puts an apostrophe before such a text, which spreadsheets
read as "this is text". Numbers stay as they are. `restored_cell` takes the apostrophe away again, exactly:
``restored_cell(safe_cell(text)) == text`` for every text.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["csv_text", "restored_cell", "safe_cell"]

# Apostrophes count, so that a text that has one already differs from one that got it here. The wide signs are those of
# East Asian keyboards, which are computed too.
_FORMULA = re.compile(r"'*(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n\0])")
_NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)


def safe_cell(text: str) -> str:
    """A text as it can stand in a table that is opened in a spreadsheet; a number stays a number."""
    if not text or text[0].isalnum():  # nearly all
        return text
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def restored_cell(text: str) -> str:
    """The text of which `safe_cell` made this one."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def csv_text(rows: Iterable[Iterable[object]], *, line_end: str = "\r\n") -> str:
    """Rows as the text of a csv file (RFC 4180), each text by `safe_cell`; tables for people are made here."""
    text, line = io.StringIO(newline=""), io.StringIO(newline="")
    writer = csv.writer(line)  # with its own line end, because it puts only that one into quotation marks
    for row in rows:
        writer.writerow([safe_cell(cell) if isinstance(cell, str) else cell for cell in row])
        text.write(line.getvalue().removesuffix("\r\n") + line_end)
        line.seek(0)
        line.truncate()
    return text.getvalue()
