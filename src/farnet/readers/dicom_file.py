"""The data set of a DICOM file: with or without the usual header, and unpacked within bounds where it is deflated."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

from farnet.errors import RadiographError
from farnet.readers.dicom_header import Header
from farnet.readers.picture import check_size

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset

__all__ = ["dataset_of"]

_META_BEGINS = 132  # after the preamble and DICM
_HEAD_BYTES = 64 * 2**20
"""What the elements before the pixels may take up, and those after them."""


def dataset_of(data: bytes, what: str) -> Dataset:
    """Parse a file; `file_meta.TransferSyntaxUID` is always there afterwards.

    Raises:
        RadiographError: If a deflated file is damaged, cut short, or unpacks to more than one radiograph has.
    """
    from pydicom import dcmread
    from pydicom.uid import (
        DeflatedExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
    )

    meta, begins = _meta(data)
    if meta is not None and meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        dataset = _parsed(_inflated(memoryview(data)[begins:], what))
        dataset.file_meta = meta
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        return dataset
    dataset = dcmread(io.BytesIO(data), force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:  # a file without the usual header
        implicit, little_endian = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little_endian else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _meta(data: bytes) -> tuple[FileMetaDataset | None, int]:
    """File meta information and where it ends; None for a file without."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.filereader import read_dataset

    if data[_META_BEGINS - 4 : _META_BEGINS] != b"DICM":
        return None, 0
    file = io.BytesIO(data)
    file.seek(_META_BEGINS)
    elements = read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag.group != 2)
    return FileMetaDataset(elements), file.tell()


def _parsed(data: bytes, *, pixels: bool = True) -> Dataset:
    from pydicom.filereader import read_dataset

    begins_pixels = (0x7FE00008, 0x7FE00009, 0x7FE00010)
    stop = None if pixels else lambda tag, vr, length: tag in begins_pixels
    dataset = read_dataset(io.BytesIO(data), False, True, stop_when=stop)
    dataset.set_original_encoding(False, True)
    return dataset


def _inflated(packed: memoryview, what: str) -> bytes:
    """Unpack what the file's own size of the picture allows for, and no more."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = stream.decompress(packed, _HEAD_BYTES)
        if not stream.eof and stream.unconsumed_tail:
            data += stream.decompress(stream.unconsumed_tail, _picture_bytes(data, what) + _HEAD_BYTES)
    except zlib.error as error:
        raise RadiographError(f"{what} is damaged ({error}). Get the file again.") from error
    if stream.eof:
        return data
    if stream.unconsumed_tail:
        raise RadiographError(
            f"{what} unpacks to more than {len(data) / 2**20:.0f} MiB, more than its picture needs; it is no single "
            "radiograph. Export the picture uncompressed (Explicit VR Little Endian)."
        )
    raise RadiographError(f"{what} is damaged or truncated (its deflated data ends too early). Get the file again.")


def _picture_bytes(head: bytes, what: str) -> int:
    header = Header(_parsed(head, pixels=False), what)
    rows, columns, bits, samples = (
        int(header.number(keyword, default))
        for keyword, default in (("Rows", 0), ("Columns", 0), ("BitsAllocated", 16), ("SamplesPerPixel", 1))
    )
    check_size((rows, columns), what)
    return rows * columns * min(max(samples, 1), 4) * min(max(bits, 8), 64) // 8
