"""What every file reader gives: one grey picture. Conversion of colour and number types lives here, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import RadiographError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from farnet.spacing import Spacing

__all__ = ["MAXIMUM_PIXELS", "MINIMUM_SIDE", "Picture", "check_size", "inverted", "luminance"]

MINIMUM_SIDE = 16
"""Fewest rows, and fewest columns, of a radiograph."""

MAXIMUM_PIXELS = 150_000_000
"""Most pixels of a radiograph: ten times the largest digital detectors, and small enough for any machine's memory."""

_LUMINANCE = (19595, 38470, 7471)  # ITU-R BT.601 weights of red, green and blue, in parts of 65536


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded file.

    Attributes:
        pixels: (rows, columns) uint8, uint16 or float32.
        spacing: (row, column) in mm per pixel, or None.
        spacing_source: Where in the file the spacing was found, or None.
        sha256: SHA-256 of the file in hexadecimal, or None.
    """

    pixels: NDArray[Any]
    spacing: Spacing | None = None
    spacing_source: str | None = None
    sha256: str | None = None


def check_size(shape: Sequence[int], what: str) -> None:
    """Refuse pictures too small or too large to be a radiograph; readers call it before they decode.

    Args:
        shape: (rows, columns).
        what: What the message calls the picture.

    Raises:
        RadiographError: If a side is below 16 pixels, or there are more than 150 million pixels.
    """
    rows, columns = (int(side) for side in shape)
    if min(rows, columns) < MINIMUM_SIDE:
        raise RadiographError(
            f"{what} has {rows} x {columns} pixels (rows x columns); a radiograph has at least "
            f"{MINIMUM_SIDE} x {MINIMUM_SIDE}."
        )
    if rows * columns > MAXIMUM_PIXELS:
        raise RadiographError(
            f"{what} has {rows} x {columns} pixels, {rows * columns / 1e6:.0f} million; at most "
            f"{MAXIMUM_PIXELS / 1e6:.0f} million are accepted. Crop it, or reduce it to fewer pixels."
        )


def luminance(array: ArrayLike, what: str) -> NDArray[Any]:
    """Turn an array into one grey channel of uint8, uint16 or float32.

    Args:
        array: (rows, columns), (rows, columns, 1 or 3 or 4), or (1, rows, columns).
        what: What an error message calls it.

    Returns:
        (rows, columns). Colour becomes ITU-R BT.601 luminance, exact where the channels are equal; a fourth
        channel is transparency and is dropped. Booleans become 0 and 255; integers other than uint8 become
        uint16 where all values fit, else float32; floating point becomes float32.

    Raises:
        RadiographError: If the array is not numeric, has another shape, or has values beyond float32.
    """
    values = np.asarray(array)
    if values.dtype.kind not in "buif":
        raise RadiographError(
            f"{what} holds values of type {values.dtype}; pixels must be boolean, integer or floating-point numbers."
        )
    values = _plane(values, what)
    if values.dtype.kind == "b":
        values = values.astype(np.uint8) * np.uint8(255)
    elif values.dtype.kind in "ui" and values.dtype != np.uint8:
        fits = values.size == 0 or (values.min() >= 0 and values.max() <= np.iinfo(np.uint16).max)
        values = values.astype(np.uint16 if fits else np.float32, copy=False)
    elif values.dtype.kind == "f":
        values = _as_float32(values, what)
    return values if values.ndim == 2 else _grey(values)


def inverted(pixels: NDArray[Any]) -> NDArray[Any]:
    """Turn dark into bright within the range that the picture uses; the type stays."""
    flipped: NDArray[Any] = (pixels.max() - pixels) + pixels.min()
    return flipped


def _plane(values: NDArray[Any], what: str) -> NDArray[Any]:
    if values.ndim == 3 and values.shape[-1] in (3, 4):
        return values[..., :3]
    flat = values
    if flat.ndim == 3 and flat.shape[-1] == 1:
        flat = flat[..., 0]
    while flat.ndim > 2 and flat.shape[0] == 1:
        flat = flat[0]
    if flat.ndim == 3 and flat.shape[-1] in (3, 4):
        return flat[..., :3]
    if flat.ndim != 2:
        raise RadiographError(
            f"{what} has the shape {values.shape}; a radiograph is one 2-D picture: (rows, columns), or "
            "(rows, columns, 3 or 4) in colour. Of a volume or a series choose one slice, for example "
            "array[0]."
        )
    return flat


def _as_float32(values: NDArray[Any], what: str) -> NDArray[np.float32]:
    if values.dtype == np.float32 and values.dtype.isnative:
        return values
    with np.errstate(over="ignore"):
        converted = values.astype(np.float32)
    if np.isinf(converted).any() and np.isfinite(values).all():
        raise RadiographError(
            f"{what} has values up to {np.abs(values).max():.3g}, beyond what 32-bit floating point holds "
            "(3.4e38). Scale them down."
        )
    return converted


def _grey(colour: NDArray[Any]) -> NDArray[Any]:
    """(rows, columns, 3) of uint8, uint16 or float32 to (rows, columns) of the same type."""
    if colour.dtype == np.uint8:
        from PIL import Image

        return np.asarray(Image.fromarray(np.ascontiguousarray(colour)).convert("L"))
    if colour.dtype == np.uint16:
        grey = np.full(colour.shape[:2], 0x8000, dtype=np.uint32)
        for channel, weight in enumerate(_LUMINANCE):
            grey += colour[..., channel].astype(np.uint32) * np.uint32(weight)
        return (grey >> 16).astype(np.uint16)
    weights = np.array(_LUMINANCE, dtype=np.float64) / 65536
    grey = (colour.astype(np.float64) @ weights).astype(np.float32)
    same = (colour[..., 0] == colour[..., 1]) & (colour[..., 1] == colour[..., 2])
    return np.where(same, colour[..., 0], grey)
