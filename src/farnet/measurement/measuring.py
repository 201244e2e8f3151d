"""From landmarks to measured values, with what they mean and why one may be missing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import FarnetError, MeasurementError
from farnet.measurement.geometry import Space
from farnet.measurement.quantities import Cobb, View
from farnet.measurement.spine import IMPLAUSIBLE_DEG, CobbAngles, cobb_angles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from farnet.landmarks import Landmarks
    from farnet.measurement.definitions import Measurement, MeasurementClass, MeasurementSet
    from farnet.measurement.quantities import Segment

__all__ = ["MeasurementResult", "measure"]

_MORE_DIGITS = 4
_NO_SPACING = "no mm: the size of a pixel is unknown; calibrate the radiograph, or give its spacing"


@dataclass(frozen=True)
class MeasurementResult:
    """One measurement on one radiograph.

    Attributes:
        measurement: What was measured.
        value: In `unit`; NaN where there is none.
        unit: "°", "mm", "px", or an empty text for a ratio.
        digits: Digits behind the point that tables show.
        landmarks: Abbreviations of the landmarks that it was computed from, through others too.
        segments: Lines to draw, ((row, column), (row, column)) in pixels; none through an absent landmark.
        remark: Why there is no value, or what to look at; empty where all is well.
    """

    measurement: Measurement
    value: float
    unit: str
    digits: int
    landmarks: tuple[str, ...]
    segments: tuple[Segment, ...]
    remark: str = ""

    @property
    def name(self) -> str:
        """Name of the measurement."""
        return self.measurement.name

    @property
    def assessment(self) -> str:
        """Where the value lies by the norm: "inside", "below" or "above"; empty without a norm or a value."""
        return "" if self.measurement.norm is None else self.measurement.norm.assess(self.value)

    @property
    def deviation(self) -> float:
        """How many standard deviations the value is above the mean of the norm; NaN where that is not known."""
        return math.nan if self.measurement.norm is None else self.measurement.norm.deviation(self.value)

    @property
    def classification(self) -> MeasurementClass | None:
        """What the value is called; None where it has no name."""
        return self.measurement.classify(self.value)

    @property
    def value_text(self) -> str:
        """The value as a table shows it, without its unit; a dash where there is none.

        It has more digits than usual where it is so close to a boundary that it would seem to be on the other side.
        """
        if math.isnan(self.value):
            return "\N{EN DASH}"
        texts = [f"{self.value:.{digits}f}" for digits in range(self.digits, self.digits + _MORE_DIGITS + 1)]
        return next((text for text in texts if self._means_the_same(float(text))), texts[-1])

    def _means_the_same(self, rounded: float) -> bool:
        norm = self.measurement.norm
        same_side = norm is None or norm.assess(rounded) == self.assessment
        return same_side and self.measurement.classify(rounded) is self.classification

    @property
    def norm_text(self) -> str:
        """The norm as a table shows it; empty where there is none."""
        return "" if self.measurement.norm is None else self.measurement.norm.text(self.digits)

    def to_dict(self) -> dict[str, Any]:
        """Describe the result with JSON types only; None stands for what is not there."""
        norm, found = self.measurement.norm, self.classification
        return {
            "name": self.name,
            "title": self.measurement.title,
            "value": _finite(self.value),
            "unit": self.unit,
            "norm": None
            if norm is None
            else {key: _finite(getattr(norm, key)) for key in ("lower", "upper", "mean", "sd")},
            "assessment": self.assessment or None,
            "deviation_sd": _finite(self.deviation),
            "class": None if found is None else found.name,
            "class_number": None if found is None else found.number,
            "landmarks": list(self.landmarks),
            "remark": self.remark or None,
        }


def measure(definitions: MeasurementSet, landmarks: Landmarks) -> tuple[MeasurementResult, ...]:
    """Measure one radiograph.

    Angles and lengths are those of the patient, also where pixels are not square. Where the spacing is unknown, pixels
    are taken as square; lengths are then in px, and those that have a norm or are asked for in mm have no value.

    Args:
        definitions: What to measure.
        landmarks: The landmarks; their scheme needs to have those of the definitions.

    Returns:
        One result for each measurement that is shown, in order.

    Raises:
        MeasurementError: If the scheme of the landmarks does not have a landmark that is needed.
    """
    radiograph = _Radiograph(definitions, landmarks)
    return tuple(radiograph.result(item) for item in definitions.shown)


class _Radiograph:
    """One radiograph that is being measured; remembers what several measurements need."""

    def __init__(self, definitions: MeasurementSet, landmarks: Landmarks) -> None:
        self._set = definitions
        self._landmarks = landmarks
        self._rows: dict[str, int] = {}
        self._values: dict[str, float] = {}
        self._cobb: dict[str, CobbAngles] = {}
        self._view = View(
            self._point, Space(landmarks.spacing, mirrored=self._looks_left is True), self._value, self._cobb_of
        )

    def result(self, item: Measurement) -> MeasurementResult:
        """Measure one measurement."""
        parts = self._set.with_references(item)
        names = tuple(dict.fromkeys(name for part in parts for name in part.quantity.landmarks))
        segments = [
            segment
            for part in parts
            for segment in part.quantity.segments(self._view)
            if not any(math.isnan(number) for end in segment for number in end)
        ]
        reason = self._reason(item, parts, names)
        value = math.nan if reason else self._value(item.name)
        if math.isnan(value) and not reason:
            reason = "points that should be apart are at the same place"
        return MeasurementResult(
            measurement=item,
            value=value,
            unit=self._set.unit(item.name, "mm" if item.needs_mm else self._view.space.unit),
            digits=self._set.digits(item),
            landmarks=names,
            segments=tuple(dict.fromkeys(segments)),
            remark=reason or self._remark(parts),
        )

    def _reason(self, item: Measurement, parts: tuple[Measurement, ...], names: tuple[str, ...]) -> str:
        """Why a measurement has no value; an empty text where nothing is known that stands against one."""
        absent = [name for name in names if not self._is_present(name)]
        if absent:
            listed = ", ".join(absent[:6]) + (f" and {len(absent) - 6} more" if len(absent) > 6 else "")
            return f"absent: {listed}"
        if self._landmarks.spacing is None and self._set.dimensions[item.name] == "length" and item.needs_mm:
            return _NO_SPACING
        if self._looks_left is None and any(part.quantity.directed for part in parts):
            wanted = " or ".join(f"{first}\N{EN DASH}{second}" for first, second in self._set.forward)
            return f"which way the patient faces cannot be told without {wanted}"
        for part in parts:
            if isinstance(part.quantity, Cobb) and math.isnan(part.quantity.value(self._view)):
                return self._cobb_of(part.quantity.variant).reason
        return ""

    def _remark(self, parts: tuple[Measurement, ...]) -> str:
        """What to look at though there is a value."""
        remarks = []
        for part in parts:
            if isinstance(part.quantity, Cobb):
                cobb = self._cobb_of(part.quantity.variant)
                vertebrae = cobb.vertebrae[part.quantity.number - 1]
                if part.quantity.value(self._view) > IMPLAUSIBLE_DEG:
                    first = ", ".join(self._vertebra(i) for i in vertebrae)
                    remarks.append(f"more than {IMPLAUSIBLE_DEG:g}°: check the corners of {first}")
                if cobb.reordered:
                    mixed = ", ".join(self._vertebra(i) for i in cobb.reordered)
                    remarks.append(f"corners were not in order and were sorted: {mixed}")
        return "; ".join(dict.fromkeys(remarks))

    def _vertebra(self, number: int) -> str:
        """What a vertebra is called, by the landmark of its first corner: "T1" of "T1-TL"."""
        return self._set.scheme.abbreviations[4 * number].rpartition("-")[0] or f"vertebra {number + 1}"

    @cached_property
    def _looks_left(self) -> bool | None:
        """Whether the patient faces to the left; None where that matters and cannot be told."""
        if not self._set.forward:
            return False
        for first, second in self._set.forward:
            if self._is_present(first) and self._is_present(second):
                difference = float(self._point(second)[1] - self._point(first)[1])
                if difference:
                    return difference < 0
        return None

    def _is_present(self, name: str) -> bool:
        return not math.isnan(self._point(name)[0])

    def _point(self, name: str) -> NDArray[np.float64]:
        row = self._rows.get(name)
        if row is None:
            scheme, own = self._landmarks.scheme, self._set.scheme
            full = own.names[own.index(name)]
            try:
                # By the full name first: abbreviations are more likely to mean something else in another scheme.
                row = scheme.index(full if scheme.names != own.names else name)
            except FarnetError as error:
                raise MeasurementError(
                    f"The measurements {self._set.name!r} need the landmark {full!r} of the scheme {own.name!r}; the "
                    f"landmarks are of the scheme {scheme.name!r}, which has none of this name."
                ) from error
            self._rows[name] = row
        point: NDArray[np.float64] = self._landmarks.points[row]
        return point

    def _value(self, name: str) -> float:
        """The value of a measurement; those that it is computed from come first, however long the chain is."""
        waiting = [name]
        while waiting:
            item = self._set[waiting[-1]]
            missing = [other for other in item.quantity.references if other not in self._values]
            if missing:
                waiting += missing
                continue
            self._values[item.name] = item.quantity.value(self._view)
            waiting.pop()
        return self._values[name]

    def _cobb_of(self, variant: str) -> CobbAngles:
        if variant not in self._cobb:
            shape = self._landmarks.image_shape
            self._cobb[variant] = cobb_angles(
                np.stack([self._point(name) for name in self._set.scheme.abbreviations]),
                image_rows=None if shape is None else shape[0],
                spacing=self._landmarks.spacing,
                variant=variant,  # type: ignore[arg-type]  # checked when the definitions were made
            )
        return self._cobb[variant]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
