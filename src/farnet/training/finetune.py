"""Training a model further on other radiographs: settings that keep what the model is, and where its weights go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from farnet.errors import InvalidInputError, SchemeError
from farnet.modelfile import load_model, read_metadata
from farnet.training.config import TrainingConfig, override
from farnet.zoo import find_model

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farnet.modelfile import ModelMetadata
    from farnet.networks import FARNet
    from farnet.scheme import LandmarkScheme

__all__ = ["check_start", "fine_tuning", "load_start"]

_KEPT = ("sigma_coarse", "alpha", "augmentation")  # of the training of the model, where its file tells them
_CHANGED: dict[str, Any] = {
    "weights": "none",
    "optimizer": "adamw",
    "learning_rate": 1e-4,  # a tenth of what a network that knows nothing begins with
    "weight_decay": 0.02,
    "schedule": "onecycle",
    "warmup": 0.2,
    "epochs": 20,
    "batch_size": 2,
    "gradient_clip": 1.0,
    "keep": "best",
    "validation_share": 0.2,
}


def fine_tuning(model: str, changes: Iterable[str] = ()) -> TrainingConfig:
    """Settings that train a model further: few epochs, small steps, everything else as the model has it.

    Network, frame, grey values, sigma, looks and, where the model tells them, the augmentation are those of the model.

    Args:
        model: Name or file of the model.
        changes: As for `farnet.training.config.load_preset`; the network cannot be changed.

    Raises:
        UnknownNameError: There is no such model.
        ModelFileError: The file is no model.
        InvalidInputError: A change is not allowed.
    """
    metadata = read_metadata(find_model(model))
    before = metadata.training.get("settings")
    kept = {key: before[key] for key in _KEPT if key in before} if isinstance(before, dict) else {}
    values = {
        "name": f"{metadata.name}-tuned"[:100],
        "network": metadata.network.model_dump(mode="json"),
        "input": metadata.input.model_dump(mode="json"),
        "sigma": metadata.decoder.sigma,
        "sigma_coarse": max(metadata.decoder.sigma / 2.0, 1.0),
        "shifts": [list(shift) for shift in metadata.decoder.shifts],
        **kept,
        **_CHANGED,
        "start_from": model,
    }
    config = override(values, changes)
    _check_network(config, metadata)
    return config


def check_start(config: TrainingConfig, scheme: LandmarkScheme) -> ModelMetadata | None:
    """See that the model that a run starts from fits the run and its data, without reading the weights.

    Args:
        config: The run.
        scheme: The landmarks of the data.

    Returns:
        What the model's file says, or None where the run starts from no model.

    Raises:
        UnknownNameError, ModelFileError: There is no such model.
        InvalidInputError: The run has another network.
        SchemeError: The model finds other landmarks.
    """
    if not config.start_from:
        return None
    metadata = read_metadata(find_model(config.start_from))
    theirs = metadata.landmark_scheme
    if theirs.names != scheme.names:
        raise SchemeError(
            f"The model {metadata.name} finds the {len(theirs)} landmarks of {theirs.name!r}, and the data has the "
            f"{len(scheme)} of {scheme.name!r}. A model is trained further on its own landmarks only. For others, "
            f"start a new training, whose backbone may begin with the model's: --set weights={config.start_from}."
        )
    _check_network(config, metadata)
    return metadata


def load_start(config: TrainingConfig) -> FARNet:
    """The network of the model that a run starts from, ready to be trained.

    Raises:
        UnknownNameError, ModelFileError, InvalidInputError: As `check_start`.
    """
    network, metadata = load_model(find_model(config.start_from))
    _check_network(config, metadata)
    return network.train()


def _check_network(config: TrainingConfig, metadata: ModelMetadata) -> None:
    if config.network != metadata.network:
        own, theirs = config.network.model_dump(), metadata.network.model_dump()
        changed = ", ".join(f"network.{key}={own[key]!r}" for key in own if own[key] != theirs[key])
        raise InvalidInputError(
            f"A run that starts from {metadata.name} has the network of that model, but the settings have {changed}. "
            "Leave the network as it is, or train a new one without start_from."
        )
