"""The size of a pixel: one place that says which values are acceptable."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from farnet.errors import InvalidInputError

__all__ = ["Spacing", "SpacingLike", "as_spacing"]

Spacing = tuple[float, float]
"""(row, column) in mm per pixel: the distance between centres of vertical, then of horizontal neighbours."""

SpacingLike = float | Sequence[float]
"""One number for square pixels, or (row, column), in mm per pixel."""


def as_spacing(value: SpacingLike | None, *, what: str = "spacing") -> Spacing | None:
    """Check a pixel spacing and give it as (row, column).

    Args:
        value: One number for square pixels, or (row, column), in mm per pixel; None where it is unknown.
        what: What the error message calls the value.

    Returns:
        (row, column) in mm per pixel, or None where `value` is None.

    Raises:
        InvalidInputError: If it is not one or two finite numbers above zero.
    """
    if value is None:
        return None
    try:
        numbers = [float(number) for number in np.atleast_1d(np.asarray(value, dtype=np.float64))]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) == 1:
        numbers *= 2
    if len(numbers) != 2 or not all(math.isfinite(number) and number > 0 for number in numbers):
        raise InvalidInputError(
            f"The {what} is {value!r}; it must be one number above zero, or two as (row, column), in mm per "
            "pixel, for example 0.1. Leave it out where it is unknown: distances are then given in pixels."
        )
    return numbers[0], numbers[1]
