"""SpineWeb 16: made-up folders, hostile ones, and the published one where it is there."""

import csv

import numpy as np
import pytest
from scipy.io import savemat

from farnet.datasets.spineweb16 import SpineWeb16
from farnet.errors import AnnotationError, InvalidInputError, UnknownNameError
from farnet.measurement.spine import cobb_angles, ordered_corners

from .conftest import NAMES, spine_corners, write_part


def rewrite(file, change):
    with file.open(newline="") as stream:
        rows = list(csv.reader(stream))
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows(change(rows))


def test_points_are_pixels_of_the_radiograph(spine_folder):
    data = SpineWeb16(spine_folder)
    assert data.ids == tuple(name.removesuffix(".jpg") for name in NAMES)
    assert data.subjects == ("sunhl-1th-02-Jan-2017-162", "sunhl-1th-02-Jan-2017-162", "sunhl-1th-03-Jan-2017-163")
    landmarks = data.landmarks(1)
    np.testing.assert_allclose(landmarks.points, spine_corners(), atol=1e-9)
    assert (landmarks.radiograph, landmarks.image_shape, landmarks.spacing) == (data.ids[1], (160, 60), None)
    assert landmarks.scheme.abbreviations[:4] == ("T1-TL", "T1-TR", "T1-BL", "T1-BR")
    assert data.published_angles(2) == (3.0, 2.0, 1.0)
    assert (data.observers, data.duplicates, data.suspects) == ((), {}, {})
    assert data.radiograph(0).shape == (160, 60)


def test_corners_and_vertebrae_are_put_in_order(tmp_path):
    mixed = spine_corners().reshape(17, 4, 2)[::-1, [3, 0, 2, 1]].reshape(-1, 2)
    data = SpineWeb16(write_part(tmp_path, "training", corners=mixed))
    np.testing.assert_allclose(data.landmarks(0).points, spine_corners(), atol=1e-9)


def test_matlab_files_where_there_are_no_csv_files(spine_folder):
    labels = spine_folder / "labels" / "training"
    for name in ("landmarks.csv", "filenames.csv", "angles.csv"):
        (labels / name).unlink()
    for name in NAMES:
        savemat(labels / f"{name}.mat", {"p2": spine_corners()[:, ::-1] + 1.0})
    data = SpineWeb16(spine_folder)
    assert len(data) == 3
    np.testing.assert_allclose(data.landmarks(0).points, spine_corners(), atol=1e-9)
    assert data.published_angles(0) is None
    (labels / f"{NAMES[1]}.mat").write_bytes(b"not MATLAB")
    with pytest.raises(AnnotationError, match="MATLAB"):
        SpineWeb16(spine_folder)
    savemat(labels / f"{NAMES[1]}.mat", {"p2": np.ones((3, 2))})
    with pytest.raises(AnnotationError, match="68 x 2"):
        SpineWeb16(spine_folder)
    (labels / f"{NAMES[1]}.mat").unlink()
    with pytest.raises(AnnotationError, match="no landmarks"):
        SpineWeb16(spine_folder)


def test_all_takes_the_parts_that_are_there(tmp_path):
    write_part(tmp_path, "training")
    assert len(SpineWeb16(tmp_path, "all")) == 3
    write_part(tmp_path, "test", names=("other-2018-1.jpg",))
    assert len(SpineWeb16(tmp_path, "all")) == 4
    assert SpineWeb16(tmp_path, "test").ids == ("other-2018-1",)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("landmarks.csv", lambda rows: rows[:2], "belong together"),
        ("landmarks.csv", lambda rows: [rows[0], rows[1][:-1], rows[2]], "line 2: 135 numbers"),
        ("landmarks.csv", lambda rows: [rows[0], ["nan", *rows[1][1:]], rows[2]], "line 2: a number is not finite"),
        ("landmarks.csv", lambda rows: [rows[0], ["x", *rows[1][1:]], rows[2]], "line 2: could not convert"),
        ("angles.csv", lambda rows: rows[:1], "angles.csv has 1 rows"),
        ("filenames.csv", lambda rows: [rows[0], rows[0], rows[2]], "more than once"),
        ("filenames.csv", lambda rows: [rows[0], ["missing.jpg"], rows[2]], "1 of 3 radiographs"),
    ],
)
def test_a_damaged_folder_is_refused(spine_folder, file, change, message):
    rewrite(spine_folder / "labels" / "training" / file, change)
    with pytest.raises(AnnotationError, match=message):
        SpineWeb16(spine_folder)


def test_points_far_outside_are_refused_when_they_are_asked_for(spine_folder):
    file = spine_folder / "labels" / "training" / "landmarks.csv"
    rewrite(file, lambda rows: [rows[0], ["1.3", *rows[1][1:]], rows[2]])
    data = SpineWeb16(spine_folder)
    data.landmarks(0)
    with pytest.raises(AnnotationError, match=r"point 1 at x=77\.5"):
        data.landmarks(1)


def test_a_folder_that_is_something_else_is_refused(tmp_path, spine_folder):
    with pytest.raises(InvalidInputError, match="no folder"):
        SpineWeb16(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInputError, match="must hold the folders data and labels"):
        SpineWeb16(tmp_path / "empty")
    with pytest.raises(InvalidInputError, match="needs the folder"):
        SpineWeb16(spine_folder, "test")
    with pytest.raises(UnknownNameError, match="test50"):
        SpineWeb16(spine_folder, "test51")
    with pytest.raises(InvalidInputError, match="cannot be held out"):
        SpineWeb16(spine_folder, "test50")


class TestPublished:
    """The published folder."""

    def test_parts_are_by_person(self, spineweb16):
        train, test = SpineWeb16(spineweb16, "train431"), SpineWeb16(spineweb16, "test50")
        assert (len(train), len(test)) == (431, 50)
        assert not set(train.subjects) & set(test.subjects)
        whole = SpineWeb16(spineweb16)
        assert set(train.ids) | set(test.ids) == set(whole.ids)
        assert len(whole.suspects) == 26
        assert set(train.suspects) | set(test.suspects) == set(whole.suspects)

    def test_every_spine_is_in_order(self, spineweb16):
        data = SpineWeb16(spineweb16)
        for index in range(len(data)):
            corners = data.landmarks(index).points.reshape(17, 4, 2)
            assert (np.diff(corners[..., 0].mean(axis=1)) >= 0).all()
            np.testing.assert_array_equal(corners, ordered_corners(corners))

    def test_cobb_angles_are_the_published_ones(self, spineweb16):
        """The challenge's own rules on the published points give the published angles, but for a few radiographs."""
        data = SpineWeb16(spineweb16)
        off = 0
        for index in range(len(data)):
            landmarks = data.landmarks(index)
            found = cobb_angles(landmarks.points, image_rows=landmarks.image_shape[0]).angles
            off += bool(np.abs(np.subtract(found, data.published_angles(index))).max() > 0.1)
        assert off == 21
