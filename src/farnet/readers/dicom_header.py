"""Elements of a DICOM file as people's programs write them: decimal commas, stray zeros, the wrong type of value.

`Header` reads numbers and words without pydicom's own conversion, which ends at the first value that it cannot
convert, and tells what it passes over. `mend` puts the elements that describe the pixels in order.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

from farnet.errors import RadiographError
from farnet.notices import tell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydicom import Dataset

__all__ = ["COLOUR", "PHOTOMETRIC", "PIXELS", "Header", "mend"]

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
"""Elements that can hold the pixels."""

COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
"""Photometric interpretations that are decoded to red, green and blue."""

PHOTOMETRIC = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", *COLOUR)
"""Photometric interpretations that are read."""

_DEPTHS = (1, 8, 16, 32, 64)
_BINARY = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
_SPACE = " \0\t\r\n"


class Header:
    """The elements of one file.

    Args:
        dataset: The DICOM data set.
        what: What a notice calls the file.
    """

    def __init__(self, dataset: Dataset, what: str) -> None:
        self.dataset = dataset
        self.what = what

    def texts(self, keyword: str) -> list[str]:
        """Values of an element as text, without blanks around them; nothing where it is missing or empty."""
        from pydicom.datadict import dictionary_VR
        from pydicom.dataelem import RawDataElement

        element = self.dataset.get_item(keyword)
        if element is None or element.value is None:
            return []
        if not isinstance(element, RawDataElement):
            return _trimmed(_several(element.value))
        expected = dictionary_VR(element.tag).split(" ")[0]  # "US or SS": the bytes tell as much
        kind = expected if element.VR in (None, "UN") else element.VR
        data = bytes(element.value)
        if kind not in _BINARY:
            return _trimmed(data.decode("latin-1").split("\\"))
        size = struct.calcsize(_BINARY[kind])
        order, count = "<" if element.is_little_endian else ">", len(data) // size
        return [str(number) for number in struct.unpack(f"{order}{count}{_BINARY[kind]}", data[: count * size])]

    def text(self, keyword: str) -> str:
        """First value of an element in capitals, "" where there is none."""
        return next(iter(self.texts(keyword)), "").upper()

    def numbers(self, keyword: str) -> list[float]:
        """Numbers of an element, with decimal points or commas; what is no number is passed over, and told."""
        texts = self.texts(keyword)
        try:
            return [_number(text) for text in texts]
        except ValueError:
            self.pass_over(keyword, "is no number")
            return []

    def number(self, keyword: str, default: float) -> float:
        """First number of an element; the default where there is none."""
        return next(iter(self.numbers(keyword)), default)

    def put(self, keyword: str, value: Any) -> None:
        """Give an element a value, and the type of value that it should have."""
        if keyword in self.dataset:
            del self.dataset[keyword]
        setattr(self.dataset, keyword, value)

    def pass_over(self, keyword: str, why: str) -> None:
        """Tell that an element makes no sense and is not used."""
        value = "\\".join(self.texts(keyword))
        tell(f"{self.what}: {keyword} '{value[:60]}' {why}; it is passed over.")


def _several(value: Any) -> list[str]:
    if isinstance(value, bytes):
        return value.decode("latin-1").split("\\")
    several = not isinstance(value, str) and hasattr(value, "__iter__")
    return [str(part) for part in value] if several else [str(value)]


def _trimmed(texts: Iterable[str]) -> list[str]:
    trimmed = [text.strip(_SPACE) for text in texts]
    return trimmed if any(trimmed) else []


def _number(text: str) -> float:
    if text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def mend(header: Header, encapsulated: bool) -> None:
    """Put what describes the pixels in order: whole numbers, the usual value where one is missing or nonsensical.

    Afterwards Rows, Columns, SamplesPerPixel, PhotometricInterpretation, and for whole numbers BitsAllocated,
    BitsStored, HighBit and PixelRepresentation are there and agree with one another. Every other value than the
    file's own is told.

    Raises:
        RadiographError: If there is no size, no depth, or a depth or photometric interpretation that is not read.
    """
    dataset, what = header.dataset, header.what
    for keyword in ("Rows", "Columns"):
        header.put(keyword, _required(header, keyword, range(1, 2**16)))
    photometric = _photometric(header, encapsulated)
    samples = 3 if photometric in COLOUR else 1
    header.put("SamplesPerPixel", _whole(header, "SamplesPerPixel", samples, range(samples, samples + 1)))
    header.put("PhotometricInterpretation", photometric)
    if samples > 1:
        header.put("PlanarConfiguration", _whole(header, "PlanarConfiguration", 0, range(2)))
    if "PixelData" not in dataset:
        return
    allocated = _required(header, "BitsAllocated", range(1, 2**16))
    if allocated not in _DEPTHS:
        raise RadiographError(
            f"{what} has {allocated} bits allocated to a pixel (Bits Allocated), which is not supported; "
            f"{', '.join(map(str, _DEPTHS))} are. Export it with 16."
        )
    stored = _whole(header, "BitsStored", allocated, range(1, allocated + 1))
    header.put("BitsAllocated", allocated)
    header.put("BitsStored", stored)
    header.put("HighBit", _whole(header, "HighBit", stored - 1, range(stored - 1, allocated)))
    header.put("PixelRepresentation", _whole(header, "PixelRepresentation", 0, range(2)))


def _photometric(header: Header, encapsulated: bool) -> str:
    found = header.text("PhotometricInterpretation")
    if found in PHOTOMETRIC:
        return found
    samples = header.number("SamplesPerPixel", 1)
    if not found and (samples == 1 or not encapsulated):
        usual = "MONOCHROME2" if samples == 1 else "RGB"
        tell(f"{header.what} says no photometric interpretation; it is taken for {usual}.")
        return usual
    raise RadiographError(
        f"{header.what} has the photometric interpretation {found!r}; accepted are {', '.join(PHOTOMETRIC)}. "
        "Export it as grey (MONOCHROME2)."
    )


def _whole(header: Header, keyword: str, usual: int, allowed: range) -> int:
    if not header.texts(keyword):
        if keyword not in ("HighBit", "BitsStored", "SamplesPerPixel"):
            tell(f"{header.what} says no {keyword}; {usual} is taken, as is usual.")
        return usual
    number = header.number(keyword, math.nan)
    if number in allowed:
        return int(number)
    if not math.isnan(number):
        header.pass_over(keyword, f"does not fit the other elements ({usual} does)")
    return usual


def _required(header: Header, keyword: str, allowed: range) -> int:
    number = header.number(keyword, math.nan)
    if number in allowed:
        return int(number)
    value = "\\".join(header.texts(keyword))
    says = f"says {keyword} '{value[:60]}', which cannot be" if value else f"lacks the element {keyword}"
    raise RadiographError(f"{header.what} {says}; without it the pixels cannot be laid out. Get the file again.")
