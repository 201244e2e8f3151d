"""The user's preferences, from napari's own dialog (Preferences > FARNet), or the defaults where napari has none.

The manifest (`contributions.configurations`) says what each preference means and which values it takes; napari 0.9
checks and stores them. An older napari ignores that part of the manifest, and then the defaults below hold; a test
keeps the two lists equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["HeatmapChoice", "LabelChoice", "Settings", "load_settings"]

HeatmapChoice = Literal["none", "combined", "each"]
"""No heatmaps, the maximum over all landmarks, or the heatmap of the selected landmark."""

LabelChoice = Literal["abbreviation", "name", "none"]
"""What is written beside each point."""

_PLUGIN = "napari-farnet"
_CATEGORIES = {
    "detection": ("model", "device", "heatmaps"),
    "display": ("label", "label_size", "point_size"),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user prefers.

    Attributes:
        model: Name of the model offered first.
        device: "auto", "cpu", "cuda" or "mps".
        heatmaps: Which heatmaps are added beside the points.
        label: What is written beside each point.
        label_size: Size of the labels, in points.
        point_size: Diameter of a point, in pixels of the screen.
    """

    model: str = "ceph19-compact"
    device: str = "auto"
    heatmaps: HeatmapChoice = "combined"
    label: LabelChoice = "abbreviation"
    label_size: int = 10
    point_size: int = 12


def load_settings() -> Settings:
    """Read the preferences; the defaults stand in where napari is older than 0.9 or does not know the plugin."""
    try:
        from napari.settings import get_plugin_settings
    except ImportError:
        return Settings()
    try:
        stored: Any = get_plugin_settings(_PLUGIN)
    except KeyError:
        return Settings()
    return Settings(
        **{name: getattr(getattr(stored, category), name) for category, names in _CATEGORIES.items() for name in names}
    )
