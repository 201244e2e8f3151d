"""Every depth, number of channels and compression of every format, against readers that share no code with ours.

OpenCV reads PNG and TIFF, GDCM reads DICOM; all of pydicom's own test files are among the latter.
"""

from __future__ import annotations

import itertools
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from pydicom import dcmread
from pydicom.data import get_testdata_files
from pydicom.pixels import apply_color_lut

from farnet.errors import RadiographError
from farnet.radiograph import read_radiograph
from farnet.readers.picture import luminance

cv2 = pytest.importorskip("cv2", reason="the independent reader of PNG and TIFF")

CHANNELS = {1: 0, 2: 4, 3: 2, 4: 6}  # -> colour type of PNG


def picture(rng, depth, channels, shape=(33, 41)):
    top = 2**depth - 1
    pixels = rng.integers(0, top + 1, (*shape, channels), dtype=np.uint16 if depth == 16 else np.uint8)
    pixels[0, 0], pixels[0, 1] = 0, top
    return pixels[..., 0] if channels == 1 else pixels


def png(pixels, filters, interlaced=False):
    """Write a PNG of any depth and number of channels, with one filter for each row in turn."""
    rows, columns, channels = (*pixels.shape, 1)[:3]
    depth = pixels.dtype.itemsize * 8
    data = bytearray()
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    for top, left, down, right in passes if interlaced else [(0, 0, 1, 1)]:
        data += filtered(pixels[top::down, left::right], filters)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", columns, rows, depth, CHANNELS[channels], 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(data))) + chunk(b"IEND", b"")
    )


