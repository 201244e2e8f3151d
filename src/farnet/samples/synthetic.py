"""Cephalograms of nobody: the average cephalogram, warped to shapes drawn from the shape model.

They differ in shape, pose, exposure and noise, and their landmarks are exact: detection, correction, evaluation,
measurement and training can be tried on them with no data at all. `docs/sample.md` tells what they are not.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import FarnetError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from farnet.landmarks import Landmarks
    from farnet.radiograph import Radiograph

    Floats = NDArray[np.float64]

__all__ = ["LIMIT", "synthetic_cephalograms"]

LIMIT = 2.5
"""Scores along the components of the shape model stay within so many sd."""

_ROWS, _COLUMNS = slice(44, 990), slice(24, 926)  # of the average that a picture shows; around it is room to turn
_TURN, _SIZE, _SHIFT = np.radians(1.5), 0.02, 6.0  # sd of the pose: radians, fraction, px; within 2 sd
_STEP = 4  # px between the places where the warp is computed; between them it is interpolated
_TRIES = 20
_TEETH = {"UI": (-14.0, 5.0), "LI": (14.0, -2.0)}  # px from the tip of an incisor to its front, which moves along
_LEAST_STRETCH = 0.5  # of a warp, in any direction: nothing folds, and no tooth is squeezed flat


def synthetic_cephalograms(count: int = 8, seed: int = 2015) -> list[tuple[Radiograph, Landmarks]]:
    """Make lateral cephalograms that are no person's, with exact landmarks.

    Each is the average cephalogram under a thin-plate spline that puts its landmarks on a shape drawn from the shape
    model of `cephalometric19` (scores normal, within `LIMIT` sd, and no folding), in a pose, an exposure and with noise
    of its own. The same count and seed give the same pictures; a larger count begins with the same ones.

    Args:
        count: How many, 1 to 1000.
        seed: Of the random numbers, at least 0.

    Returns:
        Pairs of a radiograph, (946, 902) uint8 at 0.2 mm per pixel, named "synthetic-01", ..., and its 19 landmarks,
        (row, column) in its pixels, none absent.

    Raises:
        InvalidInputError: If the count or the seed is out of range.
    """
    if not 1 <= count <= 1000:
        raise InvalidInputError(f"{count} synthetic cephalograms were asked for; 1 to 1000 can be made at once.")
    if seed < 0:
        raise InvalidInputError(f"The seed is {seed}; it must be 0 or above.")
    return list(_made(int(count), int(seed)))


@lru_cache(maxsize=2)
def _made(count: int, seed: int) -> Sequence[tuple[Radiograph, Landmarks]]:
    from scipy import ndimage

    from farnet.samples import average_cephalogram

    radiograph, landmarks = average_cephalogram()
    coefficients = ndimage.spline_filter(radiograph.pixels.astype(np.float32), order=3, output=np.float32)
    # Most of the work is in libraries that let other threads run meanwhile.
    with ThreadPoolExecutor() as pool:
        return tuple(pool.map(lambda number: _one(number, seed, coefficients, landmarks), range(1, count + 1)))


def _one(number: int, seed: int, coefficients: NDArray[Any], average: Landmarks) -> tuple[Radiograph, Landmarks]:
    from scipy import ndimage

    from farnet.landmarks import Landmarks
    from farnet.radiograph import Radiograph

    rng = np.random.default_rng([seed, number])
    points, field, scores = _warp(rng, average, coefficients.shape)
    picture = ndimage.map_coordinates(coefficients, field, order=3, mode="nearest", prefilter=False)
    pixels = _exposed(rng, np.asarray(picture, np.float32))
    name = f"synthetic-{number:02d}"
    radiograph = Radiograph(pixels, average.spacing, name=name)
    made = {"average": average.image_sha256, "seed": seed, "number": number, "scores": [round(s, 4) for s in scores]}
    return radiograph, Landmarks(
        points=points,
        scheme=average.scheme,
        spacing=average.spacing,
        source="truth",
        radiograph=name,
        image_shape=radiograph.shape,
        provenance={"made by": "farnet.samples.synthetic_cephalograms", **made},
    )


def _warp(rng: np.random.Generator, average: Landmarks, shape: tuple[int, ...]) -> tuple[Floats, Floats, list[float]]:
    """Draw a shape and a pose, and the warp to them.

    Returns:
        (K, 2) landmarks in the picture; (2, rows, columns) float32, row and column in the average for every pixel of
        the picture; the scores.
    """
    from scipy.interpolate import RBFInterpolator

    from farnet.shape import load_shape_model

    model = load_shape_model(average.scheme)
    if model is None or average.spacing is None:
        raise FarnetError(f"The shape model of {average.scheme.name!r} is missing; install napari-farnet again.")
    scale = np.array(average.spacing)
    centre = average.points.mean(axis=0)
    border = np.array([(r, c) for r in np.linspace(0, 1, 7) for c in np.linspace(0, 1, 7) if {r, c} & {0.0, 1.0}])
    border *= np.array(shape) - 1
    origin = np.array([_ROWS.start, _COLUMNS.start])
    size = _ROWS.stop - _ROWS.start, _COLUMNS.stop - _COLUMNS.start
    tips, offsets = [average.scheme.index(tip) for tip in _TEETH], np.array(list(_TEETH.values()))
    known = [np.arange(-_STEP, n + 2 * _STEP, _STEP, dtype=np.float64) for n in size]
    coarse = np.stack(np.meshgrid(*known, indexing="ij"), axis=-1)
    rows, columns = (_cubic(n, axis) for n, axis in zip(size, known, strict=True))
    for _ in range(_TRIES):
        scores = np.clip(rng.normal(size=len(model.variances)), -LIMIT, LIMIT)
        # The average has the model's mean shape; only the difference is added, in mm.
        drawn = average.points + (model.shape(scores) - model.mean) / scale
        angle, growth, *shift = np.clip(rng.normal(size=4), -2, 2) * [_TURN, _SIZE, _SHIFT, _SHIFT]
        turn = (1 + growth) * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        points, fixed, front = (
            (p - centre) @ turn.T + centre + shift - origin for p in (drawn, border, drawn[tips] + offsets)
        )
        spline = RBFInterpolator(
            np.concatenate([points, fixed, front]),
            np.concatenate([average.points, border, average.points[tips] + offsets]),
            kernel="thin_plate_spline",
        )
        inside = (points > 1).all() and (points < np.array(size) - 2).all()
        if not inside or _stretch_of(spline, coarse[::2, ::2], 2 * _STEP)[1] < _LEAST_STRETCH:
            continue  # seen on fewer places already, so that a shape that will not do costs little
        warped, least = _stretch_of(spline, coarse, _STEP)
        if least > _LEAST_STRETCH:
            field = np.stack([rows @ warped[..., axis] @ columns.T for axis in (0, 1)])
            return _landing(field, points, average.points), field.astype(np.float32), scores.tolist()
    raise FarnetError(f"No warp without folds was found in {_TRIES} tries; use another seed.")


def least_stretch(warp: Floats, step: float = 1.0) -> float:
    """How much a warp shrinks its input where and in the direction in which it shrinks it most; below 0 if it folds.

    Args:
        warp: (r, c, 2) row and column where each point of a grid goes.
        step: Distance of neighbours in the grid.
    """
    down, across = (np.diff(warp, axis=axis) / step for axis in (0, 1))
    down, across = down[:, :-1], across[:-1]
    determinant = down[..., 0] * across[..., 1] - down[..., 1] * across[..., 0]
    # The two singular values of [down, across]: their product is the determinant, their squares add up to this.
    squares = np.square(down).sum(axis=-1) + np.square(across).sum(axis=-1)
    largest = np.sqrt((squares + np.sqrt(np.maximum(squares**2 - 4 * determinant**2, 0))) / 2)
    return float((determinant / largest).min())


def _stretch_of(spline: Callable[[Floats], Floats], places: Floats, step: float) -> tuple[Floats, float]:
    warped = spline(places.reshape(-1, 2)).reshape(places.shape)
    return warped, least_stretch(warped, step)


def _landing(field: Floats, points: Floats, targets: Floats) -> Floats:
    """Where the field, interpolated as it is, has the values `targets`: Newton's method from `points` near there."""
    from scipy import ndimage

    def at(places: Floats) -> Floats:
        return np.stack([ndimage.map_coordinates(part, places.T, order=1) for part in field], axis=1)

    for _ in range(6):
        here = at(points)
        slopes = np.stack([2 * (at(points + half) - here) for half in np.eye(2) / 2], axis=2)
        points = points - np.linalg.solve(slopes, (here - targets)[..., None])[..., 0]
    return points


