"""A training step on the CPU with glibc's malloc as it comes, and told to keep freed memory.

    python benchmarks/allocator.py [--quick]

The compact preset's network, batch and precision; each setting in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

import torch

from report import Row, in_own_process, main, median_seconds, use_two_cores

SETTINGS = ("default", "keep")


def step_seconds(setting: str, quick: bool) -> dict[str, Any]:
    """Time and page faults of a training step in this process."""
    import resource

    from farnet.allocator import keep_freed_memory
    from farnet.heatmaps import encode
    from farnet.inputs import normalise
    from farnet.losses import CoarseToFineLoss, EWCLoss
    from farnet.networks import Heatmaps, build_network
    from farnet.training.config import load_preset

    if setting == "keep" and not keep_freed_memory():
        raise SystemExit("the C library of this system is not glibc")
    use_two_cores()
    torch.manual_seed(0)
    config = load_preset("compact", ["input.height=64", "input.width=64"] if quick else [])
    layout = torch.channels_last
    network = build_network(config.network).to(memory_format=layout)
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate)
    loss = CoarseToFineLoss(EWCLoss(config.alpha))
    height, width = config.input.shape
    count = config.network.landmarks
    image = torch.rand(config.batch_size, height, width)
    points = torch.rand(config.batch_size, count, 2) * torch.tensor([height, width])

    def step() -> None:
        optimizer.zero_grad()
        target = Heatmaps(
            encode(points, (height, width), config.sigma).contiguous(memory_format=layout),
            encode(points / 2, (height // 2, width // 2), config.sigma_coarse).contiguous(memory_format=layout),
        )
        with torch.autocast("cpu", torch.bfloat16):
            found = network(normalise(image).contiguous(memory_format=layout))
        loss(Heatmaps(found.fine.float(), found.coarse.float()), target).backward()
        optimizer.step()

    repeats = 2 if quick else 7
    step()
    step()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    seconds = median_seconds(step, repeats, 0)
    faults = (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / repeats
    return {"seconds": seconds, "faults": faults}


def measure(quick: bool) -> list[Row]:
    for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"):
        os.environ.pop(name, None)
    found = {s: in_own_process("allocator.py", "--setting", s, *(["--quick"] if quick else [])) for s in SETTINGS}
    default, keep = (found[setting] for setting in SETTINGS)
    return [
        Row("training step of the compact preset", keep["seconds"], "s", peer=default["seconds"],
            peer_name="default malloc"),
        Row("its page faults", keep["faults"], "per step", peer=default["faults"], peer_name="default malloc"),
    ]  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--setting", choices=SETTINGS)
    parser.add_argument("--quick", action="store_true")
    options, _ = parser.parse_known_args()
    if options.setting:
        print(json.dumps(step_seconds(options.setting, options.quick)))
    else:
        main(__doc__, measure)
