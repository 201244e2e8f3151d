"""Cobb angles of the spine from the corners of its vertebrae.

The rules are those of the program that made the reference angles of the AASCE 2019 challenge ("matlab"), and of the
Python port of it that is in wide use ("port"). The largest angle is that between any two vertebrae; which vertebrae the
other two angles are between depends on whether the spine is S-shaped, and on where its main curve is. The angles are
numbered as in the files of the challenge, because clinical names (main thoracic, proximal thoracic, thoracolumbar) do
not always hold: where the main curve lies low, the third angle is above the second.

Both programs take it for granted that left and right corners are not mixed up: one exchanged vertebra makes an angle of
almost 180 degrees. Here the corners of each vertebra are put in order first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from farnet.errors import AnnotationError, unknown_name
from farnet.spacing import SpacingLike, as_spacing

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["IMPLAUSIBLE_DEG", "CobbAngles", "CobbVariant", "cobb_angles", "ordered_corners"]

CobbVariant = Literal["matlab", "port"]
"""Whose rules: the challenge's own program, or its Python port."""

IMPLAUSIBLE_DEG = 90.0
"""An angle above this is more often a misplaced corner than a spine."""

_CORNERS = 4
_PORT_TOLERANCE = 1e-4
_NO_SEGMENTS: tuple[tuple[tuple[tuple[float, float], tuple[float, float]], ...], ...] = ((), (), ())


@dataclass(frozen=True)
class CobbAngles:
    """The three Cobb angles of a spine.

    Attributes:
        angles: The largest angle, and the two others, in degrees; NaN where they cannot be told.
        vertebrae: The two vertebrae that each angle is between, 0-based from above, the upper one first; empty for NaN.
        segments: The middle lines of these vertebrae, ((row, column), (row, column)) in pixels, drawn out to both sides
            by the width of the vertebra, as one draws them on a film.
        s_shaped: Whether the spine crosses the line between its ends.
        reordered: Vertebrae whose corners were not in order.
        reason: Why there are angles that cannot be told.
    """

    angles: tuple[float, float, float]
    vertebrae: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]] = ((), (), ())
    segments: tuple[tuple[tuple[tuple[float, float], tuple[float, float]], ...], ...] = _NO_SEGMENTS
    s_shaped: bool = False
    reordered: tuple[int, ...] = ()
    reason: str = ""

    @property
    def implausible(self) -> bool:
        """Whether the largest angle is above `IMPLAUSIBLE_DEG`: look at the corners of `vertebrae[0]`."""
        return self.angles[0] > IMPLAUSIBLE_DEG


def cobb_angles(
    points: ArrayLike,
    *,
    image_rows: float | None,
    spacing: SpacingLike | None = None,
    variant: CobbVariant = "matlab",
    reorder: bool = True,
) -> CobbAngles:
    """Compute the Cobb angles of one spine.

    The port differs in three ways: it cuts off angles above 90 degrees, it takes a spine that hardly crosses the line
    between its ends as not S-shaped, and in asking whether the main curve is in the upper half of the radiograph it
    looks at the upper plates of the two vertebrae instead of at the lower ones.

    Args:
        points: (4 V, 2) row, column in pixels: V vertebrae from above, each as upper left, upper right, lower left and
            lower right corner of the picture.
        image_rows: Height of the radiograph in pixels, which decides about S-shaped spines; None where it is unknown.
        spacing: mm per pixel, of which only the ratio of rows to columns matters; None takes pixels as square.
        variant: Whose rules.
        reorder: Whether corners are put in order first; without it the rules are applied to the corners as they are.

    Returns:
        The angles. They are NaN, with the reason, where a corner is absent, a vertebra has no width, or (second and
        third angle) the spine is S-shaped and the height of the radiograph is unknown.

    Raises:
        AnnotationError: If the points are not four for each of at least two vertebrae.
        UnknownNameError: If there is no such variant.
    """
    if variant not in get_args(CobbVariant):
        raise unknown_name("variant of the Cobb angles:", variant, get_args(CobbVariant))
    corners = np.asarray(points, np.float64)
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) % _CORNERS or len(corners) < 2 * _CORNERS:
        raise AnnotationError(
            f"The corners of the vertebrae have the shape {corners.shape}; it must be (4 V, 2), four corners for each "
            "of V vertebrae, at least two."
        )
    given = corners.reshape(-1, _CORNERS, 2)
    if np.isnan(given).any():
        return _unknown("corners of vertebrae are absent")
    ordered = ordered_corners(given) if reorder else given
    reordered = tuple(int(i) for i in np.flatnonzero((ordered != given).any(axis=(1, 2))))
    scale = np.array(as_spacing(spacing) or (1.0, 1.0))
    scaled = ordered * scale
    middles = np.stack([scaled[:, [0, 2]].mean(axis=1), scaled[:, [1, 3]].mean(axis=1)], axis=1)
    across = middles[:, 1] - middles[:, 0]
    if not np.linalg.norm(across, axis=1).all():
        return _unknown("the left and right corners of a vertebra are at the same place")
    between = _angles(across, variant)
    upper = int(np.argmax(between.max(axis=0)))
    lower = int(np.argmax(between[:, upper]))
    plates = np.stack([scaled[:, :2].mean(axis=1), scaled[:, 2:].mean(axis=1)], axis=1).reshape(-1, 2)
    s_shaped = _is_s_shaped(plates, variant)
    height = None if image_rows is None else float(image_rows) * scale[0]
    pairs = _pairs(between, upper, lower, s_shaped, plates[:, 0], height, variant)
    lines = middles / scale
    return CobbAngles(
        angles=(
            float(between[upper, lower]),
            *(float(between[pair]) if pair else math.nan for pair in pairs),  # type: ignore[arg-type]
        ),
        vertebrae=((upper, lower), *(tuple(sorted(pair)) for pair in pairs)),  # type: ignore[arg-type]
        segments=tuple(
            tuple(_line(lines[vertebra]) for vertebra in dict.fromkeys(pair)) for pair in ((upper, lower), *pairs)
        ),
        s_shaped=s_shaped,
        reordered=reordered,
        reason="" if pairs[0] else "the spine is S-shaped and the height of the radiograph is unknown",
    )


