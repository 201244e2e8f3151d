"""Which models there are: those that come with the package, and those in the user's folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from farnet.errors import FarnetError, ModelFileError, unknown_name
from farnet.modelfile import ModelMetadata, read_metadata

__all__ = [
    "DEFAULT_MODEL",
    "ModelEntry",
    "bundled_folder",
    "find_model",
    "list_models",
    "unreadable_models",
    "user_folder",
]

DEFAULT_MODEL = "ceph19-compact"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model that can be used by name.

    Attributes:
        name: What to ask for.
        path: The file.
        metadata: What the file says about itself.
        bundled: Whether it came with the package.
    """

    name: str
    path: Path
    metadata: ModelMetadata
    bundled: bool


def bundled_folder() -> Path:
    """Where the models that come with the package are."""
    return Path(__file__).parent / "models"


def user_folder() -> Path:
    """Where further models are looked for: ``FARNET_MODELS`` if set, else ``models`` in the user's data folder."""
    if folder := os.environ.get("FARNET_MODELS"):
        return Path(folder)
    from platformdirs import user_data_path

    return user_data_path("farnet", appauthor=False) / "models"


def list_models() -> list[ModelEntry]:
    """All readable models, bundled ones first, then by name; a user's model hides a bundled namesake."""
    return sorted(_scan()[0].values(), key=lambda entry: (not entry.bundled, entry.name))


def unreadable_models() -> dict[Path, str]:
    """Files in the model folders that are no models, with the reason."""
    return _scan()[1]


def find_model(name: str | Path) -> Path:
    """The file of a model.

    Args:
        name: A name of `list_models`, or the path of a model file.

    Raises:
        UnknownNameError: There is no model of that name.
        ModelFileError: The path does not exist.
    """
    path = Path(name)
    if path.suffix == ".safetensors" or path.is_file() or len(path.parts) > 1:
        if not path.is_file():
            raise ModelFileError(f"no model file at {path}; `farnet models` lists the models that are there")
        return path
    models, _ = _scan()
    if str(name) not in models:
        raise unknown_name("model", str(name), [*models, "FILE.safetensors"])
    return models[str(name)].path


def _scan() -> tuple[dict[str, ModelEntry], dict[Path, str]]:
    models: dict[str, ModelEntry] = {}
    broken: dict[Path, str] = {}
    for folder, bundled in ((bundled_folder(), True), (user_folder(), False)):
        if not folder.is_dir():
            continue
        for path in sorted(folder.glob("*.safetensors")):
            try:
                metadata = read_metadata(path)
            except FarnetError as error:
                broken[path] = str(error)
            else:
                models[metadata.name] = ModelEntry(metadata.name, path, metadata, bundled)
    return models, broken
