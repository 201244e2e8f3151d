"""`farnet evaluate`: how far a model, or landmarks in files, are from the truth and from the observers."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farnet.commands.console import note, print_json, print_table, print_text, progress, warn
from farnet.commands.evaluation_tables import print_evaluation
from farnet.commands.options import (
    DatasetOption,
    DeviceOption,
    ForceOption,
    JsonOption,
    LabelsOption,
    OptionalDataOption,
    check_folder,
    examples,
    numbers,
    refuse_existing,
    spacing_option,
    words,
)
from farnet.errors import InvalidInputError
from farnet.zoo import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from farnet.evaluation import Comparison, EvaluationRequest
    from farnet.evaluation.comparison import Step
    from farnet.evaluation.figures import Extra

__all__ = ["evaluate", "register"]

_HELP = examples(
    """Measure how far landmarks are from the truth.

What is measured is a model (--model) or landmarks in files (--predictions); the truth is a data set (--data) or other
landmarks (--reference). Files are of any annotation format, or folders of such files. Predictions and truth are matched
by the names of the radiographs.

Reports the mean radial error (MRE) with the population standard deviation (SD) of the pooled errors, the median, and
the successful detection rate (SDR): the share of landmarks with an error of at most a radius, where a missed landmark
is a failure. Errors are in mm where the spacing of every radiograph is known, otherwise in pixels. In brackets are 95 %
intervals, by bootstrap over radiographs. A data set with two observers also shows how far these are from each other,
and known duplicates between its splits, and landmarks that its parts put differently, are reported with and without.
Spines have their NMSE, correlation and Cobb angles besides, beside a mean shape that looks at no radiograph;
cephalograms the classes of the eight measurements of ISBI 2015; hands the figures by both wrists; calibrated models
whether their expected errors hold. --against tells which of two is better on the same radiographs.""",
    ("the bundled model on the first test set of ISBI 2015", "farnet evaluate --data isbi2015 --split test1"),
    ("against one of the two doctors", "farnet evaluate --data isbi2015 --split test1 --observer senior"),
    ("two files, such as those of two people", "farnet evaluate --predictions mine.csv --reference yours.csv"),
    ("a model on your own radiographs", "farnet evaluate --radiographs scans/ --reference truth.csv --csv figures.csv"),
    ("which of two models is better", "farnet evaluate --model a.safetensors --against b.safetensors --data isbi2015"),
    ("for a program", "farnet evaluate --model my.safetensors --data isbi2015 --split test1 --json"),
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("evaluate", help=_HELP)(evaluate)


def evaluate(
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="NAME|FILE", help="The model to run.", show_default=DEFAULT_MODEL),
    ] = None,
    data: OptionalDataOption = None,
    dataset: DatasetOption = "auto",
    split: Annotated[
        str,
        typer.Option(
            "--split", metavar="NAME", help="Its part; test1 (isbi2015) or test50 (spineweb16) unless one is given."
        ),
    ] = "",
    observer: Annotated[
        str,
        typer.Option(
            "--observer", metavar="NAME", help="Whose points are the truth: mean; isbi2015: junior, senior, ..."
        ),
    ] = "mean",
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", metavar="FILE|FOLDER", help="Landmarks to measure, instead of a model."),
    ] = None,
    reference: Annotated[
        Path | None, typer.Option("--reference", metavar="FILE|FOLDER", help="True landmarks, instead of a data set.")
    ] = None,
    radiographs: Annotated[
        Path | None,
        typer.Option("--radiographs", metavar="FOLDER", help="Radiographs for the model, beside --reference."),
    ] = None,
    exclude: Annotated[
        str,
        typer.Option(
            "--exclude", metavar="NAMES", help="Radiographs to leave out, such as 173,300, or suspects: the doubtful."
        ),
    ] = "",
    common: Annotated[
        bool, typer.Option("--common", help="Evaluate the radiographs that both sides have, and leave out the others.")
    ] = False,
    spacing: Annotated[
        str | None,
        typer.Option("--spacing", metavar="MM", help="mm per pixel (or row,column), instead of what the files say."),
    ] = None,
    labels: LabelsOption = None,
    radii: Annotated[str, typer.Option("--radii", metavar="LIST", help="Radii of the detection rates.")] = "2,2.5,3,4",
    bootstrap: Annotated[int, typer.Option("--bootstrap", min=0, help="Draws for the intervals; 0 for none.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the draws.")] = 0,
    cobb: Annotated[
        str, typer.Option("--cobb", metavar="matlab|port", help="Rules of the Cobb angles of spines.")
    ] = "matlab",
    mw_gap: Annotated[
        str,
        typer.Option(
            "--mw-gap",
            metavar="script|strict",
            help="Class of an overjet (MW) between 0 and 2 mm: 3 as in the program of the challenge, or none.",
        ),
    ] = "script",
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="MODEL|FILE|FOLDER", help="Compare with another model, or other landmarks."),
    ] = None,
    wrist: Annotated[
        str | None,
        typer.Option("--wrist", metavar="A,B", help="Landmarks of a hand that are 50 mm apart: 2,6 or 1,5."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Also write the model's landmarks (csv).")
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv", metavar="FILE", help="Also write the figures, and every error into FILE-errors.csv beside them."
        ),
    ] = None,
    report: Annotated[
        list[Path] | None,
        typer.Option(
            "--report", metavar="FILE", help="Also write a report to read and print: .html or .pdf; may be repeated."
        ),
    ] = None,
    device: DeviceOption = "auto",
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure how far landmarks are from the truth; see `_HELP`."""
    from farnet.evaluation import EvaluationRequest
    from farnet.evaluation.report import check_report_name, paired_section, write_reports
    from farnet.evaluation.tables import check_name, errors_path, write_tables

    request = EvaluationRequest(
        predictions=predictions,
        model=model,
        device=device,
        reference=reference,
        radiographs=radiographs,
        data=data,
        dataset=dataset,
        split=split,
        observer=observer,
        exclude=tuple(words(exclude)),
        common=common,
        spacing=spacing_option(spacing),
        labels=labels,
        radii=tuple(numbers(radii, "--radii")),
        bootstrap=bootstrap,
        seed=seed,
        cobb=cobb,  # type: ignore[arg-type]  # the request checks it
        mw_gap=mw_gap,  # type: ignore[arg-type]
        against=against,
        wrist=None if wrist is None else tuple(numbers(wrist, "--wrist")),  # type: ignore[arg-type]
    )
    other = request.other
    if output is not None and not request.runs_model:
        raise InvalidInputError("--output writes the landmarks of a model; with --predictions they are there already.")
    tables = [] if csv is None else [check_name(csv), errors_path(csv)]
    reports = list(dict.fromkeys(map(check_report_name, report or ())))
    refuse_existing([*([] if output is None else [output]), *tables, *reports], force=force)
    for path in (output, csv, *reports):
        if path is not None:
            check_folder(path)
    comparison = _compare(request, output)
    result = comparison.measure(request)
    rest = comparison.without(comparison.duplicates).measure(request) if comparison.duplicates else None
    fixed = comparison.without_landmarks(comparison.shifted).measure(request) if comparison.shifted else None
    extras = comparison.extras(request)
    paired = None
    if other is not None:
        from farnet.evaluation.against import compare_against

        paired = compare_against(comparison, _compare(other, None), request)
        extras = (*extras, paired)
    single = comparison.by_itself
    alone = None if single is None else (single.measure(request), single.extras(request))
    if csv is not None:
        write_tables(csv, result, extras=extras)
    if reports:
        further = [] if paired is None else [paired_section(paired)]
        write_reports(reports, comparison, result, request, extra=further, force=force)
    if as_json:
        print_json(
            {
                **comparison.record,
                "excluded": list(request.exclude),
                "evaluation": result.to_dict(),
                "duplicates": list(comparison.duplicates),
                "without_duplicates": None if rest is None else rest.to_dict(),
                "shifted_landmarks": list(comparison.shifted),
                "without_shifted_landmarks": None if fixed is None else fixed.to_dict(),
                "extras": {extra.key: extra.to_dict() for extra in extras},
                "each_by_itself": None
                if alone is None
                else {
                    "evaluation": alone[0].to_dict(),
                    "extras": {extra.key: extra.to_dict() for extra in alone[1]},
                },
                "request": request.to_dict(),
                "csv": [str(path) for path in tables],
                "report": [str(path) for path in reports],
            }
        )
        _end(comparison)
        return
    what = comparison.record.get("model") or comparison.record["predictions"]
    of = comparison.record
    truth = f"{of['dataset']} {of['split']}, truth: {of['observer']}" if reference is None else str(reference)
    print_evaluation(
        f"{what} on {truth}",
        result,
        without=(comparison.duplicates, rest),
        shifted=(comparison.shifted, fixed),
        alone=None if alone is None else alone[0],
    )
    _print_extras(extras)
    if alone is not None:
        _print_extras(alone[1], " (every landmark found by itself)")
    for path, holds in zip(tables, ("Figures:", "Errors: "), strict=bool(tables)):
        print_text(f"{holds} {path}")
    for path in reports:
        print_text(f"Report:  {path}")
    _end(comparison)


