"""Training data: radiographs prepared once, augmented anew in every epoch, the same on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypedDict

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from farnet.augmentation import augment
from farnet.errors import InvalidInputError
from farnet.inputs import network_input

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence, Sized

    from numpy.typing import NDArray

    from farnet.landmarks import Landmarks
    from farnet.radiograph import Radiograph
    from farnet.training.config import TrainingConfig

__all__ = ["Batch", "LandmarkData", "PreparedDataset", "RadiographSource", "held_out"]


class RadiographSource(Protocol):
    """What can be trained on: indexed radiographs with landmarks, such as `farnet.datasets.isbi2015.ISBI2015`."""

    @property
    def ids(self) -> Sequence[str]:
        """Name of each radiograph."""
        ...

    def __len__(self) -> int: ...

    def radiograph(self, index: int) -> Radiograph:
        """The pixels."""
        ...

    def landmarks(self, index: int) -> Landmarks:
        """The true landmarks, in pixels of the radiograph."""
        ...


class Batch(TypedDict):
    """A batch of radiographs in the network's frame.

    ``image`` (B, h, w) grey in 0..1; ``points`` (B, K, 2) network pixels, NaN absent; ``unit`` (B, 2) mm (or, where the
    spacing is unknown, radiograph pixels) per network pixel along (row, column); ``index`` (B,).
    """

    image: Tensor
    points: Tensor
    unit: Tensor
    index: Tensor


def held_out(count: int, folds: int, fold: int, seed: int) -> NDArray[np.bool_]:
    """(count,) bool, True for the radiographs of `fold` in a seeded split into `folds` equal parts."""
    part = np.arange(count) % folds
    return np.asarray(part[np.random.default_rng(seed).permutation(count)] == fold)


class PreparedDataset(Dataset[dict[str, Tensor]]):
    """Radiographs laid into the network's frame once and kept (8 bit), augmented when asked for.

    The augmentation of a sample depends on (seed, epoch, index) alone, so a resumed run and any number of worker
    processes see the same images.

    Args:
        source: Radiographs and landmarks.
        indices: Which of them.
        config: The run.
        train: Augment, or leave as they are.
    """

    def __init__(
        self, source: RadiographSource, indices: Sequence[int], config: TrainingConfig, *, train: bool
    ) -> None:
        self.source, self.indices, self.config, self.train = source, list(indices), config, train
        self.epoch = 0
        self._kept: dict[int, tuple[NDArray[np.uint8], NDArray[np.float64], tuple[float, float]]] = {}

    def __len__(self) -> int:
        return len(self.indices)

    def _prepared(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float64], tuple[float, float]]:
        if index not in self._kept:
            radiograph, landmarks = self.source.radiograph(index), self.source.landmarks(index)
            expected = self.config.network.landmarks
            if len(landmarks.points) != expected:
                raise InvalidInputError(
                    f"radiograph {self.source.ids[index]} has {len(landmarks.points)} landmarks, the network "
                    f"{expected}; set network.landmarks={len(landmarks.points)}"
                )
            frame = self.config.input.frame(radiograph.shape)
            grey = network_input(radiograph.pixels, frame, self.config.input)
            spacing = landmarks.spacing or radiograph.spacing or (1.0, 1.0)
            unit = spacing[0] / frame.scale[0], spacing[1] / frame.scale[1]
            self._kept[index] = (np.rint(grey * 255).astype(np.uint8), frame.to_network(landmarks.points), unit)
        return self._kept[index]

    def prepare(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Read everything now, reporting (done, total)."""
        for done, index in enumerate(self.indices):
            self._prepared(index)
            if progress is not None:
                progress(done + 1, len(self.indices))

    def points(self, item: int) -> NDArray[np.float64]:
        """(K, 2) landmarks in network pixels, before augmentation; NaN is absent."""
        return self._prepared(self.indices[item])[1]

    def __getitem__(self, item: int) -> dict[str, Tensor]:
        index = self.indices[item]
        grey, points, unit = self._prepared(index)
        image, p = torch.from_numpy(grey).to(torch.float32) / 255.0, torch.from_numpy(points)
        if self.train:
            seed = np.random.SeedSequence((self.config.seed, self.epoch, index)).generate_state(1)[0]
            image, p = augment(image, p, self.config.augmentation, torch.Generator().manual_seed(int(seed)))
        return {
            "image": image,
            "points": p,
            "unit": torch.tensor(unit, dtype=torch.float64),
            "index": torch.tensor(index),
        }


class _EpochSampler(Sampler[int]):
    """A new order in every epoch that depends on (seed, epoch) alone."""

    def __init__(self, data: Sized, seed: int, epoch: int) -> None:
        self.data, self.seed, self.epoch = data, seed, epoch

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[int]:
        generator = np.random.default_rng((self.seed, self.epoch))
        return iter(generator.permutation(len(self.data)).tolist())


class LandmarkData(pl.LightningDataModule):
    """Training and validation loaders of one run.

    Args:
        source: Radiographs and landmarks.
        config: The run; `config.folds` and `config.fold` say what is held out.
    """

    def __init__(self, source: RadiographSource, config: TrainingConfig) -> None:
        super().__init__()
        self.config = config
        out = (
            held_out(len(source), config.folds, config.fold, config.seed)
            if config.folds
            else np.zeros(len(source), bool)
        )
        self.training_indices = np.flatnonzero(~out).tolist()
        self.validation_indices = np.flatnonzero(out).tolist()
        if not self.training_indices or (config.folds and not self.validation_indices):
            raise InvalidInputError(
                f"{len(source)} radiographs do not fill {config.folds or 1} folds; use fewer folds or more data"
            )
        self.training = PreparedDataset(source, self.training_indices, config, train=True)
        self.validation = PreparedDataset(source, self.validation_indices, config, train=False)

    def train_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """A loader for the current epoch; Lightning asks anew for every epoch."""
        epoch = self.trainer.current_epoch if self.trainer is not None else 0
        self.training.epoch = epoch
        return DataLoader(
            self.training,
            batch_size=min(self.config.batch_size, len(self.training)),
            sampler=_EpochSampler(self.training, self.config.seed, epoch),
            num_workers=self.config.workers,
            drop_last=True,
        )

    def on_before_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Hand over in single precision what goes to a device that has no other (Apple's GPUs)."""
        if self.trainer is not None and self.trainer.strategy.root_device.type == "mps":
            batch["points"], batch["unit"] = batch["points"].float(), batch["unit"].float()
        return batch

    def val_dataloader(self) -> DataLoader[dict[str, Tensor]] | list[DataLoader[dict[str, Tensor]]]:
        """The held-out radiographs, or nothing."""
        if not self.validation_indices:
            return []
        return DataLoader(self.validation, batch_size=1, num_workers=0)
