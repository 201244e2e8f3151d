"""What the network finds on radiographs held out, in layers of the viewer that are renewed with every epoch.

The radiographs are shown as the network sees them, side by side and to the right of what is in the viewer already: they
are no stack, so that all of them are seen whichever radiograph of the user's own stack is. Whoever removes one of the
layers has it removed for the rest of the training; the layers, the selection and the view of the user stay.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_farnet.record import METADATA_KEY

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer
    from numpy.typing import NDArray

    from farnet.training.progress import Preview

__all__ = ["PreviewLayers"]

_GAP = 0.05  # of the width of a radiograph: between two of them, and to what is in the viewer
_PREDICTED, _REFERENCE, _ERROR = "#e07b28", "#3bb0d4", "#f2d544"
_PARTS = ("radiographs", "heatmaps", "true", "found", "errors")


class PreviewLayers:
    """The layers of one training in one viewer.

    Args:
        viewer: The viewer.
        name: Name of the model, with which the names of the layers begin.
    """

    def __init__(self, viewer: ViewerModel, name: str) -> None:
        self._viewer, self.name = viewer, name
        self._layers: dict[str, Layer] = {}
        self._began = False

    @property
    def layers(self) -> dict[str, Layer]:
        """Those that are in the viewer, by what they show: radiographs, heatmaps, true, found, errors."""
        return {part: layer for part, layer in self._layers.items() if layer in self._viewer.layers}

    def show(self, preview: Preview) -> None:
        """Show a preview: add the layers the first time, renew what is still there later."""
        parts = _parts(preview)
        if not self._began:
            self._began = True
            self._add(preview, parts)
            return
        for part, layer in self.layers.items():
            if part not in parts:
                continue
            data, own = parts[part]
            layer.data = data
            if "features" in own:
                layer.features = own["features"]
            layer.refresh()

    def remove(self) -> None:
        """Take the layers out of the viewer."""
        for layer in self.layers.values():
            self._viewer.layers.remove(layer)
        self._layers.clear()
        self._began = False

    def _add(self, preview: Preview, parts: dict[str, tuple[Any, dict[str, Any]]]) -> None:
        from napari.layers import Layer as AnyLayer

        viewer = self._viewer
        selected, active = set(viewer.layers.selection), viewer.layers.selection.active
        view = None
        if len(viewer.layers):
            view = (tuple(viewer.scene.camera.center), float(viewer.scene.camera.zoom), tuple(viewer.dims.point))
        placement = _placement(viewer, preview)
        for part in _PARTS:
            if part not in parts:
                continue
            data, own = parts[part]
            keywords = {**placement[part == "heatmaps"], **_looks(part), **own}
            keywords["name"] = f"{self.name}: {part}"
            keywords["metadata"] = {METADATA_KEY: {"kind": "preview"}}
            kind = {"true": "points", "found": "points", "errors": "vectors"}.get(part, "image")
            layer = AnyLayer.create(data, keywords, kind)
            self._layers[part] = layer
            viewer.layers.append(layer)
        viewer.layers.selection.clear()
        if selected:
            viewer.layers.selection.update(selected)
            viewer.layers.selection.active = active
        if view is not None:
            viewer.scene.camera.center, viewer.scene.camera.zoom = view[0], view[1]
            for axis, value in enumerate(reversed(view[2])):
                viewer.dims.set_point(viewer.dims.ndim - 1 - axis, value)


def _looks(part: str) -> dict[str, Any]:
    points = {"size": 5.0, "border_width": 0.0}
    looks: dict[str, dict[str, Any]] = {
        "radiographs": {"colormap": "gray", "contrast_limits": (0, 255)},
        "heatmaps": {
            "colormap": "bop blue",
            "blending": "additive",
            "opacity": 0.7,
            "contrast_limits": (0.0, 1.0),
        },
        "true": {**points, "symbol": "cross", "face_color": _REFERENCE},
        "found": {**points, "symbol": "disc", "face_color": _PREDICTED},
        "errors": {"edge_color": _ERROR, "edge_width": 0.6, "vector_style": "line"},
    }
    return looks[part]


class _Sheet:
    """How radiographs of one size lie side by side, in rows, with a gap between them.

    Args:
        preview: The radiographs, and their heatmaps, which are smaller by a whole number.
    """

    def __init__(self, preview: Preview) -> None:
        self.count = len(preview.names)
        self.columns = math.ceil(math.sqrt(self.count))
        self.rows = math.ceil(self.count / self.columns)
        self.size = np.array(preview.images.shape[-2:])
        self.ratio = np.ones(2)
        if preview.heatmaps is not None:
            self.ratio = self.size / np.array(preview.heatmaps.shape[-2:])
        gap = _GAP * self.size[1] // self.ratio[0]  # in pixels of the heatmaps, so that both sheets lie alike
        self.gap = int(gap * self.ratio[0]) if (self.ratio == self.ratio[0]).all() and self.ratio[0] % 1 == 0 else 0

    def place(self, number: int) -> NDArray[np.float64]:
        """Row and column, in pixels of the sheet, of the first pixel of a radiograph."""
        place: NDArray[np.float64] = np.array(divmod(number, self.columns)) * (self.size + self.gap)
        return place.astype(np.float64)

    def laid_out(self, pictures: NDArray[Any]) -> NDArray[Any]:
        """One picture of several, (N, H, W): radiographs or heatmaps."""
        shrunk = np.array(pictures.shape[-2:]) / self.size
        whole = np.array((self.rows, self.columns)) * (self.size + self.gap) - self.gap
        sheet = np.zeros(np.rint(whole * shrunk).astype(int), pictures.dtype)
        for number, picture in enumerate(pictures):
            row, column = np.rint(self.place(number) * shrunk).astype(int)
            sheet[row : row + picture.shape[0], column : column + picture.shape[1]] = picture
        return sheet


def _parts(preview: Preview) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Data and keywords of each layer."""
    import pandas as pd

    sheet = _Sheet(preview)
    unit = "mm" if preview.in_mm.all() else "px"
    errors = preview.errors

    def table(places: NDArray[np.int64]) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "radiograph": [preview.names[n] for n, _ in places],
                "name": [preview.landmarks[k] for _, k in places],
                f"error_{unit}": [float(errors[n, k]) for n, k in places],
            }
        )

    def rows(points: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.float64]:
        shifts = [sheet.place(n) for n, _ in places]
        chosen: NDArray[np.float64] = points[places[:, 0], places[:, 1]] + np.reshape(shifts, (-1, 2))
        return chosen

    true = np.argwhere(np.isfinite(preview.references).all(-1))
    found = np.argwhere(np.isfinite(preview.points).all(-1))
    both = np.argwhere(np.isfinite(errors))
    start = rows(preview.references, both)
    step = rows(preview.points, both) - start
    parts: dict[str, tuple[Any, dict[str, Any]]] = {
        "radiographs": (sheet.laid_out(preview.images), {}),
        "true": (rows(preview.references, true), {"features": table(true)}),
        "found": (rows(preview.points, found), {"features": table(found)}),
        "errors": (np.stack([start, step], axis=1), {"features": table(both)}),
    }
    if preview.heatmaps is not None:
        parts["heatmaps"] = (sheet.laid_out(preview.heatmaps.astype(np.float32)), {})
    return parts


