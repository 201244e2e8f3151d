from __future__ import annotations

import numpy as np
import pytest

from farnet.errors import AnnotationError, SchemeError
from farnet.formats import read_annotations, write_annotations
from farnet.formats.isbi_txt import read_isbi_points
from farnet.landmarks import Landmarks
from farnet.scheme import load_scheme

LINES = [f"{100 + k},{1000 + k}" for k in range(19)]
CLASSES = [1, 2, 3, 1, 2, 3, 1, 4]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "007.txt"


def write(path, lines, end="\n"):
    path.write_bytes(end.join(lines).encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("tail", [[], [""], ["", " "], list(map(str, CLASSES)), [*map(str, CLASSES), ""]])
def test_nineteen_points_with_and_without_classes(path, end, tail):
    (landmarks,) = read_annotations(write(path, LINES + tail, end))
    np.testing.assert_array_equal(landmarks.points[:, 0], 1000 + np.arange(19))  # y is the row
    np.testing.assert_array_equal(landmarks.points[:, 1], 100 + np.arange(19))
    assert landmarks.scheme == load_scheme("cephalometric19")
    assert landmarks.radiograph == "007"
    assert landmarks.provenance == ({"isbi_classes": CLASSES} if len(tail) > 2 else {})
    np.testing.assert_array_equal(read_isbi_points(path), landmarks.points)


@pytest.mark.parametrize("tail", [[], list(map(str, CLASSES))])
def test_published_file_is_written_as_it_was(path, tmp_path, tail):
    write(path, [*LINES, *tail, ""])
    write_annotations(tmp_path / "copy.txt", read_annotations(path))
    assert (tmp_path / "copy.txt").read_bytes() == path.read_bytes()


def test_fractions_are_kept(path, rng):
    before = Landmarks(points=rng.random((19, 2)) * 2000, scheme=load_scheme("cephalometric19"))
    write_annotations(path, [before])
    np.testing.assert_array_equal(read_isbi_points(path), before.points)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (LINES[:18], "has 18 lines; .* 19 lines 'x,y'"),
        ([*LINES, "1"], "has 20 lines"),
        ([*LINES[:4], "left,right", *LINES[5:]], "line 5: 'left,right' is no point"),
        ([*LINES[:4], "1", *LINES[5:]], "line 5: '1' is no point"),
        ([*LINES[:4], "1,2,3", *LINES[5:]], "line 5"),
        ([*LINES[:4], "nan,2", *LINES[5:]], "line 5"),
        ([*LINES[:4], "", *LINES[5:]], "line 5"),
        ([*LINES, *"1234567", "x"], "line 27: 'x' is no class label"),
    ],
)
def test_malformed_files_are_named_with_their_line(path, lines, words):
    with pytest.raises(AnnotationError, match=words):
        read_annotations(write(path, lines))


def test_other_scheme_than_the_format_holds(path, tmp_path):
    hand = load_scheme("hand37")
    with pytest.raises(SchemeError, match="not 'hand37'"):
        read_annotations(write(path, LINES), scheme=hand)
    with pytest.raises(SchemeError, match="not 'hand37'"):
        write_annotations(tmp_path / "hand.txt", [Landmarks(points=np.zeros((37, 2)), scheme=hand)])


def test_what_the_format_cannot_hold_is_refused_and_nothing_written(path, tmp_path):
    (landmarks,) = read_annotations(write(path, LINES))
    points = landmarks.points.copy()
    points[[1, 5]] = np.nan
    target = tmp_path / "new.txt"
    with pytest.raises(AnnotationError, match="absent landmarks, and these are: N, B"):
        write_annotations(target, [landmarks.replace(points=points)])
    with pytest.raises(AnnotationError, match="one radiograph, not of 2"):
        write_annotations(target, [landmarks, landmarks])
    assert not target.exists()
