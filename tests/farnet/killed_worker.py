"""A process that works until it is killed, again and again, for `test_killed`.

Everything is loaded once; each piece of work is done in a fork, which is killed after some time, wherever it is then.
What a fork has brought to an end it notes in a file, for that file to be compared with what is on the disk.

Says how long exporting a session takes here. Then reads lines of JSON from standard input,
``{"work": name, "folder": folder, "seconds": when it is killed}``, and answers each with the exit code, null where it
was killed.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from farnet.autosave import Autosave, Work
from farnet.batch import detect_batch
from farnet.batch_request import BatchRequest
from farnet.corrections import Corrections
from farnet.identity import RadiographId
from farnet.landmarks import Landmarks
from farnet.review import Review
from farnet.scheme import load_scheme
from farnet.session_export import export_session

from .batches import Counting

SCHEME = load_scheme("cephalometric19")
NOTES = "ended.txt"


def note(folder, text):
    with (folder / NOTES).open("ab", buffering=0) as file:
        file.write(f"{text}\n".encode())


def correcting(folder):
    """Go round the radiographs and move one point at each; the row counts the edits, the column is the radiograph's."""
    corrections = Corrections.open(folder / "scans", scheme=SCHEME)
    copies = Autosave(folder / "copies")
    for number in itertools.cycle(range(len(corrections))):
        radiograph = corrections.radiograph(number)
        review = Review.of(corrections.landmarks(number, radiograph))
        count = len(review.log) + 1
        review = review.moved(count % 19, (count, number), who="AB")
        landmarks = review.to_landmarks()
        copies.store(Work.of([landmarks], [RadiographId.of(radiograph)]), [landmarks])
        note(folder, f"copied {number} {count}")
        corrections.save(number, landmarks)
        note(folder, f"saved {number} {count}")


class Slow(Counting):
    """Finds landmarks in as long as it takes to be killed meanwhile."""

    def detect(self, radiograph, *, heatmaps=False):
        time.sleep(0.004)
        return super().detect(radiograph, heatmaps=heatmaps)


def batch(folder, **options):
    request = BatchRequest(radiographs=(folder / "scans",), output=folder / "landmarks.csv", **options)
    for item in detect_batch(request, Slow(absent=())):
        note(folder, f"{item.status} {item.name}")
    note(folder, "ended")


def export(folder, number):
    items = [
        Landmarks(np.full((19, 2), float(number)), SCHEME, radiograph=name, image_shape=(9999, 9999))
        for name in "abc"[: 2 + number % 2]
    ]
    export_session(folder / "session", items, force=True)


def session(folder):
    """Export one session over the other; all points of the number n are at (n, n), and it has 2 or 3 radiographs."""
    notes = folder / NOTES
    for number in itertools.count(len(notes.read_bytes().splitlines()) if notes.exists() else 0):
        export(folder, number)
        note(folder, number)


def train(folder):
    """Begin a training, or go on with it, on eight radiographs of blobs."""
    from farnet.datasets.opening import DataRequest
    from farnet.training.run import RunRequest, run_training
    from farnet.training.runfolder import CONFIG_FILE

    from .training.conftest import TINY_CHANGES, Blobs, write_folder

    data, output = folder / "blobs", folder / "run"
    if not data.exists():
        write_folder(data, Blobs())
    resume = (output / CONFIG_FILE).exists()
    request = RunRequest(
        output=output,
        data=None if resume else DataRequest(folder=data, layout="table"),
        preset=None if resume else "paper",
        changes=[] if resume else [*TINY_CHANGES, "network.landmarks=2", "epochs=6"],
        resume=resume,
        hardware={"accelerator": "cpu"},
    )
    run_training(request)


WORK = {
    "train": train,
    "correcting": correcting,
    "begin": lambda folder: batch(folder, force=True),
    "resume": lambda folder: batch(folder, resume=True),
    "session": session,
}


def main():
    with tempfile.TemporaryDirectory() as warm:
        export(Path(warm), 0)  # loads what is loaded late
        began = time.monotonic()
        export(Path(warm), 1)
        print(json.dumps(time.monotonic() - began), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if order["work"] == "train":
            import lightning  # noqa: F401 (loaded late by the others)

            import farnet.training.fit
            import farnet.training.run  # noqa: F401
        pid = os.fork()
        if pid == 0:
            try:
                WORK[order["work"]](Path(order["folder"]))
                os._exit(0)
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
                os._exit(1)
        code, until = None, time.monotonic() + order["seconds"]
        while time.monotonic() < until:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                code = os.waitstatus_to_exitcode(status)
                break
            time.sleep(0.001)
        else:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        print(json.dumps(code), flush=True)


if __name__ == "__main__":
    main()
