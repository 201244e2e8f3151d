"""Detection off the GUI thread: what is run, what it reports, and how it ends.

A detection is a generator for `napari_farnet.threads.start`. It yields before every stage and looks there whether it
should stop, so that cancelling takes at most as long as one stage. However it ends, it returns: what it found, or why
nothing was found.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from farnet.errors import DeviceError
from napari_farnet.threads import Failure, Progress
from napari_farnet.torch_import import preload_torch, without_collections, without_triton

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Iterator, Sequence

    from numpy.typing import NDArray

    from farnet.detection import Detection, Detector
    from farnet.devices import DeviceChoice
    from farnet.frame import Frame
    from farnet.landmarks import Landmarks
    from napari_farnet.record import Index
    from napari_farnet.settings import HeatmapChoice
    from napari_farnet.sources import RadiographSource

__all__ = [
    "DetectionRequest",
    "DetectionResult",
    "DetectorKeeper",
    "create_detector",
    "detect",
    "find_devices",
    "list_devices",
]

_STAGES = {"prepare": "preparing", "network": "running the network", "decode": "reading the heatmaps"}


def create_detector(model: str, device: str) -> Detector:
    """Load a model onto a device; the one place where the plugin gets detectors from."""
    preload_torch()
    with without_collections(), without_triton():
        from farnet.detection import Detector

        return Detector(model=model, device=device, orient="auto")


def list_devices() -> list[DeviceChoice]:
    """List the devices of this computer; the one place where the plugin gets them from. It imports torch."""
    preload_torch()
    with without_collections():
        from farnet.devices import available_devices

        return available_devices()


def find_devices(_stop: threading.Event) -> Generator[None, None, list[DeviceChoice] | Failure]:
    """List the devices of this computer; a generator for `start`."""
    yield
    try:
        return list_devices()
    except Exception as error:  # every end must be reported: see `start`
        return Failure(error)


@dataclass(frozen=True)
class DetectionRequest:
    """What to detect.

    Attributes:
        source: The radiographs.
        indices: Those of them to look at; at least one.
        model: Name of the model.
        device: Name of the device, or "auto".
        heatmaps: Which heatmaps to bring back.
    """

    source: RadiographSource
    indices: Sequence[Index]
    model: str
    device: str
    heatmaps: HeatmapChoice


@dataclass(frozen=True)
class DetectionResult:
    """What a detection found.

    Attributes:
        landmarks: One for each index of the request.
        heatmaps: (N, K, h, w) in the frame of the network, with K of 1 where only the maximum over all landmarks was
            asked for; None without heatmaps.
        frame: How the radiographs were laid into the network's input.
        device: Name of the device that was used.
        seconds: Time that detection took, without loading the model.
    """

    landmarks: tuple[Landmarks, ...]
    heatmaps: NDArray[np.float32] | None
    frame: Frame
    device: str
    seconds: float


class DetectorKeeper:
    """Keeps the last detector loaded, so that only the first detection waits for it."""

    def __init__(self) -> None:
        self._detector: Detector | None = None
        self._key: tuple[str, str] | None = None
        self._in_use = False
        self._retired = False

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """While a detection runs, its detector is not taken away from under it."""
        self._in_use = True
        try:
            yield
        finally:
            self._in_use = False
            if self._retired:
                self.close()

    def retire(self) -> None:
        """Nobody will ask again: free the memory now, or when the running detection has ended."""
        self._retired = True
        if not self._in_use:
            self.close()

    def get(self, model: str, device: str) -> Detector:
        """Give the detector for a model and device; another one is closed first, so that both never share memory."""
        if self._detector is None or self._key != (model, device):
            self.close()
            self._detector, self._key = create_detector(model, device), (model, device)
        return self._detector

    def holds(self, model: str, device: str) -> bool:
        """Whether this detector is there already."""
        return self._key == (model, device)

    def close(self) -> None:
        """Free the memory of the detector, if there is one."""
        detector, self._detector, self._key = self._detector, None, None
        if detector is not None:
            detector.close()


def detect(
    stop: threading.Event, request: DetectionRequest, keeper: DetectorKeeper
) -> Generator[Progress, None, DetectionResult | Failure | None]:
    """Detect landmarks step by step; a generator for `start`.

    Args:
        stop: Set when nobody wants the result any more.
        request: What to detect.
        keeper: Where the detector comes from, and stays.

    Yields:
        Before each stage: how far it is, and what comes now.

    Returns:
        What was found, or why nothing was; None if it was stopped.
    """
    index: Index | None = None
    with keeper.in_use():
        try:
            count = len(request.indices)
            total = 1 + len(_STAGES) * count
            loaded = keeper.holds(request.model, request.device)
            yield Progress(0, total, "Preparing" if loaded else f"Loading {request.model}")
            if stop.is_set():
                return None
            detector = keeper.get(request.model, request.device)
            began = time.perf_counter()
            detections: list[Detection] = []
            for number, index in enumerate(request.indices):
                prefix = f"Radiograph {number + 1} of {count}: " if count > 1 else ""
                steps = detector.steps(request.source.read(index), heatmaps=request.heatmaps != "none")
                detection = yield from _reported(steps, stop, 1 + len(_STAGES) * number, total, prefix)
                if detection is None:
                    return None
                detections.append(_as_wanted(detection, request.heatmaps))
            return _result(detections, str(detector.device), time.perf_counter() - began)
        except DeviceError as error:
            keeper.close()
            return Failure(error, index)
        except Exception as error:  # every end must be reported: see `start`
            return Failure(error, index)


def _reported(
    steps: Generator[str, None, Detection], stop: threading.Event, done: int, total: int, prefix: str
) -> Generator[Progress, None, Detection | None]:
    """Report the stages of one detection as they come; None if it was stopped between two of them."""
    while not stop.is_set():
        try:
            stage = next(steps)
        except StopIteration as end:
            detection: Detection = end.value
            return detection
        text = prefix + _STAGES[stage]
        yield Progress(done + list(_STAGES).index(stage), total, text[0].upper() + text[1:])
    return None


def _as_wanted(detection: Detection, heatmaps: HeatmapChoice) -> Detection:
    """Keep no more heatmaps than are wanted, before those of the next radiograph come."""
    if detection.heatmaps is None or heatmaps == "each":
        return detection
    return replace(detection, heatmaps=detection.heatmaps.max(axis=0, keepdims=True))


def _result(detections: Sequence[Detection], device: str, seconds: float) -> DetectionResult:
    import pandas as pd  # noqa: F401  # the GUI thread needs it next, and would hang while it is imported

    # One layer has one frame; where an anatomy lies otherwise it was looked at in another.
    frame = detections[0].frame
    maps = [
        frame.refit(detection.heatmaps, detection.frame) for detection in detections if detection.heatmaps is not None
    ]
    return DetectionResult(
        landmarks=tuple(detection.landmarks for detection in detections),
        heatmaps=np.stack(maps) if maps else None,
        frame=frame,
        device=device,
        seconds=seconds,
    )
