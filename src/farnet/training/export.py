"""From a finished training to a model file with its card."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

import farnet
from farnet.anonymity import command_without_paths, without_names, without_paths
from farnet.chain import Chain
from farnet.detection import Detector
from farnet.evaluation import evaluate
from farnet.modelfile import DecoderConfig, ModelMetadata, model_sha256, read_metadata, save_model
from farnet.zoo import find_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from farnet.networks import FARNet
    from farnet.training.data import LandmarkData

__all__ = ["export_model"]

_CONFIDENCES = 30  # radiographs that tell how sure the network is
_MARGIN_HELD_OUT, _MARGIN_TRAINED = 0.9, 0.85


def export_model(
    path: Path,
    network: FARNet,
    data: LandmarkData,
    *,
    record: Mapping[str, Any],
    weights: str = "",
    command: Sequence[str] = (),
    card: Mapping[str, str] | None = None,
    names: bool = False,
) -> ModelMetadata:
    """Write the model file of a training.

    Args:
        path: The file, ending in .safetensors.
        network: The finished network.
        data: What it was trained on; radiographs held out are evaluated, and the figures go into the file.
        record: Which data that was, for the card: data set, split, observer, radiographs.
        weights: Which of the training these are, for the card.
        command: The command line that trained it, for the card.
        names: Write the names of the radiographs too; without, the file has the SHA-256 of their pixels alone. No
            path is ever written.
        card: Texts ``title``, ``description``, ``licence``, ``intended_use`` that replace the defaults.

    Returns:
        The metadata that the file holds; ``evaluation["held_out"]`` where radiographs were held out.

    Raises:
        ModelFileError: The weights are not finite.
        OutputError: The file cannot be written.
    """
    config = data.config
    source = data.training.source
    scheme = source.landmarks(data.training_indices[0]).scheme
    trained, held_out = data.training.pixels_sha256(), data.validation.pixels_sha256()
    start = read_metadata(find_model(config.start_from)) if config.start_from else None
    typical = _typical_points(data, start)
    texts = {
        "title": f"{scheme.title}, {config.network.backbone}",
        "licence": "Weights: as the licence of the training data allows.",
        **(card or {}),
    }
    metadata = ModelMetadata(
        name=config.name,
        network=config.network,
        input=config.input,
        decoder=DecoderConfig(sigma=config.sigma, shifts=config.shifts),
        scheme=scheme.to_dict(),
        typical_points=[(float(r), float(c)) for r, c in typical],
        chain=_chain(data),
        training={
            "settings": config.model_dump(mode="json"),
            "data": dict(record),
            "command": command_without_paths(command, names=names),
            "radiographs": len(data.training_indices),
            "pixels_sha256": sorted(trained.values()),  # in no order that tells which is which
            **({"held_out_pixels_sha256": sorted(held_out.values())} if held_out else {}),
            **({"weights": weights} if weights else {}),
            **({} if start is None else {"started_from": _origin(start, config.start_from)}),
        },
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        farnet_version=farnet.__version__,
        **texts,
    )
    metadata = metadata.model_copy(update={"least_confidence": _least_confidence(network, metadata, data)})
    if data.validation_indices:
        metadata = metadata.model_copy(update={"evaluation": {"held_out": _held_out(network, metadata, data)}})
    if names:
        metadata = metadata.model_copy(update={"training": without_paths(metadata.training)})
    else:
        sums = {source.landmarks(index).radiograph: sha256[:12] for index, sha256 in held_out.items()}
        metadata = without_names(metadata, sums)
    save_model(path, network, metadata, half=True)
    return metadata


def _typical_points(data: LandmarkData, start: ModelMetadata | None) -> NDArray[np.float64]:
    """(K, 2) mean of the landmarks in network pixels, as the radiographs lie in the frame.

    A landmark that no radiograph of the training has is where the model that the training started from expects it.
    """
    points = np.stack([data.training.points(item) for item in range(len(data.training_indices))])
    known = np.isfinite(points)
    mean = np.where(known, points, 0.0).sum(0) / np.maximum(known.sum(0), 1)
    if start is None or start.typical_points is None or start.input.shape != data.config.input.shape:
        return np.asarray(mean)
    return np.where(known.any(0), mean, np.asarray(start.typical_points, np.float64))


def _chain(data: LandmarkData) -> dict[str, Any] | None:
    """How the groups of landmarks follow each other in the training."""
    if not data.config.chain:
        return None
    points = np.stack([data.training.points(item) for item in range(len(data.training_indices))])
    return Chain.fit(points, data.config.chain).to_dict()


def _least_confidence(network: FARNet, metadata: ModelMetadata, data: LandmarkData) -> float:
    """The median confidence that radiographs of this kind have at least, with a margin.

    Those held out tell it; without any, those of the training, of which a network is surer than of others.
    """
    part = data.validation if data.validation_indices else data.training
    margin = _MARGIN_HELD_OUT if data.validation_indices else _MARGIN_TRAINED
    count = len(part.indices)
    chosen = np.unique(np.linspace(0, count - 1, min(count, _CONFIDENCES)).astype(int))
    detector = Detector.from_network(network, metadata, "cpu")
    medians = [
        detector.detect(part.source.radiograph(part.indices[item])).familiarity.confidence for item in chosen.tolist()
    ]
    return round(float(margin * np.percentile(medians, 5)), 3)


def _origin(start: ModelMetadata, name: str) -> dict[str, str]:
    return {"model": start.name, "sha256": model_sha256(find_model(name)), "created": start.created}


def _held_out(network: FARNet, metadata: ModelMetadata, data: LandmarkData) -> dict[str, Any]:
    source = data.validation.source
    detector = Detector.from_network(network, metadata, "cpu")
    found = [detector.detect(source.radiograph(i)).landmarks for i in data.validation_indices]
    truth = [source.landmarks(i) for i in data.validation_indices]
    return evaluate(found, truth).to_dict()
