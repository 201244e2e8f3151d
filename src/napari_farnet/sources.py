"""From an Image layer to the radiographs in it.

The last two axes of a layer are rows and columns (before the channels of a colour image); every axis before them counts
radiographs of a stack. Pixels are fetched when they are needed, one radiograph at a time, so that lazy arrays are
computed off the GUI thread and a large stack is never in memory twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import InvalidInputError
from napari_farnet.placement import Placement
from napari_farnet.record import METADATA_KEY, Index, kind_of

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Layer

    from farnet.identity import RadiographId
    from farnet.radiograph import Radiograph
    from farnet.spacing import Spacing

__all__ = ["RadiographSource", "current_index", "refusal", "units_ratio"]

_HASHED_BYTES = 2**28  # of a layer, which take about half a second


@dataclass(frozen=True)
class RadiographSource:
    """The radiographs of one Image layer, as the layer was when detection began.

    Attributes:
        data: Array-like (l1, ..., lm, rows, columns), with channels behind them in a colour image.
        stack: (l1, ..., lm); () for a single radiograph.
        rgb: Whether the last axis holds colours.
        name: Name of the layer.
        spacing: (row, column) in mm per pixel, or None where it is unknown.
        spacing_source: Where the spacing is from.
        path: The file of a single radiograph, or None.
        sha256: SHA-256 of that file, or None where it is not known yet.
    """

    data: Any
    stack: Index
    rgb: bool
    name: str
    spacing: Spacing | None
    spacing_source: str | None
    path: Path | None
    sha256: str | None

    @classmethod
    def of(cls, layer: Layer) -> RadiographSource:
        """Take down what is needed to read the radiographs of a layer later, in another thread.

        The spacing is that of the layer where its units are lengths, else what this plugin's reader left in the
        metadata, else unknown: a scale in "pixel" says nothing about the patient.

        Raises:
            InvalidInputError: If the layer holds no radiographs (see `refusal`).
        """
        reason = refusal(layer)
        if reason:
            raise InvalidInputError(reason)
        data = layer.data[0] if layer.multiscale else layer.data
        rgb = bool(layer.rgb)
        stack = tuple(int(size) for size in np.shape(data)[: layer.ndim - 2])
        own = layer.metadata.get(METADATA_KEY) if kind_of(layer.metadata) == "radiograph" else None
        spacing, spacing_source = Placement.of(layer).spacing(), "layer scale"
        if own is not None and own["spacing"] is not None and (spacing is None or _alike(spacing, own["spacing"])):
            spacing, spacing_source = own["spacing"], own["spacing_source"]
        file = layer.source.path if own is None else own["path"]
        path = Path(file) if file and not stack and Path(file).is_file() else None
        return cls(
            data=data,
            stack=stack,
            rgb=rgb,
            name=str(layer.name),
            spacing=spacing,
            spacing_source=None if spacing is None else spacing_source,
            path=path,
            sha256=own["sha256"] if own is not None and path is not None else None,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of each radiograph."""
        rows, columns = np.shape(self.data)[len(self.stack) :][:2]
        return int(rows), int(columns)

    @property
    def indices(self) -> tuple[Index, ...]:
        """Where each radiograph is in the stack, in order."""
        return tuple(product(*map(range, self.stack)))

    def label(self, index: Index) -> str:
        """What one radiograph of the stack is called."""
        return f"{self.name} [{', '.join(map(str, index))}]" if index else self.name

    def read(self, index: Index) -> Radiograph:
        """Fetch the pixels of one radiograph.

        Raises:
            RadiographError: If they are no radiograph: too small, constant, NaN, ...
        """
        from farnet.radiograph import Radiograph

        radiograph = Radiograph.from_array(np.asarray(self.data[index]), spacing=self.spacing, name=self.label(index))
        return replace(radiograph, spacing_source=self.spacing_source, path=self.path, sha256=self._sha256())

    def identities(self, count: int | None = None) -> list[RadiographId]:
        """Tell which radiographs they are: all, or the first `count`, in the order of `indices`.

        Pixels are hashed, some milliseconds for each, unless they are not in memory or too many: then a name and a
        shape are all that is known.
        """
        from farnet.errors import RadiographError
        from farnet.identity import RadiographId

        found = []
        at_hand = isinstance(self.data, np.ndarray) and self.data.nbytes <= _HASHED_BYTES
        for index in self.indices[:count]:
            try:
                known = RadiographId.of(self.read(index)) if at_hand else None
            except RadiographError:
                known = None  # it may be looked at all the same
            found.append(known or RadiographId(self.label(index), self._sha256(), None, self.shape))
        return found

    def _sha256(self) -> str | None:
        if self.sha256 is not None or self.path is None:
            return self.sha256
        import hashlib

        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return None  # moved or locked since it was opened: the pixels are here all the same


def refusal(layer: Layer) -> str:
    """Say why a layer holds no radiographs, and what to do; an empty text where it does."""
    kind = layer.__class__.__name__
    if kind == "Labels":
        return (
            f"{layer.name!r} is a labels layer: its values number regions and are no grey values. Choose an image "
            "layer; if it is an image, right-click the layer and convert it to Image."
        )
    if kind != "Image":
        return f"{layer.name!r} is a {kind.lower()} layer. Choose an image layer: landmarks are found in pixels."
    if kind_of(layer.metadata) == "heatmaps":
        return f"{layer.name!r} holds heatmaps of landmarks. Choose the radiograph that they were made of."
    if kind_of(layer.metadata) == "preview":
        return f"{layer.name!r} shows how a training goes. Choose the radiograph itself."
    return ""


def current_index(layer: Layer, dims: Dims) -> Index:
    """Find the radiograph of a stack that the viewer shows; () where the layer, an image or points, is no stack.

    Raises:
        InvalidInputError: If the viewer shows a cut across the radiographs.
    """
    leading = layer.ndim - 2
    if not leading:
        return ()
    shown = {axis - (dims.ndim - layer.ndim) for axis in dims.displayed[-2:]}
    if dims.ndisplay == 2 and shown != {leading, leading + 1}:
        raise InvalidInputError(
            f"The viewer shows a cut across the radiographs of {layer.name!r}, whose rows and columns are its last two "
            "axes. Press Ctrl+E until they are shown, or choose all slices."
        )
    point = [value * units_ratio(dims, layer, axis) for axis, value in enumerate(dims.point)]
    place = np.rint(layer.world_to_data(point)[:leading])
    if layer.__class__.__name__ != "Image":
        return tuple(int(i) for i in place)  # points may be anywhere: there is no last one
    stack = np.shape(layer.data[0] if layer.multiscale else layer.data)[:leading]
    return tuple(int(np.clip(i, 0, size - 1)) for i, size in zip(place, stack, strict=True))


def units_ratio(dims: Dims, layer: Layer, axis: int) -> float:
    """Units of the layer in one unit of the viewer, along an axis of the viewer."""
    own_axis = axis - (dims.ndim - layer.ndim)
    if dims.units is None or own_axis < 0:
        return 1.0
    return float((1.0 * dims.units[axis]).to(layer.units[own_axis]).magnitude)


def _alike(one: Spacing, other: Spacing) -> bool:
    return all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(one, other, strict=True))
