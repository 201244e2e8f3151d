"""Training in two processes that share the work, as on two GPUs or two nodes: one run folder, one model file."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from farnet.modelfile import load_model


@pytest.mark.skipif(sys.platform == "win32", reason="gloo between processes of one machine is only tried on Unix")
@pytest.mark.timeout(600)
def test_two_processes_make_one_model(data_folder, tmp_path, tiny_changes):
    output = tmp_path / "run"
    words = ["train", "--data", data_folder, "--output", output, "--preset", "paper", "--json"]
    for change in (*tiny_changes, "epochs=2", "batch_size=1"):
        words += ["--set", change]
    words += ["--accelerator", "cpu", "--devices", "2", "--strategy", "ddp"]
    done = subprocess.run(
        [sys.executable, "-m", "farnet", *map(str, words)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)  # the first process alone reports
    assert [path.name for path in output.glob("*.safetensors")] == [Path(report["model"]).name]
    _, metadata = load_model(report["model"])
    assert metadata.name == "tiny-blobs"
    with (output / "log" / "metrics.csv").open(newline="") as file:
        steps = {int(row["step"]) for row in csv.DictReader(file)}
    assert max(steps) + 1 == 2 * 8 // 2, (
        "each of two processes sees half of the eight radiographs in each of two epochs"
    )
