"""Bytes of any kind: every reader gives a picture or a RadiographError, never anything else."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
import tifffile
from PIL import Image
from pydicom import dcmread
from pydicom.data import get_testdata_file

import farnet.readers
from farnet.errors import RadiographError
from farnet.radiograph import read_radiograph

MUTATIONS = 60  # of each file

DICOM = (
    *("MR_small.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"),
    *("SC_rgb_jpeg_gdcm.dcm", "SC_rgb_jpeg_dcmtk.dcm", "JPGExtended.dcm", "image_dfl.dcm", "MR_small_bigendian.dcm"),
    *("SC_rgb_jls_lossy_line.dcm", "examples_palette.dcm"),
)


def files(rng):
    """Name of the kind -> bytes of a small file of it."""
    grey = rng.integers(0, 256, (40, 48), dtype=np.uint8)
    made = {}
    for kind in ("png", "jpeg", "bmp"):
        buffer = io.BytesIO()
        Image.fromarray(grey).save(buffer, kind)
        made[kind] = buffer.getvalue()
    for compression in (None, "zlib", "lzw", "packbits", "zstd", "lerc"):
        buffer = io.BytesIO()
        tile = (16, 16) if compression == "zlib" else None
        tifffile.imwrite(buffer, grey, photometric="minisblack", compression=compression, tile=tile)
        made[f"tiff {compression}"] = buffer.getvalue()
    for name in DICOM:
        with open(get_testdata_file(name), "rb") as file:  # noqa: PTH123 - a name, as pydicom gives it
            made[name] = file.read()
    return made


KINDS = list(files(np.random.default_rng(0)))


def mutated(data, rng):
    """Change some bytes, cut the end off, or put other bytes in."""
    data = bytearray(data)
    way = rng.integers(4)
    if way < 2:
        for place in rng.integers(0, len(data), rng.choice([1, 3, 12])):
            data[place] = rng.integers(256)
    elif way == 2:
        del data[rng.integers(4, len(data)) :]
    else:
        place = rng.integers(len(data))
        data[place : place + rng.integers(40)] = rng.bytes(rng.integers(40))
    return bytes(data)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore")
def test_damaged_files(tmp_path, rng, kind):
    whole = files(rng)[kind]
    path = tmp_path / "a.dcm"
    for _ in range(MUTATIONS):
        path.write_bytes(mutated(whole, rng))
        try:
            read_radiograph(path, checksum=False)
        except RadiographError as error:
            assert "a.dcm" in str(error) or "'a'" in str(error)


@pytest.mark.parametrize("error", [MemoryError, RecursionError, ZeroDivisionError, KeyError, AssertionError])
def test_whatever_a_decoder_raises_names_the_file(tmp_path, monkeypatch, error):
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))

    def fail(*_):
        raise error("within")

    monkeypatch.setattr(farnet.readers, "_decode_bytes", fail)
    with pytest.raises(RadiographError, match=r"a\.png .*(memory|damaged)"):
        read_radiograph(path)


def test_picture_of_27_gib_by_its_header(tmp_path):
    path = tmp_path / "a.dcm"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = dcmread(get_testdata_file("SC_rgb_rle_32bit.dcm"))
        dataset.Rows = dataset.Columns = 49_000
        dataset.save_as(path)
    with pytest.raises(RadiographError, match="at most 150 million"):
        read_radiograph(path)
