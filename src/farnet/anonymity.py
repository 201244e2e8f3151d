"""What is handed over says nothing of patients, users or their disks: model files, and the sessions of a review.

Names of radiographs are names of patients often enough. In their place stand the SHA-256 of their pixels, and counts.
The sums have no salt, on purpose: whoever has a radiograph can see whether a model was trained on it, also where the
file was copied or saved in another format, and nobody else can make a picture, or a name, of a sum. A name could be
guessed from its sum by trying names, so that no name is hashed anywhere.
"""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from farnet.modelfile import ModelMetadata

__all__ = ["command_without_paths", "file_name", "is_file_name", "without_names", "without_paths"]

_ABSOLUTE = re.compile(r"[/\\~]|[A-Za-z]:[/\\]|file:", re.ASCII)
_SETTINGS = frozenset(
    {
        *("--preset", "--dataset", "--split", "--set", "--validation"),
        *("--accelerator", "--devices", "--nodes", "--strategy", "--precision", "--start-from"),
    }
)
"""Options of a training whose values say how it was made, not on what or where."""
_LONG = {"-o": "--output"}


def file_name(text: str) -> str:
    """The last part of a path of whatever system."""
    return PureWindowsPath(PurePosixPath(text).name).name


def is_file_name(name: object) -> bool:
    """Whether a text names a file in a folder, and leads nowhere else on any system."""
    return isinstance(name, str) and bool(name.strip(". ")) and name == file_name(name) and not set(name) & set("\0:")


def without_paths(value: Any) -> Any:
    """JSON values in which every absolute path has become the name of its file."""
    if isinstance(value, dict):
        return {key: without_paths(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_paths(item) for item in value]
    return file_name(value) if isinstance(value, str) and _ABSOLUTE.match(value) else value


def without_names(metadata: ModelMetadata, sums: Mapping[str, str] | None = None) -> ModelMetadata:
    """What a model file says, without names of radiographs, observers of one's own, and paths.

    Args:
        metadata: With or without names.
        sums: What stands for a radiograph among the largest errors, by its name; others are left out there.
    """
    training = dict(_unnamed(metadata.training, sums or {}))
    if isinstance(command := training.get("command"), str):
        training["command"] = command_without_paths(_words(command))
    if isinstance(settings := training.get("settings"), dict):
        training["settings"] = {key: file_name(value) if _leads(value) else value for key, value in settings.items()}
    if isinstance(data := training.get("data"), dict) and data.get("dataset") == "table" and "observer" in data:
        training["data"] = data | {"observer": "mean" if data["observer"] == "mean" else "one of several"}
    evaluation = _unnamed(metadata.evaluation, sums or {})
    return metadata.model_copy(update={"training": without_paths(training), "evaluation": without_paths(evaluation)})


def command_without_paths(words: Sequence[str], *, names: bool = False) -> str:
    """A command line that says how something was made, with placeholders for what it was made of and where it lies.

    Args:
        words: The command line.
        names: Keep names of files, radiographs and observers, without the folders that they are in.
    """
    return shlex.join(_placeholders(words, names=names))


def _placeholders(words: Iterable[str], *, names: bool) -> Iterator[str]:
    option = ""
    for number, word in enumerate(words):
        if word.startswith("-"):
            option, equals, value = word.partition("=")
            if equals:
                yield f"{option}={_placeholder(option, value, names=names)}"
            else:
                yield word
        elif number < 2:  # farnet train
            yield file_name(word)
        else:
            yield _placeholder(option, word, names=names)


def _placeholder(option: str, value: str, *, names: bool) -> str:
    key, equals, rest = value.partition("=")
    if names or option in _SETTINGS:
        return f"{key}={file_name(rest)}" if equals and _leads(rest) else file_name(value) if _leads(value) else value
    return _LONG.get(option, option).strip("-").upper().replace("-", "_") or "FILE"


def _leads(value: object) -> bool:
    return isinstance(value, str) and ("/" in value or "\\" in value)


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:  # no command line
        return []


def _unnamed(value: Any, sums: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_unnamed(item, sums) for item in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, item in value.items():
        if key == "radiographs" and isinstance(item, list):
            found[key] = len(item)
        elif key == "radiograph" and isinstance(item, str):
            if item in sums:
                found[key] = sums[item]
        else:
            found[key] = _unnamed(item, sums)
    return found
