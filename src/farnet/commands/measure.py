"""`farnet measure`: angles, distances and ratios of landmarks, with norms and classes."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from farnet.commands.console import print_json, print_table, print_text
from farnet.commands.options import (
    ForceOption,
    JsonOption,
    LabelsOption,
    check_folder,
    examples,
    labels_option,
    refuse_existing,
    spacing_option,
)
from farnet.commands.tables import end_with_failed, failed_files, warn_of_doubts
from farnet.errors import InvalidInputError, MeasurementError, unknown_name
from farnet.measurement.cephalometry import MwGap

if TYPE_CHECKING:
    from farnet.landmarks import Landmarks
    from farnet.measurement import MeasurementSet
    from farnet.measurement.tables import Measured
    from farnet.scheme import LandmarkScheme

__all__ = ["measure", "register"]

_EACH = 3  # radiographs that get a table of their own; more are a row each

_HELP = examples(
    """Measure angles, distances and ratios on landmarks.

Takes annotation files of any format that 'farnet detect' writes, or folders of them. What is measured goes by the
landmarks: the eight measurements of the ISBI 2015 challenge on cephalograms, Cobb angles on spines, lengths between
joints on hands; or what a file of yours defines (--definitions). Values are shown with what is normal, and classes by
name and number.

Lengths are in mm where the size of a pixel is known. Where it is not they are in px, and those that have a norm have no
value. Angles and ratios then take pixels as square.""",
    ("the landmarks that 'farnet detect' found", "farnet measure landmarks.csv"),
    ("a table for statistics, a row for each radiograph", "farnet measure landmarks.csv --wide -o angles.csv"),
    ("measurements of your own", "farnet measure landmarks.csv --definitions my.yaml"),
    ("what can be measured, and how it is defined", "farnet measure --list"),
    ("for a program", "farnet measure landmarks.csv --json"),
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("measure", help=_HELP)(measure)


def measure(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE...", help="Annotation files, or folders.", show_default=False)
    ] = None,
    definitions: Annotated[
        str | None,
        typer.Option(
            "--definitions",
            metavar="NAME|FILE.yaml",
            help="What to measure: cephalometry, hand, spine, or a file.",
            show_default="by the landmarks",
        ),
    ] = None,
    spacing: Annotated[
        str | None,
        typer.Option("--spacing", metavar="MM", help="mm per pixel (or row,column), instead of what the files say."),
    ] = None,
    labels: LabelsOption = None,
    mw_gap: Annotated[
        str,
        typer.Option(
            "--mw-gap",
            metavar="strict|script",
            help="Class of an overjet (MW) between 0 and 2 mm: none, or 3 as in the program of the challenge.",
        ),
    ] = "strict",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write a table (csv) instead of printing it.")
    ] = None,
    wide: Annotated[
        bool, typer.Option("--wide", help="In the table, a row for each radiograph instead of each measurement.")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="List what can be measured, and end.")] = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure angles, distances and ratios on landmarks; see `_HELP`."""
    gap = _gap(mw_gap)
    if listed:
        _list(definitions, gap, as_json=as_json)
        return
    if not files:
        raise InvalidInputError("Give annotation files to measure, or --list to see what can be measured.")
    if wide and output is None:
        raise InvalidInputError("--wide is about the table that --output writes; add -o FILE.csv.")
    if output is not None:
        if output.suffix.lower() != ".csv":
            raise InvalidInputError(f"--output is {str(output)!r}; the table is csv, so give a name that ends in .csv.")
        refuse_existing([output], force=force)
        check_folder(output)

    from farnet.measurement.tables import write_measurements

    landmarks, failed = _read(files, spacing, labels)
    sets, measured = _measure(landmarks, definitions, gap)
    if output is not None:
        write_measurements(output, measured, wide=wide)
    warn_of_doubts(landmarks)
    if as_json:
        print_json(_report(sets, landmarks, measured, gap, output) | {"failed": failed_files(failed)})
    elif output is not None:
        print_text(f"{len(measured)} radiographs measured: {output}")
    else:
        _print(measured)
    end_with_failed(failed)


def _gap(text: str) -> MwGap:
    for choice in get_args(MwGap):
        if text == choice:
            found: MwGap = choice
            return found
    raise unknown_name("value of --mw-gap:", text, get_args(MwGap))


def _read(files: list[Path], spacing: str | None, labels: Path | None) -> tuple[list["Landmarks"], dict[Path, str]]:
    from farnet.formats import read_each

    given = spacing_option(spacing)
    landmarks, failed = read_each(files, labels=labels_option(labels), spacing=given)
    return (landmarks if given is None else [item.replace(spacing=given) for item in landmarks]), failed


def _set(definitions: str, gap: MwGap, scheme: "LandmarkScheme | None" = None) -> "MeasurementSet":
    from farnet.measurement import load_measurements, with_mw_gap

    return with_mw_gap(load_measurements(definitions, scheme=scheme), gap)


