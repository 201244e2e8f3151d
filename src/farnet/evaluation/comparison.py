"""From a request to landmarks side by side: reads both sides, runs the model where one is asked for, pairs by name.

`compare` is a generator, so that whoever calls it can show progress and stop: the command line, or a dock off its GUI
thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from farnet.errors import AnnotationError, DeviceError, FarnetError, InvalidInputError, per_file
from farnet.evaluation.extras import extras_of
from farnet.evaluation.metrics import Evaluation, evaluate
from farnet.evaluation.pairing import Pairing, listed, pair_landmarks
from farnet.identity import radiograph_key

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from farnet.datasets.named import LandmarkDataset
    from farnet.detection import Detection
    from farnet.evaluation.figures import Extra
    from farnet.evaluation.request import EvaluationRequest
    from farnet.landmarks import Landmarks
    from farnet.radiograph import Radiograph
    from farnet.spacing import Spacing

__all__ = ["Comparison", "DetectorLike", "Step", "compare", "radiograph_files", "read_side"]


class DetectorLike(Protocol):
    """What is needed of a detector; `farnet.detection.Detector` has it."""

    name: str
    sha256: str
    device: str

    def steps(self, radiograph: Radiograph, *, heatmaps: bool = False) -> Generator[str, None, Detection]:
        """Detect, pausing before each stage."""


class Step(NamedTuple):
    """How far a comparison is: `done` of `total` radiographs, and what comes now."""

    done: int
    total: int
    text: str


@dataclass(frozen=True, eq=False)
class Comparison:
    """Predictions beside the truth, and what is known of where they come from.

    Attributes:
        predictions: One `Landmarks` a radiograph.
        references: The true landmarks of the same radiographs, in the same order.
        observers: The same radiographs by each observer of the data set; None where it has none.
        duplicates: Radiographs that a model may have seen in training.
        shifted: Landmarks that were put elsewhere in this part of the data set than in its training.
        files: The file of a radiograph, by its name in `references`, where it is known.
        alone: Where the model would have found each landmark by itself, for a model that finds them together; None
            for others. In the order of `predictions`.
        spread: The plain covariance of the heatmaps, (K, 2, 2) px^2 each, in the order of `predictions`; None where no
            model was run.
        left_out: What was left out and why, and what else is to be told of the landmarks.
        failed: (file, reason) of radiographs that the model could not look at; they are no part of the figures.
        record: What was compared, in JSON types.
    """

    predictions: list[Landmarks]
    references: list[Landmarks]
    observers: list[list[Landmarks]] | None = None
    duplicates: tuple[str, ...] = ()
    shifted: tuple[str, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    alone: list[Landmarks] | None = None
    spread: list[NDArray[np.float64]] | None = None
    left_out: tuple[str, ...] = ()
    failed: tuple[tuple[Path, str], ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def by_itself(self) -> Comparison | None:
        """The same with every landmark found by itself; None where that is no other."""
        return None if self.alone is None else replace(self, predictions=self.alone, alone=None, spread=None)

    def measure(self, request: EvaluationRequest) -> Evaluation:
        """Evaluate with the radii and draws of a request; errors as `farnet.evaluation.evaluate`."""
        return evaluate(
            self.predictions,
            self.references,
            radii=request.radii,
            bootstrap=request.bootstrap,
            seed=request.seed,
            observers=self.observers,
        )

    def extras(self, request: EvaluationRequest) -> tuple[Extra, ...]:
        """The further figures of this kind of landmarks; errors as `farnet.evaluation.extras.extras_of`."""
        return extras_of(
            self.predictions,
            self.references,
            cobb=request.cobb,
            mw_gap=request.mw_gap,
            spread=self.spread,
            bootstrap=request.bootstrap,
            seed=request.seed,
        )

    def without_landmarks(self, names: Sequence[str]) -> Comparison:
        """The same with some landmarks absent, so that they are in none of the figures."""
        if not self.references or not names:
            return self
        rows = [self.references[0].scheme.index(name) for name in names]

        def absent(item: Landmarks) -> Landmarks:
            points = item.points.copy()
            points[rows] = np.nan
            return item.replace(points=points)

        return replace(
            self,
            references=[absent(item) for item in self.references],
            observers=None if self.observers is None else [[absent(o) for o in each] for each in self.observers],
            shifted=(),
        )

    def without(self, names: Sequence[str]) -> Comparison:
        """The same without some radiographs, by name."""
        left_out = {radiograph_key(name) for name in names}
        keep = [i for i, r in enumerate(self.references) if radiograph_key(r.radiograph) not in left_out]
        return replace(
            self,
            predictions=[self.predictions[i] for i in keep],
            references=[self.references[i] for i in keep],
            observers=None if self.observers is None else [[o[i] for i in keep] for o in self.observers],
            alone=None if self.alone is None else [self.alone[i] for i in keep],
            spread=None if self.spread is None else [self.spread[i] for i in keep],
            duplicates=tuple(name for name in self.duplicates if radiograph_key(name) not in left_out),
        )


def compare(
    request: EvaluationRequest, get_detector: Callable[[str, str], DetectorLike] | None = None
) -> Generator[Step, None, Comparison]:
    """Bring predictions, truth and observers into one order.

    Args:
        request: What to compare.
        get_detector: (name, device) -> a detector; None makes a `farnet.detection.Detector`.

    Yields:
        Before the model is loaded, and before each stage of each radiograph that it is run on.

    Returns:
        The comparison, as the value of the generator.

    Raises:
        FarnetError: If a side cannot be read, the sides do not belong together, or the model cannot be run; the message
            says which and how to mend it.
    """
    given = (
        None if request.predictions is None else read_side(request.predictions, request.spacing, labels=request.labels)
    )
    truth = _truth(request)
    if given is not None:
        predicted = given
        alone: dict[str, Landmarks] = {}
        spread: dict[str, NDArray[np.float64]] = {}
        failed: dict[str, str] = {}
        record: dict[str, Any] = {"predictions": str(request.predictions)}
    else:
        predicted, alone, spread, record, failed = yield from _run_model(request, truth, get_detector)
    without = set(map(radiograph_key, failed))
    pairing = pair_landmarks(_rest(predicted, truth.excluded), _rest(truth.landmarks, without))
    notes = _check_complete(pairing, request.common) + _outside(pairing)
    comparison = Comparison(
        pairing.predictions,
        pairing.references,
        alone=[alone[item.radiograph] for item in pairing.predictions] if alone else None,
        spread=[spread[item.radiograph] for item in pairing.predictions] if spread else None,
        files=truth.files,
        left_out=notes,
        failed=tuple((truth.files[name], reason) for name, reason in failed.items()),
        record=truth.record | record,
    )
    if request.wrist is not None:
        comparison = _with_wrist(comparison, request.wrist)
    return comparison if truth.data is None else _with_data(comparison, truth.data)


def read_side(
    path: Path,
    spacing: Spacing | None = None,
    *,
    labels: Path | None = None,
    radiographs: Path | None = None,
    mm_per_pixel: Spacing | None = None,
) -> list[Landmarks]:
    """Read one side: a file of landmarks, or all files of a folder.

    Args:
        path: The file or folder.
        spacing: (row, column) mm per pixel that stands in for what the files say.
        labels: File of a label map, for names of landmarks that are others.
        radiographs: Where the radiographs are, for formats that need their geometry.
        mm_per_pixel: Of files in mm whose radiographs are not there; `spacing` where it is None.

    Raises:
        FarnetError: As `farnet.formats.read_annotations`.
    """
    from farnet.formats import read_annotations, read_labels

    found = read_annotations(
        path,
        labels=None if labels is None else read_labels(labels),
        radiographs=() if radiographs is None else [radiographs],
        spacing=mm_per_pixel or spacing,
    )
    return found if spacing is None else [item.replace(spacing=spacing) for item in found]


def radiograph_files(names: Iterable[str], folder: Path) -> dict[str, Path]:
    """Find the files of radiographs in a folder and the folders in it, by their names; those not there are left out."""
    from farnet.radiograph import find_radiographs

    if not folder.is_dir():
        return {}
    by_key = {radiograph_key(path.name): path for path in reversed(find_radiographs([folder], recursive=True))}
    return {name: by_key[key] for name in names if (key := radiograph_key(name)) in by_key}


@dataclass(frozen=True, eq=False)
class _Truth:
    """The side that predictions are measured against, without what is excluded."""

    landmarks: list[Landmarks]
    files: dict[str, Path]
    record: dict[str, Any]
    excluded: set[str]
    data: LandmarkDataset | None = None


def _truth(request: EvaluationRequest) -> _Truth:
    if request.data is not None:
        from farnet.datasets.named import excluded_names, open_dataset

        data = open_dataset(request.dataset, request.data, split=request.split, observer=request.observer)
        without = excluded_names(request.exclude, data)
        excluded = set(map(radiograph_key, without))
        _check_excluded(without, data.ids)
        rest = [i for i, name in enumerate(data.ids) if radiograph_key(name) not in excluded]
        return _Truth(
            [data.landmarks(i) for i in rest],
            {data.ids[i]: data.path(i) for i in rest},
            {
                "dataset": data.name,
                "data": str(request.data),
                "split": data.split,
                "observer": data.observer,
            },
            excluded,
            data,
        )
    assert request.reference is not None, "a request has a truth"
    excluded = set(map(radiograph_key, request.exclude))
    landmarks = read_side(request.reference, request.spacing, labels=request.labels, radiographs=request.radiographs)
    _check_excluded(request.exclude, [item.radiograph for item in landmarks])
    landmarks = _rest(landmarks, excluded)
    record = {"reference": str(request.reference)}
    if request.radiographs is None:
        return _Truth(landmarks, {}, record, excluded)
    files = _model_files(request.radiographs, excluded)
    names = {radiograph_key(item.radiograph): item.radiograph for item in landmarks}
    known = {names.get(key, path.name): path for key, path in files.items()}
    return _Truth(landmarks, known, record | {"radiographs": str(request.radiographs)}, excluded)


def _model_files(folder: Path, excluded: set[str]) -> dict[str, Path]:
    """The radiographs of a folder by what their names have in common with the reference's."""
    from farnet.radiograph import find_radiographs

    found = find_radiographs([folder]) if folder.is_dir() else []
    if not found or found == [folder]:
        what = "holds no radiographs" if folder.is_dir() else "is no folder"
        raise InvalidInputError(f"{folder} {what}. Give the folder of the radiographs that the model is to look at.")
    files: dict[str, Path] = {}
    for path in found:
        key = radiograph_key(path.name)
        if key in files:
            raise AnnotationError(
                f"{files[key].name} and {path.name} in {folder} are the same radiograph by name (endings and capital "
                "letters do not count), so it cannot be told which of them the reference means; take one out."
            )
        if key not in excluded:
            files[key] = path
    return files


