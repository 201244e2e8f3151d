"""Run a training: start or resume, keep checkpoints, write the model file at the end."""

from __future__ import annotations

import copy
import importlib
import itertools
import logging
import pickle
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from farnet.allocator import release_freed_memory
from farnet.atomic import write_text_atomic
from farnet.errors import FarnetError, InvalidInputError, ModelFileError, OutputError
from farnet.inputs import normalise
from farnet.modelfile import load_model, read_metadata
from farnet.networks import FARNet, build_network
from farnet.networks.backbones import load_backbone_weights
from farnet.networks.compiling import compile_training, compiling_errors
from farnet.training.checkpoints import AtomicCheckpoints
from farnet.training.config import TrainingConfig, override, read_settings
from farnet.training.control import StopTraining
from farnet.training.data import LandmarkData, RadiographSource
from farnet.training.finetune import check_start, load_start
from farnet.training.runfolder import BEST_CHECKPOINT, COMPANIONS, CONFIG_FILE, LAST_CHECKPOINT
from farnet.training.statistics import reestimate_statistics
from farnet.training.task import LandmarkTask
from farnet.training.weight_averaging import MovingAverage
from farnet.zoo import find_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["BEST_CHECKPOINT", "CONFIG_FILE", "LAST_CHECKPOINT", "Trained", "check_output", "start_network", "train"]

