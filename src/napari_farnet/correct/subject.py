"""What is corrected: a layer of landmarks, the radiograph that the viewer shows, and what speaks about its points.

There is no Qt here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_farnet.correct.evidence import Evidence, HeatmapView, gather
from napari_farnet.session import LandmarkSession, follow

if TYPE_CHECKING:
    from napari.components import Dims, ViewerModel
    from napari.layers import Layer, Points

    from farnet.review import Review
    from farnet.scheme import LandmarkScheme
    from napari_farnet.record import Index

__all__ = ["Subject", "shown_index"]


class Subject:
    """A layer of landmarks that is being corrected.

    Args:
        viewer: The viewer that it is in.
        layer: A layer of landmarks of this plugin.
        session: Its session.

    Attributes:
        viewer, layer, session: As given.
        index: Which radiograph of the stack is looked at.
    """

    def __init__(self, viewer: ViewerModel, layer: Points, session: LandmarkSession) -> None:
        self.viewer, self.layer, self.session = viewer, layer, session
        self.index: Index = shown_index(layer, viewer.dims)
        self._last: tuple[Index, int, Review, Evidence] | None = None

    @classmethod
    def of(cls, viewer: ViewerModel, layer: Layer | None) -> Subject | None:
        """Take a layer, if it is one of landmarks."""
        session = None if layer is None else follow(layer)
        return None if session is None or layer is None else cls(viewer, layer, session)

    @property
    def scheme(self) -> LandmarkScheme:
        """What the landmarks are."""
        return self.session.record.scheme

    @property
    def review(self) -> Review:
        """The review of the radiograph that is looked at."""
        return self.session.review(self.index)

    def apply(self, review: Review) -> None:
        """Take a step with the radiograph that is looked at."""
        self.session.apply(self.index, review)

    @property
    def view(self) -> HeatmapView | None:
        """The heatmaps of the landmarks, if there are any."""
        heatmaps = self.session.heatmaps
        if heatmaps is None or heatmaps not in self.viewer.layers:
            return None
        return HeatmapView(heatmaps, self.layer)

    @property
    def evidence(self) -> Evidence:
        """What speaks about the points as they are."""
        review, view, heatmaps = self.review, self.view, self.session.heatmaps
        last = self._last
        key = id(heatmaps) if view is not None else 0
        usable = last is not None and last[0] == self.index and last[1] == key
        if usable and last is not None and last[2] is review:
            return last[3]
        found = gather(review, self.index, view, (last[2], last[3]) if usable and last is not None else None)
        self._last = (self.index, key, review, found)
        return found

    @property
    def selected(self) -> int:
        """Number of the landmark whose point is selected in the layer; -1 where it is not just one."""
        rows = list(self.layer.selected_data)
        if len(rows) != 1:
            return -1
        name = str(self.layer.features["name"].iat[rows[0]])
        return self.scheme.index(name) if name in self.scheme.names else -1

    def select(self, k: int) -> None:
        """Select the point of a landmark in the layer, or none where it has no point."""
        row = self.session.row_of(self.index, self.scheme.names[k]) if k >= 0 else None
        wanted = set() if row is None else {row}
        if set(self.layer.selected_data) != wanted:
            self.layer.selected_data = wanted

    def snapped(self, k: int, near: np.ndarray | None = None) -> Review | None:
        """The review with landmark k on the peak of its heatmap nearest to a point; None where there is no peak.

        Args:
            k: The landmark.
            near: (row, column) in px of the radiograph; None for where the landmark is.
        """
        view, review = self.view, self.review
        point = review.landmarks.points[k] if near is None else near
        if view is None or np.isnan(point[0]):
            return None
        peak = view.snapped(self.index, k, point)
        return None if peak is None else review.moved(k, peak, who=self.session.who)

    def move_slider(self, index: Index) -> None:
        """Have the viewer show another radiograph of the stack."""
        world = self.layer.data_to_world((*index, 0.0, 0.0))
        first = self.viewer.dims.ndim - len(world)
        for axis, value in enumerate(world[:-2], start=first):
            self.viewer.dims.set_point(axis, value)

    def look(self) -> bool:
        """Look at the radiograph that the viewer shows; tells whether it is another one."""
        before, self.index = self.index, shown_index(self.layer, self.viewer.dims)
        return self.index != before


def shown_index(layer: Points, dims: Dims) -> Index:
    """Which radiograph of a stack the viewer shows; () for a layer of one radiograph, or one across a stack."""
    leading = layer.ndim - 2
    if leading <= 0:
        return ()
    point = layer.world_to_data([dims.point[axis] for axis in range(dims.ndim)][-layer.ndim :])
    return tuple(int(i) for i in np.rint(point[:leading]))
