"""`farnet detect`: landmarks of radiographs, as a table, as overlays, as JSON."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from farnet.commands.console import note, number, print_json, print_table, print_text, progress, warn
from farnet.commands.options import (
    DeviceOption,
    ForceOption,
    JsonOption,
    ModelOption,
    examples,
    spacing_option,
)
from farnet.commands.tables import print_landmarks, warn_of_doubts
from farnet.errors import DeviceError, FarnetError, OutputError
from farnet.zoo import DEFAULT_MODEL

if TYPE_CHECKING:
    from farnet.batch import BatchItem, BatchRun
    from farnet.batch_plan import BatchPlan
    from farnet.detection import Detector
    from farnet.orientation import Orient

__all__ = ["detect", "register"]

_NAMED = 5  # files that were left out, of which the names are told

_HELP = examples(
    """Find the landmarks of radiographs.

Takes PNG, JPEG, BMP, TIFF and DICOM files (.mha, .nrrd and .nii with the extra 'itk'), or folders of them. Writes one
table (csv) for the whole run: a row for each landmark, in pixels of the radiograph, with confidence and uncertainty. A
file that cannot be read does not stop the others; it is listed at the end and the exit code is 1. A radiograph that is
unlike those that the model knows (another anatomy, mirrored, inverted) is named: its landmarks are guesses.""",
    ("landmarks of one radiograph, into landmarks.csv", "farnet detect patient.dcm"),
    ("a folder of scans at 0.1 mm per pixel, with pictures", "farnet detect scans/ --spacing 0.1 --overlay"),
    ("another model, on the first GPU, into another file", "farnet detect scans/ -m my.safetensors -d cuda -o my.csv"),
    ("go on after it was stopped, or with new scans", "farnet detect scans/ -o my.csv --resume"),
    ("radiographs that may be mirrored or inverted", "farnet detect scans/ --orient auto"),
    ("for a program", "farnet detect patient.png --json"),
)


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
    precision: Annotated[
        str,
        typer.Option(
            "--precision",
            metavar="auto|float32|bf16",
            help="How the network computes: bf16 is quicker on hardware made for it and moves points a little; auto is "
            "float32.",
        ),
    ] = "auto",
    compile: Annotated[
        bool,
        typer.Option("--compile", help="Compile the network first: a minute or two, for thousands of radiographs."),
    ] = False,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Also draw a PNG of each radiograph, into a folder beside the table.")
    ] = False,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="farnet-csv, coco, labelme, slicer-markups, slicer-fcsv, tps, isbi-txt or dicom-sr.",
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
    orient: Annotated[
        str,
        typer.Option(
            "--orient",
            metavar="as-is|auto",
            help="auto: a radiograph unlike those that the model knows is looked at mirrored and inverted too.",
        ),
    ] = "as-is",
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Look into folders of folders too.")] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with the table that is there: radiographs that did not change are not done again."
        ),
    ] = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find the landmarks of radiographs; see `_HELP`."""
    from farnet.batch import BatchRun
    from farnet.batch_plan import BatchPlan
    from farnet.batch_request import BatchRequest

    request = BatchRequest(
        radiographs=tuple(radiographs),
        recursive=recursive,
        model=model,
        device=device,
        precision=precision,
        output=output,
        format=format,
        spacing=spacing_option(spacing),
        detector_spacing=detector_spacing,
        orient=cast("Orient", orient),
        overlay=overlay,
        resume=resume,
        force=force,
    )
    plan = BatchPlan.of(request)
    plan.check()

    from farnet.detection import Detector

    detector = Detector(model, device, precision, orient=request.orient)
    if compile:
        detector.compile()
    run = BatchRun(plan)
    items: list[BatchItem] = []
    failed: list[dict[str, str]] = []
    interrupted = False
    try:
        with progress("Detecting", len(plan.files)) as step:
            step(plan.names[0])
            for item in run.items(detector):
                items.append(item)
                if item.number + 1 < len(plan.files):
                    step(plan.names[item.number + 1])
    except KeyboardInterrupt:
        interrupted = True
    except (DeviceError, OutputError) as error:  # the detector, or the disk, is of no use any more
        failed = [{"path": str(file), "error": str(error)} for file in plan.files[len(items) :]]
    finally:
        # Whatever ended the run, what it found is not lost.
        failed = [*map(_failure, (item for item in items if item.message)), *failed]
        written = _finish(run, failed)
    _report(plan, items, failed, detector, written, as_json=as_json)
    if interrupted:
        held = len(run.found)
        kept = f"landmarks of {held} are kept" if held else "no landmarks were found yet"
        warn(f"Stopped before the end of {len(plan.files)} radiographs; {kept}.")
        note("The same command with --resume goes on with the others.")
        raise typer.Exit(130)
    if failed:
        raise typer.Exit(1)


