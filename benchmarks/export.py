"""What an exported model costs and gains on the CPU: PyTorch in float32 and bf16, ONNX in float32 and 8-bit integers.

    FARNET_DATA=... python benchmarks/export.py [--quick] [--json]

The error is the mean radial error on the first radiographs of ISBI 2015's Test1, against the mean of both observers, in
mm; ranges of the integers are taken from radiographs of its training part. All look in the same frame. Without
FARNET_DATA the bundled sample stands in for both, which tells times alone. Needs the extra onnx.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.datasets.named import open_dataset
from farnet.detection import Detector
from farnet.errors import DeviceError
from farnet.export.int8 import calibration_pictures
from farnet.export.onnx import export_onnx
from farnet.inputs import network_input
from farnet.samples import average_cephalogram
from report import THREADS, Row, main, use_two_cores

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "ceph19-compact"


def radiographs(count: int) -> tuple[list[tuple[Any, Any]], Path | None]:
    """Radiographs with their landmarks, and the folder to calibrate on."""
    root = os.environ.get("FARNET_DATA")
    if root is None or not (folder := Path(root) / "isbi2015").is_dir():
        return [average_cephalogram()], None
    data = open_dataset("isbi2015", folder, split="test1")
    return [(data.radiograph(i), data.landmarks(i)) for i in range(count)], folder / "RawImage" / "TrainingData"


def session(path: Path) -> Callable[[np.ndarray[Any, Any]], Any]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    opened = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda grey: opened.run(["points"], {"image": grey[None]})[0][0]


def measure(quick: bool) -> list[Row]:
    use_two_cores()
    cases, calibration = radiographs(2 if quick else 30)
    detector = Detector(MODEL, "cpu")
    settings = detector.metadata.input
    frames = [settings.frame(radiograph.shape) for radiograph, _ in cases]
    greys = [
        network_input(radiograph.pixels, frame, settings) for (radiograph, _), frame in zip(cases, frames, strict=True)
    ]

    def with_torch(precision: str) -> Callable[[np.ndarray[Any, Any]], Any]:
        import torch

        from farnet.averaging import AveragedHeatmaps

        own = Detector(MODEL, "cpu", precision)

        def points(grey: np.ndarray[Any, Any]) -> Any:
            with torch.inference_mode():
                maps = AveragedHeatmaps(own._one_look, torch.from_numpy(grey)).look(own.metadata.decoder.shifts).mean()
            return own._decode(maps).points.numpy()

        return points

    works: dict[str, Callable[[np.ndarray[Any, Any]], Any]] = {"torch float32": with_torch("float32")}
    try:
        works["torch bf16"] = with_torch("bf16")
    except DeviceError as error:
        print(error)
    with tempfile.TemporaryDirectory() as name:
        for label, pictures in (
            ("onnx float32", None),
            ("onnx int8", calibration_pictures(calibration, settings, 4 if quick else 20)),
        ):
            path = Path(name) / f"{label.split()[1]}.onnx"
            export_onnx(MODEL, path, calibration=pictures)
            works[label] = session(path)
        times: dict[str, list[float]] = {label: [] for label in works}
        found: dict[str, list[Any]] = {label: [] for label in works}
        for work in works.values():
            work(greys[0])  # warms up
        for grey in greys:  # in turns: a machine is not always equally fast
            for label, work in works.items():
                began = time.perf_counter()
                found[label].append(work(grey))
                times[label].append(time.perf_counter() - began)
    rows = []
    plain = float(np.median(times["torch float32"]))
    errors = {}
    for label, points in found.items():
        radial = [
            np.linalg.norm((frame.to_radiograph(each) - truth.points) * np.asarray(truth.spacing), axis=1)
            for each, frame, (_, truth) in zip(points, frames, cases, strict=True)
        ]
        moved = np.linalg.norm(np.stack(points) - np.stack(found["torch float32"]), axis=-1)
        errors[label] = float(np.nanmean(radial))
        rows += [
            Row(
                f"{label}, a radiograph",
                1e3 * float(np.median(times[label])),
                "ms",
                peer=1e3 * plain,
                peer_name="torch",
            ),
            Row(f"{label}, MRE on {len(cases)} radiographs", errors[label], "mm"),
            Row(f"{label}, MRE beyond that of torch float32", errors[label] - errors["torch float32"], "mm"),
            Row(f"{label}, mean distance to torch float32", float(np.nanmean(moved)), "px of the input"),
        ]
    return rows


if __name__ == "__main__":
    main(__doc__, measure)
