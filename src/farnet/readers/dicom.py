"""DICOM files, through pydicom, to the grey values that a DICOM viewer would show.

Order of the steps (PS3.3 C.11, PS3.4 N.2): stored values, modality LUT or rescale, value-of-interest LUT or
window, inversion for MONOCHROME1. Pixels outside the exposed field (Pixel Padding Value) become background.
"""

from __future__ import annotations

import io
import logging
import math
import struct
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import RadiographError
from farnet.readers.dicom_spacing import spacing_of
from farnet.readers.picture import Picture, check_size, inverted, luminance

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

__all__ = ["decode_dicom"]

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")  # decoded to RGB
_FULL_SCALE = 65535.0

_ERRORS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
"""What pydicom and its decoders raise on damaged or unsupported files."""

_log = logging.getLogger(__name__)


def decode_dicom(data: bytes, what: str, *, spacing_given: bool, detector_spacing: bool) -> Picture:
    """Decode a DICOM file of one frame.

    Args:
        data: The whole file.
        what: What an error message calls it.
        spacing_given: The caller knows the spacing; the file's is not looked at.
        detector_spacing: Accept the spacing on the detector where there is no other.

    Raises:
        RadiographError: If there are no pixels, more than one frame, an unknown photometric interpretation, a
            nonsensical spacing, pixels that are not square and no spacing, or the file is damaged.
    """
    from pydicom.errors import InvalidDicomError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom writes to its log whatever it warns about
            dataset = _dataset(data)
            _check(dataset, what)
            spacing, source = (None, None) if spacing_given else spacing_of(dataset, detector_spacing, what)
            return Picture(_pixels(dataset, what), spacing, source)
    except RadiographError:
        raise
    except InvalidDicomError as error:
        raise RadiographError(f"{what} is no DICOM file ({error}).") from error
    except _ERRORS as error:
        raise RadiographError(
            f"{what} is a DICOM file whose pixels cannot be decoded ({' '.join(str(error).split())}). It may "
            "be damaged; get it again, or export it uncompressed (Explicit VR Little Endian)."
        ) from error


def _dataset(data: bytes) -> Dataset:
    from pydicom import dcmread
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    dataset = dcmread(io.BytesIO(data), force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:  # a file without the usual header
        implicit, little_endian = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little_endian else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _check(dataset: Dataset, what: str) -> None:
    if not any(name in dataset for name in _PIXELS) or "Rows" not in dataset:
        kind = str(dataset.get("Modality") or "unknown")
        raise RadiographError(
            f"{what} holds no pixel data (modality: {kind}); it may be an index, a report or a presentation "
            "state. Choose the file of the picture itself."
        )
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames > 1:
        raise RadiographError(
            f"{what} holds {frames} frames; a radiograph is one picture. Export the frame that you want as a "
            "file of its own."
        )
    check_size((dataset.Rows, dataset.Columns), what)


def _pixels(dataset: Dataset, what: str) -> NDArray[Any]:
    from pydicom.pixels.processing import apply_color_lut
    from pydicom.pixels.utils import pixel_array

    photometric = str(dataset.PhotometricInterpretation)
    if photometric not in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", *_COLOUR):
        raise RadiographError(
            f"{what} has the photometric interpretation {photometric!r}; accepted are MONOCHROME1, "
            f"MONOCHROME2, PALETTE COLOR, {', '.join(_COLOUR)}."
        )
    stored = pixel_array(dataset)
    if photometric in _COLOUR:
        return luminance(stored, what)
    if photometric == "PALETTE COLOR":
        return luminance(apply_color_lut(stored, dataset), what)
    padding = _padding(stored, dataset)
    if padding is not None and padding.all():
        raise RadiographError(
            f"{what} holds nothing but padding (Pixel Padding Value); there is no picture to look at."
        )
    grey = luminance(_value_of_interest(_modality(stored, dataset), dataset, what), what)
    grey = _with_background(grey, padding)
    return _with_background(inverted(grey), padding) if photometric == "MONOCHROME1" else grey


def _padding(stored: NDArray[Any], dataset: Dataset) -> NDArray[np.bool_] | None:
    """(rows, columns) True where a pixel is padding, not exposed; None where there is none."""
    value = dataset.get("PixelPaddingValue")
    if value is None or stored.dtype.kind not in "ui":
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    # Converting with wrap-around accepts signed values that were written as unsigned ones.
    ends = np.array([int(value), int(value if limit is None else limit)]).astype(stored.dtype)
    padding = (stored >= ends.min()) & (stored <= ends.max())
    return padding if padding.any() else None


def _with_background(grey: NDArray[Any], padding: NDArray[np.bool_] | None) -> NDArray[Any]:
    """Give padding the darkest value of the rest."""
    return grey if padding is None else np.where(padding, grey[~padding].min(), grey)


def _modality(stored: NDArray[Any], dataset: Dataset) -> NDArray[Any]:
    """Apply the modality LUT, or slope and intercept; whole numbers stay whole."""
    sequence = dataset.get("ModalityLUTSequence")
    if sequence:
        return _looked_up(stored, sequence[0], dataset)
    slope = _first_number(dataset, "RescaleSlope", 1.0)
    intercept = _first_number(dataset, "RescaleIntercept", 0.0)
    if (slope, intercept) == (1.0, 0.0):
        return stored
    if stored.dtype.kind in "ui" and slope.is_integer() and intercept.is_integer():
        return stored.astype(np.int64) * int(slope) + int(intercept)
    return stored.astype(np.float64) * slope + intercept


def _value_of_interest(values: NDArray[Any], dataset: Dataset, what: str) -> NDArray[Any]:
    """Apply the first value-of-interest LUT, or else the first window; a window gives uint16 over the full range.

    A window that is nonsensical, or leaves nothing to see, is passed over with a warning in the log.
    """
    sequence = dataset.get("VOILUTSequence")
    if sequence:
        return _looked_up(values, sequence[0], dataset)
    centre = _first_number(dataset, "WindowCenter", math.nan)
    width = _first_number(dataset, "WindowWidth", math.nan)
    if math.isnan(centre) or math.isnan(width):
        return values
    function = str(dataset.get("VOILUTFunction") or "LINEAR").upper()
    shown = _windowed(values.astype(np.float64), centre, width, function)
    if shown is None or shown.min() == shown.max():
        _log.warning("%s: the window (centre %g, width %g, %s) is not applied.", what, centre, width, function)
        return values
    return np.rint(shown * _FULL_SCALE).astype(np.uint16)


def _windowed(values: NDArray[np.float64], centre: float, width: float, function: str) -> NDArray[np.float64] | None:
    """Map a window to 0..1 (PS3.3 C.11.2.1.2 and C.11.2.1.3); None where the window is not valid."""
    if function == "LINEAR" and width >= 1:
        return np.clip((values - (centre - 0.5)) / max(width - 1.0, 1e-6) + 0.5, 0.0, 1.0)
    if function == "LINEAR_EXACT" and width > 0:
        return np.clip((values - centre) / width + 0.5, 0.0, 1.0)
    if function == "SIGMOID" and width > 0:
        return 0.5 + 0.5 * np.tanh(2.0 * (values - centre) / width)  # 1 / (1 + exp(-4 x)), without overflow
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


def _first_number(dataset: Dataset, name: str, default: float) -> float:
    """Value of an element, the first of several; the default where it is missing or empty."""
    value = dataset.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, str) or not hasattr(value, "__len__"):
        return float(value)
    return float(value[0]) if len(value) else default