def _failure(item: "BatchItem") -> dict[str, str]:
    path = item.path if item.status == "failed" or item.unwritten is None else item.unwritten
    return {"path": str(path), "error": item.message}


def _finish(run: "BatchRun", failed: list[dict[str, str]]) -> "Path | None":
    """Write the table, where there is something in it; None where it could not be."""
    try:
        return run.finish()
    except FarnetError as error:  # the landmarks are still printed
        failed.append({"path": str(run.plan.output), "error": str(error)})
        return None


def _described(item: "BatchItem") -> dict[str, Any]:
    from farnet.landmarks import outside_picture
    from farnet.plausible import implausible_scale

    landmarks = item.landmarks
    assert landmarks is not None, "those that failed are listed apart"
    return {
        "radiograph": item.name,
        "path": str(item.path),
        "status": item.status,
        "shape": None if landmarks.image_shape is None else list(landmarks.image_shape),
        "spacing": landmarks.spacing,
        "spacing_source": landmarks.provenance.get("spacing_source"),
        "seconds": round(item.seconds, 4),
        "found": int(landmarks.present.sum()),
        "orientation": landmarks.provenance.get("orientation", "as it is"),
        "unlike_training": landmarks.provenance.get("unlike_training", []),
        "outside_picture": outside_picture(landmarks),
        "implausible_scale": implausible_scale(landmarks),
        "overlay": None if item.picture is None else str(item.picture),
        "landmarks": landmarks.summary_table(),
    }


def _report(
    plan: "BatchPlan",
    items: "list[BatchItem]",
    failed: list[dict[str, str]],
    detector: "Detector",
    written: Path | None,
    *,
    as_json: bool,
) -> None:
    reports = [_described(item) for item in items if item.landmarks is not None]
    if as_json:
        print_json(
            {
                "model": detector.name,
                "model_sha256": detector.sha256,
                "device": detector.device,
                "output": None if written is None else str(written),
                "format": plan.format.name,
                "radiographs": reports,
                "failed": failed,
                "left_out": [str(file) for file in plan.left_out],
            }
        )
    elif len(plan.files) == 1 and reports and items[0].landmarks is not None:
        print_landmarks(items[0].landmarks)
    elif reports:
        certainty = _certainties(reports)
        rows = [
            (
                report["radiograph"],
                f"{report['found']} of {len(report['landmarks'])}",
                *(number(_mean_of(report, key)) for key in certainty.values()),
                "as before" if report["status"] == "skipped" else number(report["seconds"]),
            )
            for report in reports
        ]
        print_table(("radiograph", "found", *certainty, "seconds"), rows, title=f"Landmarks by {detector.name}")
    if not as_json and written is not None:
        print_text(f"Landmarks: {written}")
        if plan.pictures:
            print_text(f"Overlays:  {plan.pictures_folder}")
        if any(report["spacing"] is None for report in reports):
            note("The spacing is not known of every radiograph; --spacing MM gives distances in mm.")
    if plan.left_out:
        names = [file.name for file in plan.left_out]
        more = ", ..." if len(names) > _NAMED else ""
        files = "1 file" if len(names) == 1 else f"{len(names)} files"
        note(f"Left out: {files}, no radiographs that can be read ({', '.join(names[:_NAMED])}{more}).")
    for report in reports:
        if report["orientation"] != "as it is":
            note(f"{report['radiograph']}: looked at {report['orientation']}; the points are in the file as it is.")
        if report["unlike_training"]:
            warn(
                f"{report['radiograph']} is unlike the radiographs that {detector.name} knows, so its landmarks are "
                f"guesses: {'; '.join(report['unlike_training'])}."
            )
    warn_of_doubts([item.landmarks for item in items if item.landmarks is not None])
    if failed:
        warn(f"Failed: {len(failed)}")
        for failure in failed:
            warn(f"  {failure['path']}: {failure['error']}")


def _certainties(reports: list[dict[str, Any]]) -> dict[str, str]:
    """What tells how certain landmarks are: head of the column, and the key of their rows; px and mm stand apart.

    Where the model is calibrated it is the expected error, which says more than the confidence that it is made of.
    """
    columns = {f"mean expected ({unit})": f"expected_error_{unit}" for unit in ("mm", "px")}
    found = {head: key for head, key in columns.items() if any(_mean_of(item, key) is not None for item in reports)}
    return found or {"mean confidence": "confidence"}


def _mean_of(report: dict[str, Any], key: str) -> float | None:
    """Mean over the landmarks of a radiograph; None where there is none in its own unit, mm if they are known."""
    if key.endswith("_px") and report["spacing"] is not None:
        return None
    return _mean([row[key] for row in report["landmarks"]])


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
