"""A box that lists layers of a viewer and stays true to it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QComboBox

from napari_farnet.ui.widgets import fill

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Layer

__all__ = ["LayerChoice", "layer_id"]


class LayerChoice(QComboBox):
    """Chooses a layer; layers that come, go or get another name are followed, and the choice stays with its layer.

    Args:
        viewer: Whose layers.
        refusal: Why a layer cannot be chosen; an empty text where it can.
        tooltip: What is chosen here.
        none: What the first entry says that stands for no layer; an empty text for no such entry.
        follow: Whether the layer that becomes active in the layer list is chosen, where it can be.
    """

    changed = Signal()
    """Another layer is chosen, or none any more."""

    def __init__(
        self,
        viewer: ViewerModel,
        refusal: Callable[[Layer], str],
        tooltip: str,
        *,
        none: str = "",
        follow: bool = False,
    ) -> None:
        super().__init__()
        self._viewer, self._refusal, self._none = viewer, refusal, none
        self.setToolTip(tooltip)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        connections: list[tuple[Any, Callable[..., None]]] = [
            (viewer.layers.events.inserted, self.refresh),
            (viewer.layers.events.removed, self.refresh),
            (viewer.layers.events.renamed, self.refresh),
            (viewer.layers.events.reordered, self.refresh),
        ]
        if follow:
            connections.append((viewer.layers.selection.events.active, self._on_active))
        for event, slot in connections:
            event.connect(slot)
        self.destroyed.connect(partial(_disconnect, connections))
        self.currentIndexChanged.connect(self._tell)
        self._told = ""
        self.refresh()
        if follow and viewer.layers.selection.active is not None:
            self.choose(viewer.layers.selection.active)

    def layer(self) -> Layer | None:
        """The chosen layer; None where none is chosen."""
        wanted = self.currentData()
        return next((layer for layer in self._viewer.layers if wanted and layer_id(layer) == wanted), None)

    def choose(self, layer: Layer | None) -> None:
        """Choose a layer if it can be chosen, or none if that can be."""
        place = self.findData(layer_id(layer))
        if place >= 0:
            self.setCurrentIndex(place)

    def refresh(self, _event: object = None) -> None:
        """List the layers anew; for a change that napari does not tell, such as metadata that was filled in."""
        layers = [layer for layer in self._viewer.layers if not self._refusal(layer)]
        items = [(str(layer.name), layer_id(layer)) for layer in reversed(layers)]
        fill(self, [(self._none, "")] * bool(self._none) + items, self.currentData())
        self._tell()

    def _on_active(self, event: Any) -> None:
        if event.value is not None and self.isEnabled():
            self.choose(event.value)

    def _tell(self, _index: object = None) -> None:
        chosen = self.currentData() or ""
        if chosen != self._told:
            self._told = chosen
            self.changed.emit()


def layer_id(layer: Layer | None) -> str:
    """What tells a layer from every other, also when napari hands out a proxy of it; empty for no layer."""
    return "" if layer is None else str(layer.unique_id)


def _disconnect(connections: list[tuple[Any, Callable[..., None]]], _box: object = None) -> None:
    for event, slot in connections:
        event.disconnect(slot)
