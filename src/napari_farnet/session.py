"""What happens in a layer of landmarks while a person works on it.

A session follows one Points layer through napari's public events: a moved point is marked as edited, an added point
becomes the next landmark that is absent on its radiograph, and selecting a point puts its heatmap in place of the
combined one. There is no Qt here; everything works on a `ViewerModel`.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_farnet.layers import absent_names, is_moved, placed_by_hand
from napari_farnet.looks import row_looks
from napari_farnet.record import METADATA_KEY, record_of
from napari_farnet.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image, Layer, Points

    from napari_farnet.record import LandmarkRecord

__all__ = ["LandmarkSession", "follow", "watch"]

_sessions: weakref.WeakKeyDictionary[Layer, LandmarkSession] = weakref.WeakKeyDictionary()


def watch(viewer: ViewerModel) -> None:
    """Follow every layer of landmarks that is in the viewer, or comes into it; doing it twice is harmless.

    A layer that comes in gets its colour bar, unless it is followed already: then whoever follows it decides when.
    """
    viewer.layers.events.inserted.connect(_on_inserted)
    for layer in viewer.layers:
        follow(layer)


def follow(layer: Layer) -> LandmarkSession | None:
    """Give the session of a layer of landmarks, and begin it if need be; None for every other layer."""
    layer = getattr(layer, "__wrapped__", layer)  # napari hands plugins proxies, which do not live as long
    if layer not in _sessions:
        record = record_of(layer.metadata)
        if record is None:
            return None
        _sessions[layer] = LandmarkSession(layer, record)
    return _sessions[layer]


def _on_inserted(event: Any) -> None:
    known = event.value in _sessions
    session = follow(event.value)
    if session is not None and not known:
        session.show_colour_bar()


class LandmarkSession:
    """Follows one layer of landmarks.

    Args:
        layer: The layer, which the session does not keep alive.
        record: What the layer was made of.
    """

    def __init__(self, layer: Points, record: LandmarkRecord) -> None:
        self._layer = weakref.ref(layer)
        self._heatmaps: weakref.ref[Image] | None = None
        self._record = record
        self._at_work = False
        layer.events.data.connect(self._on_data)
        layer.selected_data.events.items_changed.connect(self._on_selection)

    def show_colour_bar(self) -> None:
        """Show what the colours mean, where they mean something."""
        layer = self._layer()
        if layer is not None and layer.face_color_mode == "colormap":
            layer.face_colorbar.visible = True

    def show_heatmaps_in(self, layer: Image) -> None:
        """Let selecting a point show its heatmap in this layer, which holds one heatmap per landmark."""
        self._heatmaps = weakref.ref(layer)
        self._on_selection()

    def _on_data(self, event: Any) -> None:
        """Keep features and looks in step with the points; napari says what happened to which rows."""
        layer, action = self._layer(), str(event.action)
        if layer is None or self._at_work:
            return
        self._at_work = True
        try:
            if action == "changed":
                self._mark_moved(layer, [int(row) for row in event.data_indices])
            elif action == "added":
                self._name_added(layer, [int(row) % len(layer.data) for row in event.data_indices])
            if action in ("added", "removed"):
                own = layer.metadata[METADATA_KEY]
                own["absent"] = absent_names(layer.data, layer.features["name"].tolist(), self._record)
        finally:
            self._at_work = False

    def _mark_moved(self, layer: Points, rows: Sequence[int]) -> None:
        features = layer.features.copy()
        moved = [row for row in rows if not features["edited"].iat[row] and self._is_moved(layer, row)]
        if not moved:
            return
        features.loc[moved, "edited"] = True
        features.loc[moved, "source"] = "edited"
        layer.features = features
        self._refresh_looks(layer)

    def _is_moved(self, layer: Points, row: int) -> bool:
        point = layer.data[row]
        before = self._record.at(tuple(int(i) for i in np.rint(point[:-2])))
        name = str(layer.features["name"].iat[row])
        if before is None or name not in before.scheme.names:
            return True
        return is_moved(point[-2:], before.points[before.scheme.index(name)])

    def _name_added(self, layer: Points, rows: Sequence[int]) -> None:
        features = layer.features.copy()
        names = features["name"].tolist()
        for row in rows:
            names[row] = ""
        for row in rows:
            radiograph = tuple(np.rint(layer.data[row, :-2]))
            placed = {
                name for name, point in zip(names, layer.data, strict=True) if tuple(np.rint(point[:-2])) == radiograph
            }
            free = [k for k, name in enumerate(self._record.scheme.names) if name not in placed]
            given = placed_by_hand(self._record, free[0] if free else 0)
            if not free:
                given |= {"name": "", "abbreviation": ""}
                _say_that_all_are_placed(self._record)
            names[row] = given["name"]
            for column, value in given.items():
                features.loc[row, column] = value
        layer.features = features
        self._refresh_looks(layer)

    def _refresh_looks(self, layer: Points) -> None:
        for attribute, value in row_looks(
            layer.data, layer.features, self._record.image_shape, load_settings()
        ).items():
            setattr(layer, attribute, value)

    def _on_selection(self, *_: object) -> None:
        """Show the heatmap of the selected point, or the maximum over all when none or several are selected."""
        layer, heatmaps = self._layer(), None if self._heatmaps is None else self._heatmaps()
        maps = None if heatmaps is None else heatmaps.metadata[METADATA_KEY].get("maps")
        if layer is None or heatmaps is None or maps is None:
            return
        selected = list(layer.selected_data)
        name = str(layer.features["name"].iat[selected[0]]) if len(selected) == 1 else ""
        known = name in self._record.scheme.names
        heatmaps.data = maps[..., self._record.scheme.index(name), :, :] if known else maps.max(axis=-3)


def _say_that_all_are_placed(record: LandmarkRecord) -> None:
    from napari.utils.notifications import show_warning

    show_warning(
        f"All {len(record.scheme)} landmarks are placed already, so the new point is none of them. Delete it, or first "
        "delete the landmark that it should replace."
    )
