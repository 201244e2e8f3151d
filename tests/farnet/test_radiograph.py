from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from farnet.errors import InvalidInputError, RadiographError
from farnet.radiograph import RADIOGRAPH_SUFFIXES, Radiograph, find_radiographs, read_radiograph, survey


@pytest.fixture
def pixels(rng):
    return rng.integers(0, 256, (24, 32), dtype=np.uint8)


@pytest.fixture
def png(tmp_path, pixels):
    path = tmp_path / "patient 7.png"
    Image.fromarray(pixels).save(path)
    return path


def test_from_array(pixels):
    radiograph = Radiograph.from_array(pixels, spacing=0.1, name="a")
    assert radiograph.shape == (24, 32)
    assert radiograph.spacing == (0.1, 0.1)
    assert radiograph.spacing_source == "given"
    assert radiograph.path is radiograph.sha256 is None
    assert Radiograph.from_array(pixels).spacing_source is None


def test_from_array_does_not_copy_what_needs_no_change(pixels):
    assert np.shares_memory(Radiograph.from_array(pixels).pixels, pixels)


def test_constructor_takes_only_what_it_stores(pixels):
    for wrong in (pixels.astype(np.int32), np.stack([pixels] * 3, -1)):
        with pytest.raises(RadiographError, match=r"Radiograph\.from_array converts"):
            Radiograph(wrong)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((8, 8)), "8 x 8 pixels"),
        (np.zeros((0, 0)), "0 x 0 pixels"),
        (np.broadcast_to(np.uint8(0), (20_000, 20_000)), "400 million"),
        (np.full((20, 20), 7), "Every pixel of the radiograph 'b' is 7"),
        (np.full((20, 20), np.nan), "The radiograph 'b' has 400 pixels that are NaN or infinite"),
        (np.where(np.eye(20) > 0, np.inf, 0), "20 pixels that are NaN or infinite"),
        (np.where(np.eye(20) > 0, -np.inf, 0), "20 pixels that are NaN or infinite"),
        (np.zeros((5, 20, 20)), "one 2-D picture"),
    ],
)
def test_unusable_pixels_are_refused_in_words(array, words):
    with pytest.raises(RadiographError, match=words):
        Radiograph.from_array(array, name="b")


@pytest.mark.parametrize("spacing", [0, (0.1, 0), -1, np.nan])
def test_spacing_must_be_above_zero(pixels, png, spacing):
    with pytest.raises(InvalidInputError, match="above zero"):
        Radiograph.from_array(pixels, spacing=spacing)
    with pytest.raises(InvalidInputError, match="above zero"):
        read_radiograph(png, spacing=spacing)


def test_same_picture_same_sum_whatever_the_file(tmp_path, pixels, png):
    bmp = tmp_path / "a.bmp"
    Image.fromarray(pixels).save(bmp)
    sums = {read_radiograph(path).pixels_sha256() for path in (png, bmp)}
    assert sums == {Radiograph.from_array(pixels[:, ::-1][:, ::-1]).pixels_sha256()}
    assert Radiograph.from_array(pixels.astype(np.uint16)).pixels_sha256() not in sums
    assert Radiograph.from_array(pixels.reshape(32, 24)).pixels_sha256() not in sums


def test_read_tells_where_from(png):
    radiograph = read_radiograph(str(png), spacing=(0.2, 0.1))
    assert radiograph.path == png
    assert radiograph.name == "patient 7"
    assert radiograph.sha256 == hashlib.sha256(png.read_bytes()).hexdigest()
    assert (radiograph.spacing, radiograph.spacing_source) == ((0.2, 0.1), "given")
    assert read_radiograph(png, checksum=False).sha256 is None


