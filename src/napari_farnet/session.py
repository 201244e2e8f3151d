"""What happens in a layer of landmarks while a person works on it.

A session follows one Points layer through napari's public events and keeps the `Review` of each of its radiographs in
step with it: a moved point is an edit, an added one becomes the landmark that was asked for (else the next that is
missing), and each step can be undone. Selecting a point puts its heatmap in place of the combined one. There is no Qt
here; everything works on a `ViewerModel`.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from psygnal import Signal

from farnet.errors import AnnotationError
from farnet.review import Review
from napari_farnet.drag_labels import hide_labels_while_dragging
from napari_farnet.layers import absent_names, landmarks_from_layer, nothing_placed, rows_of
from napari_farnet.looks import row_looks
from napari_farnet.record import METADATA_KEY, LandmarkRecord, record_of
from napari_farnet.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari.components import ViewerModel
    from napari.layers import Image, Layer, Points
    from numpy.typing import NDArray

    from napari_farnet.record import Index

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
        hide_labels_while_dragging(layer)
    return _sessions[layer]


def _on_inserted(event: Any) -> None:
    known = event.value in _sessions
    session = follow(event.value)
    if session is not None and not known:
        session.show_colour_bar()


class _Step(NamedTuple):
    """What undo takes back: one change of the review of one radiograph."""

    where: Index
    before: Review
    after: Review


class LandmarkSession:
    """Follows one layer of landmarks.

    Args:
        layer: The layer, which the session does not keep alive.
        record: What the layer was made of.

    Attributes:
        target: Name of the landmark that the next added point shall be; None for the next that is missing.
        who: The person, for the log.
    """

    changed = Signal(tuple)
    """The review of the radiograph at this index changed; its points, states or both."""

    def __init__(self, layer: Points, record: LandmarkRecord) -> None:
        self._layer = weakref.ref(layer)
        self._heatmaps: weakref.ref[Image] | None = None
        self._record = record
        self._reviews: dict[Index, Review] = {}
        self._past: list[_Step] = []
        self._future: list[_Step] = []
        self._at_work = False
        self.target: str | None = None
        self.who = ""
        layer.events.data.connect(self._on_data)
        layer.selected_data.events.items_changed.connect(self._on_selection)
        # napari pastes points without telling anybody, and a landmark is there but once.
        layer.bind_key("Control-V", _refuse_to_paste, overwrite=True)

    @property
    def record(self) -> LandmarkRecord:
        """What the layer was made of."""
        return self._record

    def show_colour_bar(self) -> None:
        """Show what the colours mean, where they mean something."""
        layer = self._layer()
        if layer is not None and layer.face_color_mode == "colormap":
            layer.face_colorbar.visible = True

    def show_heatmaps_in(self, layer: Image) -> None:
        """Let selecting a point show its heatmap in this layer, which holds one heatmap per landmark."""
        self._heatmaps = weakref.ref(layer)
        self._on_selection()

    @property
    def heatmaps(self) -> Image | None:
        """The layer that shows the heatmap of the selected point, if it is still there and holds one per landmark."""
        layer = None if self._heatmaps is None else self._heatmaps()
        return None if layer is None or "maps" not in layer.metadata.get(METADATA_KEY, {}) else layer

    # The reviews

    def review(self, index: Index = ()) -> Review:
        """The review of one radiograph as it stands; it is begun where there is none yet."""
        if index not in self._reviews:
            landmarks = self._record.at(index) or nothing_placed(self._record)
            try:
                self._reviews[index] = Review.of(landmarks)
            except AnnotationError as error:
                _warn(str(error))
                kept = {key: value for key, value in landmarks.provenance.items() if key != "review"}
                self._reviews[index] = Review.of(landmarks.replace(provenance=kept))
        return self._reviews[index]

    def apply(self, index: Index, review: Review) -> None:
        """Take a step: show the new review in the layer, and remember the old one for undo."""
        if self._remember(index, review):
            self._write(index, review)
            self.changed.emit(index)

    def undo(self) -> Index | None:
        """Take the last step back; gives the radiograph that it was taken on, None where nothing is left."""
        if not self._past:
            return None
        step = self._past.pop()
        self._future.append(step)
        return self._go_to(step.where, step.before, "undone")

    def redo(self) -> Index | None:
        """Take again the last step that was undone; gives its radiograph, None where nothing is left."""
        if not self._future:
            return None
        step = self._future.pop()
        self._past.append(step)
        return self._go_to(step.where, step.after, "redone")

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to take again."""
        return bool(self._future)

    def load(self, record: LandmarkRecord, data: NDArray[np.float64], keywords: Mapping[str, Any]) -> None:
        """Put other radiographs' landmarks into the layer, which is faster than a new one; undo begins anew.

        Args:
            record: What the layer holds from now on.
            data: (N, n) as `napari_farnet.layers.landmarks_layer` gives it.
            keywords: The layer's other attributes, likewise.
        """
        layer = self._layer()
        if layer is None:
            return
        self._record, self._reviews, self._past, self._future = record, {}, [], []
        self._at_work = True
        try:
            layer.selected_data = set()
            layer.data = data
            for name, value in keywords.items():
                setattr(layer, name, value)
        finally:
            self._at_work = False
        for index in record.indices:
            self.changed.emit(index)

    def row_of(self, index: Index, name: str) -> int | None:
        """The row of a landmark in the layer; None where it has no point."""
        layer = self._layer()
        if layer is None:
            return None
        rows = [row for row in _rows_at(layer.data, index) if layer.features["name"].iat[row] == name]
        return int(rows[0]) if rows else None

    def _go_to(self, index: Index, review: Review, action: Any) -> Index:
        self._reviews[index] = self.review(index).back_to(review, action, who=self.who)
        self._publish(index)
        self._write(index, self._reviews[index])
        self.changed.emit(index)
        return index

    def _remember(self, index: Index, review: Review) -> bool:
        before = self.review(index)
        if review is before:
            return False
        self._past.append(_Step(index, before, review))
        self._future.clear()
        self._reviews[index] = review
        self._publish(index)
        return True

    def _publish(self, index: Index) -> None:
        """Leave the review where `landmarks_from_layer` and the writers find it."""
        layer = self._layer()
        if layer is not None:
            layer.metadata[METADATA_KEY].setdefault("reviews", {})[index] = self._reviews[index].to_dict()

    # From the layer

    def _on_data(self, event: Any) -> None:
        """Take up what napari says that was done to which rows."""
        layer, action = self._layer(), str(event.action)
        if layer is None or self._at_work or action not in ("changed", "added", "removed"):
            return
        if action == "changed":
            rows = [int(row) for row in event.data_indices]
            indices = {_index_of(layer.data[row]) for row in rows}
        elif action == "added":
            rows = [int(row) % len(layer.data) for row in event.data_indices]
            indices = {_index_of(layer.data[row]) for row in rows}
        else:
            rows, indices = [], self._poorer(layer)
        self._at_work = True
        try:
            for index in indices:
                if action == "added":
                    self._take_added(layer, index, [row for row in rows if _index_of(layer.data[row]) == index])
                else:
                    self._take_changed(layer, index)
        finally:
            self._at_work = False

    def _poorer(self, layer: Points) -> set[Index]:
        """The radiographs that have fewer points in the layer than by their review."""
        found, counts = np.unique(np.rint(layer.data[:, :-2]).astype(np.intp), axis=0, return_counts=True)
        count = {tuple(index): number for index, number in zip(found.tolist(), counts.tolist(), strict=True)}
        known = dict(zip(self._record.indices, self._record.landmarks, strict=True))
        known |= {index: review.landmarks for index, review in self._reviews.items()}
        return {index for index, item in known.items() if item.present.sum() > count.get(index, 0)}

    def _take_changed(self, layer: Points, index: Index) -> None:
        before = self.review(index)
        rows = _rows_at(layer.data, index)
        record = LandmarkRecord((before.landmarks,), (index,))
        try:
            now = landmarks_from_layer(
                layer.data[rows], layer.features.iloc[rows], record.to_metadata(), name=str(layer.name)
            )
        except AnnotationError as error:
            _warn(str(error))
            return
        if self._remember(index, before.changed_to(now.landmarks[0], who=self.who)):
            self._write(index, self.review(index))
            self.changed.emit(index)

    def _take_added(self, layer: Points, index: Index, rows: Iterable[int]) -> None:
        before = review = self.review(index)
        scheme = self._record.scheme
        features = layer.features.copy()
        for row in rows:
            wanted = None if self.target is None else scheme.index(self.target)
            free = [k for k in range(len(scheme)) if not review.landmarks.present[k]]
            k = wanted if wanted in free else next(iter(review.missing or free), None)
            features.loc[row, "name"] = "" if k is None else scheme.names[k]
            if k is None:
                _warn(
                    f"All {len(scheme)} landmarks are placed already, so the new point was taken away again. Drag a "
                    "point to move it, or delete it first to place it anew."
                )
            else:
                review = review.moved(k, layer.data[row, -2:], who=self.who)
        layer.features = features
        changed = self._remember(index, review)
        self._write(index, review)
        if changed or review is not before:
            self.changed.emit(index)

    # Into the layer

    def _write(self, index: Index, review: Review) -> None:
        """Make the rows of one radiograph what its review says, leaving the order of rows and the selection."""
        layer = self._layer()
        if layer is None:
            return
        import pandas as pd

        points, features = rows_of(review.landmarks, index)
        wanted = {name: row for row, name in enumerate(features["name"])}
        names = layer.features["name"].tolist()
        here = set(_rows_at(layer.data, index).tolist())
        keep, source = [], []  # rows of the layer, and rows of the review (-1: another radiograph's)
        for row, name in enumerate(names):
            if row not in here:
                keep.append(row)
                source.append(-1)
            elif name in wanted:
                keep.append(row)
                source.append(wanted.pop(name))
        added = list(wanted.values())
        data, table = layer.data[keep], layer.features.iloc[keep].reset_index(drop=True)
        own = [place for place, row in enumerate(source) if row >= 0]
        data[own] = points[[source[place] for place in own]]
        for column in features:
            values = table[column].to_numpy(copy=True) if column in table else np.full(len(table), None, object)
            values[own] = features[column].to_numpy()[[source[place] for place in own]]
            table[column] = values
        table = pd.concat([table, features.iloc[added]], ignore_index=True) if added else table
        data = np.concatenate([data, points[added]])
        selected = {names[row] for row in layer.selected_data if row in here}
        busy, self._at_work = self._at_work, True
        try:
            if len(data) != len(layer.data):
                layer.selected_data = set()
            if not np.array_equal(data, layer.data):  # after a drag it is there already, and setting it takes a while
                layer.data = data
            layer.features = table
            looks = row_looks(data, table, self._record.image_shape, load_settings())
            looks["text"]["visible"] = layer.text.visible  # labels may have been hidden by the user
            for attribute, value in looks.items():
                setattr(layer, attribute, value)
            own_metadata = layer.metadata[METADATA_KEY]
            own_metadata["absent"] = absent_names(data, table["name"].tolist(), self._record)
            rows = {row for row in _rows_at(data, index).tolist() if table["name"].iat[row] in selected}
            if rows and set(layer.selected_data) != rows:
                layer.selected_data = rows
        finally:
            self._at_work = busy

    def _on_selection(self, *_: object) -> None:
        """Show the heatmap of the selected point, or the maximum over all when none or several are selected."""
        layer, heatmaps = self._layer(), self.heatmaps
        if layer is None or heatmaps is None:
            return
        maps = heatmaps.metadata[METADATA_KEY]["maps"]
        selected = list(layer.selected_data)
        name = str(layer.features["name"].iat[selected[0]]) if len(selected) == 1 else ""
        known = name in self._record.scheme.names
        heatmaps.data = maps[..., self._record.scheme.index(name), :, :] if known else maps.max(axis=-3)


def _index_of(row: NDArray[np.float64]) -> Index:
    return tuple(int(i) for i in np.rint(row[:-2]))


def _rows_at(data: NDArray[np.float64], index: Index) -> NDArray[np.intp]:
    """Rows of the points that are on one radiograph of the stack."""
    return np.flatnonzero((np.rint(data[:, :-2]) == np.array(index, np.float64)).all(axis=1))


def _refuse_to_paste(_layer: Points) -> None:
    _warn("Landmarks are not pasted: each is on a radiograph but once. Move the point that is there.")


def _warn(text: str) -> None:
    from napari_farnet.notices import tell_warning

    tell_warning(text)
