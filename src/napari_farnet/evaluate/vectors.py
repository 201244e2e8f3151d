"""Error vectors: a layer of arrows from where a landmark should be to where it is, coloured by their length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Vectors
    from numpy.typing import NDArray

    from farnet.spacing import Spacing
    from napari_farnet.placement import Placement
    from napari_farnet.record import Index

__all__ = ["ErrorVectors"]

_NAME = "error vectors"
_WIDTH = 0.003  # of the radiograph's height
_COLOURS = ("#40d8ff", "#ffe14d", "#ff3b30")  # bright from end to end: a radiograph is dark around the face


class ErrorVectors:
    """The error vectors of one radiograph at a time, in a layer of a viewer.

    Args:
        viewer: Where the layer is; it comes with the first vectors, and again if somebody removed it.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layer: Vectors | None = None

    @property
    def layer(self) -> Vectors | None:
        """The layer, while it is in the viewer."""
        if self._layer is not None and self._layer not in self._viewer.layers:
            self._layer = None
        return self._layer

    def show(
        self,
        references: NDArray[np.float64],
        predictions: NDArray[np.float64],
        *,
        names: Sequence[str],
        index: Index,
        spacing: Spacing | None,
        placement: Placement,
        rows: int,
        limit: float,
    ) -> None:
        """Show the vectors of one radiograph.

        Args:
            references: (K, 2) where the vectors begin; NaN = absent.
            predictions: (K, 2) where they end; NaN = absent.
            names: K names of the landmarks.
            index: Where the radiograph is in the stack.
            spacing: mm per pixel, or None for px.
            placement: How the radiograph lies.
            rows: Height of the radiograph, for the width of the arrows.
            limit: The error whose colour is the last of the range, usually the largest radius.
        """
        data, errors, there = _vectors(references, predictions, index, spacing)
        features = {"landmark": np.array(names, object)[there], "error": errors}
        layer = self.layer
        if layer is not None and layer.ndim != data.shape[-1]:
            self.remove()
            layer = None
        if layer is None:
            from napari.layers import Vectors as VectorsLayer
            from napari.utils import Colormap

            # A range is needed at once, and there may be no vector yet.
            layer = VectorsLayer(
                data,
                ndim=data.shape[-1],
                name=_NAME,
                vector_style="arrow",
                edge_width=max(1.0, _WIDTH * rows),
                features=features,
                edge_colormap=Colormap(list(_COLOURS), name="error"),
                opacity=0.9,
                **placement.keywords(),
            )
            active = self._viewer.layers.selection.active
            self._viewer.add_layer(layer)
            if active is not None:  # the points stay what is worked on
                self._viewer.layers.selection.active = getattr(active, "__wrapped__", active)
            self._layer = layer
        else:
            layer.data = data
            layer.features = features
        for name, value in placement.keywords().items():
            if name in ("scale", "translate") and not np.allclose(getattr(layer, name), value):
                setattr(layer, name, value)
        if len(data):
            if layer.edge_color_mode != "colormap":
                layer.edge_color = "error"
            layer.edge_contrast_limits = (0.0, limit)
            layer.refresh_colors()

    def move(
        self, references: NDArray[np.float64], predictions: NDArray[np.float64], index: Index, spacing: Spacing | None
    ) -> None:
        """Let the vectors follow points that are being dragged; the same landmarks as were shown before."""
        layer = self.layer
        if layer is None:
            return
        data, errors, _ = _vectors(references, predictions, index, spacing)
        if data.shape != layer.data.shape:
            return
        layer.data = data
        if len(data):
            layer.features["error"] = errors
            layer.refresh_colors()

    def remove(self) -> None:
        """Take the layer out of the viewer."""
        layer = self.layer
        if layer is not None:
            self._viewer.layers.remove(layer)
        self._layer = None


def _vectors(
    references: NDArray[np.float64], predictions: NDArray[np.float64], index: Index, spacing: Spacing | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """(M, 2, n) vectors of the M landmarks that both have, their (M,) errors, and (K,) which they are."""
    there = ~np.isnan(references[:, 0]) & ~np.isnan(predictions[:, 0])
    start, step = references[there], predictions[there] - references[there]
    data = np.zeros((len(start), 2, len(index) + 2))
    data[:, 0, : len(index)] = index
    data[:, 0, -2:], data[:, 1, -2:] = start, step
    scaled = step * (spacing or (1.0, 1.0))
    return data, np.hypot(scaled[:, 0], scaled[:, 1]), there
