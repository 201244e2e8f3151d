"""PNG, JPEG and BMP files, through Pillow."""

from __future__ import annotations

import io
import logging
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import RadiographError
from farnet.readers.picture import Picture, check_size, luminance

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.ImageFile import ImageFile

__all__ = ["DECODING_ERRORS", "decode_bmp", "decode_jpeg", "decode_png", "grey_of", "image_size", "undefined_grey"]

DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    struct.error,
    zlib.error,
)
"""What Pillow and tifffile raise on damaged files."""

_ORIENTATION = 0x0112  # EXIF and TIFF tag; 1 is upright
_PNG_DEPTH, _PNG_COLOUR = 24, 25  # offsets in the file of the header's bit depth and colour type

_log = logging.getLogger(__name__)


def decode_png(data: bytes, what: str) -> Picture:
    """Decode a PNG file; 16-bit grey keeps its depth, 16-bit colour is read with 8 bits per channel."""
    from PIL.PngImagePlugin import PngImageFile

    if len(data) > _PNG_COLOUR and data[_PNG_DEPTH] == 16 and data[_PNG_COLOUR] & 2:
        _log.warning("%s has 16-bit colour channels; they are read with 8 bits. 16-bit grey would be kept.", what)
    return _decode(PngImageFile, data, what)


def decode_jpeg(data: bytes, what: str) -> Picture:
    """Decode a JPEG file (the lossy kind that cameras and browsers write)."""
    from PIL.JpegImagePlugin import JpegImageFile

    return _decode(JpegImageFile, data, what)


def decode_bmp(data: bytes, what: str) -> Picture:
    """Decode a Windows bitmap."""
    from PIL.BmpImagePlugin import BmpImageFile

    return _decode(BmpImageFile, data, what)


def _decode(opener: type[ImageFile], data: bytes, what: str) -> Picture:
    # The classes are called directly: PIL.Image.open would apply its own, process-wide limit on the number of
    # pixels.
    try:
        with opener(io.BytesIO(data)) as image:
            check_size((image.height, image.width), what)
            if getattr(image, "n_frames", 1) > 1:
                raise RadiographError(f"{what} is an animation; a radiograph is one picture. Save one frame of it.")
            _report_orientation(image, what)
            return Picture(grey_of(image, what))
    except RadiographError:
        raise
    except DECODING_ERRORS as error:
        raise RadiographError(f"{what} is damaged or truncated ({error}). Get the file again.") from error


def _report_orientation(image: ImageFile, what: str) -> None:
    orientation = image.getexif().get(_ORIENTATION, 1)
    if orientation != 1:
        _log.warning(
            "%s asks to be turned (orientation tag %s). It is used as stored, like in napari; turn the "
            "pixels themselves if the radiograph does not stand upright.",
            what,
            orientation,
        )


def grey_of(image: ImageFile, what: str) -> np.ndarray[Any, Any]:
    """Decode an open Pillow image to (rows, columns) of uint8, uint16 or float32.

    Raises:
        RadiographError: If its colour model has no defined grey (CMYK, Lab, HSV).
    """
    mode = image.mode
    if mode in ("P", "PA"):
        image.info.pop("transparency", None)
        return np.asarray(image.convert("RGB").convert("L"))
    if mode in ("RGB", "RGBA", "RGBX", "YCbCr"):
        return np.asarray(image.convert("L"))
    if mode in ("LA", "La"):
        return np.asarray(image.getchannel(0))
    if mode in ("1", "L", "I", "F") or mode.startswith("I;16"):
        return luminance(np.asarray(image), what)
    raise undefined_grey(what, mode)


def undefined_grey(what: str, model: str) -> RadiographError:
    """Make the error for a colour model that has no defined grey values."""
    return RadiographError(
        f"{what} is in the colour model {model}, which has no defined grey values; accepted are grey, palette, RGB and "
        "RGBA. Save it as grey or RGB."
    )


def image_size(path: Path) -> tuple[int, int]:
    """Read (rows, columns) from the header of a PNG, JPEG, BMP or TIFF file, without decoding the pixels.

    Raises:
        RadiographError: If the file cannot be opened as one of them, or has an unacceptable size.
    """
    from PIL.BmpImagePlugin import BmpImageFile
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile
    from PIL.TiffImagePlugin import TiffImageFile

    what = f"The file {path}"
    openers: dict[bytes, type[ImageFile]] = {b"\x89P": PngImageFile, b"\xff\xd8": JpegImageFile, b"BM": BmpImageFile}
    try:
        with path.open("rb") as file:
            opener = openers.get(file.read(2), TiffImageFile)
            file.seek(0)
            with opener(file) as image:
                size = image.height, image.width
    except DECODING_ERRORS as error:
        raise RadiographError(f"{what} is no PNG, JPEG, BMP or TIFF picture, or is damaged ({error}).") from error
    check_size(size, what)
    return size
