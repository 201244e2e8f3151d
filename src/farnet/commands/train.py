"""`farnet train`: train a network on radiographs with landmarks, and leave a model file."""

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farnet.commands.console import note, print_json, print_text
from farnet.commands.options import JsonOption, LabelsOption, examples
from farnet.errors import InvalidInputError, unknown_name

if TYPE_CHECKING:
    from farnet.datasets.opening import DataRequest
    from farnet.training.run import RunResult

__all__ = ["register", "train"]

_HELP = examples(
    """Train a network, and leave its model file.

The data is a folder of radiographs with files of landmarks in any format that 'farnet' reads (csv, COCO, labelme, ...),
paired by the name of the radiograph, or the folder of ISBI 2015. Landmarks may be absent.

The settings are a preset ('paper' is the published training of the full network, 'compact' that of the bundled model,
'light' one for small computers) or a file of settings (.json), with changes by --set. With --start-from a model is
trained further, gently and on its own landmarks. The output folder gets the settings, a log (csv), checkpoints and, at
the end, the model (.safetensors), which --model takes. Ctrl-C stops at once and keeps what the last finished epoch
left; --resume goes on exactly from there.""",
    ("on radiographs of your own, a fifth of them held out", "farnet train --data knees --preset light -o runs/knees"),
    (
        "train the bundled model further on corrected landmarks",
        "farnet train --data corrected --start-from ceph19-compact -o runs/tuned --install",
    ),
    ("the bundled model's training", "farnet train --data isbi2015 --preset compact --output runs/compact"),
    ("go on after an interruption", "farnet train --output runs/compact --resume"),
    (
        "other settings, with the first of five folds held out",
        "farnet train --data isbi2015 -o runs/b --set epochs=40 --set network.width=128 --set folds=5 --set fold=0",
    ),
    (
        "two GPUs, mixed precision",
        "farnet train --data isbi2015 -o runs/c --preset paper --devices 2 --precision bf16-mixed",
    ),
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("train", help=_HELP)(train)


def train(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the run is kept.")],
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FOLDER", help="Radiographs with landmarks; known already with --resume."),
    ] = None,
    dataset: Annotated[
        str,
        typer.Option("--dataset", metavar="NAME", help="auto, isbi2015, hand_atlas, spineweb16 or table (any)."),
    ] = "auto",
    annotations: Annotated[
        list[Path] | None,
        typer.Option("--annotations", metavar="FILE", help="Landmarks that are elsewhere; may be repeated."),
    ] = None,
    scheme: Annotated[
        Path | None, typer.Option("--scheme", metavar="FILE", help="The landmarks (.json), if not a bundled scheme.")
    ] = None,
    labels: LabelsOption = None,
    split: Annotated[
        str,
        typer.Option("--split", metavar="NAME", help="The part of a published data set; its training part without."),
    ] = "",
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            metavar="NAME",
            help="A radiograph to leave out, or suspects: those with doubtful landmarks; may be repeated.",
        ),
    ] = None,
    observer: Annotated[
        str, typer.Option("--observer", metavar="NAME", help="Whose points are the truth: a name, or mean of all.")
    ] = "mean",
    validation: Annotated[
        str | None,
        typer.Option(
            "--validation",
            metavar="SHARE|FILE",
            help="Hold out a share (0.2), or the radiographs that a file lists.",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option("--preset", metavar="NAME|FILE", help="paper, compact, light or a .json.", show_default="compact"),
    ] = None,
    start_from: Annotated[
        str, typer.Option("--start-from", metavar="MODEL", help="Train this model further (its name or file).")
    ] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, such as epochs=40; may be repeated."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --output.")] = False,
    install: Annotated[
        bool, typer.Option("--install", help="Copy the model into your folder of models, to use it by its name.")
    ] = False,
    names: Annotated[
        bool,
        typer.Option(
            "--names", help="Write the names of the radiographs into the model; without, sums of their pixels."
        ),
    ] = False,
    accelerator: Annotated[str, typer.Option("--accelerator", help="auto, cpu, gpu or mps.")] = "auto",
    devices: Annotated[str, typer.Option("--devices", help="How many, or which ('0,2').")] = "auto",
    nodes: Annotated[int, typer.Option("--nodes", min=1, help="How many machines.")] = 1,
    strategy: Annotated[str, typer.Option("--strategy", help="How devices share the work, such as ddp.")] = "auto",
    compile: Annotated[
        bool, typer.Option("--compile", help="Compile the network first: minutes, then quicker on GPUs.")
    ] = False,
    precision: Annotated[
        str | None, typer.Option("--precision", help="32-true, bf16-mixed or 16-mixed.", show_default="the preset's")
    ] = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Also log for TensorBoard (extra).")] = False,
    events: Annotated[
        str | None,
        typer.Option("--events", metavar="FILE|-", help="Tell progress as JSON lines, - on standard output."),
    ] = None,
    follow_stdin: Annotated[
        bool,
        typer.Option(
            "--follow-stdin",
            help="Take pause, resume, stop and end as lines on standard input, and end when it is closed.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a network; see `_HELP`."""
    if as_json and events == "-":
        raise InvalidInputError("--json and --events - both write to standard output; give the events a file.")
    listed, share = _validation(validation)
    changes = [*share, *(settings or ()), *([f"precision={precision}"] if precision is not None else ())]
    request = None
    if data is not None:
        request = _data(
            data,
            dataset,
            split=split,
            observer=observer,
            exclude=exclude or [],
            annotations=annotations or [],
            scheme=scheme,
            labels=labels,
            listed=listed,
        )

    from farnet.training.run import RunRequest, run_training

    hardware = {
        "accelerator": accelerator,
        "devices": int(devices) if devices.isdecimal() else devices,
        "nodes": nodes,
        "strategy": strategy,
        "compiled": compile,
    }
    run = RunRequest(
        output=output,
        data=request,
        preset=preset,
        changes=changes,
        start_from=start_from,
        resume=resume,
        install=install,
        events=sys.stdout if events == "-" else events,
        follow_stdin=follow_stdin,
        bar=sys.stderr.isatty(),
        tensorboard=tensorboard,
        hardware=hardware,
        command=["farnet", *sys.argv[1:]],
        names=names,
    )
    try:
        # Standard output is for the result or the events; Lightning's bar goes where all progress goes.
        with contextlib.redirect_stdout(sys.stderr):
            result = run_training(run, note)
    except KeyboardInterrupt:
        if (output / "config.json").is_file():
            note(f"Stopped. Go on with: farnet train --output {output} --resume")
        raise
    if events != "-":
        _report(result, output, as_json=as_json)


def _report(result: "RunResult", output: Path, *, as_json: bool) -> None:
    if result.model is None:
        if result.stopped:
            note("Stopped before the first epoch was over: there is nothing to keep.")
        return  # or another process of the same run writes and reports
    if as_json:
        print_json(
            {
                "model": str(result.model),
                "installed": None if result.installed is None else str(result.installed),
                "weights": result.weights,
                "evaluation": result.evaluation,
                "output": str(output),
                "settings": result.config.model_dump(mode="json"),
                "data": result.record,
            }
        )
        return
    print_text(f"Model: {result.model} (weights: {result.weights})")
    held_out = result.evaluation.get("held_out")
    if held_out:
        pooled = held_out["pooled"]
        print_text(f"On {held_out['n_radiographs']} radiographs held out: MRE {pooled['mre']:.3f} {held_out['unit']}")
    name = result.model if result.installed is None else result.config.name
    print_text(f"Use it: farnet detect IMAGE --model {name}")


def _validation(text: str | None) -> tuple[Path | None, list[str]]:
    """A file that lists radiographs, or a share as a setting."""
    if text is None:
        return None, []
    try:
        return None, [f"validation_share={float(text)}"]
    except ValueError:
        return Path(text).absolute(), []


def _data(
    folder: Path,
    layout: str,
    *,
    split: str,
    observer: str,
    exclude: list[str],
    annotations: list[Path],
    scheme: Path | None,
    labels: Path | None,
    listed: Path | None,
) -> "DataRequest":
    from farnet.datasets.named import DATASETS
    from farnet.datasets.opening import DataRequest, find_layout

    layouts = ("auto", *DATASETS, "table")
    if layout not in layouts:
        raise unknown_name("data set", layout, layouts)
    return DataRequest(
        folder=folder.absolute(),
        layout=find_layout(folder) if layout == "auto" else layout,
        split=split,
        observer=observer,
        exclude=tuple(exclude),
        annotations=tuple(path.absolute() for path in annotations),
        scheme=None if scheme is None else scheme.absolute(),
        labels=None if labels is None else labels.absolute(),
        validation=listed,
    )
