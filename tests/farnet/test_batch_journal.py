"""The journal of a run: a line for each radiograph, which may be cut off anywhere."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farnet.batch_journal import Journal
from farnet.errors import AnnotationError, OutputError, SchemeError
from farnet.landmarks import Landmarks
from farnet.scheme import LandmarkDefinition, LandmarkScheme, load_scheme

SCHEME = load_scheme("cephalometric19")
ABOUT = {"request": {"radiographs": ["scans"]}, "model": "tiny", "model_sha256": "0" * 64}


def landmarks(number=0, name=None):
    rng = np.random.default_rng(number)
    points = rng.uniform(0, 2000, (19, 2))
    points[number % 19] = np.nan
    absent = np.isnan(points[:, 0])
    return Landmarks(
        points,
        SCHEME,
        spacing=(0.1, 0.2),
        confidence=np.where(absent, np.nan, rng.uniform(0, 1, 19)),
        covariance=np.where(absent[:, None, None], np.nan, np.eye(2) * 4.0),
        source="model tiny",
        radiograph=name or f"r{number}",
        image_shape=(2400, 1935),
        image_sha256=f"{number:064x}",
        provenance={"model_sha256": "0" * 64, "spacing_source": "given"},
    )


def written(folder, count, *, name="all.csv"):
    journal = Journal(folder / name)
    journal.begin(ABOUT, keep=False)
    for number in range(count):
        journal.add(landmarks(number))
    return journal


def assert_same(read, wanted):
    assert len(read) == len(wanted)
    for one, other in zip(read, wanted, strict=True):
        np.testing.assert_array_equal(one.points, other.points)
        np.testing.assert_array_equal(one.confidence, other.confidence)
        np.testing.assert_array_equal(one.covariance, other.covariance)
        for field in ("radiograph", "spacing", "source", "image_shape", "image_sha256", "provenance"):
            assert getattr(one, field) == getattr(other, field)


def test_what_is_added_is_there_at_once_and_the_same(tmp_path):
    journal = Journal(tmp_path / "deep" / "all.csv")
    journal.begin(ABOUT, keep=False)
    assert not journal.exists()  # nothing was found yet
    for number in range(3):
        journal.add(landmarks(number))
        assert_same(Journal(tmp_path / "deep" / "all.csv").read(), [landmarks(i) for i in range(number + 1)])
    first = json.loads(journal.path.read_text(encoding="utf-8").splitlines()[0])
    assert first["model"] == "tiny" and first["request"] == ABOUT["request"]


def test_it_is_hidden_beside_its_table_and_has_its_own_name(tmp_path):
    journal = written(tmp_path, 1)
    assert journal.path.parent == tmp_path and journal.path.name.startswith(".")
    assert Journal(tmp_path / "other.csv").read() == []


def test_without_a_run_there_is_nothing(tmp_path):
    journal = Journal(tmp_path / "all.csv")
    assert not journal.exists()
    assert journal.read() == []
    journal.remove()


def test_a_new_run_replaces_it_and_a_resumed_one_goes_on(tmp_path):
    written(tmp_path, 2)
    again = Journal(tmp_path / "all.csv")
    again.begin(ABOUT, keep=True)
    again.add(landmarks(5))
    assert_same(again.read(), [landmarks(0), landmarks(1), landmarks(5)])
    assert len(again.path.read_bytes().splitlines()) == 4  # one line says what the run is, as before
    again.begin(ABOUT, keep=False)
    assert not again.exists()


def test_it_is_removed_with_its_run(tmp_path):
    journal = written(tmp_path, 1)
    journal.remove()
    assert not journal.exists()
    journal.add(landmarks(7))
    assert_same(journal.read(), [landmarks(7)])


@given(data=st.data())
def test_cut_off_at_any_byte_it_loses_one_radiograph_at_most(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("journal")
    journal = written(folder, 3)
    whole = journal.path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    journal.path.write_bytes(whole[:cut])
    lines = whole[:cut].count(b"\n")
    kept = [landmarks(number) for number in range(max(0, lines - 1))]
    assert_same(Journal(folder / "all.csv").read(), kept)
    again = Journal(folder / "all.csv")
    again.begin(ABOUT, keep=True)
    again.add(landmarks(9))
    assert_same(Journal(folder / "all.csv").read(), [*kept, landmarks(9)])


@given(name=st.text(min_size=1, max_size=40))
def test_any_name_of_a_radiograph_comes_back(tmp_path_factory, name):
    journal = Journal(tmp_path_factory.mktemp("journal") / "all.csv")
    journal.begin(ABOUT, keep=False)
    journal.add(landmarks(0, name))
    assert [item.radiograph for item in journal.read()] == [name]


@pytest.mark.skipif(os.name == "nt", reason="names of files are no bytes there")
def test_a_name_that_is_no_text_comes_back(tmp_path):
    name = os.fsdecode(b"sch\xe4del")
    journal = Journal(tmp_path / "all.csv")
    journal.begin({"request": {"radiographs": [name]}}, keep=False)
    journal.add(landmarks(0, name))
    assert journal.read()[0].radiograph == name


@pytest.mark.parametrize("line", [b"{]", b"[1]", b"17", b'{"version": 1, "points": "none"}', b"\xff\xfe\xff"])
def test_damage_in_the_middle_is_told_with_its_line(tmp_path, line):
    journal = written(tmp_path, 2)
    lines = journal.path.read_bytes().splitlines()
    lines[1] = line
    journal.path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(AnnotationError, match=r"line 2.*Move the file away"):
        journal.read()


def test_another_version_is_told(tmp_path):
    journal = written(tmp_path, 1)
    journal.path.write_bytes(journal.path.read_bytes().replace(b"farnet-journal 1", b"farnet-journal 2"))
    with pytest.raises(AnnotationError, match="farnet-journal 2"):
        journal.read()


def test_another_scheme_is_refused_and_an_own_one_is_read(tmp_path):
    own = LandmarkScheme(
        name="mine", title="Mine", landmarks=tuple(LandmarkDefinition(f"p{i}", f"p{i}") for i in range(19))
    )
    journal = written(tmp_path, 1)
    with pytest.raises(SchemeError, match="cephalometric19"):
        journal.read(own)
    mine = written(tmp_path, 0, name="mine.csv")
    mine.add(landmarks(0).replace(scheme=own))
    assert mine.read(own)[0].scheme == mine.read()[0].scheme == own  # which the journal holds


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path):
    journal = Journal(tmp_path / "file" / "all.csv")
    journal.begin(ABOUT, keep=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="What was found before is kept"):
        journal.add(landmarks())


def test_a_journal_that_cannot_be_replaced_is_told(tmp_path):
    journal = Journal(tmp_path / "all.csv")
    journal.path.mkdir()
    with pytest.raises(OutputError, match="could not be written"):
        journal.begin(ABOUT, keep=False)


@pytest.mark.parametrize("points", ["[" * 100_000, "[[1e400, 1]]", f"[[{'9' * 400}, 1]]", "5", "[[]]", "null"])
def test_a_line_that_is_no_landmarks_is_named(tmp_path, points):
    journal = written(tmp_path, 1)
    with journal.path.open("a") as file:
        file.write('{"points": ' + points + "}\n")
    with pytest.raises(AnnotationError, match="line 3"):
        journal.read()


def test_a_run_that_replaces_says_so_from_the_beginning(tmp_path):
    journal = Journal(tmp_path / "all.csv")
    assert not journal.replaces()
    journal.begin(ABOUT, keep=False, replaces=True)
    again = Journal(tmp_path / "all.csv")
    assert again.exists() and again.replaces() and again.read() == []
    again.begin(ABOUT, keep=True)  # going on does not forget it
    again.add(landmarks(1))
    assert Journal(tmp_path / "all.csv").replaces()
    assert_same(Journal(tmp_path / "all.csv").read(), [landmarks(1)])
    again.begin(ABOUT, keep=False)
    assert not again.exists()
