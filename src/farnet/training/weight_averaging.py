"""The moving average of the weights, which becomes the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from lightning.pytorch.callbacks import WeightAveraging

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["MovingAverage", "warm_average"]


def warm_average(decay: float) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """An exponential moving average whose memory grows with the steps that it has seen.

    At step t the decay is (1 + t) / (10 + t), `decay` at most. With `decay` alone a training of fewer steps than it
    remembers would end with the weights that it began with: with 0.995 and 100 steps, 60 % of them.

    Args:
        decay: Of a long training, in 0..1.

    Returns:
        (average so far, current weights, how many are in the average) -> the average.
    """

    def average(averaged: Tensor, current: Tensor, count: Tensor) -> Tensor:
        keep = torch.clamp_max((1.0 + count) / (10.0 + count), decay)  # a tensor: the device need not be waited for
        return keep * averaged + (1.0 - keep) * current

    return average


class MovingAverage(WeightAveraging):
    """Average the weights after every step; the average is what is validated and kept.

    Args:
        decay: See `warm_average`.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(avg_fn=warm_average(decay))
