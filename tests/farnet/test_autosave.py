"""Copies of unsaved work."""

from __future__ import annotations

import itertools
import os
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from farnet.autosave import KEPT_DAYS, Autosave, Work, autosave_folder
from farnet.errors import AnnotationError, OutputError
from farnet.formats import csv as table
from farnet.identity import RadiographId
from farnet.landmarks import Landmarks
from farnet.radiograph import Radiograph
from farnet.scheme import load_scheme

SCHEME = load_scheme("cephalometric19")
SHAPE = (40, 30)


def landmarks(name="lateral", place=1.0, **changes):
    return Landmarks(np.full((19, 2), place), SCHEME, radiograph=name, **{"image_shape": SHAPE, **changes})


def identity(name="lateral", file=None, pixels=None):
    """An identity of which some is known; one letter stands for a whole hash."""
    return RadiographId(name, file and file * 64, pixels and pixels * 64, SHAPE)


def work_on(*radiographs):
    return Work.of([landmarks(item.name) for item in radiographs], radiographs)


@pytest.fixture
def store(tmp_path):
    return Autosave(tmp_path / "copies")


def kept(store, work, place=1.0):
    return store.store(work, [landmarks(item.name, place) for item in work.radiographs])


def aged(file, **age):
    then = (datetime.now(UTC) - timedelta(**age)).timestamp()
    os.utime(file, (then, then))


def test_a_copy_comes_back(store):
    work = work_on(identity(file="a", pixels="b"))
    assert store.find(work) is None
    kept(store, work, 2.5)
    copy = store.find(work)
    (again,) = store.read(copy, SCHEME)
    assert again.equals(landmarks(place=2.5))
    assert abs(datetime.now(UTC) - copy.when) < timedelta(minutes=1)
    store.discard(work)
    assert store.find(work) is None
    store.discard(work)


def test_patients_whose_files_have_one_name_and_size_never_share_a_copy(store, rng):
    """As napari's own reader and an empty layer give them: no file hash, only pixels."""
    patients = [Radiograph.from_array(rng.integers(0, 255, SHAPE, np.uint8), name="lateral") for _ in range(3)]
    works = [work_on(RadiographId.of(patient)) for patient in patients]
    for place, work in enumerate(works):
        assert store.find(work) is None
        kept(store, work, float(place))
    for place, patient in enumerate(patients):
        copy = store.find(work_on(RadiographId.of(patient)))
        assert store.read(copy, SCHEME)[0].points[0, 0] == place
    assert len(store.copies()) == 3


KNOWN = [{"file": "a"}, {"pixels": "b"}, {"file": "a", "pixels": "b"}]


@pytest.mark.parametrize(("then", "now"), list(itertools.product(KNOWN, KNOWN)))
def test_a_copy_is_found_by_whatever_is_known_of_the_radiograph(store, then, now):
    kept(store, work_on(identity("then", **then)))
    found = store.find(work_on(identity("now", **now)))
    assert (found is not None) == bool(set(then.items()) & set(now.items()))
    assert (found is not None) == (identity(**then).compare(identity(**now)) == "same")


def test_only_the_newest_copy_of_some_work_is_kept(store):
    kept(store, work_on(identity(pixels="b")), 1.0)
    kept(store, work_on(identity(file="a", pixels="b")), 2.0)
    (copy,) = store.copies()
    assert store.read(copy, SCHEME)[0].points[0, 0] == 2.0


def test_other_schemes_and_other_stacks_are_other_work(store):
    one, other = identity("one", pixels="a"), identity("other", pixels="b")
    kept(store, work_on(one, other))
    assert store.find(work_on(one, other)) is not None
    for radiographs in ([one], [other], [other, one], [one, one]):
        assert store.find(work_on(*radiographs)) is None
    assert store.find(Work("hand37", (one, other))) is None
    with pytest.raises(ValueError, match="1 landmarks and 2"):
        Work.of([landmarks()], [one, other])


def test_what_nothing_proves_is_kept_and_never_offered_as_certain(store):
    first, second = work_on(identity()), work_on(identity())
    assert not first.proved
    kept(store, first, 1.0)
    kept(store, second, 2.0)
    assert len(store.copies()) == 2  # neither overwrote the other
    later = work_on(identity())
    assert store.find(later) is None
    assert {store.read(copy, SCHEME)[0].points[0, 0] for copy in store.perhaps(later)} == {1.0, 2.0}
    assert [copy.path for copy in store.perhaps(first)] == [store.find(second).path]
    assert store.perhaps(work_on(identity("another name"))) == []
    store.discard(first)
    assert len(store.copies()) == 1


