"""One .safetensors file is a model: weights, and as JSON in its header everything that is needed to use and judge them.

Reading a model file never unpickles and never runs anything from it. Half-precision weights are widened on loading.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from farnet.errors import InvalidInputError, ModelFileError
from farnet.inputs import InputConfig
from farnet.networks.config import NetworkConfig
from farnet.scheme import LandmarkScheme

if TYPE_CHECKING:
    from farnet.networks.farnet import FARNet

__all__ = [
    "FORMAT_VERSION",
    "DecoderConfig",
    "ModelMetadata",
    "Shifts",
    "copy_model",
    "load_model",
    "model_sha256",
    "read_metadata",
    "save_model",
]

FORMAT_VERSION = 2  # 2: chain, least_confidence, calibration
_KEY = "farnet"

_Shift = Annotated[int, Field(ge=-64, le=64)]
Shifts = Annotated[
    tuple[tuple[_Shift, _Shift], ...],
    Field(
        min_length=1,
        max_length=16,
        description="(rows, columns) by which the input is moved for each look, whose heatmaps are averaged; one look "
        "without a move by default",
    ),
]
"""Looks at one radiograph; see `farnet.averaging`."""


class DecoderConfig(BaseModel):
    """How heatmaps become points."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Literal["matched", "argmax"] = "matched"
    sigma: float = Field(default=10.0, gt=0, description="sigma of the fine targets in network pixels")
    min_peak: float = Field(default=0.05, ge=0, le=1, description="least height of a heatmap that is a landmark")
    shifts: Shifts = ((0, 0),)


class ModelMetadata(BaseModel):
    """What a model file says about its weights.

    ``typical_points`` is the mean of the training landmarks in network pixels, (K, 2) row, column: how a radiograph is
    expected to lie in the frame. ``chain`` says how groups of landmarks follow each other, where they are found
    together (`farnet.chain.Chain.to_dict`). ``least_confidence`` is the median confidence below which a radiograph is
    unlike those that the model knows (`farnet.familiarity`). ``calibration`` makes millimetres of the signs of
    uncertainty (`farnet.uncertainty.Calibration.to_dict`). ``training`` and ``evaluation`` are records for people:
    settings, data, figures.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: int = FORMAT_VERSION
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    title: str = ""
    description: str = ""
    network: NetworkConfig
    input: InputConfig
    decoder: DecoderConfig
    scheme: dict[str, Any]
    typical_points: list[tuple[float, float]] | None = None
    chain: dict[str, Any] | None = None
    least_confidence: float | None = Field(default=None, ge=0, le=1)
    calibration: dict[str, Any] | None = None
    training: dict[str, Any] = Field(default_factory=dict)
    evaluation: dict[str, Any] = Field(default_factory=dict)
    licence: str = ""
    intended_use: str = "Research use, not for diagnosis."
    created: str = ""
    farnet_version: str = ""

    @field_validator("scheme")
    @classmethod
    def _is_scheme(cls, value: dict[str, Any]) -> dict[str, Any]:
        LandmarkScheme.from_dict(value)
        return value

    @property
    def landmark_scheme(self) -> LandmarkScheme:
        """The scheme as an object."""
        return LandmarkScheme.from_dict(self.scheme)


def save_model(path: str | Path, network: FARNet, metadata: ModelMetadata, *, half: bool = False) -> None:
    """Write a model file atomically.

    Args:
        path: The file, ending in .safetensors.
        network: The weights; its configuration must be that of the metadata.
        metadata: Everything else.
        half: Store in 16 bit, which halves the file, every weight but those too large for it.

    Raises:
        ModelFileError: Network and metadata do not belong together, or a weight is not finite.
        OutputError: The file cannot be written.
    """
    import torch
    from safetensors.torch import save

    from farnet.atomic import write_bytes_atomic

    path = Path(path)
    if network.config != metadata.network or len(metadata.landmark_scheme) != metadata.network.landmarks:
        raise ModelFileError("the network, its configuration and the scheme of the metadata do not belong together")
    tensors = {}
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        stored = tensor.detach().cpu().float()
        if not bool(torch.isfinite(stored).all()):
            raise ModelFileError(f"weight {name} is not finite; the training has diverged, use an earlier checkpoint")
        if half and bool(torch.isfinite(stored.half()).all()):
            stored = stored.half()
        tensors[name] = stored.contiguous()
    write_bytes_atomic(path, save(tensors, {_KEY: metadata.model_dump_json()}))


def copy_model(source: str | Path, target: str | Path, metadata: ModelMetadata) -> None:
    """Write a model file with the same weights, to the last bit, and other metadata.

    Raises:
        ModelFileError: The source is no model file, or the metadata are of another network.
        OutputError: The target cannot be written.
    """
    from safetensors import safe_open
    from safetensors.torch import save

    from farnet.atomic import write_bytes_atomic

    if read_metadata(source).network != metadata.network:
        raise ModelFileError(f"the metadata are not of the network in {source}")
    with safe_open(source, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # a file is no dictionary
    write_bytes_atomic(Path(target), save(tensors, {_KEY: metadata.model_dump_json()}))


def read_metadata(path: str | Path) -> ModelMetadata:
    """Read what a model file says, without its weights and without torch.

    Raises:
        ModelFileError: The file is missing, is no model of this project, is damaged or of a newer format.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise ModelFileError(f"no model file at {path}; `farnet models` lists the models that are there")
    try:
        with safe_open(path, framework="numpy") as file:
            header: dict[str, str] | None = file.metadata()
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelFileError(
            f"{path} is no readable .safetensors file ({error}); models are loaded from that format alone, never from "
            "pickled checkpoints"
        ) from error
    if not header or _KEY not in header:
        raise ModelFileError(
            f"{path} holds weights but no description of a landmark model; train or export one with farnet"
        )
    try:
        values = json.loads(header[_KEY])
        version = values.get("format_version") if isinstance(values, dict) else None
        if not isinstance(version, int) or version > FORMAT_VERSION:
            raise ModelFileError(
                f"{path} is of model format {version!r}, this farnet reads up to {FORMAT_VERSION}; update napari-farnet"
            )
        metadata = ModelMetadata.model_validate(values)
    except (ValueError, ValidationError, RecursionError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"the description in {path} is damaged: {_first_line(error)}") from error
    if len(metadata.landmark_scheme) != metadata.network.landmarks:
        raise ModelFileError(
            f"{path} has {metadata.network.landmarks} heatmaps but {len(metadata.landmark_scheme)} landmarks"
        )
    points = metadata.typical_points
    if points is not None and len(points) != metadata.network.landmarks:
        raise ModelFileError(f"{path} has {len(points)} typical points for {metadata.network.landmarks} landmarks")
    if metadata.chain is not None:
        offsets = metadata.chain.get("offsets")
        sizes = [len(group) if isinstance(group, list) else 0 for group in offsets] if isinstance(offsets, list) else []
        if sum(sizes) != metadata.network.landmarks:
            raise ModelFileError(
                f"{path} has a chain of {sum(sizes)} landmarks for {metadata.network.landmarks} heatmaps"
            )
    if metadata.calibration is not None:
        _check_calibration(path, metadata)
    return metadata


