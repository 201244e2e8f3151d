"""Where a picture lies in space, as ITK reads its file: by this 3D Slicer places a picture, and every point on it.

    geometry = geometry_of("ceph.jpg")
    geometry.positions(points)  # (K, 2) row, column to (K, 3) mm, LPS

It is no statement about the patient. ITK takes the dots per inch of a JPEG or TIFF file for the size of a pixel, in a
DICOM file whatever element belongs to the class of the image, and 1 mm where a file says nothing. Headers alone are
read. MetaImage, NRRD and NIfTI need SimpleITK to be read at all and are asked of it, as are unusual DICOM files.
"""

from __future__ import annotations

import importlib
import re
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import RadiographError, missing_extra
from farnet.geometry import Geometry
from farnet.readers.nifti import unpacked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from farnet.spacing import Spacing

__all__ = ["geometry_of"]

_ITK_SUFFIXES = (".mha", ".mhd", ".nrrd", ".nhdr", ".nii", ".nii.gz")
_IN_MM = {1: 25.4, 2: 10.0}  # JPEG's units of density: dots per inch, per cm
_TIFF_IN_MM = {2: 25.4, 3: 10.0}
_FLIPS = {2: (False, True), 3: (True, True), 4: (True, False), 6: (False, True), 7: (True, True), 8: (True, False)}
"""What ITK turns over, (rows, columns), by TIFF's orientation; it never swaps rows with columns."""

_POSITIVE = re.compile(rb"\+?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

_ERRORS = (
    *(
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        OSError,
        RuntimeError,
        SyntaxError,
        TypeError,
        ValueError,
    ),
    *(struct.error, zlib.error),
)


def geometry_of(path: Path) -> Geometry:
    """Read from the header of a radiograph's file where ITK places its pixels.

    Raises:
        RadiographError: If the file cannot be read, is none of a radiograph, or holds nonsense about its place.
        MissingExtraError: If it needs the extra `itk` and that is not installed.
    """
    what = f"The file {path}"
    try:
        with path.open("rb") as file:
            head = file.read(1024)
        return _reader(head, path)(path, what)
    except RadiographError:
        raise
    except _ERRORS as error:
        raise RadiographError(
            f"{what} does not tell where its pixels lie ({' '.join(str(error).split()) or type(error).__name__})."
        ) from error


def _reader(head: bytes, path: Path) -> Callable[[Path, str], Geometry]:
    if head[128:132] == b"DICM":
        return _of_dicom
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _of_png
    if head.startswith(b"\xff\xd8\xff"):
        return _of_jpeg
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _of_tiff
    if head.startswith(b"BM"):
        return _of_bmp
    return _by_itk if path.name.lower().endswith(_ITK_SUFFIXES) else _of_dicom


def _of_png(path: Path, what: str) -> Geometry:
    """PNG's own statement of scale (sCAL), which ITK writes and reads as mm, whatever its unit; no pHYs."""
    with path.open("rb") as file:
        file.seek(16)
        columns, rows = struct.unpack(">II", file.read(8))
        file.seek(8)
        while len(header := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", header)
            if kind in (b"IDAT", b"IEND"):
                break
            if kind == b"sCAL":
                data = file.read(length)
                values = data[1:].split(b"\0")
                if data[:1] in (b"\1", b"\2") and len(values) == 2 and all(map(_positive, values)):
                    return _upright((float(values[1]), float(values[0])), (rows, columns))
                break
            file.seek(length + 4, 1)
    return Geometry.plain(shape=(rows, columns))


def _positive(text: bytes) -> bool:
    return _POSITIVE.fullmatch(text) is not None and float(text) > 0


def _of_jpeg(path: Path, what: str) -> Geometry:
    """JFIF's density; that of EXIF is not read."""
    from PIL.JpegImagePlugin import JpegImageFile

    with JpegImageFile(str(path)) as image:
        shape = image.height, image.width
        length = _IN_MM.get(image.info.get("jfif_unit", 0))
        across, down = image.info.get("jfif_density", (0, 0))
    if length is None or across <= 0 or down <= 0:
        return Geometry.plain(shape=shape)
    return _upright((length / down, length / across), shape)


def _of_bmp(path: Path, what: str) -> Geometry:
    from PIL.BmpImagePlugin import BmpImageFile

    with BmpImageFile(str(path)) as image:
        return Geometry.plain(shape=(image.height, image.width))


def _of_tiff(path: Path, what: str) -> Geometry:
    """The resolution, and the orientation: ITK turns a picture over that does not begin at the top left."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = file.pages[0].aspage()
        if page.is_reduced:
            raise RadiographError(f"{what} begins with a reduced copy of its picture, which ITK would show.")
        shape = page.imagelength, page.imagewidth
        tags = {code: tag.value for code in (274, 282, 283, 296) if (tag := page.tags.get(code)) is not None}
    length = _TIFF_IN_MM.get(int(tags.get(296, 1)))
    across, down = (_resolution(tags.get(code, 1.0)) for code in (282, 283))
    upright = Geometry.plain(shape=shape)
    if length is not None and across > 0 and down > 0:
        upright = _upright((length / down, length / across), shape)
    flips = _FLIPS.get(int(tags.get(274, 1)), (False, False))
    last = np.where(flips, np.array(shape) - 1.0, 0.0)
    step = upright.step * np.where(flips, -1.0, 1.0)
    return Geometry(upright.origin + upright.step @ last, step, shape, upright.stated)


def _resolution(value: Any) -> float:
    """In the 32 bits of libtiff; 0 where it is not defined."""
    above, below = value if isinstance(value, tuple) else (value, 1)
    return float(np.float32(above / below)) if below else 0.0


def _of_dicom(path: Path, what: str) -> Geometry:
    from farnet.readers.dicom_geometry import geometry_of_dicom

    return geometry_of_dicom(path) or _by_itk(path, what)


def _upright(spacing: Spacing, shape: tuple[int, int]) -> Geometry:
    plain = Geometry.plain(spacing, shape)
    return Geometry(plain.origin, plain.step, shape, True)


def _by_itk(path: Path, what: str) -> Geometry:
    try:
        itk: Any = importlib.import_module("SimpleITK")
    except ImportError as error:
        raise missing_extra("SimpleITK", "itk", f"finding out where ITK and 3D Slicer place {path.name}") from error
    from farnet.readers.itk import _picture_axes

    reader = itk.ImageFileReader()
    with unpacked(path, what) as plain:
        reader.SetFileName(str(plain))
        try:
            reader.ReadImageInformation()
        except RuntimeError as error:
            raise RadiographError(f"{what} cannot be read by ITK, and so not by 3D Slicer.") from error
    size, count = reader.GetSize(), reader.GetDimension()
    row, column = _picture_axes(size, what)
    spacing = np.array(reader.GetSpacing(), np.float64)
    steps = np.array(reader.GetDirection(), np.float64).reshape(count, count) * spacing
    origin, step = np.zeros(3), np.zeros((3, 2))
    origin[:count] = reader.GetOrigin()[:3]
    step[:count] = steps[:3, [row, column]]
    if not (np.isfinite(step).all() and np.isfinite(origin).all() and (spacing[[row, column]] > 0).all()):
        raise RadiographError(f"{what} says that its pixels are {spacing.tolist()} mm apart; they must be above zero.")
    stated = spacing[[row, column]].tolist() != [1.0, 1.0]
    return Geometry(origin, step, (size[row], size[column]), stated)
