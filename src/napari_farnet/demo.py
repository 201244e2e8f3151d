"""The demonstration: a viewer with the sample, and a detection through the dock, as a person would do it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from farnet.errors import FarnetError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari import Viewer
    from qtpy.QtWidgets import QComboBox

    from farnet.landmarks import Landmarks
    from napari_farnet.detect.dock import DetectWidget

__all__ = ["run_demo", "show_detection", "take_picture"]

_PLUGIN = "napari-farnet"
_SAMPLE = "average_cephalogram"
_DOCK = "Detect landmarks"
_PATIENCE = 600.0  # seconds until a detection counts as hung
_DEVICES = 60.0  # seconds that listing the devices may take, which loads torch
_SETTLE = 1.5  # seconds until a picture is taken
_LAID_OUT = 0.3  # seconds until the window has its new size
_SIZE = (1600, 1000)  # of the window


def run_demo(*, model: str, device: str, screenshot: Path | None, detected: Callable[[Landmarks], None]) -> None:
    """Open napari on the sample and press Detect.

    Args:
        model: Name or file of a model.
        device: Name of a device, or "auto".
        screenshot: Where to write a picture of the window, which is then closed; None leaves it open and returns when
            the user closes it.
        detected: Called with the landmarks when they are in the viewer.

    Raises:
        FarnetError: If there is no such model or device, or the detection fails; the message says why.
        OutputError: If the picture cannot be written.
    """
    import napari

    from farnet.zoo import find_model

    find_model(model)  # says what is wrong before a window opens
    viewer = napari.Viewer()
    try:
        detected(show_detection(viewer, model=model, device=device))
        if screenshot is not None:
            take_picture(viewer, screenshot)
        else:
            napari.run()
    finally:
        if napari.current_viewer() is not None:
            viewer.close()


def show_detection(viewer: Viewer, *, model: str, device: str) -> Landmarks:
    """Open the sample and the dock, and detect.

    Returns:
        The landmarks as they are in the viewer.

    Raises:
        FarnetError: As `run_demo`.
    """
    viewer.open_sample(_PLUGIN, _SAMPLE)
    _, dock = viewer.window.add_plugin_dock_widget(_PLUGIN, _DOCK)
    viewer.window.resize(*_SIZE)
    _wait(lambda: False, _LAID_OUT)
    viewer.fit_to_view()  # the sample was opened in a smaller window, without the dock
    return _detect(viewer, dock, model, device)


def take_picture(viewer: Viewer, path: Path) -> None:
    """Write a picture of the whole window as PNG, all or nothing."""
    from PIL import Image

    from farnet.atomic import atomic_path

    _wait(lambda: False, _SETTLE)  # colour bar, labels and heatmaps are drawn in the next turns of the event loop
    pixels = viewer.screenshot(canvas_only=False, flash=False)
    with atomic_path(path) as temporary:
        Image.fromarray(pixels[..., :3]).save(temporary, format="PNG")


def _detect(viewer: Viewer, dock: DetectWidget, model: str, device: str) -> Landmarks:
    """Choose model and device in the dock, press Detect, wait for the points."""
    from napari.utils.notifications import notification_manager

    from napari_farnet.layers import landmarks_from_layer
    from napari_farnet.record import kind_of

    if not _choose(dock.form.model, model):
        dock.form.model.addItem(model, model)  # a file, which no list has
        _choose(dock.form.model, model)
    if not _wait(lambda: _choose(dock.form.device, device), _DEVICES):
        raise unknown_name("device", device, _values(dock.form.device))
    told = len(notification_manager.records)
    dock.form.detect.click()

    def landmark_layers() -> list[Any]:
        return [layer for layer in viewer.layers if kind_of(layer.metadata) == "landmarks"]

    def complaints() -> list[str]:
        return [record.message for record in notification_manager.records[told:] if record.severity == "error"]

    _wait(lambda: bool(landmark_layers() or complaints()), _PATIENCE)
    if not landmark_layers():
        reasons = complaints() or [f"nothing came of it within {_PATIENCE:.0f} s"]
        raise FarnetError(f"The detection failed: {' '.join(reasons)}")
    layer = landmark_layers()[0]
    return landmarks_from_layer(layer.data, layer.features, layer.metadata, name=layer.name).landmarks[0]


def _values(box: QComboBox) -> list[str]:
    return [str(box.itemData(i)) for i in range(box.count())]


def _choose(box: QComboBox, value: str) -> bool:
    """Choose an entry by its value, if the box has it."""
    if value not in _values(box):
        return False
    box.setCurrentIndex(_values(box).index(value))
    return True


def _wait(happened: Callable[[], bool], seconds: float) -> bool:
    """Let the viewer work until something has happened; False if it has not in this time."""
    import napari
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while not happened():
        if napari.current_viewer() is None:
            raise FarnetError("The window was closed before the landmarks were there.")
        if time.monotonic() > end:
            return False
        QApplication.processEvents()
        time.sleep(0.01)
    return True