class _Found(NamedTuple):
    """What a model found; `alone`, `spread` and why it failed, by the name of the radiograph; see `Comparison`."""

    landmarks: list[Landmarks]
    alone: dict[str, Landmarks]
    spread: dict[str, NDArray[np.float64]]
    record: dict[str, Any]
    failed: dict[str, str]


def _run_model(
    request: EvaluationRequest, truth: _Truth, get_detector: Callable[[str, str], DetectorLike] | None
) -> Generator[Step, None, _Found]:
    """Detect on the radiographs that the truth knows."""
    from farnet.radiograph import read_radiograph

    jobs: list[tuple[str, Callable[[], Radiograph]]] = []
    if truth.data is not None:
        data = truth.data
        place = {name: i for i, name in enumerate(data.ids)}
        jobs = [(name, lambda i=place[name]: data.radiograph(i)) for name in truth.files]  # type: ignore[misc]
    else:
        wanted = {item.radiograph for item in truth.landmarks}
        alone = [name for name in truth.files if name not in wanted]
        if alone and not request.common:
            raise AnnotationError(
                f"{len(alone)} radiographs have no reference ({listed(alone)}). Take them out of "
                f"{request.radiographs}, or evaluate only the {len(truth.files) - len(alone)} that have one (--common)."
            )
        jobs = [
            (name, lambda path=path: read_radiograph(path, spacing=request.spacing))  # type: ignore[misc]
            for name, path in truth.files.items()
            if name in wanted
        ]
        if not jobs:
            raise AnnotationError(
                f"None of the radiographs in {request.radiographs} has a reference in {request.reference}: the "
                f"radiographs are {listed(truth.files)}, the references are of {listed(sorted(wanted))}. They are "
                "matched by name."
            )
    total = len(jobs)
    yield Step(0, total, f"Loading {request.model_name}")
    detector = (get_detector or _new_detector)(request.model_name, request.device)
    found: list[Landmarks] = []
    by_itself: dict[str, Landmarks] = {}
    spread: dict[str, NDArray[np.float64]] = {}
    failed: dict[str, str] = {}
    seconds = 0.0
    for number, (name, read) in enumerate(jobs):
        yield Step(number, total, name)
        try:
            with per_file(truth.files[name]):
                steps = detector.steps(read())
                while True:
                    try:
                        next(steps)
                    except StopIteration as end:
                        detection: Detection = end.value
                        break
                    yield Step(number, total, name)
        except DeviceError:
            raise
        except FarnetError as error:
            failed[name] = str(error)
            continue
        found.append(detection.landmarks.replace(radiograph=name))
        if detection.alone is not None:
            by_itself[name] = found[-1].replace(points=detection.alone, confidence=None, covariance=None, region95=None)
        if detection.evidence is not None:
            spread[name] = detection.frame.covariance_to_radiograph(detection.evidence.spread)
        seconds += detection.seconds
    if not found:
        raise InvalidInputError(f"The model could look at none of {total} radiographs. {next(iter(failed.values()))}")
    return _Found(
        found,
        by_itself,
        spread,
        {
            "model": detector.name,
            "model_sha256": detector.sha256,
            "device": detector.device,
            "seconds_per_radiograph": seconds / max(len(found), 1),
            "predictions": None,
            "failed": [{"path": str(truth.files[name]), "error": reason} for name, reason in failed.items()],
        },
        failed,
    )


