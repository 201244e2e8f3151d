"""What the dock does off the GUI thread, here without threads: however it ends, it tells."""

from __future__ import annotations

import threading

import pytest
from PIL import Image

from farnet.batch import BatchItem
from farnet.batch_journal import Journal
from farnet.batch_plan import BatchPlan
from farnet.batch_request import BatchRequest
from farnet.errors import InvalidInputError, OutputError
from napari_farnet.detect.workers import DetectorKeeper
from napari_farnet.folder.work import Ending, Listing, detect_folder, list_folder
from napari_farnet.threads import Failure, Progress


@pytest.fixture
def request_(tmp_path, radiograph_pixels):
    """Two radiographs a and b, and a table beside them."""
    for number, name in enumerate("ab"):
        Image.fromarray(radiograph_pixels[number:]).save(tmp_path / f"{name}.png")
    return BatchRequest(radiographs=(tmp_path,), model="fake", output=tmp_path / "all.csv", resume=True)


def to_the_end(generator, stop=None, after=None):
    """Go through a generator; gives what it yielded and what it returned. `stop` is set after so many items."""
    yielded = []
    while True:
        try:
            yielded.append(next(generator))
        except StopIteration as end:
            return yielded, end.value
        if stop is not None and sum(isinstance(item, BatchItem) for item in yielded) == after:
            stop.set()


def detected(request, stop=None, after=None):
    stop = stop or threading.Event()
    return to_the_end(detect_folder(stop, BatchPlan.of(request), DetectorKeeper()), stop, after)


def test_what_is_there_and_what_is_known(fake, request_):
    _, (asked, listing) = to_the_end(list_folder(threading.Event(), request_))
    assert asked is request_ and isinstance(listing, Listing)
    assert listing.plan.names == ("a", "b") and not listing.known and not listing.obstacle
    detected(request_, after=1)
    _, (_, listing) = to_the_end(list_folder(threading.Event(), request_))
    assert list(listing.known) == [0]


def test_why_it_cannot_be_told(fake, tmp_path):
    request = BatchRequest(radiographs=(tmp_path / "nowhere",))
    _, (asked, failure) = to_the_end(list_folder(threading.Event(), request))
    assert asked is request and isinstance(failure, Failure) and failure.expected


def test_to_the_end(fake, request_):
    yielded, ending = detected(request_)
    assert isinstance(yielded[0], Progress) and "fake" in yielded[0].text
    assert [item.name for item in yielded[1:]] == ["a", "b"]
    assert ending == Ending(request_.output)


def test_stopped_after_a_radiograph(fake, request_):
    yielded, ending = detected(request_, after=1)
    assert len(yielded) == 2 and ending == Ending(request_.output)
    assert not Journal(request_.output).exists()


def test_stopped_before_it_began(fake, request_):
    stop = threading.Event()
    stop.set()
    _, ending = detected(request_, stop)
    assert ending is None and not fake.made


def test_what_cannot_begin_says_why(fake, request_):
    detected(request_)
    _, failure = detected(BatchRequest(radiographs=request_.radiographs, model="fake", output=request_.output))
    assert isinstance(failure, Failure) and isinstance(failure.error, InvalidInputError)


def test_a_defect_is_told_of_its_radiograph_and_what_was_found_is_written(fake, request_):
    stop = threading.Event()
    steps = detect_folder(stop, BatchPlan.of(request_), DetectorKeeper())
    next(steps)
    assert next(steps).status == "done"
    fake.fail = ZeroDivisionError()
    rest, ending = to_the_end(steps)
    (failed,) = [item for item in rest if isinstance(item, BatchItem)]
    assert failed.status == "failed" and "ZeroDivisionError" in failed.message
    assert ending.failure is None
    assert ending.output == request_.output and request_.output.is_file()


def test_a_table_that_cannot_be_written_is_told_and_the_journal_stays(fake, request_, monkeypatch):
    def full(*_, **__):
        raise OutputError("the disk is full")

    monkeypatch.setattr("farnet.formats.write_annotations", full)
    _, ending = detected(request_)
    assert ending.output is None and "disk is full" in str(ending.failure.error)
    assert len(Journal(request_.output).read()) == 2
