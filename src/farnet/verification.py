"""Verify landmarks: run the model that they say they are from on the radiograph that they say they are of, and compare.

    for check in verify_landmarks(read_annotations("landmarks.csv"), ["scans"]):
        print(check.radiograph, check.outcome, check.reason)

The model is found by its name and SHA-256, the radiograph by the SHA-256 of its file or its pixels, never by its name
alone (`farnet.identity`). The settings are those of the provenance: device, threads of the CPU, precision;
all others are part of the model file. A person's corrections do not count: compared are the points as they were
predicted (`Review.origin`).

On the same computer the points are the same to the last bit. Another device, instruction set or number of threads adds
in another order and rounds otherwise, which moves points a little; `TOLERANCE_PX` is allowed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from farnet.errors import DeviceError, FarnetError, InvalidInputError, per_file
from farnet.finding import RadiographFinder
from farnet.landmarks import outside_picture
from farnet.radiograph import read_radiograph
from farnet.review import Review
from farnet.zoo import find_model, list_models

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from farnet.detection import Detector
    from farnet.landmarks import Landmarks
    from farnet.orientation import Orient
    from farnet.radiograph import Radiograph

__all__ = ["TOLERANCE_PX", "Check", "Outcome", "RadiographFinder", "compare", "verify_landmarks"]

TOLERANCE_PX = 0.01
"""Points that are nearer than this, in px of the radiograph, are the same."""

Outcome = Literal["identical", "same", "differs", "unchecked"]
"""The same to the last bit; within the tolerance; further apart, or found only once; or it could not be run again."""


@dataclass(frozen=True)
class Check:
    """What verifying the landmarks of one radiograph came to.

    Attributes:
        radiograph: Its name in the landmarks.
        outcome: See `Outcome`.
        reason: Why it is unchecked; else what was unlike the first time; empty where nothing was.
        path: The radiograph that was found; None without.
        model: Name of the model that the landmarks say they are from; empty where they name none.
        device: Where it ran now; empty where it did not.
        compared: Landmarks that were compared.
        by_hand: Landmarks that were left out, because a person placed them.
        largest_px: Largest distance of a point now from the point then, in px; NaN where no point was found both times.
        largest_mm: The same in mm; NaN where the size of a pixel is unknown too.
        landmark: Name of the landmark that is furthest off, or that was found only once; empty where all are identical.
        found_once: Names of the landmarks that were found then and not now, or now and not then.
    """

    radiograph: str
    outcome: Outcome
    reason: str = ""
    path: Path | None = None
    model: str = ""
    device: str = ""
    compared: int = 0
    by_hand: int = 0
    largest_px: float = math.nan
    largest_mm: float = math.nan
    landmark: str = ""
    found_once: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the same was found again."""
        return self.outcome in ("identical", "same")


def verify_landmarks(
    items: Iterable[Landmarks],
    radiographs: Iterable[str | Path],
    *,
    model: str | Path | None = None,
    device: str | None = None,
    tolerance: float = TOLERANCE_PX,
) -> Iterator[Check]:
    """Find landmarks once more and compare.

    Args:
        items: The landmarks, as they were found or as a person has corrected them.
        radiographs: Files, or folders, among which their radiographs are.
        model: Where their model is, by name or file; None finds it by what they say. It must be the very same file.
        device: Where to run it; None for where it ran, or where that is not to be had here, the fastest there is.
        tolerance: Distance in px up to which points are the same.

    Yields:
        A check for each of the landmarks, in their order. One that cannot be checked does not end it.

    Raises:
        InvalidInputError: If the tolerance is not a number of at least zero.
        ModelFileError, UnknownNameError: If there is no such model.
        DeviceError: If `device` cannot be used.
    """
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise InvalidInputError(f"The tolerance is {tolerance}; it must be a number of px, 0 or more.")
    models = _Models(None if model is None else find_model(model), device)
    finder = RadiographFinder(radiographs)
    for item in items:
        yield _verified(item, finder, models, tolerance)


