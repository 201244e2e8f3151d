"""What a report is made of, whatever it is written as: sections of text, tables and pictures."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Picture", "Section", "Table"]

_JPEG = b"\xff\xd8"


@dataclass(frozen=True)
class Table:
    """A table; the first `left` columns hold words, the others numbers.

    Attributes:
        headers: Head of each column; all empty for a table of facts, whose first column is the head of each line.
        rows: The lines.
        left: How many columns hold words.
        title: What stands above it, where a section has several.
        caption: What has to be known to read it, below it.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1
    title: str = ""
    caption: str = ""


@dataclass(frozen=True)
class Picture:
    """A PNG or JPEG file as bytes, and in words what it shows.

    Attributes:
        data: The file.
        caption: What stands below it.
        alt: What is to be seen, for those who cannot; the caption unless it is given.
        small: Whether it stands beside others.
    """

    data: bytes
    caption: str
    alt: str = ""
    small: bool = False

    @property
    def media_type(self) -> str:
        """As HTML wants it."""
        return "image/jpeg" if self.data.startswith(_JPEG) else "image/png"


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
