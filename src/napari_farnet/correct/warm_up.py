"""What napari imports for its first layer, fetched while the user still looks for a folder.

The first picture would wait for it: scipy's image functions draw thumbnails, pint knows the units of scales, and napari
finds out what can be set.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

if TYPE_CHECKING:
    from qtpy.QtCore import QObject

__all__ = ["warm_up"]

_AFTER_MS = 200  # the dock is drawn first


def warm_up(parent: QObject) -> None:
    """Begin soon; it is forgotten if `parent` goes before."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.timeout.connect(_begin)
    timer.start(_AFTER_MS)


def _begin() -> None:
    import pint

    from napari_farnet.settings import load_settings

    load_settings()  # the first time, napari reads the manifests of all plugins for it
    # Asking for a unit builds napari's registry, which is not safe in two threads, so it happens in this one.
    pint.application_registry.Unit("millimeter")
    threading.Thread(target=_import, name="farnet-warm-up", daemon=True).start()


def _import() -> None:
    import pandas  # noqa: F401
    import scipy.ndimage  # noqa: F401

    import farnet.formats  # noqa: F401
