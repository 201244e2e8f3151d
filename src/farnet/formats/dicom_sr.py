"""DICOM structured reports (.sr.dcm): Comprehensive SR after template TID 1500, a group for each landmark.

A group names its landmark in its finding (coding scheme 99FARNET, "SCHEME:ABBREVIATION") and its tracking identifier,
and points at it with a SCOORD of type POINT on the referenced image. An absent landmark has a group without a SCOORD,
whose evaluation says that it is absent.

Coordinates. A SCOORD is (column, row) from the top left corner of the top left pixel, whose centre is (0.5, 0.5)
(PS3.3 C.18.6.1); here the centre is (0, 0), so half a pixel is added and taken away again. A SCOORD holds 32-bit
numbers: near 1000 px it is off by up to 3e-5 px. The exact row and column are beside it, as measurements in pixels
with a Floating Point Value of 64 bits, from the pixel's centre; they count where they agree with the SCOORD,
otherwise another program has moved the point. Confidence is a measurement too. What a report has no place for stands
in a text of the root, coded 99FARNET "COMPANION": the JSON object of `farnet.formats.companion`.

A report says which image it is about. `farnet.formats.dicom_sr_writing` tells how that is known, and whose name is in
it. Writing needs the extra `dicom-sr`, reading does not.
"""

from __future__ import annotations

import io
import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import AnnotationError
from farnet.formats.companion import named_scheme, points_of_labels, restored, scheme_of_labels, the_only
from farnet.formats.dicom_sr_codes import CODING_SCHEME, CORNER
from farnet.formats.registry import AnnotationFormat, ReadOptions
from farnet.landmarks import Landmarks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pydicom import Dataset

    from farnet.scheme import LandmarkScheme

__all__ = ["DICOM_SR", "ENDING", "is_report"]

ENDING = ".sr.dcm"
_REPORTS = "1.2.840.10008.5.1.4.1.1.88."
_READ = {f"{_REPORTS}{number}" for number in (22, 33, 34)}  # Enhanced, Comprehensive and Comprehensive 3D SR
_UNCOMPRESSED = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"}
_MEASUREMENTS, _GROUP = ("DCM", "126010"), ("DCM", "125007")
_FINDING, _TRACKING = ("DCM", "121071"), ("DCM", "112039")
_MAXIMUM_BYTES = 64 * 2**20
_MAXIMUM_ITEMS = 100_000
_UNDEFINED = 0xFFFFFFFF  # length of a sequence that ends with a delimiter

# The element of the file's header that names the SOP class, as it always is: explicit VR, little endian.
_SOP_CLASS = b"\x02\x00\x02\x00UI"


def is_report(head: bytes) -> bool:
    """Tell from its first 4096 bytes whether a file is a DICOM structured report, of whatever kind."""
    where = head.find(_SOP_CLASS, 132, 1024)
    return head[128:132] == b"DICM" and where > 0 and head[where + 8 :].startswith(_REPORTS.encode("ascii"))


def _write(path: Path, landmarks: Sequence[Landmarks]) -> None:
    from farnet.formats.dicom_sr_writing import write_report

    write_report(path, the_only(landmarks, "A DICOM structured report"))


