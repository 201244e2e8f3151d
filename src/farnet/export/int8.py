"""8-bit integers for the hidden convolutions of an exported graph: smaller and, on a CPU with VNNI, quicker.

Weights have a scale for each channel of the output, activations one for the tensor, from the greatest and least value
that calibration radiographs give. What must be exact stays float32: the heads, whose rounding moves points
(convolutions from which an output is reached without another one); those that see the picture itself; depthwise
convolutions, whose channels differ too much for one scale, and which gain no time (of `ceph19-compact`, they would move
points by 0.67 px of the input instead of 0.20 px); and the decoder, which has no convolution.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import InvalidInputError, RadiographError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from farnet.inputs import InputConfig

__all__ = ["LEAST_PICTURES", "calibration_pictures", "depthwise", "heads", "quantised", "stem"]

LEAST_PICTURES = 1
"""Radiographs without which ranges cannot be taken; some tens are better."""


def calibration_pictures(folder: Path | None, config: InputConfig, limit: int = 50) -> list[NDArray[np.float32]]:
    """Radiographs of a folder as input of the network; None is the average cephalogram that comes with the package.

    Args:
        folder: Radiographs; those that cannot be read are passed over. At most `limit`, spread over the list.
        config: The network's input.
        limit: How many, at most.

    Raises:
        InvalidInputError: The folder is not there, or no radiograph in it can be read.
    """
    from farnet.inputs import network_input
    from farnet.radiograph import Radiograph, find_radiographs

    if folder is None:
        from farnet.samples import average_cephalogram

        radiographs: Iterator[Radiograph] = iter([average_cephalogram()[0]])
    else:
        if not folder.exists():
            raise InvalidInputError(f"There is no folder {folder}; give one with radiographs (--calibrate).")
        radiographs = _readable(find_radiographs([folder]), limit)
    pictures = [network_input(radiograph.pixels, config.frame(radiograph.shape), config) for radiograph in radiographs]
    if len(pictures) < LEAST_PICTURES:
        raise InvalidInputError(f"No radiograph in {folder} can be read; give a folder of radiographs (--calibrate).")
    return pictures


def _readable(files: list[Path], limit: int) -> Iterator[Any]:
    from farnet.radiograph import read_radiograph

    chosen = files if len(files) <= limit else [files[i * len(files) // limit] for i in range(limit)]
    for file in chosen:
        with contextlib.suppress(RadiographError):  # a text file among the radiographs is no reason to stop
            yield read_radiograph(file)


def heads(proto: Any) -> list[str]:
    """Names of the convolutions from which an output is reached without another convolution."""
    made_by = {name: node for node in proto.graph.node for name in node.output}
    todo = [output.name for output in proto.graph.output]
    found: list[str] = []
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        node = made_by.get(name)
        if name in seen or node is None:
            continue
        seen.add(name)
        if node.op_type == "Conv":
            if node.name not in found:
                found.append(node.name)
        else:
            todo.extend(node.input)
    return found


def stem(proto: Any) -> list[str]:
    """Names of the convolutions that are reached from the picture without another convolution."""
    reached = {value.name for value in proto.graph.input}
    found = []
    for node in proto.graph.node:  # in the order in which they are computed
        if reached.intersection(node.input):
            if node.op_type == "Conv":
                found.append(node.name)
            else:
                reached.update(node.output)
    return found


@contextlib.contextmanager
def _no_advice() -> Iterator[None]:
    """The quantiser logs advice that is for its callers, not for ours."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def depthwise(proto: Any) -> list[str]:
    """Names of the convolutions in groups."""
    return [
        node.name
        for node in proto.graph.node
        if node.op_type == "Conv" and any(item.name == "group" and item.i > 1 for item in node.attribute)
    ]


def quantised(proto: Any, pictures: Iterable[NDArray[np.float32]], shape: tuple[int, int]) -> tuple[Any, int]:
    """A float32 graph with its hidden convolutions in 8-bit integers, and how many pictures it was calibrated on.

    Args:
        proto: The graph, an onnx ModelProto.
        pictures: (h, w) float32 in 0..1.
        shape: (h, w) of the graph's input.

    Raises:
        InvalidInputError: There is no picture, or one has another shape.
    """
    given = [np.asarray(picture, np.float32) for picture in pictures]
    if len(given) < LEAST_PICTURES:
        raise InvalidInputError("no calibration radiograph; the ranges of 8-bit integers are taken from some of them")
    wrong = next((picture.shape for picture in given if picture.shape != shape), None)
    if wrong is not None:
        raise InvalidInputError(f"a calibration picture of shape {wrong}, but the network takes {shape}")

    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Pictures(CalibrationDataReader):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            self.left = iter(given)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            picture = next(self.left, None)
            return None if picture is None else {"image": picture[None]}

    for number, node in enumerate(proto.graph.node):
        node.name = node.name or f"node_{number}"
    exact = {*heads(proto), *stem(proto), *depthwise(proto)}
    chosen = [node.name for node in proto.graph.node if node.op_type == "Conv" and node.name not in exact]
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name) / "float.onnx", Path(name) / "int8.onnx"
        onnx.save(proto, source)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), _no_advice():
            warnings.simplefilter("ignore")  # of the quantiser, on its own insides
            quantize_static(
                source,
                target,
                Pictures(),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                op_types_to_quantize=["Conv"],
                nodes_to_quantize=chosen,
                calibrate_method=CalibrationMethod.MinMax,
            )
        return onnx.load(target), len(given)
