"""Labels are hidden while a point is dragged.

napari lays out every label of a layer anew at each step of a drag, which for some dozens of them takes longer than all
else together: without them the point keeps up with the mouse. Nor do they then hide the anatomy that is aimed at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.layers import Points

__all__ = ["hide_labels_while_dragging"]


def hide_labels_while_dragging(layer: Points) -> None:
    """Let the labels of a layer vanish from the first step of a drag until the button is let go."""
    layer.mouse_drag_callbacks.append(_on_drag)


def _on_drag(layer: Points, event: Any) -> Iterator[None]:
    yield
    hidden = False
    try:  # a drag can be given up by napari, without the button being let go
        while event.type == "mouse_move":
            if not hidden and str(layer.mode) == "select" and layer.selected_data and layer.text.visible:
                layer.text.visible = False
                hidden = True
            yield
    finally:
        if hidden:
            layer.text.visible = True
