"""Words to a training: who says them, when they are heard, and what they do."""

import os
import subprocess
import sys
import threading
import time

import pytest

from farnet.errors import UnknownNameError
from farnet.training.control import WORDS, Control, StopTraining, send


@pytest.fixture
def control(tmp_path):
    made = Control()
    made.watch(tmp_path / "control")
    return made


def test_without_a_word_the_training_goes_on(control):
    control.check()
    Control().check()


def test_a_word_in_the_file_is_heard_once(control, tmp_path):
    send(tmp_path / "control", "stop")
    with pytest.raises(StopTraining):
        control.check()
    assert not (tmp_path / "control").exists()
    control.check()


def test_what_was_said_before_is_not_heard(tmp_path):
    send(tmp_path / "control", "stop")
    control = Control()
    control.watch(tmp_path / "control")
    control.check()


def test_end_is_an_interruption(control):
    control.say("end")
    with pytest.raises(KeyboardInterrupt):
        control.check()


def test_other_words_are_refused_and_not_obeyed(control, tmp_path):
    with pytest.raises(UnknownNameError, match=", ".join(WORDS)):
        send(tmp_path / "control", "hurry")
    control.say("hurry")
    control.check()


@pytest.mark.parametrize("through_file", [False, True])
def test_pause_lasts_until_resume(control, tmp_path, through_file):
    told = []
    control.told = told.append
    say = (lambda word: send(tmp_path / "control", word)) if through_file else control.say
    say("pause")
    timer = threading.Timer(0.4, lambda: say("resume"))
    timer.start()
    began = time.monotonic()
    control.check()
    assert time.monotonic() - began >= 0.35
    assert told == ["paused", "resumed"]
    assert control.paused_seconds >= 0.35
    timer.join()


@pytest.mark.parametrize(("word", "raised"), [("stop", StopTraining), ("end", KeyboardInterrupt)])
def test_a_pause_can_be_stopped(control, word, raised):
    control.say("pause")
    control.say(word)
    with pytest.raises(raised):
        control.check()


CHILD = """
import sys, time
from farnet.training.control import Control, StopTraining
control = Control()
control.told = lambda word: print(word, flush=True)
try:
    control.follow_stdin()
    print("ready", flush=True)
    while True:
        control.check()
        time.sleep(0.02)
except StopTraining:
    print("stopped", flush=True)
except KeyboardInterrupt:
    print("ended", flush=True)
"""


@pytest.fixture
def child():
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_words_on_standard_input(child):
    child.stdin.write("pause\n")
    child.stdin.flush()
    assert child.stdout.readline() == "paused\n"
    child.stdin.write("resume\nstop\n")
    child.stdin.flush()
    assert child.stdout.readline() == "resumed\n"
    assert child.stdout.readline() == "stopped\n"
    assert child.wait(60) == 0


@pytest.mark.parametrize("paused", [False, True])
def test_it_ends_when_the_other_end_is_gone(child, paused):
    if paused:
        child.stdin.write("pause\n")
        child.stdin.flush()
        assert child.stdout.readline() == "paused\n"
    child.stdin.close()
    assert child.stdout.readline() == "ended\n"
    assert child.wait(60) == 0


def test_end_is_heard_at_once(child):
    child.stdin.write("end\n")
    child.stdin.flush()
    assert child.stdout.readline() == "ended\n"
