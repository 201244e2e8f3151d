"""A folder of radiographs that is corrected one by one."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image

from farnet.corrections import CORRECTIONS, Corrections
from farnet.errors import AnnotationError, InvalidInputError, OutputError
from farnet.formats import read_annotations, write_annotations
from farnet.landmarks import Landmarks
from farnet.review import Review
from farnet.scheme import load_scheme

SCHEME = load_scheme("cephalometric19")


def predicted(name, shape=(40, 30)):
    points = np.stack([np.linspace(1, 38, 19), np.linspace(1, 28, 19)], axis=1)
    return Landmarks(points=points, scheme=SCHEME, radiograph=name, image_shape=shape, source="model x")


@pytest.fixture
def folder(tmp_path):
    for number in (1, 2, 3):
        pixels = np.random.default_rng(number).integers(0, 255, (40, 30), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number:03}.png")
    write_annotations(tmp_path / "landmarks.csv", [predicted("001"), predicted("002")])
    return tmp_path


def test_predictions_are_what_one_begins_with(folder):
    corrections = Corrections.open(folder)
    assert [item.name for item in corrections.items] == ["001", "002", "003"]
    first = corrections.landmarks(0, corrections.radiograph(0))
    np.testing.assert_array_equal(first.points, predicted("001").points)
    third = corrections.landmarks(2, corrections.radiograph(2))
    assert not third.present.any()
    assert third.source == "by hand"
    assert third.image_shape == (40, 30)


def test_corrections_are_saved_beside_and_predictions_stay(folder):
    before = hashlib.sha256((folder / "landmarks.csv").read_bytes()).hexdigest()
    corrections = Corrections.open(folder)
    review = Review.of(corrections.landmarks(0, corrections.radiograph(0))).moved(0, (5.5, 6.25))
    file = corrections.save(0, review.to_landmarks())
    assert file == folder / CORRECTIONS / "001.csv"
    corrections.save(0, review.accepted(1).to_landmarks())  # once more is no conflict
    assert hashlib.sha256((folder / "landmarks.csv").read_bytes()).hexdigest() == before
    again = Corrections.open(folder)
    assert [item.corrected for item in again.items] == [True, False, False]
    read = Review.of(again.landmarks(0, again.radiograph(0)))
    assert read.states[:2] == ("edited", "accepted")
    np.testing.assert_array_equal(read.origin[0], predicted("001").points[0])


def test_a_change_by_somebody_else_is_not_overwritten(folder):
    mine, theirs = Corrections.open(folder), Corrections.open(folder)
    for side in (mine, theirs):
        side.landmarks(0, side.radiograph(0))
    file = theirs.save(0, predicted("001"))
    content = file.read_bytes()
    moved = Review.of(predicted("001")).moved(0, (9.0, 9.0)).to_landmarks()
    with pytest.raises(OutputError, match=r"changed by somebody else.*conflict-"):
        mine.save(0, moved)
    assert file.read_bytes() == content
    (beside,) = file.parent.glob("*.conflict-*.csv")
    np.testing.assert_array_equal(read_annotations(beside)[0].points[0], (9.0, 9.0))


def test_all_corrections_in_one_file(folder, tmp_path):
    corrections = Corrections.open(folder)
    with pytest.raises(InvalidInputError, match="no corrections yet"):
        corrections.merged(tmp_path / "all.csv")
    for number in (0, 2):
        corrections.save(number, predicted(corrections.items[number].name))
    assert corrections.merged(tmp_path / "all.csv") == 2
    assert [item.radiograph for item in read_annotations(tmp_path / "all.csv")] == ["001", "003"]
    with pytest.raises(OutputError, match="never overwritten"):
        corrections.merged(folder / "landmarks.csv")


def test_a_damaged_file_of_corrections_is_left_alone(folder):
    corrections = Corrections.open(folder)
    file = corrections.save(0, predicted("001"))
    file.write_bytes(b"\x00\xff broken")
    with pytest.raises(AnnotationError):
        Corrections.open(folder).landmarks(0, corrections.radiograph(0))
    assert file.read_bytes() == b"\x00\xff broken"


def test_predictions_of_other_pictures_are_refused(folder):
    write_annotations(folder / "landmarks.csv", [predicted("001", shape=(400, 300))])
    corrections = Corrections.open(folder)
    with pytest.raises(AnnotationError, match=r"\(400, 300\) pixels.*\(40, 30\)"):
        corrections.landmarks(0, corrections.radiograph(0))


def test_two_predictions_of_one_radiograph_are_refused(folder):
    write_annotations(folder / "landmarks.csv", [predicted("001"), predicted("001").replace(source="other")])
    with pytest.raises(AnnotationError, match="two sets of landmarks of the radiograph '001'"):
        Corrections.open(folder)


def test_what_is_no_folder_of_radiographs_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="is no folder"):
        Corrections.open(tmp_path / "nowhere")
    with pytest.raises(InvalidInputError, match="holds no radiographs"):
        Corrections.open(tmp_path)


def test_without_predictions_a_scheme_is_needed(folder):
    (folder / "landmarks.csv").unlink()
    with pytest.raises(InvalidInputError, match="choose a scheme"):
        Corrections.open(folder)
    assert Corrections.open(folder, scheme=SCHEME).scheme is SCHEME


def test_files_of_one_name_are_told_apart(folder):
    Image.fromarray(np.zeros((40, 30), np.uint8) + 7).save(folder / "001.bmp")
    corrections = Corrections.open(folder)
    assert {item.name for item in corrections.items} == {"001.bmp", "001.png", "002", "003"}
    assert len({item.file for item in corrections.items}) == 4
