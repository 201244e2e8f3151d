"""`farnet reproduce`: the paper's tables, trained and evaluated anew, beside the published figures."""

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farnet.commands.console import note, print_json, print_table, print_text
from farnet.commands.options import DeviceOption, JsonOption, examples

if TYPE_CHECKING:
    from farnet.reproduction.runner import Reproduction

__all__ = ["register", "reproduce"]

_HELP = examples(
    """Train and evaluate the rows of a table of the paper, and set them beside its figures.

TABLE is table1 (cephalograms, Test 1), table2 (Test 2), table3 (hands and spines), table4 (backbones), table5
(modules), table6 (losses) or fig7 (alpha of the loss). The output folder gets TABLE.md and TABLE.csv with 95 %
intervals and the commands of every row, and the runs, which all tables in it share.

What is there is not made again: the same command goes on after an interruption. Runs with other settings or data are
refused and never overwritten. With --row, several computers or GPUs can share a table.

The trainings are the paper's, of 300 epochs or more, and need a GPU: --epochs shortens them, --quick rehearses the
whole table with a tiny network on a few radiographs in minutes, to see that everything runs.""",
    ("rehearse the table of losses", "farnet reproduce table6 --data isbi2015 -o rehearsal --quick"),
    ("the table of losses, three seeds", "farnet reproduce table6 --data isbi2015 -o paper --seeds 3"),
    (
        "one row, without the download of ImageNet weights",
        "farnet reproduce table4 --row vgg16 --data isbi2015 -o p --set weights=none",
    ),
    ("hands and spines", "farnet reproduce table3 --data hand_atlas --data spineweb16 -o paper"),
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("reproduce", help=_HELP)(reproduce)


def reproduce(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="table1 to table6, or fig7.")],
    data: Annotated[
        list[Path],
        typer.Option("--data", metavar="FOLDER", help="A data set, or a folder of data sets; may be repeated."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where runs and tables are kept.")],
    rows: Annotated[
        list[str] | None, typer.Option("--row", metavar="NAME", help="Make only this row; may be repeated.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", help="Train every row so many times.")] = 1,
    epochs: Annotated[
        int | None, typer.Option("--epochs", metavar="N", help="Instead of the paper's.", show_default="the paper's")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of every training; may be repeated."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Rehearse: the figures mean nothing.")] = False,
    accelerator: Annotated[str, typer.Option("--accelerator", help="To train on: auto, cpu, gpu or mps.")] = "auto",
    device: DeviceOption = "auto",
    bootstrap: Annotated[int, typer.Option("--bootstrap", help="Draws for the intervals; 0 for none.")] = 2000,
    as_json: JsonOption = False,
) -> None:
    """Make a table of the paper; see `_HELP`."""
    from farnet.reproduction.report import write_report
    from farnet.reproduction.runner import ReproductionRequest
    from farnet.reproduction.runner import reproduce as make

    request = ReproductionRequest(
        table=table,
        data=tuple(data),
        output=output,
        rows=tuple(rows or ()),
        seeds=seeds,
        epochs=epochs,
        changes=tuple(settings or ()),
        quick=quick,
        accelerator=accelerator,
        device=device,
        bootstrap=bootstrap,
        bar=sys.stderr.isatty(),
    )
    paths: tuple[Path, ...] = ()
    try:
        # Standard output is for the result; what the training says goes where all progress goes.
        with contextlib.redirect_stdout(sys.stderr):
            for result in make(request, note):
                paths = write_report(result, output)
    except KeyboardInterrupt:
        note("Stopped. The same command goes on from here.")
        raise
    _report(result, paths, as_json=as_json)


def _report(result: "Reproduction", paths: tuple[Path, ...], *, as_json: bool) -> None:
    from farnet.reproduction.report import headers, rows_of_cells

    if as_json:
        print_json({**result.to_dict(), "files": [str(path) for path in paths]})
        return
    caption = "[ ]: 95 % interval, by bootstrap over radiographs. A dash: not known, or not made."
    if result.quick:
        caption += " A rehearsal: the figures mean nothing."
    print_table(headers(result), rows_of_cells(result), title=result.table.title, caption=caption)
    for path in paths:
        print_text(f"Written: {path}")
