"""Setting type: how wide text is, and where its lines break."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Face", "printable", "unbroken", "width_of", "wrap"]

_EM = 2000.0  # pt at which characters are measured: widths are rounded to px, and many add up to a line
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class Face:
    """A size in pt of one of the fonts that come with Matplotlib, so that every machine has it."""

    size: float
    bold: bool = False
    mono: bool = False

    @property
    def leading(self) -> float:
        """Distance of lines in pt."""
        return 1.3 * self.size

    def at(self, size: float) -> Face:
        """The same in another size."""
        return replace(self, size=size)

    def properties(self) -> Any:
        """For Matplotlib."""
        from matplotlib.font_manager import FontProperties

        family = "DejaVu Sans Mono" if self.mono else "DejaVu Sans"
        return FontProperties(family=family, weight="bold" if self.bold else "normal", size=self.size)


def printable(text: str) -> str:
    """The text with what the fonts do not have, or what is no character to be seen, replaced by a sign for it."""
    known = _known()
    return "".join(c if ord(c) in known else " " if c.isspace() else _UNKNOWN for c in text)


def unbroken(text: str) -> str:
    """The text with an interval in brackets that is not torn."""
    begin, bracket, end = text.partition("[")
    return begin + bracket + end.replace(", ", ",\N{NO-BREAK SPACE}") if bracket else begin


def width_of(text: str, face: Face) -> float:
    """Width in pt of a line of printable text."""
    return sum(_character(c, face.bold, face.mono) for c in text) * face.size / _EM


def wrap(text: str, face: Face, width: float) -> list[str]:
    """Break printable text into lines of at most a width in pt: at spaces, and inside words that are wider."""
    lines: list[str] = []
    line, taken = "", 0.0
    space = width_of(" ", face)
    for word in _words(text, face, width):
        extent = width_of(word, face)
        if line and taken + space + extent > width:
            lines.append(line)
            line, taken = word, extent
        else:
            taken += extent + (space if line else 0.0)
            line = f"{line} {word}" if line else word
    return [*lines, line]


def _words(text: str, face: Face, width: float) -> Iterator[str]:
    """Words, cut where they are wider than a line."""
    for word in text.split(" "):
        part, taken = "", 0.0
        for c in word:
            extent = width_of(c, face)
            if part and taken + extent > width:
                yield part
                part, taken = "", 0.0
            part += c
            taken += extent
        if part:
            yield part


@lru_cache(maxsize=4096)
def _character(c: str, bold: bool, mono: bool) -> float:
    """Width of a character at `_EM` pt, spaces too; between bars, to which no letter moves closer."""
    return _measured(f"|{c}|", bold, mono) - _measured("||", bold, mono)


@lru_cache(maxsize=4096)
def _measured(text: str, bold: bool, mono: bool) -> float:
    from matplotlib.textpath import text_to_path

    face = Face(_EM, bold, mono).properties()
    return float(text_to_path.get_text_width_height_descent(text, face, ismath=False)[0])


@lru_cache(maxsize=1)
def _known() -> frozenset[int]:
    """Code points that all three fonts have and that leave ink, besides the space."""
    from matplotlib.font_manager import findfont, get_font

    faces = (Face(_EM), Face(_EM, bold=True), Face(_EM, mono=True))
    maps = [get_font(findfont(face.properties())).get_charmap() for face in faces]
    common = set.intersection(*(set(chars) for chars in maps))
    return frozenset(code for code in common if chr(code).isprintable() or chr(code) == "\N{NO-BREAK SPACE}")
