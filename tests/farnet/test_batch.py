"""Many radiographs, one after another: nothing is found twice, and nothing that was found is lost."""

from __future__ import annotations

import os

import numpy as np
import pytest

from farnet import read_annotations
from farnet.batch import BatchRun, detect_batch
from farnet.batch_journal import Journal
from farnet.batch_request import BatchRequest
from farnet.errors import DeviceError, InvalidInputError, OutputError

from .batches import Counting, begin, killed, run, statuses, write_radiograph


@pytest.fixture
def scans(tmp_path):
    """A folder of three radiographs a, b, c."""
    for seed, name in enumerate("cab"):
        write_radiograph(tmp_path / "scans" / f"{name}.png", seed)
    return tmp_path / "scans"


@pytest.fixture
def table(tmp_path):
    return tmp_path / "out" / "all.csv"


def names(table):
    return [item.radiograph for item in read_annotations(table)]


def full(*_, **__):
    raise OutputError("the disk is full")


def test_a_folder_in_order_into_one_table(scans, table):
    detector = Counting()
    items = run(detector, scans, table, spacing=0.1)
    assert [(item.number, item.name, item.status) for item in items] == [
        (0, "a", "done"),
        (1, "b", "done"),
        (2, "c", "done"),
    ]
    assert detector.seen == ["a", "b", "c"]
    assert [item.path for item in items] == [scans / f"{name}.png" for name in "abc"]
    read = read_annotations(table)
    assert [item.radiograph for item in read] == ["a", "b", "c"]
    for item, was in zip(read, items, strict=True):
        np.testing.assert_array_equal(item.points, was.landmarks.points)
        assert item.spacing == (0.1, 0.1)
        assert item.provenance["model_sha256"] == detector.sha256
    assert len({item.points[0, 0] for item in read}) == 3
    assert not Journal(table).exists()
    assert [item.name for item in table.parent.iterdir()] == ["all.csv"]


def test_what_is_yielded_is_on_the_disk(scans, table):
    run_ = begin(scans, table)
    for count, _ in enumerate(run_.items(Counting()), 1):
        assert [item.radiograph for item in Journal(table).read()] == ["a", "b", "c"][:count]
        assert not table.exists()
    assert run_.finish() == table
    assert run_.finish() == table  # once more changes nothing
    assert not Journal(table).exists()


def test_an_unreadable_file_is_listed_and_the_others_are_done(scans, table):
    (scans / "aa.png").write_text("no picture")
    (scans / "empty.dcm").write_bytes(b"")
    items = run(Counting(), (scans, scans / "nowhere.png"), table)
    assert statuses(items) == [
        ("a", "done"),
        ("aa", "failed"),
        ("b", "done"),
        ("c", "done"),
        ("empty", "failed"),
        ("nowhere", "failed"),
    ]
    failed = [item for item in items if item.status == "failed"]
    assert all(item.landmarks is None for item in failed)
    for item, word in zip(failed, ("aa.png", "empty", "There is no file"), strict=True):
        assert word in item.message
    assert names(table) == ["a", "b", "c"]


def test_a_radiograph_that_the_detector_cannot_use_does_not_end_the_run(scans, table):
    detector = Counting(fail={"b": InvalidInputError("b is too small")})
    items = run(detector, scans, table)
    assert statuses(items) == [("a", "done"), ("b", "failed"), ("c", "done")]
    assert items[1].message == "b is too small"
    assert names(table) == ["a", "c"]


def test_nothing_is_written_where_everything_fails(tmp_path, table):
    assert statuses(run(Counting(), tmp_path / "nowhere.png", table)) == [("nowhere", "failed")]
    assert not table.parent.exists()


# Going on


def test_resume_does_nothing_twice(scans, table):
    first = run(Counting(), scans, table)
    before = table.read_bytes()
    detector = Counting()
    again = run(detector, scans, table, resume=True)
    assert detector.seen == []
    assert statuses(again) == [("a", "skipped"), ("b", "skipped"), ("c", "skipped")]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.landmarks.points, other.landmarks.points)
    assert table.read_bytes() == before


