"""What follows a layer of points while a point is still being dragged.

napari says that points changed when the mouse button is let go. Measurements and errors that should move with the point
need to hear of every step in between, which a mouse callback of the layer does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.layers import Points

__all__ = ["follow_points"]


def follow_points(layer: Points, moved: Callable[[], None]) -> Callable[[], None]:
    """Call `moved` whenever points were moved, added or removed, and at each step of a drag.

    Args:
        layer: The layer; it is not kept alive longer than `moved` keeps it.
        moved: Called without arguments; it must be quick, since a drag waits for it.

    Returns:
        What ends it, also in the midst of a drag; calling it twice is harmless.
    """
    layer = getattr(layer, "__wrapped__", layer)  # napari hands plugins proxies, which refuse a callback list's changes
    ended = False

    def on_data(event: Any) -> None:
        if str(event.action) in ("changed", "added", "removed"):
            moved()

    def on_drag(_layer: Points, event: Any) -> Iterator[None]:
        yield
        while event.type == "mouse_move" and not ended:
            moved()
            yield

    layer.events.data.connect(on_data)
    layer.mouse_drag_callbacks.append(on_drag)

    def stop() -> None:
        nonlocal ended
        ended = True  # a drag that is under way goes on without the callback being looked up again
        if on_drag in layer.mouse_drag_callbacks:
            layer.events.data.disconnect(on_data)
            layer.mouse_drag_callbacks.remove(on_drag)

    return stop
