"""Pages of paper: what stands where on A4, and the PDF that is made of them by Matplotlib."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from farnet.evaluation.report.typesetting import Face, printable, width_of, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FAINT", "INK", "LINE", "WIDTH", "Pages"]

_PAPER = (595.276, 841.89)  # pt: A4
_LEFT, _TOP, _BOTTOM = 48.0, 48.0, 54.0
WIDTH = _PAPER[0] - 2 * _LEFT
"""Width in pt that text may take."""

INK, FAINT, LINE = "#1b1f24", "#5b6470", "#d5dae1"
_FOOT = Face(7.5)


@dataclass
class _Page:
    """What is on one page: (x, y, ...) in pt from the upper left corner."""

    texts: list[tuple[float, float, str, Face, str, str]] = field(default_factory=list)
    rules: list[tuple[float, float, float, str, float]] = field(default_factory=list)
    tints: list[tuple[float, float, float, float]] = field(default_factory=list)
    pictures: list[tuple[float, float, float, float, bytes]] = field(default_factory=list)


class Pages:
    """Pages that are filled from above; a new one begins where something does not fit."""

    def __init__(self) -> None:
        self._pages = [_Page()]
        self._y = _TOP

    @property
    def room(self) -> float:
        """Height in pt that is left on this page."""
        return _PAPER[1] - _BOTTOM - self._y

    @property
    def whole(self) -> float:
        """Height in pt of an empty page."""
        return _PAPER[1] - _BOTTOM - _TOP

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands on this page."""
        return self._y == _TOP

    def turn(self) -> None:
        """Begin a new page."""
        self._pages.append(_Page())
        self._y = _TOP

    def need(self, height: float) -> None:
        """Begin a new page unless there is room for so much."""
        if height > self.room and not self.is_empty:
            self.turn()

    def skip(self, height: float) -> None:
        """Leave some height free, but not at the top of a page."""
        if not self.is_empty:
            self._y += height

    def advance(self, height: float) -> None:
        """What was put here takes so much."""
        self._y += height

    def put(self, x: float, y: float, text: str, face: Face, colour: str = INK, side: str = "left") -> None:
        """A line of text: `x` from the left margin, `y` of its baseline from here."""
        self._pages[-1].texts.append((_LEFT + x, self._y + y, text, face, colour, side))

    def rule(self, y: float, width: float, colour: str = LINE, weight: float = 0.6) -> None:
        """A line across, `y` from here."""
        self._pages[-1].rules.append((_LEFT, self._y + y, width, colour, weight))

    def picture(self, x: float, y: float, width: float, height: float, data: bytes) -> None:
        """A picture whose upper left corner is at `x` from the margin and `y` from here."""
        self._pages[-1].pictures.append((_LEFT + x, self._y + y, width, height, data))

    def paragraph(self, text: str, face: Face, *, colour: str = INK, after: float = 5.0, tint: bool = False) -> None:
        """Text over the whole width, on as many pages as it takes."""
        inset = 6.0 if tint else 0.0
        for line in wrap(printable(text), face, WIDTH - 2 * inset):
            self.need(face.leading)
            if tint:
                self._pages[-1].tints.append((_LEFT, self._y, WIDTH, face.leading))
            self.put(inset, face.size * 1.05, line, face, colour)
            self.advance(face.leading)
        self.skip(after)

    def lines(self) -> list[list[tuple[float, str, Face]]]:
        """For each page what is written on it, in order: where a line begins or, of numbers, ends, its text, its type.

        The place is in pt from the left margin.
        """
        return [[(x - _LEFT, text, face) for x, _, text, face, _, _ in page.texts] for page in self._pages]

    def pdf(self, title: str) -> bytes:
        """All pages as a file, with a title and numbers below."""
        from matplotlib.backends.backend_pdf import PdfPages

        data = io.BytesIO()
        with PdfPages(data, metadata={"Title": printable(title), "Creator": "farnet"}) as pdf:
            for number, page in enumerate(self._pages, 1):
                pdf.savefig(_drawn(page, _footer(title, number, len(self._pages))))
        return data.getvalue()


def _footer(title: str, number: int, count: int) -> Sequence[tuple[float, float, str, Face, str, str]]:
    y, right = _PAPER[1] - _BOTTOM / 2, _PAPER[0] - _LEFT
    place = f"Page {number} of {count}"
    name = wrap(printable(title), _FOOT, WIDTH - width_of(place, _FOOT) - 20.0)[0]
    return (_LEFT, y, name, _FOOT, FAINT, "left"), (right, y, place, _FOOT, FAINT, "right")


def _drawn(page: _Page, footer: Sequence[tuple[float, float, str, Face, str, str]]) -> Any:
    """One page as a figure of Matplotlib, outside pyplot: no global state, no window."""
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    across, down = _PAPER
    figure = Figure(figsize=(across / 72, down / 72), facecolor="white")
    FigureCanvasPdf(figure)
    for x, y, width, height in page.tints:
        corner = x / across, 1 - (y + height) / down
        figure.add_artist(Rectangle(corner, width / across, height / down, facecolor="#f2f4f7", linewidth=0))
    for x, y, width, colour, weight in page.rules:
        level = 1 - y / down
        figure.add_artist(Line2D([x / across, (x + width) / across], [level] * 2, color=colour, linewidth=weight))
    for x, y, width, height, data in page.pictures:
        axes = figure.add_axes((x / across, 1 - (y + height) / down, width / across, height / down))
        axes.imshow(_pixels(data), interpolation="none", aspect="auto")
        axes.set_axis_off()
    for x, y, text, face, colour, side in (*page.texts, *footer):
        figure.text(
            x / across,
            1 - y / down,
            text,
            fontproperties=face.properties(),
            color=colour,
            horizontalalignment=side,
            verticalalignment="baseline",
            parse_math=False,
            usetex=False,
        )
    return figure


def _pixels(data: bytes) -> Any:
    """(rows, columns, 3) uint8."""
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))
