"""Stands in for `farnet train` in tests of what surrounds it: quick, and as wordy.

Usage: fake_training.py [--seconds S] [--steps N] [--epochs N] [--die-at EPOCH] [--crash] --output RUN --events FILE
[--resume] [--follow-stdin]
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from farnet.atomic import write_text_atomic
from farnet.training.control import Control, StopTraining
from farnet.training.progress import EventWriter, Preview, write_preview
from farnet.training.runfolder import CONFIG_FILE, CONTROL_FILE, PREVIEW_FILE, lock_run

NAMES = ("Top", "Bottom")


def preview(epoch):
    references = np.array([[[20.0, 20.0], [40.0, 30.0]], [[25.0, 15.0], [44.0, 20.0]]])
    points = references + 8.0 / epoch
    if epoch == 1:
        points[1, 1] = np.nan
    images = np.random.default_rng(0).integers(0, 255, (2, 64, 48), dtype=np.uint8)
    heatmaps = np.zeros((2, 16, 12), np.float16)
    return Preview(
        epoch, ("a", "b"), images, points, references, np.full((2, 2), 0.5), np.ones(2, bool), heatmaps, NAMES
    )


def train(options, events, control):
    first = 1
    if options.resume:
        first = int((options.output / CONFIG_FILE).read_text()) + 1
    events.emit("preparing", done=2, total=2)
    events.emit(
        "started",
        run=str(options.output),
        name="fake",
        pid=os.getpid(),
        device="cpu",
        epochs=options.epochs,
        steps=options.steps,
        first_epoch=first,
        training=6,
        validation=2,
        landmarks=NAMES,
        unit="mm",
    )
    for epoch in range(first, options.epochs + 1):
        for step in range(1, options.steps + 1):
            time.sleep(options.seconds)
            events.emit("step", epoch=epoch, step=step, steps=options.steps, loss=1 / epoch, seconds_left=65.0)
            control.check()
            if epoch == options.die_at:
                os.kill(os.getpid(), signal.SIGKILL)
        write_text_atomic(options.output / CONFIG_FILE, str(epoch))  # it may be killed at any time
        mre = 8.0 / epoch
        events.emit(
            "epoch",
            epoch=epoch,
            epochs=options.epochs,
            train_loss=1 / epoch,
            validation_loss=1.2 / epoch,
            mre=mre,
            mre_px=2 * mre,
            missed=0,
            unit="mm",
            learning_rate=1e-3,
            best=True,
            seconds=1.0,
            seconds_left=60.0,
        )
        write_preview(options.output / PREVIEW_FILE, preview(epoch))
        events.emit("sample", epoch=epoch, radiographs=["a", "b"], file=PREVIEW_FILE)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=0.02)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--die-at", type=int, default=0)
    parser.add_argument("--crash", action="store_true")
    parser.add_argument("--fail", default="")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--events", required=True)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--follow-stdin", action="store_true")
    options, _ = parser.parse_known_args()
    if options.crash:
        print("Traceback: nothing is as it should be", file=sys.stderr)
        sys.exit(3)
    events, control = EventWriter(options.events, append=options.resume), Control()
    control.told = events.emit
    model = options.output / "fake.safetensors"
    try:
        if options.follow_stdin:
            control.follow_stdin()
        with lock_run(options.output):
            control.watch(options.output / CONTROL_FILE)
            try:
                train(options, events, control)
            except StopTraining:
                events.emit("stopped", model=model, installed=model, weights="best, of epoch 1 of 3", evaluation={})
                return
            if options.fail:
                events.emit("failed", kind=options.fail, message=f"This is a failure: {options.fail}.", resumable=True)
                return
            events.emit("finished", model=model, installed=model, weights="last of 3 epochs", evaluation={})
    except KeyboardInterrupt:
        events.emit("failed", kind="interrupted", message="The training was ended.", resumable=True)
        sys.exit(130)
    finally:
        events.close()


if __name__ == "__main__":
    main()
