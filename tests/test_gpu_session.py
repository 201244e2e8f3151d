"""scripts/gpu_session.sh with a stand-in for Python: nothing is done twice, and what was cut off is gone on with."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "gpu_session.sh"

# Notes its words; the first training of each run is cut off after its first epoch, as by the limit of time.
STAND_IN = """#!/bin/sh
echo "$*" >>"$NOTES"
case "$*" in
*"train --data"*)
    run="$(echo "$*" | sed 's/.*--output \\([^ ]*\\) .*/\\1/')"
    mkdir -p "$run" && touch "$run/last.ckpt"
    exit 130 ;;
*"train --output"*)
    run="$(echo "$*" | sed 's/.*--output \\([^ ]*\\) .*/\\1/')"
    touch "$run/model.safetensors" ;;
esac
echo '{}'
"""


@pytest.mark.skipif(sys.platform == "win32" or shutil.which("timeout") is None, reason="a script for Linux")
def test_calls_go_on_until_all_is_done(tmp_path):
    python, notes, out = tmp_path / "python", tmp_path / "notes", tmp_path / "out"
    python.write_text(STAND_IN)
    python.chmod(0o755)

    def call():
        given = {**os.environ, "PYTHON": str(python), "NOTES": str(notes), "DATA": "isbi2015", "OUT": str(out)}
        done = subprocess.run(["sh", SCRIPT], env=given, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout + done.stderr

    codes = [call()[0] for _ in range(3)]
    assert codes == [3, 3, 0], (out / "session.log").read_text()
    said = notes.read_text().splitlines()
    assert sum("benchmarks/gpu.py" in line for line in said) == 1
    assert sum("--resume" in line for line in said) == 2
    assert sum("evaluate" in line for line in said) == 4
    assert {path.name for path in out.glob("*.test1.json")} == {"farnet-paper.test1.json", "farnet-best.test1.json"}
    assert call()[0] == 0
    assert notes.read_text().splitlines() == said
