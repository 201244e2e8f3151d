"""The sample under File > Open Sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_farnet.layers import LayerData

__all__ = ["average_cephalogram"]


def average_cephalogram() -> list[LayerData]:
    """Open the average cephalogram: a lateral cephalogram that is no person's, made of many."""
    from farnet.samples import average_cephalogram as load
    from napari_farnet.layers import radiograph_layer
    from napari_farnet.placement import Placement

    radiograph, _ = load()
    data, keywords, kind = radiograph_layer([radiograph], Placement.from_spacing(radiograph.spacing))
    return [(data, keywords | {"name": "Average cephalogram"}, kind)]
