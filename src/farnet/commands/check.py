"""`farnet check`: what is wrong with data, or worth knowing, before it is trained on or evaluated with."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farnet.commands.console import print_json, print_table, print_text, progress
from farnet.commands.options import (
    ForceOption,
    JsonOption,
    LabelsOption,
    check_folder,
    examples,
    refuse_existing,
)
from farnet.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Generator

    from farnet.checking import CheckReport, Look

__all__ = ["check", "register"]

_WORST = 12  # of each kind that are printed

_HELP = examples(
    """Look through radiographs and landmarks before they are trained on or evaluated with.

DATA is the folder of a published data set, or any folder of radiographs with files of landmarks. Every radiograph is
read. Told are: radiographs and landmarks without the other, damaged files, points outside, landmarks in one place, the
same picture under two names, persons in training and test, observers who disagree, landmarks far from where they
usually lie, mirror images, mixed schemes and pixel sizes.

Ends with 1 where there is an error, so that a script can stop; with --strict also where there is a warning.""",
    ("a published data set", "farnet check isbi2015"),
    ("with small pictures of what was found", "farnet check my_radiographs --report check.html"),
    ("for a program", "farnet check spineweb16 --json"),
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("check", help=_HELP)(check)


def check(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The folder.")],
    dataset: Annotated[
        str, typer.Option("--dataset", metavar="NAME", help="auto, isbi2015, hand_atlas, spineweb16 or table (any).")
    ] = "auto",
    split: Annotated[str, typer.Option("--split", metavar="NAME", help="A part of it; all of it without.")] = "",
    annotations: Annotated[
        list[Path] | None,
        typer.Option("--annotations", metavar="FILE", help="Landmarks that are elsewhere; may be repeated."),
    ] = None,
    labels: LabelsOption = None,
    observer_limit: Annotated[
        float, typer.Option("--observer-limit", metavar="MM", help="Observers further apart disagree.")
    ] = 10.0,
    shape_limit: Annotated[
        float, typer.Option("--shape-limit", metavar="SD", help="Landmarks further from where the others suggest.")
    ] = 5.0,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Also write a page with small pictures (.html).")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 on warnings too.")] = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check data; see `_HELP`."""
    from farnet.checking import CheckRequest, check_data
    from farnet.checking.report import write_check_report

    if report is not None:
        if report.suffix.lower() not in (".html", ".htm"):
            raise InvalidInputError(f"A report is written as .html, not as {report.name!r}.")
        refuse_existing([report], force=force)
        check_folder(report)
    request = CheckRequest(
        data=data,
        dataset=dataset,
        split=split,
        annotations=tuple(annotations or ()),
        labels=labels,
        observer_limit=observer_limit,
        shape_limit=shape_limit,
    )
    found = _with_bar(check_data(request))
    if report is not None:
        write_check_report(report, found)
    if as_json:
        print_json({**found.to_dict(), "report": None if report is None else str(report)})
    else:
        _print(found)
        if report is not None:
            print_text(f"Report: {report}")
    bad = ("error", "warning") if strict else ("error",)
    if any(item.severity in bad for item in found.findings):
        raise typer.Exit(1)


def _with_bar(looks: "Generator[Look, None, CheckReport]") -> "CheckReport":
    try:
        first = next(looks)
    except StopIteration as end:  # there is no radiograph
        empty: CheckReport = end.value
        return empty
    with progress("Looking at radiographs", first.total) as bar:
        bar(first.name)
        while True:
            try:
                bar(next(looks).name)
            except StopIteration as end:
                found: CheckReport = end.value
                return found


def _print(found: "CheckReport") -> None:
    from farnet.checking.findings import KINDS

    print_table(("", ""), list(found.facts.items()), title=f"{found.request.data}: {found.title}", left=2)
    counts = found.counts()
    if not counts:
        print_text("Nothing was found.")
        return
    rows = [(KINDS[kind][0], kind, KINDS[kind][1], str(count)) for kind, count in counts.items()]
    print_table(("", "found", "", "how often"), rows, title="Found", left=3)
    for kind, count in counts.items():
        lines = [(item.message,) for item in found.findings if item.kind == kind][:_WORST]
        more = f"and {count - _WORST} more (--json and --report have them)" if count > _WORST else ""
        print_table(("",), lines, title=f"{kind} ({count})", caption=more)
