"""What can be measured: distance, angle, offset, ratio, difference, sum, Cobb angle.

A quantity knows which landmarks it needs and which other measurements it refers to, and computes its value in a `View`
of one radiograph. It does not know its name, norm or classes; see `farnet.measurement.definitions`.
"""
# ruff: noqa: D102  the protocol Quantity says what the methods of all quantities do

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from farnet.measurement import geometry

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from farnet.measurement.geometry import Space
    from farnet.measurement.spine import CobbAngles

__all__ = [
    "Along",
    "Angle",
    "AngleBetween",
    "Cobb",
    "Difference",
    "Dimension",
    "Distance",
    "Offset",
    "Pair",
    "Quantity",
    "Ratio",
    "Segment",
    "Sum",
    "View",
]

Dimension = Literal["length", "angle", "ratio"]
"""What a value is: its unit is mm or px, degrees, or none."""

Pair = tuple[str, str]
"""Names of two landmarks: the direction from the first to the second."""

Segment = tuple[tuple[float, float], tuple[float, float]]
"""A line to draw, from (row, column) to (row, column), in pixels."""


@dataclass(frozen=True)
class View:
    """One radiograph as quantities see it.

    Attributes:
        point: Name of a landmark -> (2,) row, column in pixels; NaN where it is absent.
        space: How lengths and directions are measured.
        value: Name of another measurement -> its value.
        cobb: Variant -> the Cobb angles of the spine.
    """

    point: Callable[[str], NDArray[np.float64]]
    space: Space
    value: Callable[[str], float]
    cobb: Callable[[str], CobbAngles]

    def vector(self, pair: Pair) -> geometry.Vector:
        """The way from the first landmark of a pair to the second."""
        return self.space.vector(self.point(pair[0]), self.point(pair[1]))

    def segment(self, first: str, second: str) -> Segment:
        """The line between two landmarks."""
        return _segment(self.point(first), self.point(second))


class Quantity(Protocol):
    """Something that can be measured on a radiograph."""

    @property
    def dimension(self) -> Dimension | None:
        """What its value is; None where the measurements that it refers to decide."""

    @property
    def landmarks(self) -> tuple[str, ...]:
        """Names of the landmarks that it needs itself."""

    @property
    def references(self) -> tuple[str, ...]:
        """Names of the measurements that it is computed from."""

    @property
    def directed(self) -> bool:
        """Whether its sign depends on which way the face looks."""

    def value(self, view: View) -> float:
        """Its value in degrees, in the unit of `view.space`, or as a plain number; NaN where there is none."""

    def segments(self, view: View) -> tuple[Segment, ...]:
        """What to draw of it; what it refers to draws itself."""

    def formula(self) -> str:
        """How it is computed, in words that fit into a table."""


@dataclass(frozen=True)
class Distance:
    """Distance of two landmarks.

    Attributes:
        points: The two landmarks.
        signed: Whether it is negative where the second landmark lies left of the first.
    """

    points: Pair
    signed: bool = False
    dimension: Dimension = "length"
    references: tuple[str, ...] = ()

    @property
    def landmarks(self) -> tuple[str, ...]:
        return self.points

    @property
    def directed(self) -> bool:
        return self.signed

    def value(self, view: View) -> float:
        vector = view.vector(self.points)
        return (
            math.copysign(1.0, vector[0] + 0.0) * geometry.distance(vector)
            if self.signed
            else geometry.distance(vector)
        )

    def segments(self, view: View) -> tuple[Segment, ...]:
        return (view.segment(*self.points),)

    def formula(self) -> str:
        return f"distance {_joined(self.points)}" + (", signed" if self.signed else "")


@dataclass(frozen=True)
class Angle:
    """Angle at a landmark, 0 to 180 degrees.

    Attributes:
        points: The ends of the two legs, with the vertex between them.
        signed: Whether it is that by which the first leg is turned clockwise to become the second.
    """

    points: tuple[str, str, str]
    signed: bool = False
    dimension: Dimension = "angle"
    references: tuple[str, ...] = ()

    @property
    def landmarks(self) -> tuple[str, ...]:
        return self.points

    @property
    def directed(self) -> bool:
        return self.signed

    def value(self, view: View) -> float:
        first, vertex, second = self.points
        return _angle(view.vector((vertex, first)), view.vector((vertex, second)), signed=self.signed)

    def segments(self, view: View) -> tuple[Segment, ...]:
        first, vertex, second = self.points
        return view.segment(vertex, first), view.segment(vertex, second)

    def formula(self) -> str:
        return f"angle {_joined(self.points)}" + (", signed" if self.signed else "")


@dataclass(frozen=True)
class AngleBetween:
    """Angle of two directed lines, 0 to 180 degrees.

    Attributes:
        lines: The two lines, each from its first landmark to its second.
        signed: Whether it is that by which the first line is turned clockwise to become the second.
    """

    lines: tuple[Pair, Pair]
    signed: bool = False
    dimension: Dimension = "angle"
    references: tuple[str, ...] = ()

    @property
    def landmarks(self) -> tuple[str, ...]:
        return self.lines[0] + self.lines[1]

    @property
    def directed(self) -> bool:
        return self.signed

    def value(self, view: View) -> float:
        return _angle(view.vector(self.lines[0]), view.vector(self.lines[1]), signed=self.signed)

    def segments(self, view: View) -> tuple[Segment, ...]:
        return tuple(view.segment(*line) for line in self.lines)

    def formula(self) -> str:
        return f"angle {_arrow(self.lines[0])}, {_arrow(self.lines[1])}" + (", signed" if self.signed else "")


