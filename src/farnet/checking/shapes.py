"""Shapes unlike the others: misplaced or exchanged landmarks, and mirror images.

Where a scheme has a shape model (`farnet.shape`), or there are shapes enough to make one, a landmark is judged by where
the others of the same radiograph say that it should be. Otherwise every shape is moved, turned and scaled onto the
median of all, and how far a landmark then lies from its median place is measured by how far it usually does (1.4826
times the median of the distances), so that neither one bad radiograph nor a landmark that varies much decides.

Reference: Procrustes analysis, Gower, Psychometrika 40, 1975; Rousseeuw & Croux, Journal of the American Statistical
Association 88, 1993, for the scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from farnet.errors import FarnetError
from farnet.plausible import relative_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from farnet.landmarks import Landmarks

__all__ = ["LEAST_SHAPES", "UNUSUAL", "ShapeScores", "other_scales", "shape_scores", "unusual_landmarks"]

LEAST_SHAPES = 10
"""Fewer do not tell what is usual."""

UNUSUAL = 5.0
"""Standard deviations (or usual distances) beyond which a landmark is reported.

Of the 481 spines of SpineWeb 16 it reports 33, with 18 of the 26 on the public list of corrections; of the 300 heads of
ISBI 2015 two.
"""

_LEAST_SIZES = 4  # radiographs whose sizes are compared
_OTHER_SIZE = 1.4  # times the median, at least; heads of ISBI 2015 are within 1.25, spines of SpineWeb 16 within 1.2
_SIZE_SPREADS = 6.0  # and robust standard deviations of the logarithm: hands of children are of many sizes

_ROUNDS = 5
_MIRRORED = 0.6  # of the mean distance: so much closer must the mirror image be


@dataclass(frozen=True, eq=False)
class ShapeScores:
    """How unusual each shape is.

    Attributes:
        distances: (N, K) of each landmark, in its usual distances; NaN where it is absent or a shape has too few.
        mirrored: (N,) whether the mirror image fits much better.
    """

    distances: NDArray[np.float64]
    mirrored: NDArray[np.bool_]


def unusual_landmarks(landmarks: Sequence[Landmarks]) -> ShapeScores | None:
    """Judge the shapes of one scheme.

    Returns:
        None where there is no shape model and too few shapes.
    """
    from farnet.shape import MINIMUM_SHAPES, ShapeModel, load_shape_model

    points = np.stack([item.points * np.array(item.spacing or (1.0, 1.0)) for item in landmarks])
    by_median = shape_scores(points)
    model = load_shape_model(landmarks[0].scheme)
    complete = [item for item in landmarks if item.present.all()]
    if model is None and len(complete) >= MINIMUM_SHAPES:
        usual = [
            item
            for item, far in zip(landmarks, by_median.distances if by_median is not None else points, strict=True)
            if item.present.all() and np.nanmax(far) <= UNUSUAL
        ]
        alike = all(item.spacing is not None for item in usual)
        usual = usual if alike else [item.replace(spacing=None) for item in usual]
        if len(usual) >= MINIMUM_SHAPES:
            try:
                model = ShapeModel.fit(usual)
            except FarnetError:  # few landmarks, or shapes that are all the same: their median tells enough
                model = None
    if model is None:
        return by_median
    distances = np.stack([model.implausibility(item.points, item.spacing) for item in landmarks])
    mirrored = np.zeros(len(landmarks), np.bool_) if by_median is None else by_median.mirrored
    return ShapeScores(distances, mirrored)


def other_scales(shapes: Sequence[NDArray[np.float64]]) -> list[float]:
    """Find shapes that are much larger or smaller than the others.

    Args:
        shapes: (K, 2) each, in one unit; NaN is absent.

    Returns:
        For each how many times as large as the median it is; 1.0 where that is nothing unusual, or cannot be told.
    """
    result = [1.0] * len(shapes)
    if len(shapes) < _LEAST_SIZES:
        return result
    model = max(shapes, key=lambda shape: int(np.isfinite(shape[:, 0]).sum()))
    sizes = np.array([relative_size(shape, model) for shape in shapes])
    usable = np.isfinite(sizes) & (sizes > 0)
    if usable.sum() < _LEAST_SIZES:
        return result
    logs = np.log(np.where(usable, sizes, 1.0))
    logs -= np.median(logs[usable])
    spread = 1.4826 * float(np.median(np.abs(logs[usable])))
    limit = max(float(np.log(_OTHER_SIZE)), _SIZE_SPREADS * spread)
    for n in np.flatnonzero(usable & (np.abs(logs) > limit)):
        result[n] = float(np.exp(logs[n]))
    return result


def shape_scores(points: NDArray[np.float64]) -> ShapeScores | None:
    """Compare shapes with their median.

    Args:
        points: (N, K, 2) row, column in a common unit or not; NaN is absent.

    Returns:
        None for fewer than `LEAST_SHAPES` shapes with three landmarks.
    """
    z = points[..., 1] + 1j * points[..., 0]
    everywhere = np.isfinite(z).any(axis=0)  # a landmark that is absent everywhere tells nothing
    if not everywhere.all():
        inner = shape_scores(points[:, everywhere]) if everywhere.any() else None
        if inner is None:
            return None
        distances = np.full(z.shape, np.nan)
        distances[:, everywhere] = inner.distances
        return ShapeScores(distances, inner.mirrored)
    spread = np.nanmax(np.abs(np.nan_to_num(z - z[:, :1], nan=0.0)), axis=1)
    usable = (np.isfinite(z).sum(axis=1) >= 3) & ((spread > 0) | ~np.isfinite(z[:, 0]))
    if usable.sum() < LEAST_SHAPES:
        return None
    shapes = z[usable]
    median = _median(_normalised(shapes))
    for _ in range(_ROUNDS):
        aligned = _aligned(shapes, median)
        median = _median(aligned)
    aligned = _aligned(shapes, median)
    distance = np.abs(aligned - median)
    usual = 1.4826 * np.nanmedian(distance, axis=0)
    size = np.sqrt(np.nanmean(np.abs(median - np.nanmean(median)) ** 2))
    # A landmark that hardly varies is not unusual for a pixel.
    floor = max(0.25 * float(np.nanmedian(usual)), 1e-3 * float(size), 1e-12)
    distances = np.full(z.shape, np.nan)
    distances[usable] = distance / np.fmax(usual, floor)
    other = np.nanmean(np.abs(_aligned(-np.conj(shapes), median) - median), axis=1)
    mirrored = np.zeros(len(z), np.bool_)
    mirrored[usable] = other < _MIRRORED * np.nanmean(distance, axis=1)
    return ShapeScores(distances, mirrored)


def _normalised(shapes: NDArray[np.complex128]) -> NDArray[np.complex128]:
    centred = shapes - np.nanmean(shapes, axis=1, keepdims=True)
    return np.asarray(centred / np.sqrt(np.nanmean(np.abs(centred) ** 2, axis=1, keepdims=True)))


def _aligned(shapes: NDArray[np.complex128], target: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Each shape by the least-squares similarity transform onto the target, over the landmarks that it has."""
    known = np.isfinite(shapes) & np.isfinite(target)
    count = known.sum(axis=1, keepdims=True)
    s, t = np.where(known, shapes, 0.0), np.where(known, target, 0.0)
    s_mean, t_mean = s.sum(axis=1, keepdims=True) / count, t.sum(axis=1, keepdims=True) / count
    ds, dt = np.where(known, s - s_mean, 0.0), np.where(known, t - t_mean, 0.0)
    factor = (np.conj(ds) * dt).sum(axis=1, keepdims=True) / np.maximum((np.abs(ds) ** 2).sum(1, keepdims=True), 1e-12)
    return np.asarray(factor * (shapes - s_mean) + t_mean)


def _median(shapes: NDArray[np.complex128]) -> NDArray[np.complex128]:
    return np.asarray(np.nanmedian(shapes.real, axis=0) + 1j * np.nanmedian(shapes.imag, axis=0))
