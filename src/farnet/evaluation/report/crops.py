"""Small pictures of a radiograph with truth and prediction on it, cut out where the landmarks are."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from farnet.overlay import grey, load_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL import Image, ImageDraw

    from farnet.landmarks import Landmarks
    from farnet.radiograph import Radiograph

__all__ = ["LEGEND", "Window", "draw_case", "window_around", "window_of"]

LEGEND = "White cross: the truth. Blue disc: the prediction. Yellow line between them: the error."

_SIZE = (300, 380)  # largest width and height in px
_SMOOTH = 3  # drawn this much larger, then reduced
_QUALITY = 82
_MARGIN = 0.09  # of the longer side of what the landmarks fill
_NARROWEST = 0.6  # width by height: a spine alone would be a strip
_MOST_ENLARGED = 4.0
_FEW = 25  # up to this many landmarks have their full names beside them
_LEAST = 24.0  # px of the radiograph that are seen at least
_BLUE, _YELLOW, _WHITE, _INK = (79, 195, 247), (255, 193, 7), (255, 255, 255), (10, 14, 20)
_SCALE_BARS = (1, 2, 5, 10, 20, 50, 100)  # mm


@dataclass(frozen=True)
class Window:
    """Part of a radiograph: top, left, bottom, right in px, the last two outside."""

    top: int
    left: int
    bottom: int
    right: int

    @classmethod
    def of(cls, centre: NDArray[np.float64], height: float, width: float, shape: tuple[int, int]) -> Window:
        """The window of a size round a centre (row, column), moved or cut so that it lies in the radiograph."""
        ends = []
        for middle, extent, limit in zip(centre, (height, width), shape, strict=True):
            size = min(max(round(extent), 1), limit)
            first = min(max(round(middle - size / 2 + 0.5), 0), limit - size)
            ends.append((first, first + size))
        (top, bottom), (left, right) = ends
        return cls(top, left, bottom, right)


def window_of(shape: tuple[int, int], *sides: Landmarks) -> Window:
    """The part of a radiograph of (rows, columns) that holds all landmarks of both sides, with a margin.

    All of it where there is not one landmark in it.
    """
    points = np.concatenate([side.points for side in sides])
    inside = ((points >= -0.5) & (points <= np.array(shape) - 0.5)).all(axis=1)  # False for NaN
    if not inside.any():
        return Window(0, 0, *shape)
    low, high = points[inside].min(axis=0), points[inside].max(axis=0)
    height, width = high - low + 2 * max(_MARGIN * float((high - low).max()), _LEAST / 2)
    return Window.of((low + high) / 2, max(height, width * _NARROWEST), max(width, height * _NARROWEST), shape)


def window_around(shape: tuple[int, int], whole: Window, points: Sequence[NDArray[np.float64]]) -> Window:
    """A square part round the one or two places (row, column) of a landmark, three times as wide as they lie apart.

    At least a quarter of `whole`, the window of all landmarks, so that one sees where it is.
    """
    both = np.stack(points)
    known = both[~np.isnan(both).any(axis=1)]
    apart = float(np.abs(known[0] - known[-1]).max())
    extent = max(3.0 * apart, 0.25 * max(whole.bottom - whole.top, whole.right - whole.left), _LEAST)
    return Window.of(known.mean(axis=0), extent, extent, shape)


def draw_case(
    radiograph: Radiograph,
    prediction: Landmarks,
    reference: Landmarks,
    window: Window,
    *,
    named: Sequence[int] = (),
    in_mm: bool = True,
) -> bytes:
    """Draw truth, prediction and the errors between them on a part of a radiograph.

    Args:
        radiograph: The pixels.
        prediction: Discs.
        reference: Crosses.
        window: The part to show.
        named: Landmarks whose names are written beside them, or their abbreviations where there are many.
        in_mm: Whether a scale bar may be drawn; a report in px has none.

    Returns:
        A JPEG file of at most 300 x 380 px, with a scale bar where the size of a pixel is known.
    """
    from PIL import Image, ImageDraw

    rows, columns = window.bottom - window.top, window.right - window.left
    scale = min(_SIZE[0] / columns, _SIZE[1] / rows, _MOST_ENLARGED)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    part = grey(radiograph.pixels[window.top : window.bottom, window.left : window.right])
    picture = Image.fromarray(part).resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    layer = Image.new("RGBA", (size[0] * _SMOOTH, size[1] * _SMOOTH))
    draw = ImageDraw.Draw(layer)
    factor = np.array([layer.width / columns, layer.height / rows])
    # (row, column) with centres at integers -> (x, y) with centres at half-integers, as Pillow draws.
    found, true = (
        (side.points[:, ::-1] + 0.5 - np.array([window.left, window.top])) * factor for side in (prediction, reference)
    )
    radius = _SMOOTH * (2.2 if len(found) > _FEW else 3.0)
    _draw_points(draw, found, true, radius)
    many = len(found) > _FEW
    names = reference.scheme.abbreviations if many else reference.scheme.names
    for k in named:
        ends = [true[k], true[k]] if np.isnan(found[k]).any() else [found[k], true[k]]
        _draw_name(draw, ends[0], ends[1], names[k], layer.size)
    spacing = reference.spacing or prediction.spacing or radiograph.spacing
    if in_mm and spacing is not None:
        _draw_scale(draw, factor[0] / spacing[1], layer.size)
    picture.alpha_composite(layer.resize(size, Image.Resampling.BOX))
    return _jpeg(picture.convert("RGB"))


def _jpeg(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, format="JPEG", quality=_QUALITY, subsampling=0, optimize=True)
    return data.getvalue()


def _draw_points(
    draw: ImageDraw.ImageDraw, found: NDArray[np.float64], true: NDArray[np.float64], radius: float
) -> None:
    line = _SMOOTH
    for there, should in zip(found, true, strict=True):
        if not (np.isnan(there).any() or np.isnan(should).any()):
            draw.line([*there, *should], fill=(*_INK, 150), width=line + 2 * _SMOOTH)
            draw.line([*there, *should], fill=(*_YELLOW, 255), width=line + 1)
    for x, y in found[~np.isnan(found).any(axis=1)]:
        edge = radius + _SMOOTH
        draw.ellipse([x - edge, y - edge, x + edge, y + edge], fill=(*_INK, 190))
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(*_BLUE, 255))
    arm = radius * 0.95
    for x, y in true[~np.isnan(true).any(axis=1)]:
        for colour, width in ((_INK, line + 2 * _SMOOTH), (_WHITE, line)):
            for rise in (arm, -arm):
                draw.line([x - arm, y - rise, x + arm, y + rise], fill=(*colour, 255), width=width)


def _draw_name(
    draw: ImageDraw.ImageDraw,
    point: NDArray[np.float64],
    other: NDArray[np.float64],
    name: str,
    canvas: tuple[int, int],
) -> None:
    """Beside the point, away from the other end of its error; on the side that has room, else below it."""
    font, gap = load_font(12 * _SMOOTH), 7.0 * _SMOOTH
    x, y = point
    left, top, right, bottom = draw.textbbox((0, 0), name, font=font, anchor="lt")
    width, height = right - left, bottom - top
    sides = [(x + gap, x + gap + width < canvas[0]), (x - gap - width, x - gap - width > 0)]
    if other[0] > x:  # False for NaN
        sides.reverse()
    begin = next((start for start, fits in sides if fits), None)
    corner = (x - width / 2, y + gap) if begin is None else (begin, y - height / 2)
    place = tuple(min(max(c, 3.0 * _SMOOTH), limit - 3.0 * _SMOOTH - extent) for c, limit, extent in zip(
        corner, canvas, (width, height), strict=True
    ))  # fmt: skip
    draw.text(
        place, name, font=font, anchor="lt", fill=(*_WHITE, 255), stroke_width=2 * _SMOOTH, stroke_fill=(*_INK, 220)
    )


def _draw_scale(draw: ImageDraw.ImageDraw, per_mm: float, canvas: tuple[int, int]) -> None:
    """A bar of a round length in the lower left corner; none where even the shortest would not fit."""
    fitting = [mm for mm in _SCALE_BARS if mm * per_mm <= canvas[0] / 3]
    if not fitting or not math.isfinite(per_mm):
        return
    x, y, tick = 9 * _SMOOTH, canvas[1] - 10 * _SMOOTH, 3 * _SMOOTH
    end = x + fitting[-1] * per_mm
    for colour, extra in ((_INK, 2 * _SMOOTH), (_WHITE, 0)):
        for segment in ((x, y, end, y), (x, y - tick, x, y + tick), (end, y - tick, end, y + tick)):
            draw.line(segment, fill=(*colour, 255), width=_SMOOTH + extra)
    draw.text(
        (end + 5 * _SMOOTH, y),
        f"{fitting[-1]} mm",
        font=load_font(11 * _SMOOTH),
        anchor="lm",
        fill=(*_WHITE, 255),
        stroke_width=2 * _SMOOTH,
        stroke_fill=(*_INK, 220),
    )
