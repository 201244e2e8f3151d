"""What the benchmarks share: a row of the table, timing, memory, the machine, and the command line of each."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

THREADS = 2
"""Cores that the figures are made with, whatever the machine has."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        work: What was done.
        value: The figure.
        unit: Its unit.
        target: What is to be reached, or None for a figure that only gives context.
        above: The target is a least value, not a greatest one.
        peer: What another library or the plain form needs for the same, measured in the same run; None without one. The
            table says how many times better we are (below 1: worse).
        peer_name: Its name.
    """

    work: str
    value: float
    unit: str
    target: float | None = None
    above: bool = False
    peer: float | None = None
    peer_name: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without one."""
        if self.target is None:
            return None
        return self.value >= self.target if self.above else self.value <= self.target

    def cells(self) -> tuple[str, str, str, str, str]:
        """Work, figure, target, whether it is met, and the peer's figure with the ratio."""
        target = "" if self.target is None else f"{'≥' if self.above else '≤'} {_number(self.target)} {self.unit}"
        met = {None: "", True: "yes", False: "**no**"}[self.met]
        peer = ""
        if self.peer is not None:
            less, more = (self.peer, self.value) if self.above else (self.value, self.peer)
            gain = f"{more / less:.3g}" if more < 1000 * less else "> 1000"
            peer = f"{self.peer_name}: {_number(self.peer)} {self.unit} ({gain} times)"
        return self.work, f"{_number(self.value)} {self.unit}".strip(), target.strip(), met, peer


def _number(value: float) -> str:
    return f"{value:.4f}" if value and abs(value) < 0.1 else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def markdown(rows: Sequence[Row]) -> str:
    """The table."""
    lines = ["| work | measured | target | met | beside it |", "|---|---|---|---|---|"]
    lines += [f"| {' | '.join(row.cells())} |" for row in rows]
    return "\n".join(lines)


def machine() -> str:
    """The machine and the versions, in one line."""
    import torch

    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [line.split(":", 1)[1].strip() for line in information.read_text().splitlines() if "model name" in line]
        name = names[0] if names else name
    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f", {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"
    return (
        f"{name}, {os.cpu_count()} cores ({THREADS} used){memory}; {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}"
    )


def median_seconds(work: Callable[[], Any], repeats: int, warm_up: int = 1) -> float:
    """Median time of a call."""
    times = []
    for i in range(warm_up + repeats):
        began = time.perf_counter()
        work()
        if i >= warm_up:
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def peak_memory() -> float | None:
    """Greatest resident size of this process so far in MiB; None where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def reset_peak_memory() -> None:
    """Let `peak_memory` begin anew at what is resident now (Linux)."""
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")


def installed(package: str) -> str | None:
    """Version of a package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def in_own_process(script: str | Path, *arguments: str) -> Any:
    """Run a script of this folder by itself and return the JSON that it prints last."""
    command = [sys.executable, str(Path(__file__).with_name(str(script))), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def main(description: str | None, measure: Callable[[bool], list[Row]]) -> None:
    """Command line of a benchmark: ``--quick`` only tries it out, ``--json`` is for other programs."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="see that it works; the figures mean nothing")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    options = parser.parse_args()
    rows = measure(options.quick)
    if options.json:
        print(json.dumps([asdict(row) for row in rows]))
    else:
        print(f"{machine()}\n\n{markdown(rows)}")


def use_two_cores() -> None:
    """Let torch use as many threads as the figures are made with."""
    import torch

    torch.set_num_threads(THREADS)
