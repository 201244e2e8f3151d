"""Augmentation: a geometric map that moves image and landmarks alike, then changes of the grey values.

The map goes from output to input pixels, ``q = A p + t + E(p)``, with E a cubic B-spline over a coarse control grid.
The image is sampled through it once; landmarks go the other way by fixed-point iteration on the very same map.
Coordinates are (row, column), pixel centres at integers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from farnet.augmentation_config import AugmentationConfig
from farnet.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AugmentationConfig", "Warp", "augment", "change_intensity", "make_warp", "mirror", "random_warp"]


_STEEPEST = 0.8  # bound of the elastic part's Jacobian against the affine part's


@dataclass(frozen=True)
class Warp:
    """A smooth map from output pixels to input pixels.

    Attributes:
        matrix: (2, 3) float64, the affine part [A | t] on (row, column, 1).
        control: (2, m, n) float64 coefficients of the elastic part in input pixels, or None. The control grid spans
            the output with one row and column of control points beyond each border.
        shape: (H, W) of the output.
    """

    matrix: Tensor
    control: Tensor | None
    shape: tuple[int, int]

    def displacement(self, rows: Tensor, columns: Tensor) -> Tensor:
        """The elastic part on the grid rows x columns: (2, R, C) input pixels."""
        assert self.control is not None
        m, n = self.control.shape[1:]
        by_row = _spline_weights(rows, self.shape[0], m)
        by_column = _spline_weights(columns, self.shape[1], n)
        moved: Tensor = by_row @ self.control.to(by_row) @ by_column.T
        return moved

    def to_input(self, points: Tensor) -> Tensor:
        """(N, 2) output pixels -> (N, 2) input pixels."""
        points = points.to(torch.float64)
        moved: Tensor = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        return moved if self.control is None else moved + self._elastic_at(points)

    def to_output(self, points: Tensor, *, tolerance: float = 1e-6, steps: int = 100) -> Tensor:
        """(N, 2) input pixels -> (N, 2) output pixels, the inverse of `to_input`; NaN stays NaN.

        Raises:
            InvalidInputError: The map folds, so that the iteration does not settle (no map of `random_warp` does).
        """
        points = points.to(torch.float64)
        inverse = torch.linalg.inv(self.matrix[:, :2])
        affine: Tensor = (points - self.matrix[:, 2]) @ inverse.T
        if self.control is None:
            return affine
        guess: Tensor = affine
        for _ in range(steps):
            following: Tensor = affine - self._elastic_at(guess) @ inverse.T
            change = torch.nan_to_num(following - guess).abs().max() if len(points) else torch.zeros(())
            guess = following
            if float(change) < tolerance:
                return guess
        raise InvalidInputError(
            f"the deformation folds: after {steps} steps its inverse still moves by {float(change):.3g} px; make it "
            "weaker"
        )

    def sample(self, image: Tensor) -> Tensor:
        """Show an (H', W') image through the map: (H, W) of the output, bilinear, 0 outside."""
        height, width = self.shape
        rows = torch.arange(height, dtype=torch.float32)
        columns = torch.arange(width, dtype=torch.float32)
        a = self.matrix.to(torch.float32)
        source = a[:, 0, None, None] * rows[None, :, None] + (a[:, 1, None] * columns + a[:, 2, None])[:, None, :]
        if self.control is not None:
            source = source + self.displacement(rows, columns)
        size = torch.tensor(image.shape, dtype=torch.float32)[:, None, None]
        grid = ((2.0 * source + 1.0) / size - 1.0).flip(0).permute(1, 2, 0)
        return F.grid_sample(
            image[None, None].to(torch.float32), grid[None], mode="bilinear", padding_mode="zeros", align_corners=False
        )[0, 0]

    def _elastic_at(self, points: Tensor) -> Tensor:
        assert self.control is not None
        known = torch.nan_to_num(points)
        by_row = _spline_weights(known[:, 0], self.shape[0], self.control.shape[1])
        by_column = _spline_weights(known[:, 1], self.shape[1], self.control.shape[2])
        return torch.einsum("nm,cmk,nk->nc", by_row, self.control.to(by_row), by_column) + 0.0 * points


def _spline_weights(positions: Tensor, size: int, controls: int) -> Tensor:
    """(N, controls) weights of the uniform cubic B-spline whose knots span pixels 0 .. size - 1.

    Beyond the border the position is held at it, so that the displacement continues constantly.
    """
    t = (positions.clamp(0, size - 1) / max(size - 1, 1)) * (controls - 3) + 1.0
    distance = (t[:, None] - torch.arange(controls, dtype=t.dtype, device=t.device)).abs()
    near = 2.0 / 3.0 - distance**2 * (1.0 - 0.5 * distance)
    far = (2.0 - distance).clamp_min(0.0) ** 3 / 6.0
    return torch.where(distance < 1.0, near, far)


def _uniform(generator: Generator, *shape: int) -> Tensor:
    """Uniform numbers in [-1, 1), float64."""
    return torch.rand(*shape, generator=generator, dtype=torch.float64) * 2.0 - 1.0


def random_warp(
    config: AugmentationConfig,
    shape: tuple[int, int],
    generator: Generator,
    unit: tuple[float, float] | None = None,
) -> Warp:
    """Draw a map about the centre of an image of `shape` (H, W), for an output of the same shape.

    Args:
        config: The ranges.
        shape: (H, W).
        generator: The randomness.
        unit: (row, column) mm per pixel, for ranges in mm.

    Raises:
        InvalidInputError: A range is in mm, and `unit` is not given.
    """
    draws = _uniform(generator, 7)
    controls = config.elastic_grid + 2
    elastic = config.elastic or config.elastic_mm
    return make_warp(config, shape, draws, _uniform(generator, 2, controls, controls) if elastic else None, unit)


def make_warp(
    config: AugmentationConfig,
    shape: tuple[int, int],
    draws: Tensor,
    control: Tensor | None,
    unit: tuple[float, float] | None = None,
) -> Warp:
    """Make the map that draws mean, each from -1 to 1, where 0 is no change and the ends are those of the ranges.

    Args:
        config: The ranges.
        shape: (H, W).
        draws: (7,) of rotation, scale, aspect, shear, translation along rows and along columns; the last is of the
            columns' aspect in the law "payer", and not used in the other.
        control: (2, m, n) of the elastic part, or None.
        unit: As `random_warp`.

    Raises:
        InvalidInputError: As `random_warp`.
    """
    if config.in_mm and unit is None:
        raise InvalidInputError(
            "augmentation.translation_mm or elastic_mm is set, but the size of a pixel is not known; set translation "
            "or elastic, which are shares of the picture, or give the radiographs their spacing"
        )
    draw = draws.tolist()
    angle = math.radians(config.rotation * draw[0])
    rotation = torch.tensor(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]], dtype=torch.float64
    )
    # Lengths along (row, column) in pixels; of mm one of the two is 0.
    across, down = (1.0 / unit[1], 1.0 / unit[0]) if unit is not None else (0.0, 0.0)
    reach = (
        config.translation * shape[0] + config.translation_mm * down,
        config.translation * shape[1] + config.translation_mm * across,
    )
    shift = torch.tensor([draw[4] * reach[0], draw[5] * reach[1]], dtype=torch.float64)
    centre = (torch.tensor(shape, dtype=torch.float64) - 1.0) / 2.0
    if control is not None:
        bend = (
            config.elastic * shape[0] + config.elastic_mm * down,
            config.elastic * shape[0] + config.elastic_mm * across,
        )
        control = control * torch.tensor(bend, dtype=torch.float64)[:, None, None]
    if config.law == "payer":
        axes = [(1.0 + config.scale * draw[1]) * (1.0 + config.aspect * draw[k]) for k in (2, 6)]
        a = rotation @ torch.diag(torch.tensor(axes, dtype=torch.float64))
        matrix = torch.cat((a, (centre + shift - a @ centre)[:, None]), dim=1)
        if control is not None:  # first of all, so that the affine part takes it along
            control = torch.einsum("ij,jmn->imn", a, _unfolded(control, torch.eye(2, dtype=torch.float64), shape))
        return Warp(matrix, control, shape)
    size = math.exp(math.log1p(config.scale) * draw[1])
    aspect = math.exp(0.5 * math.log1p(config.aspect) * draw[2])
    shear = math.tan(math.radians(config.shear * draw[3]))
    stretch = torch.tensor([[aspect, shear], [0.0, 1.0 / aspect]], dtype=torch.float64)
    a = torch.linalg.inv(size * rotation @ stretch)
    matrix = torch.cat((a, (centre - a @ (centre + shift))[:, None]), dim=1)
    return Warp(matrix, None if control is None else _unfolded(control, a, shape), shape)


def _unfolded(control: Tensor, affine: Tensor, shape: tuple[int, int]) -> Tensor:
    """Weaken an elastic part where, with its affine part, it could fold the image over itself.

    A B-spline's slope is a mean of the differences of neighbouring coefficients, so their maxima bound the Jacobian.
    Below 1 the map is invertible and the iteration of `Warp.to_output` contracts.
    """
    slope = torch.stack(
        [
            control.diff(dim=axis + 1).abs().amax((1, 2)) * ((control.shape[axis + 1] - 3) / max(shape[axis] - 1, 1))
            for axis in (0, 1)
        ],
        dim=1,
    )
    inverse = torch.linalg.inv(affine)
    steepest = float(inverse.abs().sum(1).max() * slope.sum(1).max())
    return control * min(1.0, _STEEPEST / max(steepest, 1e-300))


def change_intensity(image: Tensor, config: AugmentationConfig, generator: Generator) -> Tensor:
    """Change the grey values of an (H, W) image in [0, 1] at random; the result is too, if `clamp` is set."""
    draw = _uniform(generator, 8).tolist()
    x = image
    if config.blur:
        x = _blur(x, config.blur * abs(draw[0]))
    if config.field:
        rows, columns = (torch.arange(n, dtype=torch.float32) for n in x.shape)
        field = Warp(torch.zeros(2, 3), _uniform(generator, 2, 5, 5), (x.shape[0], x.shape[1])).displacement(
            rows, columns
        )[0]
        x = x * (1.0 + config.field * field)
    if config.gamma:
        x = x.clamp(0.0, 1.0) ** (2.0 ** (config.gamma * draw[1]))
    if config.law == "payer":
        if config.brightness or config.contrast:
            x = (x - 0.5 + config.brightness * draw[3]) * (1.0 + config.contrast * draw[2]) + 0.5
    else:
        if config.contrast:
            x = (x - 0.5) * math.exp(math.log1p(config.contrast) * draw[2]) + 0.5
        if config.brightness:
            x = x + config.brightness * draw[3]
    if config.noise:
        x = x + config.noise * abs(draw[4]) * torch.randn(x.shape, generator=generator)
    if config.erase and draw[5] * 0.5 + 0.5 < config.erase:
        x = _erase(x, generator)
    return x.clamp(0.0, 1.0) if config.clamp else x


def mirror(image: Tensor, points: Tensor, mirrored: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Show an (..., H, W) image and its (K, 2) points in a mirror: left and right change places.

    Args:
        image: The image.
        points: row, column; NaN is absent.
        mirrored: For each landmark of the mirror image the landmark whose place it has (`LandmarkScheme.mirrored`).
    """
    width = image.shape[-1]
    flipped = torch.stack((points[:, 0], (width - 1) - points[:, 1]), dim=1)
    return image.flip(-1), flipped[list(mirrored)]


