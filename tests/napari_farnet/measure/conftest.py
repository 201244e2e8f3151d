"""A viewer with the average cephalogram, its landmarks, and the dock that measures them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication

from farnet.radiograph import Radiograph
from farnet.samples import average_cephalogram

if TYPE_CHECKING:
    from collections.abc import Callable

    from farnet.landmarks import Landmarks
    from farnet.spacing import Spacing

DOCK = "Measure"


@pytest.fixture(scope="session")
def ceph() -> Landmarks:
    """The landmarks of the average cephalogram."""
    return average_cephalogram()[1]


@pytest.fixture
def add_ceph(ceph: Landmarks) -> Callable[..., tuple[Any, Any]]:
    """Adds an empty picture with the landmarks of the average cephalogram; gives (image, points)."""
    from napari_farnet.opening import add_landmarks, add_radiograph

    def add(
        viewer: Any, *, spacing: Spacing | None = (0.2, 0.2), name: str = "skull", **changes: Any
    ) -> tuple[Any, Any]:
        pixels = np.zeros(ceph.image_shape, np.uint8)
        pixels[::50, ::40] = 200
        landmarks = ceph.replace(spacing=spacing, radiograph=name, **changes)
        image = add_radiograph(viewer, Radiograph.from_array(pixels, spacing=spacing, name=name))
        points = add_landmarks(viewer, image, landmarks, name=f"{name} landmarks")
        return viewer.layers[image.name], viewer.layers[points.name]

    return add


@pytest.fixture
def open_measure(make_napari_viewer_proxy: Callable[..., Any], plugin: None) -> Callable[..., tuple[Any, Any]]:
    """Opens a viewer with the dock in it; gives (viewer, dock)."""

    def make(viewer: Any = None, **keywords: Any) -> tuple[Any, Any]:
        viewer = viewer or make_napari_viewer_proxy(**keywords)
        _, dock = viewer.window.add_plugin_dock_widget("napari-farnet", DOCK)
        settle()
        return viewer, dock

    return make


def settle() -> None:
    """Let everything happen that is waiting to."""
    for _ in range(4):
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture(name="settle")
def settle_fixture() -> Callable[[], None]:
    """Lets everything happen that is waiting to."""
    return settle
