from __future__ import annotations

import gzip
import sys

import numpy as np
import pytest

from farnet.errors import MissingExtraError, RadiographError
from farnet.radiograph import read_radiograph


@pytest.fixture
def itk():
    return pytest.importorskip("SimpleITK", reason="the extra itk is not installed")


@pytest.fixture
def write(itk, tmp_path):
    def write(name, pixels, spacing=None, is_vector=False):
        image = itk.GetImageFromArray(pixels, isVector=is_vector)
        if spacing is not None:
            image.SetSpacing(spacing)
        itk.WriteImage(image, str(tmp_path / name))
        return tmp_path / name

    return write


SOURCES = {
    "a.mha": "ElementSpacing",
    "a.mhd": "ElementSpacing",
    "a.nrrd": "space directions",
    "a.nhdr": "space directions",
    "a.nii": "pixdim",
    "a.nii.gz": "pixdim",
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_what_is_stored_comes_back_with_its_spacing(write, rng, name, dtype):
    pixels = (rng.random((20, 30)) * 200).astype(dtype)
    radiograph = read_radiograph(write(name, pixels, spacing=(0.25, 0.5)))  # ITK's order: column, row
    np.testing.assert_array_equal(radiograph.pixels, pixels)
    assert radiograph.pixels.dtype == dtype
    assert radiograph.spacing == (0.5, 0.25)
    assert radiograph.spacing_source == SOURCES[name]
    assert radiograph.name == "a"
    assert (radiograph.sha256 is None) == name.endswith(("mhd", "nhdr"))


@pytest.mark.parametrize(
    ("shape", "spacing"), [((1, 20, 30), (3, 2, 9)), ((20, 1, 30), (3, 9, 2)), ((20, 30, 1), (9, 3, 2))]
)
def test_volume_of_one_slice_is_a_picture(write, grey8, shape, spacing):
    pixels = grey8[:20, :30]
    radiograph = read_radiograph(write("a.mha", pixels.reshape(shape), spacing=spacing))
    np.testing.assert_array_equal(radiograph.pixels, pixels)
    assert radiograph.spacing == (2, 3)


def test_default_spacing_is_no_spacing(write, grey8):
    radiograph = read_radiograph(write("a.nrrd", grey8))
    assert radiograph.spacing is radiograph.spacing_source is None


def test_colour(write, grey8):
    np.testing.assert_array_equal(
        read_radiograph(write("a.mha", np.stack([grey8] * 3, -1), is_vector=True)).pixels, grey8
    )


def test_volume_is_refused(write, grey8):
    with pytest.raises(RadiographError, match="volume of 32 x 24 x 4 voxels"):
        read_radiograph(write("a.nii", np.stack([grey8] * 4)))


def test_size_is_checked_before_decoding(itk, tmp_path):
    path = tmp_path / "a.mha"
    path.write_text(
        "ObjectType = Image\nNDims = 2\nBinaryData = True\nElementSpacing = 0.1 0.1\nDimSize = 20000 20000\n"
        "ElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
    )
    with pytest.raises(RadiographError, match="400 million"):
        read_radiograph(path)


@pytest.mark.parametrize("name", ["a.mha", "a.nrrd", "a.nii", "a.nii.gz"])
def test_truncated_file(write, rng, name, capfd):
    path = write(name, rng.random((64, 64)).astype(np.float32))
    whole = path.read_bytes()
    for part in (20, len(whole) // 2, len(whole) - 500):
        path.write_bytes(whole[:part])
        with pytest.raises(RadiographError, match=r"damaged(,| or) truncated"):
            read_radiograph(path)


def test_one_byte_less_is_noticed(write, grey8):
    """ITK itself fills what is missing in NIfTI files with zeros."""
    for name in ("a.nii", "a.nii.gz", "a.mha", "a.nrrd"):
        path = write(name, grey8)
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(RadiographError, match=r"damaged(,| or) truncated"):
            read_radiograph(path)


def test_namesake_is_not_read_instead(write, grey8):
    """ITK itself opens a.nii when asked for a.nii.gz and both are there."""
    packed = write("a.nii.gz", grey8)
    write("a.nii", 255 - grey8)
    np.testing.assert_array_equal(read_radiograph(packed).pixels, grey8)


def test_text_called_mha(itk, tmp_path):
    path = tmp_path / "a.mha"
    path.write_text("nothing")
    with pytest.raises(RadiographError, match="another kind"):
        read_radiograph(path)


def test_without_the_extra_the_command_is_given(tmp_path, monkeypatch):
    path = tmp_path / "a.mha"
    path.write_text("ObjectType = Image\n")
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'napari-farnet\[itk\]'"):
        read_radiograph(path)


def test_real_hand(itk, data_root):
    path = data_root / "hand_atlas" / "images" / "3167.mha"
    if not path.is_file():
        pytest.skip("no hand radiographs")
    radiograph = read_radiograph(path)
    assert radiograph.shape == (2350, 1600)
    assert radiograph.spacing == (0.108075, 0.108075)


HEADERS = {
    ".mhd": "ObjectType = Image\nNDims = 2\nBinaryData = True\nDimSize = 32 24\nElementType = MET_UCHAR\n"
    "ElementDataFile = {}\n",
    ".nhdr": "NRRD0004\ntype: uint8\ndimension: 2\nsizes: 32 24\nencoding: raw\ndata file: {}\n",
}
HEADERS[".mha"], HEADERS[".nrrd"] = HEADERS[".mhd"], HEADERS[".nhdr"]  # what ITK reads under these endings too


@pytest.mark.parametrize("suffix", HEADERS)
class TestPixelsInAnotherFile:
    @pytest.fixture
    def folder(self, tmp_path, grey8):
        (tmp_path / "inside").mkdir()
        for folder in (tmp_path, tmp_path / "inside"):
            (folder / "pixels.raw").write_bytes(grey8.tobytes())
        return tmp_path / "inside"

    def read(self, folder, suffix, name):
        path = folder / f"a{suffix}"
        path.write_text(HEADERS[suffix].format(name))
        return read_radiograph(path).pixels

    def test_are_read_from_the_same_folder(self, itk, folder, suffix, grey8):
        np.testing.assert_array_equal(self.read(folder, suffix, "pixels.raw"), grey8)

    @pytest.mark.parametrize(
        "name", ["../pixels.raw", "..\\pixels.raw", "./../pixels.raw", "C:pixels.raw", "LIST\n../pixels.raw"]
    )
    def test_and_from_no_other(self, itk, folder, suffix, name):
        with pytest.raises(RadiographError, match="from the folder of the file itself only"):
            self.read(folder, suffix, name)

    def test_nor_from_an_absolute_place(self, itk, folder, suffix):
        with pytest.raises(RadiographError, match="from the folder of the file itself only"):
            self.read(folder, suffix, folder.parent / "pixels.raw")

    def test_whatever_stands_before_the_name(self, itk, folder, suffix):
        """A header so long that nobody looks at its end."""
        path = folder / f"a{suffix}"
        text = HEADERS[suffix].format("../pixels.raw")
        line = "Comment = x\n" if suffix.startswith(".m") else "# x\n"
        path.write_text(text.replace("\n", "\n" + line * 200_000, 1))
        with pytest.raises(RadiographError, match=r"folder of the file|header does not end"):
            read_radiograph(path)


def test_what_unpacks_to_more_than_its_header_announces(write, grey8):
    path = write("a.nii.gz", grey8)
    plain = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(plain + bytes(50 * 2**20)))
    with pytest.raises(RadiographError, match="more than its header announces"):
        read_radiograph(path)


def test_many_channels_are_refused_before_decoding(itk, tmp_path):
    path = tmp_path / "a.mha"
    path.write_text(
        "ObjectType = Image\nNDims = 2\nBinaryData = True\nDimSize = 9000 9000\nElementNumberOfChannels = 400\n"
        "ElementType = MET_DOUBLE\nElementDataFile = LOCAL\n"
    )
    with pytest.raises(RadiographError, match="400 channels"):
        read_radiograph(path)


@pytest.mark.parametrize("ending", [".nrrd", ".mha"])
@pytest.mark.parametrize("digits", [400, 5000])
def test_numbers_without_end_do_not_end_the_process(write, grey8, ending, digits):
    path = write(f"x{ending}", grey8, spacing=(0.5, 0.25))
    data = path.read_bytes()
    assert data.count(b"0.25") == 1
    path.write_bytes(data.replace(b"0.25", b"9" * digits))
    with pytest.raises(RadiographError):
        read_radiograph(path)