def _placement(viewer: ViewerModel, preview: Preview) -> tuple[dict[str, Any], dict[str, Any]]:
    """Where the radiographs and where the heatmaps lie: to the right of what is in the viewer, in its unit.

    The sizes of the pixels of all radiographs are one where they differ by less than a thousandth; else a pixel is a
    unit of the viewer, and the errors in the table are in mm all the same.
    """
    units = _unit_of(viewer)
    same = bool(np.allclose(preview.units, preview.units[0], rtol=1e-3)) and bool(preview.in_mm.all())
    in_mm = same and units != "pixel"
    pixel = np.asarray(preview.units[0] if in_mm else (1.0, 1.0))
    offset = np.zeros(2)
    if len(viewer.layers):
        low, high = np.asarray(viewer.layers.extent.world)[:, -2:]
        offset = np.array([low[0], high[1] + _GAP * preview.images.shape[-1] * pixel[1]])
    unit = "millimeter" if in_mm else "pixel"
    ratio = _Sheet(preview).ratio
    shift = (ratio - 1.0) / 2.0 * pixel  # centre of the first heatmap pixel
    radiographs = {"units": (unit, unit), "scale": tuple(pixel), "translate": tuple(offset)}
    heatmaps = {"units": (unit, unit), "scale": tuple(pixel * ratio), "translate": tuple(offset + shift)}
    return radiographs, heatmaps


def _unit_of(viewer: ViewerModel) -> str:
    """The unit of the layers in the viewer: a length, or "pixel"; empty where there is none."""
    for layer in viewer.layers:
        return "pixel" if str(layer.units[-1]) == "pixel" else "length"
    return ""
