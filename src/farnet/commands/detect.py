"""`farnet detect`: landmarks of radiographs, as a table, as overlays, as JSON."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from farnet.commands.console import note, number, print_json, print_table, print_text, progress, warn
from farnet.commands.options import (
    DeviceOption,
    ForceOption,
    JsonOption,
    ModelOption,
    check_folder,
    examples,
    refuse_existing,
    spacing_option,
)
from farnet.commands.tables import print_landmarks
from farnet.errors import DeviceError, FarnetError, InvalidInputError
from farnet.zoo import DEFAULT_MODEL

if TYPE_CHECKING:
    from farnet.detection import Detector
    from farnet.formats import AnnotationFormat
    from farnet.landmarks import Landmarks
    from farnet.spacing import Spacing

__all__ = ["detect", "register"]

_HELP = examples(
    """Find the landmarks of radiographs.

Takes PNG, JPEG, BMP, TIFF and DICOM files (.mha, .nrrd and .nii with the extra 'itk'), or folders of them. Writes one
table (csv) for the whole run: a row for each landmark, in pixels of the radiograph, with confidence and uncertainty. A
file that cannot be read does not stop the others; it is listed at the end and the exit code is 1.""",
    ("landmarks of one radiograph, into landmarks.csv", "farnet detect patient.dcm"),
    ("a folder of scans at 0.1 mm per pixel, with pictures", "farnet detect scans/ --spacing 0.1 --overlay"),
    ("another model, on the first GPU, into another file", "farnet detect scans/ -m my.safetensors -d cuda -o my.csv"),
    ("for a program", "farnet detect patient.png --json"),
)


@dataclass
class _Run:
    """What a run is to do, and what has come of it.

    Attributes:
        files: Radiographs to read.
        names: What they are called in results.
        format: Of the tables.
        output: The table, or the folder of tables where the format holds one radiograph a file.
        tables: One table for all radiographs, or one for each.
        pictures: One overlay for each radiograph, or None.
        spacing: mm per pixel instead of what the files say, or None.
        detector_spacing: Use the pixel size on the detector where nothing better is known.
        found: Landmarks of the radiographs that are done.
        reports: What is told of each of them.
        failed: What failed, and why.
    """

    files: list[Path]
    names: list[str]
    format: "AnnotationFormat"
    output: Path
    tables: list[Path]
    pictures: list[Path] | None
    spacing: "Spacing | None"
    detector_spacing: bool
    found: list["Landmarks"] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("detect", help=_HELP)(detect)


def detect(
    radiographs: Annotated[list[Path], typer.Argument(metavar="IMAGE|FOLDER...", help="Radiographs, or folders.")],
    model: ModelOption = DEFAULT_MODEL,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE|FOLDER", help="The table to write.", show_default="landmarks.csv"),
    ] = None,
    device: DeviceOption = "auto",
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Also draw a PNG of each radiograph, into a folder beside the table.")
    ] = False,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="farnet-csv, coco, labelme, slicer-markups, tps, isbi-txt or dicom-sr.",
            show_default="by --output",
        ),
    ] = None,
    spacing: Annotated[
        str | None,
        typer.Option("--spacing", metavar="MM", help="mm per pixel (or row,column), instead of what the files say."),
    ] = None,
    detector_spacing: Annotated[
        bool,
        typer.Option(
            "--detector-spacing",
            help="Where a DICOM file knows only the pixel size on the detector, use it; it overestimates distances.",
        ),
    ] = False,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Look into folders of folders too.")] = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find the landmarks of radiographs; see `_HELP`."""
    from farnet.radiograph import find_radiographs

    chosen = _format(format, output)
    files = find_radiographs(radiographs, recursive=recursive)
    names = _names(files)
    target, tables = _tables(output, chosen, names)
    run = _Run(
        files=files,
        names=names,
        format=chosen,
        output=target,
        tables=tables,
        pictures=[_pictures(target) / f"{_file_name(name)}.png" for name in names] if overlay else None,
        spacing=spacing_option(spacing),
        detector_spacing=detector_spacing,
    )
    refuse_existing([*run.tables, *(run.pictures or ())], force=force)
    check_folder(run.tables[0])

    from farnet.detection import Detector

    detector = Detector(model, device)
    interrupted = False
    try:
        with progress("Detecting", len(files)) as step:
            for index in range(len(files)):
                step(names[index])
                _detect_one(run, index, detector)
    except KeyboardInterrupt:
        interrupted = True
    except DeviceError as error:  # the detector is of no use any more
        run.failed += [{"path": str(file), "error": str(error)} for file in files[index:]]
    finally:
        # Whatever ended the run, what it found is not lost.
        written = _write(run)
    _report(run, detector, written, as_json=as_json)
    if interrupted:
        done = len(run.found) + len(run.failed)
        warn(f"Stopped after {done} of {len(files)} radiographs; the table holds those.")
        raise typer.Exit(130)
    if run.failed:
        raise typer.Exit(1)