_STATISTICS_BATCHES = 60


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training leaves in memory.

    Attributes:
        network: On the CPU, in evaluation mode, statistics re-estimated.
        data: What it was trained on.
        weights: Which weights these are, for people: "last of 88 epochs", "best, of epoch 7 of 20".
        stopped: Whether it was asked to stop before its last epoch.
    """

    network: FARNet
    data: LandmarkData
    weights: str
    stopped: bool


def start_network(config: TrainingConfig) -> FARNet:
    """The network of a run with its first weights; random parts depend on ``config.seed`` alone."""
    if config.start_from:
        return load_start(config)
    devices = list(range(torch.cuda.device_count()))
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(config.seed)
        network = build_network(config.network, pretrained=config.weights == "imagenet")
    if config.weights not in ("imagenet", "none"):
        _load_backbone(network, config)
    return network


def _load_backbone(network: FARNet, config: TrainingConfig) -> None:
    """Begin with the backbone of a model, or with a file of weights."""
    path = Path(config.weights)
    if not path.is_file():
        try:
            path = find_model(config.weights)
        except FarnetError as error:
            raise InvalidInputError(
                f"weights={config.weights!r} is neither a file nor a model: {error} Give 'none', 'imagenet', a "
                ".safetensors file or a model."
            ) from error
    try:
        metadata = read_metadata(path)
    except ModelFileError:
        load_backbone_weights(network.backbone, path)  # weights alone; what is wrong with others is told there
        return
    if metadata.network.backbone != config.network.backbone:
        raise InvalidInputError(
            f"the model {metadata.name} has the backbone {metadata.network.backbone}, and the run "
            f"{config.network.backbone}; set network.backbone={metadata.network.backbone}, or weights=none"
        )
    network.backbone.load_state_dict(load_model(path)[0].backbone.state_dict())


def train(
    source: RadiographSource,
    config: TrainingConfig,
    output: Path,
    *,
    resume: bool = False,
    progress: bool = True,
    tensorboard: bool = False,
    accelerator: str = "auto",
    devices: int | str = "auto",
    nodes: int = 1,
    strategy: str = "auto",
    compiled: bool = False,
    validation: Sequence[str] = (),
    callbacks: Sequence[Callback] = (),
    prepared: Callable[[int, int], None] | None = None,
    claimed: Callable[[], None] | None = None,
    finish: Callable[[Trained], None] | None = None,
) -> FARNet:
    """Train, and leave in `output`: config.json, log/metrics.csv, last.ckpt, best.ckpt (with held-out data).

    Args:
        source: Radiographs and landmarks.
        config: The run.
        output: Folder, made if needed. It must be new or empty unless `resume`.
        resume: Go on from ``last.ckpt`` exactly: weights, averages, optimiser, schedule, epoch, randomness. The
            settings must be those of the run. The log so far is kept beside the new one (log/metrics-1.csv, ...).
        progress: Show a bar.
        tensorboard: Log for TensorBoard too (needs the extra).
        accelerator: "auto", "cpu", "gpu", "mps".
        devices: How many devices, or "auto".
        nodes: How many machines.
        strategy: Lightning's strategy, such as "ddp".
        compiled: Compile the network first (`farnet.networks.compiling`).
        validation: Names of the radiographs to hold out, instead of those that the settings would.
        callbacks: More Lightning callbacks. One that raises `StopTraining` ends the training with what is best so far.
        prepared: Called with (done, total) while the radiographs are read.
        claimed: Called in the first process once the folder is that of this run, before the first step.
        finish: Called in the first process with what was trained, to write the model file.

    Returns:
        The finished network on the CPU, in evaluation mode, statistics re-estimated.

    Raises:
        InvalidInputError: The settings do not fit the data or the run that is resumed.
        SchemeError: The model that the run starts from has other landmarks.
        OutputError: `output` cannot be used.
        DeviceError: It cannot be compiled here.
        StopTraining: Stopped before anything could be kept.
        KeyboardInterrupt: Ctrl-C. The last finished epoch is in last.ckpt, from where `resume` goes on.
    """
    first_process = getattr(rank_zero_only, "rank", 0) == 0
    if first_process:
        check_output(output, config, resume)
    data = LandmarkData(source, config, validation)
    check_start(config, source.landmarks(0).scheme)
    _prepare(data, prepared)
    task = LandmarkTask(start_network(config).to(memory_format=torch.channels_last), config)
    start = output / LAST_CHECKPOINT if resume and (output / LAST_CHECKPOINT).exists() else None
    finished = start is not None and _load_finished(task, start)
    extra: list[Callback] = [
        ModelCheckpoint(
            output,
            filename="last",
            every_n_epochs=1,
            save_top_k=1,
            monitor=None,
            enable_version_counter=False,
            save_on_train_epoch_end=True,
        )
    ]
    stopped = False
    if data.validation_indices:
        extra.append(ModelCheckpoint(output, filename="best", monitor="mre", mode="min", enable_version_counter=False))
    if config.average:
        extra.append(MovingAverage(config.average))
    with warnings.catch_warnings():
        # Preparation is cheap beside the network, and how many processes do it is the user's choice.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*exists and is not empty.*")
        warnings.filterwarnings("ignore", message=".*smaller than the logging interval.*")
        # Lightning 2.6 asks torch in a way that torch 2.9 and later call out of date.
        warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*", category=FutureWarning)
        warnings.filterwarnings("ignore", message=".*You defined a `validation_step` but have no `val_dataloader`.*")
        trainer = pl.Trainer(
            default_root_dir=output,
            max_epochs=config.epochs,
            precision=config.precision,
            accelerator=accelerator,
            devices=devices,
            num_nodes=nodes,
            strategy=strategy,
            gradient_clip_val=config.gradient_clip or None,
            logger=_loggers(output, tensorboard),
            callbacks=[*extra, *callbacks],
            plugins=[AtomicCheckpoints()],
            enable_progress_bar=progress,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            reload_dataloaders_every_n_epochs=1,
            check_val_every_n_epoch=config.validate_every,
            limit_val_batches=1.0 if data.validation_indices else 0,
            log_every_n_steps=1,
        )
        if not finished:
            if first_process:
                _claim_output(output, config, resume)
                if claimed is not None:
                    claimed()
            if compiled:
                compile_training(task.network)
            try:
                with compiling_errors():
                    trainer.fit(task, datamodule=data, ckpt_path=start, weights_only=True)
            except StopTraining:
                stopped = True
            except SystemExit as leaving:
                # Lightning answers Ctrl-C by ending the program; that is for the caller to decide.
                if isinstance(leaving.__context__, KeyboardInterrupt):
                    raise KeyboardInterrupt from None
                raise
    weights = _choose_weights(task, output, stopped=stopped)
    network = copy.deepcopy(task.network) if compiled else task.network  # a copy is not compiled
    release_freed_memory()  # of the steps, before tensors of other sizes come
    if trainer.is_global_zero:
        device = trainer.strategy.root_device
        with trainer.precision_plugin.forward_context():  # as it was trained: 16 bit takes half the memory and time
            reestimate_statistics(network.to(device), (batch.to(device) for batch in _statistics_batches(data)))
    network.cpu().eval()
    release_freed_memory()
    if trainer.is_global_zero and finish is not None:
        finish(Trained(network, data, weights, stopped))
    return network


def _prepare(data: LandmarkData, told: Callable[[int, int], None] | None) -> None:
    """Read all radiographs, and see that every landmark can be learnt."""
    total = len(data.training_indices) + len(data.validation_indices)
    for part, before in ((data.training, 0), (data.validation, len(data.training_indices))):
        part.prepare(None if told is None else partial(_told_from, told, before, total))
    if data.config.start_from:
        return  # the model knows its landmarks already
    rows = np.array([data.training.points(item)[:, 0] for item in range(len(data.training_indices))])
    known = np.asarray(np.isfinite(rows).any(axis=0))
    if not known.all():
        names = data.training.source.landmarks(data.training_indices[0]).scheme.names
        missing = [name for name, here in zip(names, known, strict=True) if not here]
        raise InvalidInputError(
            f"No radiograph of the training has {', '.join(missing[:5])}{', ...' if len(missing) > 5 else ''}: what is "
            "never shown cannot be learnt. Place it on some of them, or use a scheme without it."
        )


def _told_from(told: Callable[[int, int], None], before: int, total: int, done: int, _of: int) -> None:
    told(before + done, total)


def _choose_weights(task: LandmarkTask, output: Path, *, stopped: bool) -> str:
    """Load the weights that become the model, and say which they are."""
    config = task.config
    best, last = output / BEST_CHECKPOINT, output / LAST_CHECKPOINT
    if not stopped and config.keep == "last":
        return f"last of {config.epochs} epochs"
    chosen = best if best.is_file() else last
    if not chosen.is_file():
        raise StopTraining  # before the first epoch was over
    state = _load_checkpoint(chosen)
    task.load_state_dict(state["state_dict"])
    which = "best" if chosen == best else "last"
    return f"{which}, of epoch {state['epoch'] + 1} of {config.epochs}"


def check_output(output: Path, config: TrainingConfig, resume: bool) -> None:
    """See that the folder is free for a new run, or holds the run that is resumed.

    Raises:
        OutputError: It is not.
        InvalidInputError: The run in it has other settings.
    """
    record = output / CONFIG_FILE
    if not resume:
        try:
            taken = output.exists() and (
                not output.is_dir() or any(item.name not in COMPANIONS for item in output.iterdir())
            )
        except OSError as error:
            raise OutputError(f"cannot use the output folder {output}: {error}") from error
        if taken:
            raise OutputError(
                f"the output folder {output} is not empty; give a new one, or resume the run that is in it"
            )
        return
    if not record.is_file():
        raise OutputError(f"no run to resume in {output}: there is no {CONFIG_FILE}; start one without resume")
    # Settings that are newer than the run have their defaults in it.
    before = override(read_settings(record)).model_dump(mode="json")
    now = config.model_dump(mode="json")
    changed = sorted(k for k in now.keys() | before.keys() if now.get(k) != before.get(k))
    if changed:
        raise InvalidInputError(
            f"the run in {output} was started with other settings: {', '.join(changed)}; use those in "
            f"{record}, or start a new run in another folder"
        )


def _claim_output(output: Path, config: TrainingConfig, resume: bool) -> None:
    """Write the settings of a new run; put the log of a resumed one where the logger will not delete it."""
    if not resume:
        write_text_atomic(output / CONFIG_FILE, config.model_dump_json(indent=1) + "\n")
        return
    log = output / "log" / "metrics.csv"
    if log.exists():
        parts = (log.with_name(f"metrics-{n}.csv") for n in itertools.count(1))
        log.rename(next(part for part in parts if not part.exists()))


def _load_finished(task: LandmarkTask, checkpoint: Path) -> bool:
    """Load the weights of a run whose epochs are all done (averaged, where it averages); False if some are left.

    Lightning would load those of the last step and, having nothing to do, never put the average in their place.
    """
    state = _load_checkpoint(checkpoint)
    if state["epoch"] + 1 < task.config.epochs:
        return False
    task.load_state_dict(state["state_dict"])
    return True


def _load_checkpoint(checkpoint: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
        if not {"epoch", "state_dict"} <= state.keys():
            raise KeyError("epoch, state_dict")
    except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise InvalidInputError(
            f"cannot resume from {checkpoint}: {error}; delete it to start this run again from its beginning"
        ) from error
    return state


def _loggers(output: Path, tensorboard: bool) -> list[Any]:
    from lightning.pytorch.loggers import CSVLogger

    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    loggers: list[Any] = [CSVLogger(output, name="", version="log", flush_logs_every_n_steps=100)]
    if tensorboard:
        from farnet.errors import missing_extra

        try:
            importlib.import_module("tensorboard")
        except ImportError as error:
            raise missing_extra("tensorboard", "tensorboard", "logging for TensorBoard") from error
        from lightning.pytorch.loggers import TensorBoardLogger

        loggers.append(TensorBoardLogger(output, name="", version="tensorboard"))
    return loggers


def _statistics_batches(data: LandmarkData) -> Iterator[Tensor]:
    """Normalised training images, augmented as in an epoch that training never saw, in batches."""
    config = data.config
    per_batch = max(config.batch_size, min(8, len(data.training)))
    images: list[Tensor] = []
    made, epoch = 0, config.epochs
    while made < _STATISTICS_BATCHES:
        data.training.epoch = epoch
        for item in range(len(data.training)):
            images.append(data.training[item]["image"])
            if len(images) == per_batch:
                yield normalise(torch.stack(images)).contiguous(memory_format=torch.channels_last)
                images, made = [], made + 1
                if made == _STATISTICS_BATCHES:
                    return
        epoch += 1
