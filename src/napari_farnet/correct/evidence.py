"""What the heatmaps and the shape of the anatomy say about landmarks where they are now.

Heatmaps lie in a layer of their own, smaller than the radiograph; points go there and back through the layers'
transforms, so that nothing here knows how a network frames a radiograph.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.heatmap_evidence import OUTSIDE_MASS, find_peaks, mass_above, nearest_peak
from farnet.shape import IMPLAUSIBLE, load_shape_model
from napari_farnet.record import METADATA_KEY

if TYPE_CHECKING:
    from napari.layers import Image, Points
    from numpy.typing import ArrayLike, NDArray

    from farnet.review import Review
    from napari_farnet.record import Index

__all__ = ["Evidence", "HeatmapView", "gather"]

_ENOUGH = 4  # landmarks that tell where another one should be
_OWN_PEAK = 4.0  # px of the heatmap within which a peak is that of the point itself


@dataclass(frozen=True)
class Evidence:
    """What speaks about each of the K landmarks of one radiograph.

    Attributes:
        mass: (K,) share of its heatmap's mass in pixels that are higher than it is at the point (`mass_above`); NaN
            where there is no heatmap or no point.
        distance: (K,) implausibility by the scheme's shape model, in standard deviations; NaN where nothing tells.
        mirrored: Whether the mirror image of the landmarks would be far more plausible.
    """

    mass: NDArray[np.float64]
    distance: NDArray[np.float64]
    mirrored: bool = False

    @property
    def alarms(self) -> NDArray[np.float64]:
        """(K,) how alarming each landmark is; 0 where nothing is wrong."""
        off = np.nan_to_num(self.mass) > OUTSIDE_MASS
        odd = np.nan_to_num(self.distance)
        return np.where(odd > IMPLAUSIBLE, odd, 0.0) + off

    def warnings(self, k: int) -> list[str]:
        """Say what is wrong with landmark k, one sentence each."""
        found = []
        if np.nan_to_num(self.mass[k]) > OUTSIDE_MASS:
            found.append("Outside its heatmap: the network saw nothing here.")
        if np.nan_to_num(self.distance[k]) > IMPLAUSIBLE:
            found.append(f"Unusual place: {self.distance[k]:.1f} standard deviations from where the others suggest.")
        return found


class HeatmapView:
    """The heatmaps of a layer, seen from a layer of points.

    Args:
        heatmaps: It keeps one heatmap per landmark in its metadata.
        points: The layer of landmarks.
    """

    def __init__(self, heatmaps: Image, points: Points) -> None:
        self._heatmaps, self._points = heatmaps, points

    def of(self, index: Index, k: int) -> NDArray[np.float32] | None:
        """The heatmap (H, W) of landmark k on one radiograph; None where the layer has none of it."""
        maps: Any = self._heatmaps.metadata[METADATA_KEY]["maps"]
        lead = self._to_map((*index, 0.0, 0.0))[:-2]
        place = tuple(int(i) for i in np.rint(lead))
        if any(not 0 <= i < size for i, size in zip(place, maps.shape[:-3], strict=True)):
            return None
        found: NDArray[np.float32] = maps[(*place, k)]
        return found

    def to_map(self, index: Index, point: ArrayLike) -> NDArray[np.float64]:
        """Take a point (row, column) of the radiograph to pixels of the heatmap."""
        return self._to_map((*index, *np.asarray(point, np.float64)))[-2:]

    def to_points(self, index: Index, point: ArrayLike) -> NDArray[np.float64]:
        """Take a point (row, column) of the heatmap to pixels of the radiograph."""
        lead = self._to_map((*index, 0.0, 0.0))[:-2]
        world = self._heatmaps.data_to_world((*lead, *np.asarray(point, np.float64)))
        return np.asarray(self._points.world_to_data(world), np.float64)[-2:]

    def snapped(self, index: Index, k: int, point: ArrayLike) -> NDArray[np.float64] | None:
        """The peak of landmark k's heatmap that is nearest to a point of the radiograph; None where there is none."""
        heatmap = self.of(index, k)
        peak = None if heatmap is None else nearest_peak(heatmap, self.to_map(index, point))
        return None if peak is None else self.to_points(index, peak)

    def rivals(self, index: Index, k: int, point: ArrayLike | None) -> NDArray[np.float64]:
        """(P, 2) peaks of landmark k's heatmap other than that of its point, in pixels of the radiograph."""
        heatmap = self.of(index, k)
        if heatmap is None:
            return np.empty((0, 2))
        peaks = find_peaks(heatmap).points
        if point is not None and len(peaks):
            own = np.linalg.norm(peaks - self.to_map(index, point), axis=1) <= _OWN_PEAK
            peaks = peaks[~own]
        return np.array([self.to_points(index, peak) for peak in peaks], np.float64).reshape(-1, 2)

    def _to_map(self, point: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(self._heatmaps.world_to_data(self._points.data_to_world(point)), np.float64)


def gather(
    review: Review, index: Index, view: HeatmapView | None, last: tuple[Review, Evidence] | None = None
) -> Evidence:
    """Collect what speaks about the landmarks of one radiograph where they are now.

    Args:
        review: The landmarks.
        index: Where their radiograph is in the stack.
        view: Their heatmaps; None without.
        last: An earlier review with what was gathered for it from the same heatmaps; points that did not move since
            are not looked at again.
    """
    item = review.landmarks
    mass = np.full(len(item), math.nan)
    if view is not None:
        for k in np.flatnonzero(item.present):
            if last is not None and np.array_equal(last[0].landmarks.points[k], item.points[k]):
                mass[k] = last[1].mass[k]
                continue
            heatmap = view.of(index, int(k))
            if heatmap is not None:
                mass[k] = mass_above(heatmap, view.to_map(index, item.points[k]))
    model = load_shape_model(item.scheme)
    distance, mirrored = np.full(len(item), math.nan), False
    if model is not None and int(item.present.sum()) >= _ENOUGH:
        distance = model.implausibility(item.points, item.spacing)
        mirrored = model.looks_mirrored(item.points, item.spacing)
    return Evidence(mass, distance, mirrored)
