"""The challenge's classes of the incisal distance, which leave a gap.

The ISBI 2015 challenge defines the classes of MW (upper to lower incisor) as 2 to 4.5 mm, exactly 0, below 0, and above
4.5 mm. Nothing is said of what lies between 0 and 2 mm; the challenge's program puts it into class 3, with the anterior
cross-bites, though such an overjet is small but positive.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, get_args

from farnet.errors import unknown_name

if TYPE_CHECKING:
    from farnet.measurement.definitions import MeasurementSet

__all__ = ["MwGap", "with_mw_gap"]

MwGap = Literal["strict", "script"]
"""What an incisal distance between 0 and 2 mm is: of no class, or of class 3 as in the challenge's program."""

_NAME, _CROSS_BITE, _NORMAL = "MW", 3, 1


def with_mw_gap(definitions: MeasurementSet, mw_gap: MwGap) -> MeasurementSet:
    """Choose what an incisal distance between 0 and 2 mm is.

    Args:
        definitions: The bundled set "cephalometry" or a copy of it; a set without the challenge's MW is given back.
        mw_gap: "strict" keeps to the definition, "script" to the challenge's program, to compare with its figures.

    Raises:
        UnknownNameError: If there is no such choice.
    """
    if mw_gap not in get_args(MwGap):
        raise unknown_name("choice for the gap of MW:", mw_gap, get_args(MwGap))
    mw = next((item for item in definitions.measurements if item.name == _NAME), None)
    by_number = {} if mw is None else {item.number: item for item in mw.classes}
    if mw_gap == "strict" or mw is None or not {_CROSS_BITE, _NORMAL} <= set(by_number):
        return definitions
    wide = replace(by_number[_CROSS_BITE], upper=by_number[_NORMAL].lower)
    # The first class that holds a value counts, and "edge to edge" stands before the widened class.
    changed = replace(mw, classes=tuple(wide if item.number == _CROSS_BITE else item for item in mw.classes))
    return replace(
        definitions, measurements=tuple(changed if item is mw else item for item in definitions.measurements)
    )