def test_half_known_stacks_are_not_proved(store):
    stack = work_on(identity("one", pixels="a"), identity("other", file="b"))
    assert not stack.proved
    kept(store, stack)
    assert store.find(work_on(*stack.radiographs)) is None


def test_copies_are_listed_and_removed_one_by_one_and_all(store):
    assert store.copies() == []
    files = [kept(store, work_on(identity(name, pixels=name[0]))) for name in ('a, "quoted"', "bé", "c")]
    kept(store, work_on(identity("d1", pixels="d"), identity("d2", pixels="e")))
    for age, file in enumerate(files, 1):
        aged(file, hours=age)
    copies = store.copies()
    assert [copy.title for copy in copies] == ["d1 and 1 more", 'a, "quoted"', "bé", "c"]
    assert [copy.size for copy in copies] == [copy.path.stat().st_size for copy in copies]
    assert copies[1].radiographs == (identity('a, "quoted"'),)
    assert store.remove(copies[2:3]) == 1
    assert store.remove(copies[2:3]) == 0  # another window was quicker
    assert len(store.copies()) == 3
    assert store.remove(store.copies()) == 3
    assert list(store.folder.iterdir()) == []


def test_copies_of_older_versions_are_listed_too(store):
    store.folder.mkdir(parents=True)
    table.FARNET_CSV.write(store.folder / f"{'0' * 32}.csv", [landmarks("old")])
    (copy,) = store.copies()
    assert copy.title == "old"
    assert store.remove([copy]) == 1


def test_copies_expire_and_that_is_told(store, caplog):
    young, old, older = (kept(store, work_on(identity(pixels=letter))) for letter in "abc")
    aged(young, days=KEPT_DAYS - 1)
    aged(old, days=KEPT_DAYS + 1)
    aged(older, days=KEPT_DAYS + 100)
    half, writing = store.folder / ".x.0123456789ab.csv", store.folder / ".y.0123456789ab.csv"
    for file in (half, writing):
        file.write_text("of a process that was killed", encoding="utf-8")
    aged(half, days=1)
    assert store.sweep() == 2
    assert [record.message for record in caplog.records if "2 autosaved copies" in record.message]
    assert set(store.folder.iterdir()) == {young, writing}
    caplog.clear()
    assert store.sweep() == 0
    assert not caplog.records
    assert store.sweep(datetime.now(UTC) + timedelta(days=2)) == 1
    assert Autosave(store.folder / "none").sweep() == 0


def test_a_damaged_copy_is_put_aside(store):
    work = work_on(identity(pixels="a"))
    for _ in range(2):  # what was put aside before stays
        kept(store, work).write_text("row,column\n1,", encoding="utf-8")
        with pytest.raises(AnnotationError, match=r"damaged.*put aside"):
            store.read(store.find(work), SCHEME)
        assert store.find(work) is None
    copies = store.copies()
    assert [(copy.damaged, copy.title) for copy in copies] == [(True, "damaged")] * 2
    with pytest.raises(AnnotationError, match="damaged"):
        store.read(copies[0], SCHEME)
    assert len(store.copies()) == 2
    assert store.remove(copies) == 2


def test_a_copy_that_cannot_be_written_leaves_the_last_one(store, monkeypatch):
    work = work_on(identity(pixels="a"))
    kept(store, work, 1.0)

    def full(self, *_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OutputError, match="No space left"):
        kept(store, work, 2.0)
    assert store.read(store.find(work), SCHEME)[0].points[0, 0] == 1.0


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be made"):
        kept(Autosave(tmp_path / "file" / "copies"), work_on(identity(pixels="a")))


def test_finding_reads_no_copy(store, monkeypatch):
    for letter in "abcdef":
        kept(store, work_on(identity(file=letter, pixels=letter)))
    monkeypatch.setattr("pathlib.Path.open", None)
    assert store.find(work_on(identity(file="c"))) is not None
    assert store.find(work_on(identity(file="g"))) is None


def test_the_folder_is_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert autosave_folder().name == "autosave"
    assert "farnet" in autosave_folder().parts
