"""The training task: heatmaps from images, the coarse-to-fine loss, errors in mm on the held-out radiographs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from farnet.heatmaps import decode, encode
from farnet.inputs import normalise
from farnet.losses import CoarseToFineLoss, FineLoss, build_loss
from farnet.networks import FARNet, Heatmaps

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from farnet.training.config import TrainingConfig
    from farnet.training.data import Batch

__all__ = ["LandmarkTask", "coarse_points"]


def coarse_points(points: Tensor) -> Tensor:
    """Fine heatmap pixels -> coarse heatmap pixels (half the resolution, pixel centres at integers)."""
    return (points + 0.5) / 2.0 - 0.5


class LandmarkTask(pl.LightningModule):
    """Train one FARNet.

    Logs ``loss`` per step and epoch and, with held-out radiographs, ``mre`` (mm; radiograph pixels where the spacing is
    unknown), ``sdr2`` (share within 2 units, %), ``missed`` (landmarks not found) and ``validation_loss``.

    Args:
        network: The network.
        config: The run.

    Attributes:
        found: (K, 2) points in network pixels that the last validation found, by the place of the radiograph in its
            source; NaN is nothing.
        last_heatmaps: (B, K, h, w) of the last batch of a validation.
    """

    def __init__(self, network: FARNet, config: TrainingConfig) -> None:
        super().__init__()
        self.network = network
        self.config = config
        # Only the paper's refinement has coarse heatmaps of its own to supervise beside the fine ones.
        supervision = CoarseToFineLoss if config.network.refinement == "full" else FineLoss
        self.loss = supervision(build_loss(config.loss, alpha=config.alpha))
        self._errors: list[Tensor] = []
        self._missed = 0
        self._losses: list[Tensor] = []
        self.found: dict[int, NDArray[np.float64]] = {}
        self.last_heatmaps: Tensor | None = None

    def forward(self, image: Tensor) -> Heatmaps:
        """(B, h, w) grey in 0..1 -> heatmaps."""
        x = normalise(image).contiguous(memory_format=torch.channels_last)
        return cast("Heatmaps", self.network(x))

    def targets(self, points: Tensor, shape: tuple[int, int]) -> Heatmaps:
        """(B, K, 2) network pixels -> the two resolutions of target heatmaps."""
        half = shape[0] // 2, shape[1] // 2
        # In the layout of the network's output: elementwise work on unlike layouts is many times slower.
        return Heatmaps(
            encode(points, shape, self.config.sigma).contiguous(memory_format=torch.channels_last),
            encode(coarse_points(points), half, self.config.sigma_coarse).contiguous(memory_format=torch.channels_last),
        )

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of one batch."""
        loss = self._loss_of(batch, self(batch["image"]))
        count = len(batch["image"])
        self.log("loss", loss, on_step=True, on_epoch=True, prog_bar=True, sync_dist=True, batch_size=count)
        return loss

    def _loss_of(self, batch: Batch, heatmaps: Heatmaps) -> Tensor:
        points = batch["points"]
        shape = (batch["image"].shape[-2], batch["image"].shape[-1])
        present = torch.isfinite(points).all(-1)
        loss: Tensor = self.loss(heatmaps, self.targets(points, shape), present)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Normalise as the finished network will: where every image has its own statistics, by those."""
        if self.config.network.norm == "image":
            for norm in self._norms():
                norm.training, norm.track_running_stats = True, False

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Collect radial errors."""
        heatmaps = self(batch["image"])
        found = decode(heatmaps.fine.float(), self.config.sigma).points.to(batch["points"])
        error = ((found - batch["points"]) * batch["unit"][:, None, :]).norm(dim=-1)
        known = torch.isfinite(batch["points"]).all(-1)
        self._missed += int((known & ~torch.isfinite(error)).sum())
        self._errors.append(error[torch.isfinite(error)])
        self._losses.append(self._loss_of(batch, heatmaps))
        for index, points in zip(batch["index"].tolist(), found.cpu().double().numpy(), strict=True):
            self.found[index] = points
        self.last_heatmaps = heatmaps.fine

    def on_validation_epoch_end(self) -> None:
        """Log the errors of this pass."""
        for norm in self._norms():
            norm.track_running_stats = True
        errors = torch.cat(self._errors) if self._errors else torch.zeros(0)
        found, missed = max(len(errors), 1), self._missed
        values = {
            "mre": errors.mean() if len(errors) else torch.tensor(float("inf")),
            "sdr2": 100.0 * (errors <= 2.0).sum() / max(found + missed, 1),
            "missed": torch.tensor(float(missed)),
        }
        self.log_dict({k: v.float() for k, v in values.items()}, prog_bar=True, sync_dist=True)
        if self._losses:
            self.log("validation_loss", torch.stack(self._losses).mean(), sync_dist=True)
        self._errors, self._missed, self._losses, self.last_heatmaps = [], 0, [], None

    def _norms(self) -> list[nn.BatchNorm2d]:
        return [module for module in self.network.modules() if isinstance(module, nn.BatchNorm2d)]

    def configure_optimizers(self) -> Any:
        """The optimiser and schedule of the configuration."""
        c = self.config
        decay: list[Tensor] = []
        rest: list[Tensor] = []
        for parameter in self.network.parameters():
            # Biases and normalisations are not decayed.
            (decay if parameter.ndim > 1 else rest).append(parameter)
        groups = [{"params": decay, "weight_decay": c.weight_decay}, {"params": rest, "weight_decay": 0.0}]
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[c.optimizer]
        optimizer = kind(groups, lr=c.learning_rate)
        if c.schedule == "constant":
            return optimizer
        if c.schedule == "steps":
            scheduler: Any = torch.optim.lr_scheduler.MultiStepLR(optimizer, list(c.milestones), 0.1)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "epoch"}}
        steps = int(self.trainer.estimated_stepping_batches)
        # In a run of a few steps the way up must still be longer than the one step that OneCycleLR takes off it.
        warmup = max(c.warmup, min(1.5 / steps, 0.75))
        scheduler = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, c.learning_rate, total_steps=steps, pct_start=warmup, cycle_momentum=False
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
