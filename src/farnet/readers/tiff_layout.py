"""What a TIFF file says of its size, looked at before anything is decoded."""

from __future__ import annotations

import lzma
import zlib
from typing import TYPE_CHECKING

from farnet.errors import RadiographError
from farnet.readers.picture import MAXIMUM_PIXELS, check_size

if TYPE_CHECKING:
    from tifffile import TiffPage

__all__ = ["check_layout"]

_DEFLATE, _LZMA = (8, 32946), (34925,)
_RATIO = 1032  # most bytes that one byte of deflated data becomes
_HARMLESS = 256 * 2**20  # bytes; a segment that cannot become larger is not looked into
_SLACK = 2**20


def check_layout(page: TiffPage, data: bytes, what: str) -> None:
    """Refuse a page that is no radiograph by its size, its channels or its tiles, or that unpacks to more than it says.

    Args:
        page: The page that holds the picture.
        data: The whole file.
        what: What an error message calls it.

    Raises:
        RadiographError: If so.
    """
    check_size((page.imagelength, page.imagewidth), what)
    if page.imagedepth > 1:
        raise RadiographError(f"{what} is a volume of {page.imagedepth} slices; a radiograph is one picture.")
    if not 1 <= page.samplesperpixel <= 4:
        raise RadiographError(
            f"{what} has {page.samplesperpixel} channels; a radiograph has 1 (grey) to 4 (RGB and transparency). Save "
            "it as grey."
        )
    rows, columns = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
    rows = rows if page.is_tiled else min(rows, page.imagelength)
    if rows < 1 or columns < 1 or rows * columns > MAXIMUM_PIXELS:
        raise RadiographError(f"{what} is damaged: its tiles or strips have {rows} x {columns} pixels.")
    if int(page.compression) in _DEFLATE + _LZMA:
        _check_unpacked(page, data, rows * columns * page.samplesperpixel * -(-page.bitspersample // 8), what)


def _check_unpacked(page: TiffPage, data: bytes, expected: int, what: str) -> None:
    whole = memoryview(data)
    deflated = int(page.compression) in _DEFLATE
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if deflated and count * _RATIO <= _HARMLESS:
            continue
        stream = zlib.decompressobj() if deflated else lzma.LZMADecompressor()
        if len(stream.decompress(whole[offset : offset + count], expected + _SLACK)) >= expected + _SLACK:
            raise RadiographError(
                f"{what} unpacks to more than the {expected} bytes that its picture needs; it is damaged."
            )
