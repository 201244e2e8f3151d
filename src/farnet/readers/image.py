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
    from collections.abc import Callable
    from pathlib import Path

    from PIL.ImageFile import ImageFile

__all__ = [
    "DECODING_ERRORS",
    "decode_bmp",
    "decode_jpeg",
    "decode_png",
    "grey_of",
    "image_size",
    "sixteen_bit_colour",
    "undefined_grey",
    "unsupported",
]

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
_PNG_DEPTH = 24  # offset in the file of the header's bit depth; the colour type comes next

_log = logging.getLogger(__name__)


def decode_png(data: bytes, what: str) -> Picture:
    """Decode a PNG file; 16 bits are kept, of grey and of colour, with and without transparency."""
    from PIL.PngImagePlugin import PngImageFile

    depth_and_colour = data[_PNG_DEPTH : _PNG_DEPTH + 2]
    if depth_and_colour == b"\x10\x04":
        return _decode(PngImageFile, _as_four_bytes(data), what, _grey_in_two_bytes)
    if depth_and_colour in (b"\x10\x02", b"\x10\x06"):
        return _decode(PngImageFile, data, what, lambda image, _: sixteen_bit_colour(image, PngImageFile, data, "L"))
    return _decode(PngImageFile, data, what)


def _as_four_bytes(png: bytes) -> bytes:
    """A PNG of 16-bit grey and transparency, declared as 8-bit red, green, blue and transparency.

    Both have four bytes per pixel, and PNG filters work on bytes, so that the bytes come out as they were put in;
    Pillow itself would keep 8 of the 16 bits.
    """
    header = png[12:_PNG_DEPTH] + b"\x08\x06" + png[_PNG_DEPTH + 2 : 29]
    return png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]


def _grey_in_two_bytes(image: ImageFile, what: str) -> np.ndarray[Any, Any]:
    grey: np.ndarray[Any, Any] = np.ascontiguousarray(np.asarray(image)[..., :2]).view(">u2")[..., 0]
    return grey.astype(np.uint16)


def sixteen_bit_colour(image: ImageFile, opener: type[ImageFile], data: bytes, low: str) -> np.ndarray[Any, Any]:
    """Grey of 16-bit RGB or RGBA: Pillow gives 8 bits of each, so that the picture is decoded for either half.

    Args:
        image: The open picture; gives the upper 8 bits.
        opener: What opens it again.
        data: The whole file.
        low: The byte order, "L" or "B", in whose reading Pillow takes the lower 8 bits for the upper ones.
    """
    high = np.asarray(image).astype(np.uint16)
    with opener(io.BytesIO(data)) as again:
        again.tile = [_of_order(tile, low) for tile in again.tile]
        return luminance(high << 8 | np.asarray(again), "The picture")


def _of_order(tile: Any, order: str) -> Any:
    several = not isinstance(tile.args, str)
    mode, *rest = tile.args if several else (tile.args,)
    mode = f"{mode.partition(';')[0]};16{order}"
    return tile._replace(args=(mode, *rest) if several else mode)


def decode_jpeg(data: bytes, what: str) -> Picture:
    """Decode a JPEG file (the lossy kind that cameras and browsers write)."""
    from PIL.JpegImagePlugin import JpegImageFile

    return _decode(JpegImageFile, data, what)


def decode_bmp(data: bytes, what: str) -> Picture:
    """Decode a Windows bitmap."""
    from PIL.BmpImagePlugin import BmpImageFile

    return _decode(BmpImageFile, data, what)


def _decode(
    opener: type[ImageFile],
    data: bytes,
    what: str,
    grey: Callable[[ImageFile, str], np.ndarray[Any, Any]] | None = None,
) -> Picture:
    # The classes are called directly: PIL.Image.open would apply its own, process-wide limit on the number of
    # pixels.
    try:
        with opener(io.BytesIO(data)) as image:
            check_size((image.height, image.width), what)
            if getattr(image, "n_frames", 1) > 1:
                raise RadiographError(f"{what} is an animation; a radiograph is one picture. Save one frame of it.")
            _report_orientation(image, what)
            return Picture((grey or grey_of)(image, what))
    except RadiographError:
        raise
    except NotImplementedError as error:
        raise unsupported(what, str(error)) from error
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


def unsupported(what: str, reason: str) -> RadiographError:
    """Make the error for a valid file of a kind that is not read."""
    return RadiographError(
        f"{what} is of a kind that is not supported ({reason}). Save it as PNG, or as TIFF without compression, with 8 "
        "or 16 bits per pixel."
    )


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
    except Exception as error:  # of hostile bytes
        raise RadiographError(f"{what} is no PNG, JPEG, BMP or TIFF picture, or is damaged ({error}).") from error
    check_size(size, what)
    return size
