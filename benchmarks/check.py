"""Checking a data set: 300 radiographs of 1935 x 2400, each decoded, compared with all others and its landmarks judged.

    python benchmarks/check.py --data ISBI2015

The time is that of the whole check, pictures read from files included.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from farnet.checking import CheckReport, CheckRequest, check_data


def run(data: Path) -> tuple[CheckReport, float]:
    """The report, and the seconds that it took."""
    started = time.perf_counter()
    steps = check_data(CheckRequest(data=data))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, time.perf_counter() - started


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data set")
    report, seconds = run(parser.parse_args().data)
    print(f"{report.facts['radiographs']} radiographs, {report.facts['size']}: {seconds:.1f} s")
    for kind, count in report.counts().items():
        print(f"  {kind}: {count}")
