"""Tells every dock of this napari that there are other models than before."""

from __future__ import annotations

from psygnal import Signal

__all__ = ["ModelEvents", "model_events"]


class ModelEvents:
    """What happens to models."""

    changed = Signal()
    """A model came into the user's folder, or went."""


model_events = ModelEvents()
"""The one that all docks listen to."""