@dataclass(frozen=True)
class Offset:
    """Distance of a landmark from a line.

    Attributes:
        point: The landmark.
        line: The line.
        signed: Whether it is positive right of a line from top to bottom and negative left of it.
    """

    point: str
    line: Pair
    signed: bool = False
    dimension: Dimension = "length"
    references: tuple[str, ...] = ()

    @property
    def landmarks(self) -> tuple[str, ...]:
        return self.point, *self.line

    @property
    def directed(self) -> bool:
        return self.signed

    def value(self, view: View) -> float:
        offset = geometry.offset_from_line(view.vector(self.line), view.vector((self.line[0], self.point)))
        return offset if self.signed else abs(offset)

    def segments(self, view: View) -> tuple[Segment, ...]:
        return view.segment(*self.line), _segment(view.point(self.point), _foot(view, self.line, self.point))

    def formula(self) -> str:
        return f"distance of {self.point} from line {_arrow(self.line)}" + (", signed" if self.signed else "")


@dataclass(frozen=True)
class Along:
    """How far one landmark is ahead of another along a line: the distance of their projections onto it.

    Attributes:
        points: From the first landmark to the second.
        line: The line, whose direction is positive.
    """

    points: Pair
    line: Pair
    dimension: Dimension = "length"
    references: tuple[str, ...] = ()
    directed: bool = False

    @property
    def landmarks(self) -> tuple[str, ...]:
        return self.points + self.line

    def value(self, view: View) -> float:
        return geometry.offset_along(view.vector(self.line), view.vector(self.points))

    def segments(self, view: View) -> tuple[Segment, ...]:
        feet = tuple(_segment(view.point(name), _foot(view, self.line, name)) for name in self.points)
        return view.segment(*self.line), *feet

    def formula(self) -> str:
        return f"{_arrow(self.points)} along {_arrow(self.line)}"


@dataclass(frozen=True)
class Ratio:
    """One measurement divided by another of the same dimension."""

    of: tuple[str, str]
    dimension: Dimension = "ratio"
    landmarks: tuple[str, ...] = ()
    directed: bool = False

    @property
    def references(self) -> tuple[str, ...]:
        return self.of

    def value(self, view: View) -> float:
        return geometry.ratio(view.value(self.of[0]), view.value(self.of[1]))

    def segments(self, view: View) -> tuple[Segment, ...]:
        return ()

    def formula(self) -> str:
        return " / ".join(self.of)


@dataclass(frozen=True)
class Difference:
    """A measurement less others of the same dimension."""

    of: tuple[str, ...]
    dimension: None = None
    landmarks: tuple[str, ...] = ()
    directed: bool = False

    @property
    def references(self) -> tuple[str, ...]:
        return self.of

    def value(self, view: View) -> float:
        first, *others = map(view.value, self.of)
        return first - math.fsum(others)

    def segments(self, view: View) -> tuple[Segment, ...]:
        return ()

    def formula(self) -> str:
        return " \N{MINUS SIGN} ".join(self.of)


@dataclass(frozen=True)
class Sum:
    """Measurements of one dimension added up."""

    of: tuple[str, ...]
    dimension: None = None
    landmarks: tuple[str, ...] = ()
    directed: bool = False

    @property
    def references(self) -> tuple[str, ...]:
        return self.of

    def value(self, view: View) -> float:
        return math.fsum(map(view.value, self.of))

    def segments(self, view: View) -> tuple[Segment, ...]:
        return ()

    def formula(self) -> str:
        return " + ".join(self.of)


@dataclass(frozen=True)
class Cobb:
    """One of the three Cobb angles of the spine; see `farnet.measurement.spine`.

    Attributes:
        number: 1 (the largest), 2 or 3.
        variant: Which program's rules.
        landmarks: The corners of the vertebrae.
    """

    number: int
    variant: str
    landmarks: tuple[str, ...]
    dimension: Dimension = "angle"
    references: tuple[str, ...] = ()
    directed: bool = False

    def value(self, view: View) -> float:
        return view.cobb(self.variant).angles[self.number - 1]

    def segments(self, view: View) -> tuple[Segment, ...]:
        return view.cobb(self.variant).segments[self.number - 1]

    def formula(self) -> str:
        return f"Cobb angle {self.number}, rules: {self.variant}"


def _angle(first: geometry.Vector, second: geometry.Vector, *, signed: bool) -> float:
    return geometry.signed_angle(first, second) if signed else geometry.angle_between(first, second)


def _foot(view: View, line: Pair, name: str) -> NDArray[np.float64]:
    """Where the perpendicular from a landmark meets a line."""
    start = view.point(line[0])
    return view.space.point(start, geometry.foot(view.vector(line), view.space.vector(start, view.point(name))))


def _segment(start: NDArray[np.float64], end: NDArray[np.float64]) -> Segment:
    return (float(start[0]), float(start[1])), (float(end[0]), float(end[1]))


def _joined(names: tuple[str, ...]) -> str:
    return "\N{EN DASH}".join(names)


def _arrow(pair: Pair) -> str:
    return "\N{RIGHTWARDS ARROW}".join(pair)
