"""`farnet samples`: radiographs and landmarks to try everything on."""

from pathlib import Path
from typing import Annotated

import typer

from farnet.commands.console import print_json, print_text
from farnet.commands.options import ForceOption, JsonOption, examples

__all__ = ["register", "samples"]

_HELP = examples(
    """Write synthetic cephalograms with their landmarks, to try the other commands on.

They are the average cephalogram, warped to drawn shapes: no person's radiographs. FOLDER/radiographs holds PNG files of
0.2 mm per pixel and truth.csv, FOLDER/observers one csv for each made-up observer, who errs as a doctor does. Figures
measured on them say that everything works, not how good a model is on patients.""",
    ("eight of them", "farnet samples ceph"),
    ("detect their landmarks", "farnet detect ceph/radiographs --spacing 0.2 -o found.csv"),
    (
        "how far these are from the truth",
        "farnet evaluate --predictions found.csv --reference ceph/radiographs/truth.csv",
    ),
    (
        "how far one observer is from the other",
        "farnet evaluate --predictions ceph/observers/observer-1.csv --reference ceph/observers/observer-2.csv",
    ),
    ("more of them, to train on", "farnet samples many --count 200 --seed 7"),
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("samples", help=_HELP)(samples)


def samples(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where they are written.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many radiographs.")] = 8,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same radiographs.")] = 2015,
    observers: Annotated[int, typer.Option("--observers", min=0, max=20, help="How many observers.")] = 2,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the samples; see `_HELP`."""
    from farnet.samples import write_samples

    files = write_samples(folder, count, seed, observers, force=force)
    if as_json:
        print_json({"folder": str(folder), "files": [str(path) for path in files]})
        return
    print_text(f"{count} radiographs and truth.csv: {folder / 'radiographs'}")
    if observers:
        print_text(f"{observers} observers: {folder / 'observers'}")
