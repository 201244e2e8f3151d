"""Damaged files of every kind are read or refused in one sentence: no crash, no defect, no warning, no waiting.

FARNET_FUZZ files are damaged (some hundreds without it; `make fuzz` many thousands), by FARNET_FUZZ_SEED. A finding
names its file, which is kept.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from .mutations import mutate

COUNT = int(os.environ.get("FARNET_FUZZ", "400"))
SEED = int(os.environ.get("FARNET_FUZZ_SEED", "1"))
KIND = os.environ.get("FARNET_FUZZ_KIND", "")
ROOT = Path(__file__).parents[3]
CRASHES = 20  # after which it is given up


def worker(folder, first):
    """A process that goes on until it ends, or an input ends it; gives what it printed and how it ended."""
    paths = [str(ROOT), *(path for path in sys.path if path)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.farnet.fuzz.worker", folder, str(SEED), str(first), str(COUNT), KIND],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
        timeout=300 + COUNT,
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")], done


@pytest.mark.timeout(0 if COUNT > 1000 else 600)
def test_damaged_files_are_read_or_refused(tmp_path):
    pytest.importorskip("SimpleITK")
    pytest.importorskip("highdicom")
    findings, first = [], 0
    for _ in range(CRASHES):
        told, done = worker(str(tmp_path), first)
        findings += [one for one in told if "what" in one]
        if done.returncode == 0:
            assert told[-1]["kinds"] > 0
            break
        now = tmp_path / "now.txt"
        assert now.exists(), done.stderr[-3000:]  # it did not come to the first
        number, _, path = now.read_text().partition(" ")
        kept = Path(path).with_name(f"crash-{number}-{Path(path).name.lstrip('.')}")
        kept.write_bytes(Path(path).read_bytes())
        findings.append({"what": f"the process ended with {done.returncode}", "file": str(kept)})
        first = int(number) + 1
    assert not findings, "\n".join(json.dumps(one) for one in findings)


def test_damage_is_the_same_for_the_same_seed():
    data = bytes(range(256)) * 4
    made = [[mutate(data, random.Random(seed), [b"other"]) for seed in range(50)] for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0])) > 40