def ordered_corners(corners: ArrayLike) -> NDArray[np.float64]:
    """Put the corners of each vertebra in order: upper left, upper right, lower left, lower right.

    The two leftmost corners are the left ones, and of each two the upper one comes first; this holds for vertebrae that
    are wider than high, up to a tilt of 45 degrees and somewhat more.

    Args:
        corners: (V, 4, 2) row, column.

    Returns:
        (V, 4, 2) the same corners in order.
    """
    given = np.asarray(corners, np.float64)
    by_column = np.take_along_axis(given, np.argsort(given[..., 1], axis=1, kind="stable")[..., None], axis=1)
    left, right = (_from_above(by_column[:, half]) for half in (slice(0, 2), slice(2, 4)))
    return np.stack([left[:, 0], right[:, 0], left[:, 1], right[:, 1]], axis=1)


def _from_above(pair: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.take_along_axis(pair, np.argsort(pair[..., 0], axis=1, kind="stable")[..., None], axis=1)


def _angles(across: NDArray[np.float64], variant: CobbVariant) -> NDArray[np.float64]:
    """(V, V) angles between the vertebrae in degrees."""
    rows, columns = across[:, 0], across[:, 1]
    cross = np.abs(columns[:, None] * rows[None] - rows[:, None] * columns[None])
    dot = columns[:, None] * columns[None] + rows[:, None] * rows[None]
    angles: NDArray[np.float64] = np.degrees(np.arctan2(cross, dot))
    return np.minimum(angles, 90.0) if variant == "port" else angles


def _is_s_shaped(plates: NDArray[np.float64], variant: CobbVariant) -> bool:
    """Whether the middles of the end plates lie on both sides of the line from the first to the last of them."""
    rows, columns = (plates[:-2] - plates[-1]).T
    height, width = plates[0] - plates[-1]
    if variant == "matlab":
        side = rows * width - columns * height
        return bool((side > 0).any() and (side < 0).any())
    with np.errstate(divide="ignore", invalid="ignore"):
        offset = rows / height - columns / width
        products = np.outer(offset, offset)
        return not abs(float(products.sum()) - float(np.abs(products).sum())) < _PORT_TOLERANCE


def _pairs(
    between: NDArray[np.float64],
    upper: int,
    lower: int,
    s_shaped: bool,
    plate_rows: NDArray[np.float64],
    height: float | None,
    variant: CobbVariant,
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Which vertebrae the second and the third angle are between; empty where that cannot be told."""
    if not s_shaped:
        return (0, upper), (len(between) - 1, lower)
    if height is None:
        return (), ()
    plate = 0 if variant == "port" else 1
    above = int(np.argmax(between[upper, : upper + 1]))
    if plate_rows[2 * upper + plate] + plate_rows[2 * lower + plate] < height:
        return (upper, above), (lower, lower + int(np.argmax(between[lower, lower:])))
    return (upper, above), (above, int(np.argmax(between[above, : above + 1])))


def _line(ends: NDArray[np.float64]) -> tuple[tuple[float, float], tuple[float, float]]:
    left, right = 2 * ends[0] - ends[1], 2 * ends[1] - ends[0]
    return (float(left[0]), float(left[1])), (float(right[0]), float(right[1]))


def _unknown(reason: str) -> CobbAngles:
    return CobbAngles((math.nan,) * 3, reason=reason)
