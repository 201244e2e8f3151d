"""Make the bundled sample: an average lateral cephalogram that is no person's radiograph, with its landmarks.

    python scripts/make_average_cephalogram.py --data FOLDER_OF_ISBI2015

writes ``average_cephalogram.png`` and ``.csv``. Nothing is random: the same data give the same bytes.

1. Mean shape: the generalised Procrustes mean of the 19 landmarks (mean of both observers) of all training radiographs,
   in the mean size, place and direction of the originals. These are the sample's landmarks.
2. The radiographs whose shapes are nearest the mean shape are taken. Film tabs, burned-in text and collimator edges at
   the border and the lead apron at the lower left do not count; the head holder (rod, scale and nasal rest), which
   hangs in air in front of the forehead, is filled in from its surroundings by solving Laplace's equation.
3. Each is warped by the thin-plate spline that puts its landmarks exactly on the mean shape. Anchors on the border of
   the picture follow the similarity transform between the two shapes, so that the warp is tame away from landmarks.
4. Grey values are matched: quantiles inside the head are mapped to the mean quantiles of all.
5. Structures between the landmarks are brought together by registering every radiograph to the average of all, from
   coarse to fine (demons on locally normalised pictures). Displacements are limited by a cone around each landmark,
   half a millimetre at its tip (less than the observers' own error), and their mean over the radiographs is taken away
   in every round: the average does not move away from the mean shape.
6. The sample is a robust mean (Cauchy weights around the median), so that fillings, brackets and other things that only
   one person has leave no trace.
"""

from __future__ import annotations

import argparse
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, PngImagePlugin
from scipy import ndimage
from scipy.interpolate import RBFInterpolator
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve
from scipy.spatial import Delaunay

from farnet.atomic import write_bytes_atomic
from farnet.datasets.isbi2015 import ISBI2015
from farnet.formats import write_annotations
from farnet.landmarks import Landmarks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]  # (rows, columns) float32
    Points = NDArray[np.float64]  # (N, 2) row, column
    Mask = NDArray[np.bool_]

REDUCTION = 2
"""Pixels of a radiograph per pixel of the sample, along each axis."""
CANVAS = (1200, 960)
"""(rows, columns) in which the work is done: a radiograph in pixels of the sample; multiples of the coarsest level."""
WINDOW = (slice(100, 1096), slice(8, 958))
"""The part of the canvas that becomes the sample: where all radiographs have something to show."""

NASION = 1  # index of the landmark
TABS = (slice(115, 2300), slice(14, 1921))  # inside: free of film tabs, text and collimator edges; px of a radiograph
QUANTILES = np.array([0.5, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99.5])
HEAD_MARGIN = 75.0  # px around the landmarks' hull in which grey values are matched
FEATHER = 40.0  # px over which a radiograph fades in from its border
LEVELS = ((16, 4, 8), (8, 4, 8), (4, 4, 8), (2, 2, 6))  # (reduction, rounds, steps per round) of the registration
CONE_TIP, CONE_SLOPE = 2.5, 0.3  # px, px per px: largest displacement at a landmark, and its growth with distance


@dataclass(frozen=True)
class Contribution:
    """A radiograph on its way into the average, in pixels of the sample.

    Attributes:
        coefficients: (rows, columns) cubic spline coefficients of the cleaned picture.
        valid: (rows, columns), 1 where the picture counts.
        warp: (2, *CANVAS) row and column in the picture for each pixel of the canvas.
    """

    coefficients: Array
    valid: Array
    warp: Array

    def sample(self, displacement: Array | None = None) -> tuple[Array, Mask]:
        """Picture and validity on the canvas; (2, *CANVAS) `displacement` in px is added before the warp."""
        where = self.warp if displacement is None else np.stack([_shifted(part, displacement) for part in self.warp])
        picture = ndimage.map_coordinates(self.coefficients, where, order=3, mode="nearest", prefilter=False)
        valid = ndimage.map_coordinates(self.valid, where, order=1, mode="constant") > 0.999
        return picture, valid


