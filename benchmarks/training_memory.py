"""Peak memory of a training with the preset `compact`: one epoch on real radiographs, in a process of its own.

    python benchmarks/training_memory.py --data ISBI2015

What is printed is the largest resident memory that the process ever had, Python and libraries included.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data set")
    data = parser.parse_args().data
    with tempfile.TemporaryDirectory() as folder:
        words = ["-m", "farnet", "train", "--data", str(data), "--preset", "compact", "--accelerator", "cpu"]
        words += ["--set", "weights=none", "--set", "epochs=1", "--set", "name=memory", "--output", f"{folder}/run"]
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    print(f"peak memory of training compact, batches of 4 at 512 x 416: {peak:.2f} GiB")
