"""The folder of a run: held by one process, and telling how the run ended."""

import os
import subprocess
import sys

import pytest

from farnet.errors import OutputError
from farnet.training.progress import EventWriter
from farnet.training.runfolder import CONFIG_FILE, EVENTS_FILE, is_running, last_event, lock_run, running_pid, state_of

HOLD = """
import sys, time
from pathlib import Path
from farnet.training.runfolder import lock_run
with lock_run(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_process_holds_it(tmp_path):
    run = tmp_path / "run"
    assert not is_running(run) and running_pid(run) is None
    with lock_run(run):
        assert is_running(run) and running_pid(run) == os.getpid()
        with pytest.raises(OutputError, match=f"runs in .* already .process {os.getpid()}"), lock_run(run):
            pass
    assert not is_running(run)
    with lock_run(run):
        pass


def test_a_killed_process_lets_go(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        assert running_pid(tmp_path) == process.pid
        process.kill()
        process.wait(10)
    assert not is_running(tmp_path)


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot use"), lock_run(tmp_path / "file"):
        pass
    assert not is_running(tmp_path / "file")


def test_states(tmp_path):
    assert state_of(tmp_path) == "none" and last_event(tmp_path) is None
    (tmp_path / CONFIG_FILE).write_text("{}")
    assert state_of(tmp_path) == "resumable"
    ends = [
        ("step", {}, "resumable"),
        ("failed", {"kind": "oom"}, "resumable"),
        ("stopped", {"model": None}, "resumable"),
        ("stopped", {"model": "x.safetensors"}, "stopped"),
        ("finished", {"model": "x.safetensors"}, "finished"),
    ]
    for event, values, state in ends:
        writer = EventWriter(tmp_path / EVENTS_FILE, append=True)
        writer.emit(event, **values)
        writer.close()
        assert state_of(tmp_path) == state and last_event(tmp_path)["event"] == event
    with lock_run(tmp_path):
        assert state_of(tmp_path) == "running"
