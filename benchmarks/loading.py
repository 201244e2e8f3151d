"""Loading: from files of 1935 x 2400 (24-bit BMP) to augmented network input of 800 x 640, with two workers.

    python benchmarks/loading.py [--quick]

Affine, elastic and intensity changes of every image. With ``pip install landmarker`` its data set does the same without
the elastic part, which it does not have, in the same run.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor
from torch.utils.data import DataLoader, Dataset

from farnet.augmentation import AugmentationConfig, augment
from farnet.inputs import InputConfig, network_input
from farnet.radiograph import read_radiograph
from report import Row, installed, main, use_two_cores

LANDMARKS = 19
AUGMENTATION = AugmentationConfig(
    rotation=15, scale=0.2, translation=0.05, elastic=0.019, gamma=0.5, contrast=0.25, brightness=0.25, noise=0.1
)


class Radiographs(Dataset[tuple[Tensor, Tensor]]):
    """Read, lay into the frame and augment, from the file each time."""

    def __init__(self, paths: list[Path], points: np.ndarray, config: InputConfig) -> None:
        self.paths, self.points, self.config = paths, points, config

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        radiograph = read_radiograph(self.paths[index], checksum=False)
        frame = self.config.frame(radiograph.shape)
        grey = torch.from_numpy(network_input(radiograph.pixels, frame, self.config))
        points = torch.from_numpy(frame.to_network(self.points[index]))
        return augment(grey, points, AUGMENTATION, Generator().manual_seed(index))


def write_radiographs(folder: Path, count: int, shape: tuple[int, int]) -> tuple[list[Path], np.ndarray]:
    """Files with coarse structure and fine noise, and points for them."""
    rng = np.random.default_rng(0)
    rows, columns = (-(-n // 32) for n in shape)
    coarse = np.kron(rng.integers(0, 256, (rows, columns)), np.ones((32, 32)))[: shape[0], : shape[1]]
    paths = [folder / f"{i:03d}.bmp" for i in range(count)]
    for path in paths:
        grey = np.clip(coarse + rng.integers(-20, 21, shape), 0, 255).astype(np.uint8)
        Image.fromarray(grey).convert("RGB").save(path)
    return paths, rng.uniform(0.05, 0.95, (count, LANDMARKS, 2)) * shape


def images_per_second(dataset: Dataset[tuple[Tensor, Tensor]], workers: int, passes: int) -> float:
    """Best of some passes over the data, workers kept (the first pass starts them and is not counted)."""
    loader = DataLoader(dataset, batch_size=1, num_workers=workers, persistent_workers=workers > 0)
    best = 0.0
    for i in range(passes + 1):
        began, count = time.perf_counter(), 0
        for _ in loader:
            count += 1
        if i:
            best = max(best, count / (time.perf_counter() - began))
    return best


def landmarkers(paths: list[Path], points: np.ndarray, shape: tuple[int, int]) -> Dataset[tuple[Tensor, Tensor]]:
    """The toolkit's data set with the augmentation of its examples."""
    from landmarker.data import LandmarkDataset
    from monai.transforms import (
        Compose,
        RandAdjustContrastd,
        RandAffined,
        RandGaussianNoised,
        RandScaleIntensityd,
        RandStdShiftIntensityd,
    )

    keys = ["image"]
    changes = Compose(
        [
            RandAffined(keys, prob=1, rotate_range=0.25, translate_range=(20, 20), scale_range=(0.2, 0.2)),
            RandGaussianNoised(keys, prob=1, mean=0, std=0.1),
            RandStdShiftIntensityd(keys, prob=1, factors=0.25),
            RandScaleIntensityd(keys, prob=1, factors=0.25),
            RandAdjustContrastd(keys, prob=1, gamma=(0.7, 1.4)),
        ]
    )
    dataset: Dataset[tuple[Tensor, Tensor]] = LandmarkDataset(
        imgs=[str(path) for path in paths], landmarks=points, spatial_dims=2, pixel_spacing=[0.1, 0.1],
        store_imgs=False, dim_img=shape, resize_pad=False, transform=changes,
    )  # fmt: skip
    return dataset


def measure(quick: bool) -> list[Row]:
    use_two_cores()
    count, shape, passes = (4, (240, 194), 1) if quick else (48, (2400, 1935), 3)
    config = InputConfig(height=64, width=64) if quick else InputConfig()
    with tempfile.TemporaryDirectory() as folder:
        paths, points = write_radiographs(Path(folder), count, shape)
        dataset = Radiographs(paths, points, config)
        peer = None
        if installed("landmarker") is not None:
            few = slice(0, max(4, count // 4))
            peer = images_per_second(landmarkers(paths[few], points[few], config.shape), 2, 1)
        both = images_per_second(dataset, 2, passes)
        alone = images_per_second(dataset, 0, passes)
    name = f"landmarker {installed('landmarker')}, no elastic part"
    return [
        Row("load and augment BMP 1935x2400 to 800x640, 2 workers", both, "images/s", 40, above=True, peer=peer,
            peer_name=name),
        Row("the same in one process", alone, "images/s"),
    ]  # fmt: skip


if __name__ == "__main__":
    main(__doc__, measure)
