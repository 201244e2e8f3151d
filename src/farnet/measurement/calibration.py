"""The size of a pixel from a ruler on the radiograph: two points and the length between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farnet.errors import InvalidInputError
from farnet.measurement.geometry import Space, distance
from farnet.spacing import Spacing, SpacingLike, as_spacing

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Calibration", "calibrate", "is_ruler"]

_SOURCE = "ruler"
_SHORTEST = 2.0  # px between two points that can be told apart from a slip of the hand
_CLICK = 1.0  # px by which each end may be missed


@dataclass(frozen=True)
class Calibration:
    """The size of a pixel, and how it was found.

    Attributes:
        spacing: (row, column) in mm per pixel.
        length_mm: The known length.
        length_px: The same in pixels, as long as a pixel's width where pixels are not square.
    """

    spacing: Spacing
    length_mm: float
    length_px: float

    @property
    def source(self) -> str:
        """Where the spacing is from, to be kept with it: "ruler 100 mm over 812.4 px"."""
        return f"{_SOURCE} {self.length_mm:g} mm over {self.length_px:.1f} px"

    @property
    def relative_error(self) -> float:
        """By what part the spacing is wrong if both ends were missed by a pixel, in opposite directions."""
        return 2 * _CLICK / self.length_px


def calibrate(
    first: ArrayLike, second: ArrayLike, length_mm: float, *, pixel_shape: SpacingLike | None = None
) -> Calibration:
    """Find the size of a pixel from two points that are a known length apart.

    One length gives one number, so the shape of a pixel has to be known: it is that of `pixel_shape`, or a square.

    Args:
        first: (row, column) in pixels of one end.
        second: Of the other end.
        length_mm: How far they are apart on the patient; what is measured on the film is larger by the magnification.
        pixel_shape: (row, column), height and width of a pixel in any unit, such as the spacing known so far.

    Raises:
        InvalidInputError: If the length is not above zero, a point is no point, or both are at the same place.
    """
    if not (isinstance(length_mm, int | float) and math.isfinite(length_mm) and length_mm > 0):
        raise InvalidInputError(f"The length is {length_mm!r}; it must be a number of millimetres above zero.")
    rows, columns = as_spacing(pixel_shape, what="shape of a pixel") or (1.0, 1.0)
    try:
        apart = distance(Space((rows / columns, 1.0)).vector(first, second))
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"The ends of the ruler are {first!r} and {second!r}; give two points (row, column)."
        ) from error
    if not (math.isfinite(apart) and apart >= _SHORTEST):
        raise InvalidInputError(
            f"The ends of the ruler are {apart:.3g} px apart; choose two ends that are further apart, the further the "
            "more exact."
        )
    width = float(length_mm) / apart
    return Calibration((width * rows / columns, width), float(length_mm), apart)


def is_ruler(spacing_source: str | None) -> bool:
    """Whether a spacing was found with a ruler, by the text that says where it is from."""
    return spacing_source is not None and spacing_source.startswith(_SOURCE)
