"""Every benchmark, one after the other, as one markdown table that names the machine.

    python benchmarks/run_all.py [--quick] [--without gui_stall ...]

Run it on a machine that does nothing else: ratios are fair, since both sides run side by side, but times are not. The
benchmark of the window needs a display (``xvfb-run -a -s "-screen 0 1600x1000x24"`` before the command gives it one).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from report import Row, machine, markdown

if TYPE_CHECKING:
    from collections.abc import Callable

STANDARD = (
    "codec",
    "augmentation_accuracy",
    "loading",
    "network",
    "detection",
    "allocator",
    "correcting",
    "evaluation",
    "startup",
)


def from_import_time(modules: list[dict[str, Any]]) -> list[Row]:
    slowest = max(modules, key=lambda module: module["seconds"])
    heavy = sorted({name for module in modules for name in module["heavy"]})
    return [
        Row(f"slowest import that the manifest names ({slowest['module']})", slowest["seconds"], "s", 0.3),
        Row("heavy packages that these imports bring" + (f" ({', '.join(heavy)})" if heavy else ""), len(heavy), "", 0),
    ]


def from_gui_stall(runs: dict[str, dict[str, float]]) -> list[Row]:
    def longest(phase: str) -> float:
        return max(run["milliseconds"] for name, run in runs.items() if phase in name)

    return [
        Row("longest stall of the window while detecting", longest(", detecting"), "ms", 100),
        Row(
            "longest stall while napari adds and draws the result",
            longest(", showing"),
            "ms",
            peer=longest("without the plugin"),
            peer_name="napari alone, one such layer added at once",
        ),
    ]


def from_measuring(cases: dict[str, dict[str, dict[str, float]]]) -> list[Row]:
    worst = [parts["with error vectors too"] for name, parts in cases.items() if name.startswith("spine68")]
    alone = [parts["napari alone"] for name, parts in cases.items() if name.startswith("spine68")]
    what = "drag one of 68 landmarks with measurements and error vectors"
    return [
        Row(f"{what}: compute an update", max(case["own_ms_per_update"] for case in worst), "ms", 1000 / 30),
        Row("the longest of these updates", max(case["longest_update_ms"] for case in worst), "ms", 50),
        Row(
            "longest stall of the window meanwhile",
            max(case["longest_stall_ms"] for case in worst),
            "ms",
            peer=max(case["longest_stall_ms"] for case in alone),
            peer_name="napari alone, the same drag",
        ),
    ]


OTHER: dict[str, Callable[[Any], list[Row]]] = {
    "import_time": from_import_time,
    "gui_stall": from_gui_stall,
    "measuring": from_measuring,
}


def rows_of(name: str, quick: bool) -> list[Row]:
    """Run one benchmark in its own process.

    Raises:
        RuntimeError: It printed no result.
    """
    command = [sys.executable, str(Path(__file__).with_name(f"{name}.py")), "--json"]
    if name in STANDARD and quick:
        command.append("--quick")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        # What a library prints on being imported comes before the one line of rows.
        found = json.loads(done.stdout.strip().splitlines()[-1] if name in STANDARD else done.stdout)
    except (ValueError, IndexError):
        # Their exit status also tells that a limit is broken, which the table shows.
        raise RuntimeError((done.stderr.strip() or "it printed nothing").splitlines()[-1]) from None
    return OTHER[name](found) if name in OTHER else [Row(**row) for row in found]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="see that they work; the figures mean nothing")
    parser.add_argument("--only", nargs="+", choices=(*STANDARD, *OTHER), help="run these alone")
    parser.add_argument("--without", nargs="+", default=(), choices=(*STANDARD, *OTHER), help="leave these out")
    options = parser.parse_args()
    rows: list[Row] = []
    failed: dict[str, str] = {}
    for name in options.only or (*STANDARD, *OTHER):
        if name in options.without:
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            rows += rows_of(name, options.quick)
        except RuntimeError as error:
            failed[name] = str(error)
    print(f"{machine()}\n\n{markdown(rows)}")
    for name, message in failed.items():
        print(f"\n{name} failed: {message}", file=sys.stderr)
    return 1 if failed or (any(row.met is False for row in rows) and not options.quick) else 0


if __name__ == "__main__":
    sys.exit(main())
