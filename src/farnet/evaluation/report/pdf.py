"""A report as PDF on A4: the same sections as the page, tables over several pages with their heads repeated."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from farnet.evaluation.report.pages import FAINT, INK, LINE, WIDTH, Pages
from farnet.evaluation.report.typesetting import Face, printable, unbroken, width_of, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farnet.evaluation.report.section import Picture, Section, Table

__all__ = ["as_pdf", "lay_out"]

_TITLE, _HEADING, _SUBHEADING = Face(18, bold=True), Face(12.5, bold=True), Face(8.5, bold=True)
_BODY, _CAPTION, _CODE = Face(9), Face(7.5), Face(7.5, mono=True)
_CELL, _LEAST = 8.0, 5.0  # pt of a table, and of one that is too wide
_GAP, _PAD = 9.0, 2.2  # pt between columns, and above and below a line of a table
_ACROSS, _BETWEEN = 3, 12.0  # small pictures beside each other, and pt between them
_TALLEST = 205.0  # pt of a small picture
_PER_PIXEL = 72 / 150  # pt of a large picture


def as_pdf(title: str, sections: Sequence[Section]) -> bytes:
    """The file."""
    return lay_out(title, sections).pdf(title)


def lay_out(title: str, sections: Sequence[Section]) -> Pages:
    """What stands where, before it is drawn."""
    pages = Pages()
    pages.paragraph(title, _TITLE, after=8)
    for section in sections:
        pages.skip(12)
        pages.need(_beginning(pages, section))
        pages.paragraph(section.title, _HEADING, after=4)
        for paragraph in section.text:
            pages.paragraph(paragraph, _BODY)
        if section.code:
            pages.paragraph(section.code, _CODE, tint=True, after=8)
        for table in section.tables:
            if table.rows:
                _put_table(pages, table)
        for small, pictures in groupby(section.pictures, key=lambda picture: picture.small):
            for row in _rows(list(pictures), _ACROSS if small else 1):
                _put_pictures(pages, row)
    return pages


@dataclass(frozen=True)
class _Columns:
    """How a table is set: the widths of its columns, and its faces."""

    widths: tuple[float, ...]
    left: int
    body: Face
    head: Face

    @property
    def extent(self) -> float:
        """Width of the table."""
        return sum(self.widths) + _GAP * (len(self.widths) - 1)


def _put_table(pages: Pages, table: Table) -> None:
    headers = tuple(map(_cell, table.headers))
    rows = [tuple(map(_cell, row)) for row in table.rows]
    columns = _columns(headers, rows, table.left)
    head = _lines(headers, columns, columns.head) if any(headers) else []
    pages.need((_SUBHEADING.leading if table.title else 0) + (len(head) + 3) * (columns.body.leading + 2 * _PAD))
    if table.title:
        pages.paragraph(table.title, _SUBHEADING, after=1)
    _put_head(pages, head, columns)
    for row in rows:
        lines = _lines(row, columns, columns.body)
        height = len(lines) * columns.body.leading + 2 * _PAD
        if height > pages.room and (height < 0.8 * pages.whole or pages.room < 4 * columns.body.leading):
            pages.turn()
            _put_head(pages, head, columns)
        while lines:  # a row that is taller than the page goes on on the next
            fitting = max(1, int((pages.room - 2 * _PAD) // columns.body.leading))
            _put_row(pages, lines[:fitting], columns, columns.body, INK)
            pages.rule(0, columns.extent)
            lines = lines[fitting:]
            if lines:
                pages.turn()
                _put_head(pages, head, columns)
    if table.caption:
        pages.skip(3)
        pages.paragraph(table.caption, _CAPTION, colour=FAINT, after=0)
    pages.skip(9)


def _columns(headers: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> _Columns:
    """Widths that fit: columns are as wide as what they hold, or share what there is; wide tables are set smaller."""
    free = WIDTH - _GAP * (len(headers) - 1)
    size = _CELL
    while True:
        body, head = Face(size), Face(size, bold=True)
        cells = [[(headers[i], head), *((row[i], body) for row in rows)] for i in range(len(headers))]
        natural = [max(width_of(text, face) for text, face in column) for column in cells]
        least = [max(width_of(word, face) for text, face in column for word in text.split(" ")) for column in cells]
        # Long words, such as the names of files, may be cut where it is crowded.
        least = [min(width, free / 4) if i < left else width for i, width in enumerate(least)]
        if sum(least) <= free or size <= _LEAST:
            break
        size -= 0.5
    widths = [width * free / sum(least) for width in least] if sum(least) > free else _shared(natural, least, free)
    # 0.01: what is as wide as its column is not to be broken for the last bit of a sum.
    return _Columns(tuple(width + 0.01 for width in widths), left, body, head)


def _shared(natural: Sequence[float], least: Sequence[float], free: float) -> list[float]:
    """Share a width out: narrow columns have what they need, the wide ones get alike of what is left."""
    widths = list(least)
    open_ = [i for i, width in enumerate(natural) if width > least[i]]
    while open_:
        rest = free - sum(widths[i] for i in range(len(widths)) if i not in open_)
        level = rest / len(open_)
        settled = [i for i in open_ if natural[i] <= level or least[i] >= level]
        if not settled:
            for i in open_:
                widths[i] = level
            break
        for i in settled:
            widths[i] = min(natural[i], max(level, least[i]))
        open_ = [i for i in open_ if i not in settled]
    return widths


def _lines(cells: Sequence[str], columns: _Columns, face: Face) -> list[list[str]]:
    """The lines of a row of a table, each with a text for every column."""
    wrapped = [wrap(cell, face, width) for cell, width in zip(cells, columns.widths, strict=True)]
    count = max(map(len, wrapped))
    return [[lines[i] if i < len(lines) else "" for lines in wrapped] for i in range(count)]


def _put_head(pages: Pages, lines: Sequence[Sequence[str]], columns: _Columns) -> None:
    if lines:
        _put_row(pages, lines, columns, columns.head, FAINT)
        pages.rule(0, columns.extent, FAINT, 0.9)
    else:
        pages.rule(0, columns.extent, LINE)


def _put_row(pages: Pages, lines: Sequence[Sequence[str]], columns: _Columns, face: Face, colour: str) -> None:
    pages.advance(_PAD)
    for line in lines:
        x = 0.0
        for i, (text, width) in enumerate(zip(line, columns.widths, strict=True)):
            if text:
                words = i < columns.left
                pages.put(x if words else x + width, face.size, text, face, colour, "left" if words else "right")
            x += width + _GAP
        pages.advance(face.leading)
    pages.advance(_PAD)


@dataclass(frozen=True)
class _Strip:
    """Pictures beside each other: the width of a column, and of each picture its size and the lines below it."""

    column: float
    sizes: tuple[tuple[float, float], ...]
    captions: tuple[list[str], ...]

    @property
    def tallest(self) -> float:
        """Height of the pictures."""
        return max(height for _, height in self.sizes)

    @property
    def height(self) -> float:
        """Height with the captions."""
        return self.tallest + 3 + max(map(len, self.captions)) * _CAPTION.leading


def _strip(pages: Pages, row: Sequence[Picture]) -> _Strip:
    from PIL import Image

    small = row[0].small
    column = (WIDTH - _BETWEEN * (_ACROSS - 1)) / _ACROSS if small else WIDTH
    sizes = []
    for picture in row:
        with Image.open(io.BytesIO(picture.data)) as opened:
            across, down = opened.size
        scale = min(column / across, (_TALLEST if small else 0.9 * pages.whole) / down)
        scale = scale if small else min(scale, _PER_PIXEL)
        sizes.append((across * scale, down * scale))
    return _Strip(column, tuple(sizes), tuple(wrap(printable(picture.caption), _CAPTION, column) for picture in row))


def _put_pictures(pages: Pages, row: Sequence[Picture]) -> None:
    """Pictures beside each other, with their captions below."""
    strip = _strip(pages, row)
    pages.need(strip.height)
    for i, (picture, (across, down)) in enumerate(zip(row, strip.sizes, strict=True)):
        x = i * (strip.column + _BETWEEN)
        pages.picture(x, strip.tallest - down, across, down, picture.data)
        for number, line in enumerate(strip.captions[i]):
            pages.put(x, strip.tallest + 3 + _CAPTION.size + number * _CAPTION.leading, line, _CAPTION, FAINT)
    pages.advance(strip.height)
    pages.skip(10)


def _beginning(pages: Pages, section: Section) -> float:
    """Height of a heading with what must not be torn from it: the text, and the first lines or pictures."""
    lines = sum(len(wrap(printable(text), _BODY, WIDTH)) for text in section.text)
    height = _HEADING.leading + min(lines, 6) * _BODY.leading + 15
    if section.code or any(table.rows for table in section.tables):
        return height + 8 * _BODY.leading
    if not section.pictures:
        return height
    first = section.pictures[: _ACROSS if section.pictures[0].small else 1]
    return height + _strip(pages, first).height


def _rows(pictures: Sequence[Picture], across: int) -> list[Sequence[Picture]]:
    return [pictures[i : i + across] for i in range(0, len(pictures), across)]


def _cell(text: str) -> str:
    return unbroken(printable(text))
