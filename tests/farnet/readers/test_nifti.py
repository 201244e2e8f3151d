from __future__ import annotations

import gzip
import struct

import pytest

from farnet.errors import RadiographError
from farnet.readers import nifti
from farnet.readers.nifti import check_complete, unpacked


def header(order, version, shape=(30, 20), bits=16):
    """Only the fields that are looked at."""
    dimensions = (len(shape), *shape, *(1,) * (7 - len(shape)))
    size, (at_dimensions, at_bits, at_voxels) = (348, (40, 72, 108)) if version == 1 else (540, (16, 14, 168))
    data = bytearray(size + 4)
    struct.pack_into(f"{order}i", data, 0, size)
    struct.pack_into(f"{order}{'8h' if version == 1 else '8q'}", data, at_dimensions, *dimensions)
    struct.pack_into(f"{order}h", data, at_bits, bits)
    struct.pack_into(f"{order}{'f' if version == 1 else 'q'}", data, at_voxels, len(data))
    return bytes(data)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", [1, 2])
def test_the_last_byte_counts(tmp_path, order, version):
    path = tmp_path / "a.nii"
    whole = header(order, version) + bytes(30 * 20 * 2)
    path.write_bytes(whole)
    check_complete(path, "x")
    path.write_bytes(whole[:-1])
    with pytest.raises(RadiographError, match=f"{len(whole) - 1} bytes of {len(whole)}"):
        check_complete(path, "x")


@pytest.mark.parametrize("content", [b"", b"abc", b"no header at all" * 50, struct.pack("<i", 348) + bytes(100)])
def test_no_header(tmp_path, content):
    path = tmp_path / "a.nii"
    path.write_bytes(content)
    with pytest.raises(RadiographError, match="no NIfTI header"):
        check_complete(path, "x")


def test_plain_files_are_given_as_they_are(tmp_path):
    with unpacked(tmp_path / "a.nii", "x") as path:
        assert path == tmp_path / "a.nii"


def test_packed_files_are_unpacked_and_cleared_away(tmp_path):
    packed = tmp_path / "a.nii.gz"
    packed.write_bytes(gzip.compress(b"content"))
    with unpacked(packed, "x") as path:
        assert path.read_bytes() == b"content"
    assert not path.exists()


def test_what_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(nifti, "_MAXIMUM_BYTES", 1000)
    packed = tmp_path / "a.nii.gz"
    packed.write_bytes(gzip.compress(bytes(2000)))
    with pytest.raises(RadiographError, match="unpacks to more than"), unpacked(packed, "x"):
        pass


def test_what_is_no_archive(tmp_path):
    packed = tmp_path / "a.nii.gz"
    packed.write_bytes(b"no archive")
    with pytest.raises(RadiographError, match="damaged or truncated"), unpacked(packed, "x"):
        pass