def test_survives_pickle(png):
    radiograph = read_radiograph(png)
    again = pickle.loads(pickle.dumps(radiograph))
    np.testing.assert_array_equal(again.pixels, radiograph.pixels)
    assert again.path == png


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"hello, this is text\n", "a text file, not a picture"),
        ("Röntgen\n".encode() * 200, "a text file, not a picture"),
        (pickle.dumps({"a": 1}), "pickle, which is never opened"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"\x93NUMPY\x01\x00", r"Radiograph\.from_array"),
        (b"%PDF-1.7 \xff", "PDF"),
        (b"GIF89a\x01", "a GIF"),
        (b"\x00\x01\x02\xff", "unknown kind"),
        (b"\x89PNG\r\n\x1a\n", "damaged or truncated"),
        (b"\xff\xd8\xff\xe0", "damaged or truncated"),
        (b"BMW is a text too, but starts like a bitmap", "damaged or truncated"),
        (b"II*\0\x08\0\0\0", "damaged or truncated|holds no picture"),
    ],
)
@pytest.mark.parametrize("name", ["a.png", "a", "a.dcm"])
def test_what_is_no_radiograph_is_called_by_its_name(tmp_path, content, words, name):
    path = tmp_path / name
    path.write_bytes(content)
    if name == "a.dcm":
        words += r"|a\.dcm (holds no pixel data|is no DICOM file|is a DICOM file)"
    with pytest.raises(RadiographError, match=words):
        read_radiograph(path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(RadiographError, match="There is no file"):
        read_radiograph(tmp_path / "none.png")
    with pytest.raises(RadiographError, match="is a folder"):
        read_radiograph(tmp_path)
    with pytest.raises(RadiographError, match="cannot be opened"):
        read_radiograph("a\0b.png")


def test_find_lists_files_and_the_radiographs_of_folders(tmp_path):
    for name in ("b.PNG", "a.jpg", "c.nii.gz", "notes.txt", ".hidden.png", "deep/d.dcm"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    inside = [tmp_path / name for name in ("a.jpg", "b.PNG", "c.nii.gz")]
    assert find_radiographs([tmp_path]) == inside
    assert find_radiographs([tmp_path / "notes.txt", str(tmp_path)]) == [tmp_path / "notes.txt", *inside]
    assert find_radiographs([tmp_path, inside[0]]) == inside
    assert find_radiographs([tmp_path], recursive=True) == [*inside, tmp_path / "deep" / "d.dcm"]


def test_find_passes_on_what_cannot_be_read_so_that_reading_says_why(tmp_path):
    missing = tmp_path / "none.png"
    assert find_radiographs([tmp_path, missing]) == [tmp_path, missing]
    assert find_radiographs([]) == []


def dicom(path, kind="1.2.840.10008.5.1.4.1.1.1"):
    """The beginning of a DICOM file of a kind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(128) + b"DICM" + b"\2\0\2\0UI" + len(kind).to_bytes(2, "little") + kind.encode())
    return path


def test_dicom_is_found_by_its_mark_whatever_its_ending(tmp_path):
    paths = [
        dicom(tmp_path / name) for name in ("1.2.840.113", "DICOM/PAT1/IM000001", "IM000002", "a.bak", "b.dcm", "c.123")
    ]
    assert find_radiographs([tmp_path], recursive=True) == sorted(paths)
    assert find_radiographs([tmp_path]) == sorted(path for path in paths if path.parent == tmp_path)


def test_disc_whose_pictures_are_some_folders_down(tmp_path, caplog):
    pictures = [dicom(tmp_path / "DICOM" / patient / "IM000001") for patient in ("PAT1", "PAT2")]
    (tmp_path / "DICOM" / "logo.png").touch()  # of the viewer on the disc
    dicom(tmp_path / "DICOMDIR", "1.2.840.10008.1.3.10")
    assert find_radiographs([tmp_path]) == pictures
    assert "the 2 DICOM files in its folders are taken" in caplog.text
    (tmp_path / "a.png").touch()
    assert find_radiographs([tmp_path]) == [tmp_path / "a.png"]


def test_index_of_a_disc_and_what_holds_no_picture_are_no_radiographs(tmp_path):
    picture = dicom(tmp_path / "IM1")
    dicom(tmp_path / "DICOMDIR", "1.2.840.10008.1.3.10")
    report = dicom(tmp_path / "IM2", "1.2.840.10008.5.1.4.1.1.88.33")
    state = dicom(tmp_path / "IM3", "1.2.840.10008.5.1.4.1.1.11.1")
    assert survey([tmp_path]).radiographs == [picture]
    assert survey([tmp_path]).left_out == [report, state]


def test_what_is_left_out_is_named(tmp_path):
    kept = ["a.png", "b.dcm"]
    beside = ["a.csv", "a.labelme.json", "notes.txt", "a.sr.dcm", "Thumbs.db", ".hidden", "model.safetensors"]
    others = ["scan.jp2", "old.gif", "IM5", "x.webp"]
    for name in [*kept, *beside, *others]:
        (tmp_path / name).write_bytes(b"x" * 500)
    found = survey([tmp_path])
    assert found.radiographs == [tmp_path / name for name in kept]
    assert found.left_out == sorted(tmp_path / name for name in others)


def test_what_is_named_itself_is_not_left_out(tmp_path):
    for name in ("a.png", "scan.jp2"):
        (tmp_path / name).touch()
    found = survey([tmp_path, tmp_path / "scan.jp2"])
    assert found.radiographs == [tmp_path / "a.png", tmp_path / "scan.jp2"]
    assert found.left_out == []


def test_folder_that_may_not_be_looked_into_does_not_stop_the_others(tmp_path, monkeypatch, caplog):
    for name in ("one/a.png", "two/b.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    scandir = os.scandir

    def closed(folder):
        if Path(folder).name == "one":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr("os.scandir", closed)
    assert find_radiographs([tmp_path], recursive=True) == [tmp_path / "two" / "b.png"]
    assert "Permission denied" in caplog.text


def test_suffixes_are_lower_case():
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in RADIOGRAPH_SUFFIXES)


def test_real_cephalogram(isbi2015):
    radiograph = read_radiograph(isbi2015 / "RawImage" / "TrainingData" / "001.jpg", spacing=0.1)
    assert radiograph.shape == (2400, 1935)
    assert radiograph.pixels.dtype == np.uint8
