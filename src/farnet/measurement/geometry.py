"""Distances, angles and offsets of points, in a space where all directions are equally long.

A pixel may be taller than it is wide, so nothing is measured in pixels: `Space` turns the difference of two points
(row, column) into a vector (x, y), x to the right and y down, in mm where the spacing is known. Where it is not, pixels
are taken to be square: angles and ratios hold, and lengths are in px.

Signs are those of the radiograph as it is displayed. A space that is `mirrored` sees it in a mirror (left and right
change places): that is how a face that looks to the left is measured as if it looked to the right.

Every function gives NaN where a point is NaN, or where a direction that is needed has no length.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from farnet.spacing import Spacing, as_spacing

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Space",
    "Vector",
    "angle_at",
    "angle_between",
    "distance",
    "foot",
    "offset_along",
    "offset_from_line",
    "ratio",
    "signed_angle",
]

Vector = tuple[float, float]
"""(x, y), x to the right and y down, in mm or px."""


@dataclass(frozen=True)
class Space:
    """How far apart two points of a radiograph are, and in which direction.

    Attributes:
        spacing: (row, column) in mm per pixel; None where it is unknown.
        mirrored: Whether left and right change places.

    Raises:
        InvalidInputError: If the spacing is not above zero.
    """

    spacing: Spacing | None = None
    mirrored: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "spacing", as_spacing(self.spacing))

    @property
    def unit(self) -> Literal["mm", "px"]:
        """What lengths are in."""
        return "px" if self.spacing is None else "mm"

    def vector(self, start: ArrayLike, end: ArrayLike) -> Vector:
        """The way from one point (row, column) to another.

        The points are subtracted before they are scaled: 20 px of 0.1 mm are 2 mm, wherever they are.
        """
        (row, column), (to_row, to_column) = np.asarray(start, np.float64), np.asarray(end, np.float64)
        rows, columns = self.spacing or (1.0, 1.0)
        x, y = (float(to_column) - float(column)) * columns, (float(to_row) - float(row)) * rows
        return (-x if self.mirrored else x), y

    def point(self, start: ArrayLike, vector: Vector) -> NDArray[np.float64]:
        """The point (row, column) to which a vector leads: the inverse of `vector`."""
        rows, columns = self.spacing or (1.0, 1.0)
        x = -vector[0] if self.mirrored else vector[0]
        end: NDArray[np.float64] = np.asarray(start, np.float64) + np.array([vector[1] / rows, x / columns])
        return end


def distance(vector: Vector) -> float:
    """Length of a vector."""
    return math.hypot(*vector)


def angle_between(first: Vector, second: Vector) -> float:
    """Angle of two directions, 0 to 180 degrees.

    The arc tangent of cross and dot product is exact near 0 and 180 degrees, where an arc cosine loses half the digits.
    """
    return abs(signed_angle(first, second))


def signed_angle(first: Vector, second: Vector) -> float:
    """Angle by which the first direction is turned to become the second, above -180 to 180 degrees.

    It is positive clockwise, as the radiograph is displayed; opposite directions are 180 degrees apart.
    """
    if not (_has_direction(first) and _has_direction(second)):
        return math.nan
    cross = _cross(first, second) + 0.0  # minus zero would make -180 of 180 degrees
    return math.degrees(math.atan2(cross, _dot(first, second)))


def angle_at(space: Space, first: ArrayLike, vertex: ArrayLike, second: ArrayLike) -> float:
    """Angle at a vertex between the ways to two points, 0 to 180 degrees."""
    return angle_between(space.vector(vertex, first), space.vector(vertex, second))


def offset_from_line(along: Vector, to_point: Vector) -> float:
    """Distance of a point from a line, with a sign.

    It is positive on the left hand of somebody who walks along the line: right of a line that is drawn from top to
    bottom, so in front of it where the face looks to the right.

    Args:
        along: From one point of the line to another.
        to_point: From the first of these to the point.
    """
    return -_cross(along, to_point) / distance(along) if _has_direction(along) else math.nan


def offset_along(along: Vector, to_point: Vector) -> float:
    """How far along a direction a vector leads: the signed length of its projection."""
    return _dot(along, to_point) / distance(along) if _has_direction(along) else math.nan


def foot(along: Vector, to_point: Vector) -> Vector:
    """From the first point of a line to the foot of the perpendicular from a point; arguments as `offset_from_line`."""
    if not _has_direction(along):
        return math.nan, math.nan
    part = _dot(along, to_point) / _dot(along, along)
    return part * along[0], part * along[1]


def ratio(first: float, second: float) -> float:
    """First by second; NaN where the second is zero."""
    return first / second if second else math.nan


def _has_direction(vector: Vector) -> bool:
    return any(vector) and not any(map(math.isnan, vector))


def _cross(first: Vector, second: Vector) -> float:
    return first[0] * second[1] - first[1] * second[0]


def _dot(first: Vector, second: Vector) -> float:
    return first[0] * second[0] + first[1] * second[1]