def similarity(source: Points, target: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least-squares similarity transform: `source @ matrix + shift` is nearest `target` (Umeyama 1991)."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    u, s, vt = np.linalg.svd(a.T @ b)
    signs = np.array([1.0, np.sign(np.linalg.det(u @ vt))])
    matrix = (s * signs).sum() / np.square(a).sum() * (u * signs) @ vt
    return matrix, target.mean(axis=0) - source.mean(axis=0) @ matrix


def mean_shape(shapes: NDArray[np.float64]) -> tuple[Points, NDArray[np.float64]]:
    """Generalised Procrustes mean of (N, K, 2) shapes, and each shape's root mean square distance from it."""
    sizes = np.sqrt(np.square(shapes - shapes.mean(axis=1, keepdims=True)).sum(axis=(1, 2)))
    mean = shapes[0]
    for _ in range(20):
        mean = np.mean([shape @ m + t for shape in shapes for m, t in [similarity(shape, mean)]], axis=0)
        mean = mean - mean.mean(axis=0)
        mean *= sizes.mean() / np.sqrt(np.square(mean).sum())
    matrix, _ = similarity(mean, shapes.mean(axis=0))
    matrix /= np.sqrt(np.linalg.det(matrix))  # the size stays
    mean = mean @ matrix + shapes.mean(axis=(0, 1))
    aligned = np.stack([shape @ m + t for shape in shapes for m, t in [similarity(shape, mean)]])
    return mean, np.sqrt(np.square(aligned - mean).sum(axis=2).mean(axis=1))


def holder_mask(pixels: Array, nasion: NDArray[np.float64]) -> Mask:
    """Where the head holder is: tube and rod from the top, a bright toothed scale, the nasal rest at its end.

    The scale, 24 x 200 px and brighter than both its sides, is found in front of the nasion; the rest has fixed places
    relative to it.
    """
    row, column = round(float(nasion[0])), round(float(nasion[1]))
    top, left = row - 420, column + 60
    window = pixels[top : row + 170, left : min(column + 420, TABS[1].stop)]
    box = ndimage.uniform_filter(window, (200, 24))
    contrast = box - (np.roll(box, 36, axis=1) + np.roll(box, -36, axis=1)) / 2
    contrast = contrast[100:-100, 50:-50]
    peak = np.unravel_index(contrast.argmax(), contrast.shape)
    y, x = int(peak[0]) + 100, int(peak[1]) + left + 50
    beside = (pixels[:, x - 44 : x - 28].mean(axis=1) + pixels[:, x + 28 : x + 44].mean(axis=1)) / 2
    profile = ndimage.uniform_filter1d(pixels[:, x - 12 : x + 12].mean(axis=1) - beside, 9)[top : row + 170]
    end = top + int(np.flatnonzero(profile > np.median(profile[y - 50 : y + 50]) / 2)[-1])
    mask = np.zeros(pixels.shape, np.bool_)
    mask[:560, x - 105 : x + 80] = True  # tube
    mask[: end + 5, x - 50 : x + 50] = True  # rod and scale
    mask[end - 165 : end + 135, x - 42 : x + 80] = True  # shank of the rest
    mask[end - 5 : end + 135, x - 215 : x + 80] = True  # foot of the rest, which touches the skin
    return mask


def apron_mask(picture: Array) -> Mask:
    """Where the lead apron is: bright, large, and grown from the bottom left border; px of the sample."""
    bright = ndimage.gaussian_filter(np.nan_to_num(picture), 2.0) > 222
    bright[:950] = bright[:, 560:] = False
    labels, _ = ndimage.label(bright)
    bottom = TABS[0].stop // REDUCTION
    grown = [k for k in np.unique(labels[bottom - 10 : bottom]) if k and (labels == k).sum() > 800]
    apron = np.isin(labels, grown)
    return ndimage.binary_dilation(apron, iterations=12) if grown else apron


def harmonic_fill(picture: Array, mask: Mask) -> Array:
    """Fill the mask so that every pixel in it is the mean of its neighbours."""
    index = np.full(mask.shape, -1)
    count = int(mask.sum())
    index[mask] = np.arange(count)
    diagonal, right = np.zeros(count), np.zeros(count)
    rows, columns = [np.arange(count)], [np.arange(count)]
    values = [diagonal]
    y, x = np.nonzero(mask)
    for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
        inside = (y + dy >= 0) & (y + dy < mask.shape[0]) & (x + dx >= 0) & (x + dx < mask.shape[1])
        here, there = index[y[inside], x[inside]], (y[inside] + dy, x[inside] + dx)
        diagonal[here] += 1
        unknown = mask[there]
        rows.append(here[unknown])
        columns.append(index[there][unknown])
        values.append(np.full(int(unknown.sum()), -1.0))
        right[here[~unknown]] += picture[there][~unknown]
    matrix = coo_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), (count, count))
    filled = picture.copy()
    filled[mask] = spsolve(matrix.tocsr(), right)
    return filled