def _cubic(count: int, known: Floats) -> Floats:
    """(count, len(known)) weights that interpolate 0, 1, ... from `known` places (Keys 1981, a = -1/2)."""
    t = np.abs(np.arange(count)[:, None] - known) / _STEP
    near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t <= 1, near, np.where(t <= 2, far, 0.0))


def _exposed(rng: np.random.Generator, picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Give the picture an exposure, the fine structure that the average has lost, and noise."""
    from scipy import ndimage

    dose, gamma, black, white = rng.uniform([0.6, 0.8, 0.0, 225.0], [1.4, 1.25, 18.0, 250.0])
    tilt = rng.normal(0, 0.02, 2)
    rows, columns = (np.linspace(-1, 1, n, dtype=np.float32) for n in picture.shape)
    light = 1 + np.float32(tilt[0]) * rows[:, None] + np.float32(tilt[1]) * columns
    value = np.clip(picture * light / np.float32(230), 0, 1.08) ** np.float32(gamma)
    fine = rng.standard_normal(picture.shape, np.float32)
    texture = ndimage.gaussian_filter(fine, 1.2) * 3 + ndimage.gaussian_filter(fine[::-1], 3.0) * 6
    value += 0.012 * texture * value  # bone is rough, air is not
    value += np.float32(0.012 / dose) * np.sqrt(0.15 + value) * rng.standard_normal(picture.shape, np.float32)
    value = ndimage.gaussian_filter(value, 0.5)
    return np.asarray(np.rint(np.clip(black + value * (white - black), 0, 255)), np.uint8)
