"""Words of the dock "Train a model": what can be started from, how long it lasts, and what to do about failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farnet.errors import ModelFileError
from napari_farnet.train.request import StartChoice
from napari_farnet.train.runs import runs_folder

if TYPE_CHECKING:
    from pathlib import Path

    from farnet.training.progress import Event

__all__ = ["advice_for", "describe_start", "free_name", "lasting", "model_text", "name_problem", "starts"]

_ADVICE = {
    "oom": " Try a smaller batch, or the preset Light.",
    "disk": " Then press Resume.",
    "diverged": " Lower the learning rate and train under another name.",
    "killed": " Press Resume to go on.",
    "interrupted": " Press Resume to go on.",
}
_NEEDS_RESUME = ("disk", "killed", "interrupted")


def starts() -> list[tuple[str, StartChoice]]:
    """What a network can begin with, with words for it: nothing, or the models that there are."""
    from farnet.zoo import list_models

    entries = list_models()
    return [
        ("A new network", StartChoice()),
        *((f"{entry.name}, trained further", StartChoice("model", entry.name)) for entry in entries),
        *((f"A new network, backbone of {entry.name}", StartChoice("backbone", entry.name)) for entry in entries),
    ]


def describe_start(file: Path) -> list[tuple[str, StartChoice]]:
    """What a file can be started from: a model in both ways, other weights as a backbone.

    Raises:
        ModelFileError: It is no .safetensors file.
    """
    from safetensors import SafetensorError, safe_open

    from farnet.modelfile import read_metadata

    try:
        with safe_open(file, framework="numpy") as opened:
            opened.metadata()
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelFileError(f"{file} is no readable .safetensors file ({error}).") from error
    backbone = (f"A new network, backbone of {file.name}", StartChoice("backbone", str(file)))
    try:
        read_metadata(file)
    except ModelFileError:
        return [backbone]  # weights alone, without a model's description
    return [(f"{file.name}, trained further", StartChoice("model", str(file))), backbone]


def lasting(seconds: float | None) -> str:
    """How long it still takes, as people say it; empty where it is not known."""
    if seconds is None:
        return ""
    minutes = seconds / 60.0
    if minutes < 1.5:
        return "About a minute left" if minutes > 0.75 else "Less than a minute left"
    if minutes < 90:
        return f"About {minutes:.0f} minutes left"
    return f"About {minutes / 60:.1f} hours left"


def advice_for(event: Event) -> str:
    """What to do about a failure, in the words of the dock; empty where its message says it."""
    kind = event.get("kind", "")
    if kind in _NEEDS_RESUME and not event.get("resumable"):
        return ""
    return _ADVICE.get(kind, "")


def name_problem(name: str) -> str:
    """Why a model cannot have this name; empty where it can."""
    from pydantic import ValidationError

    from farnet.training.config import TrainingConfig

    if not name:
        return "Give the new model a name."
    if len(name) > 100:
        return "The name is too long; 100 characters are the most."
    try:
        TrainingConfig(name=name)
    except ValidationError:
        return (
            f"{name!r} cannot be a name: use letters (a-z), digits, dots, dashes and underscores, and begin with a "
            "letter or digit."
        )
    return ""


def free_name(name: str) -> str:
    """The name, with a number where a model or a run has it already."""
    from farnet.zoo import list_models

    taken = {entry.name for entry in list_models()}
    candidate, number = name, 2
    while candidate in taken or (runs_folder() / candidate).exists():
        candidate, number = f"{name}-{number}", number + 1
    return candidate


def model_text(event: Event) -> str:
    """Where the new model is, and how good."""
    text = f"The model (weights: {event.get('weights', '')}) is in the list of Detect landmarks."
    held_out = (event.get("evaluation") or {}).get("held_out")
    if held_out and held_out["pooled"].get("mre") is not None:
        figure = f"{held_out['pooled']['mre']:.2f} {held_out['unit']}"
        text += f" Mean error on {held_out['n_radiographs']} radiographs held out: {figure}."
    return text
