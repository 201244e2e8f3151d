"""The landmarks of a layer, read again and again while a point is dragged.

Reading a layer of points by the names in its features checks every name and builds a table. While a point is dragged
only positions change, so names and rows are remembered for as long as the layer has the same points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_farnet.points import landmarks_in, name_column
from napari_farnet.sources import RadiographSource

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Layer, Points
    from numpy.typing import NDArray

    from farnet.landmarks import Landmarks
    from farnet.scheme import LandmarkScheme
    from napari_farnet.record import Index

__all__ = ["LandmarkReading"]


class LandmarkReading:
    """Reads the landmarks of one layer.

    Args:
        layer: A layer of points with names.
        image: The radiographs that the points are on, or None; they give spacing and size where the layer has none.

    Raises:
        FarnetError: If the points are no landmarks of one scheme; see `napari_farnet.points.landmarks_in`.
    """

    def __init__(self, layer: Points, image: Layer | None) -> None:
        self._layer, self._image = layer, image
        self._read()

    @property
    def scheme(self) -> LandmarkScheme:
        """The scheme of the landmarks."""
        return self._record.scheme

    @property
    def is_current(self) -> bool:
        """Whether the layer has the same points with the same names; where they are may have changed."""
        data = self._layer.data
        return (
            self._layer.features is self._features
            and len(data) == len(self._slices)
            and np.array_equal(np.rint(data[:, :-2]), self._slices)
        )

    def at(self, index: Index) -> Landmarks | None:
        """The landmarks of one radiograph of the stack as they are now; None where it has none.

        Raises:
            FarnetError: If the points are no landmarks of one scheme any more.
        """
        if not self.is_current:
            self._read()
        data = self._layer.data
        before = self._record.at(index)
        if before is None:
            return None
        points = np.full_like(before.points, np.nan)
        here = (self._slices == np.array(index)).all(axis=1)
        points[self._numbers[here]] = data[here, -2:]
        return before.replace(points=points)

    def _read(self) -> None:
        """Read everything, with all checks."""
        layer = self._layer
        source = None if self._image is None else RadiographSource.of(self._image)
        record = landmarks_in(layer, image=self._image)
        self._record = type(record)(
            tuple(
                item.replace(
                    confidence=None,  # not needed here, and slow to copy at each step
                    covariance=None,
                    region95=None,
                    provenance={key: item.provenance[key] for key in ("outside_picture",) if key in item.provenance},
                    spacing=item.spacing or (None if source is None else source.spacing),
                    image_shape=item.image_shape or (None if source is None else source.shape),
                )
                for item in record.landmarks
            ),
            record.indices,
        )
        self._features: pd.DataFrame = layer.features
        self._slices: NDArray[np.float64] = np.rint(layer.data[:, :-2])
        names = layer.features[name_column(layer)] if len(layer.data) else ()
        self._numbers = np.array([record.scheme.index(str(name)) for name in names], np.intp)
