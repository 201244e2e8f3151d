"""Pictures to look at: a radiograph with its landmarks, names, links and scale drawn on it.

Lines are drawn at twice the size and reduced, which makes them smooth. Names stand where they cover neither points nor
other names, with a thin line to their point where they had to move away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from farnet.atomic import atomic_path
from farnet.errors import AnnotationError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image, ImageDraw, ImageFont

    from farnet.landmarks import Landmarks
    from farnet.radiograph import Radiograph

__all__ = ["LabelKind", "draw_overlay", "grey", "load_font", "place_labels", "write_overlay"]

LabelKind = Literal["name", "abbreviation", "none"]

LONG_SIDE = 1600
"""Pixels of the longer side of the picture."""

_SMOOTH = 2  # drawn this much larger, then reduced
_MOST_ENLARGED = 4.0
_FEW = 25  # up to this many landmarks have their full names beside them
_PLAIN = (79, 195, 247)
_INK = (10, 14, 20)
_LINK, _LINK_EDGE = (255, 255, 255, 150), (10, 14, 20, 90)
_TRUTH = (255, 255, 255)
_SCALE_BARS = (1, 2, 5, 10, 20, 50, 100)  # mm
_ANGLES = np.arange(16) * (2 * np.pi / 16)
_DISTANCES = np.array([1.0, 1.6, 2.4, 3.4, 4.6, 6.0, 8.0])


def draw_overlay(
    radiograph: Radiograph,
    landmarks: Landmarks,
    *,
    reference: Landmarks | None = None,
    labels: LabelKind | None = None,
    links: bool = True,
    long_side: int = LONG_SIDE,
) -> Image.Image:
    """Draw landmarks on their radiograph.

    Points are coloured by confidence (viridis, 0 to 1) where there is one; an ellipse shows the 95 % region (of a model
    that is not calibrated one standard deviation) where it reaches beyond the point. Absent landmarks are not drawn;
    the caption counts them.

    Args:
        radiograph: The picture.
        landmarks: Its landmarks, in its pixels.
        reference: True landmarks to show as crosses, each joined with its point.
        labels: What stands beside the points; None writes names, or abbreviations where there are more than 25.
        links: Draw the links of the scheme.
        long_side: Pixels of the longer side; small radiographs are enlarged four times at most.

    Returns:
        An RGB picture in the shape of the radiograph, with a caption below.

    Raises:
        AnnotationError: If the landmarks are of a radiograph of another size, or the reference of another scheme.
    """
    from PIL import Image, ImageDraw

    if landmarks.image_shape is not None and landmarks.image_shape != radiograph.shape:
        raise AnnotationError(
            f"The landmarks are of a radiograph of {landmarks.image_shape} pixels, and {radiograph.name!r} has "
            f"{radiograph.shape}; give the radiograph that they belong to."
        )
    if reference is not None and reference.scheme.names != landmarks.scheme.names:
        raise AnnotationError(
            f"The reference is of scheme {reference.scheme.name!r}, the landmarks are of {landmarks.scheme.name!r}."
        )
    scale = min(long_side / max(radiograph.shape), _MOST_ENLARGED)
    size = max(1, round(radiograph.shape[1] * scale)), max(1, round(radiograph.shape[0] * scale))
    picture = Image.fromarray(grey(radiograph.pixels)).resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    style = _Style.of(max(size) * _SMOOTH)
    layer = Image.new("RGBA", (size[0] * _SMOOTH, size[1] * _SMOOTH))
    draw = ImageDraw.Draw(layer)
    # (row, column) with centres at integers -> (x, y) with centres at half-integers, as Pillow draws.
    factor = np.array([layer.width / radiograph.shape[1], layer.height / radiograph.shape[0]])
    points = (landmarks.points[:, ::-1] + 0.5) * factor
    if links:
        _draw_links(draw, points, landmarks, style)
    if reference is not None:
        _draw_reference(draw, points, (reference.points[:, ::-1] + 0.5) * factor, style)
    _draw_points(draw, points, landmarks, factor, style)
    kind = labels or ("name" if len(landmarks.scheme) <= _FEW else "abbreviation")
    if kind != "none":
        texts = landmarks.scheme.names if kind == "name" else landmarks.scheme.abbreviations
        _draw_labels(draw, points[landmarks.present], [t for t, p in zip(texts, landmarks.present, strict=True) if p])
    picture.alpha_composite(layer.resize(size, Image.Resampling.BOX))
    return _with_caption(picture.convert("RGB"), radiograph, landmarks, scale)


def write_overlay(
    path: str | Path,
    radiograph: Radiograph,
    landmarks: Landmarks,
    *,
    reference: Landmarks | None = None,
    labels: LabelKind | None = None,
) -> None:
    """Write the picture of `draw_overlay` as PNG, all or nothing.

    Raises:
        AnnotationError: As `draw_overlay`.
        OutputError: If the file cannot be written.
    """
    picture = draw_overlay(radiograph, landmarks, reference=reference, labels=labels)
    with atomic_path(path) as temporary:
        picture.save(temporary, format="PNG")


def place_labels(
    points: NDArray[np.float64], sizes: NDArray[np.float64], canvas: tuple[float, float], gap: float
) -> NDArray[np.float64]:
    """Choose where labels stand so that they cover neither points nor each other, near their points.

    Args:
        points: (N, 2) x, y of the points.
        sizes: (N, 2) width, height of the labels.
        canvas: (width, height) that the labels must stay in.
        gap: Room that a point needs around its centre.

    Returns:
        (N, 4) left, top, right, bottom of each label.
    """
    away = points - points.mean(axis=0)
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
    direction = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
    occupied = np.concatenate([points - gap, points + gap], axis=1)
    boxes = np.full((len(points), 4), np.nan)
    # The most crowded points choose first: they have the fewest places.
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    for k in np.argsort(np.sort(distances, axis=1)[:, : min(4, len(points))].sum(axis=1)):
        reach = _DISTANCES[:, None, None] * gap * 1.4
        # The label touches the circle of `reach` with the side or corner that faces the point.
        anchor = points[k] + direction * reach
        centre = (anchor + direction * sizes[k] / 2).reshape(-1, 2)
        candidates = np.concatenate([centre - sizes[k] / 2, centre + sizes[k] / 2], axis=1)
        others = np.concatenate([occupied, boxes[~np.isnan(boxes[:, 0])]])
        outside = _area(sizes[k]) - _overlap(candidates, np.array([[0.0, 0.0, *canvas]]))
        cost = 8.0 * _overlap(candidates, others) / _area(sizes[k]) + 50.0 * outside / _area(sizes[k])
        cost += np.repeat(0.12 * (_DISTANCES - 1.0), len(_ANGLES))
        cost -= np.tile(0.15 * direction @ away[k] + 0.08 * np.abs(direction[:, 0]), len(_DISTANCES))
        boxes[k] = candidates[int(np.argmin(cost))]
    return boxes


def _area(size: NDArray[np.float64]) -> float:
    return float(max(size[0] * size[1], 1e-9))


def _overlap(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M,) area that each of (M, 4) boxes shares with all of (N, 4) others."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return np.asarray(np.clip(high - low, 0.0, None).prod(axis=-1).sum(axis=1))


@dataclass(frozen=True)
class _Style:
    """Lengths in pixels of the enlarged drawing."""

    radius: float
    line: int
    font: int

    @classmethod
    def of(cls, long_side: int) -> _Style:
        return cls(max(4.0, long_side / 230), max(1, round(long_side / 900)), max(12, round(long_side / 88)))


def grey(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """8 bit between the 0.2nd and the 99.8th percentile."""
    values = pixels.astype(np.float32)
    low, high = np.percentile(values[::4, ::4], (0.2, 99.8))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    scaled = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    return np.asarray(np.rint(scaled * 255), np.uint8)


def _colours(landmarks: Landmarks) -> list[tuple[int, int, int]]:
    if landmarks.confidence is None:
        return [_PLAIN] * len(landmarks)
    return [_PLAIN if math.isnan(c) else _viridis(float(c)) for c in landmarks.confidence]


def _viridis(value: float) -> tuple[int, int, int]:
    from matplotlib import colormaps

    red, green, blue, _ = colormaps["viridis"](min(max(value, 0.0), 1.0), bytes=True)
    return int(red), int(green), int(blue)


def _draw_links(draw: ImageDraw.ImageDraw, points: NDArray[np.float64], landmarks: Landmarks, style: _Style) -> None:
    """Light lines with dark edges: seen on black and on white."""
    pairs = [pair for pair in landmarks.scheme.links if landmarks.present[list(pair)].all()]
    for colour, extra in ((_LINK_EDGE, 4), (_LINK, 0)):
        for a, b in pairs:
            draw.line([*points[a], *points[b]], fill=colour, width=style.line + extra)


def _draw_points(
    draw: ImageDraw.ImageDraw,
    points: NDArray[np.float64],
    landmarks: Landmarks,
    factor: NDArray[np.float64],
    style: _Style,
) -> None:
    r = style.radius
    for k, colour in enumerate(_colours(landmarks)):
        if not landmarks.present[k]:
            continue
        x, y = points[k]
        if landmarks.covariance is not None and np.isfinite(landmarks.covariance[k]).all():
            radius = 1.0 if landmarks.region95 is None or np.isnan(landmarks.region95[k]) else landmarks.region95[k]
            ring = radius * _ellipse(landmarks.covariance[k][::-1, ::-1] * np.outer(factor, factor))
            if np.abs(ring).max() > r:
                draw.line([tuple(p) for p in ring + points[k]], fill=(*colour, 200), width=style.line)
        draw.ellipse([x - r - 3, y - r - 3, x + r + 3, y + r + 3], fill=(*_INK, 190))
        draw.ellipse([x - r, y - r, x + r, y + r], fill=(*colour, 255), outline=(255, 255, 255, 255), width=2)


def _ellipse(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """(64, 2) x, y of one standard deviation around the origin."""
    values, vectors = np.linalg.eigh(covariance)
    angle = np.linspace(0, 2 * np.pi, 64)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    return np.asarray((vectors @ (np.sqrt(np.maximum(values, 0.0))[:, None] * circle)).T)


def _draw_reference(
    draw: ImageDraw.ImageDraw, points: NDArray[np.float64], truth: NDArray[np.float64], style: _Style
) -> None:
    arm = style.radius * 0.8
    for point, (x, y) in zip(points, truth, strict=True):
        if math.isnan(x):
            continue
        if not math.isnan(point[0]):
            draw.line([*point, x, y], fill=(255, 193, 7, 255), width=style.line + 1)
        for dx, dy in ((arm, arm), (arm, -arm)):
            for colour, extra in ((_INK, 4), (_TRUTH, 0)):
                draw.line([x - dx, y - dy, x + dx, y + dy], fill=(*colour, 255), width=style.line + 1 + extra)


def _draw_labels(draw: ImageDraw.ImageDraw, points: NDArray[np.float64], texts: list[str]) -> None:
    if not texts:
        return
    canvas = draw.im.size
    style = _Style.of(max(canvas))
    font, pad = load_font(style.font), style.font * 0.15
    extents = [draw.textbbox((0, 0), text, font=font, anchor="lt") for text in texts]
    height = style.font * 1.15
    sizes = np.array([(right - left + 2 * pad, height) for left, _, right, _ in extents])
    boxes = place_labels(points, sizes, (float(canvas[0]), float(canvas[1])), style.radius * 1.6)
    for (x, y), (left, top, right, bottom) in zip(points, boxes, strict=True):
        nearest = np.array([min(max(x, left), right), min(max(y, top), bottom)])
        if np.hypot(*(nearest - (x, y))) > 4.5 * style.radius:
            draw.line([x, y, *nearest], fill=(255, 255, 255, 170), width=max(1, style.line // 2))
    for text, (left, top, _, bottom) in zip(texts, boxes, strict=True):
        draw.text(
            (left + pad, (top + bottom) / 2),
            text,
            font=font,
            anchor="lm",
            fill=(255, 255, 255, 255),
            stroke_width=max(2, style.font // 9),
            stroke_fill=(*_INK, 210),
        )


def _with_caption(picture: Image.Image, radiograph: Radiograph, landmarks: Landmarks, scale: float) -> Image.Image:
    from PIL import Image, ImageDraw

    size = max(11, round(max(picture.size) / 95))
    font, height = load_font(size), round(size * 2.6)
    page = Image.new("RGB", (picture.width, picture.height + height), _INK)
    page.paste(picture, (0, 0))
    draw = ImageDraw.Draw(page)
    middle, margin = picture.height + height / 2, size
    found = f"{int(landmarks.present.sum())} of {len(landmarks)} landmarks"
    caption = " \N{MIDDLE DOT} ".join(filter(None, (radiograph.name, landmarks.source, found)))
    draw.text((margin, middle), caption, font=font, anchor="lm", fill=(225, 230, 238))
    right = float(page.width - margin)
    if landmarks.spacing is not None:
        right = _draw_scale_bar(draw, right, middle, landmarks.spacing[1] / scale, page.width / 5, font)
    note = "research use, not for diagnosis"
    free = right - margin - draw.textlength(caption, font=font)
    if draw.textlength(note, font=font) + 3 * size < free:
        draw.text((right - size, middle), note, font=font, anchor="rm", fill=(140, 150, 165))
    return page


def _draw_scale_bar(
    draw: ImageDraw.ImageDraw,
    right: float,
    middle: float,
    mm_per_pixel: float,
    longest: float,
    font: ImageFont.FreeTypeFont,
) -> float:
    """Draw a bar of a round length; return where it begins."""
    fitting = [mm for mm in _SCALE_BARS if mm / mm_per_pixel <= longest] or [_SCALE_BARS[0]]
    text = f"{fitting[-1]} mm"
    length, tick = fitting[-1] / mm_per_pixel, font.size / 3
    draw.text((right, middle), text, font=font, anchor="rm", fill=(225, 230, 238))
    end = right - draw.textlength(text, font=font) - font.size / 2
    for line in (
        (end - length, middle, end, middle),
        (end, middle - tick, end, middle + tick),
        (end - length, middle - tick, end - length, middle + tick),
    ):
        draw.line(line, fill=(225, 230, 238), width=2)
    return float(end - length - font.size)


@lru_cache(maxsize=8)
def load_font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with Matplotlib: the same picture on every machine."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)
