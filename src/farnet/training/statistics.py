"""Batch-normalisation statistics of a finished network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from farnet.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["reestimate_statistics"]


@torch.no_grad()
def reestimate_statistics(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Replace running statistics by averages over one pass, for the weights as they are now.

    Running statistics lag behind the weights, are noisy at batch size 1, and do not belong to averaged weights at all.

    Args:
        network: Changed in place; left in evaluation mode.
        batches: Normalised images (B, 3, h, w); every batch counts the same.

    Raises:
        InvalidInputError: There is no batch.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    momenta = [m.momentum for m in norms]
    for m in norms:
        m.reset_running_stats()
        m.momentum = None  # cumulative average
    network.train()
    seen = 0
    try:
        for batch in batches:
            network(batch)
            seen += 1
    finally:
        for m, momentum in zip(norms, momenta, strict=True):
            m.momentum = momentum
        network.eval()
    if not seen:
        raise InvalidInputError("no batch of images to estimate the statistics from; give at least one")
