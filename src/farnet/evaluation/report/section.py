"""What a report is made of, whatever it is written as: sections of text, tables and pictures."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Picture", "Section", "Table"]


@dataclass(frozen=True)
class Table:
    """A table; the first `left` columns hold words, the others numbers."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1


@dataclass(frozen=True)
class Picture:
    """A PNG file as bytes, and in words what it shows."""

    png: bytes
    caption: str


@dataclass(frozen=True)
class Section:
    """One section of a report. Others add figures of their own as further sections.

    Attributes:
        title: Its heading.
        text: Paragraphs before the tables.
        tables: Tables, in order.
        pictures: Pictures, after the tables.
        code: A command or the like, to be copied, after the text.
    """

    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    code: str = ""