def _end(comparison: "Comparison") -> None:
    if comparison.failed:
        warn(f"Failed, and no part of the figures: {len(comparison.failed)}")
        for path, reason in comparison.failed:
            warn(f"  {path}: {reason}")
        raise typer.Exit(1)


def _print_extras(extras: "Sequence[Extra]", note: str = "") -> None:
    for extra in extras:
        for table in extra.tables():
            print_table(table.headers, table.rows, title=table.title + note, caption=table.caption, left=table.left)


def _compare(request: "EvaluationRequest", output: Path | None) -> "Comparison":
    """Compare with a bar where the model runs, and write its landmarks."""
    from farnet.evaluation import compare

    steps = compare(request)
    try:
        first = next(steps)
    except StopIteration as end:  # nothing runs
        comparison: Comparison = end.value
    else:
        comparison = _with_bar(first, steps)
    for text in comparison.left_out:
        note(text)
    if output is None:
        return comparison
    from farnet.formats import write_annotations

    write_annotations(output, comparison.predictions)
    return replace(comparison, record={**comparison.record, "predictions": str(output)})


def _with_bar(first: "Step", steps: "Generator[Step, None, Comparison]") -> "Comparison":
    """Go through the steps with a bar that counts radiographs."""
    begun = -1
    with progress(first.text, first.total) as bar:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                compared: Comparison = end.value
                return compared
            if step.done > begun:
                begun = step.done
                bar(step.text)
