"""Stored values of a DICOM file, by decoders of permissive licences; what hides in a frame is looked at first.

Which decoder does which compression is fixed here, so that the same file gives the same values in every installation.
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

_EXPORT = "Export it uncompressed (Explicit VR Little Endian)"
_BASELINE, _EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
_RLE = "1.2.840.10008.1.2.5"
_JPEG2000 = tuple(f"1.2.840.10008.1.2.4.{last}" for last in (90, 91, 201, 202, 203))

_PLUGINS: dict[str, tuple[str, ...]] = {
    _BASELINE: ("pillow", "gdcm"),
    _EXTENDED: ("pillow",),  # 8 bits; 12 bits go to GDCM itself
    "1.2.840.10008.1.2.4.57": ("gdcm",),
    "1.2.840.10008.1.2.4.70": ("gdcm",),
    "1.2.840.10008.1.2.4.80": ("pyjpegls", "gdcm"),
    "1.2.840.10008.1.2.4.81": ("pyjpegls", "gdcm"),
    "1.2.840.10008.1.2.4.90": ("pylibjpeg", "gdcm"),
    "1.2.840.10008.1.2.4.91": ("pylibjpeg", "gdcm"),
    "1.2.840.10008.1.2.4.201": ("pylibjpeg",),
    "1.2.840.10008.1.2.4.202": ("pylibjpeg",),
    "1.2.840.10008.1.2.4.203": ("pylibjpeg",),
    _RLE: ("pydicom",),
}
"""Names of pydicom's decoders for each compressed transfer syntax, the first choice first."""


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
    if syntax not in _PLUGINS:
        raise RadiographError(f"{what} is compressed as {syntax.name}, which is not supported. {_EXPORT}.")
    if syntax == _RLE:
        return _in_place(_by(dataset, ("pydicom",)), dataset)
    frame = _frame(dataset)
    found = _code_stream(frame)
    if found is not None:
        _compare(found, dataset, what)
    if found is not None and found.kind == "sequential" and frame[found.selection : found.selection + 2] != b"\0\x3f":
        frame = _whole_spectrum(frame, found, dataset)
    if syntax == _EXTENDED and found is not None and found.precision > 8:
        return _twelve_bits(frame, dataset)
    if syntax == _EXTENDED and dataset.BitsAllocated == 8:
        dataset.BitsStored, dataset.HighBit = 8, 7
    values = _by(dataset, _PLUGINS[syntax])
    return _in_place(values, dataset) if found is not None and found.precision > dataset.BitsStored else values


def _native(dataset: Dataset, what: str) -> NDArray[Any]:
    if "PixelData" not in dataset:
        return _by(dataset, ())
    expected = dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated // 8
    if dataset.PhotometricInterpretation == "YBR_FULL_422":
        expected = expected * 2 // 3
    length = len(dataset.PixelData or b"")
    if length < expected:
        raise RadiographError(
            f"{what} is damaged or truncated: {length} bytes of pixels of {expected} ({dataset.Rows} x "
            f"{dataset.Columns}). Get the file again."
        )
    return _in_place(_by(dataset, ()), dataset)


def _by(dataset: Dataset, plugins: tuple[str, ...]) -> NDArray[Any]:
    from pydicom.pixels.utils import pixel_array

    stored = int(dataset.get("BitsStored") or 0)
    beyond = stored and dataset.HighBit != stored - 1
    if beyond:
        dataset.BitsStored = dataset.BitsAllocated  # so that no bit is cut off before it stands in its place
    try:
        if not plugins:
            return np.asarray(pixel_array(dataset))
        failures = []
        for plugin in plugins:
            try:
                return np.asarray(pixel_array(dataset, decoding_plugin=plugin))
            except Exception as error:  # whatever one decoder says, the next one is asked
                failures.append(f"{plugin}: {' '.join(str(error).split())}")
        raise ValueError("; ".join(failures))
    finally:
        if beyond:
            dataset.BitsStored = stored


def _in_place(values: NDArray[Any], dataset: Dataset) -> NDArray[Any]:
    """Move values down where their highest bit is above Bits Stored - 1 (PS3.5 8.1.1)."""
    stored = dataset.BitsStored
    if values.dtype.kind not in "ui" or dataset.BitsAllocated == 1 or dataset.HighBit == stored - 1:
        return values
    width = values.dtype.itemsize * 8
    return (values << (width - 1 - dataset.HighBit)) >> (width - stored)


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
            kind = "sequential" if marker in (0xC0, 0xC1) else "other"
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


def _twelve_bits(frame: bytes, dataset: Dataset) -> NDArray[np.uint16]:
    """Decode a grey JPEG of 12 bits by GDCM, which pydicom does not ask for it."""
    import gdcm

    if dataset.SamplesPerPixel != 1 or dataset.BitsAllocated != 16:
        raise ValueError("JPEG of 12 bits with colour, or not in 16 bits")
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((dataset.Columns, dataset.Rows, 1))
    image.SetDataElement(element)
    grey = gdcm.PhotometricInterpretation.MONOCHROME2
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(grey))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGExtendedProcess2_4))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, 12, 11, 0))
    data = image.GetBuffer().encode("utf-8", "surrogateescape")  # GDCM gives bytes as text
    return np.frombuffer(data, "<u2").reshape(dataset.Rows, dataset.Columns).astype(np.uint16)
