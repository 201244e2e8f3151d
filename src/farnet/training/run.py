"""A whole training run, from a request to a model file: what `farnet train` does, to be called from a script too.

The folder of the run has all that is needed to go on with it: which data (``run.json``), which settings
(``config.json``), and the checkpoints.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from pydantic import BaseModel, ConfigDict, ValidationError

from farnet.atomic import write_bytes_atomic, write_text_atomic
from farnet.datasets.opening import DataRequest, OpenedData, open_data
from farnet.errors import FarnetError, InvalidInputError, OutputError
from farnet.training.config import TrainingConfig, load_preset
from farnet.training.control import Control, StopTraining
from farnet.training.failures import describe_failure, kind_of_failure
from farnet.training.finetune import check_start, fine_tuning
from farnet.training.progress import EventWriter
from farnet.training.runfolder import CONFIG_FILE, CONTROL_FILE, PREVIEW_FILE, RUN_FILE, lock_run
from farnet.zoo import list_models, user_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from farnet.training.fit import Trained

__all__ = [
    "RunRecord",
    "RunRequest",
    "RunResult",
    "check_model_name",
    "read_run_record",
    "run_settings",
    "run_training",
]


@dataclass(frozen=True)
class RunRequest:
    """What to train, on what, and where.

    Attributes:
        output: Folder of the run.
        data: The data; may be None where `resume` is set, whose folder knows it.
        preset: Name or file of the settings; None is that of the run to resume, "fine tuning" where `start_from` is
            set, else "compact".
        changes: ``key=value`` changes of the settings.
        start_from: Name or file of a model to train further; empty for none.
        resume: Go on with the run in `output`.
        install: Copy the finished model into the user's folder of models.
        events: File or open stream of the events, or None.
        follow_stdin: Take words from standard input, and end when it is closed.
        bar: Show Lightning's progress bar.
        tensorboard: Log for TensorBoard too.
        hardware: ``accelerator``, ``devices``, ``nodes``, ``strategy``, ``compiled`` of `farnet.training.fit.train`.
        command: The command line, for the card of the model.
        names: Write the names of the radiographs into the model file; without, it has the SHA-256 of their pixels.
    """

    output: Path
    data: DataRequest | None = None
    preset: str | None = None
    changes: Sequence[str] = ()
    start_from: str = ""
    resume: bool = False
    install: bool = False
    events: str | Path | TextIO | None = None
    follow_stdin: bool = False
    bar: bool = False
    tensorboard: bool = False
    hardware: dict[str, Any] = field(default_factory=dict)
    command: Sequence[str] = ()
    names: bool = False


@dataclass(frozen=True)
class RunResult:
    """How a run ended well.

    Attributes:
        model: The model file; None where it was stopped before its first epoch was over, or where another process of
            the same run writes it.
        installed: The copy in the user's folder of models, or None.
        weights: Which weights the model has.
        evaluation: The figures in its card.
        config: The settings.
        record: Which data it was.
        stopped: Whether it was asked to stop before its end.
    """

    model: Path | None
    installed: Path | None
    weights: str
    evaluation: dict[str, Any]
    config: TrainingConfig
    record: dict[str, Any]
    stopped: bool


class RunRecord(BaseModel):
    """What the folder of a run remembers of its request."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = 1
    data: DataRequest
    install: bool = False
    names: bool = False


def read_run_record(folder: Path) -> RunRecord:
    """What the folder of a run remembers of its request.

    Raises:
        OutputError: It remembers nothing.
        InvalidInputError: What it remembers cannot be read.
    """
    path = folder / RUN_FILE
    try:
        return RunRecord.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise OutputError(
            f"no run to resume in {folder}: it does not tell which data it is trained on; give --data too"
        ) from None
    except (OSError, ValueError, ValidationError) as error:
        raise InvalidInputError(f"{path} cannot be read: {error}; give --data to say which data it is") from error


def run_training(request: RunRequest, note: Callable[[str], None] = lambda _: None) -> RunResult:
    """Run a training to its end, telling how it goes.

    Args:
        request: What to train.
        note: Called with what the user should know of the data.

    Raises:
        FarnetError: The request cannot be met; the message says why. Before anything is made, if that can be known.
        KeyboardInterrupt: It was ended; it can be resumed.
    """
    # Of several processes of one run, the first alone tells, listens and holds the folder.
    first = _is_first_process()
    events = EventWriter(request.events if first else None, append=request.resume)
    control = Control()
    if first and request.follow_stdin:
        control.follow_stdin()
    try:
        result = _run(request, events, control, note, first=first)
    except BaseException as error:
        _tell_failure(error, events, resumable=(request.output / CONFIG_FILE).is_file())
        raise
    finally:
        events.close()
    return result


