"""Looking again at what was held out: each network of a cross-validation at the radiographs that it has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from farnet.errors import InvalidInputError
from farnet.uncertainty.evidence import SIGNS
from farnet.uncertainty.fitting import Held

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from farnet.detection import Detection, Detector
    from farnet.landmarks import Landmarks
    from farnet.modelfile import ModelMetadata

__all__ = ["Look", "held_by_runs", "held_of"]


class Look(NamedTuple):
    """How far it is: `done` of `total` radiographs, and the name of the one that comes now."""

    done: int
    total: int
    name: str


def held_of(found: Iterable[tuple[Detection, Landmarks, int]], landmarks: int) -> Held:
    """Gather detections beside the truth.

    Args:
        found: For each radiograph its detection, its true landmarks and its fold.
        landmarks: K.
    """
    signs: list[NDArray[np.float64]] = []
    spread: list[NDArray[np.float64]] = []
    errors: list[NDArray[np.float64]] = []
    folds: list[int] = []
    for detection, truth, fold in found:
        assert detection.evidence is not None, "a detector gives its evidence"
        signs.append(detection.evidence.signs)
        spread.append(detection.evidence.spread)
        frame = detection.frame
        errors.append(frame.to_network(detection.landmarks.points) - frame.to_network(truth.points))
        folds.append(fold)
    count = len(folds)
    return Held(
        np.reshape(signs, (count, landmarks, len(SIGNS))),
        np.reshape(spread, (count, landmarks, 2, 2)),
        np.reshape(errors, (count, landmarks, 2)),
        np.array(folds, np.intp),
    )


def held_by_runs(
    model: ModelMetadata, folders: Sequence[Path], device: str = "auto"
) -> Generator[Look, None, tuple[Held, list[str]]]:
    """Detect with each fold's network on the radiographs that it was not trained on.

    Args:
        model: What the file of the model says that is to be calibrated; the folds are of the same kind.
        folders: Of the trainings of the folds (`farnet train --set folds=5 --set fold=0`, ...).
        device: Where the networks run.

    Yields:
        Before each radiograph.

    Returns:
        The detections, and the names of the radiographs.

    Raises:
        InvalidInputError: If a folder is not that of a finished training, the trainings are of another network, input
            or scheme than the model, or a radiograph was held out by two of them.
    """
    from farnet.detection import Detector
    from farnet.training.finished import finished_run

    runs = [finished_run(folder) for folder in folders]
    parts = [run.held_out() for run in runs]
    total = sum(len(indices) for _, indices in parts)
    names: list[str] = []
    found: list[tuple[Detection, Landmarks, int]] = []
    for fold, (run, (data, indices)) in enumerate(zip(runs, parts, strict=True)):
        if not indices:
            raise InvalidInputError(f"The training in {run.folder} held no radiograph out; set folds and fold.")
        detector = Detector(run.model, device)
        _check_alike(model, detector, run.folder)
        for index in indices:
            name = data.source.ids[index]
            if name in names:
                raise InvalidInputError(
                    f"Radiograph {name} was held out by two of the trainings; the folds must be of one split (the same "
                    "folds and seed), each given once."
                )
            yield Look(len(names), total, name)
            names.append(name)
            found.append((detector.detect(data.source.radiograph(index)), data.source.landmarks(index), fold))
        detector.close()
    return held_of(found, model.network.landmarks), names


def _check_alike(model: ModelMetadata, detector: Detector, folder: Path) -> None:
    other = detector.metadata
    pairs = {
        "network": (model.network, other.network),
        "input": (model.input, other.input),
        "decoder": (model.decoder, other.decoder),
        "landmarks": (model.landmark_scheme.names, other.landmark_scheme.names),
        "chain": (model.chain is None, other.chain is None),
    }
    different = [name for name, (one, two) in pairs.items() if one != two]
    if different:
        raise InvalidInputError(
            f"The model of {folder} differs from {model.name} in {' and '.join(different)}, so it does not tell what "
            "its heatmaps mean; train the folds with the settings of the model."
        )
