"""The paper's network at 800 x 640 on one image: as it was trained, and in the form that detects.

    python benchmarks/network.py [--quick]

Each form in a process of its own, in turn: the median time of a forward pass and the greatest resident size.
"""

from __future__ import annotations

import argparse
import json
import statistics
from typing import Any

import torch

from report import Row, in_own_process, main, median_seconds, peak_memory, use_two_cores

FORMS = ("plain", "optimised")


def forward(form: str, quick: bool) -> dict[str, Any]:
    """Time and memory of one form, in this process."""
    from farnet.networks import NetworkConfig, build_network
    from farnet.networks.inference import optimise

    use_two_cores()
    torch.manual_seed(0)
    config = NetworkConfig(backbone="resnet18", width=8) if quick else NetworkConfig()
    trained = build_network(config).eval()
    network = optimise(trained) if form == "optimised" else trained
    del trained
    image = torch.randn(1, 3, *((64, 64) if quick else (800, 640)))
    with torch.inference_mode():
        seconds = median_seconds(lambda: network(image), 2 if quick else 7)
    return {"seconds": seconds, "peak": peak_memory()}


def measure(quick: bool) -> list[Row]:
    rounds = 1 if quick else 2
    found: dict[str, list[dict[str, Any]]] = {form: [] for form in FORMS}
    for _ in range(rounds):
        for form in FORMS:
            found[form].append(in_own_process("network.py", "--form", form, *(["--quick"] if quick else [])))
    seconds = {form: statistics.median(run["seconds"] for run in runs) for form, runs in found.items()}
    rows = [
        Row(
            "full FARNet, 800x640, float32", seconds["optimised"], "s", peer=seconds["plain"], peer_name="plain module"
        ),
        Row("its share of the plain module's time", seconds["optimised"] / seconds["plain"], "", 0.6),
    ]
    if found["plain"][0]["peak"] is not None:
        peaks = {form: max(run["peak"] for run in runs) for form, runs in found.items()}
        rows.append(
            Row("its greatest memory", peaks["optimised"], "MiB", peaks["plain"], peer=peaks["plain"],
                peer_name="plain module")
        )  # fmt: skip
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--form", choices=FORMS)
    parser.add_argument("--quick", action="store_true")
    options, _ = parser.parse_known_args()
    if options.form:
        print(json.dumps(forward(options.form, options.quick)))
    else:
        main(__doc__, measure)
