"""Named measurements: what is measured, what is normal, what it is called if it is not."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from farnet.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farnet.measurement.quantities import Dimension, Pair, Quantity
    from farnet.scheme import LandmarkScheme

__all__ = ["Measurement", "MeasurementClass", "MeasurementSet", "Norm"]

_TOLERANCE = 1e-9  # of a value: a boundary is not decided by the last digit of a floating point number


@dataclass(frozen=True)
class Norm:
    """What is normal: a range, both ends included.

    Attributes:
        lower: The lower end; minus infinity where there is none.
        upper: The upper end; infinity where there is none.
        mean: Mean of the population, or NaN where only a range is known.
        sd: Its standard deviation, or NaN.
    """

    lower: float = -math.inf
    upper: float = math.inf
    mean: float = math.nan
    sd: float = math.nan

    @classmethod
    def of_population(cls, mean: float, sd: float) -> Norm:
        """Mean and standard deviation; normal is what lies within one standard deviation."""
        return cls(mean - sd, mean + sd, mean, sd)

    def assess(self, value: float) -> str:
        """Tell whether a value is "inside", "below" or "above"; an empty text for NaN."""
        if math.isnan(value):
            return ""
        if _is_below(value, self.lower):
            return "below"
        return "above" if _is_below(self.upper, value) else "inside"

    def deviation(self, value: float) -> float:
        """How many standard deviations a value is above the mean; NaN where they are not known."""
        return (value - self.mean) / self.sd

    def text(self, digits: int) -> str:
        """The norm as a table shows it: "82.0 ± 2.0" or "79.4 to 83.2"."""
        if not math.isnan(self.mean):
            return f"{self.mean:.{digits}f} \N{PLUS-MINUS SIGN} {self.sd:.{digits}f}"
        if math.isinf(self.lower):
            return f"\N{LESS-THAN OR EQUAL TO} {self.upper:.{digits}f}"
        if math.isinf(self.upper):
            return f"\N{GREATER-THAN OR EQUAL TO} {self.lower:.{digits}f}"
        return f"{self.lower:.{digits}f} to {self.upper:.{digits}f}"


@dataclass(frozen=True)
class MeasurementClass:
    """What a value in a range is called.

    Attributes:
        name: "Class II", "deep bite", ...
        lower: The lower end of the range.
        upper: The upper end.
        includes_ends: Whether the ends belong to it.
        number: Number that tables and other programs use, or None.
    """

    name: str
    lower: float = -math.inf
    upper: float = math.inf
    includes_ends: bool = True
    number: int | None = None

    def holds(self, value: float) -> bool:
        """Whether a value belongs to it; NaN belongs to none."""
        if math.isnan(value):
            return False
        if self.includes_ends:
            return not _is_below(value, self.lower) and not _is_below(self.upper, value)
        return _is_below(self.lower, value) and _is_below(value, self.upper)


@dataclass(frozen=True)
class Measurement:
    """One named measurement.

    Attributes:
        name: Short name, unique in its set.
        quantity: What is measured.
        title: What it says, for people.
        norm: What is normal, or None.
        classes: What values are called; the first that holds a value counts.
        shown: Whether it is a result; if not, it only serves others.
        in_mm: Whether a length makes no sense in pixels. One with a norm or classes never does.
        digits: Digits behind the point that tables show; None chooses by what it is.
        line: Where it is in its file, 1-based; 0 for none.
    """

    name: str
    quantity: Quantity
    title: str = ""
    norm: Norm | None = None
    classes: tuple[MeasurementClass, ...] = ()
    shown: bool = True
    in_mm: bool = False
    digits: int | None = None
    line: int = 0

    @property
    def needs_mm(self) -> bool:
        """Whether it has no value where the spacing is unknown; of lengths only."""
        return self.in_mm or self.norm is not None or bool(self.classes)

    def classify(self, value: float) -> MeasurementClass | None:
        """The class of a value; None where it has none."""
        return next((item for item in self.classes if item.holds(value)), None)


@dataclass(frozen=True)
class MeasurementSet:
    """Measurements of one kind of radiograph.

    Attributes:
        name: Identifier: "cephalometry", ...
        title: Name for people.
        scheme: The landmarks that the measurements are made of.
        measurements: In the order in which they are shown; a measurement may refer to a later one.
        forward: Pairs of landmarks: the first pair that is present points to where the patient faces. A radiograph on
            which that is to the left is measured in a mirror, so that signs keep their meaning. Empty where radiographs
            have no front.
        source: Where the definitions and norms are from.
        dimensions: Name of each measurement -> what its value is.
        file: The file that the set was read from; empty for a bundled one.

    Raises:
        MeasurementError: If a name is there twice, a reference leads nowhere or in a circle, or dimensions are mixed.
    """

    name: str
    title: str
    scheme: LandmarkScheme
    measurements: tuple[Measurement, ...]
    forward: tuple[Pair, ...] = ()
    source: str = ""
    file: str = ""
    dimensions: Mapping[str, Dimension] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "measurements", tuple(self.measurements))
        if not self.measurements:
            raise MeasurementError(f"The set {self.name!r} has no measurements; it needs at least one.")
        object.__setattr__(self, "dimensions", _dimensions(self))

    def __getitem__(self, name: str) -> Measurement:
        """The measurement of this name, as it is written."""
        return next(item for item in self.measurements if item.name == name)

    @property
    def shown(self) -> tuple[Measurement, ...]:
        """The measurements that are results."""
        return tuple(item for item in self.measurements if item.shown)

    def with_references(self, measurement: Measurement) -> tuple[Measurement, ...]:
        """A measurement and all those that it is computed from, each once, itself first."""
        found = {measurement.name: measurement}
        waiting = [*measurement.quantity.references]
        while waiting:
            item = self[waiting.pop(0)]
            if item.name not in found:
                found[item.name] = item
                waiting += item.quantity.references
        return tuple(found.values())

    def unit(self, name: str, length: str = "mm") -> str:
        """The unit of a measurement, lengths being in `length`: "°", "mm", or an empty text for a ratio."""
        return {"length": length, "angle": "°", "ratio": ""}[self.dimensions[name]]

    def digits(self, measurement: Measurement) -> int:
        """Digits behind the point that tables show."""
        if measurement.digits is not None:
            return measurement.digits
        return 3 if self.dimensions[measurement.name] == "ratio" else 1


def _is_below(value: float, limit: float) -> bool:
    if math.isinf(limit) or math.isinf(value):
        return value < limit
    return value < limit - _TOLERANCE * max(1.0, abs(limit))


def _dimensions(whole: MeasurementSet) -> dict[str, Dimension]:
    """What each measurement is; follows references, and finds those that lead nowhere or in a circle."""
    by_name: dict[str, Measurement] = {}
    for item in whole.measurements:
        other = by_name.setdefault(item.name, item)
        if other is not item:
            before = f" (line {other.line})" if other.line else ""
            raise MeasurementError(f"{_at(whole, item)}The name {item.name!r} is there twice{before}. Rename one.")
    found: dict[str, Dimension] = {}
    for item in whole.measurements:
        _find_dimension(whole, item, by_name, found)
    return found


def _find_dimension(
    whole: MeasurementSet, start: Measurement, by_name: Mapping[str, Measurement], found: dict[str, Dimension]
) -> None:
    """Go down the references of a measurement, without recursion: a chain may be as long as the set."""
    path = [start]
    while path:
        item = path[-1]
        unknown = [name for name in item.quantity.references if name not in by_name]
        if unknown:
            from farnet.errors import unknown_name

            others = [name for name in by_name if name != item.name]
            raise MeasurementError(f"{_at(whole, item)}{unknown_name('measurement', unknown[0], others)}")
        missing = [name for name in item.quantity.references if name not in found]
        if not missing:
            found[item.name] = _own_dimension(whole, item, found)
            path.pop()
            continue
        further = by_name[missing[0]]
        if further in path:
            circle = " \N{RIGHTWARDS ARROW} ".join([*(step.name for step in path[path.index(further) :]), further.name])
            raise MeasurementError(
                f"{_at(whole, item)}{further.name!r} is computed from itself: {circle}. Remove one of these references."
            )
        path.append(further)


def _own_dimension(whole: MeasurementSet, item: Measurement, found: Mapping[str, Dimension]) -> Dimension:
    kinds = list(dict.fromkeys(found[name] for name in item.quantity.references))
    if len(kinds) > 1:
        parts = ", ".join(f"{name} is {_an(found[name])}" for name in item.quantity.references)
        raise MeasurementError(
            f"{_at(whole, item)}{item.name!r} mixes measurements of different kinds: {parts}. Use those of one kind."
        )
    return item.quantity.dimension or kinds[0]


def _an(dimension: Dimension) -> str:
    return "an angle" if dimension == "angle" else f"a {dimension}"


def _at(whole: MeasurementSet, item: Measurement) -> str:
    return f"{whole.file}, line {item.line}: " if item.line else ""