def _read(path: Path, options: ReadOptions) -> list[Landmarks]:
    scheme = options.scheme
    where = str(path)
    data = _content(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom writes to its log whatever it warns about
            found, own, image = _parsed(_document(data, where), where)
    except (AnnotationError, MemoryError):
        raise
    except Exception as error:  # pydicom raises exceptions of its own kinds, too
        raise AnnotationError(
            f"{where} is a damaged DICOM structured report ({' '.join(str(error).split()) or type(error).__name__}). "
            "Get it again from where it was written."
        ) from error
    wanted = scheme if own is None else named_scheme(own, scheme, where)
    known = scheme_of_labels([_label(item, wanted) for item in found], wanted, where)
    placed = [(_label(item, known), item.point) for item in found if item.point is not None]
    points = points_of_labels(placed, known, where)
    if own is not None:
        return [restored(points, own, known, where)]
    name = path.name[: -len(ENDING)] if path.name.lower().endswith(ENDING) else path.stem
    return [Landmarks(points, known, radiograph=name, provenance={"SOPInstanceUID": image} if image else {})]


@dataclass(frozen=True)
class _Found:
    """A measurement group.

    Attributes:
        names: What may be the landmark's name: private code, meaning of the finding, tracking identifier.
        point: Row, column in px; None where the landmark is absent.
    """

    names: tuple[str, ...]
    point: tuple[float, float] | None


def _label(found: _Found, scheme: LandmarkScheme | None) -> str:
    """The name that the scheme knows; where none does, the first, for the message."""
    from farnet.errors import UnknownNameError
    from farnet.scheme import bundled_schemes, load_scheme

    for known in [scheme] if scheme is not None else [load_scheme(name) for name in bundled_schemes()]:
        for name in found.names:
            try:
                known.index(name)
            except UnknownNameError:
                continue
            return name
    return found.names[0] if found.names else ""


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > _MAXIMUM_BYTES:
            raise AnnotationError(
                f"{path} has {size / 2**20:.0f} MiB; a report of landmarks has at most {_MAXIMUM_BYTES // 2**20} MiB."
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise AnnotationError(f"There is no file {path}. Check the name and the folder.") from error
    except OSError as error:
        raise AnnotationError(f"The file {path} cannot be read: {error.strerror or error}.") from error


def _document(data: bytes, where: str) -> Dataset:
    from pydicom import dcmread
    from pydicom.filereader import read_file_meta_info

    if data[128:132] != b"DICM":
        raise AnnotationError(f"{where} is no DICOM file; a structured report begins with 128 bytes and DICM.")
    header = read_file_meta_info(where)
    kind, syntax = str(header.MediaStorageSOPClassUID), str(header.TransferSyntaxUID)
    if kind not in _READ:
        raise AnnotationError(
            f"{where} is a DICOM file of the SOP class {header.MediaStorageSOPClassUID.name}; landmarks are read from "
            "Enhanced, Comprehensive and Comprehensive 3D SR."
        )
    if syntax not in _UNCOMPRESSED:  # a small compressed file may unpack into a huge one
        raise AnnotationError(
            f"{where} has the transfer syntax {header.TransferSyntaxUID.name}; export it uncompressed (Explicit VR "
            "Little Endian)."
        )
    document = dcmread(io.BytesIO(data))
    _check_whole(document, where)
    if str(document.SOPClassUID) != kind:
        raise AnnotationError(f"{where} says two different SOP classes: {kind} and {document.SOPClassUID}.")
    return document


def _check_whole(document: Dataset, where: str) -> None:
    """Refuse a file that ends within an element; pydicom takes what there is."""
    from pydicom.dataelem import RawDataElement

    for tag in sorted(document.keys()):
        element = document.get_item(tag)
        if isinstance(element, RawDataElement) and element.length not in (_UNDEFINED, len(element.value or b"")):
            raise AnnotationError(f"{where} is cut short: its element {element.tag} is not whole. Get the file again.")


def _parsed(document: Dataset, where: str) -> tuple[list[_Found], Any, str]:
    """The measurement groups of a report, its companion or None, and the UID of the image that it is about."""
    found: list[_Found] = []
    own, images = None, set()
    for number, (item, parent) in enumerate(_items(document)):
        if number == _MAXIMUM_ITEMS:
            raise AnnotationError(f"{where} has more than {number} content items; it is no report of landmarks.")
        name = _code(item.get("ConceptNameCodeSequence"))
        if name == (CODING_SCHEME, "COMPANION") and parent is document:
            own = json.loads(str(item.TextValue))
        elif name == _GROUP and _code(parent.get("ConceptNameCodeSequence")) == _MEASUREMENTS:
            group, image = _group(item, where)
            if group is not None:
                found.append(group)
                images.update(image)
    if not found:
        raise AnnotationError(f"{where} holds no measurement group with a point or a landmark of {CODING_SCHEME}.")
    if len(images) > 1:
        raise AnnotationError(f"{where} has landmarks on {len(images)} images; those of one radiograph can be read.")
    return found, own, next(iter(images), "")


def _items(document: Dataset) -> Iterator[tuple[Dataset, Dataset]]:
    """The children of the root and their children, each with its parent."""
    for child in document.get("ContentSequence") or ():
        yield child, document
        for grandchild in child.get("ContentSequence") or ():
            yield grandchild, child


def _group(group: Dataset, where: str) -> tuple[_Found | None, set[str]]:
    """Name and place of one measurement group, and the images on which it lies; None for one of something else."""
    names, points, exact, images, ours = [], [], {}, set(), False
    for item in group.get("ContentSequence") or ():
        name, kind = _code(item.get("ConceptNameCodeSequence")), item.get("ValueType")
        if name == _FINDING and kind == "CODE":
            scheme, value = _code(item.ConceptCodeSequence)
            ours = scheme == CODING_SCHEME
            names += [value.partition(":")[2] if ours else "", str(item.ConceptCodeSequence[0].get("CodeMeaning", ""))]
        elif name == _TRACKING and kind == "TEXT":
            names.append(str(item.TextValue))
        elif kind == "SCOORD" and item.get("GraphicType") == "POINT":
            points.append(_place(item, where))
            images |= {str(uid) for uid in _images(item)}
        elif kind == "NUM" and name in ((CODING_SCHEME, "ROW"), (CODING_SCHEME, "COLUMN")):
            exact[name[1]] = float(item.MeasuredValueSequence[0].FloatingPointValue)
    if len(points) > 1:
        raise AnnotationError(f"{where}: the landmark {names[0] if names else '?'!r} has {len(points)} points.")
    if not points:
        return (_Found(tuple(names), None) if ours else None), set()
    return _Found(tuple(names), _exact(points[0], exact)), images


def _place(item: Dataset, where: str) -> tuple[float, float]:
    column, row = (float(value) for value in item.GraphicData)
    if not np.isfinite([column, row]).all():
        raise AnnotationError(f"{where}: a point at column {column}, row {row}; finite numbers are expected.")
    return row - CORNER, column - CORNER


def _exact(point: tuple[float, float], exact: dict[str, float]) -> tuple[float, float]:
    """The 64-bit place where it is the same as the SCOORD to within its 32 bits, else the SCOORD's."""
    if set(exact) != {"ROW", "COLUMN"}:
        return point
    row, column = exact["ROW"], exact["COLUMN"]
    same = all(np.float32(e + CORNER) == np.float32(p + CORNER) for e, p in zip((row, column), point, strict=True))
    return (row, column) if same else point


def _images(item: Dataset) -> Iterator[str]:
    for child in item.get("ContentSequence") or ():
        for reference in child.get("ReferencedSOPSequence") or ():
            yield reference.ReferencedSOPInstanceUID


def _code(sequence: Any) -> tuple[str, str]:
    """(scheme, value) of a coded entry; empty where there is none."""
    if not sequence:
        return "", ""
    entry = sequence[0]
    return str(entry.get("CodingSchemeDesignator", "")), str(entry.get("CodeValue") or entry.get("LongCodeValue") or "")


DICOM_SR = AnnotationFormat(
    name="dicom-sr",
    title="DICOM structured report",
    suffixes=(ENDING,),
    read=_read,
    write=_write,
    recognises=is_report,
)