def _check_calibration(path: Path, metadata: ModelMetadata) -> None:
    from farnet.uncertainty.calibration import Calibration

    try:
        calibration = Calibration.from_dict(metadata.calibration or {})
    except InvalidInputError as error:
        raise ModelFileError(f"the calibration in {path} cannot be used: {error}") from error
    if len(calibration) != metadata.network.landmarks:
        raise ModelFileError(
            f"{path} has a calibration of {len(calibration)} landmarks for {metadata.network.landmarks} heatmaps"
        )


def load_model(path: str | Path) -> tuple[FARNet, ModelMetadata]:
    """Read a model: the network on the CPU, float32, in evaluation mode, and its metadata.

    Raises:
        ModelFileError: As `read_metadata`, or the weights do not fit the network that the file describes.
        MissingExtraError: The backbone needs an extra that is not installed.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from farnet.networks import build_network

    metadata = read_metadata(path)
    try:
        weights = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelFileError(f"cannot read the weights in {path}: {error}") from error
    # First without memory, so that a lying description cannot make us allocate what the file does not hold.
    with torch.device("meta"):
        expected = build_network(metadata.network).state_dict()
    counters = [name for name in expected if name.endswith("num_batches_tracked")]
    wrong = sorted(expected.keys() - weights.keys() - set(counters)) or sorted(weights.keys() - expected.keys())
    wrong = wrong or [name for name, tensor in weights.items() if tensor.shape != expected[name].shape]
    if wrong:
        raise ModelFileError(
            f"the weights in {path} do not fit the network that it describes ({metadata.network.backbone}, width "
            f"{metadata.network.width}): {len(wrong)} missing, unknown or misshapen, such as {wrong[0]}"
        )
    network = build_network(metadata.network)
    state = {name: tensor.to(torch.float32) for name, tensor in weights.items()}
    state.update({name: torch.zeros((), dtype=torch.long) for name in counters})
    network.load_state_dict(state)
    return network.eval(), metadata


def model_sha256(path: str | Path) -> str:
    """SHA-256 of a model file in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
