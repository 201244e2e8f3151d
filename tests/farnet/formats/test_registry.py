from __future__ import annotations

import numpy as np
import pytest

from farnet.errors import AnnotationError, InvalidInputError, UnknownNameError
from farnet.formats import (
    AnnotationFormat,
    annotation_formats,
    read_annotations,
    register_format,
    registry,
    write_annotations,
)
from farnet.landmarks import Landmarks
from farnet.scheme import load_scheme

LANDMARKS = Landmarks(points=np.zeros((19, 2)), scheme=load_scheme("cephalometric19"))


@pytest.fixture
def formats(monkeypatch):
    """The registry, put back as it was after the test."""
    monkeypatch.setattr(registry, "_FORMATS", dict(registry._FORMATS))


def reader_of(name):
    return lambda path, scheme: [LANDMARKS.replace(source=name)]


def test_formats_that_come_with_the_package():
    assert [item.name for item in annotation_formats()] == [
        "farnet-csv",
        "isbi-txt",
        "labelme",
        "slicer-markups",
        "slicer-fcsv",
        "coco",
        "aariz",
        "tps",
        "dicom-sr",
    ]
    for item in annotation_formats():
        assert item.title
        assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in item.suffixes)


def test_some_hold_many_radiographs():
    assert [item.name for item in annotation_formats() if item.holds_many] == ["farnet-csv", "coco", "tps"]


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.mrk.json", "slicer-markups"),
        ("a.fcsv", "slicer-fcsv"),
        ("a.coco.json", "coco"),
        ("a.json", "labelme"),
        ("A.TPS", "tps"),
    ],
)
def test_the_longest_ending_decides_how_it_is_written(tmp_path, name, format):
    points = np.arange(38.0).reshape(19, 2)
    item = Landmarks(points, load_scheme("cephalometric19"), image_shape=(50, 50))
    write_annotations(tmp_path / name, [item])
    named = tmp_path / f"named-{name}"
    write_annotations(named, [item], format=format)
    assert named.read_bytes() == (tmp_path / name).read_bytes()


def test_a_further_format_joins(formats, tmp_path):
    written = []
    register_format(
        AnnotationFormat(
            "later", "Later", (".later.json",), reader_of("later"), lambda path, items: written.append(path)
        )
    )
    path = tmp_path / "A.LATER.JSON"
    assert read_annotations(path)[0].source == "later"
    write_annotations(path, [LANDMARKS])
    assert written == [path]


def test_two_formats_with_one_ending_are_told_apart_by_content(formats, tmp_path):
    register_format(
        AnnotationFormat("others", "Others", (".csv",), reader_of("others"), recognises=lambda head: b"#other" in head)
    )
    path = tmp_path / "a.csv"
    path.write_text("#other\n")
    assert read_annotations(path)[0].source == "others"
    write_annotations(path, [LANDMARKS])  # the one that can be written
    assert read_annotations(path)[0].equals(LANDMARKS)


def test_a_format_can_be_named(formats, tmp_path):
    path = tmp_path / "points.dat"
    write_annotations(path, [LANDMARKS], format="farnet-csv")
    assert read_annotations(path, format="farnet-csv")[0].equals(LANDMARKS)


def test_names_are_taken_once(formats):
    with pytest.raises(InvalidInputError, match="already an annotation format 'isbi-txt'"):
        register_format(AnnotationFormat("isbi-txt", "Mine", (".txt",), reader_of("mine")))


def test_unknown_names_and_endings(tmp_path):
    with pytest.raises(UnknownNameError, match=r"Did you mean 'farnet-csv'\?"):
        read_annotations(tmp_path / "a.csv", format="farnet_csv")
    with pytest.raises(UnknownNameError, match=r"ending of an annotation file: '\.docx'.*\.csv, \.txt"):
        read_annotations(tmp_path / "a.docx")
    with pytest.raises(UnknownNameError, match="'points'"):
        write_annotations(tmp_path / "points", [LANDMARKS])


def test_format_that_is_only_read(formats, tmp_path):
    register_format(AnnotationFormat("old", "Old", (".old",), reader_of("old")))
    with pytest.raises(AnnotationError, match="can be read, not written"):
        write_annotations(tmp_path / "a.old", [LANDMARKS])


def test_nothing_to_write(tmp_path):
    with pytest.raises(AnnotationError, match="no landmarks to write"):
        write_annotations(tmp_path / "a.csv", [])
    assert not (tmp_path / "a.csv").exists()


def test_missing_file(tmp_path):
    for name in ("a.csv", "a.txt"):
        with pytest.raises(AnnotationError, match="There is no file"):
            read_annotations(tmp_path / name)


def test_folder_is_read_in_the_order_of_names(tmp_path):
    for name in ("b.txt", "a.txt", "c.csv"):
        write_annotations(tmp_path / name, [LANDMARKS.replace(radiograph=name[0])])
    (tmp_path / "notes.md").touch()
    (tmp_path / ".hidden.csv").touch()
    assert [item.radiograph for item in read_annotations(tmp_path)] == ["a", "b", "c"]
    assert [item.radiograph for item in read_annotations(tmp_path, format="isbi-txt")] == ["a", "b"]


def test_folder_without_annotations(tmp_path):
    with pytest.raises(AnnotationError, match="holds no annotation files"):
        read_annotations(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_in_the_encodings_of_spreadsheets(tmp_path, caplog, encoding):
    text = "scheme,radiograph,landmark,row_px,column_px\r\ncephalometric19,Schädel é,N,1,2\r\n"
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    assert read_annotations(tmp_path / "a.csv")[0].radiograph == "Schädel é"
    assert ("cp1252" in caplog.text) == (encoding == "cp1252")


@pytest.mark.parametrize(
    "data", [b"\x80\x04\x95", b"\x89PNG\r\n\x1a\n\0", b"caf\xe9 \x8d", bytes(range(256)), b"\xff\xfeA"]
)
@pytest.mark.parametrize("ending", [".csv", ".txt", ".tps", ".json"])
def test_what_is_no_text_is_refused(tmp_path, data, ending):
    (tmp_path / f"a{ending}").write_bytes(data)
    with pytest.raises(AnnotationError, match=r"no text in UTF"):
        read_annotations(tmp_path / f"a{ending}")
