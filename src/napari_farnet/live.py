"""What follows a layer of points while a point is still being dragged.

napari says that points changed when the mouse button is let go. Measurements and errors that should move with the point
need to hear of every step in between: napari 0.9 tells of each that the features changed, and a mouse callback looks
at the points for the versions that do not.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.layers import Points

__all__ = ["follow_points"]


def follow_points(layer: Points, moved: Callable[[], None]) -> Callable[[], None]:
    """Call `moved` whenever points were moved, added, removed or named, and after each step of a drag.

    When it is called, those who heard of the change before (the session that names a new point) are done with it.

    Args:
        layer: The layer; it is not kept alive.
        moved: Called without arguments; it must be quick, since a drag waits for it.

    Returns:
        What ends it, also in the middle of a drag; calling it twice is harmless.
    """
    layer = getattr(layer, "__wrapped__", layer)  # napari hands plugins proxies, which refuse a callback list's changes
    followed = weakref.ref(layer)
    following = True
    told = layer.data.copy()

    def tell() -> None:
        nonlocal told
        here = followed()
        if following and here is not None:
            told = here.data.copy()  # a drag changes the array in place
            moved()

    def on_data(event: Any) -> None:
        if str(event.action) in ("changed", "added", "removed"):
            tell()

    def on_features(_event: Any) -> None:
        tell()

    def on_drag(dragged: Points, event: Any) -> Iterator[None]:
        yield
        while following and event.type == "mouse_move":
            if not np.array_equal(dragged.data, told, equal_nan=True):
                tell()
            yield

    # Last, so that the session has named an added point before anybody asks which landmark it is.
    layer.events.data.connect(on_data, position="last")
    layer.events.features.connect(on_features, position="last")
    layer.mouse_drag_callbacks.append(on_drag)

    def stop() -> None:
        nonlocal following
        here = followed()
        if following and here is not None:
            here.events.data.disconnect(on_data)
            here.events.features.disconnect(on_features)
            here.mouse_drag_callbacks.remove(on_drag)
        following = False

    return stop
