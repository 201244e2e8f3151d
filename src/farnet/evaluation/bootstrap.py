"""Bootstrap over radiographs: how much a figure would change had other patients been looked at.

The landmarks of one radiograph rise and fall together, so whole radiographs are drawn, never single landmarks. A draw
is a row of counts (how often each radiograph was drawn), and every statistic is a sum weighted by these counts: 2,000
draws are one matrix product instead of a loop.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["LEVEL", "draw_counts", "intervals"]

LEVEL = 0.95
"""Coverage of the intervals: from the 2.5th to the 97.5th percentile of the draws."""

_EXACT = 2**24  # below it every whole number is a float32
_CHUNK = 4_000_000  # draws x values that the median holds at a time


@lru_cache(maxsize=4)
def draw_counts(radiographs: int, draws: int, seed: int) -> NDArray[np.float64]:
    """Draw radiographs with replacement; several figures of one evaluation share the draws.

    Args:
        radiographs: N, how many there are.
        draws: B, how many times N of them are drawn.
        seed: The same seed gives the same draws.

    Returns:
        (B, N) how often each radiograph was drawn, not to be written to; every row sums to N.
    """
    drawn = np.random.default_rng(seed).integers(0, radiographs, size=(draws, radiographs))
    drawn += radiographs * np.arange(draws)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=draws * radiographs).reshape(draws, radiographs).astype(np.float64)
    counts.flags.writeable = False
    return counts


def intervals(
    errors: NDArray[np.float64],
    missed: NDArray[np.bool_],
    limits: Sequence[float],
    draws: int,
    seed: int,
) -> dict[str, NDArray[np.float64]]:
    """Percentile intervals of the mean, SD, median and success rates of radial errors.

    Args:
        errors: (N, M, G) radial errors of N radiographs, M measurements in each of G groups; NaN = no error known.
        missed: (N, M, G) True where a landmark was there and not found: a failure at every radius.
        limits: R greatest errors that count as a success (<=), rising; the area under their curve ends at the last.
        draws: B, number of bootstrap draws.
        seed: Seed of the draws.

    Returns:
        ``mre``, ``sd``, ``median``, ``area``: (G, 2) lower and upper end; ``sdr``: (R, G, 2) in per
        cent. NaN where a group has no errors.
    """
    count = draw_counts(errors.shape[0], draws, seed)
    known = ~np.isnan(errors)
    filled = np.where(known, errors, 0.0)
    total = count @ known.sum(axis=1)
    # Centred before squaring: the variance is then no small difference of large numbers.
    centre = filled.sum(axis=(0, 1)) / np.maximum(known.sum(axis=(0, 1)), 1)
    centred = np.where(known, errors - centre, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        shift = count @ centred.sum(axis=1) / total
        variance = count @ np.square(centred).sum(axis=1) / total - np.square(shift)
        trials = total + count @ missed.sum(axis=1)
        rates = np.stack([100.0 * (count @ (known & (errors <= limit)).sum(axis=1)) / trials for limit in limits])
        under = np.where(known, np.maximum(1.0 - filled / limits[-1], 0.0), 0.0).sum(axis=1)
        area = 100.0 * (count @ under) / trials
    values = {
        "mre": centre + shift,
        "sd": np.sqrt(np.maximum(variance, 0.0)),
        "median": _medians(errors, known, count),
        "sdr": rates,
        "area": area,
    }
    return {key: _ends(draw) for key, draw in values.items()}


def _medians(errors: NDArray[np.float64], known: NDArray[np.bool_], count: NDArray[np.float64]) -> NDArray[np.float64]:
    """(B, G) the median of every draw: the middle of the sorted errors, each repeated as often as drawn."""
    radiograph = np.broadcast_to(np.arange(errors.shape[0])[:, None], errors.shape[:2])
    if errors.shape[0] * errors.shape[1] < _EXACT:
        count = count.astype(np.float32)  # all sums are whole numbers that it holds exactly
    medians = np.full((count.shape[0], errors.shape[2]), np.nan)
    for group in range(errors.shape[2]):
        values, owner = errors[:, :, group][known[:, :, group]], radiograph[known[:, :, group]]
        if not values.size:
            continue
        order = np.argsort(values)
        values, owner = values[order], owner[order]
        # How often each draw has the values up to the end of each block of them; only the block that holds the middle
        # is then gone through value by value.
        width = max(1, int(np.sqrt(values.size)))
        per_block = np.zeros((count.shape[1], -(-values.size // width)), count.dtype)
        np.add.at(per_block, (owner, np.arange(values.size) // width), 1.0)
        up_to = count @ per_block.cumsum(axis=1)
        total = up_to[:, -1]
        # The lower and upper middle (the same one of an odd number), counted from 0.
        low, high = _places((total - 1) // 2, total // 2, up_to, count, owner, width)
        medians[:, group] = np.where(total > 0, (values[low] + values[high]) / 2.0, np.nan)
    return medians


def _places(
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    up_to: NDArray[np.float64],
    count: NDArray[np.float64],
    owner: NDArray[np.intp],
    width: int,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(B,) where in the sorted values those of two ranks stand in each draw; `high` is `low` or the next."""
    last = up_to.shape[1] - 1  # passed only by a draw without any value
    block = np.minimum((up_to <= low[:, None]).sum(axis=1), last)
    places = np.zeros((2, len(low)), np.intp)
    for b in np.unique(block):
        members = np.flatnonzero(block == b)
        inside = owner[b * width : (b + 1) * width]
        for part in np.array_split(members, -(-members.size * inside.size // _CHUNK)):
            before = up_to[part, b - 1] if b else np.zeros(part.size, up_to.dtype)
            reached = before[:, None] + np.cumsum(count[np.ix_(part, inside)], axis=1)
            for place, rank in zip(places, (low, high), strict=True):
                place[part] = b * width + (reached <= rank[part, None]).sum(axis=1)
    # A rank that is just beyond its block is the first value after it that the draw has.
    for i in np.flatnonzero((places[1] >= (block + 1) * width) & (places[1] < owner.size)):
        drawn = np.flatnonzero(count[i, owner[places[1, i] :]])
        places[1, i] += drawn[0] if drawn.size else 0
    places = np.minimum(places, owner.size - 1)
    return places[0], places[1]


def _ends(draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., B, G) -> (..., G, 2), over the draws that have a value; NaN where none has."""
    tail = (1.0 - LEVEL) / 2.0
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="All-NaN slice")
        ends = np.nanquantile(draws, (tail, 1.0 - tail), axis=-2)
    return np.asarray(np.moveaxis(ends, 0, -1))
