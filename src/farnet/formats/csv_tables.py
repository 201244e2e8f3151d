"""Rows of a table of landmarks as programs save csv: pandas, R, Excel and other spreadsheets.

They add a column or a name of the row, write NA for an empty cell, 473.0 for 473, capitals, empty lines, a line
``sep=;``, and decimal commas where cells are separated by semicolons. Here all of that becomes the cells as this
program writes them.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from farnet.errors import AnnotationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["rows_of_table"]

# The limit of the csv module (131,072 characters) is one of the process, not of a reader, and the provenance of much
# corrected landmarks is longer. Nobody relies on a small limit: it is raised once, to what a C long holds everywhere.
csv.field_size_limit(max(csv.field_size_limit(), 2**31 - 1))

_EMPTY = frozenset({"na", "n/a", "#n/a", "#na", "nan", "<na>", "null", "none", "nil", "."})
_UNKNOWN = frozenset({"confidence", "cov_rr", "cov_rc", "cov_cc", "region95"})  # "nan" there is what was written
_NAMES = frozenset({"scheme", "radiograph", "landmark", "abbreviation", "subject"})  # where NA may be a name
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?")
_SEPARATOR = re.compile(r'"?sep=(.)"?[,;\t]*\r?\n', re.IGNORECASE)


def rows_of_table(text: str, path: Path, *, skipped: int = 0) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, cells by column) of every row that is not empty; columns have small letters.

    Args:
        text: The table, with its header.
        path: For messages.
        skipped: Lines of the file between the header and those of the text, for the numbers of lines.

    Raises:
        AnnotationError: It is no csv, or a row has other cells than the header.
    """
    lines = 0
    delimiter = ""
    if said := _SEPARATOR.match(text):
        delimiter, text, lines = said[1], text[said.end() :], 1
    body = text.lstrip("\r\n")
    lines += text[: len(text) - len(body)].count("\n")
    header_line = body.splitlines()[0] if body else ""
    # Spreadsheets of some countries save "csv" with semicolons.
    delimiter = delimiter or max(",;\t", key=header_line.count)
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            number = reader.line_num + lines + (skipped if header else 0)
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = _without_empty_end([_column(cell) for cell in cells])
                yield number, dict.fromkeys(header, "")
                continue
            if len(cells) == len(header) + 1 and cells[0].isdecimal() and cells[-1].strip() and header[0]:
                header = ["", *header]  # R names the rows, and not their column
            if (len(cells) != len(header) and any(cells[len(header) :])) or len(cells) < len(header):
                raise AnnotationError(f"{path}, line {number}: expected {len(header)} cells, as in the first line.")
            yield (
                number,
                {name: _cell(name, cell, delimiter) for name, cell in zip(header, cells, strict=False) if name},
            )
    except csv.Error as error:
        raise AnnotationError(f"{path}, line {reader.line_num + lines + skipped}: this is no CSV ({error}).") from error


def _column(cell: str) -> str:
    return re.sub(r"[\s.-]+", "_", cell.strip().lower())


def _without_empty_end(header: list[str]) -> list[str]:
    while header and not header[-1]:
        header.pop()
    return header


def _cell(name: str, cell: str, delimiter: str) -> str:
    if name == "source":  # a name, but R writes NA into a column that is empty
        return "" if cell == "NA" else cell
    text = cell.strip().lower()
    if name not in _NAMES and text in _EMPTY and not (text == "nan" and name in _UNKNOWN):
        return ""
    if delimiter != "," and _DECIMAL_COMMA.fullmatch(cell.strip()) and name not in _NAMES:
        return cell.strip().replace(",", ".")
    return cell
