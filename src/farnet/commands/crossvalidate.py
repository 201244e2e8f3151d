"""`farnet crossvalidate`: train and test every fold of some data, and pool the figures."""

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farnet.commands.console import note, number, print_json, print_table, print_text
from farnet.commands.evaluation_tables import print_evaluation
from farnet.commands.options import DataOption, DeviceOption, JsonOption, examples
from farnet.errors import InvalidInputError, unknown_name

if TYPE_CHECKING:
    from farnet.crossvalidation import CrossValidation

__all__ = ["crossvalidate", "register"]

_HELP = examples(
    """Train and test the folds of some data, so that every radiograph is predicted by a network that has not seen it.

Folds are made by --seed, with the radiographs of one person together, or are those that a data set is published with
(--folds official: hand_atlas, isbi2015). Each is a training in OUTPUT/fold-K as [cyan]farnet train[/cyan] leaves it,
with predictions.csv of what it had not seen; OUTPUT gets the predictions of all folds, summary.json and summary.md.

The same command goes on after an interruption: finished folds are never made again, one that was interrupted is gone on
with, and runs with other settings or data are refused. With --only, several computers can share the folds.
[cyan]farnet calibrate[/cyan] makes expected errors of seeded folds.""",
    ("five folds", "farnet crossvalidate --data isbi2015 --folds 5 -o folds"),
    ("how far is it?", "farnet crossvalidate --data isbi2015 --folds 5 -o folds --status"),
    ("the three folds of the hand atlas", "farnet crossvalidate --data hand_atlas --folds official -o folds"),
    ("one fold of a shorter training", "farnet crossvalidate --data my --folds 4 --only 2 --set epochs=20 -o folds"),
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("crossvalidate", help=_HELP)(crossvalidate)


def crossvalidate(
    data: DataOption,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the folds are kept.")],
    dataset: Annotated[
        str,
        typer.Option("--dataset", metavar="NAME", help="auto, isbi2015, hand_atlas, spineweb16 or table (any)."),
    ] = "auto",
    split: Annotated[
        str,
        typer.Option("--split", metavar="NAME", help="The part of a published data set; its training part without."),
    ] = "",
    observer: Annotated[
        str, typer.Option("--observer", metavar="NAME", help="Whose points are the truth: a name, or mean of all.")
    ] = "mean",
    annotations: Annotated[
        list[Path] | None,
        typer.Option("--annotations", metavar="FILE", help="Landmarks that are elsewhere; may be repeated."),
    ] = None,
    scheme: Annotated[
        Path | None, typer.Option("--scheme", metavar="FILE", help="The landmarks (.json), if not a bundled scheme.")
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="NAME", help="A radiograph to leave out, or suspects; may be repeated."),
    ] = None,
    folds: Annotated[str, typer.Option("--folds", metavar="N|official", help="How many folds.")] = "5",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the folds and the trainings.")] = 0,
    only: Annotated[str, typer.Option("--only", metavar="LIST", help="Make these folds now, such as 0,2.")] = "",
    preset: Annotated[
        str, typer.Option("--preset", metavar="NAME|FILE", help="paper, compact, light, spine or a .json.")
    ] = "compact",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of every fold; may be repeated."),
    ] = None,
    accelerator: Annotated[str, typer.Option("--accelerator", help="To train on: auto, cpu, gpu or mps.")] = "auto",
    device: DeviceOption = "auto",
    bootstrap: Annotated[int, typer.Option("--bootstrap", min=0, help="Draws for the intervals; 0 for none.")] = 2000,
    status: Annotated[bool, typer.Option("--status", help="Only show what is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Cross-validate; see `_HELP`."""
    from farnet.crossvalidation import OFFICIAL, CrossValidationRequest
    from farnet.crossvalidation import crossvalidate as make
    from farnet.datasets.named import DATASETS
    from farnet.datasets.opening import DataRequest, find_layout

    if folds != OFFICIAL and not folds.isdecimal():
        raise InvalidInputError(f"--folds is {folds!r}; give a number of 2 or more, or official.")
    chosen = [word for word in only.replace(" ", "").split(",") if word]
    if not all(word.isdecimal() for word in chosen):
        raise InvalidInputError(f"--only is {only!r}; give numbers of folds, such as 0,2.")
    layouts = ("auto", *DATASETS, "table")
    if dataset not in layouts:
        raise unknown_name("data set", dataset, layouts)
    layout = find_layout(data) if dataset == "auto" else dataset
    request = CrossValidationRequest(
        data=DataRequest(
            folder=data.resolve(),
            layout=layout,
            split=split,
            observer=observer,
            annotations=tuple(path.resolve() for path in annotations or ()),
            scheme=None if scheme is None else scheme.resolve(),
            exclude=tuple(exclude or ()),
        ),
        output=output,
        preset=preset,
        changes=tuple(settings or ()),
        folds="official" if folds == OFFICIAL else int(folds),
        seed=seed,
        only=tuple(map(int, chosen)),
        device=device,
        bootstrap=bootstrap,
        hardware={"accelerator": accelerator, "devices": 1},
        bar=sys.stderr.isatty(),
    )
    try:
        # Standard output is for the result; what the training says goes where all progress goes.
        with contextlib.redirect_stdout(sys.stderr):
            for so_far in make(request, note, train=not status):
                result = so_far
    except KeyboardInterrupt:
        note("Stopped. The same command goes on from here.")
        raise
    _report(result, output, as_json=as_json)


def _report(result: "CrossValidation", output: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({**result.to_dict(), "output": str(output)})
        return
    if result.pooled is not None:
        unit, radii = result.pooled.unit, result.pooled.radii
        print_evaluation(f"Cross-validation in {output}, {len(result.folds)} folds", result.pooled)
        for extra in result.extras:
            for table in extra.tables():
                print_table(table.headers, table.rows, title=table.title, caption=table.caption, left=table.left)
        rows = [
            (
                fold.name,
                str(len(fold.references)),
                number(fold.evaluation.pooled.mre),
                *(number(fold.evaluation.pooled.sdr[radius], 1) for radius in radii),
            )
            for fold in result.folds
        ]
        over = result.over_folds()
        for i, name in enumerate(("mean", "SD")):
            rows.append((name, "", number(over["mre"][i]), *(number(over[f"sdr_{r:g}"][i], 1) for r in radii)))
        headers = ("fold", "radiographs", f"MRE ({unit})", *(f"SDR {radius:g}" for radius in radii))
        print_table(headers, rows, title="By fold")
    if result.missing:
        print_text(f"Not there yet: {', '.join(result.missing)}")
