"""The colours of plots, taken from the theme of the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_farnet.evaluate.plots import Ink

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["ink_of"]

_ON_DARK = ("#6db3f2", "#ff9e64", "#7fd48a", "#c9a0ff", "#f0d060", "#ff8fb8")


def ink_of(viewer: ViewerModel) -> Ink:
    """Colours that can be read on the background of the viewer's theme."""
    from napari.utils.theme import get_theme

    theme = get_theme(str(viewer.theme))
    red, green, blue = theme.background.as_rgb_tuple(alpha=False)
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 128
    return Ink(
        paper=str(theme.background.as_hex("long")),
        text=str(theme.text.as_hex("long")),
        faint="#8a919b" if dark else "#7d7d7d",
        curves=_ON_DARK if dark else Ink().curves,
    )