def test_resume_of_nothing_begins(scans, table):
    assert [item.status for item in run(Counting(), scans, table, resume=True)] == ["done"] * 3
    assert names(table) == ["a", "b", "c"]


def test_a_killed_run_goes_on_from_its_journal(scans, table):
    killed(Counting(), scans, table, 2)
    assert not table.exists() and Journal(table).exists()
    with pytest.raises(InvalidInputError, match="cut off"):
        run(Counting(), scans, table)
    detector = Counting()
    items = run(detector, scans, table, resume=True)
    assert statuses(items) == [("a", "skipped"), ("b", "skipped"), ("c", "done")]
    assert detector.seen == ["c"]
    assert names(table) == ["a", "b", "c"]
    assert not Journal(table).exists()


def test_killed_again_and_again_it_still_gets_there(scans, table):
    for count in range(1, 3):  # each run finds one more, and is killed
        detector = Counting()
        killed(detector, scans, table, count, resume=True)
        assert len(detector.seen) == 1
    detector = Counting()
    run(detector, scans, table, resume=True)
    assert detector.seen == ["c"]
    assert names(table) == ["a", "b", "c"]


def test_a_run_that_is_killed_after_its_last_radiograph_only_writes_the_table(scans, table):
    killed(Counting(), scans, table, 3)
    detector = Counting()
    assert {item.status for item in run(detector, scans, table, resume=True)} == {"skipped"}
    assert detector.seen == []
    assert names(table) == ["a", "b", "c"]


def test_a_stopped_run_writes_its_table_and_keeps_the_order(scans, table):
    items = detect_batch(BatchRequest(radiographs=(scans,), output=table), Counting())
    next(items)
    items.close()
    assert names(table) == ["a"]
    write_radiograph(scans / "0.png", 7)
    detector = Counting()
    items = detect_batch(BatchRequest(radiographs=(scans,), output=table, resume=True), detector)
    assert statuses([next(items), next(items), next(items)]) == [("0", "done"), ("a", "skipped"), ("b", "done")]
    items.close()
    assert names(table) == ["0", "a", "b"]


def test_stopping_a_resumed_run_early_loses_nothing_of_before(scans, table):
    run(Counting(), scans, table)
    items = detect_batch(BatchRequest(radiographs=(scans,), output=table, resume=True), Counting())
    next(items)
    items.close()
    assert names(table) == ["a", "b", "c"]


def test_a_journal_that_is_newer_than_its_table_wins(scans, table):
    run(Counting(), scans, table)
    write_radiograph(scans / "b.png", 9)
    killed(Counting(), scans, table, 2, resume=True)  # b is done again, and only the journal knows
    detector = Counting()
    items = run(detector, scans, table, resume=True)
    assert detector.seen == []
    (b,) = (item for item in read_annotations(table) if item.radiograph == "b")
    np.testing.assert_array_equal(b.points, items[1].landmarks.points)
    assert b.image_sha256 == items[1].landmarks.image_sha256


def test_a_changed_file_is_done_again(scans, table):
    (_, before, _) = run(Counting(), scans, table)
    write_radiograph(scans / "b.png", 9)
    detector = Counting()
    items = run(detector, scans, table, resume=True)
    assert detector.seen == ["b"]
    assert statuses(items) == [("a", "skipped"), ("b", "done"), ("c", "skipped")]
    assert names(table) == ["a", "b", "c"]
    assert items[1].landmarks.image_sha256 != before.landmarks.image_sha256
    np.testing.assert_array_equal(read_annotations(table)[1].points, items[1].landmarks.points)


def test_a_renamed_file_keeps_its_landmarks_under_its_new_name(scans, table):
    run(Counting(), scans, table)
    (scans / "b.png").rename(scans / "z.png")
    detector = Counting()
    items = run(detector, scans, table, resume=True)
    assert detector.seen == []
    assert statuses(items) == [("a", "skipped"), ("c", "skipped"), ("z", "skipped")]
    assert names(table) == ["a", "c", "z"]
    assert items[2].landmarks.radiograph == "z"


