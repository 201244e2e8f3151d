"""Stored values of a DICOM file, by decoders of permissive licences; what a frame says is looked at first.

Which decoder does which compression is fixed here, so that the same file gives the same values in every installation
(GDCM, which pydicom would ask first where it is installed, ends the whole program on some damaged files).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import RadiographError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

__all__ = ["stored_values"]

_BASELINE, _EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
_LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
_RLE = "1.2.840.10008.1.2.5"

_PLUGINS = {
    _BASELINE: "pillow",
    _EXTENDED: "pillow",  # of 8 bits; libjpeg-turbo itself decodes more
    "1.2.840.10008.1.2.4.80": "pyjpegls",
    "1.2.840.10008.1.2.4.81": "pyjpegls",
    "1.2.840.10008.1.2.4.90": "pylibjpeg",
    "1.2.840.10008.1.2.4.91": "pylibjpeg",
    "1.2.840.10008.1.2.4.201": "pylibjpeg",
    "1.2.840.10008.1.2.4.202": "pylibjpeg",
    "1.2.840.10008.1.2.4.203": "pylibjpeg",
    _RLE: "pydicom",
}
"""Which of pydicom's decoders is asked for each compressed transfer syntax."""


def stored_values(dataset: Dataset, what: str) -> NDArray[Any]:
    """Decode the pixels of a data set that `dicom_header.mend` has put in order.

    Returns:
        (rows, columns) or (rows, columns, 3): the stored values, unsigned or signed whole numbers or floating point;
        of BitsStored bits, wherever in the word they stand (High Bit). Colour is red, green and blue.

    Raises:
        RadiographError: If the compression is not supported, or a compressed frame says another size than the file.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated:
        return _native(dataset, what)
    if syntax not in _PLUGINS and syntax not in _LOSSLESS:
        raise RadiographError(
            f"{what} is compressed as {syntax.name}, which is not supported. Export it uncompressed (Explicit VR "
            "Little Endian)."
        )
    if syntax == _RLE:
        return _in_place(_by_pydicom(dataset, _PLUGINS[syntax]), dataset)
    frame = _frame(dataset)
    found = _code_stream(frame)
    if found is None:
        raise RadiographError(f"{what} is damaged: its pixels do not begin as {syntax.name} does. Get the file again.")
    _compare(found, dataset, what)
    if found.kind == "sequential" and frame[found.selection : found.selection + 2] != b"\0\x3f":
        frame = _whole_spectrum(frame, found, dataset)
    if syntax in _LOSSLESS or (syntax in (_BASELINE, _EXTENDED) and (found.kind == "lossless" or found.precision > 8)):
        return _in_place(_by_turbo(frame, dataset), dataset)
    if syntax in (_BASELINE, _EXTENDED):  # what the frame says counts
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    values = _by_pydicom(dataset, _PLUGINS[syntax])
    return _in_place(values, dataset) if found.precision > dataset.BitsStored else values


def _native(dataset: Dataset, what: str) -> NDArray[Any]:
    if "PixelData" not in dataset:
        return _by_pydicom(dataset)
    expected = dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated // 8
    if dataset.PhotometricInterpretation == "YBR_FULL_422":
        expected = expected * 2 // 3
    length = len(dataset.PixelData or b"")
    if length < expected:
        raise RadiographError(
            f"{what} is damaged or truncated: {length} bytes of pixels of {expected} ({dataset.Rows} x "
            f"{dataset.Columns}). Get the file again."
        )
    return _in_place(_by_pydicom(dataset), dataset)


def _by_pydicom(dataset: Dataset, plugin: str = "") -> NDArray[Any]:
    from pydicom.pixels.utils import pixel_array

    stored = int(dataset.get("BitsStored") or 0)
    beyond = stored and dataset.HighBit != stored - 1
    if beyond:
        dataset.BitsStored = dataset.BitsAllocated  # so that no bit is cut off before it stands in its place
    try:
        return np.asarray(pixel_array(dataset, decoding_plugin=plugin))
    finally:
        if beyond:
            dataset.BitsStored = stored


def _by_turbo(frame: bytes, dataset: Dataset) -> NDArray[Any]:
    """Decode a lossless JPEG, or one of 12 bits, by libjpeg-turbo."""
    import imagecodecs
    from pydicom.pixels.processing import convert_color_space

    values = np.asarray(imagecodecs.jpeg8_decode(frame))
    if dataset.PhotometricInterpretation.startswith("YBR"):
        if values.dtype != np.uint8:
            raise ValueError("luminance and chrominance of more than 8 bits")
        return np.asarray(convert_color_space(values, "YBR_FULL", "RGB"))
    kind = "i" if dataset.PixelRepresentation else "u"
    return values.astype(f"u{dataset.BitsAllocated // 8}").view(f"{kind}{dataset.BitsAllocated // 8}")


def _in_place(values: NDArray[Any], dataset: Dataset) -> NDArray[Any]:
    """Keep the BitsStored bits below and with High Bit, as numbers (PS3.5 8.1.1); the others mean something else."""
    width = values.dtype.itemsize * 8
    if values.dtype.kind not in "ui" or dataset.BitsAllocated != width or dataset.BitsStored == width:
        return values
    moved: NDArray[Any] = (values << (width - 1 - dataset.HighBit)) >> (width - dataset.BitsStored)
    return moved


def _frame(dataset: Dataset) -> bytes:
    from pydicom.encaps import get_frame

    return bytes(get_frame(dataset.PixelData, 0, number_of_frames=1))


@dataclass(frozen=True)
class _CodeStream:
    """What a compressed frame says of itself; `selection` is where the spectrum of its first scan is selected."""

    kind: str
    rows: int
    columns: int
    components: int
    precision: int
    selection: int = 0


def _code_stream(frame: bytes) -> _CodeStream | None:
    """Read the header of a JPEG, JPEG-LS or JPEG 2000 frame; None where it is none of them."""
    start = frame.find(b"\xff\x4f\xff\x51")
    if start >= 0 and len(frame) >= start + 43:
        width, height, left, top = struct.unpack_from(">4I", frame, start + 8)
        components, precision = struct.unpack_from(">HB", frame, start + 40)
        return _CodeStream("wavelet", height - top, width - left, components, (precision & 0x7F) + 1)
    return _jpeg(frame) if frame.startswith(b"\xff\xd8") else None


def _jpeg(frame: bytes) -> _CodeStream | None:
    found, position = None, 2
    while position + 4 <= len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == 0xFF:  # fill bytes may stand before a marker
            position += 1
            continue
        (length,) = struct.unpack_from(">H", frame, position + 2)
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            if position + 10 > len(frame):
                return None
            precision, rows, columns, components = struct.unpack_from(">BHHB", frame, position + 4)
            kind = {0xC0: "sequential", 0xC1: "sequential", 0xC3: "lossless"}.get(marker, "other")
            found = _CodeStream(kind, rows, columns, components, precision)
        elif marker == 0xDA and found is not None:
            return _CodeStream(found.kind, found.rows, found.columns, found.components, found.precision,
                               position + 2 + length - 3)  # fmt: skip
        position += 2 + length
    return found


def _compare(found: _CodeStream, dataset: Dataset, what: str) -> None:
    """Refuse a frame of another size: a decoder would make room for what the frame says."""
    if (found.rows, found.columns, found.components) != (dataset.Rows, dataset.Columns, dataset.SamplesPerPixel):
        raise RadiographError(
            f"{what} says {dataset.Rows} x {dataset.Columns} x {dataset.SamplesPerPixel} (rows x columns x channels), "
            f"but its compressed picture has {found.rows} x {found.columns} x {found.components}; it is damaged. Get "
            "the file again."
        )


def _whole_spectrum(frame: bytes, found: _CodeStream, dataset: Dataset) -> bytes:
    """A sequential scan has all coefficients, 0 to 63 (ITU-T T.81 B.2.3), also where its header says others."""
    from pydicom.encaps import encapsulate

    mended = frame[: found.selection] + b"\0\x3f\0" + frame[found.selection + 3 :]
    dataset.PixelData = encapsulate([mended])
    return mended
