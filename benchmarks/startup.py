"""How much longer napari takes to start with the plugin installed.

    python benchmarks/startup.py [--json] [--quick]

A process of its own opens a viewer, with the plugin or with its distribution hidden, in turn; the seconds of processor
time until the viewer is there are compared by their medians. Without a display:

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/startup.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys

from report import Row, main

_PROBE = """
import importlib.metadata, sys, time, warnings
warnings.simplefilter("ignore")
if sys.argv[1] == "without":
    every = importlib.metadata.distributions
    hidden = lambda *a, **k: (d for d in every(*a, **k) if (d.metadata["Name"] or "").lower() != "napari-farnet")
    importlib.metadata.distributions = hidden
import napari
viewer = napari.Viewer(show=True)
from qtpy.QtWidgets import QApplication
QApplication.processEvents()
seconds = time.process_time()
from npe2 import PluginManager
known = "napari-farnet" in [item.name for item in PluginManager.instance().iter_manifests()]
assert known == (sys.argv[1] == "with"), known
loaded = [name for name in sys.modules if name.split(".")[0] in ("napari_farnet", "farnet") and "." in name]
assert not loaded, loaded
print(seconds)
viewer.close()
"""


def seconds(which: str) -> float:
    """Processor time of one start."""
    done = subprocess.run([sys.executable, "-c", _PROBE, which], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return float(done.stdout.strip().splitlines()[-1])


def measure(quick: bool) -> list[Row]:
    runs: dict[str, list[float]] = {"with": [], "without": []}
    for number in range(1 if quick else 11):
        for which in ("with", "without") if number % 2 else ("without", "with"):
            runs[which].append(seconds(which))
    middle = {which: 1000 * statistics.median(found) for which, found in runs.items()}
    return [
        Row("start of napari with the plugin, more than without", middle["with"] - middle["without"], "ms", 20),
        Row("start of napari with the plugin", middle["with"], "ms"),
    ]


if __name__ == "__main__":
    main(__doc__, measure)