@pytest.mark.parametrize("format", ["farnet-csv", "labelme"])
def test_two_files_that_changed_names_are_not_confused(scans, tmp_path, format):
    place = tmp_path / ("all.csv" if format == "farnet-csv" else "all")
    first = {item.name: item.landmarks.points for item in run(Counting(), scans, place, format=format)}
    (scans / "a.png").rename(scans / "t.png")
    (scans / "b.png").rename(scans / "a.png")
    (scans / "t.png").rename(scans / "b.png")
    detector = Counting()
    run(detector, scans, place, format=format, resume=True)
    assert detector.seen == []
    tables = sorted(place.iterdir()) if place.is_dir() else [place]
    read = {item.radiograph: item.points for table in tables for item in read_annotations(table)}
    assert list(read) == ["a", "b", "c"]
    np.testing.assert_array_equal(read["a"], first["b"])
    np.testing.assert_array_equal(read["b"], first["a"])


def test_pictures_of_files_that_changed_names_are_drawn_again(scans, table):
    before = [item.picture.read_bytes() for item in run(Counting(), scans, table, overlay=True)]
    (scans / "a.png").rename(scans / "t.png")
    (scans / "b.png").rename(scans / "a.png")
    (scans / "t.png").rename(scans / "b.png")
    detector = Counting()
    items = run(detector, scans, table, overlay=True, resume=True)
    assert detector.seen == ["a", "b"]
    now = [item.picture.read_bytes() for item in items]
    assert [one == other for one, other in zip(before, now, strict=True)] == [False, False, True]


def test_copies_of_one_file_are_all_there(scans, table):
    (scans / "d.png").write_bytes((scans / "a.png").read_bytes())
    run(Counting(), scans, table)
    detector = Counting()
    assert {item.status for item in run(detector, scans, table, resume=True)} == {"skipped"}
    assert names(table) == ["a", "b", "c", "d"]


def test_a_file_that_is_gone_or_broken_now_keeps_its_row(scans, table):
    run(Counting(), scans, table)
    (scans / "a.png").unlink()
    (scans / "b.png").write_text("broken since")
    write_radiograph(scans / "d.png", 5)
    items = run(Counting(), scans, table, resume=True)
    assert statuses(items) == [("b", "failed"), ("c", "skipped"), ("d", "done")]
    assert sorted(names(table)) == ["a", "b", "c", "d"]


def test_another_model_is_refused_and_nothing_is_changed(scans, table):
    run(Counting("one"), scans, table)
    before = table.read_bytes()
    other = Counting("two")
    with pytest.raises(InvalidInputError, match=r"not from the model file of two.*--force"):
        run(other, scans, table, resume=True)
    assert other.seen == []
    assert table.read_bytes() == before
    assert [item.name for item in table.parent.iterdir()] == ["all.csv"]
    run(other, scans, table, force=True)
    assert {item.source for item in read_annotations(table)} == {"model two"}


def test_a_journal_of_another_model_is_refused_and_kept(scans, table):
    killed(Counting("one"), scans, table, 2)
    before = Journal(table).path.read_bytes()
    with pytest.raises(InvalidInputError, match="one table is of one model"):
        run(Counting("two"), scans, table, resume=True)
    assert Journal(table).path.read_bytes() == before


def test_a_table_of_somebody_else_is_not_gone_on_with(scans, table):
    run(Counting(), scans, table)
    (one, *others) = read_annotations(table)
    from farnet.formats import write_annotations

    write_annotations(table, [one.replace(source="manual", provenance={}), *others])
    with pytest.raises(InvalidInputError, match="'manual'"):
        run(Counting(), scans, table, resume=True)


