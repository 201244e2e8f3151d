"""The heatmap codec: points -> Gaussian heatmaps, heatmaps -> sub-pixel points with confidence and covariance.

Coordinates are (row, column) in pixels of the heatmap, pixel centres are integers, NaN is an absent landmark.
sigma is in pixels of the heatmap.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from farnet.errors import InvalidInputError, unknown_name

__all__ = ["DecodeMethod", "DecodedPoints", "decode", "encode", "locate"]

DecodeMethod = Literal["matched", "argmax"]

_COARSE = 4  # the search for the peak starts from means over blocks of this many pixels
_REACH = 3.0  # half-width, in sigma, of the patch that the matched filter sees
_NEWTON_STEPS = 4
_MIN_PEAK = 0.02  # below this share of the target's height a peak is no landmark


class DecodedPoints(NamedTuple):
    """Points found in heatmaps; leading dimensions as the heatmaps' ((K,) or (B, K)).

    Attributes:
        points: (..., 2) float64 row, column in heatmap pixels; NaN where there is no landmark.
        confidence: (...) float64 in [0, 1]: height of the target Gaussian that fits best, above what surrounds it (for
            ``argmax``: the maximum); NaN with the point.
        covariance: (..., 2, 2) float64 px^2: spread of the heatmap around the point less that of the target;
            NaN with the point.
    """

    points: Tensor
    confidence: Tensor
    covariance: Tensor


def encode(points: Tensor, shape: tuple[int, int], sigma: float | Tensor) -> Tensor:
    """Draw one Gaussian of height 1 per landmark, centred exactly on the point (not on the nearest pixel).

    Args:
        points: (K, 2) or (B, K, 2) row, column in heatmap pixels; NaN gives an all-zero map.
        shape: (H, W) of the heatmaps.
        sigma: Standard deviation in heatmap pixels, one number or (K,).

    Returns:
        (K, H, W) or (B, K, H, W) float32. The only temporaries are (.., K, H) and (.., K, W).

    Raises:
        InvalidInputError: sigma is not positive, or the points have another shape.
    """
    if points.ndim not in (2, 3) or points.shape[-1] != 2:
        raise InvalidInputError(f"points of shape {tuple(points.shape)}, but (K, 2) or (B, K, 2) is needed")
    home = _precise(points.device)
    factor = (-0.5 / _widths(sigma, points.shape[-2], home) ** 2)[:, None]
    p = points.to(home, torch.float64)
    present = torch.isfinite(p).all(-1, keepdim=True)
    p = torch.where(present, p, 0.0)
    rows, columns = (
        torch.exp(factor * (torch.arange(n, dtype=torch.float64, device=p.device) - p[..., i, None]) ** 2)
        for i, n in enumerate(shape)
    )
    rows = (rows * present).to(points.device, torch.float32)
    return rows[..., :, None] * columns.to(points.device, torch.float32)[..., None, :]


def decode(
    heatmaps: Tensor,
    sigma: float | Tensor,
    method: DecodeMethod = "matched",
    *,
    min_peak: float = _MIN_PEAK,
) -> DecodedPoints:
    """Find each landmark in its heatmap.

    ``matched`` maximises the correlation with the target Gaussian, normalised by that part of the Gaussian which
    lies inside the map (the maximum-likelihood position under white noise, exact at borders), by Newton's method
    from the best integer position. ``argmax`` is the first maximum in row-major order, as in the paper.

    Args:
        heatmaps: (K, H, W) or (B, K, H, W), any float dtype; H and W at least 2.
        sigma: That of the targets, one number or (K,), in heatmap pixels.
        method: ``matched`` or ``argmax``.
        min_peak: Least height of the fitted Gaussian (of the maximum for ``argmax``) that counts as a landmark; more
            for one outside the map, of which less is seen.

    Returns:
        Points, confidence and covariance; NaN where a map is flat, all zero, not finite, or has no peak that rises by
        `min_peak`. On the device of the maps, or on the CPU where that has no float64 (Apple's GPUs).

    Raises:
        InvalidInputError: The shape, sigma or method is not as described.
    """
    if heatmaps.ndim not in (3, 4) or min(heatmaps.shape[-2:]) < 2:
        raise InvalidInputError(
            f"heatmaps of shape {tuple(heatmaps.shape)}, but (K, H, W) or (B, K, H, W) of 2 x 2 pixels or more is "
            "needed"
        )
    if method not in ("matched", "argmax"):
        raise unknown_name("decoding method", method, get_args(DecodeMethod))
    lead = heatmaps.shape[:-2]
    maps = heatmaps.detach().to(_precise(heatmaps.device)).reshape(-1, *heatmaps.shape[-2:])
    width = _widths(sigma, lead[-1], maps.device).expand(lead).reshape(-1)

    patches, points, height, usable = _located(maps, width, float(width.max()), method, min_peak)
    covariance = _spread(patches, points, height)
    missing = ~usable
    points = points.masked_fill(missing[:, None], math.nan)
    height = height.clamp(0.0, 1.0).masked_fill(missing, math.nan)
    covariance = covariance.masked_fill(missing[:, None, None], math.nan)
    return DecodedPoints(points.reshape(*lead, 2), height.reshape(lead), covariance.reshape(*lead, 2, 2))


def locate(maps: Tensor, sigma: float, method: DecodeMethod, min_peak: float) -> tuple[Tensor, Tensor]:
    """The points and confidences of `decode` by nothing but tensors, so that it can be traced into a graph.

    Args:
        maps: (N, H, W) floating point; N may be unknown while tracing.
        sigma: That of the targets in pixels.
        method: As in `decode`.
        min_peak: As in `decode`.

    Returns:
        (N, 2) float64 row, column, and (N,) float64 confidence; NaN where there is no landmark.
    """
    width = torch.full_like(maps[:, 0, 0], sigma, dtype=torch.float64)
    _, points, height, usable = _located(maps, width, sigma, method, min_peak)
    missing = ~usable
    return points.masked_fill(missing[:, None], math.nan), height.clamp(0.0, 1.0).masked_fill(missing, math.nan)


def _located(
    maps: Tensor, width: Tensor, widest: float, method: DecodeMethod, min_peak: float
) -> tuple[_Patches, Tensor, Tensor, Tensor]:
    """Patches, (N, 2) points, (N,) heights, and (N,) whether it is a landmark; `width` is (N,) sigma."""
    start, low, high = _peaks(maps, exact=method == "argmax")
    usable = torch.isfinite(low) & torch.isfinite(high) & (high > low) & (high > 0)
    patches = _Patches(maps, start, width, widest, usable)
    if method == "matched":
        points = _matched(patches)
        height, seen = _height(patches, points)
    else:
        points, height, seen = start.to(torch.float64), high.to(torch.float64), (high - low).to(torch.float64)
    # The noise of a map without a landmark has a maximum too, but no Gaussian of notable height fits it.
    usable = usable & torch.isfinite(points).all(-1) & (height >= min_peak) & (seen >= min_peak)
    return patches, points, height, usable


def _precise(device: torch.device) -> torch.device:
    """`device`, or the CPU in place of one that has no float64."""
    return torch.device("cpu") if device.type == "mps" else device


def _widths(sigma: float | Tensor, count: int, device: torch.device) -> Tensor:
    """(count,) float64 sigma of each landmark."""
    width = torch.as_tensor(sigma, dtype=torch.float64, device=device)
    if width.shape not in ((), (1,), (count,)):
        raise InvalidInputError(f"sigma of shape {tuple(width.shape)}; give one number, or {count}, one per landmark")
    if not bool((torch.isfinite(width) & (width > 0)).all()):
        raise InvalidInputError(f"sigma is {sigma}, but must be positive; it is in pixels of the heatmap")
    return width.expand(count)


def _peaks(maps: Tensor, *, exact: bool) -> tuple[Tensor, Tensor, Tensor]:
    """(N, 2) integer start positions, and the (N,) least and greatest value of each map (NaN spreads)."""
    n, height, width = maps.shape
    if exact or min(height, width) < 4 * _COARSE:
        flat = maps.reshape(n, -1)
        low, high = torch.aminmax(flat, dim=1)
        index = flat.argmax(1)
        return torch.stack((index // width, index % width), -1), low, high
    # Means over blocks see every pixel (a NaN poisons its block), damp noise, and leave 1/16 to search.
    coarse = F.avg_pool2d(maps[:, None].float(), _COARSE, ceil_mode=True, count_include_pad=False)[:, 0]
    flat = coarse.reshape(n, -1)
    low, high = torch.aminmax(flat, dim=1)
    index = flat.argmax(1)
    columns = coarse.shape[-1]
    start = torch.stack((index // columns, index % columns), -1) * _COARSE + (_COARSE - 1) // 2
    limit = torch.tensor([height - 1, width - 1], device=maps.device)
    return start.minimum(limit), low, high


class _Patches:
    """The surroundings of a start position in each usable map, as one batch with zero outside the map."""

    def __init__(self, maps: Tensor, start: Tensor, sigma: Tensor, widest: float, usable: Tensor) -> None:
        n, height, width = maps.shape
        self.sigma = sigma
        self.search = math.ceil(widest) + _COARSE
        reach = math.ceil((_REACH + 1.0) * widest) + _COARSE
        window = torch.arange(-reach, reach + 1, device=maps.device)
        self.rows = start[:, 0, None] + window
        self.columns = start[:, 1, None] + window
        self.rows_inside = ((self.rows >= 0) & (self.rows < height)).to(torch.float64)
        self.columns_inside = ((self.columns >= 0) & (self.columns < width)).to(torch.float64)
        index = torch.arange(n, device=maps.device)[:, None, None]
        values = maps[
            index, self.rows.clamp(0, height - 1)[:, :, None], self.columns.clamp(0, width - 1)[:, None, :]
        ].to(torch.float64)
        self.inside = self.rows_inside[:, :, None] * self.columns_inside[:, None, :]
        self.values = torch.where(usable[:, None, None], values, 0.0) * self.inside
        self.start = start

    def template(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """The two 1-D factors (N, P) of the target Gaussian at `points`, zero outside the map."""
        scale = -0.5 / self.sigma[:, None] ** 2
        rows = torch.exp(scale * (self.rows - points[:, :1]) ** 2) * self.rows_inside
        columns = torch.exp(scale * (self.columns - points[:, 1:]) ** 2) * self.columns_inside
        return rows, columns


def _matched(patches: _Patches) -> Tensor:
    """(N, 2) positions of the best-fitting target Gaussians."""
    points = _best_integer(patches)
    sigma2 = patches.sigma**2
    trust = 0.5 * patches.sigma
    best = points
    best_score = torch.full_like(sigma2, -math.inf)
    step = torch.zeros_like(points)
    for _ in range(_NEWTON_STEPS + 1):
        rows, columns = patches.template(points)
        dr = (patches.rows - points[:, :1]) / sigma2[:, None]
        dc = (patches.columns - points[:, 1:]) / sigma2[:, None]
        # Correlation c and template energy e with their derivatives; the score is c / sqrt(e).
        left = torch.stack((rows, rows * dr, rows * (dr**2 - 1.0 / sigma2[:, None])), 1)
        right = torch.stack((columns, columns * dc, columns * (dc**2 - 1.0 / sigma2[:, None])), 1)
        c = left @ patches.values @ right.transpose(1, 2)
        er, ec = _energy(rows, dr, sigma2), _energy(columns, dc, sigma2)
        score = c[:, 0, 0] / torch.sqrt(er[0] * ec[0])
        better = score > best_score
        best = torch.where(better[:, None], points, best)
        best_score = torch.where(better, score, best_score)
        # log score = log c - (log er + log ec) / 2
        c0 = c[:, 0, 0]
        gr = c[:, 1, 0] / c0 - 0.5 * er[1] / er[0]
        gc = c[:, 0, 1] / c0 - 0.5 * ec[1] / ec[0]
        hrr = c[:, 2, 0] / c0 - (c[:, 1, 0] / c0) ** 2 - 0.5 * (er[2] / er[0] - (er[1] / er[0]) ** 2)
        hcc = c[:, 0, 2] / c0 - (c[:, 0, 1] / c0) ** 2 - 0.5 * (ec[2] / ec[0] - (ec[1] / ec[0]) ** 2)
        hrc = c[:, 1, 1] / c0 - c[:, 1, 0] * c[:, 0, 1] / c0**2
        determinant = hrr * hcc - hrc**2
        concave = (hrr < 0) & (determinant > 0)
        newton = torch.stack((hrc * gc - hcc * gr, hrc * gr - hrr * gc), -1) / determinant[:, None]
        # Where the score is not concave, follow the gradient; either way no further than the trust radius.
        ascent = torch.where(concave[:, None], newton, torch.stack((gr, gc), -1) * sigma2[:, None])
        length = ascent.norm(dim=-1, keepdim=True)
        ascent = ascent * (trust[:, None] / length.clamp_min(1e-300)).clamp(max=1.0)
        # A step that did not pay is tried again at half its length.
        step = torch.where(better[:, None], ascent, 0.5 * step)
        points = best + step
    return best


def _height(patches: _Patches, points: Tensor) -> tuple[Tensor, Tensor]:
    """(N,) height of the target Gaussian at `points`, and (N,) how much of that is seen.

    The height is that of a least-squares fit of the target and a constant to the patch; the constant is what tells a
    landmark from a map that is raised everywhere. Of a landmark outside the map only a flank is seen, from which noise
    is extrapolated to great heights, so that the share of the Gaussian's energy inside the map counts too.
    """
    rows, columns = patches.template(points)
    area = patches.inside.sum((1, 2))
    template = rows.sum(1) * columns.sum(1)
    energy = (rows**2).sum(1) * (columns**2).sum(1)
    values = patches.values.sum((1, 2))
    correlation = torch.einsum("nr,nrc,nc->n", rows, patches.values, columns)
    height = (correlation - values * template / area) / (energy - template**2 / area).clamp_min(1e-12)
    return height, height * torch.sqrt((energy / (math.pi * patches.sigma**2)).clamp_max(1.0))


def _energy(template: Tensor, d: Tensor, sigma2: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sum of squares of a 1-D template inside the map, and its first two derivatives by the position."""
    square = template**2
    return (
        square.sum(1),
        (2.0 * square * d).sum(1),
        (square * (4.0 * d**2 - 2.0 / sigma2[:, None])).sum(1),
    )


def _best_integer(patches: _Patches) -> Tensor:
    """(N, 2) integer position of the greatest normalised correlation within sigma of the start."""
    reach = patches.search
    offsets = torch.arange(-reach, reach + 1, device=patches.values.device)
    scale = -0.5 / patches.sigma[:, None, None] ** 2
    bank: list[Tensor] = []
    for axis, inside in ((patches.rows, patches.rows_inside), (patches.columns, patches.columns_inside)):
        centre = patches.start[:, len(bank), None] + offsets  # (N, M)
        template = torch.exp(scale * (axis[:, None, :] - centre[:, :, None]) ** 2) * inside[:, None, :]
        norm = template.norm(dim=2, keepdim=True)
        # Centres outside the map are no candidates.
        allowed = torch.gather(F.pad(inside, (0, 1)), 1, (centre - axis[:, :1]).clamp(0, inside.shape[1]))
        bank.append(template / norm.clamp_min(1e-12) * allowed[:, :, None])
    score = bank[0] @ patches.values @ bank[1].transpose(1, 2)
    index = score.flatten(1).argmax(1)
    size = len(offsets)
    return patches.start.to(torch.float64) + torch.stack((index // size, index % size), -1) - reach


def _spread(patches: _Patches, points: Tensor, height: Tensor) -> Tensor:
    """(N, 2, 2) second central moments of the heatmap around the point, less those of the target.

    A network trained on squared error predicts the target's Gaussian convolved with what it believes about the
    position, so the excess over sigma^2 is the covariance of that belief. Values under a tenth of the height are
    left out; the target's own moments are taken over the same region, which cancels the truncation.
    """
    rows, columns = patches.template(points)
    model = rows[:, :, None] * columns[:, None, :]
    observed = patches.values / height.clamp_min(1e-6)[:, None, None]
    eye = torch.eye(2, dtype=torch.float64, device=points.device)
    own = _moments(patches, points, torch.where(model > 0.1, model, 0.0))
    seen = _moments(patches, points, torch.where(observed > 0.1, observed, 0.0))
    sigma2 = (patches.sigma**2)[:, None, None]
    # Truncation at a tenth shrinks both alike; scale back so that the target itself would give sigma^2.
    shrink = (own.diagonal(dim1=1, dim2=2).mean(1) / patches.sigma**2).clamp_min(1e-3)[:, None, None]
    excess = torch.nan_to_num((seen - own) / shrink)
    values, vectors = torch.linalg.eigh(0.5 * (excess + excess.transpose(1, 2)))
    # Never less than the rounding of an integer position, never more than the patch can tell.
    values = values.clamp_min(1.0 / 12.0).minimum(16.0 * sigma2[:, 0])
    covariance: Tensor = vectors @ (values[:, :, None] * eye) @ vectors.transpose(1, 2)
    return covariance


def _moments(patches: _Patches, points: Tensor, mass: Tensor) -> Tensor:
    total = mass.sum((1, 2)).clamp_min(1e-300)
    dr = patches.rows - points[:, :1]
    dc = patches.columns - points[:, 1:]
    by_row, by_column = mass.sum(2), mass.sum(1)
    rr = (by_row * dr**2).sum(1) / total
    cc = (by_column * dc**2).sum(1) / total
    rc = torch.einsum("nrc,nr,nc->n", mass, dr, dc) / total
    return torch.stack((torch.stack((rr, rc), -1), torch.stack((rc, cc), -1)), -2)
