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
    from collections.abc import Callable, Sequence

__all__ = ["averaged_heatmaps", "moved"]


def moved(image: Tensor, shift: tuple[int, int]) -> Tensor:
    """Move (..., h, w) down and to the right by (rows, columns) pixels; what comes in is 0."""
    rows, columns = shift
    return F.pad(image, (columns, -columns, rows, -rows))


def averaged_heatmaps(heatmaps: Callable[[Tensor], Tensor], grey: Tensor, shifts: Sequence[tuple[int, int]]) -> Tensor:
    """Average the heatmaps of shifted images, each moved back to where the image lies.

    Args:
        heatmaps: What makes heatmaps (K, h, w) of an image (h, w).
        grey: (h, w) in 0..1, 0 outside the radiograph.
        shifts: (rows, columns) in pixels of the input, one look each; the looks are taken one after the other, so that
            they need no more memory than one.

    Returns:
        (K, h, w): the mean over those looks that see a pixel; 0 where a corner is seen by none.
    """
    if len(shifts) == 1 and tuple(shifts[0]) == (0, 0):
        return heatmaps(grey)
    total: Tensor | None = None
    seen = torch.zeros_like(grey)
    for rows, columns in shifts:
        back = moved(heatmaps(moved(grey, (rows, columns))), (-rows, -columns))
        total = back if total is None else total.add_(back)
        seen += moved(moved(torch.ones_like(grey), (rows, columns)), (-rows, -columns))
    if total is None:
        raise ValueError("no shifts; give [(0, 0)] for one look at the image as it is")
    return total.div_(seen.clamp_min_(1.0))
