"""Events: written at once, read as they come, whole or not at all; and the preview beside them."""

import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farnet.errors import InvalidInputError, OutputError
from farnet.training.progress import EventReader, EventWriter, Preview, read_preview, write_preview


def test_events_are_read_as_they_come(tmp_path):
    path = tmp_path / "run" / "events.jsonl"
    reader, writer = EventReader(path), EventWriter(path)
    assert reader.read() == []
    writer.emit("step", epoch=1, loss=0.123456789, seconds_left=float("nan"), array=np.array([[1.0, np.nan]]))
    (event,) = reader.read()
    assert event.pop("time") > 1.6e9
    assert event == {"event": "step", "epoch": 1, "loss": 0.1234568, "seconds_left": None, "array": [[1.0, None]]}
    assert reader.read() == []
    writer.emit("paused")
    writer.emit("resumed")
    assert [event["event"] for event in reader.read()] == ["paused", "resumed"]
    writer.close()


def test_half_a_line_waits(tmp_path):
    path = tmp_path / "events.jsonl"
    reader = EventReader(path)
    path.write_text('{"event": "paused"}\n{"eve')
    assert len(reader.read()) == 1
    with path.open("a") as file:
        file.write('nt": "resumed"}\n')
    assert reader.read() == [{"event": "resumed"}]


def test_a_run_that_goes_on_adds_and_a_new_one_begins_anew(tmp_path):
    path = tmp_path / "events.jsonl"
    for append, count in ((False, 1), (True, 2), (False, 1)):
        writer = EventWriter(path, append=append)
        writer.emit("paused")
        writer.close()
        assert len(EventReader(path).read()) == count
    reader = EventReader(path)
    reader.read()
    path.write_text("")
    assert reader.read() == []
    path.write_text('{"event": "x"}\n')
    assert len(reader.read()) == 1


def test_a_stream():
    stream = io.StringIO()
    writer = EventWriter(stream)
    writer.emit("paused")
    writer.close()
    assert json.loads(stream.getvalue())["event"] == "paused"
    assert not stream.closed


def test_nobody_reads_any_more():
    class Broken(io.StringIO):
        def write(self, _):
            raise BrokenPipeError

    writer = EventWriter(Broken())
    writer.emit("paused")
    writer.emit("resumed")  # the training goes on


def test_nothing_is_written_without_a_target(tmp_path):
    EventWriter(None).emit("paused")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_room_for_the_last_word(tmp_path):
    path = tmp_path / "events.jsonl"
    writer = EventWriter(path)
    writer.emit("step")
    (reserve,) = [item for item in tmp_path.iterdir() if item != path]
    assert reserve.stat().st_size >= 2**16
    writer.emit("failed", kind="disk")
    assert list(tmp_path.iterdir()) == [path]
    writer.close()


def test_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write the events"):
        EventWriter(tmp_path / "file" / "events.jsonl").emit("step")


@pytest.mark.parametrize("line", [b"nonsense\n", b"[1]\n", b'{"kind": "x"}\n', b"\xff\xfe\n"])
def test_a_line_that_is_no_event(tmp_path, line):
    (tmp_path / "events.jsonl").write_bytes(line)
    with pytest.raises(InvalidInputError, match="no event"):
        EventReader(tmp_path / "events.jsonl").read()


@given(st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(), st.lists, max_leaves=8))
def test_every_event_is_json(value):
    stream = io.StringIO()
    EventWriter(stream).emit("x", value=value)
    (line,) = stream.getvalue().splitlines()
    json.loads(line, parse_constant=lambda name: pytest.fail(name))


class TestPreview:
    @pytest.fixture
    def preview(self):
        references = np.array([[[10.0, 10.0], [20.0, 5.0]]])
        points = references + np.array([[[3.0, 4.0], [np.nan, np.nan]]])
        return Preview(
            epoch=3,
            names=("a",),
            images=np.zeros((1, 32, 32), np.uint8),
            points=points,
            references=references,
            units=np.array([[0.5, 0.5]]),
            in_mm=np.array([True]),
            heatmaps=np.zeros((1, 8, 8), np.float16),
            landmarks=("Top", "Bottom"),
        )

    def test_it_comes_back(self, preview, tmp_path):
        write_preview(tmp_path / "preview.npz", preview)
        back = read_preview(tmp_path / "preview.npz")
        assert (back.epoch, back.names, back.landmarks) == (3, ("a",), ("Top", "Bottom"))
        np.testing.assert_array_equal(back.points, preview.points)
        assert back.heatmaps.shape == (1, 8, 8)
        assert [path.name for path in tmp_path.iterdir()] == ["preview.npz"]

    def test_errors_are_in_mm(self, preview):
        np.testing.assert_allclose(preview.errors, [[2.5, np.nan]])

    def test_damage_is_told(self, preview, tmp_path):
        path = tmp_path / "preview.npz"
        with pytest.raises(InvalidInputError, match="cannot read the preview"):
            read_preview(path)
        write_preview(path, preview)
        path.write_bytes(path.read_bytes()[:200])
        with pytest.raises(InvalidInputError, match="cannot read the preview"):
            read_preview(path)