@pytest.mark.parametrize(
    ("then", "now", "same"),
    [
        ({}, {}, True),
        ({}, {"spacing": 0.1}, False),
        ({"spacing": 0.1}, {"spacing": 0.1}, True),
        ({"spacing": 0.1}, {"spacing": 0.2}, False),
        ({"spacing": 0.1}, {}, False),
    ],
)
def test_another_size_of_a_pixel_is_done_again(scans, table, then, now, same):
    run(Counting(), scans, table, **then)
    detector = Counting()
    run(detector, scans, table, resume=True, **now)
    assert detector.seen == ([] if same else ["a", "b", "c"])
    wanted = now.get("spacing")
    assert {item.spacing for item in read_annotations(table)} == {None if wanted is None else (wanted, wanted)}


def test_force_begins_anew(scans, table):
    killed(Counting(), scans, table, 1)
    table.write_text("not a table")
    detector = Counting()
    run(detector, scans, table, force=True)
    assert detector.seen == ["a", "b", "c"]
    assert names(table) == ["a", "b", "c"]
    assert not Journal(table).exists()


# Where things go wrong


def test_a_table_that_cannot_be_written_keeps_the_journal_and_resume_writes_it(scans, table, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("farnet.formats.write_annotations", full)
        with pytest.raises(OutputError, match="disk is full"):
            run(Counting(), scans, table)
    assert not table.exists()
    assert len(Journal(table).read()) == 3
    detector = Counting()
    run(detector, scans, table, resume=True)
    assert detector.seen == []
    assert names(table) == ["a", "b", "c"]


def test_a_table_that_could_not_be_written_can_be_tried_again(scans, table, monkeypatch):
    run_ = begin(scans, table)
    list(run_.items(Counting()))
    with monkeypatch.context() as patch:
        patch.setattr("farnet.formats.write_annotations", full)
        with pytest.raises(OutputError):
            run_.finish()
    assert run_.finish() == table
    assert names(table) == ["a", "b", "c"]


def test_a_journal_that_cannot_be_written_ends_the_run_and_keeps_what_was_found(scans, table, monkeypatch):
    add = Journal.add

    def fills_up(self, landmarks):
        add(self, landmarks) if landmarks.radiograph == "a" else full()

    monkeypatch.setattr(Journal, "add", fills_up)
    detector = Counting()
    with pytest.raises(OutputError, match="disk is full"):
        run(detector, scans, table)
    assert detector.seen == ["a", "b"]
    assert names(table) == ["a", "b"]


def test_a_lost_device_ends_the_run_and_keeps_what_was_found(scans, table):
    detector = Counting(fail={"b": DeviceError("cuda has too little memory")})
    with pytest.raises(DeviceError):
        run(detector, scans, table)
    assert names(table) == ["a"]


class Panic(BaseException):
    """As extension modules in Rust raise them."""


DEFECTS = [ZeroDivisionError("x"), MemoryError(), RecursionError(), KeyError("a"), OSError(5, "broken"), Panic()]


@pytest.mark.parametrize("error", DEFECTS, ids=repr)
@pytest.mark.parametrize("where", ["hash", "read", "detect", "table", "picture"])
def test_whatever_one_radiograph_does_the_others_are_done(scans, tmp_path, monkeypatch, where, error):
    import farnet.batch
    import farnet.overlay

    plain_read, plain_draw, plain_write = farnet.batch.read_radiograph, farnet.overlay.write_overlay, BatchRun._write

    def spoilt(plain, place=0):
        def call(*args, **options):
            if "b" in (getattr(args[place], "name", ""), getattr(args[place], "stem", "")):
                raise error
            return plain(*args, **options)

        return call

    if where == "read":
        monkeypatch.setattr(farnet.batch, "read_radiograph", spoilt(plain_read))
    elif where == "picture":
        monkeypatch.setattr(farnet.overlay, "write_overlay", spoilt(plain_draw))
    elif where == "table":
        monkeypatch.setattr(BatchRun, "_write", spoilt(plain_write, 1))
    elif where == "hash":
        monkeypatch.setattr(BatchRun, "_kept", lambda _, number: spoilt(lambda _: None)(scans / f"{'abc'[number]}.png"))
    detector = Counting(fail={"b": error} if where == "detect" else {})
    items = run(detector, scans, tmp_path / "out", format="labelme", overlay=True)
    assert [item.name for item in items if not item.message] == ["a", "c"]
    assert items[1].status == ("done" if where == "picture" else "failed")
    assert "\n" not in items[1].message
    said = "memory" if isinstance(error, MemoryError) else type(error).__name__
    assert said in items[1].message
    tables = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert tables == (["a.json", "b.json", "c.json"] if where == "picture" else ["a.json", "c.json"])


@pytest.mark.parametrize("error", DEFECTS, ids=repr)
def test_a_group_that_a_defect_spoils_is_done_one_by_one(tmp_path, error):
    for number in range(4):
        write_radiograph(tmp_path / "scans" / f"{number}.png", number)
    items = run(Together(fail={"2": error}), tmp_path / "scans", tmp_path / "all.csv")
    assert [item.status for item in items] == ["done", "done", "failed", "done"]


@pytest.mark.parametrize("wish", [KeyboardInterrupt, SystemExit])
def test_a_wish_to_end_ends_the_run_and_keeps_what_was_found(scans, table, wish):
    with pytest.raises(wish):
        run(Counting(fail={"b": wish()}), scans, table)
    assert names(table) == ["a"]


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_a_disk_that_fills_up_within_a_line_costs_no_work(scans, table, monkeypatch):
    """A limit on the size of files does what a full disk does: some bytes are written, then no more."""
    import resource

    table.parent.mkdir()
    run_ = begin(scans, table)
    items = run_.items(Counting())
    next(items)
    size = Journal(table).path.stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, before[1]))
        with pytest.raises(OutputError, match=r"journal could not be written.*--resume goes on with it.*Make room"):
            next(items)
        with pytest.raises(OutputError, match=r"all\.csv could not be written.*kept in .*journal, and --resume"):
            run_.finish()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in table.parent.iterdir()] == [".all.csv.journal"]
    detector = Counting()
    assert statuses(run(detector, scans, table, resume=True)) == [("a", "skipped"), ("b", "done"), ("c", "done")]
    assert names(table) == ["a", "b", "c"]