def _new_detector(model: str, device: str) -> DetectorLike:
    from farnet.detection import Detector

    return Detector(model, device)


def _check_excluded(names: Iterable[str], known: Iterable[str]) -> None:
    keys = set(map(radiograph_key, known))
    unknown = [name for name in names if radiograph_key(name) not in keys]
    if unknown:
        raise InvalidInputError(f"--exclude names radiographs that the truth does not have: {listed(unknown)}.")


def _rest(landmarks: Iterable[Landmarks], excluded: set[str]) -> list[Landmarks]:
    return [item for item in landmarks if radiograph_key(item.radiograph) not in excluded]


def _check_complete(pairing: Pairing, common: bool) -> tuple[str, ...]:
    if not common:
        pairing.require_complete()
    sides = ((pairing.only_referenced, "prediction"), (pairing.only_predicted, "reference"))
    return tuple(f"Left out, for want of a {what}: {listed(alone)}" for alone, what in sides if alone)


def _outside(pairing: Pairing) -> tuple[str, ...]:
    """Points that lie beyond the edges of their pictures, in words."""
    told = []
    for side, what in ((pairing.predictions, "predicted"), (pairing.references, "true")):
        found = [item for item in side if item.outside.any()]
        if found:
            count = sum(int(item.outside.sum()) for item in found)
            told.append(
                f"{count} {what} landmarks lie outside the picture and count as they are: on "
                f"{listed([item.radiograph for item in found])}."
            )
    return tuple(told)


