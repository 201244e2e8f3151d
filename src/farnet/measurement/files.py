"""Files of measurements (YAML): what they may say, read with the line of everything that is wrong."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from farnet.errors import FarnetError, MeasurementError, unknown_name
from farnet.measurement.definitions import Measurement, MeasurementClass, MeasurementSet, Norm
from farnet.measurement.nodes import Item, parse_yaml, read_yaml
from farnet.measurement.quantities import Along, Angle, AngleBetween, Cobb, Difference, Distance, Offset, Ratio, Sum
from farnet.measurement.spine import CobbVariant
from farnet.scheme import LandmarkScheme, bundled_schemes, load_scheme

if TYPE_CHECKING:
    from collections.abc import Callable

    from farnet.measurement.quantities import Pair, Quantity

__all__ = [
    "bundled_file",
    "bundled_measurements",
    "load_measurements",
    "measurements_for",
    "parse_measurements",
]

_FORMAT, _VERSION = "farnet-measurements", 1
_BUNDLED = {"cephalometric19": "cephalometry", "hand37": "hand", "spine68": "spine"}
_TOP = ("format", "version", "name", "title", "scheme", "source", "forward", "measurements")
_KINDS = ("distance", "angle", "offset", "along", "ratio", "difference", "sum", "cobb")
_MEASUREMENT = ("name", "title", *_KINDS, "signed", "rules", "unit", "digits", "show", "norm", "classes")
_CLASS = ("name", "number", "from", "to", "below", "above", "equals")
_MOST = 1000
_MOST_DIGITS = 6


def bundled_measurements() -> tuple[str, ...]:
    """Names of the sets of measurements that come with the package."""
    return tuple(_BUNDLED.values())


def bundled_file(name: str) -> Path:
    """The file of a bundled set, to be copied and changed.

    Raises:
        UnknownNameError: If there is no such set.
    """
    if name not in _BUNDLED.values():
        raise unknown_name("set of measurements", name, _BUNDLED.values())
    return Path(__file__).with_name("sets") / f"{name}.yaml"


def measurements_for(scheme: LandmarkScheme) -> MeasurementSet | None:
    """The bundled set for landmarks of a scheme; None where there is none."""
    name = _BUNDLED.get(scheme.name)
    if name is None or load_scheme(scheme.name).names != scheme.names:
        return None
    return _load_bundled(name)


def load_measurements(name: str | Path, *, scheme: LandmarkScheme | None = None) -> MeasurementSet:
    """Load a bundled set by its name, or any set from a YAML file.

    Args:
        name: One of `bundled_measurements()`, or the path of a file.
        scheme: The scheme of the landmarks, for a file whose scheme is not bundled; None takes that which it names.

    Raises:
        MeasurementError: If the file is missing or malformed; the message names the line.
        UnknownNameError: If there is no bundled set of this name.
    """
    if str(name) in _BUNDLED.values():
        return _load_bundled(str(name))
    path = Path(name)
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise unknown_name("set of measurements", str(name), (*_BUNDLED.values(), "a file ending in .yaml"))
    return _read(read_yaml(path), path.parent, scheme)


def parse_measurements(text: str, *, file: str = "text", scheme: LandmarkScheme | None = None) -> MeasurementSet:
    """Make a set of YAML text; `file` is what messages call it.

    Raises:
        MeasurementError: If it is malformed; the message names the line.
    """
    return _read(parse_yaml(text, file), Path(), scheme)


@lru_cache
def _load_bundled(name: str) -> MeasurementSet:
    from dataclasses import replace

    path = bundled_file(name)
    return replace(_read(read_yaml(path), path.parent, None), file="")


def _read(document: Item, folder: Path, scheme: LandmarkScheme | None) -> MeasurementSet:
    top = document.mapping(_TOP)
    for key in ("name", "scheme", "measurements"):
        if key not in top:
            document.fail(f"{key!r} is missing; a file of measurements has name, scheme and measurements.")
    if "format" in top and top["format"].text() != _FORMAT:
        top["format"].fail(f"this is a file of the format {top['format'].text()!r}, not of {_FORMAT!r}.")
    if "version" in top and top["version"].number() != _VERSION:
        top["version"].fail(f"version {top['version'].text()} is not known here (only {_VERSION} is).")
    named = top["scheme"].text()
    given = scheme if scheme is not None and (named == scheme.name or named not in bundled_schemes()) else None
    reader = _Reader(given or _scheme(top["scheme"], folder))
    items = top["measurements"].sequence(of="measurements")
    if len(items) > _MOST:
        top["measurements"].fail(f"there are {len(items)} measurements; a file has at most {_MOST}.")
    measurements = [made for item in items for made in reader.measurement(item)]
    if not measurements:
        top["measurements"].fail("there are no measurements; a file has at least one.")
    return MeasurementSet(
        name=top["name"].text(),
        title=top["title"].text() if "title" in top else top["name"].text(),
        scheme=reader.scheme,
        measurements=tuple(measurements),
        forward=tuple(reader.pair(item) for item in top["forward"].sequence(of="pairs")) if "forward" in top else (),
        source=top["source"].text() if "source" in top else "",
        file=document.file,
    )


def _scheme(item: Item, folder: Path) -> LandmarkScheme:
    from farnet.formats.schemes import find_scheme

    name = item.text()
    try:
        return load_scheme(folder / name) if name.lower().endswith(".json") else find_scheme(name, beside=folder)
    except FarnetError as error:
        item.fail(f"{error} A scheme is one of {', '.join(bundled_schemes())}, or a .json file beside this file.")


class _Reader:
    """Makes measurements out of their part of a file.

    Args:
        scheme: What the landmarks are.
    """

    def __init__(self, scheme: LandmarkScheme) -> None:
        self.scheme = scheme
        self._lengths: set[str] = set()  # distances that ratios are made of, which several may share
        self._kinds: dict[str, Callable[[Item, dict[str, Item]], tuple[Quantity, list[Measurement]]]] = {
            "distance": self._distance,
            "angle": self._angle,
            "offset": self._offset,
            "along": self._along,
            "ratio": self._ratio,
            "difference": self._difference,
            "sum": self._sum,
            "cobb": self._cobb,
        }

    def measurement(self, item: Item) -> list[Measurement]:
        """A measurement, and those that it needs and that have no name of their own."""
        values = item.mapping(_MEASUREMENT)
        if "name" not in values:
            item.fail(f"{item.what} has no name.")
        name = values["name"].text()
        kinds = [key for key in _KINDS if key in values]
        if len(kinds) != 1:
            given = " and ".join(kinds) or "none of them"
            item.fail(f"{name!r} must say once what is measured, with one of {', '.join(_KINDS)}; it has {given}.")
        quantity, further = self._kinds[kinds[0]](values[kinds[0]], values)
        for key, allowed in (("signed", ("distance", "angle", "offset")), ("rules", ("cobb",))):
            if key in values and kinds[0] not in allowed:
                values[key].fail(f"{key!r} is not for {kinds[0]!r}, only for {', '.join(allowed)}.")
        made = Measurement(
            name=name,
            quantity=quantity,
            title=values["title"].text() if "title" in values else "",
            norm=_norm(values["norm"]) if "norm" in values else None,
            classes=tuple(map(_class, values["classes"].sequence(of="classes"))) if "classes" in values else (),
            shown=values["show"].flag() if "show" in values else True,
            in_mm="unit" in values and _is_mm(values["unit"]),
            digits=_digits(values["digits"]) if "digits" in values else None,
            line=item.line,
        )
        return [made, *further]

    def landmark(self, item: Item) -> str:
        """A landmark by its name or abbreviation; gives its abbreviation."""
        try:
            return self.scheme.abbreviations[self.scheme.index(item.text())]
        except MeasurementError:
            raise
        except FarnetError as error:
            item.fail(str(error))

    def pair(self, item: Item) -> Pair:
        """Two different landmarks."""
        first, second = map(self.landmark, item.sequence((2,), of="landmarks"))
        if first == second:
            item.fail(f"{item.what} is {first} twice; it must be two different landmarks.")
        return first, second

    def _distance(self, item: Item, values: dict[str, Item]) -> tuple[Quantity, list[Measurement]]:
        return Distance(self.pair(item), signed=_signed(values)), []

    def _angle(self, item: Item, values: dict[str, Item]) -> tuple[Quantity, list[Measurement]]:
        parts = item.sequence((2, 3), of="lines (two) or landmarks (three)")
        if len(parts) == 2:
            return AngleBetween((self.pair(parts[0]), self.pair(parts[1])), signed=_signed(values)), []
        first, vertex, second = map(self.landmark, parts)
        if vertex in (first, second):
            item.fail(f"{item.what} has {vertex} as vertex and as end of a leg; these must be different landmarks.")
        return Angle((first, vertex, second), signed=_signed(values)), []

    def _offset(self, item: Item, values: dict[str, Item]) -> tuple[Quantity, list[Measurement]]:
        parts = _both(item, "point", "line")
        return Offset(self.landmark(parts["point"]), self.pair(parts["line"]), signed=_signed(values)), []

    def _along(self, item: Item, _values: dict[str, Item]) -> tuple[Quantity, list[Measurement]]:
        parts = _both(item, "points", "line")
        return Along(self.pair(parts["points"]), self.pair(parts["line"])), []

    def _ratio(self, item: Item, _values: dict[str, Item]) -> tuple[Quantity, list[Measurement]]:
        parts = item.sequence((2,), of="measurements, or pairs of landmarks")
        names, further = [], []
        for part in parts:
            if part.is_list():
                distance = Distance(self.pair(part))
                names.append(distance.formula())
                if names[-1] not in self._lengths:
                    self._lengths.add(names[-1])
                    further.append(Measurement(names[-1], distance, shown=False, line=part.line))
            else:
                names.append(part.text())
        return Ratio((names[0], names[1])), further

    def _difference(self, item: Item, _values: dict[str, Item]) -> tuple[Quantity, list[Measurement]]:
        return Difference(_names(item)), []

    def _sum(self, item: Item, _values: dict[str, Item]) -> tuple[Quantity, list[Measurement]]:
        return Sum(_names(item)), []

    def _cobb(self, item: Item, values: dict[str, Item]) -> tuple[Quantity, list[Measurement]]:
        number = item.integer()
        if number not in (1, 2, 3):
            item.fail(f"{item.what} must be 1 (the largest angle), 2 or 3, not {number}.")
        if len(self.scheme) % 4 or len(self.scheme) < 8:
            item.fail(
                f"Cobb angles need a scheme of four corners for each vertebra; {self.scheme.name!r} has "
                f"{len(self.scheme)} landmarks."
            )
        rules = values["rules"].text() if "rules" in values else "matlab"
        if rules not in get_args(CobbVariant):
            values["rules"].fail(str(unknown_name("rules", rules, get_args(CobbVariant))))
        return Cobb(number, rules, self.scheme.abbreviations), []


def _names(item: Item) -> tuple[str, ...]:
    names = tuple(part.text() for part in item.sequence(of="measurements"))
    if len(names) < 2:
        item.fail(f"{item.what} must be a list of two or more measurements; it has {len(names)}.")
    return names


def _both(item: Item, first: str, second: str) -> dict[str, Item]:
    parts = item.mapping((first, second))
    if len(parts) != 2:
        item.fail(f"{item.what} needs {first!r} and {second!r}.")
    return parts


def _signed(values: dict[str, Item]) -> bool:
    return "signed" in values and values["signed"].flag()


def _is_mm(item: Item) -> bool:
    if item.text() != "mm":
        item.fail(
            f"{item.what} is {item.text()!r}; only 'mm' can be asked for. Without it, lengths are in mm where the size "
            "of a pixel is known and in px elsewhere; angles are in degrees."
        )
    return True


def _digits(item: Item) -> int:
    digits = item.integer()
    if not 0 <= digits <= _MOST_DIGITS:
        item.fail(f"{item.what} must be 0 to {_MOST_DIGITS}, not {digits}.")
    return digits


def _norm(item: Item) -> Norm:
    values = item.mapping(("mean", "sd", "lower", "upper"))
    keys = set(values)
    if keys == {"mean", "sd"}:
        if values["sd"].number() <= 0:
            values["sd"].fail(f"{values['sd'].what} must be above zero, not {values['sd'].number():g}.")
        return Norm.of_population(values["mean"].number(), values["sd"].number())
    if not keys or not keys <= {"lower", "upper"}:
        item.fail(
            f"{item.what} must be mean and sd, or lower or upper or both; it has {', '.join(values) or 'nothing'}."
        )
    lower, upper = _range(item, values, "lower", "upper")
    return Norm(lower, upper)


def _class(item: Item) -> MeasurementClass:
    values = item.mapping(_CLASS)
    if "name" not in values:
        item.fail(f"{item.what} has no name.")
    name = values["name"].text()
    number = values["number"].integer() if "number" in values else None
    ends = set(values) - {"name", "number"}
    if ends == {"equals"}:
        value = values["equals"].number()
        return MeasurementClass(name, value, value, number=number)
    if ends and ends <= {"from", "to"}:
        return MeasurementClass(name, *_range(item, values, "from", "to"), number=number)
    if ends and ends <= {"below", "above"}:
        lower, upper = _range(item, values, "above", "below")
        return MeasurementClass(name, lower, upper, includes_ends=False, number=number)
    given = ", ".join(key for key in values if key in ends) or "nothing"
    item.fail(
        f"The class {name!r} must say which values it holds: 'from' or 'to' or both (ends included), 'above' or "
        f"'below' or both (ends left out), or 'equals'; it has {given}."
    )


def _range(item: Item, values: dict[str, Item], first: str, second: str) -> tuple[float, float]:
    lower = values[first].number() if first in values else -math.inf
    upper = values[second].number() if second in values else math.inf
    if not lower < upper:
        item.fail(f"{item.what} has {first} {lower:g} and {second} {upper:g}; {first} must be less than {second}.")
    return lower, upper