# Beginning anew, and cut off


def models(place):
    tables = sorted(place.iterdir()) if place.is_dir() else [place]
    return {item.radiograph: item.source for table in tables for item in read_annotations(table)}


@pytest.mark.parametrize("format", ["farnet-csv", "labelme"])
@pytest.mark.parametrize("old", ["one", "two"])
@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_run_that_replaces_and_is_killed_goes_on_and_mixes_nothing(scans, tmp_path, format, old, after):
    place = tmp_path / ("all.csv" if format == "farnet-csv" else "all")
    run(Counting(old), scans, place, format=format, overlay=True, spacing=0.5)
    pictures = {path.name: path.read_bytes() for path in (tmp_path / "all-overlays").iterdir()}
    options = {"format": format, "overlay": True}
    if after:
        killed(Counting("one", absent=()), scans, place, after, force=True, **options)
    else:  # before its first radiograph
        begin(scans, place, force=True, **options)._begin(Counting("one"))
    done = list("abc")[:after]
    detector = Counting("one", absent=())
    items = run(detector, scans, place, resume=True, **options)
    assert detector.seen == list("abc")[after:]
    assert [item.name for item in items if item.status == "skipped"] == done
    assert models(place) == dict.fromkeys("abc", "model one")
    assert all(item.landmarks.present.all() and item.landmarks.spacing is None for item in items)
    for picture in (tmp_path / "all-overlays").iterdir():
        assert picture.read_bytes() != pictures[picture.name]
    assert not list(tmp_path.glob(".*journal"))


def test_a_run_that_replaces_is_killed_again_and_again(scans, table):
    run(Counting("two"), scans, table)
    killed(Counting("one"), scans, table, 1, force=True)
    killed(Counting("one"), scans, table, 2, resume=True)
    assert models(table) == dict.fromkeys("abc", "model two")  # not touched before the new one is whole
    with pytest.raises(InvalidInputError, match="one table is of one model"):
        run(Counting("two"), scans, table, resume=True)
    detector = Counting("one")
    run(detector, scans, table, resume=True)
    assert detector.seen == ["c"]
    assert models(table) == dict.fromkeys("abc", "model one")