def augment(
    image: Tensor,
    points: Tensor,
    config: AugmentationConfig,
    generator: Generator,
    mirrored: Sequence[int] | None = None,
    unit: tuple[float, float] | None = None,
) -> tuple[Tensor, Tensor]:
    """Augment one image with its landmarks.

    Args:
        image: (H, W) float in [0, 1].
        points: (K, 2) row, column; NaN is absent.
        config: What may change.
        generator: The randomness; the same state gives the same result.
        mirrored: For each landmark of a mirror image the landmark whose place it has; None where none may be made.
        unit: (row, column) mm per pixel of the image, for ranges in mm; None where that is not known.

    Raises:
        InvalidInputError: `config` asks for mirror images, and there is no `mirrored`; or it has a range in mm, and
            there is no `unit`.

    Returns:
        The (H, W) image and the (K, 2) points. A landmark that left the image keeps its position outside, where its
        target heatmap fades to zero, so that a network learns to find nothing there.
    """
    if config.mirror:
        if mirrored is None:
            raise InvalidInputError(
                f"augmentation.mirror is {config.mirror:g}, but the landmarks have no mirror image; set it to 0, or "
                "give the scheme its mirror pairs"
            )
        if float(torch.rand((), generator=generator)) < config.mirror:
            image, points = mirror(image, points, mirrored)
    if config.geometric:
        shape = (image.shape[0], image.shape[1])
        warp = random_warp(config, shape, generator, unit)
        image = warp.sample(image)
        points = warp.to_output(points)
    return change_intensity(image, config, generator), points


def _blur(image: Tensor, sigma: float) -> Tensor:
    reach = math.ceil(3.0 * sigma)
    if reach == 0 or sigma < 0.1:
        return image
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(image[None, None], (reach, reach, reach, reach), mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel[None, None, :, None]), kernel[None, None, None, :])[0, 0]


def _erase(image: Tensor, generator: Generator) -> Tensor:
    """Blank a rectangle of up to a quarter of height and width with one grey, like a label or a shutter."""
    u = torch.rand(5, generator=generator).tolist()
    height, width = (max(1, int((0.05 + 0.2 * u[i]) * image.shape[i])) for i in (0, 1))
    row, column = int(u[2] * (image.shape[0] - height)), int(u[3] * (image.shape[1] - width))
    image = image.clone()
    image[row : row + height, column : column + width] = u[4]
    return image
