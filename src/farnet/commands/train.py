"""`farnet train`: train a network on a data set and leave a model file."""

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from farnet.commands.console import note, print_json, print_text
from farnet.commands.options import DataOption, DatasetOption, JsonOption, examples

if TYPE_CHECKING:
    from farnet.training.config import TrainingConfig

__all__ = ["register", "train"]

_HELP = examples(
    """Train a network, and leave its model file.

The settings are a preset ('paper' is the published training of the full network, 'compact' that of the bundled model)
or a file of settings (.json), with changes by --set. The output folder gets the settings, a log (csv), checkpoints and,
at the end, the model (.safetensors), which --model takes. Ctrl-C stops at once and keeps what the last finished epoch
left; --resume goes on exactly from there.""",
    ("the bundled model's training", "farnet train --data isbi2015 --preset compact --output runs/compact"),
    ("go on after an interruption", "farnet train --data isbi2015 --output runs/compact --resume"),
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
    data: DataOption,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the run is kept.")],
    dataset: DatasetOption = "isbi2015",
    split: Annotated[str, typer.Option("--split", metavar="NAME", help="The part to train on.")] = "train",
    observer: Annotated[
        str, typer.Option("--observer", metavar="NAME", help="Whose points are the truth: mean, junior or senior.")
    ] = "mean",
    preset: Annotated[
        str | None,
        typer.Option("--preset", metavar="NAME|FILE", help="paper, compact or a .json.", show_default="compact"),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, such as epochs=40; may be repeated."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --output.")] = False,
    accelerator: Annotated[str, typer.Option("--accelerator", help="auto, cpu, gpu or mps.")] = "auto",
    devices: Annotated[str, typer.Option("--devices", help="How many, or which ('0,2').")] = "auto",
    nodes: Annotated[int, typer.Option("--nodes", min=1, help="How many machines.")] = 1,
    strategy: Annotated[str, typer.Option("--strategy", help="How devices share the work, such as ddp.")] = "auto",
    precision: Annotated[
        str | None, typer.Option("--precision", help="32-true, bf16-mixed or 16-mixed.", show_default="the preset's")
    ] = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Also log for TensorBoard (extra).")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a network; see `_HELP`."""
    changes = [*(settings or ()), *([f"precision={precision}"] if precision is not None else ())]
    config = _settings(preset, changes, output, resume=resume)

    from farnet.commands.data import open_dataset

    source = open_dataset(dataset, data, split=split, observer=observer)

    from farnet.allocator import keep_freed_memory
    from farnet.training.export import export_model
    from farnet.training.fit import train as fit

    keep_freed_memory()
    record = {"dataset": dataset, "split": split, "observer": observer, "radiographs": list(source.ids)}
    if source.duplicates:
        note(f"Also in the training split under another number: {', '.join(source.duplicates)}")
    model = output / f"{config.name}.safetensors"
    written: dict[str, Any] = {}

    def finish(network: Any, prepared: Any) -> None:
        metadata = export_model(model, network, prepared, record=record, command=["farnet", *sys.argv[1:]])
        written.update(model=str(model), evaluation=metadata.evaluation)

    try:
        # Standard output is for the result; Lightning's bar goes where all progress goes.
        with contextlib.redirect_stdout(sys.stderr):
            fit(
                source,
                config,
                output,
                resume=resume,
                progress=sys.stderr.isatty(),
                tensorboard=tensorboard,
                accelerator=accelerator,
                devices=int(devices) if devices.isdecimal() else devices,
                nodes=nodes,
                strategy=strategy,
                finish=finish,
            )
    except KeyboardInterrupt:
        note(f"Stopped. Go on with: farnet train --data {data} --output {output} --resume")
        raise
    if not written:  # another process of the same run writes and reports
        return
    if as_json:
        print_json({**written, "output": str(output), "settings": config.model_dump(mode="json"), "data": record})
        return
    print_text(f"Model: {model}")
    held_out = written["evaluation"].get("held_out")
    if held_out:
        pooled = held_out["pooled"]
        print_text(f"On {held_out['n_radiographs']} radiographs held out: MRE {pooled['mre']:.3f} {held_out['unit']}")
    print_text(f"Use it: farnet detect IMAGE --model {model}")


def _settings(preset: str | None, changes: list[str], output: Path, *, resume: bool) -> "TrainingConfig":
    """The settings of a new run, or those that the run to resume was started with."""
    from farnet.training.config import load_preset

    if preset is None:
        record = output / "config.json"
        preset = str(record) if resume and record.is_file() else "compact"
    return load_preset(preset, changes)
