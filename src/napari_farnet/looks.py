"""What landmarks look like: readable labels, and marks on points that were moved by hand.

napari gives all labels of a layer one anchor, so names of landmarks that lie close together would be written over one
another. Text that is centred on its point moves to one side when the other side is filled with spaces, and up or down
with an empty line: that gives each label its own side, at every zoom, without touching the points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from napari_farnet.settings import Settings

__all__ = ["beside", "colours", "row_looks"]

_LABEL_COLOUR = "#ff5c33"  # stands out on black, on white and on every grey between
_BORDER_COLOUR = "white"
_PLAIN_COLOUR = "#33c9ff"

_CANVAS = 800.0  # side, in screen pixels, that a whole radiograph is taken to fill
_PIXELS_PER_POINT = 4 / 3
_SPACE = "\u2005"  # a quarter of an em in every font
_SPACE_EM = 0.25
_LINE_EM = 1.8  # from one line to the next
_LETTER_EM = 1.1  # height of a letter with some air
_NARROW, _WIDE = "fijltIJ'.,:;|!()[]- ", "mwMW"
_MARKER_WEIGHT = 2  # hiding a point is worse than touching another label
_RELUCTANCE = np.array([0.0, 0.05, 0.1, 0.1])  # in square em of overlap: to the right unless that hides something
_PASSES = 3


def colours(settings: Settings, image_shape: tuple[int, int], *, by_confidence: bool) -> dict[str, Any]:
    """Choose what all points of a layer share: colour and size.

    Args:
        settings: The size of a point on the screen, which it keeps at every zoom.
        image_shape: (rows, columns) of the radiograph.
        by_confidence: Whether the feature `confidence` gives the colour; needs at least one point.

    Returns:
        Keywords of Points.
    """
    return {
        "face_color": "confidence" if by_confidence else _PLAIN_COLOUR,
        "face_colormap": "viridis",
        "face_contrast_limits": (0.0, 1.0),
        "border_width": 0.12,
        "canvas_size_limits": (0.6 * settings.point_size, settings.point_size),
        "size": 0.75 * settings.point_size * max(image_shape) / _CANVAS,
    }


def row_looks(
    data: NDArray[np.float64], features: pd.DataFrame, image_shape: tuple[int, int], settings: Settings
) -> dict[str, Any]:
    """Choose what differs from point to point: labels, and marks on points moved by hand.

    Args:
        data: (N, n) of the layer.
        features: Its N rows of features.
        image_shape: (rows, columns) of the radiograph.
        settings: Kind and size of the labels.

    Returns:
        `text`, `symbol` and `border_color`, keywords of Points and attributes of a layer of points alike.
    """
    texts = np.full(len(data), "", dtype=object)
    if settings.label != "none" and len(data):
        written = features[settings.label].to_numpy(dtype=object)
        _, of_slice = np.unique(np.rint(data[:, :-2]), axis=0, return_inverse=True)
        for slice_number in range(of_slice.max() + 1):
            rows = np.flatnonzero(of_slice == slice_number)
            texts[rows] = beside(
                data[rows, -2:],
                [str(text) for text in written[rows]],
                image_shape,
                size=settings.label_size,
                marker=settings.point_size,
            )
    edited = features["edited"].to_numpy(dtype=np.bool_)
    return {
        "text": {"string": texts.astype(str).tolist(), "size": settings.label_size, "color": _LABEL_COLOUR},
        "symbol": np.where(edited, "diamond", "disc") if len(data) else "disc",
        "border_color": np.where(edited, _LABEL_COLOUR, _BORDER_COLOUR) if len(data) else _BORDER_COLOUR,
    }


def beside(
    points: NDArray[np.float64], texts: Sequence[str], image_shape: tuple[int, int], *, size: float, marker: float
) -> list[str]:
    """Pad the labels of one radiograph so that each stands where it hides least: right, left, below or above its point.

    Args:
        points: (N, 2) row, column in pixels; no NaN.
        texts: N labels.
        image_shape: (rows, columns) of the radiograph, taken to be shown whole.
        size: Size of the font, in points.
        marker: Diameter of a point, in pixels of the screen.

    Returns:
        The N labels, filled with spaces or an empty line on one side, for text that is centred on its point.
    """
    em = size * _PIXELS_PER_POINT
    gap = marker / 2 + 0.35 * em
    centres = np.asarray(points, np.float64)[:, ::-1] * (_CANVAS / max(image_shape))  # (x, y) on the screen
    widths = np.array([_width(text) * em for text in texts])
    boxes = _boxes(centres, widths, gap, em)
    markers = np.concatenate([centres - marker / 2, centres + marker / 2], axis=1)
    chosen = np.zeros(len(texts), dtype=np.intp)
    for _ in range(_PASSES):
        for k in range(len(texts)):
            others = np.arange(len(texts)) != k
            taken = boxes[chosen, np.arange(len(texts))]
            around = np.concatenate([taken[others], *[markers[others]] * _MARKER_WEIGHT])
            hidden = np.array([_overlap(box, around) for box in boxes[:, k]])
            chosen[k] = int(np.argmin(hidden + _RELUCTANCE * em * em))
    # Text of width w that is centred together with s of spaces begins at (s - w) / 2 from the point.
    spaces = [_SPACE * round((width + 2 * gap) / (_SPACE_EM * em)) for width in widths]
    return [
        (pad + text, text + pad, f"{_SPACE}\n{text}", f"{text}\n{_SPACE}")[side]
        for text, pad, side in zip(texts, spaces, chosen.tolist(), strict=True)
    ]


def _width(text: str) -> float:
    """Rough width of a text in em, as sans-serif fonts draw it."""
    return sum(
        0.33 if letter in _NARROW else 0.9 if letter in _WIDE else 0.68 if letter.isupper() else 0.58 for letter in text
    )


def _boxes(centres: NDArray[np.float64], widths: NDArray[np.float64], gap: float, em: float) -> NDArray[np.float64]:
    """(4, N, 4) left, top, right, bottom of the labels to the right, to the left, below and above their points."""
    reach, level = gap + widths / 2, np.zeros_like(widths)
    down = level + _LINE_EM * em / 2
    shifts = np.stack(
        [np.stack(pair, axis=1) for pair in ((reach, level), (-reach, level), (level, down), (level, -down))]
    )
    half = np.stack([widths, np.full_like(widths, _LETTER_EM * em)], axis=1) / 2
    middles = centres + shifts
    return np.concatenate([middles - half, middles + half], axis=2)


def _overlap(box: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Area that a box shares with others."""
    extents = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    return float(np.prod(np.clip(extents, 0.0, None), axis=1).sum())
