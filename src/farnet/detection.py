"""Detect landmarks: radiograph -> frame -> network -> decoder -> landmarks, each step one call."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

import farnet
from farnet.averaging import AveragedHeatmaps
from farnet.devices import arithmetic, resolve_device, resolve_precision
from farnet.errors import DeviceError
from farnet.heatmaps import DecodedPoints, decode
from farnet.inputs import network_input, normalise
from farnet.landmarks import Landmarks
from farnet.modelfile import ModelMetadata, load_model, model_sha256
from farnet.networks.inference import optimise
from farnet.readers import as_text
from farnet.reframing import reframed
from farnet.zoo import DEFAULT_MODEL, find_model

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from farnet.frame import Frame
    from farnet.networks.farnet import FARNet
    from farnet.radiograph import Radiograph

__all__ = ["Detection", "Detector"]


@dataclass(frozen=True, eq=False)
class Detection:
    """What a detector found in one radiograph.

    Attributes:
        landmarks: The points in pixels of the radiograph, with confidence and covariance; NaN where nothing was found.
        heatmaps: (K, h, w) float32 in the network's frame, or None when not asked for.
        frame: How the radiograph lay in the network's input.
        seconds: Time from radiograph to landmarks.
    """

    landmarks: Landmarks
    heatmaps: NDArray[np.float32] | None
    frame: Frame
    seconds: float


class Detector:
    """A model, ready to detect.

    Args:
        model: Name of a model (`farnet.zoo.list_models`) or path of a model file.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        precision: "auto", "float32" or "bf16"; see `farnet.devices.resolve_precision`.

    Attributes:
        name: Name of the model.
        sha256: SHA-256 of its file.
        metadata: What its file says.
        scheme: The landmarks that it finds.
        device: Where it runs.
        precision: "float32" or "bf16".

    Raises:
        UnknownNameError: There is no such model, or no such precision.
        ModelFileError: The model file cannot be used.
        DeviceError: The device cannot be used, lacks the precision, or its memory is too small.
    """

    def __init__(self, model: str | Path = DEFAULT_MODEL, device: str = "auto", precision: str = "auto") -> None:
        place = resolve_device(device).name
        self.precision = resolve_precision(precision, place)
        path = find_model(model)
        network, metadata = load_model(path)
        self._set_up(network, metadata, model_sha256(path), place)

    @classmethod
    def from_network(cls, network: FARNet, metadata: ModelMetadata, device: str = "auto") -> Detector:
        """A detector of a network in memory, such as one that has just been trained; its `sha256` is empty."""
        detector = cls.__new__(cls)
        detector.precision = "float32"
        detector._set_up(network, metadata, "", resolve_device(device).name)
        return detector

    def _set_up(self, network: FARNet, metadata: ModelMetadata, sha256: str, device: str) -> None:
        self.metadata = metadata
        self.name = metadata.name
        self.sha256 = sha256
        self.scheme = metadata.landmark_scheme
        self.device = device
        self._network: torch.nn.Module | None
        try:
            self._network = optimise(network).to(device)
        except torch.OutOfMemoryError as error:
            raise self._out_of_memory() from error

    def detect(self, radiograph: Radiograph, *, heatmaps: bool = False) -> Detection:
        """Find the landmarks of one radiograph.

        Args:
            radiograph: Bone bright, any size and grey depth.
            heatmaps: Keep the heatmaps.

        Raises:
            DeviceError: The device ran out of memory (it has been freed), or the detector was closed.
        """
        steps = self.steps(radiograph, heatmaps=heatmaps)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                found: Detection = end.value
                return found

    def steps(self, radiograph: Radiograph, *, heatmaps: bool = False) -> Generator[str, None, Detection]:
        """Like `detect`, pausing before each stage so that the caller can show progress or stop.

        Yields:
            "prepare", "network", "decode"; again where the anatomy lies unlike in training and is looked at in a better
            frame (`farnet.reframing`), and "network", "decode" where further looks are averaged (`farnet.averaging`).

        Returns:
            The detection, as the value of the generator.
        """
        if self._network is None:
            raise DeviceError("this detector was closed; make a new one")
        started = time.perf_counter()
        frame = self.metadata.input.frame(radiograph.shape)
        shifts = self.metadata.decoder.shifts
        yield "prepare"
        looks = self._looks(radiograph, frame)
        yield "network"
        maps = self._take(looks, shifts[:1])  # one look tells where the anatomy lies
        yield "decode"
        decoded = self._decode(maps)
        better = self._better_frame(frame, decoded)
        if better is not None:
            yield "prepare"
            looks_again = self._looks(radiograph, better)
            yield "network"
            maps_again = self._take(looks_again, shifts)
            yield "decode"
            again = self._decode(maps_again)
            if _found(again) >= _found(decoded):
                frame, maps, decoded = better, maps_again, again
            else:
                better = None
        if better is None and len(shifts) > 1:
            yield "network"
            maps = self._take(looks, shifts[1:])
            yield "decode"
            decoded = self._decode(maps)
        landmarks = self._landmarks(radiograph, frame, decoded)
        kept = np.ascontiguousarray(maps.cpu().numpy()) if heatmaps else None
        return Detection(landmarks, kept, frame, time.perf_counter() - started)

    def detect_many(self, radiographs: Sequence[Radiograph]) -> list[Detection]:
        """Find the landmarks of several radiographs, which go through the network together.

        Worth it on a GPU, which one radiograph does not fill; on a CPU it is as quick as one after the other. Where the
        memory of the device is too small for all of them, they go in halves.

        Args:
            radiographs: As `detect`.

        Returns:
            What `detect` gives for each, without heatmaps, up to rounding; `seconds` is its share of the time.

        Raises:
            DeviceError: As `detect`.
        """
        if self._network is None:
            raise DeviceError("this detector was closed; make a new one")
        if not radiographs:
            return []
        started = time.perf_counter()
        try:
            found = self._found_together(radiographs)
        except torch.OutOfMemoryError as error:
            if len(radiographs) == 1:
                self.close()
                raise self._out_of_memory() from error
            found = None
        if found is None:  # outside of the handler, which would keep the memory of what failed
            if self.device.startswith("cuda"):
                torch.cuda.empty_cache()
            half = len(radiographs) // 2
            return [*self.detect_many(radiographs[:half]), *self.detect_many(radiographs[half:])]
        landmarks = [
            self._landmarks(radiograph, frame, decoded)
            for radiograph, (frame, decoded) in zip(radiographs, found, strict=True)
        ]
        share = (time.perf_counter() - started) / len(radiographs)
        return [Detection(each, None, frame, share) for each, (frame, _) in zip(landmarks, found, strict=True)]

    def _found_together(self, radiographs: Sequence[Radiograph]) -> list[tuple[Frame, DecodedPoints]]:
        """Frame and points of each, by the stages of `steps`."""
        shifts = self.metadata.decoder.shifts
        frames = [self.metadata.input.frame(radiograph.shape) for radiograph in radiographs]
        looks = self._looks_together(radiographs, frames)
        found = self._decoded_each(looks, shifts[:1])
        better = {
            i: frame for i, decoded in enumerate(found) if (frame := self._better_frame(frames[i], decoded)) is not None
        }
        reframed_ones: dict[int, tuple[Frame, DecodedPoints]] = {}
        if better:
            again = self._looks_together([radiographs[i] for i in better], list(better.values()))
            for (i, frame), decoded in zip(better.items(), self._decoded_each(again, shifts), strict=True):
                if _found(decoded) >= _found(found[i]):
                    reframed_ones[i] = frame, decoded
        if len(shifts) > 1 and len(reframed_ones) < len(radiographs):
            found = self._decoded_each(looks, shifts[1:])
        return [reframed_ones.get(i, (frames[i], decoded)) for i, decoded in enumerate(found)]

    def _looks_together(self, radiographs: Sequence[Radiograph], frames: Sequence[Frame]) -> AveragedHeatmaps:
        """Radiographs, each in its frame, ready to be looked at as one batch."""
        greys = [
            network_input(radiograph.pixels, frame, self.metadata.input)
            for radiograph, frame in zip(radiographs, frames, strict=True)
        ]
        return AveragedHeatmaps(self._fine, torch.from_numpy(np.stack(greys)).to(self.device))

    def _decoded_each(self, looks: AveragedHeatmaps, shifts: Sequence[tuple[int, int]]) -> list[DecodedPoints]:
        with torch.inference_mode():
            maps = looks.look(shifts).mean()
        decoded = self._decode(maps.cpu() if self.device == "mps" else maps)
        return [DecodedPoints(*(part[i] for part in decoded)) for i in range(len(maps))]

    def _looks(self, radiograph: Radiograph, frame: Frame) -> AveragedHeatmaps:
        """The radiograph in a frame, ready to be looked at."""
        grey = network_input(radiograph.pixels, frame, self.metadata.input)
        return AveragedHeatmaps(self._one_look, torch.from_numpy(grey).to(self.device))

    def _take(self, looks: AveragedHeatmaps, shifts: Sequence[tuple[int, int]]) -> Tensor:
        """Look at each shift, and give the (K, h, w) fine heatmaps, float32, averaged over all looks so far."""
        try:
            with torch.inference_mode():
                maps = looks.look(shifts).mean()
                return maps.cpu() if self.device == "mps" else maps  # decoding needs float64, which mps lacks
        except torch.OutOfMemoryError as error:
            self.close()
            raise self._out_of_memory() from error

    def _one_look(self, grey: Tensor) -> Tensor:
        return self._fine(grey[None])[0]

    def _fine(self, greys: Tensor) -> Tensor:
        """(B, h, w) -> (B, K, h, w) float32."""
        assert self._network is not None
        if self.precision == "float32":
            fine: Tensor = self._network(normalise(greys)).fine
        else:
            with torch.autocast(self.device.partition(":")[0], torch.bfloat16):
                fine = self._network(normalise(greys)).fine
        return fine.float()

    def _decode(self, maps: Tensor) -> DecodedPoints:
        decoder = self.metadata.decoder
        with torch.inference_mode():
            decoded = decode(maps, decoder.sigma, decoder.method, min_peak=decoder.min_peak)
        return DecodedPoints(*(part.cpu() for part in decoded))

    def _better_frame(self, frame: Frame, decoded: DecodedPoints) -> Frame | None:
        typical = self.metadata.typical_points
        if typical is None:
            return None
        points, confidence = decoded.points.numpy(), decoded.confidence.numpy()
        return reframed(frame, points, confidence, np.asarray(typical, np.float64), self.metadata.input.fit)

    def close(self) -> None:
        """Give the memory back; the detector cannot be used after it."""
        self._network = None
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def _landmarks(self, radiograph: Radiograph, frame: Frame, decoded: DecodedPoints) -> Landmarks:
        return Landmarks(
            points=frame.to_radiograph(decoded.points.numpy()),
            scheme=self.scheme,
            spacing=radiograph.spacing,
            confidence=decoded.confidence.numpy(),
            covariance=frame.covariance_to_radiograph(decoded.covariance.numpy()),
            source=f"model {self.name}",
            radiograph=radiograph.name,
            image_shape=radiograph.shape,
            image_sha256=radiograph.sha256,
            provenance=self._provenance(radiograph, frame),
        )

    def _provenance(self, radiograph: Radiograph, frame: Frame) -> dict[str, Any]:
        return {
            "model": self.name,
            "model_sha256": self.sha256,
            "device": self.device,
            "farnet": farnet.__version__,
            "torch": torch.__version__,
            **arithmetic(self.device),
            **({} if self.precision == "float32" else {"precision": self.precision}),
            "fit": self.metadata.input.fit,
            "decoder": self.metadata.decoder.model_dump(mode="json"),
            "network_shape": list(frame.network_shape),
            "crop": list(frame.crop),
            "image": as_text(radiograph.path) if radiograph.path else None,
            "pixels_sha256": radiograph.pixels_sha256(),
            "spacing_source": radiograph.spacing_source,
            "time": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        }

    def _out_of_memory(self) -> DeviceError:
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()
        height, width = self.metadata.input.shape
        return DeviceError(
            f"{self.device} has too little free memory for {self.name} at {height} x {width}; close what else "
            "uses it, or use device 'cpu'"
        )


def _found(decoded: DecodedPoints) -> float:
    """Sum of confidences: how much of the anatomy was found, and how surely."""
    return float(torch.nan_to_num(decoded.confidence).sum())
