"""Detect landmarks: radiograph -> frame -> network -> decoder -> landmarks, each step one call."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import numpy as np
import torch
from torch import Tensor

import farnet
from farnet.chain import Chain, decode_chain
from farnet.devices import arithmetic, resolve_device, resolve_precision
from farnet.errors import unknown_name
from farnet.familiarity import Familiarity, familiarity
from farnet.heatmaps import DecodedPoints, decode
from farnet.inputs import network_input
from farnet.landmarks import Landmarks
from farnet.modelfile import ModelMetadata, load_model, model_sha256
from farnet.network_runner import NetworkRunner
from farnet.orientation import VIEWS, Orient, brought_back
from farnet.readers import as_text
from farnet.reframing import reframed
from farnet.uncertainty.calibration import Calibration
from farnet.uncertainty.evidence import Evidence, mass_outside, signs_of
from farnet.zoo import DEFAULT_MODEL, find_model

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from farnet.averaging import AveragedHeatmaps
    from farnet.frame import Frame
    from farnet.networks.farnet import FARNet
    from farnet.radiograph import Radiograph

__all__ = ["Detection", "Detector"]


@dataclass(frozen=True, eq=False)
class Detection:
    """What a detector found in one radiograph.

    Attributes:
        landmarks: The points in pixels of the radiograph, with confidence and covariance; NaN where nothing was found,
            or only beyond the edges of the radiograph (`farnet.landmarks.outside_picture` tells where).
        heatmaps: (K, h, w) float32 in the network's frame, or None when not asked for.
        frame: How the radiograph lay in the network's input.
        seconds: Time from radiograph to landmarks.
        familiarity: How well it fits what the model knows.
        alone: (K, 2) the points that would have been found without the chain (`farnet.chain`), each by itself, in
            pixels of the radiograph; None for a model without one.
        evidence: What tells how certain the landmarks are, in network pixels.
    """

    landmarks: Landmarks
    heatmaps: NDArray[np.float32] | None
    frame: Frame
    seconds: float
    familiarity: Familiarity
    alone: NDArray[np.float64] | None = None
    evidence: Evidence | None = None


class _Seen(NamedTuple):
    """What was found in one radiograph, in the pixels of its frame."""

    frame: Frame
    decoded: DecodedPoints
    first: NDArray[np.float64]  # (K, 2) by the first look alone
    outside: NDArray[np.float64]  # (K,) mass of the heatmaps apart from the points


class Detector:
    """A model, ready to detect.

    Args:
        model: Name of a model (`farnet.zoo.list_models`) or path of a model file.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        precision: "auto", "float32" or "bf16"; see `farnet.devices.resolve_precision`.
        orient: "auto" looks at the mirror image and the inverse of a radiograph too, where it is unlike those that the
            model knows.

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

    def __init__(
        self,
        model: str | Path = DEFAULT_MODEL,
        device: str = "auto",
        precision: str = "auto",
        *,
        orient: Orient = "as-is",
    ) -> None:
        if orient not in get_args(Orient):
            raise unknown_name("orientation", orient, get_args(Orient))
        self.orient: Orient = orient
        place = resolve_device(device).name
        self.precision = resolve_precision(precision, place)
        path = find_model(model)
        network, metadata = load_model(path)
        self._set_up(network, metadata, model_sha256(path), place)

    @classmethod
    def from_network(cls, network: FARNet, metadata: ModelMetadata, device: str = "auto") -> Detector:
        """A detector of a network in memory, such as one that has just been trained; its `sha256` is empty."""
        detector = cls.__new__(cls)
        detector.orient = "as-is"
        detector.precision = "float32"
        detector._set_up(network, metadata, "", resolve_device(device).name)
        return detector

    def _set_up(self, network: FARNet, metadata: ModelMetadata, sha256: str, device: str) -> None:
        self.metadata = metadata
        self.name = metadata.name
        self.sha256 = sha256
        self.scheme = metadata.landmark_scheme
        self._chain = None if metadata.chain is None else Chain.from_dict(metadata.chain)
        self._calibration = None if metadata.calibration is None else Calibration.from_dict(metadata.calibration)
        self.device = device
        self._runner = NetworkRunner(network, metadata, device, self.precision)

    def compile(self) -> None:
        """Compile the network at the next radiograph (`farnet.networks.compiling`): a minute first, then it is quicker.

        Detection then raises `DeviceError` where it cannot be compiled.
        """
        self._runner.compile()

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
            frame (`farnet.reframing`), and "network", "decode" where further looks are averaged (`farnet.averaging`);
            all of it again for each other view (`farnet.orientation`) that is tried.

        Returns:
            The detection, as the value of the generator.
        """
        self._runner.check_open()
        started = time.perf_counter()
        best = yield from self._look_at(radiograph, heatmaps=heatmaps)
        if self.orient == "auto" and best.familiarity.unlike:
            for view in VIEWS:
                found = yield from self._look_at(view.of(radiograph), heatmaps=heatmaps)
                if found.familiarity.score > best.familiarity.score:
                    best = brought_back(found, view)
                    best = replace(best, landmarks=_noted(best.landmarks, orientation=str(view)))
        return _told(best, radiograph, time.perf_counter() - started)

    def _look_at(self, radiograph: Radiograph, *, heatmaps: bool) -> Generator[str, None, Detection]:
        """One radiograph as it is given; yields as `steps`."""
        started = time.perf_counter()
        frame = self.metadata.input.frame(radiograph.shape)
        shifts = self.metadata.decoder.shifts
        yield "prepare"
        looks = self._looks(radiograph, frame)
        yield "network"
        maps = self._take(looks, shifts[:1])  # one look tells where the anatomy lies
        yield "decode"
        decoded = self._decode(maps)
        first = decoded.points.numpy()
        better = self._better_frame(frame, decoded)
        if better is not None:
            yield "prepare"
            looks_again = self._looks(radiograph, better)
            yield "network"
            maps_again = self._take(looks_again, shifts)
            yield "decode"
            again = self._decode(maps_again)
            if _found(again) >= _found(decoded):
                first = better.to_network(frame.to_radiograph(first))
                frame, maps, decoded = better, maps_again, again
            else:
                better = None
        if better is None and len(shifts) > 1:
            yield "network"
            maps = self._take(looks, shifts[1:])
            yield "decode"
            decoded = self._decode(maps)
        seen = _Seen(frame, decoded, first, mass_outside(maps, decoded.points, self.metadata.decoder.sigma))
        detection = self._detection(radiograph, seen, time.perf_counter() - started)
        kept = np.ascontiguousarray(maps.cpu().numpy()) if heatmaps else None
        alone = None if self._chain is None else frame.to_radiograph(self._decode_alone(maps).points.numpy())
        return replace(detection, heatmaps=kept, alone=alone)

    def _detection(self, radiograph: Radiograph, seen: _Seen, seconds: float) -> Detection:
        landmarks = self._landmarks(radiograph, seen.frame, seen.decoded)
        least = self.metadata.least_confidence
        judged = familiarity(landmarks) if least is None else familiarity(landmarks, least)
        spread = seen.decoded.covariance.numpy()
        evidence = Evidence(signs_of(seen.decoded, seen.first, seen.outside, landmarks), spread)
        if self._calibration is not None:
            covariance = seen.frame.covariance_to_radiograph(self._calibration.covariance(evidence.signs, spread))
            region = np.where(landmarks.present, self._calibration.radii, np.nan)
            landmarks = landmarks.replace(covariance=covariance, region95=region)
        return Detection(landmarks, None, seen.frame, seconds, judged, evidence=evidence)

    def detect_many(self, radiographs: Sequence[Radiograph]) -> list[Detection]:
        """Find the landmarks of several radiographs, which go through the network together.

        Worth it on a GPU, which one radiograph does not fill; on a CPU it is as quick as one after the other. Where the
        memory of the device is too small for all of them, they go in halves.

        Args:
            radiographs: As `detect`.

        Returns:
            What `detect` gives for each up to rounding, without heatmaps and `alone`; `seconds` is its share of the
            time.

        Raises:
            DeviceError: As `detect`.
        """
        self._runner.check_open()
        if not radiographs:
            return []
        started = time.perf_counter()
        try:
            found = self._found_together(radiographs)
        except torch.OutOfMemoryError as error:
            if len(radiographs) == 1:
                self.close()
                raise self._runner.out_of_memory() from error
            found = None
        if found is None:  # outside of the handler, which would keep the memory of what failed
            self._runner.release()
            half = len(radiographs) // 2
            return [*self.detect_many(radiographs[:half]), *self.detect_many(radiographs[half:])]
        share = (time.perf_counter() - started) / len(radiographs)
        detections = [
            self._detection(radiograph, seen, share) for radiograph, seen in zip(radiographs, found, strict=True)
        ]
        return [
            self.detect(radiograph)  # in its other views too, which are rarely needed
            if self.orient == "auto" and detection.familiarity.unlike
            else _told(detection, radiograph, share)
            for radiograph, detection in zip(radiographs, detections, strict=True)
        ]

    def _found_together(self, radiographs: Sequence[Radiograph]) -> list[_Seen]:
        """What is found in each, by the stages of `steps`."""
        shifts = self.metadata.decoder.shifts
        frames = [self.metadata.input.frame(radiograph.shape) for radiograph in radiographs]
        looks = self._looks_together(radiographs, frames)
        found = self._seen_each(looks, shifts[:1], frames)
        better = {
            i: frame
            for i, seen in enumerate(found)
            if (frame := self._better_frame(seen.frame, seen.decoded)) is not None
        }
        reframed_ones: dict[int, _Seen] = {}
        if better:
            again = self._looks_together([radiographs[i] for i in better], list(better.values()))
            for i, seen in zip(better, self._seen_each(again, shifts, list(better.values())), strict=True):
                if _found(seen.decoded) >= _found(found[i].decoded):
                    first = seen.frame.to_network(found[i].frame.to_radiograph(found[i].first))
                    reframed_ones[i] = seen._replace(first=first)
        if len(shifts) > 1 and len(reframed_ones) < len(radiographs):
            last = self._seen_each(looks, shifts[1:], frames)
            found = [seen._replace(first=before.first) for seen, before in zip(last, found, strict=True)]
        return [reframed_ones.get(i, seen) for i, seen in enumerate(found)]

    def _looks_together(self, radiographs: Sequence[Radiograph], frames: Sequence[Frame]) -> AveragedHeatmaps:
        """Radiographs, each in its frame, ready to be looked at as one batch."""
        greys = [
            network_input(radiograph.pixels, frame, self.metadata.input)
            for radiograph, frame in zip(radiographs, frames, strict=True)
        ]
        return self._runner.looks(np.stack(greys))

    def _seen_each(
        self, looks: AveragedHeatmaps, shifts: Sequence[tuple[int, int]], frames: Sequence[Frame]
    ) -> list[_Seen]:
        maps = self._runner.take(looks, shifts)
        if self._chain is not None:
            each = [self._decode(one) for one in maps]
        else:
            together = self._decode(maps)
            each = [DecodedPoints(*(part[i] for part in together)) for i in range(len(maps))]
        outside = mass_outside(maps, torch.stack([one.points for one in each]), self.metadata.decoder.sigma)
        return [
            _Seen(frame, decoded, decoded.points.numpy(), share)
            for frame, decoded, share in zip(frames, each, outside, strict=True)
        ]

    def _looks(self, radiograph: Radiograph, frame: Frame) -> AveragedHeatmaps:
        """The radiograph in a frame, ready to be looked at."""
        return self._runner.looks(network_input(radiograph.pixels, frame, self.metadata.input))

    def _take(self, looks: AveragedHeatmaps, shifts: Sequence[tuple[int, int]]) -> Tensor:
        """As `NetworkRunner.take`, of one radiograph."""
        try:
            return self._runner.take(looks, shifts)
        except torch.OutOfMemoryError as error:
            self.close()
            raise self._runner.out_of_memory() from error

    def _decode(self, maps: Tensor) -> DecodedPoints:
        if self._chain is None:
            return self._decode_alone(maps)
        decoder = self.metadata.decoder
        with torch.inference_mode():
            return decode_chain(maps, decoder.sigma, self._chain, min_peak=decoder.min_peak)

    def _decode_alone(self, maps: Tensor) -> DecodedPoints:
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
        self._runner.close()

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
            **({"compiled": True} if self._runner.compiled else {}),
            "fit": self.metadata.input.fit,
            "decoder": self.metadata.decoder.model_dump(mode="json"),
            "network_shape": list(frame.network_shape),
            "crop": list(frame.crop),
            "image": as_text(radiograph.path) if radiograph.path else None,
            "spacing_source": radiograph.spacing_source,
            "time": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        }


def _told(detection: Detection, radiograph: Radiograph, seconds: float) -> Detection:
    """With what the results say of the radiograph as it is, in whatever view it was looked at."""
    facts: dict[str, Any] = {"pixels_sha256": radiograph.pixels_sha256()}
    if detection.familiarity.unlike:
        facts["unlike_training"] = list(detection.familiarity.reasons)
    landmarks = _noted(detection.landmarks, **facts).inside()
    alone = detection.alone
    if alone is not None:
        alone = landmarks.replace(points=alone, provenance={}).inside().points
    return replace(detection, landmarks=landmarks, alone=alone, seconds=seconds)


def _noted(landmarks: Landmarks, **facts: Any) -> Landmarks:
    return landmarks.replace(provenance={**landmarks.provenance, **facts})


def _found(decoded: DecodedPoints) -> float:
    """Sum of confidences: how much of the anatomy was found, and how surely."""
    return float(torch.nan_to_num(decoded.confidence).sum())
