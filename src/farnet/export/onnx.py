"""Write a model as an ONNX file whose graph holds looks, network and decoder.

The file needs nothing of this project: onnxruntime alone runs it. How a radiograph becomes its input, and what its
outputs are, stands in its properties (`farnet.export.facts`).
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from farnet.atomic import atomic_path, check_folder
from farnet.errors import InvalidInputError, missing_extra

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from farnet.modelfile import ModelMetadata

__all__ = ["OPSET", "Exported", "check_export", "export_onnx"]

OPSET = 18
"""Of the graph; onnxruntime has it since 1.14."""

_PACKAGES = ("onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: The file.
        bytes: Its size.
        outputs: Names of its outputs.
        float_layers: Convolutions that compute in float32.
        integer_layers: Convolutions that compute in 8-bit integers.
        calibrated_on: How many radiographs the ranges of the integers were taken from.
    """

    path: Path
    bytes: int
    outputs: tuple[str, ...]
    float_layers: int
    integer_layers: int
    calibrated_on: int


def check_export(path: Path, *, force: bool = False) -> None:
    """Stop before any work where a file could not be written.

    Raises:
        InvalidInputError: The file is there and is not to be replaced, or its name does not end in .onnx.
        MissingExtraError: The extra is not installed.
        OutputError: The folder cannot be written to.
    """
    if path.suffix.lower() != ".onnx":
        raise InvalidInputError(f"{path} does not end in .onnx; give a name such as {path.with_suffix('.onnx')}.")
    if path.exists() and not force:
        raise InvalidInputError(f"{path} would be overwritten; choose another --output, or add --force to replace it.")
    for package in _PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise missing_extra(package, "onnx", "writing ONNX files")
    check_folder(path)


def export_onnx(
    model: str | Path,
    path: Path,
    *,
    heatmaps: bool = False,
    calibration: Iterable[NDArray[np.float32]] | None = None,
    force: bool = False,
) -> Exported:
    """Write a model as an ONNX file.

    Args:
        model: Name or file of a model.
        path: The file to write, ending in .onnx.
        heatmaps: Give the heatmaps as a third output.
        calibration: Pictures (h, w) as `farnet.inputs.network_input` makes them: the file then computes its hidden
            convolutions in 8-bit integers, whose ranges are taken from them (`farnet.export.int8`). None: float32.
        force: Replace the file.

    Raises:
        UnknownNameError, ModelFileError: The model cannot be used.
        InvalidInputError: As `check_export`, or the calibration is empty or of another shape.
        MissingExtraError: The extra ``onnx`` is not installed.
        OutputError: The file cannot be written.
    """
    from farnet.export.facts import facts
    from farnet.modelfile import load_model, model_sha256
    from farnet.zoo import find_model

    check_export(path, force=force)
    file = find_model(model)
    network, metadata = load_model(file)
    traced = _traced(network, metadata, heatmaps=heatmaps)
    pictures = 0
    if calibration is not None:
        from farnet.export.int8 import quantised

        traced, pictures = quantised(traced, calibration, metadata.input.shape)
    about = facts(metadata, model_sha256(file), arithmetic="float32" if calibration is None else "int8")
    for key, value in about.items():
        entry = traced.metadata_props.add()
        entry.key, entry.value = key, value
    traced.producer_name = "farnet"
    traced.doc_string = f"{metadata.title or metadata.name}. {metadata.intended_use}"
    data = traced.SerializeToString()
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
    integer = sum(_is_integer(node, traced) for node in traced.graph.node if node.op_type == "Conv")
    total = sum(node.op_type == "Conv" for node in traced.graph.node)
    outputs = tuple(output.name for output in traced.graph.output)
    return Exported(path, len(data), outputs, total - integer, integer, pictures)


def _traced(network: Any, metadata: ModelMetadata, *, heatmaps: bool) -> Any:
    """The float32 graph as an onnx ModelProto."""
    import torch

    from farnet.export.graph import DetectionGraph
    from farnet.networks.inference import optimise

    graph = DetectionGraph(optimise(network), metadata.decoder, metadata.input.shape, heatmaps=heatmaps).eval()
    example = torch.zeros(2, *metadata.input.shape)  # two, because a batch of one would be taken for a constant
    names = ["points", "confidence", *(["heatmaps"] if heatmaps else [])]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of the exporter, on its own insides
        program = torch.onnx.export(
            graph,
            (example,),
            input_names=["image"],
            output_names=names,
            dynamic_shapes={"image": {0: torch.export.Dim("batch", min=1)}},
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None, "the exporter gives a program where it is given no file"
    proto = program.model_proto
    del proto.metadata_props[:]  # paths of this machine, for the exporter's authors
    for node in proto.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*proto.graph.value_info, *proto.graph.input, *proto.graph.output, *proto.graph.initializer]:
        del value.metadata_props[:]
    return proto


def _is_integer(node: Any, proto: Any) -> bool:
    """Whether a convolution reads its picture from 8-bit integers."""
    made_by = {name: other.op_type for other in proto.graph.node for name in other.output}
    return made_by.get(node.input[0]) == "DequantizeLinear"
