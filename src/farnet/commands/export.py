"""`farnet export`: a model for other programs."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from farnet.commands.console import print_json, print_text
from farnet.commands.options import ForceOption, JsonOption, examples
from farnet.errors import InvalidInputError

__all__ = ["export", "register"]

_HELP = examples(
    """Write a model as an ONNX file that other programs run, without farnet and without PyTorch.

The graph takes grey pictures in the network's frame, (batch, height, width) in 0..1, and gives points (batch, K, 2) as
row, column in pixels of the input, and confidence (batch, K): the decoding is inside. How a radiograph becomes the
input stands in the properties of the file. Needs the extra 'onnx'.""",
    ("the bundled model", "farnet export ceph19-compact -o ceph19.onnx"),
    ("with the heatmaps as a third output", "farnet export my.safetensors -o my.onnx --heatmaps"),
    ("in 8-bit integers, for CPUs", "farnet export ceph19-compact -o ceph19-int8.onnx --int8 --calibrate scans/"),
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("export", help=_HELP)(export)


def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model of 'farnet models', or a model file.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The .onnx file to write.")],
    heatmaps: Annotated[bool, typer.Option("--heatmaps", help="Give the heatmaps too, as a third output.")] = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="8-bit integers where they do little harm; the heads stay float32.")
    ] = False,
    calibrate: Annotated[
        Path | None,
        typer.Option(
            "--calibrate",
            metavar="FOLDER",
            help="Radiographs from which --int8 takes its ranges (50 at most); some tens of your own kind are best.",
            show_default="the bundled sample",
        ),
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a model as an ONNX file; see `_HELP`."""
    from farnet.export.onnx import check_export, export_onnx
    from farnet.modelfile import read_metadata
    from farnet.zoo import find_model

    if calibrate is not None and not int8:
        raise InvalidInputError("--calibrate is for --int8; add --int8, or leave --calibrate out.")
    check_export(output, force=force)
    metadata = read_metadata(find_model(model))
    pictures = None
    if int8:
        from farnet.export.int8 import calibration_pictures

        pictures = calibration_pictures(calibrate, metadata.input)
    done = export_onnx(model, output, heatmaps=heatmaps, calibration=pictures, force=force)
    if as_json:
        print_json({**asdict(done), "path": str(done.path), "model": metadata.name})
        return
    height, width = metadata.input.shape
    print_text(f"Written: {done.path} ({done.bytes / 1e6:.1f} MB)")
    print_text(f"Input:   image (batch, {height}, {width}) float32 in 0..1; outputs: {', '.join(done.outputs)}")
    if int8:
        print_text(
            f"8-bit:   {done.integer_layers} convolutions of {done.integer_layers + done.float_layers}, calibrated on "
            f"{done.calibrated_on} radiographs; measure what that costs before use (docs/export.md)"
        )
