"""A training in a process of its own: followed, told what to do, killed, found again, and never left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from farnet.detection import Detector
from farnet.errors import OutputError
from farnet.training.process import TrainingProcess, discard_run
from farnet.training.runfolder import BEST_CHECKPOINT, EVENTS_FILE, LOG_FILE, is_running, state_of

FAKE = (sys.executable, str(Path(__file__).with_name("fake_training.py")))


@pytest.fixture
def begin(tmp_path):
    """Starts a fake training; whatever it does, it is gone after the test."""
    begun = []

    def start(*arguments, run="run", program=FAKE, **keywords):
        process = TrainingProcess.start(arguments, tmp_path / run, program=program, **keywords)
        begun.append(process)
        return process

    yield start
    for process in begun:
        process.kill()
        assert not process.alive


def until(process, kind, seconds=60.0, events=None):
    """Read events until one of a kind comes; gives all of them."""
    seen = [] if events is None else events
    deadline = time.monotonic() + seconds
    while not any(event["event"] == kind for event in seen):
        assert time.monotonic() < deadline, f"no {kind!r} in {[event['event'] for event in seen]}"
        seen += process.read()
        time.sleep(0.02)
    return seen


def kinds(events):
    return [event["event"] for event in events]


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # A child that has ended is there until somebody asks for it; here nobody but the system may.
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def wait_gone(pid, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not gone(pid):
        assert time.monotonic() < deadline, f"process {pid} was left behind"
        time.sleep(0.05)


def test_it_is_followed_to_its_end(begin):
    process = begin()
    events = until(process, "finished")
    assert kinds(events)[:2] == ["preparing", "started"] and kinds(events).count("epoch") == 3
    assert process.ended and process.read() == []
    assert process.wait(60) and state_of(process.run) == "finished"


def test_pause_resume_and_stop(begin):
    process = begin("--epochs", "500")
    events = until(process, "epoch")
    process.pause()
    until(process, "paused", events=events)
    count = len(events)
    time.sleep(0.3)
    assert process.read() == []
    process.resume()
    until(process, "resumed", events=events)
    assert len(events) > count
    process.stop()
    assert until(process, "stopped", events=events)[-1]["model"].endswith(".safetensors")
    assert process.wait(60)


def test_end_leaves_a_run_that_goes_on(begin):
    process = begin("--epochs", "500")
    until(process, "epoch")
    process.end()
    failed = until(process, "failed")[-1]
    assert failed["kind"] == "interrupted" and process.wait(60)
    assert state_of(process.run) == "resumable"
    again = begin("--epochs", "1000", resume=True)
    assert kinds(again.past)[-1] == "failed"
    (started,) = [event for event in until(again, "epoch") if event["event"] == "started"]
    assert started["first_epoch"] > 1


def test_a_killed_one_is_told_apart(begin):
    process = begin("--epochs", "500")
    pid = next(event for event in until(process, "epoch") if event["event"] == "started")["pid"]
    os.kill(pid, signal.SIGKILL)
    failed = until(process, "failed")[-1]
    assert failed["kind"] == "killed" and failed["resumable"]
    assert "by signal 9" in failed["message"] and "can be resumed" in failed["message"]
    assert process.ended and state_of(process.run) == "resumable"


def test_one_that_crashes_says_why(begin):
    process = begin("--crash")
    failed = until(process, "failed")[-1]
    assert failed["kind"] == "bug" and not failed["resumable"]
    assert "exit code 3" in failed["message"] and "nothing is as it should be" in failed["message"]
    assert "nothing is as" in (process.run / LOG_FILE).read_text()


def test_words_to_one_that_has_ended(begin):
    process = begin("--epochs", "1")
    until(process, "finished")
    process.wait(60)
    for say in (process.pause, process.resume, process.stop, process.end, process.kill):
        say()


def test_a_folder_has_one_training(begin):
    process = begin("--epochs", "500")
    until(process, "started")
    with pytest.raises(OutputError, match=r"runs in .* already"):
        begin()
    with pytest.raises(OutputError, match="stop it first"):
        discard_run(process.run)


def test_a_new_attempt_forgets_the_events_of_the_last(begin):
    until(begin("--crash"), "failed")
    process = begin("--epochs", "1")
    assert kinds(until(process, "finished")).count("failed") == 0


def test_it_is_found_again(begin):
    first = begin("--epochs", "500", keep_going=True)
    until(first, "epoch")
    second = TrainingProcess.attach(first.run)
    assert second.pid == first.pid and second.alive and "epoch" in kinds(second.past)
    until(second, "epoch")
    second.pause()
    until(second, "paused")
    second.resume()
    until(second, "resumed")
    second.stop()
    until(second, "stopped")
    assert second.wait(60) and TrainingProcess.attach(first.run) is None


def test_an_attached_one_can_be_killed(begin):
    first = begin("--epochs", "500", keep_going=True)
    until(first, "epoch")
    second = TrainingProcess.attach(first.run)
    second.kill()
    assert until(second, "failed")[-1]["kind"] == "killed"
    assert not is_running(first.run)


PARENT = """
import os, signal, sys, time
from pathlib import Path
from farnet.training.process import TrainingProcess
process = TrainingProcess.start(
    ["--epochs", "500"], Path(sys.argv[1]), keep_going=sys.argv[2] == "keep", program=sys.argv[3:]
)
events = []
while not any(event["event"] == "epoch" for event in events):
    events += process.read()
    time.sleep(0.02)
