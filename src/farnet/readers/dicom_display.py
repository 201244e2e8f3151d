"""From stored DICOM values to what a viewer shows (PS3.3 C.11): modality and value-of-interest steps, padding.

Each step gives what `pydicom.pixels` gives for it, and the tests compare; it is made here because whole numbers stay
whole, windows use all 16 bits, and a step that makes no sense is passed over.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.notices import tell

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

    from farnet.readers.dicom_header import Header

__all__ = ["modality", "padding", "value_of_interest"]

_FULL_SCALE = 65535.0
_NONSENSE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)  # of a table that is none


def padding(stored: NDArray[Any], header: Header) -> NDArray[np.bool_] | None:
    """(rows, columns) True where a pixel is padding, not exposed; None where there is none."""
    value = header.number("PixelPaddingValue", math.nan)
    if math.isnan(value) or stored.dtype.kind not in "ui":
        return None
    limit = header.number("PixelPaddingRangeLimit", value)
    # Converting with wrap-around accepts signed values that were written as unsigned ones.
    ends = np.array([int(value), int(limit)]).astype(stored.dtype)
    found = (stored >= ends.min()) & (stored <= ends.max())
    return found if found.any() else None


def modality(stored: NDArray[Any], header: Header) -> NDArray[Any]:
    """Apply the modality LUT, or slope and intercept; whole numbers stay whole."""
    shown = _by_table(stored, header, "ModalityLUTSequence")
    if shown is not None:
        return shown
    slope = header.number("RescaleSlope", 1.0)
    intercept = header.number("RescaleIntercept", 0.0)
    if slope == 0:
        header.pass_over("RescaleSlope", "would make every pixel alike")
        return stored
    if (slope, intercept) == (1.0, 0.0):
        return stored
    whole = slope.is_integer() and intercept.is_integer() and max(abs(slope), abs(intercept)) < 2**31
    if whole and stored.dtype.kind in "ui":
        return stored.astype(np.int64) * int(slope) + int(intercept)
    return stored.astype(np.float64) * slope + intercept


def value_of_interest(values: NDArray[Any], header: Header) -> NDArray[Any]:
    """Apply the first value-of-interest LUT, or else the first window; a window gives uint16 over the full range.

    A window that is nonsensical, or leaves nothing to see, is passed over and told.
    """
    shown = _by_table(values, header, "VOILUTSequence")
    if shown is not None:
        return shown
    centre, width = header.number("WindowCenter", math.nan), header.number("WindowWidth", math.nan)
    if math.isnan(centre) or math.isnan(width):
        return values
    function = header.text("VOILUTFunction") or "LINEAR"
    window = _windowed(values.astype(np.float64), centre, width, function)
    if window is None or window.min() == window.max():
        tell(f"{header.what}: the window (centre {centre:g}, width {width:g}, {function}) is not applied.")
        return values
    return np.rint(window * _FULL_SCALE).astype(np.uint16)


def _windowed(values: NDArray[np.float64], centre: float, width: float, function: str) -> NDArray[np.float64] | None:
    """Map a window to 0..1 (PS3.3 C.11.2.1.2 and C.11.2.1.3); None where the window is not valid."""
    if function == "LINEAR" and width >= 1:
        return np.clip((values - (centre - 0.5)) / max(width - 1.0, 1e-6) + 0.5, 0.0, 1.0)
    if function == "LINEAR_EXACT" and width > 0:
        return np.clip((values - centre) / width + 0.5, 0.0, 1.0)
    if function == "SIGMOID" and width > 0:
        return 0.5 + 0.5 * np.tanh(2.0 * (values - centre) / width)  # 1 / (1 + exp(-4 x)), without overflow
    return None


def _by_table(values: NDArray[Any], header: Header, keyword: str) -> NDArray[Any] | None:
    """Apply the first table of a sequence; None where there is none, or none that makes sense."""
    try:
        sequence = header.dataset.get(keyword)
        return _looked_up(values, sequence[0], header.dataset) if sequence else None
    except _NONSENSE as error:
        tell(f"{header.what}: {keyword} makes no sense ({' '.join(str(error).split())}); it is passed over.")
        return None


def _looked_up(values: NDArray[Any], item: Dataset, dataset: Dataset) -> NDArray[Any]:
    """Apply a lookup table (PS3.3 C.11.1.1): values below its first entry get the first, above its last the last."""
    count, first, _ = (int(number) for number in item.LUTDescriptor)
    count = count or 2**16
    if first >= 2**15 and values.min() < 0:  # a signed number that was read as unsigned
        first -= 2**16
    data = item.LUTData
    if isinstance(data, bytes):
        little_endian = dataset.original_encoding[1] is not False
        data = np.frombuffer(data, dtype=np.uint8 if len(data) < 2 * count else "<u2" if little_endian else ">u2")
    entries: NDArray[np.uint16] = np.atleast_1d(np.asarray(data)).astype(np.uint16)[:count]
    index = np.rint(values).astype(np.int64) - first
    shown: NDArray[np.uint16] = np.take(entries, index, mode="clip")
    return shown
