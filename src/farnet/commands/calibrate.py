"""`farnet calibrate`: give a model expected errors and 95 % regions, measured by cross-validation."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farnet.commands.console import print_json, print_table, print_text, progress
from farnet.commands.options import DeviceOption, ForceOption, JsonOption, check_folder, examples, refuse_existing
from farnet.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Generator

    from farnet.uncertainty.collecting import Look
    from farnet.uncertainty.fitting import Held

__all__ = ["calibrate", "register"]

_HELP = examples(
    """Give a model expected errors in mm and regions that hold the truth 95 times in 100.

FOLDERS are trainings of a cross-validation with the settings of the model, each of which held a part of the training
radiographs out ([cyan]farnet train --set folds=5 --set fold=0[/cyan] and so on). Their networks look at what they have
not seen, and what their heatmaps said is set beside the errors that were made. The result, a few kilobytes, goes into a
copy of the model file; [cyan]farnet detect[/cyan] then tells the expected error of each landmark, and
[cyan]farnet evaluate[/cyan] whether that holds.""",
    (
        "three folds",
        "farnet calibrate my.safetensors runs/fold-0 runs/fold-1 runs/fold-2 --output calibrated.safetensors",
    ),
    ("does it hold?", "farnet evaluate --model calibrated.safetensors --data isbi2015 --split test1"),
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("calibrate", help=_HELP)(calibrate)


def calibrate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model's name or file.")],
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDERS", help="Finished trainings, one for each fold.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The calibrated model, a .safetensors file.")
    ],
    device: DeviceOption = "auto",
    names_too: Annotated[
        bool, typer.Option("--names", help="Keep the names of radiographs that the model file may hold.")
    ] = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Calibrate a model; see `_HELP`."""
    from farnet.anonymity import without_names
    from farnet.modelfile import copy_model, read_metadata
    from farnet.uncertainty.collecting import held_by_runs
    from farnet.uncertainty.evidence import SIGNS
    from farnet.uncertainty.fitting import fit_calibration
    from farnet.zoo import find_model

    if output.suffix != ".safetensors":
        raise InvalidInputError(f"A model is written as .safetensors, not as {output.name!r}.")
    refuse_existing([output], force=force)
    check_folder(output)
    path = find_model(model)
    metadata = read_metadata(path)
    held, names = _with_bar(held_by_runs(metadata, folders, device))
    source = f"{len(names)} radiographs of the training, held out in {len(folders)} folds"
    calibration = fit_calibration(held, source=source)
    told = metadata.model_copy(update={"calibration": calibration.to_dict()})
    copy_model(path, output, told if names_too else without_names(told))
    slopes = dict(zip(SIGNS, calibration.slopes.tolist(), strict=True))
    if as_json:
        print_json({"model": str(output), "radiographs": names, "calibration": calibration.to_dict()})
        return
    print_table(
        ("sign of uncertainty", "log error per sd"),
        [(name, f"{slope:+.3f}") for name, slope in slopes.items()],
        title=f"{metadata.name}: {source}",
    )
    print_text(f"Model: {output}")


def _with_bar(looks: "Generator[Look, None, tuple[Held, list[str]]]") -> "tuple[Held, list[str]]":
    """Go through the radiographs with a bar."""
    first = next(looks)
    with progress("Looking at what was held out", first.total) as bar:
        bar(first.name)
        while True:
            try:
                bar(next(looks).name)
            except StopIteration as end:
                found: tuple[Held, list[str]] = end.value
                return found
