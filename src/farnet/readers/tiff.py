"""TIFF files, through tifffile; compressions that it lacks (LZW, JPEG, fax) through Pillow."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import RadiographError
from farnet.readers.image import DECODING_ERRORS, grey_of, undefined_grey
from farnet.readers.picture import Picture, check_size, inverted, luminance

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tifffile import TiffFile, TiffFrame, TiffPage

__all__ = ["decode_tiff"]

_ORIENTATION = 274  # tag; 1 is upright
_MINISWHITE, _PALETTE, _YCBCR = 0, 3, 6  # values of the tag PhotometricInterpretation
_GREY_AND_RGB = (0, 1, 2)
_PHOTOMETRICS = (*_GREY_AND_RGB, _PALETTE, _YCBCR)

_log = logging.getLogger(__name__)


def decode_tiff(data: bytes, what: str) -> Picture:
    """Decode a TIFF file of one picture: any integer or floating-point depth, grey, palette, RGB or RGBA.

    Reduced copies of the picture (pyramids, thumbnails) are passed over. "White is zero" is inverted.
    """
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = _only_page(file, what)
            check_size((page.imagelength, page.imagewidth), what)
            if int(page.photometric) not in _PHOTOMETRICS:
                raise undefined_grey(what, tifffile.PHOTOMETRIC(page.photometric).name)
            _report_orientation(page, what)
            return Picture(_pixels(page, data, what))
    except RadiographError:
        raise
    except (*DECODING_ERRORS, RuntimeError) as error:
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
    if int(page.photometric) == _YCBCR:
        return _through_pillow(page, data, what)
    try:
        values = page.asarray()
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        return _through_pillow(page, data, what)
    if int(page.photometric) == _PALETTE:
        colours = np.asarray(page.colormap)  # (3, number of colours) uint16
        return luminance(np.moveaxis(colours[:, values], 0, -1), what)
    grey = luminance(_channels_last(values, page.axes), what)
    return inverted(grey) if int(page.photometric) == _MINISWHITE else grey


def _channels_last(values: NDArray[Any], axes: str) -> NDArray[Any]:
    if axes == "SYX":
        values = np.moveaxis(values, 0, -1)
    return values[..., 0] if values.ndim == 3 and values.shape[-1] == 2 else values  # grey with transparency


def _through_pillow(page: TiffPage, data: bytes, what: str) -> NDArray[Any]:
    from PIL.TiffImagePlugin import TiffImageFile

    if page.samplesperpixel > 1 and page.bitspersample == 16:
        _log.warning("%s has compressed 16-bit colour channels; they are read with 8 bits.", what)
    with TiffImageFile(io.BytesIO(data)) as image:
        pillow_inverted = image.mode in ("1", "L")
        grey = grey_of(image, what)
    return inverted(grey) if int(page.photometric) == _MINISWHITE and not pillow_inverted else grey


def _report_orientation(page: TiffPage, what: str) -> None:
    tag = page.tags.get(_ORIENTATION)
    if tag is not None and tag.value != 1:
        _log.warning(
            "%s asks to be turned (orientation tag %s). It is used as stored, as napari does.", what, tag.value
        )