def prepare(pixels: Array, points: Points, shape: Points) -> Contribution:
    """Clean a radiograph and warp it to the mean shape.

    Args:
        pixels: The radiograph.
        points: (K, 2) its landmarks in its pixels.
        shape: (K, 2) the mean shape in pixels of the sample.
    """
    outside = np.ones(pixels.shape, np.bool_)
    outside[TABS] = False
    holder = _reduced(holder_mask(pixels, points[NASION]) & ~outside) > 0
    picture = harmonic_fill(_reduced(pixels), holder)
    valid = (_reduced(outside) == 0) & ~apron_mask(np.where(_reduced(outside) > 0, 0, picture))
    nearest = ndimage.distance_transform_edt(~valid, return_distances=False, return_indices=True)
    coefficients = ndimage.spline_filter(picture[tuple(nearest)], order=3, output=np.float32)

    points = _to_sample(points)
    border = np.array([(r, c) for r in np.linspace(0, 1, 6) for c in np.linspace(0, 1, 5) if {r, c} & {0.0, 1.0}])
    anchors = border * (np.array(CANVAS) - 1)
    matrix, shift = similarity(shape, points)
    spline = RBFInterpolator(
        np.concatenate([shape, anchors]), np.concatenate([points, anchors @ matrix + shift]), kernel="thin_plate_spline"
    )
    # Every 8th pixel is smooth enough to interpolate the rest.
    coarse = np.stack(np.meshgrid(*(np.arange(0, n + 8, 8.0) for n in CANVAS), indexing="ij"), axis=-1)
    field = spline(coarse.reshape(-1, 2)).reshape(coarse.shape)
    fine = np.meshgrid(*(np.arange(n) / 8 for n in CANVAS), indexing="ij")
    warp = np.stack([ndimage.map_coordinates(field[..., k], fine, order=3, mode="nearest") for k in (0, 1)])
    return Contribution(coefficients, valid.astype(np.float32), warp.astype(np.float32))


def tone_curves(pictures: Sequence[Array], valid: Sequence[Mask], shape: Points) -> list[tuple[Array, Array]]:
    """Curves (from, to) that give every picture the mean quantiles inside the head."""
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in CANVAS), indexing="ij"), axis=-1)
    hull = (Delaunay(shape).find_simplex(grid.reshape(-1, 2)) >= 0).reshape(CANVAS)
    head = ndimage.distance_transform_edt(~hull) < HEAD_MARGIN
    quantiles = np.array([np.percentile(p[head & v], QUANTILES) for p, v in zip(pictures, valid, strict=True)])
    quantiles += 1e-3 * np.arange(len(QUANTILES))  # strictly increasing
    target = quantiles.mean(axis=0)
    low, high = np.minimum((target[[1, -1]] - target[[0, -2]]) / (quantiles[:, [1, -1]] - quantiles[:, [0, -2]]), 1.5).T
    return [
        (np.r_[q[0] - 100, q, q[-1] + 100], np.r_[target[0] - 100 * a, target, target[-1] + 100 * b])
        for q, a, b in zip(quantiles, low, high, strict=True)
    ]