def test_a_picture_of_before_is_not_taken_for_that_of_new_landmarks(scans, table, monkeypatch):
    """Killed between the landmarks and their picture, the old picture would stand beside the new landmarks."""
    run(Counting("two"), scans, table, overlay=True)
    picture = table.parent / "all-overlays" / "a.png"
    monkeypatch.setattr("farnet.overlay.write_overlay", lambda *_: (_ for _ in ()).throw(SystemExit))
    items = begin(scans, table, force=True, overlay=True).items(Counting("one"))
    with pytest.raises(SystemExit):
        next(items)
    assert not picture.exists()
    monkeypatch.undo()
    run(Counting("one"), scans, table, resume=True, overlay=True)
    assert picture.exists()


def test_a_run_that_replaces_and_finds_nothing_leaves_the_table_and_no_journal(scans, table):
    run(Counting("two"), scans, table)
    failing = {name: InvalidInputError("no") for name in "abc"}
    run(Counting("one", fail=failing), scans, table, force=True)
    assert models(table) == dict.fromkeys("abc", "model two")
    assert [path.name for path in table.parent.iterdir()] == ["all.csv"]


def test_a_picture_that_cannot_be_written_costs_no_landmarks(scans, table, monkeypatch):
    monkeypatch.setattr("farnet.overlay.write_overlay", full)
    items = run(Counting(), scans, table, overlay=True)
    assert [(item.status, item.message, item.picture) for item in items] == [("done", "the disk is full", None)] * 3
    assert items[0].unwritten == table.parent / "all-overlays" / "a.png"
    assert names(table) == ["a", "b", "c"]


def test_a_picture_that_is_missing_is_drawn_by_resume(scans, table):
    items = run(Counting(), scans, table, overlay=True)
    items[1].picture.unlink()
    detector = Counting()
    items = run(detector, scans, table, overlay=True, resume=True)
    assert detector.seen == ["b"]
    assert all(item.picture.is_file() for item in items)


# Formats, and where the results are


def test_pictures_in_the_folder_of_the_radiographs_are_no_radiographs(scans):
    for _ in range(2):
        items = run(Counting(), scans, scans / "landmarks.csv", overlay=True, recursive=True, resume=True)
        assert [item.name for item in items] == ["a", "b", "c"]
    assert sorted(path.name for path in (scans / "landmarks-overlays").iterdir()) == ["a.png", "b.png", "c.png"]


@pytest.mark.parametrize(("name", "format"), [("labelme", "labelme"), ("markups", "slicer-markups")])
def test_a_format_of_one_radiograph_a_file(scans, tmp_path, name, format):
    folder = tmp_path / name
    items = detect_batch(BatchRequest(radiographs=(scans,), output=folder, format=format), Counting())
    next(items)
    assert len(list(folder.iterdir())) == 1  # a table is there before the next radiograph begins
    items.close()
    detector = Counting()
    assert statuses(run(detector, scans, folder, format=format, resume=True))[0] == ("a", "skipped")
    assert detector.seen == ["b", "c"]
    files = sorted(folder.iterdir())
    assert [path.name.partition(".")[0] for path in files] == ["a", "b", "c"]
    for path, radiograph in zip(files, "abc", strict=True):
        assert [item.radiograph for item in read_annotations(path)] == [radiograph]


def test_a_format_that_knows_no_model_says_so(scans, tmp_path):
    detector = Counting(absent=())
    run(detector, scans, tmp_path / "points", format="isbi-txt")
    with pytest.raises(InvalidInputError, match=r"do not say which model.*isbi-txt"):
        run(Counting(absent=()), scans, tmp_path / "points", format="isbi-txt", resume=True)


@pytest.mark.parametrize("name", ["all.coco.json", "all.tps"])
def test_resume_in_formats_of_other_programs(scans, tmp_path, name):
    run(Counting(), scans, tmp_path / name)
    detector = Counting()
    run(detector, scans, tmp_path / name, resume=True)
    assert detector.seen == []
    assert names(tmp_path / name) == ["a", "b", "c"]