print(process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("keep", [False, True])
def test_its_program_is_killed(tmp_path, keep):
    run = tmp_path / "run"
    words = [sys.executable, "-c", PARENT, str(run), "keep" if keep else "end", *FAKE]
    done = subprocess.run(words, capture_output=True, text=True, timeout=90)
    assert done.returncode == -signal.SIGKILL, done.stderr
    pid = int(done.stdout)
    if keep:
        process = TrainingProcess.attach(run)
        assert process.pid == pid
        until(process, "epoch")
        process.kill()
    wait_gone(pid)
    assert not is_running(run) and state_of(run) == "resumable"


def test_discard_deletes_what_is_the_runs_alone(begin):
    process = begin("--epochs", "1")
    until(process, "finished")
    process.wait(60)
    (process.run / "thesis.txt").write_text("mine")
    discard_run(process.run)
    assert [path.name for path in process.run.iterdir()] == ["thesis.txt"]
    (process.run / "thesis.txt").unlink()
    discard_run(process.run)
    assert not process.run.exists()
    discard_run(process.run)


class TestRealTraining:
    """With `farnet train` itself: seconds each, most of which is the import of torch."""

    @pytest.fixture
    def arguments(self, data_folder, tiny_changes):
        words = ["--data", str(data_folder), "--preset", "paper", "--accelerator", "cpu", "--validation", "0.25"]
        for change in tiny_changes:
            words += ["--set", change]
        return words

    @pytest.fixture
    def start(self, begin):
        from farnet.training.process import PROGRAM

        def start(*arguments, **keywords):
            return begin(*arguments, program=PROGRAM, **keywords)

        return start

    def test_to_a_model_that_detects(self, start, arguments, own_models, blobs):
        process = start(*arguments, "--install")
        events = until(process, "finished", 120)
        assert kinds(events).count("epoch") == kinds(events).count("sample") == 3
        assert process.wait(60)
        detection = Detector("tiny-blobs", "cpu").detect(blobs.radiograph(0))
        assert detection.landmarks.scheme.name == "blobs"
        assert not is_running(process.run)

    def test_killed_and_resumed(self, start, arguments):
        process = start(*arguments, "--set", "epochs=400")
        events = until(process, "sample", 120)
        os.kill(process.pid, signal.SIGKILL)
        assert until(process, "failed", events=events)[-1]["kind"] == "killed"
        again = start("--accelerator", "cpu", resume=True)
        events = until(again, "epoch", 120)
        (started,) = [event for event in events if event["event"] == "started"]
        assert started["first_epoch"] >= 1
        again.stop()
        stopped = until(again, "stopped", 120, events)[-1]
        assert stopped["weights"].startswith("best") and (again.run / BEST_CHECKPOINT).is_file()
        assert Path(stopped["model"]).is_file() and again.wait(60)
        assert (again.run / EVENTS_FILE).is_file()
