"""A second look: lay a radiograph into the frame as the training radiographs lay in theirs.

A network sees landmarks best at the size and place at which it learnt them. Where a first detection shows the anatomy
much smaller, larger or elsewhere than is typical, the radiograph is cropped or padded to match, for a second detection.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from farnet.frame import FitMode, Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["reframed"]

_LEAST_POINTS = 6
_TOLERATED_SIZE = 1.12  # ratio of sizes that needs no second look
_TOLERATED_SHIFT = 0.08  # of the frame's height
_LARGEST_CHANGE = 4.0


def reframed(
    frame: Frame,
    points: NDArray[np.float64],
    confidence: NDArray[np.float64],
    typical: NDArray[np.float64],
    mode: FitMode,
) -> Frame | None:
    """A better frame, or None where the present one will do.

    Args:
        frame: The frame of the first detection.
        points: (K, 2) detected points in network pixels; NaN is absent.
        confidence: (K,) their confidence; NaN is absent.
        typical: (K, 2) where the landmarks lay on average in training, in network pixels.
        mode: How radiographs are fitted into the frame.

    Returns:
        A frame in which the detected points have the typical size and centre; None if they nearly have, or if too few
        points were found to tell.
    """
    found = np.isfinite(points).all(axis=1) & np.isfinite(confidence)
    if found.sum() < _LEAST_POINTS:
        return None
    # Medians, of distances between pairs and of what is left: a few landmarks found far away must not decide.
    here, there = points[found], typical[found]
    first, second = np.triu_indices(len(here), 1)
    apart = np.linalg.norm(there[first] - there[second], axis=1)
    far = apart > 0.05 * frame.network_shape[0]
    if not far.any():
        return None
    ratio = float(np.median(np.linalg.norm(here[first] - here[second], axis=1)[far] / apart[far]))
    centre_typical = np.median(there, axis=0)
    centre = np.median(here - ratio * (there - centre_typical), axis=0)
    shift = float(np.linalg.norm(centre - centre_typical)) / frame.network_shape[0]
    if 1.0 / _TOLERATED_SIZE < ratio < _TOLERATED_SIZE and shift < _TOLERATED_SHIFT:
        return None
    if not 1.0 / _LARGEST_CHANGE < ratio < _LARGEST_CHANGE:
        return None
    # The crop that fills the frame at the typical size; its shape is the frame's in radiograph pixels of this frame.
    height = max(1, round(frame.network_shape[0] / frame.scale[0] * ratio))
    width = max(1, round(frame.network_shape[1] / frame.scale[1] * ratio))
    middle = frame.to_radiograph(centre[None])[0]
    row = middle[0] + 0.5 - (centre_typical[0] + 0.5) * height / frame.network_shape[0]
    column = middle[1] + 0.5 - (centre_typical[1] + 0.5) * width / frame.network_shape[1]
    crop = (math.floor(row + 0.5), math.floor(column + 0.5), height, width)
    return Frame.fit(frame.image_shape, frame.network_shape, mode, crop=crop)
