"""Time to import what the manifest names, each in a process of its own.

    python benchmarks/import_time.py

napari imports these modules when a command is first used, so they must be quick, and none may bring torch or another
heavy package with it. numpy is not counted: napari has imported it long before. Exit status 1 if a limit is broken.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

LIMIT_SECONDS = 0.3
HEAVY = ("torch", "torchvision", "lightning", "scipy", "pandas", "matplotlib", "pydicom", "SimpleITK", "skimage")

# What napari has imported before it ever asks a plugin for anything.
_PROBE = """
import json, sys, time
import numpy
if {with_napari}:
    import napari, qtpy.QtWidgets
before = set(sys.modules)
began = time.perf_counter()
import {module}
seconds = time.perf_counter() - began
heavy = [name for name in {heavy} if name in set(sys.modules) - before]
print(json.dumps([seconds, heavy]))
"""


def modules_of(manifest: Path) -> list[str]:
    """The modules that the commands of a manifest are in, each once."""
    import yaml

    commands = yaml.safe_load(manifest.read_text(encoding="utf-8"))["contributions"]["commands"]
    return list(dict.fromkeys(command["python_name"].partition(":")[0] for command in commands))


def measure(module: str, repeats: int) -> tuple[float, list[str]]:
    """Least seconds of several runs, and the heavy packages that came along."""
    with_napari = module.endswith(".dock")  # the dock needs Qt, which is there before it
    probe = _PROBE.format(module=module, heavy=HEAVY, with_napari=with_napari)
    runs = []
    for _ in range(repeats):
        done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout))
    return min(seconds for seconds, _ in runs), runs[0][1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="processes per module; the least time counts")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    manifest = Path(__file__).parents[1] / "src" / "napari_farnet" / "napari.yaml"
    rows = [(module, *measure(module, options.repeats)) for module in modules_of(manifest)]
    if options.json:
        print(json.dumps([dict(zip(("module", "seconds", "heavy"), row, strict=True)) for row in rows], indent=2))
    else:
        for module, seconds, heavy in rows:
            print(f"{module:28} {seconds:6.3f} s  {', '.join(heavy) or 'nothing heavy'}")
    broken = [module for module, seconds, heavy in rows if heavy or seconds > LIMIT_SECONDS]
    if broken:
        print(f"over {LIMIT_SECONDS} s, or heavy: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