def test_the_same_name_in_two_folders(tmp_path, table):
    for seed, folder in enumerate(("one", "two")):
        write_radiograph(tmp_path / folder / "1.png", seed)
    folders = (tmp_path / "one", tmp_path / "two")
    first = run(Counting(), folders, table, overlay=True)
    assert [item.name for item in first] == [str(folder / "1.png") for folder in folders]
    assert len({item.picture for item in first}) == 2
    detector = Counting()
    again = run(detector, folders, table, resume=True)
    assert detector.seen == []
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.landmarks.points, other.landmarks.points)


def test_a_name_that_is_no_longer_alone_keeps_its_landmarks(tmp_path, table):
    write_radiograph(tmp_path / "one" / "1.png", 1)
    write_radiograph(tmp_path / "two" / "1.png", 2)
    run(Counting(), tmp_path / "one", table)
    detector = Counting()
    items = run(detector, (tmp_path / "one", tmp_path / "two"), table, resume=True)
    assert [item.status for item in items] == ["skipped", "done"]
    assert names(table) == [str(tmp_path / "one" / "1.png"), str(tmp_path / "two" / "1.png")]


@pytest.mark.skipif(os.name == "nt", reason="names of files are no bytes there")
@pytest.mark.parametrize("name", ["all.csv", "all.coco.json", "all.tps"])
def test_a_file_whose_name_is_no_text(scans, tmp_path, name):
    strange = os.fsdecode(b"sch\xe4del")
    (scans / "b.png").rename(scans / f"{strange}.png")
    table = tmp_path / name
    run(Counting(), scans, table)
    assert names(table) == ["a", "c", "sch%e4del"]
    detector = Counting()
    run(detector, scans, table, resume=True)
    assert detector.seen == []


def test_the_real_detector_goes_the_same_way(scans, table, tmp_path):
    from farnet.detection import Detector

    from .models import write_tiny_model

    write_tiny_model(tmp_path / "tiny.safetensors")
    detector = Detector(tmp_path / "tiny.safetensors", "cpu")
    first = run(detector, scans, table)
    again = run(detector, scans, table, resume=True)
    assert [item.status for item in again] == ["skipped"] * 3
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.landmarks.points, other.landmarks.points)
        assert one.landmarks.provenance == other.landmarks.provenance


class Together(Counting):
    """A detector on a GPU: looks at several at once, and notes how many."""

    def __init__(self, **options):
        super().__init__(**options)
        self.device, self.groups = "cuda", []

    def detect_many(self, radiographs):
        self.groups.append(len(radiographs))
        return [self.detect(radiograph) for radiograph in radiographs]


class TestOnAGPU:
    def test_several_are_looked_at_at_once_in_order(self, tmp_path):
        for number in range(19):
            write_radiograph(tmp_path / "scans" / f"{number:02}.png", number)
        (tmp_path / "scans" / "03.png").write_bytes(b"no picture")
        detector = Together()
        items = run(detector, tmp_path / "scans", tmp_path / "all.csv")
        assert detector.groups == [7, 8, 3]
        assert [item.name for item in items] == [f"{number:02}" for number in range(19)]
        assert [item.status for item in items] == ["done" if item.name != "03" else "failed" for item in items]
        plain = run(Counting(), tmp_path / "scans", tmp_path / "plain.csv")
        for one, other in zip(items, plain, strict=True):
            if one.landmarks is not None:
                np.testing.assert_array_equal(one.landmarks.points, other.landmarks.points)

    def test_one_that_spoils_its_group_fails_alone(self, tmp_path):
        for number in range(4):
            write_radiograph(tmp_path / "scans" / f"{number}.png", number)
        detector = Together(fail={"2": InvalidInputError("too strange")})
        items = run(detector, tmp_path / "scans", tmp_path / "all.csv")
        assert [item.status for item in items] == ["done", "done", "failed", "done"]
        assert items[2].message == "too strange"