def run_settings(request: RunRequest, landmarks: int | None = None) -> TrainingConfig:
    """The settings that a request asks for.

    Args:
        request: The request.
        landmarks: How many landmarks its data has; None where it is not known yet.

    Raises:
        FarnetError: There is no such preset or model, or a setting is not allowed.
    """
    record = request.output / CONFIG_FILE
    if request.resume and request.preset is None and record.is_file():
        return load_preset(str(record), request.changes)
    if request.start_from and request.preset is None:
        return fine_tuning(request.start_from, request.changes)
    start = [f"start_from={request.start_from}"] if request.start_from else []
    return load_preset(request.preset or "compact", [*start, *request.changes], landmarks=landmarks)


def check_model_name(name: str) -> None:
    """See that a name is free among the models.

    Raises:
        OutputError: There is a model of this name, or a file that stands where it would.
    """
    path = user_folder() / f"{name}.safetensors"
    if path.exists() or any(entry.name == name for entry in list_models()):
        raise OutputError(
            f"There is a model {name!r} already. Give the new one another name, or remove that one ({path.parent})."
        )


def _run(
    request: RunRequest, events: EventWriter, control: Control, note: Callable[[str], None], *, first: bool
) -> RunResult:
    record = _record_of(request)
    run_settings(request)  # what is wrong with them is told before the data is looked at
    opened = open_data(record.data)
    for text in opened.notes:
        note(text)
    config = run_settings(request, len(opened.source.scheme))
    check_start(config, opened.source.scheme)
    if record.install and not request.resume:
        check_model_name(config.name)

    from farnet.training.fit import check_output

    if first:
        check_output(request.output, config, request.resume)
    made = not request.output.exists()
    with lock_run(request.output) if first else contextlib.nullcontext():
        if first:
            control.watch(request.output / CONTROL_FILE)
        try:
            return _train(request, record, opened, config, events, control)
        finally:
            if made and first and not (request.output / CONFIG_FILE).is_file():
                _remove_empty(request.output)


def _train(
    request: RunRequest,
    record: RunRecord,
    opened: OpenedData,
    config: TrainingConfig,
    events: EventWriter,
    control: Control,
) -> RunResult:
    from farnet.allocator import keep_freed_memory
    from farnet.training.export import export_model
    from farnet.training.fit import train
    from farnet.training.reporting import Reporter

    keep_freed_memory()
    output = request.output
    model = output / f"{config.name}.safetensors"
    written: dict[str, Any] = {}
    description = opened.record(record.data)

    def claimed() -> None:
        write_text_atomic(output / RUN_FILE, record.model_dump_json(indent=1) + "\n")

    def finish(trained: Trained) -> None:
        events.emit("finishing")
        metadata = export_model(
            model,
            trained.network,
            trained.data,
            record=description,
            weights=trained.weights,
            command=request.command,
            names=record.names,
        )
        installed = _installed(model) if record.install else None
        written.update(
            model=model,
            installed=installed,
            weights=trained.weights,
            evaluation=metadata.evaluation,
            stopped=trained.stopped,
        )

    preview = output / PREVIEW_FILE if request.events is not None else None
    reporter = Reporter(events, control, preview=preview, name=config.name, run=output)
    try:
        train(
            opened.source,
            config,
            output,
            resume=request.resume,
            progress=request.bar,
            tensorboard=request.tensorboard,
            validation=opened.validation,
            callbacks=[reporter],
            prepared=reporter.preparing,
            claimed=claimed,
            finish=finish,
            **request.hardware,
        )
    except StopTraining:
        events.emit("stopped", model=None, weights="")
        return RunResult(None, None, "", {}, config, description, stopped=True)
    if not written:  # another process of the same run writes and tells
        return RunResult(None, None, "", {}, config, description, stopped=False)
    stopped = bool(written.pop("stopped"))
    events.emit("stopped" if stopped else "finished", **written)
    return RunResult(**written, config=config, record=description, stopped=stopped)


def _is_first_process() -> bool:
    """Whether no launcher says that this is another process of a run; Lightning, which knows too, loads for seconds."""
    ranks = (os.environ.get(name, "") for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK"))
    return int(next((rank for rank in ranks if rank.isdecimal()), "0")) == 0


def _record_of(request: RunRequest) -> RunRecord:
    """The data of a new run, or of the one to resume."""
    if request.data is not None:
        return RunRecord(data=request.data, install=request.install, names=request.names)
    if not request.resume:
        raise InvalidInputError("A new training needs --data, the folder of its radiographs.")
    record = read_run_record(request.output)
    kept = {"install": record.install or request.install, "names": record.names or request.names}
    return record.model_copy(update=kept)


def _installed(model: Path) -> Path:
    path = user_folder() / model.name
    write_bytes_atomic(path, model.read_bytes())
    return path


def _tell_failure(error: BaseException, events: EventWriter, *, resumable: bool) -> None:
    try:
        events.emit("failed", kind=kind_of_failure(error), message=describe_failure(error), resumable=resumable)
    except FarnetError as unwritten:
        error.add_note(f"This could not be told in the events: {unwritten}")


def _remove_empty(folder: Path) -> None:
    """Leave no folder of a run that did not begin."""
    from farnet.training.runfolder import remove_lock

    remove_lock(folder)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
