"""Training data: radiographs prepared once, augmented anew in every epoch, the same on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypedDict

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from farnet.augmentation import augment
from farnet.datasets.folds import share_of_subjects, subject_folds
from farnet.errors import InvalidInputError
from farnet.inputs import network_input

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence, Sized

    from numpy.typing import NDArray

    from farnet.frame import Frame
    from farnet.landmarks import Landmarks
    from farnet.radiograph import Radiograph
    from farnet.training.config import TrainingConfig

__all__ = ["Batch", "LandmarkData", "Prepared", "PreparedDataset", "RadiographSource", "held_out"]


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


class Prepared(NamedTuple):
    """A radiograph in the network's frame.

    ``grey`` (h, w) uint8; ``points`` (K, 2) network pixels, NaN absent; ``unit`` mm per network pixel along (row,
    column), or radiograph pixels where the spacing is unknown; ``frame`` how it was laid in; ``in_mm`` which it is.
    """

    grey: NDArray[np.uint8]
    points: NDArray[np.float64]
    unit: tuple[float, float]
    frame: Frame
    in_mm: bool


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


def _held_out_of(source: RadiographSource, config: TrainingConfig, names: Sequence[str]) -> NDArray[np.bool_]:
    """(N,) bool, True for the radiographs that are held out."""
    count = len(source)
    if names:
        if config.folds:
            raise InvalidInputError(
                "a list of radiographs to hold out and folds exclude each other; leave one of them out"
            )
        missing = [name for name in names if name not in source.ids]
        if missing:
            raise InvalidInputError(f"radiographs that should be held out are not there: {', '.join(missing[:5])}")
        return np.isin(np.asarray(source.ids), np.asarray(names))
    subjects: Sequence[str] = getattr(source, "subjects", ())
    repeated = len(set(subjects)) < len(subjects)  # radiographs of one person stay together
    if config.folds:
        if repeated:
            return np.asarray(subject_folds(subjects, config.folds, config.seed) == config.fold)
        return held_out(count, config.folds, config.fold, config.seed)
    if config.validation_share and repeated:
        return share_of_subjects(subjects, config.validation_share, config.seed)
    if config.validation_share:
        share = min(max(round(config.validation_share * count), 1), count - 1)
        order = np.random.default_rng(config.seed).permutation(count)
        return np.asarray(np.isin(np.arange(count), order[:share]))
    return np.zeros(count, np.bool_)


class PreparedDataset(Dataset[dict[str, Tensor]]):
    """Radiographs laid into the network's frame once and kept (8 bit), augmented when asked for.

    The augmentation of a sample depends on (seed, epoch, index, how often the epoch showed it before) alone, so a
    resumed run and any number of worker processes see the same images.

    Args:
        source: Radiographs and landmarks.
        indices: Which of them.
        config: The run.
        train: Augment and repeat, or leave as they are.
    """

    def __init__(
        self, source: RadiographSource, indices: Sequence[int], config: TrainingConfig, *, train: bool
    ) -> None:
        self.source, self.indices, self.config, self.train = source, list(indices), config, train
        self.repeats = config.repeats if train else 1
        self.epoch = 0
        self._kept: dict[int, Prepared] = {}
        self._sums: dict[int, str] = {}
        self.mirrored = source.landmarks(0).scheme.mirrored if config.augmentation.mirror else None

    def __len__(self) -> int:
        return len(self.indices) * self.repeats

    def prepared(self, index: int) -> Prepared:
        """One radiograph as it lies in the frame, by its place in the source."""
        if index not in self._kept:
            radiograph, landmarks = self.source.radiograph(index), self.source.landmarks(index)
            expected = self.config.network.landmarks
            if len(landmarks.points) != expected:
                raise InvalidInputError(
                    f"radiograph {self.source.ids[index]} has {len(landmarks.points)} landmarks, the network "
                    f"{expected}; set network.landmarks={len(landmarks.points)}"
                )
            self._sums[index] = radiograph.pixels_sha256()
            frame = self.config.input.frame(radiograph.shape)
            grey = network_input(radiograph.pixels, frame, self.config.input)
            spacing = landmarks.spacing or radiograph.spacing
            if self.train and spacing is None and self.config.augmentation.in_mm:
                raise InvalidInputError(
                    f"radiograph {self.source.ids[index]} has no spacing, which an augmentation in mm needs; set "
                    "augmentation.translation_mm and augmentation.elastic_mm to 0, or give it its spacing"
                )
            per_pixel = spacing or (1.0, 1.0)
            unit = per_pixel[0] / frame.scale[0], per_pixel[1] / frame.scale[1]
            points = frame.to_network(landmarks.points)
            self._kept[index] = Prepared(np.rint(grey * 255).astype(np.uint8), points, unit, frame, spacing is not None)
        return self._kept[index]

    def prepare(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Read everything now, reporting (done, total)."""
        for done, index in enumerate(self.indices):
            self.prepared(index)
            if progress is not None:
                progress(done + 1, len(self.indices))

    def pixels_sha256(self) -> dict[int, str]:
        """The SHA-256 of the pixels of each radiograph (`Radiograph.pixels_sha256`), by its place in the source."""
        self.prepare()
        return dict(self._sums)

    def points(self, item: int) -> NDArray[np.float64]:
        """(K, 2) landmarks in network pixels, before augmentation; NaN is absent."""
        return self.prepared(self.indices[item]).points

    def __getitem__(self, item: int) -> dict[str, Tensor]:
        if not 0 <= item < len(self):
            raise IndexError(item)
        time, place = divmod(item, len(self.indices))
        index = self.indices[place]
        grey, points, unit, _, known = self.prepared(index)
        image, p = torch.from_numpy(grey).to(torch.float32) / 255.0, torch.from_numpy(points)
        if self.train:
            key = (self.config.seed, self.epoch, index, *((time,) if time else ()))
            seed = np.random.SeedSequence(key).generate_state(1)[0]
            generator = torch.Generator().manual_seed(int(seed))
            image, p = augment(image, p, self.config.augmentation, generator, self.mirrored, unit if known else None)
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
        config: The run; `folds` and `fold`, or `validation_share`, say what is held out.
        validation: Names of the radiographs that are held out, instead of those that the settings would.

    Raises:
        InvalidInputError: Too few radiographs are left for the training or to be held out, or one that should be is
            not there.
    """

    def __init__(self, source: RadiographSource, config: TrainingConfig, validation: Sequence[str] = ()) -> None:
        super().__init__()
        self.config = config
        out = _held_out_of(source, config, validation)
        self.training_indices = np.flatnonzero(~out).tolist()
        self.validation_indices = np.flatnonzero(out).tolist()
        if config.folds and not (self.training_indices and self.validation_indices):
            raise InvalidInputError(
                f"{len(source)} radiographs do not fill {config.folds} folds; use fewer folds or more data"
            )
        if not self.training_indices:
            raise InvalidInputError(
                f"{len(source)} radiographs, of which {len(self.validation_indices)} are held out: none is left to "
                "train on; hold fewer out, or use more data"
            )
        if config.keep == "best" and not self.validation_indices:
            raise InvalidInputError(
                "keep is 'best', which is told by radiographs held out, and none are; set validation_share, or "
                "keep=last"
            )
        count = len(source.landmarks(0).points)
        if config.chain and (count % config.chain or count < 2 * config.chain):
            raise InvalidInputError(
                f"chain is {config.chain}, but {count} landmarks do not make two or more groups of {config.chain}; set "
                "chain=0, or the number of landmarks in a group (4 for the corners of vertebrae)"
            )
        if config.augmentation.mirror and source.landmarks(0).scheme.mirrored is None:
            raise InvalidInputError(
                f"augmentation.mirror is {config.augmentation.mirror:g}, but the scheme "
                f"{source.landmarks(0).scheme.name!r} has no mirror pairs; set augmentation.mirror=0"
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
