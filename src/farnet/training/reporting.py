"""From Lightning's hooks to events: what a run tells, and where it listens."""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from lightning.pytorch.callbacks import Callback
from torch.nn import functional as F

from farnet.training.failures import DivergedError
from farnet.training.progress import Preview, write_preview

if TYPE_CHECKING:
    from pathlib import Path

    import lightning.pytorch as pl
    from numpy.typing import NDArray
    from torch import Tensor

    from farnet.training.control import Control
    from farnet.training.data import LandmarkData
    from farnet.training.progress import EventWriter
    from farnet.training.task import LandmarkTask

__all__ = ["Reporter"]

_SECONDS_BETWEEN_STEPS = 0.5
_PREVIEWED = 4
_HEATMAP_SHRINK = 4


class Reporter(Callback):
    """Tells what a training does, and makes it pause, stop or end as it is told.

    Args:
        events: Where the events go.
        control: What the training is told.
        preview: File of the preview of radiographs held out, rewritten after every validation; None for none.
        name: Name of the model.
        run: Folder of the run.
    """

    def __init__(self, events: EventWriter, control: Control, *, preview: Path | None, name: str, run: Path) -> None:
        self.events, self.control, self.preview, self.name, self.run = events, control, preview, name, run
        control.told = events.emit
        self._told = self._epoch_began = self._fit_began = 0.0
        self._first_step = 0
        self._best = math.inf
        self._heatmaps: dict[int, NDArray[np.float16]] = {}

    def preparing(self, done: int, total: int) -> None:
        """Tell that radiographs are being read; a place to stop too."""
        if done in (1, total) or time.monotonic() - self._told > _SECONDS_BETWEEN_STEPS:
            self._told = time.monotonic()
            self.events.emit("preparing", done=done, total=total)
        self.control.check()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell what begins; a checkpoint has been loaded by now."""
        data = _data(trainer)
        self._fit_began, self._first_step = time.monotonic(), trainer.global_step
        scheme = data.training.source.landmarks(data.training_indices[0]).scheme
        self.events.emit(
            "started",
            run=str(self.run),
            name=self.name,
            pid=os.getpid(),
            device=str(trainer.strategy.root_device),
            epochs=trainer.max_epochs,
            steps=int(trainer.num_training_batches),
            first_epoch=trainer.current_epoch + 1,
            training=len(data.training_indices),
            validation=len(data.validation_indices),
            landmarks=list(scheme.names),
            unit=_unit(data),
        )

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin to measure the time."""
        self._epoch_began = time.monotonic() - self.control.paused_seconds

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Tell of the step, and listen.

        Raises:
            DivergedError: The loss is not finite.
        """
        now = time.monotonic()
        last = batch_idx + 1 >= trainer.num_training_batches
        if last or now - self._told > _SECONDS_BETWEEN_STEPS:
            self._told = now
            loss = float(outputs["loss"] if isinstance(outputs, dict) else outputs)
            self.events.emit(
                "step",
                epoch=trainer.current_epoch + 1,
                step=batch_idx + 1,
                steps=int(trainer.num_training_batches),
                loss=loss,
                seconds_left=self._seconds_left(trainer),
            )
            if not math.isfinite(loss):
                raise DivergedError(
                    f"The loss became {loss} in epoch {trainer.current_epoch + 1}: the training has diverged. Start it "
                    "again with a lower learning_rate, or a gradient_clip of 1."
                )
        self._listen(trainer)

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the heatmaps of the first few radiographs, and listen."""
        wanted = _data(trainer).validation_indices[:_PREVIEWED]
        task = cast("LandmarkTask", pl_module)
        if self.preview is not None and task.last_heatmaps is not None:
            for index, maps in zip(batch["index"].tolist(), task.last_heatmaps, strict=True):
                if index in wanted:
                    self._heatmaps[index] = _shrunk(maps)
        self._listen(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell how good the network is now."""
        metrics = trainer.callback_metrics
        data = _data(trainer)
        task = cast("LandmarkTask", pl_module)
        validated = bool(task.found)
        mre, mre_px = _mean_errors(data, task.found) if validated else (None, None)
        best = mre is not None and mre < self._best
        if best and mre is not None:
            self._best = mre
        epoch = trainer.current_epoch + 1
        self.events.emit(
            "epoch",
            epoch=epoch,
            epochs=trainer.max_epochs,
            train_loss=_value(metrics, "loss_epoch"),
            validation_loss=_value(metrics, "validation_loss") if validated else None,
            mre=mre,
            mre_px=mre_px,
            missed=_value(metrics, "missed") if validated else None,
            unit=_unit(data),
            learning_rate=float(trainer.optimizers[0].param_groups[0]["lr"]),
            best=best,
            seconds=time.monotonic() - self.control.paused_seconds - self._epoch_began,
            seconds_left=self._seconds_left(trainer),
        )
        if validated and self.preview is not None:
            self._tell_sample(data, task, epoch)
        task.found = {}

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps: how good the best epoch was."""
        return {"best": self._best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._best = float(state_dict["best"])

    def _tell_sample(self, data: LandmarkData, task: LandmarkTask, epoch: int) -> None:
        assert self.preview is not None
        shown = [index for index in data.validation_indices[:_PREVIEWED] if index in task.found]
        kept = [data.validation.prepared(index) for index in shown]
        maps = [self._heatmaps[index] for index in shown if index in self._heatmaps]
        source = data.validation.source
        preview = Preview(
            epoch=epoch,
            names=tuple(source.ids[index] for index in shown),
            images=np.stack([item.grey for item in kept]),
            points=np.stack([task.found[index] for index in shown]),
            references=np.stack([item.points for item in kept]),
            units=np.array([item.unit for item in kept]),
            in_mm=np.array([item.in_mm for item in kept]),
            heatmaps=np.stack(maps) if len(maps) == len(shown) else None,
            landmarks=source.landmarks(shown[0]).scheme.names,
        )
        write_preview(self.preview, preview)
        self.events.emit(
            "sample",
            epoch=epoch,
            radiographs=list(preview.names),
            points=[item.frame.to_radiograph(task.found[index]) for index, item in zip(shown, kept, strict=True)],
            references=[item.frame.to_radiograph(item.points) for item in kept],
            file=self.preview.name,
        )

    def _listen(self, trainer: pl.Trainer) -> None:
        # One of several processes that stopped alone would leave the others waiting for it.
        if trainer.world_size == 1:
            self.control.check()

    def _seconds_left(self, trainer: pl.Trainer) -> float | None:
        """An estimate from the steps of this process so far, validations included."""
        done = trainer.global_step - self._first_step
        if done < 1:
            return None
        per_step = (time.monotonic() - self._fit_began - self.control.paused_seconds) / done
        total = int(trainer.num_training_batches) * int(trainer.max_epochs or 0)
        return max(per_step * (total - trainer.global_step), 0.0)


def _data(trainer: pl.Trainer) -> LandmarkData:
    data: LandmarkData = cast("Any", trainer).datamodule
    return data


def _unit(data: LandmarkData) -> str:
    """Mm where the spacing of every radiograph held out is known."""
    indices, prepared = data.validation_indices, data.validation
    if not indices:
        indices, prepared = data.training_indices, data.training
    return "mm" if all(prepared.prepared(index).in_mm for index in indices) else "px"


def _mean_errors(data: LandmarkData, found: dict[int, NDArray[np.float64]]) -> tuple[float | None, float | None]:
    """Mean radial error over all landmarks found, in the unit of the run and in pixels of the radiographs."""
    in_unit, in_px = [], []
    for index, points in found.items():
        item = data.validation.prepared(index)
        difference = points - item.points
        per_pixel = 1.0 / np.asarray(item.frame.scale)
        in_px.append(np.linalg.norm(difference * per_pixel, axis=-1))
        in_unit.append(np.linalg.norm(difference * np.asarray(item.unit), axis=-1))
    px = np.concatenate(in_px)
    unit = np.concatenate(in_unit) if _unit(data) == "mm" else px
    known = np.isfinite(unit)
    return (float(unit[known].mean()), float(px[known].mean())) if known.any() else (None, None)


def _shrunk(maps: Tensor) -> NDArray[np.float16]:
    """(K, h, w) heatmaps -> (h', w') the maximum over all landmarks, at a lower resolution."""
    combined = F.max_pool2d(maps.detach().float().amax(0)[None, None], _HEATMAP_SHRINK)[0, 0]
    return np.asarray(combined.clamp(0, 1.5).cpu().numpy(), np.float16)


def _value(metrics: dict[str, Tensor], name: str) -> float | None:
    return float(metrics[name]) if name in metrics else None
