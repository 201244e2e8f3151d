"""Run a training: start or resume, keep checkpoints, write the model file at the end."""

from __future__ import annotations

import importlib
import itertools
import json
import logging
import pickle
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from farnet.atomic import write_text_atomic
from farnet.errors import InvalidInputError, OutputError
from farnet.inputs import normalise
from farnet.networks import FARNet, build_network
from farnet.networks.backbones import load_backbone_weights
from farnet.training.data import LandmarkData, RadiographSource
from farnet.training.statistics import reestimate_statistics
from farnet.training.task import LandmarkTask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from farnet.training.config import TrainingConfig

__all__ = ["CONFIG_FILE", "LAST_CHECKPOINT", "start_network", "train"]

LAST_CHECKPOINT = "last.ckpt"
BEST_CHECKPOINT = "best.ckpt"
CONFIG_FILE = "config.json"
_STATISTICS_BATCHES = 60


def start_network(config: TrainingConfig) -> FARNet:
    """The network of a run with its first weights; random parts depend on ``config.seed`` alone."""
    devices = list(range(torch.cuda.device_count()))
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(config.seed)
        network = build_network(config.network, pretrained=config.weights == "imagenet")
    if config.weights not in ("imagenet", "none"):
        load_backbone_weights(network.backbone, Path(config.weights))
    return network


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
    callbacks: Sequence[Callback] = (),
    finish: Callable[[FARNet, LandmarkData], None] | None = None,
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
        callbacks: More Lightning callbacks.
        finish: Called in the first process with the finished network and the data, to write the model file.

    Returns:
        The finished network on the CPU, in evaluation mode, statistics re-estimated.

    Raises:
        InvalidInputError: The settings do not fit the data or the run that is resumed.
        OutputError: `output` cannot be used.
        KeyboardInterrupt: Ctrl-C. The last finished epoch is in last.ckpt, from where `resume` goes on.
    """
    first_process = getattr(rank_zero_only, "rank", 0) == 0
    if first_process:
        _check_output(output, config, resume)
    data = LandmarkData(source, config)
    data.training.prepare()
    data.validation.prepare()
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
    if data.validation_indices:
        extra.append(ModelCheckpoint(output, filename="best", monitor="mre", mode="min", enable_version_counter=False))
    if config.average:
        extra.append(EMAWeightAveraging(decay=config.average))
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
            try:
                trainer.fit(task, datamodule=data, ckpt_path=start, weights_only=True)
            except SystemExit as leaving:
                # Lightning answers Ctrl-C by ending the program; that is for the caller to decide.
                if isinstance(leaving.__context__, KeyboardInterrupt):
                    raise KeyboardInterrupt from None
                raise
    network = task.network
    if trainer.is_global_zero:
        device = trainer.strategy.root_device
        reestimate_statistics(network.to(device), (batch.to(device) for batch in _statistics_batches(data)))
    network.cpu().eval()
    if trainer.is_global_zero and finish is not None:
        finish(network, data)
    return network


def _check_output(output: Path, config: TrainingConfig, resume: bool) -> None:
    """See that the folder is free for a new run, or holds the run that is resumed."""
    record = output / CONFIG_FILE
    if not resume:
        try:
            taken = output.exists() and (not output.is_dir() or any(output.iterdir()))
        except OSError as error:
            raise OutputError(f"cannot use the output folder {output}: {error}") from error
        if taken:
            raise OutputError(
                f"the output folder {output} is not empty; give a new one, or resume the run that is in it"
            )
        return
    try:
        before = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OutputError(f"no run to resume in {output}: {error}; start one without resume") from error
    now = json.loads(config.model_dump_json())
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
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        if state["epoch"] + 1 < task.config.epochs:
            return False
        task.load_state_dict(state["state_dict"])
    except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise InvalidInputError(
            f"cannot resume from {checkpoint}: {error}; delete it to start this run again from its beginning"
        ) from error
    return True


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