def filtered(pixels, filters):
    """Rows of a PNG after the filters of its specification, 9.2."""
    size = pixels.dtype.itemsize * (pixels.shape[2] if pixels.ndim == 3 else 1)
    big_endian = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder(">")))
    rows = big_endian.view(np.uint8).reshape(len(pixels), -1).astype(int)
    above = np.zeros_like(rows[0])
    out = bytearray()
    for row, kind in zip(rows, itertools.cycle(filters), strict=False):
        left, corner = np.pad(row, (size, 0))[:-size], np.pad(above, (size, 0))[:-size]
        guess = left + above - corner
        away = [abs(guess - other) for other in (left, above, corner)]
        paeth = np.where((away[0] <= away[1]) & (away[0] <= away[2]), left, np.where(away[1] <= away[2], above, corner))
        guesses = [0, left, above, (left + above) // 2, paeth]
        out += bytes([kind]) + bytes(((row - guesses[kind]) % 256).astype(np.uint8))
        above = row
    return out


def grey_by_opencv(path, channels):
    read = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert read is not None
    if channels in (1, 2):  # OpenCV makes grey with transparency three equal channels with transparency
        return read if read.ndim == 2 else read[..., 0]
    return luminance(read[..., 2::-1], "OpenCV's")


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("depth", [8, 16])
def test_png(tmp_path, rng, depth, channels, interlaced):
    pixels = picture(rng, depth, channels)
    path = tmp_path / "a.png"
    path.write_bytes(png(pixels, [1, 2, 3, 4, 0], interlaced))
    read = read_radiograph(path).pixels
    assert read.dtype == pixels.dtype
    expected = pixels if channels == 1 else pixels[..., 0] if channels == 2 else luminance(pixels, "x")
    np.testing.assert_array_equal(read, expected)
    np.testing.assert_array_equal(read, grey_by_opencv(path, channels))


COMPRESSIONS = {
    "none": {},
    "LZW": {"compression": "lzw"},
    "LZW, predicted": {"compression": "lzw", "predictor": True},
    "deflate": {"compression": "zlib"},
    "deflate, predicted": {"compression": "zlib", "predictor": True},
    "PackBits": {"compression": "packbits"},
    "Zstandard": {"compression": "zstd"},
    "LZMA": {"compression": "lzma"},
    "LERC": {"compression": "lerc"},
}
READ_BY_OPENCV = ("none", "LZW", "LZW, predicted", "deflate", "deflate, predicted", "PackBits")


@pytest.mark.parametrize("layout", [{}, {"tile": (16, 16)}, {"rowsperstrip": 7}], ids=["strip", "tiles", "strips"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_tiff(tmp_path, rng, compression, depth, channels, layout):
    pixels = picture(rng, depth, channels)
    path = tmp_path / "a.tif"
    photometric = "minisblack" if channels == 1 else "rgb"
    extra = ["assocalpha"] if channels == 4 else None  # by the other kind OpenCV would multiply
    tifffile.imwrite(path, pixels, photometric=photometric, extrasamples=extra, **COMPRESSIONS[compression], **layout)
    read = read_radiograph(path).pixels
    assert read.dtype == pixels.dtype
    np.testing.assert_array_equal(read, luminance(pixels, "x"))
    if compression in READ_BY_OPENCV:
        np.testing.assert_array_equal(read, grey_by_opencv(path, channels))


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_packed_tiff(tmp_path, rng, bits):
    """Pixels side by side without the bits that they do not need, rows filled up to whole bytes."""
    pixels = rng.integers(0, 2**bits, (32, 41), dtype=np.uint16)
    columns = np.unpackbits(pixels.astype(">u2").view(np.uint8).reshape(32, 41, 2), axis=-1)[..., 16 - bits :]
    packed = np.packbits(columns.reshape(32, -1), axis=-1).tobytes()
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((32, len(packed) // 32), np.uint8), photometric="minisblack")
    with tifffile.TiffFile(path, mode="r+b") as file:
        tags = file.pages[0].tags
        tags["ImageWidth"].overwrite(41)
        tags["BitsPerSample"].overwrite(bits)
        file.filehandle.seek(file.pages[0].dataoffsets[0])
        file.filehandle.write(packed)
    np.testing.assert_array_equal(read_radiograph(path).pixels, pixels)


@pytest.mark.parametrize("code", [48124, 12345, 65000, 34712, 50002])
def test_compression_that_is_not_read_is_not_called_damaged(tmp_path, rng, code):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, picture(rng, 8, 1), photometric="minisblack")
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags["Compression"].overwrite(code)
    with pytest.raises(RadiographError, match=r"not supported .*Save it as PNG"):
        read_radiograph(path)


@pytest.mark.parametrize(("suffix", "mode"), [("bmp", "L"), ("bmp", "RGB"), ("jpg", "L"), ("jpg", "RGB")])
def test_other_pictures(tmp_path, rng, suffix, mode):
    path = tmp_path / f"a.{suffix}"
    smooth = cv2.GaussianBlur(picture(rng, 8, 1), (0, 0), 4)
    Image.fromarray(smooth).convert(mode).save(path)
    other = grey_by_opencv(path, 3 if mode == "RGB" else 1)
    assert np.abs(read_radiograph(path).pixels.astype(int) - other).max() <= (1 if suffix == "jpg" else 0)


REFUSED = {
    r"has (3 x 3|10 x 10|45 x 10|50 x 10) pixels .*at least 16 x 16": (
        *("rtdose_1frame", "rtdose_expb_1frame", "rtdose_rle_1frame", "badVR", "SC_rgb_small_odd"),
        *("SC_rgb_small_odd_big_endian", "SC_rgb_small_odd_jpeg", "JPEGLSNearLossless_08", "JPEGLSNearLossless_16"),
    ),
    r"damaged or truncated: 8130 bytes of pixels of 8192": ("MR_truncated",),
    r"compressed picture has 1024 x 3722445056 .*damaged": ("JPEG2000-embedded-sequence-delimiter",),
}
"""Why files of pydicom's are refused -> their names. It made the last two so that they cannot be decoded."""

DISPLAY = ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth", "PixelPaddingValue")


def pydicom_files():
    """pydicom's test files of one picture; those that hold none are of no interest here."""
    return [path for path in sorted({Path(name) for name in get_testdata_files()}) if of_one_picture(path)]


def of_one_picture(path):
    if not path.is_file() or path.suffix in (".txt", ".json", ".gz", ".dump", ".icc"):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = dcmread(path, force=True)
        one = str(dataset.get("NumberOfFrames") or 1) in ("1", "1A")
        return one and "PixelData" in dataset and "Rows" in dataset


def name_of(path):
    return path.stem if path.suffix == ".dcm" else "/".join(path.parts[-2:])


def by_gdcm(path):
    """(rows, columns) or (rows, columns, 3) of values as they are stored."""
    gdcm = pytest.importorskip("gdcm", reason="the independent reader of DICOM")
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    image = reader.GetImage()
    kind = image.GetPixelFormat()
    samples, bits = kind.GetSamplesPerPixel(), kind.GetBitsAllocated()
    columns, rows = image.GetDimension(0), image.GetDimension(1)
    data = image.GetBuffer().encode("utf-8", "surrogateescape")
    if bits == 1:
        return np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little").reshape(rows, columns)
    values = np.frombuffer(data, f"{'i' if kind.GetPixelRepresentation() else 'u'}{bits // 8}")
    if samples == 1:
        return values.reshape(rows, columns)
    if image.GetPlanarConfiguration():
        return np.moveaxis(values.reshape(samples, rows, columns), 0, -1)
    return values.reshape(rows, columns, samples)


@pytest.mark.parametrize("path", pydicom_files(), ids=name_of)
def test_every_test_file_of_pydicom(tmp_path, path):
    reason = next((reason for reason, names in REFUSED.items() if name_of(path) in names), None)
    if reason is not None:
        with pytest.raises(RadiographError, match=reason):
            read_radiograph(path)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = dcmread(path, force=True)
        photometric = dataset.PhotometricInterpretation
        stored = path
        if photometric == "MONOCHROME1" or any(keyword in dataset for keyword in DISPLAY):
            stored = tmp_path / "stored.dcm"  # what is stored is compared here, and in test_dicom_display what is shown
            without_display(dataset).save_as(stored)
        expected = by_gdcm(stored)
        if name_of(path) == "J2K_pixelrep_mismatch":  # signed in the file, unsigned in its code stream
            expected = np.where(expected >= 2**12, expected - 2**13, expected)
        if name_of(path) in ("SC_rgb_rle_16bit", "SC_rgb_rle_32bit"):  # GDCM mixes the bytes of these up
            eight = by_gdcm(path.with_name("SC_rgb_rle.dcm")).astype(np.float64)
            expected = eight * (257 if "16" in path.stem else 16843009)
            expected = expected.astype(np.uint16 if "16" in path.stem else np.float64)
        if photometric == "PALETTE COLOR":
            expected = apply_color_lut(expected, dataset)
        tolerance = 0
        if photometric.startswith("YBR_FULL"):
            expected, tolerance = rgb(expected), 1  # rounded here and there
    read = read_radiograph(stored).pixels
    expected = luminance(expected, "GDCM's")
    assert read.shape == expected.shape
    assert np.abs(read.astype(np.float64) - expected).max() <= tolerance


def without_display(dataset):
    for keyword in DISPLAY:
        if keyword in dataset:
            del dataset[keyword]
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        dataset.PhotometricInterpretation = "MONOCHROME2"
    return dataset


def rgb(ybr):
    """PS3.3 C.7.6.3.1.2."""
    y, blue, red = np.moveaxis(ybr.astype(np.float64), -1, 0)
    blue, red = blue - 128, red - 128
    colour = np.stack([y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue], axis=-1)
    return np.clip(np.rint(colour), 0, 255).astype(np.uint8)