def _measure(
    landmarks: list["Landmarks"], definitions: str | None, gap: MwGap
) -> tuple[list["MeasurementSet"], list["Measured"]]:
    """Measure each radiograph with the set that was given, or with that of its scheme."""
    from farnet.measurement import bundled_measurements, measurements_for, with_mw_gap
    from farnet.measurement import measure as measure_landmarks
    from farnet.measurement.tables import Measured
    from farnet.scheme import bundled_schemes

    own = next((item.scheme for item in landmarks if item.scheme.name not in bundled_schemes()), None)
    given = None if definitions is None else _set(definitions, gap, own)
    sets: dict[str, MeasurementSet] = {}
    measured = []
    for item in landmarks:
        name = item.scheme.name
        if name not in sets:
            found = given or measurements_for(item.scheme)
            if found is None:
                raise MeasurementError(
                    f"There are no bundled measurements for landmarks of the scheme {name!r} (only "
                    f"{', '.join(bundled_measurements())}). Define some in a file and give it with --definitions."
                )
            sets[name] = with_mw_gap(found, gap)
        measured.append(Measured.of(item, measure_landmarks(sets[name], item)))
    return list({item.name: item for item in sets.values()}.values()), measured


def _report(
    sets: list["MeasurementSet"],
    landmarks: list["Landmarks"],
    measured: list["Measured"],
    gap: MwGap,
    output: Path | None,
) -> dict[str, Any]:
    from farnet.plausible import doubts

    return {
        "definitions": [{"name": item.name, "file": item.file or None, "source": item.source} for item in sets],
        "mw_gap": gap,
        "output": None if output is None else str(output),
        "radiographs": [
            {
                "radiograph": item.radiograph,
                "source": item.source,
                "spacing": None if points.spacing is None else list(points.spacing),
                "doubts": list(doubts(points)),
                "measurements": [result.to_dict() for result in item.results],
            }
            for points, item in zip(landmarks, measured, strict=True)
        ],
    }


def _print(measured: list["Measured"]) -> None:
    if len(measured) <= _EACH:
        for item in measured:
            _print_one(item)
        return
    from farnet.measurement.tables import wide_rows

    groups: dict[tuple[str, ...], list[Measured]] = {}
    for item in measured:
        groups.setdefault(tuple(result.name for result in item.results), []).append(item)
    for group in groups.values():
        headers, rows = wide_rows(group)
        print_table(headers, [[_short(cell) for cell in row] for row in rows], left=2)
        _print_classes(group)


def _print_one(item: "Measured") -> None:
    rows = []
    for result in item.results:
        found = result.classification
        number = "" if found is None or found.number is None else str(found.number)
        name = "" if found is None else found.name
        value = f"{result.value_text} {result.unit}".strip()
        rows.append((result.name, result.measurement.title, value, result.norm_text, result.assessment, number, name))
    remarks = [f"{result.name}: {result.remark}." for result in item.results if result.remark]
    by = f", {item.source}" if item.source else ""
    headers = ("measurement", "", "value", "norm", "assessment", "class", "")
    print_table(headers, rows, title=f"{item.radiograph}{by}", caption="\n".join(remarks), left=2)


def _print_classes(measured: list["Measured"]) -> None:
    """How many radiographs are in each class."""
    counts: dict[str, Counter[str]] = {}
    for item in measured:
        for result in item.results:
            if result.measurement.classes:
                found = result.classification
                name = "no class" if found is None else found.name
                counts.setdefault(result.name, Counter())[name] += 1
    rows = [(name, kind, str(number)) for name, found in counts.items() for kind, number in found.most_common()]
    if rows:
        print_table(("measurement", "class", "radiographs"), rows, title="Classes", left=2)


def _short(cell: str) -> str:
    """A number as a table shows it; anything else as it is."""
    try:
        value = float(cell)
    except ValueError:
        return cell
    return cell if cell.lstrip("-").isdecimal() else f"{value:.2f}"


def _list(definitions: str | None, gap: MwGap, *, as_json: bool) -> None:
    from farnet.measurement import bundled_measurements

    names = bundled_measurements() if definitions is None else (definitions,)
    sets = [_set(name, gap) for name in names]
    if as_json:
        print_json([_describe(item) for item in sets])
        return
    for item in sets:
        rows = [
            (
                measurement.name,
                measurement.title,
                measurement.quantity.formula(),
                "" if measurement.norm is None else measurement.norm.text(item.digits(measurement)),
            )
            for measurement in item.measurements
            if measurement.shown
        ]
        parts = [
            f"{m.name}: {m.quantity.formula()}."
            for m in item.measurements
            if not m.shown and m.name != m.quantity.formula()
        ]
        caption = "\n".join([*(["Parts: " + " ".join(parts)] if parts else []), item.source])
        headers = ("measurement", "", "definition", "norm")
        print_table(headers, rows, title=f"{item.name}: {item.title}", caption=caption, left=3)


def _describe(item: "MeasurementSet") -> dict[str, Any]:
    return {
        "name": item.name,
        "title": item.title,
        "scheme": item.scheme.name,
        "source": item.source,
        "measurements": [
            {
                "name": measurement.name,
                "title": measurement.title,
                "definition": measurement.quantity.formula(),
                "unit": item.unit(measurement.name),
                "shown": measurement.shown,
                "norm": None if measurement.norm is None else measurement.norm.text(item.digits(measurement)),
                "classes": [{"name": found.name, "number": found.number} for found in measurement.classes],
            }
            for measurement in item.measurements
        ],
    }
