"""Readers of radiograph files: which reader a file needs, and one module per family of formats."""

from __future__ import annotations

import codecs
import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from farnet.errors import FarnetError, RadiographError
from farnet.readers.picture import Picture

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RADIOGRAPH_SUFFIXES", "Picture", "as_text", "decode", "is_dicom_picture", "stem_of"]

_IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
_DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
_ITK_SUFFIXES = (".mha", ".mhd", ".nrrd", ".nhdr", ".nii", ".nii.gz")

RADIOGRAPH_SUFFIXES: tuple[str, ...] = _IMAGE_SUFFIXES + _DICOM_SUFFIXES + _ITK_SUFFIXES
"""Endings of radiograph files, in lower case."""

_LONGEST_FIRST = sorted(RADIOGRAPH_SUFFIXES, key=len, reverse=True)

_MAXIMUM_BYTES = 2 * 2**30
_HEAD_BYTES = 1024
_DICOM_MARK_ENDS = 132

_WITHOUT_PIXELS = (
    b"1.2.840.10008.1.3.10",  # DICOMDIR
    b"1.2.840.10008.5.1.4.1.1.88.",  # reports
    b"1.2.840.10008.5.1.4.1.1.11.",  # presentation states
    b"1.2.840.10008.5.1.4.1.1.104.",  # documents
)
"""What Media Storage SOP Class UID begins with, for DICOM files that hold no pixels."""

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"BM", "bmp"),
)

_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"\x93NUMPY", "a NumPy array; load it with numpy.load and use Radiograph.from_array"),
    (b"PK\x03\x04", "a zip archive (also .npz, .pt and office files are); unpack it first"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"%PDF", "a PDF document; export its picture as PNG"),
    (b"GIF8", "a GIF; save it as PNG"),
    (b"RIFF", "a WebP picture or a media file; save the picture as PNG"),
    (b"\x89HDF", "an HDF5 file; save the picture as TIFF"),
    (b"\0\0\0\x0cjP", "a JPEG 2000 file; save it as PNG"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 code stream; save it as PNG"),
)


def as_text(path: str | Path) -> str:
    """A path as it can be written into any file: bytes of it that are no text are spelt out, as %e4."""
    text = str(path)
    return text if text.isascii() else re.sub(r"[\ud800-\udfff]", lambda found: f"%{ord(found[0]) & 0xFF:02x}", text)


def stem_of(path: Path | str) -> str:
    """Name of a file without its ending; only known endings are taken off ("1.2.840.113" stays).

    Args:
        path: The file, or its name without any folder.
    """
    name = path if isinstance(path, str) else path.name
    lower = name.lower()
    if lower.endswith(RADIOGRAPH_SUFFIXES):
        for suffix in _LONGEST_FIRST:
            if lower.endswith(suffix) and len(name) > len(suffix):
                return as_text(name[: -len(suffix)])
    return as_text(name)


def decode(path: Path, *, spacing_given: bool, detector_spacing: bool, checksum: bool) -> Picture:
    """Decode a radiograph file of any accepted kind.

    Args:
        path: The file.
        spacing_given: The caller knows the spacing, so what the file says about it need not make sense.
        detector_spacing: Fall back on the pixel size on the detector (DICOM).
        checksum: Also give the file's SHA-256.

    Raises:
        RadiographError: If the file cannot be read as a radiograph, whatever it holds.
        MissingExtraError: If it needs the extra `itk` and that is not installed.
    """
    what = f"The file {path}"
    try:
        return _decode(path, what, spacing_given, detector_spacing, checksum)
    except FarnetError:
        raise
    except MemoryError as error:
        raise RadiographError(f"{what} needs more memory than there is. Reduce it to fewer pixels.") from error
    except Exception as error:  # the one place for whatever a decoder raises on bytes of any kind
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise RadiographError(f"{what} is damaged, and cannot be decoded ({reason}). Get the file again.") from error


