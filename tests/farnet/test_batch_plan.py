"""Which radiographs are meant, what they are called, where their landmarks go, and what is there already."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from farnet.batch_journal import Journal
from farnet.batch_plan import BatchPlan
from farnet.batch_request import BatchRequest
from farnet.errors import AnnotationError, InvalidInputError, OutputError, SchemeError
from farnet.scheme import load_scheme

from .batches import Counting, killed, run, write_radiograph


@pytest.fixture
def scans(tmp_path, monkeypatch):
    """The folder "scans" of the current folder, with radiographs a and b."""
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate("ba"):
        write_radiograph(tmp_path / "scans" / f"{name}.png", seed)
    return Path("scans")


def plan(*radiographs, **options):
    return BatchPlan.of(BatchRequest(radiographs=radiographs, **options))


def test_a_folder(scans):
    (scans / "notes.txt").write_text("no radiograph")
    made = plan(scans)
    assert made.files == (scans / "a.png", scans / "b.png")
    assert made.names == ("a", "b")
    assert made.output == Path("landmarks.csv") and made.tables == (Path("landmarks.csv"),)
    assert made.pictures == ()


def test_folders_of_folders_if_asked_for(scans):
    write_radiograph(scans / "deep" / "c.png")
    assert plan(scans).names == ("a", "b")
    assert plan(scans, recursive=True).names == ("a", "b", "c")


def test_what_is_not_there_is_listed(scans):
    assert plan(scans / "a.png", "nowhere.png").files == (scans / "a.png", Path("nowhere.png"))


def test_names_tell_radiographs_apart(scans):
    write_radiograph(scans / "a.jpg")
    write_radiograph(scans / "other" / "b.png")
    made = plan(scans, scans / "other", overlay=True)
    paths = [str(scans / "a.jpg"), str(scans / "a.png"), str(scans / "b.png"), str(scans / "other" / "b.png")]
    assert list(made.names) == paths
    assert len({path.name for path in made.pictures}) == 4
    assert {path.parent for path in made.pictures} == {Path("landmarks-overlays")}


def test_names_that_would_be_the_same_file_are_told_apart(scans):
    write_radiograph(scans / "x_y" / "1.png")
    write_radiograph(scans / "x" / "y_1.png")
    write_radiograph(scans / "x" / "y" / "1.png")
    write_radiograph(scans / "z" / "y_1.png")
    write_radiograph(scans / "z" / "A.png")
    made = plan(scans, recursive=True, overlay=True, format="labelme")
    assert len(made.names) == 7
    for files in (made.pictures, made.tables):
        assert len({path.name.casefold() for path in files}) == 7
        assert {path.parent for path in files} == {files[0].parent}
    again = plan(scans, recursive=True, overlay=True, format="labelme")
    assert (again.pictures, again.tables) == (made.pictures, made.tables)


@pytest.mark.parametrize(
    ("output", "format", "table"),
    [
        (None, None, "landmarks.csv"),
        ("x.csv", None, "x.csv"),
        ("out", None, "out/landmarks.csv"),
        ("scans", None, "scans/landmarks.csv"),
        ("deep/x.coco.json", None, "deep/x.coco.json"),
        ("out", "coco", "out/landmarks.coco.json"),
        (None, "tps", "landmarks.tps"),
    ],
)
def test_one_table_for_all(scans, output, format, table):
    made = plan(scans, output=output, format=format)
    assert (made.output, made.tables) == (Path(table), (Path(table),))


@pytest.mark.parametrize(("output", "folder"), [(None, "landmarks"), ("out", "out")])
def test_one_table_for_each(scans, output, folder):
    made = plan(scans, output=output, format="labelme")
    assert made.output == Path(folder)
    assert made.tables == (Path(folder) / "a.json", Path(folder) / "b.json")


def test_one_file_for_one_radiograph(scans):
    assert plan(scans / "a.png", output="x.json").tables == (Path("x.json"),)
    with pytest.raises(InvalidInputError, match="holds one radiograph a file, and there are 2"):
        plan(scans, output="x.json")


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("link", [False, True])
def test_pictures_are_no_radiographs_however_the_folder_is_written(scans, absolute, link):
    write_radiograph(scans / "landmarks-overlays" / "a.png")
    folder = scans
    if link:
        Path("link").symlink_to(scans, target_is_directory=True)
        folder = Path("link")
    made = plan(folder, output=(scans.absolute() if absolute else scans) / "landmarks.csv", recursive=True)
    assert made.names == ("a", "b")
    assert plan(scans, output="elsewhere.csv", recursive=True).names[0] == str(scans / "a.png")


def test_a_picture_that_is_named_is_meant(scans):
    picture = write_radiograph(scans / "landmarks-overlays" / "a.png")
    assert plan(picture, output=scans / "landmarks.csv").files == (picture,)


# What is there already


def test_nothing_in_the_way(scans):
    plan(scans, overlay=True).check()


@pytest.mark.parametrize("there", ["landmarks.csv", "landmarks-overlays/b.png"])
def test_what_would_be_overwritten_is_named(scans, there):
    Path(there).parent.mkdir(exist_ok=True)
    Path(there).write_text("precious")
    with pytest.raises(InvalidInputError, match=rf"{there} would be overwritten.*--resume.*--force"):
        plan(scans, overlay=True).check()
    for option in ("resume", "force"):
        plan(scans, overlay=True, **{option: True}).check()


def test_a_run_that_was_cut_off_is_not_begun_anew_by_accident(scans):
    killed(Counting(), scans, "all.csv", 1)
    with pytest.raises(InvalidInputError, match=r"was cut off.*--resume"):
        plan(scans, output="all.csv").check()
    for option in ("resume", "force"):
        plan(scans, output="all.csv", **{option: True}).check()
    plan(scans, output="other.csv").check()


def test_a_place_that_cannot_be_written_to(scans):
    with pytest.raises(OutputError, match="is no folder"):
        plan(scans, output=scans / "a.png" / "x.csv").check()


def test_a_folder_without_permission(scans, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != scans.absolute())
    with pytest.raises(OutputError, match="not writable"):
        plan(scans, output=scans / "x.csv").check()
    plan(scans, output="x.csv").check()


def test_what_is_known(scans):
    made = plan(scans, output="all.csv")
    assert made.known() == {}
    items = run(Counting(), scans, "all.csv")
    assert list(made.known()) == ["a", "b"]
    assert made.known()["b"].image_sha256 == items[1].landmarks.image_sha256


def test_the_journal_is_newer_than_the_table(scans):
    run(Counting(), scans, "all.csv")
    write_radiograph(scans / "a.png", 9)
    killed(Counting(), scans, "all.csv", 1, resume=True)
    made = plan(scans, output="all.csv")
    (journalled,) = Journal(made.output).read()
    assert list(made.known()) == ["a", "b"]
    assert made.known()["a"].image_sha256 == journalled.image_sha256


def test_a_table_that_cannot_be_read_or_is_of_another_scheme(scans):
    made = plan(scans, output="all.csv")
    run(Counting(), scans, "all.csv")
    with pytest.raises(SchemeError):
        made.known(load_scheme("spine68"))
    Path("all.csv").write_text("precious")
    with pytest.raises(AnnotationError, match=r"all\.csv"):
        made.known()