def compare(landmarks: Landmarks, again: Landmarks, *, tolerance: float = TOLERANCE_PX) -> Check:
    """Compare landmarks, as they were predicted, with those that were found in the same radiograph once more.

    Args:
        landmarks: What is to be verified; points that a person placed where there was none are left out.
        again: What was found now, of the same scheme.
        tolerance: Distance in px up to which points are the same.

    Raises:
        AnnotationError: If the landmarks carry a damaged review.
    """
    review = Review.of(landmarks)
    names = landmarks.scheme.names
    then, left_out = review.origin, _by_hand(review)
    again = _as_then(again, then)
    kept = ~left_out
    found_then, found_now = np.isfinite(then[:, 0]), again.present
    apart = np.linalg.norm(again.points - then, axis=1)  # NaN where there is no point then or now
    both = kept & found_then & found_now
    once = np.flatnonzero(kept & (found_then != found_now))
    k = int(np.argmax(np.where(both, apart, -1.0)))
    largest = float(apart[k]) if both.any() else math.nan
    identical = np.array_equal(then[kept], again.points[kept], equal_nan=True)
    if identical:
        outcome: Outcome = "identical"
    elif not len(once) and largest <= tolerance:
        outcome = "same"
    else:
        outcome = "differs"
    worst = "" if identical else names[once[0] if len(once) else k]
    spacing = landmarks.spacing
    in_mm = math.nan
    if spacing is not None and both.any():
        in_mm = float(np.linalg.norm((again.points - then) * spacing, axis=1)[both].max())
    return Check(
        radiograph=landmarks.radiograph,
        outcome=outcome,
        compared=int(kept.sum()),
        by_hand=int(left_out.sum()),
        largest_px=largest,
        largest_mm=in_mm,
        landmark=worst,
        found_once=tuple(names[i] for i in once),
    )


class _Models:
    """Detectors of the models that landmarks name; the last one is kept loaded.

    Args:
        path: The only model to use; None finds models by name.
        device: Where they run; None for where they ran.
    """

    def __init__(self, path: Path | None, device: str | None) -> None:
        from farnet.devices import resolve_device

        self._path = path
        self._device = None if device is None else resolve_device(device).name
        self._sums: dict[Path, str] = {}
        self._loaded: tuple[tuple[Path, str, str, Orient], Detector] | None = None

    def detector(self, provenance: Mapping[str, Any]) -> Detector:
        """The model that a provenance names, on its device.

        Raises:
            InvalidInputError: If it is not here, or only another file of its name.
            DeviceError: If its device has too little memory.
        """
        place = self._place(provenance.get("device"))
        # A view that was chosen is chosen again; where none was, the radiograph was looked at as it is.
        orient: Orient = "auto" if _text(provenance, "orientation") else "as-is"
        key = self._find(provenance), place, _precision(provenance.get("precision"), place), orient
        if self._loaded is None or self._loaded[0] != key:
            from farnet.detection import Detector

            if self._loaded is not None:
                self._loaded[1].close()
                self._loaded = None
            self._loaded = key, Detector(*key[:3], orient=orient)
        return self._loaded[1]

    def _find(self, provenance: Mapping[str, Any]) -> Path:
        name, wanted = _text(provenance, "model"), _text(provenance, "model_sha256")
        if not name:
            raise InvalidInputError("the landmarks name no model that they are from")
        if not wanted:
            raise InvalidInputError(f"the SHA-256 of the file of model {name} is not recorded")
        if self._path is not None:
            files = {self._path: str(self._path)}
        else:
            entries = sorted(list_models(), key=lambda entry: entry.name != name)  # its namesake first
            files = {entry.path: entry.name for entry in entries}
        for file in files:
            if self._sha256(file) == wanted:
                return file
        here = str(self._path) if self._path is not None else name
        if self._path is not None or name in files.values():
            raise InvalidInputError(
                f"the model {here} is another file (SHA-256 {self._sha256(next(iter(files)))[:12]}...) than the model "
                f"{name} that the landmarks are from ({wanted[:12]}...); give its file with --model"
            )
        raise InvalidInputError(f"there is no model {name} here (SHA-256 {wanted[:12]}...); give its file with --model")

    def _sha256(self, file: Path) -> str:
        from farnet.modelfile import model_sha256

        if file not in self._sums:
            self._sums[file] = model_sha256(file)
        return self._sums[file]

    def _place(self, recorded: object) -> str:
        from farnet.devices import resolve_device

        if self._device is not None:
            return self._device
        try:
            return resolve_device(str(recorded or "auto")).name
        except DeviceError:  # the landmarks are from another computer; the check says so
            return resolve_device("auto").name