def _format(name: str | None, output: Path | None) -> "AnnotationFormat":
    from farnet.errors import unknown_name
    from farnet.formats import annotation_formats, formats_by_ending

    writable = {item.name: item for item in annotation_formats() if item.write is not None}
    if name is not None:
        if name not in writable:
            raise unknown_name("annotation format", name, writable)
        return writable[name]
    if output is None or not output.suffix or output.is_dir():
        return writable["farnet-csv"]
    for item in formats_by_ending(output):
        if item.name in writable:
            return item
    endings = [suffix for item in writable.values() for suffix in item.suffixes]
    raise unknown_name("ending of a file of landmarks:", output.suffix, endings)


def _tables(output: Path | None, format: "AnnotationFormat", names: list[str]) -> tuple[Path, list[Path]]:
    """What --output means: the table or the folder of tables, and every table."""
    suffix = format.suffixes[0]
    is_folder = output is not None and (output.is_dir() or not output.suffix)
    if format.holds_many:
        table = Path(f"landmarks{suffix}") if output is None else output / f"landmarks{suffix}" if is_folder else output
        return table, [table]
    if output is not None and not is_folder:
        if len(names) > 1:
            raise InvalidInputError(
                f"The format {format.name} holds one radiograph a file, and there are {len(names)}; "
                f"give a folder instead of --output {output}."
            )
        return output, [output]
    folder = output or Path("landmarks")
    return folder, [folder / f"{_file_name(name)}{suffix}" for name in names]


def _pictures(table: Path) -> Path:
    """The folder of the overlays, beside the table."""
    return table.with_name(f"{table.stem}-overlays")


def _names(files: list[Path]) -> list[str]:
    """Names of the radiographs: without folder and ending, unless two would have the same."""
    from farnet.readers import stem_of

    stems = [stem_of(file) for file in files]
    return [str(file) if stems.count(stem) > 1 else stem for file, stem in zip(files, stems, strict=True)]


def _file_name(name: str) -> str:
    """A name that can be a file's in any folder."""
    return "_".join(part for part in Path(name).parts if part not in ("/", "..", "."))


def _detect_one(run: _Run, index: int, detector: "Detector") -> None:
    from farnet.radiograph import read_radiograph

    file, picture = run.files[index], None
    try:
        radiograph = read_radiograph(file, spacing=run.spacing, detector_spacing=run.detector_spacing)
        detection = detector.detect(radiograph)
        landmarks = detection.landmarks.replace(radiograph=run.names[index])
        if not run.format.holds_many:
            _write_table(run, run.tables[index], [landmarks])
    except DeviceError:
        raise
    except FarnetError as error:
        run.failed.append({"path": str(file), "error": str(error)})
        return
    run.found.append(landmarks)
    if run.pictures is not None:
        from farnet.overlay import write_overlay

        try:
            write_overlay(run.pictures[index], radiograph, landmarks)
            picture = str(run.pictures[index])
        except FarnetError as error:
            run.failed.append({"path": str(run.pictures[index]), "error": str(error)})
    run.reports.append(
        {
            "radiograph": landmarks.radiograph,
            "path": str(file),
            "shape": list(radiograph.shape),
            "spacing": radiograph.spacing,
            "spacing_source": radiograph.spacing_source,
            "seconds": round(detection.seconds, 4),
            "found": int(landmarks.present.sum()),
            "overlay": picture,
            "landmarks": landmarks.summary_table(),
        }
    )


def _write(run: _Run) -> bool:
    """Write the one table of the run, where the format has one and there is something in it."""
    if run.found and run.format.holds_many:
        try:
            _write_table(run, run.output, run.found)
        except FarnetError as error:  # the landmarks are still printed
            run.failed.append({"path": str(run.output), "error": str(error)})
            return False
    return bool(run.found)


def _write_table(run: _Run, path: Path, landmarks: list["Landmarks"]) -> None:
    from farnet.formats import write_annotations

    write_annotations(path, landmarks, format=run.format.name)


def _report(run: _Run, detector: "Detector", written: bool, *, as_json: bool) -> None:
    output = str(run.output) if written else None
    if as_json:
        print_json(
            {
                "model": detector.name,
                "model_sha256": detector.sha256,
                "device": detector.device,
                "output": output,
                "format": run.format.name,
                "radiographs": run.reports,
                "failed": run.failed,
            }
        )
    elif len(run.files) == 1 and run.found:
        print_landmarks(run.found[0])
    elif run.found:
        rows = [
            (
                report["radiograph"],
                f"{report['found']} of {len(report['landmarks'])}",
                number(_mean([row["confidence"] for row in report["landmarks"]])),
                number(report["seconds"]),
            )
            for report in run.reports
        ]
        print_table(("radiograph", "found", "mean confidence", "seconds"), rows, title=f"Landmarks by {detector.name}")
    if not as_json and output is not None:
        print_text(f"Landmarks: {output}")
        if run.pictures is not None:
            print_text(f"Overlays:  {_pictures(run.output)}")
        if any(report["spacing"] is None for report in run.reports):
            note("The spacing is not known of every radiograph; --spacing MM gives distances in mm.")
    if run.failed:
        warn(f"Failed: {len(run.failed)}")
        for failure in run.failed:
            warn(f"  {failure['path']}: {failure['error']}")


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
