"""A window that is killed in the middle of correcting: at most the last change is missing, and none if it was asked."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from farnet.formats import read_annotations, write_annotations
from farnet.identity import RadiographId
from farnet.radiograph import read_radiograph

WORKER = Path(__file__).with_name("killed_window_worker.py")
RADIOGRAPHS = 6

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture
def folder(tmp_path, landmarks_on):
    """Radiographs with predictions."""
    root = tmp_path / "radiographs"
    root.mkdir()
    found = []
    for number in range(RADIOGRAPHS):
        pixels = np.random.default_rng(number).integers(0, 255, (120, 90), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"p{number}.png")
        found.append(landmarks_on(read_radiograph(root / f"p{number}.png")))
    write_annotations(root / "landmarks.csv", found)
    return root


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost(folder, tmp_path, how, seed):
    chance = random.Random(seed)
    after, wait = chance.randint(1, 4 * RADIOGRAPHS - 4), chance.uniform(0.0, 0.1)
    environment = os.environ | {
        "NAPARI_CONFIG": str(tmp_path / "napari.yaml"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    with subprocess.Popen(
        [sys.executable, str(WORKER), str(folder)], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        told: dict[str, int] = {}
        try:
            for line in process.stdout:
                name, count = line.split()
                told[name] = int(count)
                if sum(told.values()) >= after:
                    break
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(wait)
            process.send_signal(how)
            rest, _ = process.communicate(timeout=30)
        finally:
            process.kill()
    told |= {line.split()[0]: int(line.split()[1]) for line in rest.splitlines() if len(line.split()) == 2}
    assert sum(told.values()) >= after
    if how == signal.SIGTERM:
        assert process.returncode == 0
        assert "ended" in rest
    saved = {file.stem: read_annotations(file) for file in (folder / "corrections").glob("*.csv")}
    for name, found in saved.items():
        (landmarks,) = found
        assert landmarks.radiograph == name
        radiograph = read_radiograph(folder / f"{name}.png")
        assert RadiographId.of(radiograph).compare(landmarks.identity) == "same"
        (predicted,) = [item for item in read_annotations(folder / "landmarks.csv") if item.radiograph == name]
        np.testing.assert_array_equal(landmarks.points, predicted.points)
    missing = {name: count - changes(saved.get(name)) for name, count in told.items()}
    assert sum(max(number, 0) for number in missing.values()) <= (1 if how == signal.SIGKILL else 0)


def changes(found):
    return 0 if found is None else len(found[0].provenance["review"]["log"])