def _decode(path: Path, what: str, spacing_given: bool, detector_spacing: bool, checksum: bool) -> Picture:
    head = _head(path, what)
    kind = _kind_of(head, path)
    if kind is None:
        description = _foreign(head) or "of an unknown kind, or damaged at its beginning"
        raise RadiographError(f"{what} is {description}. Radiographs are read from: {', '.join(RADIOGRAPH_SUFFIXES)}.")
    if kind == "itk":
        from farnet.readers.itk import decode_itk

        picture = decode_itk(path, what)
        detached = path.name.lower().endswith((".mhd", ".nhdr"))  # the pixels are in another file
        return replace(picture, sha256=_sha256(_content(path, what))) if checksum and not detached else picture
    data = _content(path, what)
    picture = _decode_bytes(kind, data, what, spacing_given, detector_spacing)
    return replace(picture, sha256=_sha256(data)) if checksum else picture


def _decode_bytes(kind: str, data: bytes, what: str, spacing_given: bool, detector_spacing: bool) -> Picture:
    if kind == "dicom":
        from farnet.readers.dicom import decode_dicom

        return decode_dicom(data, what, spacing_given=spacing_given, detector_spacing=detector_spacing)
    if kind == "tiff":
        from farnet.readers.tiff import decode_tiff

        return decode_tiff(data, what)
    from farnet.readers import image

    return {"png": image.decode_png, "jpeg": image.decode_jpeg, "bmp": image.decode_bmp}[kind](data, what)


def is_dicom_picture(path: Path) -> bool:
    """Whether a file, whatever its name, begins as a DICOM file and does not say that it is something without pixels.

    Looks at the first KiB; an index (DICOMDIR), a report, a presentation state or a document is no picture. A file
    that cannot be opened is none either.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_DICOM_MARK_ENDS)
            if head[-4:] != b"DICM" or len(head) < _DICOM_MARK_ENDS:
                return False
            head += file.read(_HEAD_BYTES)
    except OSError:
        return False
    return not any(uid in head for uid in _WITHOUT_PIXELS)


def _head(path: Path, what: str) -> bytes:
    if path.is_dir():
        raise RadiographError(
            f"{path} is a folder without radiographs that are read here ({', '.join(RADIOGRAPH_SUFFIXES)}), "
            "or a file was expected; name one file."
        )
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError as error:
        raise RadiographError(f"There is no file {path}. Check the name and the folder.") from error
    except (OSError, ValueError) as error:
        raise RadiographError(f"{what} cannot be opened: {getattr(error, 'strerror', None) or error}.") from error
    if not head:
        raise RadiographError(f"{what} is empty (0 bytes). Get the file again.")
    if size > _MAXIMUM_BYTES:
        raise RadiographError(
            f"{what} has {size / 2**30:.1f} GiB; at most {_MAXIMUM_BYTES / 2**30:.0f} GiB are read. It is no "
            "single radiograph: extract one picture."
        )
    return head


def _content(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RadiographError(f"{what} cannot be read: {error.strerror or error}.") from error


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _kind_of(head: bytes, path: Path) -> str | None:
    if head[128:132] == b"DICM":
        return "dicom"
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    name = path.name.lower()
    if name.endswith(_ITK_SUFFIXES):
        return "itk"
    if name.endswith(_DICOM_SUFFIXES) and _foreign(head) is None:  # from before files began with a preamble
        return "dicom"
    return None


def _foreign(head: bytes) -> str | None:
    """Say what a file that is no radiograph is; None where it cannot be told."""
    for signature, description in _FOREIGN:
        if head.startswith(signature):
            return description
    if len(head) > 1 and head[0] == 0x80 and head[1] in range(2, 6):
        return "a Python pickle, which is never opened because it can run code"
    return "a text file, not a picture" if _is_text(head) else None


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut in two
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\r\n\t\f\ufeff" for character in text)
