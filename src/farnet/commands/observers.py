"""`farnet observers`: how far people are from each other and from themselves, and a model beside them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farnet.commands.console import note, print_json, print_text
from farnet.commands.observer_tables import print_study
from farnet.commands.options import (
    ForceOption,
    JsonOption,
    LabelsOption,
    check_folder,
    examples,
    numbers,
    refuse_existing,
    spacing_option,
)
from farnet.errors import InvalidInputError

if TYPE_CHECKING:
    from farnet.spacing import Spacing

__all__ = ["observers", "register"]

_HELP = examples(
    """Compare observers: people who placed the same landmarks on the same radiographs.

Give a file, or a folder of files, of landmarks for each observer; the observer is called like the file, or as NAME=FILE
says. A name given twice, or a radiograph that occurs again, is a further reading of the same observer. Reported are the
inter-observer distance of all pairs, the intra-observer distance of who read again, with Dahlberg's error, and each
observer's bias and random error against the mean of all. With --predictions a model stands beside them: it is within
the observers' distance if it is surely no farther from them than they are from each other.

With --blind a reading study is prepared: the radiographs of a folder in a shuffled order under neutral codes. The key
that tells which is which is written beside the study, to be kept aside, and --key puts the names back.""",
    ("two doctors", "farnet observers junior.csv senior.csv"),
    ("one of them twice, and a model", "farnet observers anna=a.csv anna=b.csv ben=c.csv --predictions found.csv"),
    ("the doctors of ISBI 2015", "farnet observers 400_junior/ 400_senior/ --spacing 0.1 -o figures.csv"),
    ("a blind study, ten radiographs of it read twice", "farnet observers --blind scans/ -o study --repeats 10"),
    ("its readings", "farnet observers anna.csv ben.csv --key study-key.csv"),
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("observers", help=_HELP)(observers)


def observers(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=]FILE|FOLDER...", help="The landmarks of each observer.", show_default=False),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", metavar="FILE|FOLDER", help="Landmarks of a model on the same radiographs."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="The key of the blind study that the readings are of.")
    ] = None,
    common: Annotated[
        bool, typer.Option("--common", help="Compare the radiographs that all have read, and leave out the others.")
    ] = False,
    spacing: Annotated[
        str | None,
        typer.Option("--spacing", metavar="MM", help="mm per pixel (or row,column), instead of what the files say."),
    ] = None,
    labels: LabelsOption = None,
    radii: Annotated[str, typer.Option("--radii", metavar="LIST", help="Radii of the rates.")] = "2,2.5,3,4",
    bootstrap: Annotated[int, typer.Option("--bootstrap", min=0, help="Draws for the intervals; 0 for none.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the draws, or of the blind order.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|FOLDER",
            help="Also write the figures as csv, and every distance into FILE-errors.csv; with --blind, the study.",
        ),
    ] = None,
    blind: Annotated[
        Path | None, typer.Option("--blind", metavar="FOLDER", help="Prepare a blind study of these radiographs.")
    ] = None,
    repeats: Annotated[
        int, typer.Option("--repeats", min=0, help="With --blind: how many radiographs are read twice.")
    ] = 0,
    copy: Annotated[
        bool, typer.Option("--copy", help="With --blind: also copy the radiographs, under their codes, into the study.")
    ] = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compare observers; see `_HELP`."""
    if blind is not None:
        if files or predictions is not None or key is not None:
            raise InvalidInputError("--blind prepares a study; the readings are compared in a second call, without it.")
        _prepare(blind, output, repeats, seed, copy=copy, as_json=as_json)
        return
    if repeats or copy:
        raise InvalidInputError("--repeats and --copy belong to a study that is prepared: add --blind FOLDER.")
    _compare(
        files or [],
        predictions,
        key,
        output,
        labels=labels,
        radii=tuple(numbers(radii, "--radii")),
        spacing=spacing_option(spacing),
        common=common,
        bootstrap=bootstrap,
        seed=seed,
        force=force,
        as_json=as_json,
    )


def _prepare(folder: Path, output: Path | None, repeats: int, seed: int, *, copy: bool, as_json: bool) -> None:
    from farnet.evaluation.blind import blind_study, write_blind_study
    from farnet.radiograph import find_radiographs

    if output is None:
        raise InvalidInputError("Say where the study goes: --output FOLDER. Its key is written beside the folder.")
    found = find_radiographs([folder]) if folder.is_dir() else []
    if not found or found == [folder]:
        raise InvalidInputError(f"{folder} is no folder of radiographs; give one that holds some.")
    study = blind_study([str(path) for path in found], repeats=repeats, seed=seed)
    order, key = write_blind_study(study, output, copy=copy)
    if as_json:
        print_json(
            {"order": str(order), "key": str(key), "radiographs": len(found), "readings": len(study), "seed": seed}
        )
        return
    print_text(f"Order: {order} ({len(study)} readings of {len(found)} radiographs)")
    print_text(f"Key:   {key}")
    note("Keep the key away from who reads, until all have read.")


def _compare(
    files: list[str],
    predictions: Path | None,
    key: Path | None,
    output: Path | None,
    *,
    radii: tuple[float, ...],
    spacing: "Spacing | None",
    common: bool,
    labels: Path | None,
    bootstrap: int,
    seed: int,
    force: bool,
    as_json: bool,
) -> None:
    from farnet.evaluation.observer_request import ObserversRequest, named_files
    from farnet.evaluation.tables import check_name, errors_path, write_study_tables

    request = ObserversRequest(
        files=named_files(files),
        predictions=predictions,
        key=key,
        common=common,
        spacing=spacing,
        labels=labels,
        radii=radii,
        bootstrap=bootstrap,
        seed=seed,
    )
    tables = [] if output is None else [check_name(output), errors_path(output)]
    refuse_existing(tables, force=force)
    if output is not None:
        check_folder(output)
    study = request.study()
    for text in study.left_out:
        note(text)
    if output is not None:
        write_study_tables(output, study)
    if as_json:
        print_json(
            {
                "files": [[name, str(path)] for name, path in request.files],
                "predictions": None if predictions is None else str(predictions),
                "key": None if key is None else str(key),
                "csv": [str(path) for path in tables],
                "observers": study.to_dict(),
            }
        )
        return
    print_study(study)
    for path, holds in zip(tables, ("Figures:  ", "Distances:"), strict=bool(tables)):
        print_text(f"{holds} {path}")
