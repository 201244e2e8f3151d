"""A process that is killed at any moment loses at most the last edit, leaves files that open, and mixes up nothing."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from farnet.autosave import Autosave, Work
from farnet.batch_plan import BatchPlan
from farnet.batch_request import BatchRequest
from farnet.corrections import Corrections
from farnet.formats import read_annotations
from farnet.identity import RadiographId
from farnet.modelfile import read_metadata
from farnet.radiograph import read_radiograph
from farnet.review import Review
from farnet.scheme import load_scheme
from farnet.session_export import changed_files, is_session
from farnet.training.runfolder import LAST_CHECKPOINT, state_of

SCHEME = load_scheme("cephalometric19")
ROOT = Path(__file__).parents[2]
NOTES = "ended.txt"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the work is done in forks, which are quick to begin")


@pytest.fixture(scope="module")
def worker():
    """Does some work in a folder and kills it after some time; gives its exit code, None where it was killed.

    The unit of time is as long as exporting a session takes, as machines differ.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", f"{__package__}.killed_worker"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:
        unit = json.loads(process.stdout.readline())

        def work(name, folder, time):
            seconds = time * unit
            print(json.dumps({"work": name, "folder": str(folder), "seconds": seconds}), file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

        yield work
        process.stdin.close()


@pytest.fixture
def folder(tmp_path):
    """Radiographs of one size, of which two have names that differ in their folders alone elsewhere."""
    (tmp_path / "scans").mkdir()
    for number in range(8):
        pixels = np.random.default_rng(number).integers(0, 30 * (number + 1), (40, 60), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "scans" / f"{number}.png")
    return tmp_path


def noted(folder):
    file = folder / NOTES
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def test_correcting(worker, folder):
    moments = random.Random(11)
    opened = 0
    for attempt in range(60):
        if attempt >= 20 and opened > 11:
            break
        assert worker("correcting", folder, moments.uniform(0.3, 3 + attempt / 5)) is None
        corrections, copies = Corrections.open(folder / "scans", scheme=SCHEME), Autosave(folder / "copies")
        ended = [line.split() for line in noted(folder)]
        for number, item in enumerate(corrections.items):
            radiograph = read_radiograph(item.path)
            counts = {
                what: [int(c) for w, n, c in ended if (w, n) == (what, str(number))] for what in ("copied", "saved")
            }
            found = corrections.landmarks(number, radiograph)
            copy = copies.find(Work(SCHEME.name, (RadiographId.of(radiograph),)))
            copied = [] if copy is None else copies.read(copy, SCHEME)
            for landmarks, what in ((found, "saved"), *((own, "copied") for own in copied)):
                review = Review.of(landmarks)
                assert len(review.log) - max(counts[what], default=0) in (0, 1)  # it may be written and not noted
                assert {edit.after[1] for edit in review.log} <= {float(number)}  # and nobody else's
                assert [edit.after[0] for edit in review.log] == [float(k + 1) for k in range(len(review.log))]
                assert landmarks.identity.compare(RadiographId.of(radiograph)) == "same"
                opened += len(review.log) > 0
            assert bool(counts["copied"]) <= bool(copied)
        assert len(copies.copies()) <= len(corrections)
    assert opened > 11


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_batch(worker, folder, seed):
    moments = random.Random(seed)
    sums = {item.path: item for item in map(read_radiograph, sorted((folder / "scans").glob("*.png")))}
    plan = BatchPlan.of(BatchRequest(radiographs=(folder / "scans",), output=folder / "landmarks.csv", resume=True))
    for begin in ("begin", "begin"):  # the second one is to replace what the first one found
        (folder / NOTES).unlink(missing_ok=True)
        killed = worker(begin, folder, moments.uniform(0.1, 1.2)) is None
        for _ in range(3):
            if not killed:
                break
            known = plan.known(SCHEME)
            assert {line.split()[1] for line in noted(folder) if line != "ended"} <= set(known)
            for radiograph in sums.values():
                own = known.get(radiograph.name)
                if own is not None:
                    assert own.image_sha256 == radiograph.sha256
                    assert own.points[0, 0] == pytest.approx(5.0 + float(radiograph.pixels.mean()) / 1000, abs=1e-9)
            killed = worker("resume", folder, moments.uniform(0.1, 1.2)) is None
        assert not killed or worker("resume", folder, 1000) == 0
        found = read_annotations(folder / "landmarks.csv")
        assert [item.radiograph for item in found] == [item.name for item in sums.values()]
        assert [item.image_sha256 for item in found] == [item.sha256 for item in sums.values()]
        assert not list(folder.glob(".*.journal"))


def test_session(worker, folder):
    moments = random.Random(7)
    seen = set()
    (folder / "session").mkdir()
    for attempt in range(60):
        if attempt >= 12 and len(seen) > 3:
            break
        # The machine may have got slower since the unit was taken.
        assert worker("session", folder, moments.uniform(0.3, 3 + attempt / 5)) is None
        session = folder / "session"
        if not noted(folder) and not is_session(session):
            continue  # killed before the first one was there
        (session / "notes.txt").write_text("mine", encoding="utf-8")
        said = changed_files(session)
        found = read_annotations(session / "landmarks.csv")
        (number,) = {float(value) for item in found for value in item.points.ravel()}
        assert int(number) - len(noted(folder)) in (-1, 0)  # the last one that was noted, or the one after
        assert len(found) == 2 + int(number) % 2
        if said:
            assert "was being replaced" in said[0]
        else:
            listed = {entry["name"] for entry in json.loads((session / "session.json").read_bytes())["files"]}
            assert listed | {"session.json", "notes.txt"} == {file.name for file in session.iterdir()} - {".new"}
        seen.add(int(number))
    assert len(seen) > 3


def test_training(worker, folder):
    """Every kill leaves a checkpoint that opens, from which it goes on; it ends with a model that opens."""
    torch = pytest.importorskip("torch")
    moments = random.Random(5)
    run, done, killed = folder / "run", -1, 0
    for _ in range(6):
        code = worker("train", folder, moments.uniform(20, 100))
        assert code in (None, 0)
        assert state_of(run) in ("none", "resumable", "finished")
        if (run / LAST_CHECKPOINT).exists():
            epoch = torch.load(run / LAST_CHECKPOINT, weights_only=True)["epoch"]
            assert epoch >= done
            done = epoch
        if code == 0:
            break
        killed += 1
    assert killed
    assert code == 0 or worker("train", folder, 10_000) == 0
    assert torch.load(run / LAST_CHECKPOINT, weights_only=True)["epoch"] == 5
    (model,) = run.glob("*.safetensors")
    assert read_metadata(model).landmark_scheme.name == "blobs"
