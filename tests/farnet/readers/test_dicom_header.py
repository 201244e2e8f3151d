"""Header values as other programs write them: the picture is read, what makes no sense is passed over and told."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from farnet.errors import RadiographError
from farnet.radiograph import read_radiograph
from farnet.readers.dicom_header import Header


def raw(keyword, value, kind="DS"):
    """A data set with one element as it comes from a file."""
    dataset = Dataset()
    tag = Tag(keyword)
    dataset[tag] = RawDataElement(tag, kind, len(value), value, 0, kind is None, True)
    return Header(dataset, "The file x.dcm")


def rewrite(path, keyword, value, kind=None):
    """Put bytes into a file as the value of an element (explicit VR, little endian)."""
    dataset = dcmread(path)
    tag = Tag(keyword)
    kind = kind or dataset[tag].VR
    long = kind in ("OB", "OW", "UN", "UT", "SQ")
    value += (b"\0" if kind in ("OB", "UN", "US") else b" ") * (len(value) % 2)
    head = struct.pack("<HH2s", tag.group, tag.element, kind.encode())
    head += struct.pack("<HI" if long else "<H", *((0, len(value)) if long else (len(value),)))
    whole = path.read_bytes()
    old = struct.pack("<HH", tag.group, tag.element)
    begins = whole.index(old, 132)
    length = struct.unpack_from("<H", whole, begins + 6)[0]
    path.write_bytes(whole[:begins] + head + value + whole[begins + 8 + length :])
    return path


@pytest.mark.parametrize(
    ("value", "spacing"),
    [
        (b"0.143\\0.143", (0.143, 0.143)),
        (b"0,143\\0,143", (0.143, 0.143)),
        (b" 0.143 \\ 0.143\0", (0.143, 0.143)),
        (b"1.43E-1\\+.143", (0.143, 0.143)),
        (b"0\\0", None),
        (b"-0.1\\0.1", None),
        (b"0.1", None),
        (b"nan\\nan", None),
        (b"inf\\inf", None),
        (b"1e999\\1e999", None),
        (b"unknown\\unknown", None),
        (b"0.143 mm\\0.143 mm", None),
        (b"\\", None),
        (b"\xff\xfe\\\x01", None),
        (b"", None),
    ],
)
def test_pixel_spacing(dicom_file, grey12, value, spacing, caplog):
    path = rewrite(dicom_file(grey12, PixelSpacing=[0.5, 0.5]), "PixelSpacing", value)
    radiograph = read_radiograph(path)
    np.testing.assert_array_equal(radiograph.pixels, grey12)
    assert radiograph.spacing == spacing
    assert (spacing is not None or not value.strip(b"\\")) == ("PixelSpacing" not in caplog.text)


@pytest.mark.parametrize("keyword", ["WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept"])
@pytest.mark.parametrize("value", [b"x", b"nan", b"1e999", b"--1", b"0x10", b"1.2.3", b"\xff"])
def test_nonsense_in_what_is_shown(dicom_file, grey12, keyword, value, caplog):
    elements = {"WindowCenter": 7, "WindowWidth": 0} if keyword.startswith("Window") else {keyword: 1}
    path = rewrite(dicom_file(grey12, **elements), keyword, value)
    np.testing.assert_array_equal(read_radiograph(path).pixels, grey12)
    assert keyword in caplog.text


def test_window_with_decimal_commas_is_that_with_points(dicom_file, grey12):
    with_points = dicom_file(grey12, WindowCenter="2000.5", WindowWidth="1500.0", name="points.dcm")
    with_commas = dicom_file(grey12, WindowCenter="2000.5", WindowWidth="1500.0", name="commas.dcm")
    rewrite(rewrite(with_commas, "WindowCenter", b"2000,5"), "WindowWidth", b"1500,0")
    np.testing.assert_array_equal(read_radiograph(with_commas).pixels, read_radiograph(with_points).pixels)


MISSING = ["PlanarConfiguration", "PhotometricInterpretation", "SamplesPerPixel", "HighBit", "BitsStored"]


@pytest.mark.parametrize("keyword", [*MISSING, "PixelRepresentation"])
@pytest.mark.parametrize("channels", [1, 3])
def test_missing_elements_take_their_usual_value(dicom_file, grey8, keyword, channels):
    if channels == 1 and keyword == "PlanarConfiguration":
        return
    pixels = grey8 if channels == 1 else np.stack([grey8] * 3, axis=-1)
    np.testing.assert_array_equal(read_radiograph(dicom_file(pixels, **{keyword: None})).pixels, grey8)


def test_missing_photometric_interpretation_is_told(dicom_file, grey8, caplog):
    read_radiograph(dicom_file(grey8, PhotometricInterpretation=None))
    assert "taken for MONOCHROME2" in caplog.text


@pytest.mark.parametrize("keyword", ["Rows", "BitsAllocated"])
@pytest.mark.parametrize("kind", ["IS", "US", "UL", "UN", "SS", "DS"])
def test_numbers_under_the_wrong_type(dicom_file, grey8, keyword, kind):
    number = {"Rows": 24, "BitsAllocated": 8}[keyword]
    binary = {"US": "<H", "UL": "<I", "SS": "<h", "UN": "<H"}
    value = struct.pack(binary[kind], number) if kind in binary else str(number).encode()
    np.testing.assert_array_equal(read_radiograph(rewrite(dicom_file(grey8), keyword, value, kind)).pixels, grey8)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        *(("NumberOfFrames", text) for text in (b"1A", b"", b"0", b"-1", b"one")),
        *(("HighBit", struct.pack("<H", number)) for number in (0, 16, 65535)),
        *(("BitsStored", struct.pack("<H", number)) for number in (0, 17, 65535)),
        ("SamplesPerPixel", struct.pack("<H", 7)),
        ("PixelRepresentation", struct.pack("<H", 2)),
        ("PhotometricInterpretation", b"monochrome2\0"),
        ("PhotometricInterpretation", b" MONOCHROME2 "),
        ("PixelAspectRatio", b"0\\0"),
        ("PixelAspectRatio", b"a\\b"),
        ("SpecificCharacterSet", b"ISO 2022 NONSENSE"),
        ("PatientAge", b"forty"),
        ("StudyDate", b"31.12.1999"),
    ],
)
def test_what_does_not_concern_the_pixels_blocks_nothing(dicom_file, grey12, keyword, value):
    usual = {
        "NumberOfFrames": 1,
        "PixelAspectRatio": [1, 1],
        "SpecificCharacterSet": "ISO_IR 100",
        "PatientAge": "040Y",
        "StudyDate": "19991231",
    }
    elements = {keyword: usual[keyword]} if keyword in usual else {}
    path = rewrite(dicom_file(grey12, **elements), keyword, value)
    np.testing.assert_array_equal(read_radiograph(path).pixels, grey12)


@pytest.mark.parametrize("value", [None, struct.pack("<H", 12), struct.pack("<H", 0)])
def test_depth_that_is_needed_is_asked_for(dicom_file, grey8, value):
    path = dicom_file(grey8, **({"BitsAllocated": None} if value is None else {}))
    with pytest.raises(RadiographError, match=r"BitsAllocated|Bits Allocated"):
        read_radiograph(path if value is None else rewrite(path, "BitsAllocated", value))


@given(st.binary(max_size=40), st.sampled_from(["DS", "IS", "US", "SS", "FD", "FL", "UL", "UN", "LO", "OB", None]))
def test_any_bytes_are_numbers_or_passed_over(value, kind):
    for keyword in ("PixelSpacing", "Rows", "WindowCenter"):
        numbers = raw(keyword, value, kind).numbers(keyword)
        assert np.isfinite(numbers).all()


@given(st.lists(st.floats(-1e6, 1e6).map(lambda number: round(number, 6)), min_size=1, max_size=4))
def test_decimal_commas_are_understood(numbers):
    points = "\\".join(f"{number:.6f}" for number in numbers)
    assert raw("PixelSpacing", points.replace(".", ",").encode()).numbers("PixelSpacing") == pytest.approx(numbers)
