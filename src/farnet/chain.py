"""Landmarks in groups that follow each other, as the corners of vertebrae do, found together instead of one by one.

Vertebrae look alike, so that the heatmap of one often shows its neighbour too, and each landmark by itself takes the
higher of two peaks: corners of one vertebra then lie on two, or two vertebrae on one. What decides between such peaks
is the column as a whole. It is a tree: each group has a hidden centre, the landmarks lie about it, and each centre lies
about a step below the one before, all normal in the network's frame. On such a tree the probability of every centre
given all heatmaps is computed exactly, by passing messages up and down (Felzenszwalb & Huttenlocher, "Pictorial
structures for object recognition", International Journal of Computer Vision 61, 2005).

A landmark whose own peak agrees with that stays where its heatmap has it, to a fraction of a pixel. Another is looked
for near the place that the column gives it, in the heatmaps of its kind (all upper left corners, say): whatever the
network called it, that is where it saw such a corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from farnet.errors import InvalidInputError
from farnet.heatmaps import DecodedPoints, decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["Chain", "decode_chain"]

_MINIMUM_SD = 0.3  # px; nothing is known more exactly than that
_FLOOR = 0.02  # of a heatmap: a landmark may be where its own heatmap shows nothing
_SHARPNESS = 2.0  # exponent of a heatmap as a likelihood
_OTHERS = 0.8  # of a neighbour's heatmap, for a landmark of the same kind
_UNLIKELY = 1e-3  # of a message: an unusual column is not excluded
_HALF = 2  # messages are passed at half the resolution
_AGREES = 6.0  # px between a landmark's own peak and the column's, within which its own counts
_WINDOW = 8.0  # px about the column's place in which a peak is looked for
_DIGITS = 3


@dataclass(frozen=True, eq=False)
class Chain:
    """How groups of landmarks lie, in pixels of the network's frame.

    Attributes:
        offsets: (G, M, 2) mean (row, column) of the M landmarks of each of G groups, from the mean of the group.
        offset_sd: (G, M, 2) their standard deviations.
        steps: (G - 1, 2) mean (row, column) from each group's mean to that of the next.
        step_sd: (G - 1, 2) their standard deviations.

    Raises:
        InvalidInputError: If the shapes do not agree, a number is not finite, or a standard deviation is not above 0.
    """

    offsets: NDArray[np.float64]
    offset_sd: NDArray[np.float64]
    steps: NDArray[np.float64]
    step_sd: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("offsets", "offset_sd", "steps", "step_sd"):
            value = np.array(getattr(self, name), np.float64)
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        groups, size = self.offsets.shape[:2] if self.offsets.ndim == 3 else (0, 0)
        wanted: dict[str, tuple[int, ...]] = {"offsets": (groups, size, 2), "offset_sd": (groups, size, 2)}
        wanted |= {"steps": (groups - 1, 2), "step_sd": (groups - 1, 2)}
        values = {name: getattr(self, name) for name in wanted}
        if groups < 2 or size < 1 or any(values[name].shape != shape for name, shape in wanted.items()):
            shapes = ", ".join(f"{name} {value.shape}" for name, value in values.items())
            raise InvalidInputError(
                f"A chain has {shapes}; with G groups of M landmarks these are (G, M, 2) twice and (G - 1, 2) twice, "
                "G at least 2."
            )
        if (
            not all(np.isfinite(value).all() for value in values.values())
            or min(self.offset_sd.min(), self.step_sd.min()) <= 0
        ):
            raise InvalidInputError("The numbers of a chain must be finite, and its standard deviations above zero.")

    @classmethod
    def fit(cls, points: NDArray[np.float64], size: int) -> Chain:
        """Measure a chain on annotations.

        Args:
            points: (N, K, 2) row, column in network pixels of N radiographs; those with an absent landmark are left
                out.
            size: M, landmarks in a group; K is a multiple of it.

        Raises:
            InvalidInputError: If K is not, or fewer than 5 radiographs have all landmarks.
        """
        count = points.shape[1]
        if size < 1 or count % size or count < 2 * size:
            raise InvalidInputError(
                f"{count} landmarks do not make groups of {size}; 'chain' must divide their number, and be at most "
                "half of it (0 for landmarks that are in no groups)."
            )
        whole = points[np.isfinite(points).all(axis=(1, 2))]
        if len(whole) < 5:
            raise InvalidInputError(
                f"{len(whole)} radiographs have all landmarks; 5 are needed to measure how the groups follow each "
                "other (set chain=0 to find each landmark by itself)."
            )
        groups = whole.reshape(len(whole), -1, size, 2)
        centres = groups.mean(axis=2)
        offsets, steps = groups - centres[:, :, None], np.diff(centres, axis=1)
        return cls(
            offsets.mean(axis=0),
            offsets.std(axis=0) + _MINIMUM_SD,
            steps.mean(axis=0),
            steps.std(axis=0) + _MINIMUM_SD,
        )

    @property
    def size(self) -> int:
        """M, landmarks in a group."""
        return int(self.offsets.shape[1])

    def __len__(self) -> int:
        """Number of landmarks, G * M."""
        return int(self.offsets.shape[0] * self.offsets.shape[1])

    def to_dict(self) -> dict[str, Any]:
        """JSON types only."""
        names = ("offsets", "offset_sd", "steps", "step_sd")
        return {name: np.round(getattr(self, name), _DIGITS).tolist() for name in names}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Chain:
        """The chain that `to_dict` described.

        Raises:
            InvalidInputError: If it is not one.
        """
        try:
            return cls(*(np.array(values[name], np.float64) for name in ("offsets", "offset_sd", "steps", "step_sd")))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInputError(f"This is no description of a chain of landmarks: {error}.") from error


def decode_chain(maps: Tensor, sigma: float, chain: Chain, *, min_peak: float = 0.05) -> DecodedPoints:
    """Find the landmarks of one radiograph together.

    Args:
        maps: (K, h, w) fine heatmaps.
        sigma: Of their targets, in pixels.
        chain: How the landmarks lie.
        min_peak: Least height of a peak that a landmark has of its own; where the column puts a landmark that has none,
            it is there, with the height that its heatmap has.

    Returns:
        (K, 2) points and so on, as `farnet.heatmaps.decode`; `confidence` is that of the landmark's own heatmap at the
        point, so that one that the network called otherwise has a low one.
    """
    maps = maps.detach().float().cpu()
    own = decode(maps, sigma, "matched", min_peak=0.0)
    heights = torch.nan_to_num(maps).clamp_min(0.0)
    kinds = heights.reshape(-1, chain.size, *maps.shape[1:]).amax(0).repeat(len(chain) // chain.size, 1, 1)
    either = torch.maximum(heights, _OTHERS * kinds)
    expected = _expected(heights, chain)
    places = _highest(expected * (_FLOOR + either))
    if float(heights.max()) < min_peak:
        return decode(maps, sigma, "matched", min_peak=min_peak)  # nothing was found at all
    seen = decode(either * _window(places, maps.shape), sigma, "matched", min_peak=0.0)
    distance = (seen.points - places).norm(dim=1)
    there = torch.isfinite(distance) & (distance <= _WINDOW)
    moved = torch.where(there[:, None], seen.points, places)
    near = (own.points - moved).norm(dim=1) <= _AGREES
    points = torch.where(near[:, None], own.points, moved)
    unsure = torch.eye(2, dtype=own.covariance.dtype) * sigma**2
    spread = torch.where(there[:, None, None], seen.covariance, unsure)
    return DecodedPoints(
        points,
        torch.where(near, own.confidence, _height_at(heights, points).to(own.confidence)),
        torch.where(near[:, None, None], own.covariance, spread),
    )


def _expected(heights: Tensor, chain: Chain) -> Tensor:
    """(K, h, w) where each landmark is, by all heatmaps but its own; the highest value of each is 1."""
    small = F.avg_pool2d(heights[None], _HALF, ceil_mode=True, count_include_pad=False)[0]
    likelihood = _scaled(_FLOOR + small**_SHARPNESS)
    rows, columns = small.shape[1:]
    offsets, offset_sd = (
        torch.from_numpy(value.reshape(-1, 2) / _HALF).float() for value in (chain.offsets, chain.offset_sd)
    )
    steps, step_sd = (torch.from_numpy(value / _HALF).float() for value in (chain.steps, chain.step_sd))
    down_rows, down_columns = (_kernels(n, offsets[:, i], offset_sd[:, i]) for i, n in enumerate((rows, columns)))
    next_rows, next_columns = (_kernels(n, steps[:, i], step_sd[:, i]) for i, n in enumerate((rows, columns)))
    # Each landmark tells its group where the centre is.
    told = _scaled(down_rows @ likelihood @ down_columns.transpose(1, 2)) + _UNLIKELY
    centre = _scaled(told.reshape(-1, chain.size, rows, columns).prod(1)) + 1e-12
    groups = len(centre)
    before, after = [torch.ones_like(centre[0])], [torch.ones_like(centre[0])]
    for i in range(groups - 1):
        message = next_rows[i].T @ (before[-1] * centre[i]) @ next_columns[i]
        before.append(_scaled(message) + _UNLIKELY)
        j = groups - 2 - i
        message = next_rows[j] @ (after[-1] * centre[j + 1]) @ next_columns[j].T
        after.append(_scaled(message) + _UNLIKELY)
    belief = _scaled(torch.stack(before) * torch.stack(after[::-1]) * centre)
    # What a landmark is told is what its group believes without it.
    others = belief.repeat_interleave(chain.size, 0) / told
    expected = _scaled(down_rows.transpose(1, 2) @ others @ down_columns) + 1e-9
    large = F.interpolate(expected[None], heights.shape[1:], mode="bilinear", align_corners=False)[0]
    return _scaled(large)


def _kernels(size: int, shift: Tensor, sd: Tensor) -> Tensor:
    """(N, size, size) densities of a place (column) given another (row), which it lies about `shift` after."""
    place = torch.arange(size, dtype=torch.float32)
    distance = (place[None, None] - place[None, :, None] - shift[:, None, None]) / sd[:, None, None]
    return torch.exp(-0.5 * distance**2)


def _scaled(maps: Tensor) -> Tensor:
    return maps / maps.amax((-2, -1), keepdim=True).clamp_min(1e-30)


def _highest(maps: Tensor) -> Tensor:
    """(K, 2) float64 row, column of the first highest pixel."""
    index = maps.flatten(1).argmax(1)
    width = maps.shape[-1]
    return torch.stack((index // width, index % width), 1).double()


def _window(places: Tensor, shape: tuple[int, ...]) -> Tensor:
    """(K, h, w) 1 near each place, falling to 0 about `_WINDOW` px away."""
    rows = torch.arange(shape[-2], dtype=torch.float32)[None, :, None] - places[:, 0, None, None].float()
    columns = torch.arange(shape[-1], dtype=torch.float32)[None, None] - places[:, 1, None, None].float()
    return torch.sigmoid(2.0 * (_WINDOW - torch.hypot(rows.expand(-1, -1, shape[-1]), columns)))


def _height_at(heights: Tensor, points: Tensor) -> Tensor:
    """(K,) the heatmaps at their points, at most 1; 0 outside."""
    size = torch.tensor(heights.shape[-2:], dtype=torch.float64)
    grid = ((2.0 * points.double() + 1.0) / size - 1.0).flip(1)[:, None, None].float()
    found: Tensor = F.grid_sample(heights[:, None], grid, mode="bilinear", align_corners=False)[:, 0, 0, 0]
    return found.clamp(0.0, 1.0)
