"""The model of an evaluation in a report: what its file says of itself."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from farnet.errors import FarnetError
from farnet.evaluation.report.section import Section, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from farnet.evaluation import Comparison, EvaluationRequest
    from farnet.modelfile import ModelMetadata

__all__ = ["card_section"]

_MANY = 12  # values of a list that are written out
_TOLD = ("network", "input", "name", "shifts")  # settings that other lines tell


def card_section(comparison: Comparison, request: EvaluationRequest | None) -> Section | None:
    """What the file of the model that was run says; None where none was run.

    A file that cannot be read any more, or is another one by now, is told.
    """
    from farnet.modelfile import model_sha256, read_metadata
    from farnet.zoo import find_model

    if request is None or not request.runs_model:
        return None
    title = "The model"
    try:
        path = find_model(request.model_name)
        metadata = read_metadata(path)
        sha256 = model_sha256(path)
    except (FarnetError, OSError) as error:
        return Section(title, (f"Its file cannot be read, so there is no card: {error}",))
    if sha256 != comparison.record.get("model_sha256"):
        return Section(title, (f"There is no card: {path.name} is another file now than the one that was evaluated.",))
    return Section(
        title,
        tuple(text for text in (metadata.description, metadata.intended_use) if text),
        (
            Table(("", ""), tuple(_facts(metadata)), 2),
            Table(("", ""), tuple(_settings(metadata.training.get("settings"))), 2, title="Settings of its training"),
        ),
    )


def _facts(metadata: ModelMetadata) -> Iterator[tuple[str, str]]:
    network, scheme, training = metadata.network, metadata.landmark_scheme, metadata.training
    yield "name", metadata.name
    yield "title", metadata.title
    yield "landmarks", f"{scheme.title} ({len(scheme)})"
    yield "network", f"FARNet on {network.backbone}, width {network.width}"
    yield "input", "{} x {} pixels".format(*metadata.input.shape)
    data = training.get("data")
    if isinstance(data, dict):
        labels = {"dataset": "", "split": "part ", "observer": "points of: "}
        words = [f"{label}{data[key]}" for key, label in labels.items() if data.get(key)]
        count = training.get("radiographs", data.get("radiographs"))
        number = len(count) if isinstance(count, list) else count
        yield "trained on", ", ".join([*words, *([f"{number} radiographs"] if number else [])])
    if training.get("command"):
        yield "trained with", str(training["command"])
    yield "licence", metadata.licence or "not given"
    yield "intended use", metadata.intended_use
    yield "created", metadata.created
    yield "made with", f"farnet {metadata.farnet_version}"


def _settings(settings: object) -> Iterator[tuple[str, str]]:
    """(name, value) of what the training was told; names in names joined with a dot."""
    if isinstance(settings, dict):
        yield from _flat({name: value for name, value in settings.items() if name not in _TOLD})


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            simple = {key: item for key, item in value.items() if not isinstance(item, dict | list)}
            yield f"{above}{name}", ", ".join(f"{key} {_word(item)}" for key, item in simple.items())
            yield from _flat({key: item for key, item in value.items() if key not in simple}, f"{above}{name}.")
        elif value not in ("", None, []):
            yield f"{above}{name}", _word(value)


def _word(value: object) -> str:
    if isinstance(value, list):
        said = ", ".join(map(_word, value[:_MANY]))
        return said if len(value) <= _MANY else f"{said} and {len(value) - _MANY} others"
    if isinstance(value, str):  # a file: where it lay is nobody's business
        return PurePath(value).name if value.startswith(("/", "~")) else value
    return f"{value:g}" if isinstance(value, float) else str(value)
