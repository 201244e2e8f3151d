from __future__ import annotations

import io
import logging
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from farnet.errors import RadiographError
from farnet.radiograph import read_radiograph
from farnet.readers.image import image_size


def save(path, pixels, mode=None, **options):
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def png_header(rows, columns, depth=8, colour=0):
    """A PNG that claims a size and holds nothing."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", columns, rows, depth, colour, 0, 0, 0)
    body = zlib.compress(b"\0" * 8)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("suffix", ["png", "bmp", "PNG"])
@pytest.mark.parametrize("mode", [None, "RGB"])
def test_lossless_pictures_come_back_exactly(tmp_path, grey8, suffix, mode):
    radiograph = read_radiograph(save(tmp_path / f"a.{suffix}", grey8, mode))
    assert radiograph.pixels.dtype == np.uint8
    np.testing.assert_array_equal(radiograph.pixels, grey8)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_and_palettes(tmp_path, grey8, mode):
    np.testing.assert_array_equal(read_radiograph(save(tmp_path / "a.png", grey8, mode)).pixels, grey8)


def test_palette_with_transparency_raises_no_warning(tmp_path, grey8):
    path = save(tmp_path / "a.png", grey8, "P", transparency=bytes(256))
    np.testing.assert_array_equal(read_radiograph(path).pixels, grey8)


def test_one_bit_becomes_black_and_white(tmp_path, grey8):
    pixels = read_radiograph(save(tmp_path / "a.png", grey8 > 127)).pixels
    np.testing.assert_array_equal(pixels, np.where(grey8 > 127, 255, 0))


def test_sixteen_bits_are_kept(tmp_path, grey12):
    pixels = read_radiograph(save(tmp_path / "a.png", grey12 * 16)).pixels
    assert pixels.dtype == np.uint16
    np.testing.assert_array_equal(pixels, grey12 * 16)


def test_jpeg_is_close(tmp_path):
    ramp = np.add.outer(np.arange(64), np.arange(96)).astype(np.uint8)
    pixels = read_radiograph(save(tmp_path / "a.jpg", ramp, quality=95)).pixels
    assert np.abs(pixels.astype(int) - ramp).max() <= 4


def test_content_counts_not_the_ending(tmp_path, grey8):
    path = save(tmp_path / "a.png", grey8).rename(tmp_path / "a.jpg")
    np.testing.assert_array_equal(read_radiograph(path).pixels, grey8)


def test_pixels_stand_as_in_napari_whatever_the_orientation_tag(tmp_path, grey8, caplog):
    imageio = pytest.importorskip("imageio.v3")  # what napari opens pictures with
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path / "a.png", grey8, exif=exif)
    with caplog.at_level(logging.WARNING):
        pixels = read_radiograph(path).pixels
    np.testing.assert_array_equal(pixels, imageio.imread(path))
    assert "orientation tag 6" in caplog.text


def test_resolution_tags_are_no_millimetres(tmp_path, grey8):
    radiograph = read_radiograph(save(tmp_path / "a.png", grey8, dpi=(254, 254)))
    assert radiograph.spacing is radiograph.spacing_source is None


def test_cmyk_is_refused_with_the_way_out(tmp_path, grey8):
    with pytest.raises(RadiographError, match=r"colour model CMYK.*Save it as grey or RGB"):
        read_radiograph(save(tmp_path / "a.jpg", grey8, "CMYK"))


def test_animation_is_refused(tmp_path, grey8):
    frames = [Image.fromarray(grey8), Image.fromarray(255 - grey8)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    with pytest.raises(RadiographError, match="animation"):
        read_radiograph(tmp_path / "a.png")


def test_a_hundred_megapixels_raise_no_warning(tmp_path):
    """Pillow's own limit is below ours and would warn."""
    path = tmp_path / "a.png"
    Image.new("L", (12_000, 9_000)).save(path, compress_level=1)
    assert image_size(path) == (9_000, 12_000)
    with pytest.raises(RadiographError, match=r"Every pixel of the radiograph 'a' is 0"):
        read_radiograph(path)


@pytest.mark.parametrize(
    ("shape", "words"), [((20_000, 20_000), "at most 150 million"), ((8, 8), "at least"), ((0, 9), "damaged|at least")]
)
def test_size_is_checked_before_anything_is_decoded(tmp_path, shape, words):
    path = tmp_path / "a.png"
    path.write_bytes(png_header(*shape))
    with pytest.raises(RadiographError, match=words):
        read_radiograph(path)
    with pytest.raises(RadiographError, match=words):
        image_size(path)


@pytest.mark.parametrize("kind", ["png", "jpeg", "bmp", "tiff"])
def test_truncated_anywhere_is_an_error_in_words(tmp_path, rng, kind):
    buffer = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (64, 64), dtype=np.uint8)).save(buffer, kind)
    whole = buffer.getvalue()
    path = tmp_path / "a.png"
    for part in np.linspace(12, len(whole) - 200, 25, dtype=int):
        path.write_bytes(whole[:part])
        with pytest.raises(RadiographError, match=r"a\.png"):
            read_radiograph(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif"])
def test_size_from_the_header(tmp_path, grey8, suffix):
    assert image_size(save(tmp_path / f"a.{suffix}", grey8)) == grey8.shape


def test_size_of_what_is_no_picture(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("no picture")
    with pytest.raises(RadiographError, match="no PNG, JPEG, BMP or TIFF"):
        image_size(path)
