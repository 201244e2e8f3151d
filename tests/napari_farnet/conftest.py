"""A detector that needs no model, and viewers that know only this plugin."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.utils.interactions import mouse_move_callbacks, mouse_press_callbacks, mouse_release_callbacks
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

import napari_farnet
from farnet.frame import Frame
from farnet.landmarks import Landmarks
from farnet.radiograph import Radiograph
from farnet.scheme import LandmarkScheme, load_scheme
from napari_farnet.detect import models, workers
from napari_farnet.folder import work
from napari_farnet.folder.work import ModelIdentity

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

MANIFEST = Path(napari_farnet.__file__).with_name("napari.yaml")
NETWORK_SHAPE = (64, 48)


@dataclass
class FakeDetection:
    landmarks: Landmarks
    heatmaps: np.ndarray | None
    frame: Frame
    seconds: float
    alone: np.ndarray | None = None
    evidence: object = None


@dataclass
class FakeDetector:
    """Finds the landmarks of a scheme on a fixed pattern, in proportion to the radiograph."""

    model: str
    device: str
    log: FakeLog

    @property
    def name(self) -> str:
        return self.model

    @property
    def sha256(self) -> str:
        return _sha256(self.model)

    @property
    def scheme(self) -> LandmarkScheme:
        return load_scheme("cephalometric19")

    def steps(self, radiograph: Radiograph, *, heatmaps: bool = False) -> Generator[str, None, FakeDetection]:
        for stage in ("prepare", "network", "decode"):
            yield stage
            self.log.stages.append(stage)
            time.sleep(self.log.delay)
            if self.log.fail is not None and stage == "network":
                raise self.log.fail
        frame = Frame.fit(radiograph.shape, NETWORK_SHAPE)
        landmarks = _landmarks(radiograph, absent=self.log.absent)
        maps = _heatmaps(frame.to_network(landmarks.points)) if heatmaps else None
        return FakeDetection(landmarks, maps, frame, 0.5)

    def detect(self, radiograph: Radiograph) -> FakeDetection:
        steps = self.steps(radiograph)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                found: FakeDetection = end.value
                return found

    def close(self) -> None:
        self.log.closed += 1


@dataclass
class FakeLog:
    """What the fake detectors did, and what they shall do."""

    delay: float = 0.0
    fail: Exception | None = None
    absent: tuple[int, ...] = ()
    made: list[tuple[str, str]] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    closed: int = 0


def _sha256(model: str) -> str:
    return ("0" if model == "fake" else "1") * 64


def _landmarks(radiograph: Radiograph, absent: tuple[int, ...] = ()) -> Landmarks:
    scheme = load_scheme("cephalometric19")
    count = len(scheme)
    angle = np.linspace(0.0, 2 * np.pi, count, endpoint=False)
    unit = np.stack([0.5 + 0.35 * np.sin(angle), 0.5 + 0.3 * np.cos(angle)], axis=1)
    points = unit * np.array(radiograph.shape) + 0.125
    points[list(absent)] = np.nan
    covariance = np.tile(np.array([[4.0, 1.0], [1.0, 9.0]]), (count, 1, 1))
    covariance[list(absent)] = np.nan
    return Landmarks(
        points=points,
        scheme=scheme,
        spacing=radiograph.spacing,
        confidence=np.linspace(0.95, 0.4, count),
        covariance=covariance,
        source="model fake",
        radiograph=radiograph.name,
        image_shape=radiograph.shape,
        image_sha256=radiograph.sha256,
        provenance={
            "model": {"name": "fake", "sha256": "0" * 64},
            "device": "cpu",
            "pixels_sha256": radiograph.pixels_sha256(),
        },
    )


def _heatmaps(points: np.ndarray) -> np.ndarray:
    rows, columns = np.indices(NETWORK_SHAPE)
    squared = (rows - points[:, :1, None]) ** 2 + (columns - points[:, 1:, None]) ** 2
    return np.nan_to_num(np.exp(-squared / (2 * 2.0**2))).astype(np.float32)


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's data (models, autosaved copies) is that of the test alone."""
    folder = tmp_path_factory.mktemp("user-data")
    monkeypatch.setenv("XDG_DATA_HOME", str(folder))
    monkeypatch.setenv("LOCALAPPDATA", str(folder))
    return folder


@pytest.fixture
def landmarks_on() -> Callable[..., Landmarks]:
    """Makes the landmarks that the fake detector finds on a radiograph; `absent` are left out."""
    return _landmarks


@pytest.fixture
def heatmaps_at() -> Callable[[np.ndarray], np.ndarray]:
    """Makes heatmaps with a peak at each point (row, column) of the fake network's frame."""
    return _heatmaps


@pytest.fixture
def drag() -> Callable[..., None]:
    """Drags a point by (row, column) pixels, through the callbacks that napari calls for the mouse."""

    def drag_point(layer: Any, row: int, shift: tuple[float, float]) -> None:
        layer.mode = "select"
        start = layer.data[row].copy()
        stop = start.copy()
        stop[-2:] += shift
        event = SimpleNamespace(
            type="mouse_press",
            position=layer.data_to_world(start),
            dims_displayed=[layer.ndim - 2, layer.ndim - 1],
            view_direction=None,
            is_dragging=False,
            modifiers=(),
            button=1,
            handled=False,
            pos=np.zeros(2),
        )
        mouse_press_callbacks(layer, event)
        event.type, event.is_dragging = "mouse_move", True
        for share in (0.5, 1.0):
            event.position = layer.data_to_world(start + share * (stop - start))
            mouse_move_callbacks(layer, event)
        event.type, event.is_dragging = "mouse_release", False
        mouse_release_callbacks(layer, event)

    return drag_point


