"""TIFF files, through tifffile; what it lacks (JPEG with chrominance, and others) through Pillow."""

from __future__ import annotations

import io
import logging
import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import RadiographError
from farnet.readers.image import DECODING_ERRORS, grey_of, sixteen_bit_colour, undefined_grey, unsupported
from farnet.readers.picture import Picture, inverted, luminance
from farnet.readers.tiff_layout import check_layout

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tifffile import TiffFile, TiffFrame, TiffPage

__all__ = ["decode_tiff"]

_ORIENTATION = 274  # tag; 1 is upright
_MINISWHITE, _PALETTE, _YCBCR = 0, 3, 6  # values of the tag PhotometricInterpretation
_GREY_AND_RGB = (0, 1, 2)
_PHOTOMETRICS = (*_GREY_AND_RGB, _PALETTE, _YCBCR)

_LZW, _FAX, _JPEG = 5, (2, 3, 4), (6, 7)
_PLAIN = (1, _LZW, 8, 32773, 32946, 34887, 34925, 34926, 50000)
"""Compressions that unpack to as many bytes as the picture has, and no more: none, LZW, deflate, PackBits, LERC, LZMA,
Zstandard. Those that are picture files of their own (JPEG 2000, JPEG XL, WebP) would bring a size of their own."""
_LACKING = ("imagecodecs", "not supported")  # in what tifffile says of valid files that it does not read

_log = logging.getLogger(__name__)


def decode_tiff(data: bytes, what: str) -> Picture:
    """Decode a TIFF file of one picture: any integer or floating-point depth, grey, palette, RGB or RGBA.

    Packed depths (10, 12, 14 bits) too. Reduced copies of the picture (pyramids, thumbnails) are passed over. "White is
    zero" is inverted.
    """
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = _only_page(file, what)
            check_layout(page, what)
            if int(page.photometric) not in _PHOTOMETRICS:
                raise undefined_grey(what, tifffile.PHOTOMETRIC(page.photometric).name)
            _report_orientation(page, what)
            return Picture(_pixels(page, data, what))
    except RadiographError:
        raise
    except (*DECODING_ERRORS, ArithmeticError, RuntimeError) as error:
        raise RadiographError(f"{what} is damaged or truncated ({error}). Get the file again.") from error


def _only_page(file: TiffFile, what: str) -> TiffPage:
    pages = [page for page in map(_whole, file.pages) if not (page.is_reduced or page.is_mask)]
    if not pages:
        raise RadiographError(f"{what} holds no picture. Get the file again.")
    count = len(pages)
    if file.imagej_metadata:
        count = max(count, int(file.imagej_metadata.get("images", 1)))
    if count > 1:
        raise RadiographError(f"{what} holds {count} pictures; a radiograph is one. Save one of its pages by itself.")
    return pages[0]


def _whole(page: TiffPage | TiffFrame) -> TiffPage:
    return page.aspage()


def _pixels(page: TiffPage, data: bytes, what: str) -> NDArray[Any]:
    compression = int(page.compression)
    if compression not in (*_PLAIN, *_FAX, *_JPEG):
        raise _not_supported(page, what)
    if compression in _JPEG or int(page.photometric) == _YCBCR:
        return _through_pillow(page, data, what)
    try:
        values = page.asarray()
    except (ImportError, NotImplementedError, ValueError) as error:
        lacks = not isinstance(error, ValueError) or any(word in str(error) for word in _LACKING)
        if not lacks:
            raise
        if compression not in (*_FAX, _LZW):
            raise _not_supported(page, what) from error
        return _through_pillow(page, data, what)
    if int(page.photometric) == _PALETTE:
        colours = np.asarray(page.colormap)  # (3, number of colours) uint16
        return luminance(np.moveaxis(colours[:, values], 0, -1), what)
    grey = luminance(_channels_last(values, page.axes), what)
    return inverted(grey) if int(page.photometric) == _MINISWHITE else grey


def _not_supported(page: TiffPage, what: str) -> RadiographError:
    name = getattr(page.compression, "name", str(page.compression))
    return unsupported(what, f"TIFF of {page.bitspersample} bits per channel, compression {name}")


def _channels_last(values: NDArray[Any], axes: str) -> NDArray[Any]:
    if axes == "SYX":
        values = np.moveaxis(values, 0, -1)
    return values[..., 0] if values.ndim == 3 and values.shape[-1] == 2 else values  # grey with transparency


def _through_pillow(page: TiffPage, data: bytes, what: str) -> NDArray[Any]:
    from PIL.TiffImagePlugin import TiffImageFile

    try:
        with warnings.catch_warnings(action="ignore"), TiffImageFile(io.BytesIO(data)) as image:
            if page.samplesperpixel > 1 and page.bitspersample == 16:
                if page.samplesperpixel < 3 or int(page.planarconfig) != 1:
                    raise _not_supported(page, what)
                return sixteen_bit_colour(image, TiffImageFile, data, "B" if sys.byteorder == "little" else "L")
            pillow_inverted = image.mode in ("1", "L")
            grey = grey_of(image, what)
    except (SyntaxError, KeyError, NotImplementedError) as error:  # Pillow has no such mode or compression
        raise _not_supported(page, what) from error
    return inverted(grey) if int(page.photometric) == _MINISWHITE and not pillow_inverted else grey


def _report_orientation(page: TiffPage, what: str) -> None:
    tag = page.tags.get(_ORIENTATION)
    if tag is not None and tag.value != 1:
        _log.warning(
            "%s asks to be turned (orientation tag %s). It is used as stored, as napari does.", what, tag.value
        )
