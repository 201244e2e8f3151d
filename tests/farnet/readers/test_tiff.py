from __future__ import annotations

import logging
import tracemalloc

import numpy as np
import pytest
import tifffile
from PIL import Image

from farnet.errors import RadiographError
from farnet.radiograph import read_radiograph
from farnet.readers.picture import inverted


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.tif"


def read(path):
    return read_radiograph(path).pixels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(
    "options",
    [{}, {"compression": "zlib"}, {"tile": (16, 16)}, {"byteorder": ">"}, {"bigtiff": True}, {"rowsperstrip": 5}],
)
def test_what_is_stored_comes_back_exactly(path, rng, dtype, options):
    pixels = (rng.random((40, 50)) * 200).astype(dtype)
    tifffile.imwrite(path, pixels, photometric="minisblack", **options)
    assert read(path).dtype == dtype
    np.testing.assert_array_equal(read(path), pixels)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint32, np.float16, np.float64])
def test_other_numbers_become_float_where_they_must(path, rng, dtype):
    pixels = (rng.random((40, 50)) * 1000).astype(dtype)
    tifffile.imwrite(path, pixels, photometric="minisblack")
    expected = np.uint16 if np.dtype(dtype).kind in "iu" else np.float32
    assert read(path).dtype == expected
    np.testing.assert_array_equal(read(path), pixels.astype(expected))


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate"])
@pytest.mark.parametrize("bits", [8, 16])
def test_compressions_that_other_programs_write(path, grey8, grey12, compression, bits):
    pixels = grey8 if bits == 8 else grey12
    Image.fromarray(pixels).save(path, compression=compression)
    assert read(path).dtype == pixels.dtype
    np.testing.assert_array_equal(read(path), pixels)


def test_fax_compression(path, grey8):
    Image.fromarray(grey8 > 127).save(path, compression="group4")
    np.testing.assert_array_equal(read(path), np.where(grey8 > 127, 255, 0))


def test_jpeg_compression(path):
    ramp = np.add.outer(np.arange(64), np.arange(96)).astype(np.uint8)
    Image.fromarray(ramp).convert("RGB").save(path, compression="jpeg", quality=95)
    assert np.abs(read(path).astype(int) - ramp).max() <= 4


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_colour_keeps_its_depth(path, grey12, planar, channels):
    colour = np.stack([grey12] * channels, axis=0 if planar == "separate" else -1)
    tifffile.imwrite(path, colour, photometric="rgb", planarconfig=planar, extrasamples=["unassalpha"] * (channels - 3))
    assert read(path).dtype == np.uint16
    np.testing.assert_array_equal(read(path), grey12)


def test_grey_with_transparency(path, grey8):
    both = np.stack([grey8, np.full_like(grey8, 9)], axis=-1)
    tifffile.imwrite(path, both, photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"])
    np.testing.assert_array_equal(read(path), grey8)


def test_palette(path, grey8):
    ramp = np.arange(255, -1, -1, dtype=np.uint16) * 257
    tifffile.imwrite(path, grey8, photometric="palette", colormap=np.stack([ramp] * 3))
    np.testing.assert_array_equal(read(path), (255 - grey8).astype(np.uint16) * 257)


@pytest.mark.parametrize("bits", [8, 16])
def test_white_is_zero_is_inverted(path, grey8, grey12, bits):
    pixels = grey8 if bits == 8 else grey12
    tifffile.imwrite(path, pixels, photometric="miniswhite")
    np.testing.assert_array_equal(read(path), inverted(pixels))


@pytest.mark.parametrize("bits", [8, 16])
def test_white_is_zero_is_inverted_once_in_compressed_files_too(path, grey8, grey12, bits):
    """Pillow reads these; it inverts 8 bits itself, and leaves 16 as they are."""
    pixels = grey8 if bits == 8 else grey12
    Image.fromarray(pixels).save(path, compression="tiff_lzw", tiffinfo={262: 0})
    # For 8 bits Pillow also writes inverted values, so that the picture looks the same.
    np.testing.assert_array_equal(read(path), pixels if bits == 8 else inverted(pixels))


def test_reduced_copies_are_passed_over(path, rng):
    pixels = rng.integers(0, 256, (64, 64), dtype=np.uint8)
    with tifffile.TiffWriter(path) as file:
        file.write(pixels[::2, ::2], photometric="minisblack", subfiletype=1)
        file.write(pixels, photometric="minisblack")
    np.testing.assert_array_equal(read(path), pixels)


@pytest.mark.parametrize("options", [{"photometric": "minisblack"}, {"imagej": True}])
def test_stack_is_refused(path, grey8, options):
    tifffile.imwrite(path, np.stack([grey8] * 5), **options)
    with pytest.raises(RadiographError, match="5 pictures"):
        read(path)


def test_print_colours_are_refused(path, grey8):
    Image.fromarray(grey8).convert("CMYK").save(path)
    with pytest.raises(RadiographError, match="colour model SEPARATED"):
        read(path)


def test_too_large_is_refused_before_decoding(path):
    with tifffile.TiffWriter(path) as file:
        file.write(
            (b"\0" for _ in range(1)), shape=(20_000, 20_000), dtype=np.uint8, photometric="minisblack",
            compression="zlib", rowsperstrip=20_000,
        )  # fmt: skip
    with pytest.raises(RadiographError, match="400 million"):
        read(path)


def test_not_a_number_is_refused(path):
    pixels = np.ones((20, 20), np.float32)
    pixels[3, 4] = np.nan
    tifffile.imwrite(path, pixels)
    with pytest.raises(RadiographError, match="1 pixels that are NaN or infinite"):
        read(path)


def test_orientation_and_resolution_tags_change_nothing(path, grey8, caplog):
    tifffile.imwrite(path, grey8, photometric="minisblack", resolution=(254, 254), extratags=[(274, 3, 1, 6, True)])
    with caplog.at_level(logging.WARNING):
        radiograph = read_radiograph(path)
    np.testing.assert_array_equal(radiograph.pixels, grey8)
    assert radiograph.spacing is None
    assert "orientation tag 6" in caplog.text


@pytest.mark.parametrize(("tag", "words"), [("TileWidth", "damaged"), ("TileLength", "damaged")])
@pytest.mark.parametrize("size", [0, 2**31])
def test_tiles_without_a_size_or_without_bounds(path, grey8, tag, words, size):
    tifffile.imwrite(path, grey8, photometric="minisblack", tile=(16, 16))
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags[tag].overwrite(size, dtype="I")
    with pytest.raises(RadiographError, match=words):
        read(path)


@pytest.mark.parametrize("compression", ["zlib", "zstd", "lzma"])
def test_what_unpacks_to_more_than_its_size_takes_no_memory(path, compression):
    """128 MiB of zeros in a strip of 64 x 64 pixels; at most what it should hold is unpacked."""
    encode = getattr(pytest.importorskip("imagecodecs"), f"{compression}_encode")
    packed = encode(bytes(2**27))
    with tifffile.TiffWriter(path) as file:
        file.write(
            iter([packed]), shape=(64, 64), dtype=np.uint8, photometric="minisblack", compression=compression,
            rowsperstrip=64,
        )  # fmt: skip
    tracemalloc.start()
    try:
        with pytest.raises(RadiographError, match=r"damaged|Every pixel"):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("channels", [5, 400])
def test_many_channels_are_refused(path, channels):
    tifffile.imwrite(path, np.zeros((32, 32, channels), np.uint8), photometric="minisblack", planarconfig="contig")
    with pytest.raises(RadiographError, match=f"{channels} channels"):
        read(path)