def register(pictures: Sequence[Array], valid: Sequence[Mask], shape: Points) -> list[Array]:
    """Bring pictures together: (2, rows, columns) displacements in px, at the last level's resolution.

    Their mean over the pictures is zero everywhere; near a landmark they are small (see the module).
    """
    moves: list[Array] = [np.zeros((2, 1, 1), np.float32) for _ in pictures]
    for factor, rounds, steps in LEVELS:
        size = CANVAS[0] // factor, CANVAS[1] // factor
        moves = [_resized(move, size) / factor for move in moves]
        features = [_normalised(_coarse(picture, factor)) for picture in pictures]
        weights = [_coarse(mask.astype(np.float32), factor) for mask in valid]
        grid = np.stack(np.meshgrid(*(np.arange(n) for n in size), indexing="ij"), axis=-1)
        centres = (shape + 0.5) / factor - 0.5
        distance = np.sqrt(np.square(grid[..., None, :] - centres).sum(axis=-1)).min(axis=-1)
        limit = (CONE_TIP / factor + CONE_SLOPE * distance).astype(np.float32)
        for _ in range(rounds):
            moved = np.stack([_shifted(f, m) for f, m in zip(features, moves, strict=True)])
            weight = np.stack([_shifted(w, m) for w, m in zip(weights, moves, strict=True)])
            average = (moved * weight).sum(axis=0) / (weight.sum(axis=0) + 1e-3)
            for _ in range(steps):
                moves = [_step(*item, average, limit) for item in zip(features, weights, moves, strict=True)]
            common = np.mean(moves, axis=0)
            moves = [move - common for move in moves]
        moves = [move * factor for move in moves]
        print(f"registered at {factor * 0.1 * REDUCTION:g} mm per pixel")
    return moves


def _step(feature: Array, weight: Array, move: Array, average: Array, limit: Array) -> Array:
    """One step of symmetric demons (Thirion 1998; Vercauteren et al. 2009), fluid and elastic smoothing, cone."""
    moved = _shifted(feature, move)
    difference = (average - moved) * _shifted(weight, move)
    gradient = np.stack([np.gradient(average + moved, axis=axis) for axis in (0, 1)]) / 2
    force: Array = difference * gradient / (np.square(gradient).sum(axis=0) + difference**2 / 4 + 1e-3)
    move = move + ndimage.gaussian_filter(force, (0, 1.5, 1.5))
    move = ndimage.gaussian_filter(move, (0, 1.0, 1.0))
    limited: Array = move * np.minimum(1, limit / np.maximum(np.hypot(move[0], move[1]), 1e-6))
    return limited


def robust_mean(pictures: Sequence[Array], valid: Sequence[Mask]) -> Array:
    """Mean with Cauchy weights around the median; a picture fades in from the border of its valid part."""
    edges = [np.pad(mask, 1) for mask in valid]
    fade = np.stack([np.minimum(ndimage.distance_transform_edt(e)[1:-1, 1:-1] / FEATHER, 1) for e in edges])
    stack = np.stack(pictures)
    values = np.where(np.stack(valid), stack, np.nan)
    values[:, ~np.any(valid, axis=0)] = 0.0  # the canvas' corners; outside the window
    mean = np.nanmedian(values, axis=0)
    spread = ndimage.gaussian_filter(np.nanmedian(np.abs(values - mean), axis=0), 3.0) + 2.0
    for _ in range(4):
        weight = fade / (1 + np.square((stack - mean) / (2 * spread)))
        mean = (weight * stack).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-6)
    return np.asarray(mean, np.float32)


def _to_sample(points: Points) -> Points:
    """Pixels of a radiograph -> pixels of the canvas."""
    return (points + 0.5) / REDUCTION - 0.5


def _reduced(values: Array, factor: int = REDUCTION) -> Array:
    """Mean of blocks of factor x factor pixels; an incomplete block at the end is left out."""
    rows, columns = (n // factor for n in values.shape)
    blocks = values[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float32))


def _coarse(values: Array, factor: int) -> Array:
    """Smooth and reduce."""
    return _reduced(ndimage.gaussian_filter(values, factor / 2), factor)


def _normalised(values: Array) -> Array:
    """Take away the local mean and divide by the local standard deviation; faint edges count like strong ones."""
    values = values - ndimage.gaussian_filter(values, 10.0)
    return np.asarray(values / (np.sqrt(ndimage.gaussian_filter(values**2, 10.0)) + 4.0))


def _resized(field: Array, size: tuple[int, int]) -> Array:
    """Resize (2, rows, columns) linearly, by pixel centres."""
    axes = [(np.arange(n) + 0.5) * old / n - 0.5 for n, old in zip(size, field.shape[1:], strict=True)]
    where = np.meshgrid(*axes, indexing="ij")
    return np.stack([ndimage.map_coordinates(part, where, order=1, mode="nearest") for part in field])


