"""Landmarks under augmentation: how far a moved point lies from the blob that it marks.

    python benchmarks/augmentation_accuracy.py [--quick]

An image of 800 x 640 with 12 blobs is augmented with its 12 points; where a blob went is its centroid. torchvision
moves points in `KeyPoints`, whose origin is the corner of the first pixel: half a pixel is added before and taken off
after.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torchvision
from torch import Generator, Tensor

from farnet.augmentation import AugmentationConfig, augment
from report import Row, main, median_seconds, use_two_cores

SHAPE, SIGMA, REACH = (800, 640), 4.0, 24
AFFINE = AugmentationConfig(rotation=15, scale=0.2, translation=0.03)
ELASTIC = AugmentationConfig(elastic=0.019, elastic_grid=5)  # 15 px, as control points go

Augmentation = Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]]


def landmarks(seed: int) -> Tensor:
    """(12, 2) points, far from each other and from the border."""
    grid = torch.cartesian_prod(torch.linspace(230, 570, 4), torch.linspace(200, 440, 3)).double()
    return grid + torch.rand(12, 2, generator=Generator().manual_seed(seed), dtype=torch.float64)


def blobs(points: Tensor) -> Tensor:
    """(H, W) with a Gaussian at each point."""
    rows, columns = (torch.arange(n, dtype=torch.float64) for n in SHAPE)
    by_row = torch.exp(-0.5 * ((rows - points[:, :1]) / SIGMA) ** 2)
    by_column = torch.exp(-0.5 * ((columns - points[:, 1:]) / SIGMA) ** 2)
    return (by_row.T @ by_column).float()


def centroid(image: Tensor, near: Tensor) -> Tensor:
    """Centre of mass of the surroundings of a point."""
    row, column = (round(float(x)) for x in near)
    rows = torch.arange(row - REACH, row + REACH + 1)
    columns = torch.arange(column - REACH, column + REACH + 1)
    mass = image[rows[:, None], columns].double()
    return torch.stack((mass.sum(1) @ rows.double(), mass.sum(0) @ columns.double())) / mass.sum()


def error(augmentation: Augmentation, draws: int) -> float:
    """Mean distance in px of the points from their blobs."""
    errors = []
    for seed in range(draws):
        points = landmarks(seed)
        image, moved = augmentation(blobs(points), points, seed)
        errors += [float((centroid(image, point) - point).norm()) for point in moved]
    return sum(errors) / len(errors)


def ours(config: AugmentationConfig) -> Augmentation:
    return lambda image, points, seed: augment(image, points, config, Generator().manual_seed(seed))


def torchvisions(transform: torch.nn.Module) -> Augmentation:
    from torchvision import tv_tensors

    def apply(image: Tensor, points: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        torch.manual_seed(seed)
        keypoints = tv_tensors.KeyPoints(points.flip(-1) + 0.5, canvas_size=SHAPE)
        moved_image, moved = transform(tv_tensors.Image(image[None]), keypoints)
        return moved_image[0].as_subclass(Tensor), moved.as_subclass(Tensor).flip(-1) - 0.5

    return apply


def measure(quick: bool) -> list[Row]:
    from torchvision.transforms import v2

    use_two_cores()
    draws, repeats = (1, 1) if quick else (20, 10)
    bilinear = v2.InterpolationMode.BILINEAR
    affine = torchvisions(v2.RandomAffine(15, (0.03, 0.03), (0.8, 1.25), interpolation=bilinear))
    elastic = torchvisions(v2.ElasticTransform(50.0, 5.0, interpolation=bilinear))
    name = f"torchvision {torchvision.__version__}"
    points = landmarks(0)
    image = blobs(points)
    both = AFFINE.model_copy(update={"elastic": ELASTIC.elastic})
    moving = 1e3 * median_seconds(lambda: ours(both)(image, points, 0), repeats)
    return [
        Row("landmarks under affine augmentation, mean error", error(ours(AFFINE), draws), "px", 0.01,
            peer=error(affine, draws), peer_name=name),
        Row("landmarks under elastic augmentation, mean error", error(ours(ELASTIC), draws), "px", 0.07,
            peer=error(elastic, draws), peer_name=name),
        Row("affine and elastic augmentation of one 800x640 image", moving, "ms"),
    ]  # fmt: skip


if __name__ == "__main__":
    main(__doc__, measure)