def _with_wrist(comparison: Comparison, wrist: tuple[int, int]) -> Comparison:
    """The same with the size of pixels by two landmarks of the true hands."""
    from farnet.evaluation.hand import with_wrist

    strange = next((item.scheme.name for item in comparison.references if item.scheme.name != "hand37"), None)
    if strange is not None:
        raise InvalidInputError(f"--wrist is for hands (scheme 'hand37'); the truth has the scheme {strange!r}.")
    return replace(
        comparison,
        predictions=[item.replace(spacing=None) for item in comparison.predictions],  # theirs may be another pair's
        references=with_wrist(comparison.references, wrist),
        alone=None if comparison.alone is None else [item.replace(spacing=None) for item in comparison.alone],
        record={**comparison.record, "wrist": list(wrist)},
    )


def _with_data(comparison: Comparison, data: LandmarkDataset) -> Comparison:
    """What the data set knows besides: its observers, and which radiographs are in the training split too."""
    place = {name: i for i, name in enumerate(data.ids)}
    order = [place[item.radiograph] for item in comparison.references]
    return replace(
        comparison,
        observers=[[data.observer_landmarks(i, who) for i in order] for who in data.observers] or None,
        duplicates=tuple(data.ids[i] for i in order if data.ids[i] in data.duplicates),
        shifted=data.shifted,
    )
