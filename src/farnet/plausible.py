"""Whether landmarks can be what they say: on their picture, and of a size that a part of a person has.

    for text in doubts(landmarks):
        print(text)

The size is that of the whole set of landmarks, `span`: the largest distance between two of them, taken from those that
are present by how they lie to one another in the mean shape of the scheme. A wrong size of a pixel shows in nothing
else, and makes every length wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from farnet.landmarks import outside_picture
from farnet.scheme import bundled_schemes, load_scheme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from farnet.landmarks import Landmarks
    from farnet.scheme import LandmarkScheme

__all__ = ["SPANS_MM", "doubts", "implausible_scale", "relative_size", "span_mm"]

SPANS_MM = {"cephalometric19": (60.0, 250.0), "hand37": (40.0, 400.0), "spine68": (80.0, 1000.0)}
"""Span in mm, smallest and largest, of the bundled schemes, from an infant to a tall adult, with room on both sides.

Films magnify by 1.05 to 1.5, which is allowed for. On the 300 cephalograms of ISBI 2015 the span is 94 to 137 mm. A
hand reaches from the wrist to the tip of the middle finger (6 cm at birth, 23 cm in a tall man), a spine from T1 to L5
(20 cm at birth, 50 cm in a tall man).
"""

_ANY_SPAN_MM = (0.5, 2500.0)  # of other schemes: no part of a person is larger than the person
_NAMED = 6


def relative_size(points: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """How many times as large a shape is as another one, whatever their places and directions.

    It is the median, over pairs of landmarks that both have, of how much further apart they are; one misplaced landmark
    does not change it.

    Args:
        points: (K, 2) row, column, in any unit; NaN is absent.
        others: (K, 2) the same landmarks of the other shape.

    Returns:
        NaN where they have no two landmarks in common that are apart in the other shape.
    """
    both = ~(np.isnan(points) | np.isnan(others)).any(axis=1)
    first, second = np.triu_indices(int(both.sum()), 1)
    a, b = points[both], others[both]
    mine = np.linalg.norm(a[first] - a[second], axis=1)
    theirs = np.linalg.norm(b[first] - b[second], axis=1)
    apart = theirs > 0
    return float(np.median(mine[apart] / theirs[apart])) if apart.any() else float("nan")


def span_mm(landmarks: Landmarks) -> float:
    """Largest distance in mm between two landmarks of the scheme, as those that are present tell it.

    Returns:
        NaN where the size of a pixel is not known, or fewer than two landmarks are present or all are in one place.
    """
    if landmarks.spacing is None or int(landmarks.present.sum()) < 2:
        return float("nan")
    points = landmarks.points * np.array(landmarks.spacing)
    mean = _mean_shape(landmarks.scheme)
    size = _largest(points) if mean is None else relative_size(points, mean) * _largest(mean)
    return size if size > 0 else float("nan")


def implausible_scale(landmarks: Landmarks) -> str | None:
    """Say that landmarks are larger or smaller than what they are of can be, so that the size of a pixel is wrong.

    Returns:
        A sentence; None where the size may be right, or the size of a pixel is not known.
    """
    size = span_mm(landmarks)
    low, high = _limits(landmarks.scheme)
    if np.isnan(size) or low <= size <= high:
        return None
    assert landmarks.spacing is not None, "there are mm where there is a spacing"
    pixel = " x ".join(dict.fromkeys(f"{edge:.4g}" for edge in landmarks.spacing))
    return (
        f"At {pixel} mm a pixel the landmarks of {landmarks.scheme.title} reach over {_length(size)}; in a person it "
        f"is {_length(low)} to {_length(high)}. The size of a pixel is wrong, and with it every length in mm, or the "
        "points are."
    )


def doubts(landmarks: Landmarks) -> tuple[str, ...]:
    """What a person should know before relying on landmarks, in sentences; empty where nothing is known."""
    said = []
    absent = outside_picture(landmarks)
    missing = [name for name in absent if not landmarks.present[landmarks.scheme.index(name)]]
    if missing:
        said.append(f"Outside the picture, and so absent: {_listed(missing)}.")
    beyond = [landmarks.scheme.names[k] for k in np.flatnonzero(landmarks.outside)]
    if beyond:
        said.append(f"Outside the picture, but taken as they are: {_listed(beyond)}.")
    scale = implausible_scale(landmarks)
    return (*said, *([scale] if scale else []))


def _limits(scheme: LandmarkScheme) -> tuple[float, float]:
    known = scheme.name in SPANS_MM and scheme.name in bundled_schemes()
    return SPANS_MM[scheme.name] if known and load_scheme(scheme.name).names == scheme.names else _ANY_SPAN_MM


def _mean_shape(scheme: LandmarkScheme) -> NDArray[np.float64] | None:
    from farnet.shape import load_shape_model

    model = load_shape_model(scheme)
    return None if model is None else model.mean


def _largest(points: NDArray[np.float64]) -> float:
    """Largest distance between two points; NaN is left out."""
    there = points[~np.isnan(points).any(axis=1)]
    return max((float(np.linalg.norm(there - point, axis=1).max()) for point in there), default=0.0)


def _length(mm: float) -> str:
    return f"{mm / 1000:.3g} m" if mm >= 1000 else f"{mm:.3g} mm"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
