"""Heatmaps averaged over small shifts of the input.

What a network sees depends a little on where its grid of pixels lies: the levels of a backbone sample the image at
every 2nd, 4th, ... 32nd pixel. Looking twice, moved by part of such a step, averages that out. Shifts are whole pixels,
so that the heatmaps are laid on each other without interpolation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["AveragedHeatmaps", "moved"]


def moved(image: Tensor, shift: tuple[int, int]) -> Tensor:
    """Move (..., h, w) down and to the right by (rows, columns) pixels; what comes in is 0."""
    rows, columns = shift
    return F.pad(image, (columns, -columns, rows, -rows))


class AveragedHeatmaps:
    """The mean of the heatmaps of some looks at one image, taken one after the other.

    Args:
        heatmaps: What makes heatmaps (K, h, w) of an image (h, w), or (B, K, h, w) of a batch (B, h, w).
        grey: (h, w) or (B, h, w) in 0..1, 0 outside the radiograph.
    """

    def __init__(self, heatmaps: Callable[[Tensor], Tensor], grey: Tensor) -> None:
        self._heatmaps, self._grey = heatmaps, grey
        self._total: Tensor | None = None
        self._seen = torch.zeros(grey.shape[-2:], dtype=grey.dtype, device=grey.device)
        self._looks = 0

    def look(self, shifts: Iterable[tuple[int, int]]) -> AveragedHeatmaps:
        """Look once for each shift (rows, columns), in pixels of the input; gives itself."""
        for shift in shifts:
            height, width = self._grey.shape[-2:]
            here = tuple(slice(max(0, -d), n - max(0, d)) for d, n in zip(shift, (height, width), strict=True))
            there = tuple(slice(max(0, d), n - max(0, -d)) for d, n in zip(shift, (height, width), strict=True))
            maps = self._heatmaps(moved(self._grey, shift) if any(shift) else self._grey)
            if self._total is None and not any(shift):
                self._total = maps
            else:
                self._total = torch.zeros_like(maps) if self._total is None else self._total
                self._total[..., here[0], here[1]] += maps[..., there[0], there[1]]
            self._seen[here] += 1.0
            self._looks += 1
        return self

    def mean(self) -> Tensor:
        """(K, h, w) or (B, K, h, w): the mean over those looks that see a pixel; 0 where a border is seen by none."""
        if self._total is None:
            raise ValueError("no look has been taken; call look([(0, 0)]) for one at the image as it is")
        return self._total if self._looks == 1 else self._total / self._seen.clamp_min(1.0)
