"""The keys of the dock "Correct landmarks": one table that binds them, lists them and labels the buttons.

napari's own keys for points (1 to 5, A, P, S, Z, V, Delete, the arrows) are left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari.layers import Points

__all__ = ["SHORTCUTS", "Shortcut", "bind_keys", "key_of", "unbind_keys"]


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A key and what it does.

    Attributes:
        action: What it is called in code.
        key: As napari writes it.
        shown: As people write it.
        text: What it does.
    """

    action: str
    key: str
    shown: str
    text: str


SHORTCUTS = (
    Shortcut("next", "N", "N", "go to the least certain landmark that is not reviewed"),
    Shortcut("back", "B", "B", "go back to the landmark looked at before"),
    Shortcut("accept", "Y", "Y", "accept the landmark as it is, and go on"),
    Shortcut("absent", "X", "X", "mark the landmark as absent from the radiograph, and go on"),
    Shortcut("place", "M", "M", "place the missing landmarks by clicks, one after another"),
    Shortcut("snap", "K", "K", "move the point to the nearest peak of its heatmap"),
    Shortcut("reopen", "O", "O", "put the landmark back among those to be reviewed"),
    Shortcut("undo", "Control-Z", "Ctrl+Z", "undo"),
    Shortcut("redo", "Control-Shift-Z", "Ctrl+Shift+Z", "redo"),
    Shortcut("next_radiograph", "PageDown", "Page Down", "next radiograph"),
    Shortcut("previous_radiograph", "PageUp", "Page Up", "previous radiograph"),
)


def key_of(action: str) -> str:
    """The key of an action, as people write it."""
    return next(item.shown for item in SHORTCUTS if item.action == action)


def bind_keys(layer: Points, actions: Mapping[str, Callable[[], object]]) -> None:
    """Bind the keys on a layer: it hears them before the viewer does, while it is the active one."""
    for item in SHORTCUTS:
        layer.bind_key(item.key, _call(actions[item.action]), overwrite=True)


def unbind_keys(layer: Points) -> None:
    """Take the keys back."""
    for item in SHORTCUTS:
        layer.bind_key(item.key, None, overwrite=True)


def _call(action: Callable[[], object]) -> Callable[[Any], None]:
    def pressed(_layer: Any) -> None:
        action()

    return pressed