def _shifted(values: Array, move: Array) -> Array:
    """Values at every pixel plus its displacement."""
    where = np.stack(np.meshgrid(*(np.arange(n, dtype=np.float32) for n in values.shape), indexing="ij")) + move
    return np.asarray(ndimage.map_coordinates(values, where, order=1, mode="nearest"))


def make(data: Path, count: int, inspect: Path | None = None) -> tuple[NDArray[np.uint8], Landmarks]:
    """Make the sample.

    Args:
        data: The ISBI 2015 folder.
        count: How many radiographs are averaged.
        inspect: A folder for the pictures that are averaged, to look at; they show persons.

    Returns:
        The sample's pixels and its landmarks.
    """
    dataset = ISBI2015(data, split="train")
    shapes = np.stack([dataset.landmarks(i).points for i in range(len(dataset))])
    mean, distances = mean_shape(shapes)
    shape = _to_sample(mean)
    nearest = np.argsort(distances, kind="stable")[:count]
    ids = [dataset.ids[i] for i in nearest]
    print(f"{count} radiographs, up to {distances[nearest].max() / 10:.1f} mm from the mean shape")

    items = [prepare(dataset.radiograph(i).pixels.astype(np.float32), shapes[i], shape) for i in nearest]
    pictures, valid = zip(*(item.sample() for item in items), strict=True)
    curves = tone_curves(pictures, valid, shape)
    toned = [np.interp(p, *c).astype(np.float32) for p, c in zip(pictures, curves, strict=True)]
    moves = [_resized(move, CANVAS) for move in register(toned, valid, shape)]
    pictures, valid = zip(*(item.sample(move) for item, move in zip(items, moves, strict=True)), strict=True)
    toned = [np.interp(p, *c).astype(np.float32) for p, c in zip(pictures, curves, strict=True)]
    if inspect is not None:
        inspect.mkdir(parents=True, exist_ok=True)
        for identity, picture in zip(ids, toned, strict=True):
            Image.fromarray(_bytes(picture[WINDOW])).save(inspect / f"{identity}.png")
    pixels = _bytes(robust_mean(toned, valid)[WINDOW])
    spacing = 0.1 * REDUCTION
    landmarks = Landmarks(
        points=shape - [WINDOW[0].start, WINDOW[1].start],
        scheme=dataset.scheme,
        spacing=(spacing, spacing),
        source=f"mean shape of {len(dataset)} radiographs, two observers",
        radiograph="average_cephalogram",
        image_shape=(pixels.shape[0], pixels.shape[1]),
        provenance={"script": "scripts/make_average_cephalogram.py", "averaged": ids, "data": "ISBI 2015, training"},
    )
    return pixels, landmarks


def _bytes(values: Array) -> NDArray[np.uint8]:
    return np.asarray(np.rint(np.clip(values, 0, 255)), np.uint8)


def main() -> None:
    """Make the sample and write it."""
    samples = Path(__file__).parents[1] / "src" / "farnet" / "samples"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the ISBI 2015 folder (RawImage, AnnotationsByMD)")
    parser.add_argument("--output", type=Path, default=samples, help="folder to write to; default: %(default)s")
    parser.add_argument("--count", type=int, default=32, help="radiographs to average; default: %(default)s")
    parser.add_argument("--inspect", type=Path, help="folder, outside the repository, for the pictures averaged")
    arguments = parser.parse_args()
    if arguments.count < 16:
        parser.error(f"--count is {arguments.count}; at least 16, so that nobody can be recognised.")
    pixels, landmarks = make(arguments.data, arguments.count, arguments.inspect)
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Title", "Average lateral cephalogram, no person's radiograph")
    notes.add_text("Pixel spacing", "0.2 mm")
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", optimize=True, pnginfo=notes)
    path = arguments.output / "average_cephalogram.png"
    write_bytes_atomic(path, file.getvalue())
    landmarks = landmarks.replace(image_sha256=hashlib.sha256(file.getvalue()).hexdigest())
    write_annotations(path.with_suffix(".csv"), [landmarks])
    print(f"{path}: {pixels.shape[1]} x {pixels.shape[0]} px, {len(file.getvalue()) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