@pytest.fixture
def mouse(qtbot: Any) -> Callable[..., None]:
    """Drags a point of a layer with the left button, as the window system reports it to the canvas of a shown window.

    The way is made in `steps`; `at_step` is called after each of them, while the button is still down.
    """

    def canvas_of_window() -> Any:
        canvases = [item for item in QApplication.allWidgets() if item.__class__.__name__ == "CanvasBackendDesktop"]
        return max(canvases, key=lambda item: item.isVisible() * item.width() * item.height())

    def drag_point(
        viewer: Any,
        layer: Any,
        row: int,
        shift: tuple[float, float],
        *,
        steps: int = 4,
        at_step: Callable[[], None] = lambda: None,
    ) -> None:
        canvas = canvas_of_window()
        middle = np.array([canvas.height(), canvas.width()]) / 2
        start = layer.data[row].copy()
        move = np.zeros_like(start)
        move[-2:] = shift

        def place(share: float) -> QPointF:
            world = np.array(layer.data_to_world(start + share * move))[-2:]
            return QPointF(*(middle + (world - viewer.scene.camera.center[-2:]) * viewer.scene.camera.zoom)[::-1])

        def send(kind: QEvent.Type, where: QPointF, button: Qt.MouseButton, buttons: Qt.MouseButton) -> None:
            there = QPointF(canvas.mapToGlobal(where))
            event = QMouseEvent(kind, where, there, button, buttons, Qt.KeyboardModifier.NoModifier)
            QApplication.sendEvent(canvas, event)
            qtbot.wait(30)

        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        way = [place(share) for share in np.linspace(0, 1, steps + 1)]
        send(QEvent.Type.MouseMove, way[0], none, none)
        send(QEvent.Type.MouseButtonPress, way[0], left, left)
        for where in way[1:]:
            send(QEvent.Type.MouseMove, where, none, left)
            at_step()
        send(QEvent.Type.MouseButtonRelease, way[-1], left, none)

    return drag_point


@dataclass(frozen=True)
class FakeDevice:
    name: str
    usable: bool
    reason: str


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeLog:
    """Detectors, models and devices that need neither a model file nor torch."""
    log = FakeLog()

    def create(model: str, device: str) -> FakeDetector:
        log.made.append((model, device))
        return FakeDetector(model, "cpu" if device == "auto" else device, log)

    devices = [
        FakeDevice("cuda", False, "torch sees no NVIDIA GPU"),
        FakeDevice("cpu", True, "2 cores"),
    ]
    choices = [
        models.ModelChoice("fake", "Fake model", "19 landmarks (Lateral cephalogram), bundled", "cephalometric19"),
        models.ModelChoice("other", "Another model with a rather long title for such a narrow dock", "19 landmarks"),
    ]
    monkeypatch.setattr(workers, "create_detector", create)
    monkeypatch.setattr(workers, "list_devices", lambda: devices)
    monkeypatch.setattr(models, "available_models", lambda: choices)
    identity = ModelIdentity("0" * 64, load_scheme("cephalometric19"))
    monkeypatch.setattr(work, "model_identity", lambda model: replace(identity, sha256=_sha256(model)))
    return log


@pytest.fixture
def plugin(npe2pm: Any, plugin_settings: None) -> Iterator[None]:
    """A plugin manager that knows napari's own readers and writers, and this plugin."""
    import napari_builtins

    builtins = Path(napari_builtins.__file__).with_name("builtins.yaml")
    with npe2pm.tmp_plugin(manifest=str(builtins)), npe2pm.tmp_plugin(manifest=str(MANIFEST)):
        yield


@pytest.fixture
def radiograph(radiograph_pixels: np.ndarray) -> Radiograph:
    return Radiograph.from_array(radiograph_pixels, spacing=(0.1, 0.2), name="skull")


@pytest.fixture
def radiograph_pixels() -> np.ndarray:
    """(240, 180) uint8: a soft bright oval on black, with noise; nobody's picture."""
    rows, columns = np.indices((240, 180))
    oval = np.exp(-(((rows - 120) / 80) ** 4) - ((columns - 90) / 60) ** 4)
    noise = np.random.default_rng(0).normal(0, 6, oval.shape)
    return np.clip(20 + 200 * oval + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def make_dock(make_napari_viewer_proxy: Callable[..., Any], plugin: None, fake: FakeLog) -> Callable[..., Any]:
    """Open a viewer with the dock in it; gives (viewer, dock)."""

    def make(**keywords: Any) -> tuple[Any, Any]:
        viewer = make_napari_viewer_proxy(**keywords)
        _, dock = viewer.window.add_plugin_dock_widget("napari-farnet", "Detect landmarks")
        return viewer, dock

    return make