def _precision(recorded: object, device: str) -> str:
    """As it was computed then, where this device can."""
    from farnet.devices import resolve_precision

    try:
        return resolve_precision("bf16" if recorded == "bf16" else "float32", device)
    except DeviceError:  # as for the device: the check says so
        return "float32"


def _verified(item: Landmarks, finder: RadiographFinder, models: _Models, tolerance: float) -> Check:
    from farnet.devices import computing_with

    then = item.provenance
    name, path = _text(then, "model"), None
    try:
        if not name and not item.source.startswith("model "):
            raise InvalidInputError(f"no model placed them, but {item.source or 'somebody'}")
        path = finder.find(item)
        with per_file(path):
            detector = models.detector(then)
            if detector.scheme.names != item.scheme.names:
                raise InvalidInputError(f"the model finds other landmarks ({detector.scheme.name}) than these are")
            radiograph = read_radiograph(path, spacing=item.spacing)
            with computing_with(threads=then.get("threads"), precision=then.get("precision")):
                again = detector.detect(radiograph).landmarks
            check = compare(item, again, tolerance=tolerance)
    except FarnetError as error:
        return Check(item.radiograph, "unchecked", str(error), path, name)
    reason = "" if check.outcome == "identical" else _unlike(then, again.provenance, radiograph)
    return replace(check, reason=reason, path=path, model=name, device=detector.device)


def _as_then(again: Landmarks, then: NDArray[np.float64]) -> Landmarks:
    """With points outside the picture where there were some then: earlier versions gave them as points."""
    points = again.points.copy()
    for name, point in outside_picture(again).items():
        k = again.scheme.index(name)
        if np.isfinite(then[k, 0]):
            points[k] = point
    return again.replace(points=points)


def _by_hand(review: Review) -> NDArray[np.bool_]:
    """Which landmarks have a point that a person placed, or moved without a record of where it was."""
    none_then = ~np.isfinite(review.origin[:, 0])
    edited = review.landmarks.edited
    touched = np.zeros(len(review), np.bool_) if edited is None else edited
    logged = {edit.landmark for edit in review.log}
    recorded = np.array([name in logged for name in review.landmarks.scheme.names])
    left_out: NDArray[np.bool_] = touched & ((none_then & review.landmarks.present) | ~recorded)
    return left_out


def _text(provenance: Mapping[str, Any], key: str) -> str:
    """A text of the provenance; empty where there is none, or something else, as another program may have left."""
    value = provenance.get(key)
    return value if isinstance(value, str) else ""


def _unlike(then: Mapping[str, Any], now: Mapping[str, Any], radiograph: Radiograph) -> str:
    """What was otherwise when the landmarks were found, in words; empty where nothing was."""
    parts = []
    if then.get("pixels_sha256") not in (None, radiograph.pixels_sha256()):
        parts.append("the pixels were others, though the file is the same: changed in the viewer, or decoded otherwise")
    for key in ("device", "hardware", "threads", "precision", "farnet", "torch"):
        if then.get(key) != now.get(key):
            parts.append(f"{key} {then.get(key, 'unknown')}, now {now.get(key)}")
    return "; ".join(parts)
