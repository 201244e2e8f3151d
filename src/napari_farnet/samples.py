"""The samples under File > Open Sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_farnet.layers import LayerData

__all__ = ["average_cephalogram", "eight_cephalograms", "eight_cephalograms_observers"]

_EIGHT = "Eight cephalograms"
_COLOURS = ("#33c9ff", "#ffc20a")  # of the observers; apart for every kind of colour vision, and on every grey


def average_cephalogram() -> list[LayerData]:
    """Open the average cephalogram: a lateral cephalogram that is no person's, made of many."""
    from farnet.samples import average_cephalogram as load
    from napari_farnet.layers import radiograph_layer
    from napari_farnet.placement import Placement

    radiograph, _ = load()
    data, keywords, kind = radiograph_layer([radiograph], Placement.from_spacing(radiograph.spacing))
    return [(data, keywords | {"name": "Average cephalogram"}, kind)]


def eight_cephalograms() -> list[LayerData]:
    """Open a stack of eight synthetic cephalograms: the average one, warped to eight drawn shapes."""
    from farnet.samples import synthetic_cephalograms
    from napari_farnet.layers import radiograph_layer
    from napari_farnet.placement import Placement

    radiographs = [radiograph for radiograph, _ in synthetic_cephalograms()]
    placement = Placement.from_spacing(radiographs[0].spacing).stacked()
    data, keywords, kind = radiograph_layer(radiographs, placement)
    return [(data, keywords | {"name": _EIGHT}, kind)]


def eight_cephalograms_observers() -> list[LayerData]:
    """Open the same stack with the landmarks of two made-up observers, each a layer of points."""
    from farnet.samples import noisy_observers, synthetic_cephalograms
    from napari_farnet.layers import landmarks_layer
    from napari_farnet.placement import Placement
    from napari_farnet.settings import load_settings

    truth = [landmarks for _, landmarks in synthetic_cephalograms()]
    placement, settings = Placement.from_spacing(truth[0].spacing).stacked(), load_settings()
    indices = [(i,) for i in range(len(truth))]
    layers = []
    for placed, colour in zip(noisy_observers(truth), _COLOURS, strict=True):
        name = f"{_EIGHT} {placed[0].source}"
        data, keywords, kind = landmarks_layer(placed, indices, placement, name=name, settings=settings)
        text = keywords["text"] | {"color": colour}
        layers.append((data, keywords | {"face_color": colour, "text": text}, kind))
    return [*eight_cephalograms(), *layers]
