"""Detection and training on a CUDA GPU, beside the ceilings of memory and of matrix products measured in the same run.

    python benchmarks/gpu.py [--quick] [--json]

Detection is the network with the decoder, pictures being on the GPU already, at the size of the preset. Training is a
step of forward, backward and optimiser on made-up pictures. The ceilings are a copy of 1 GiB (read and written), and
products of 8192 x 8192 matrices. The share of the matrix rate that detection reaches is from the multiplications of the
network (`farnet.networks.cost`). Without a GPU it says so and ends with code 2.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import torch

from farnet.export.graph import DetectionGraph
from farnet.losses import EWCLoss
from farnet.modelfile import DecoderConfig
from farnet.networks import build_network
from farnet.networks.compiling import CompiledNetwork, compile_training
from farnet.networks.cost import network_cost
from farnet.networks.inference import optimise
from farnet.training.config import load_preset
from report import Row, main

if TYPE_CHECKING:
    from collections.abc import Callable

DETECTION_TARGET = 200.0
"""Radiographs a second that the full network is to reach at 800 x 640 in bf16."""


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Mean time of a call, the GPU being waited for."""
    for _ in range(3):
        work()
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(repeats):
        work()
    torch.cuda.synchronize()
    return (time.perf_counter() - began) / repeats


def ceilings(repeats: int) -> tuple[list[Row], float]:
    """Rows of bandwidth and matrix rates, and the rate in bf16 in multiplications and additions a second."""
    source = torch.empty(2**30, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    rows = [Row("memory, copy of 1 GiB", 2 * 2**30 / seconds(lambda: target.copy_(source), repeats) / 1e9, "GB/s")]
    rates = {}
    for dtype in (torch.float32, torch.bfloat16):
        a, b = (torch.randn(8192, 8192, device="cuda", dtype=dtype) for _ in range(2))
        rates[dtype] = 2 * 8192**3 / seconds(lambda a=a, b=b: a @ b, repeats)  # type: ignore[misc]
        rows.append(Row(f"matrix product, {dtype}".replace("torch.", ""), rates[dtype] / 1e12, "TFLOP/s"))
    return rows, rates[torch.bfloat16]


def detection(preset: str, batch: int, repeats: int, matrix_rate: float) -> list[Row]:
    """Radiographs a second of a preset's network with random weights, which compute as much as trained ones."""
    config = load_preset(preset)
    shape = config.input.shape
    network = optimise(build_network(config.network)).cuda()
    decoder = DecoderConfig(sigma=config.sigma)
    plain = DetectionGraph(network, decoder, shape).cuda()
    compiled = DetectionGraph(CompiledNetwork(network, "cuda"), decoder, shape).cuda()
    pictures = torch.rand(batch, *shape, device="cuda")
    macs = network_cost(config.network, shape).macs_detecting
    rows = []
    for name, autocast, graph in (
        ("float32", False, plain),
        ("bf16", True, plain),
        ("bf16, compiled", True, compiled),
    ):

        def work(autocast: bool = autocast, graph: DetectionGraph = graph) -> None:
            with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, enabled=autocast):
                graph(pictures)

        rate = batch / seconds(work, repeats)
        what = f"{preset}, detection of {batch} at {shape[0]}x{shape[1]}, {name}"
        wanted = DETECTION_TARGET if autocast and preset == "paper" else None
        rows.append(Row(what, rate, "radiographs/s", wanted, above=True))
        if autocast:
            share = f"{preset}, share of the matrix rate, {name}"
            rows.append(Row(share, 100 * 2 * macs * rate / matrix_rate, "%"))
    return rows


def training(preset: str, batch: int, repeats: int, *, compiled: bool = False) -> list[Row]:
    """Time of a step, and what 300 epochs of 150 radiographs would need."""
    config = load_preset(preset)
    network = build_network(config.network).cuda().to(memory_format=torch.channels_last).train()
    if compiled:
        compile_training(network)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-5, fused=True)
    height, width = config.input.shape
    image = torch.randn(batch, 3, height, width, device="cuda").to(memory_format=torch.channels_last)
    target = torch.rand(batch, config.network.landmarks, height, width, device="cuda")
    coarse = torch.nn.functional.avg_pool2d(target, 2)

    loss_of = EWCLoss(40.0)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16):
            maps = network(image)
        (loss_of(maps.fine, target) + loss_of(maps.coarse, coarse)).backward()
        optimiser.step()

    rate = batch / seconds(step, repeats)
    how = "bf16, compiled" if compiled else "bf16"
    return [
        Row(f"{preset}, training with batches of {batch}, {how}", rate, "radiographs/s"),
        Row(f"{preset}, 300 epochs of 150 radiographs at that rate", 300 * 150 / rate / 60, "min", 15.0),
    ]


def measure(quick: bool) -> list[Row]:
    repeats = 2 if quick else 20
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    rows, matrix_rate = ceilings(repeats)
    for preset in ("compact", "paper"):
        for batch in (1, 8, 32):
            rows += detection(preset, batch, repeats, matrix_rate)
    for batch in (1, 8):
        for compiled in (False, True):
            rows += training("paper", batch, repeats, compiled=compiled)
    return rows


if __name__ == "__main__":
    if not torch.cuda.is_available():
        sys.exit("There is no CUDA GPU here; this benchmark is of one.")
    main(__doc__, measure)
