"""From what the form says to what is to be done: a generator off the GUI thread, or the command that does the same."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farnet.errors import InvalidInputError
from farnet.evaluation.comparison import Comparison
from farnet.evaluation.observer_request import ObserversRequest
from farnet.evaluation.request import EvaluationRequest
from napari_farnet.evaluate.results import evaluate_files, evaluate_layers, study_files, study_layers
from napari_farnet.evaluate.sides import LayerSides, image_under, sides_of
from napari_farnet.sources import RadiographSource

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Layer, Points

    from napari_farnet.detect.workers import DetectorKeeper
    from napari_farnet.evaluate.form import EvaluateForm
    from napari_farnet.evaluate.pages import Settings

__all__ = ["Job", "command_of", "job_of"]

_SAVE_FIRST = (
    "The command line reads files, and the layer {name!r} is not from one. Save the layers (File \N{RIGHTWARDS ARROW} "
    "Save Selected Layers) and open the files, or compare the files here, to get the command."
)


@dataclass(frozen=True)
class Job:
    """What is to be done.

    Attributes:
        generator: For `napari_farnet.threads.start`.
        arguments: Its arguments after the event that stops it.
        layers: The layers that were read for it; none where files are.
    """

    generator: Callable[..., Any]
    arguments: tuple[Any, ...]
    layers: tuple[Points, ...] = ()


def job_of(form: EvaluateForm, viewer: ViewerModel, keeper: DetectorKeeper) -> Job:
    """What the form asks for; layers are read now, files later.

    Raises:
        FarnetError: If something is missing or does not belong together; the message says what.
    """
    settings = form.settings()
    if form.current_mode == "layers":
        return _layers_job(form, viewer, settings)
    if form.current_mode == "files":
        page = form.files_page
        return Job(evaluate_files, (page.request(settings), keeper, page.radiographs.path))
    if form.current_mode == "model":
        return Job(evaluate_files, (form.model_page.request(settings), keeper, None))
    if form.observers_page.in_files:
        request = form.observers_page.request(settings)
        return Job(study_files, (request, form.observers_page.radiographs.path))
    return _observers_job(form, viewer, settings)


def command_of(form: EvaluateForm) -> list[str]:
    """The `farnet evaluate` or `farnet observers` that finds the same figures, its words.

    Raises:
        FarnetError: As `job_of`, and where a layer is not from a file.
    """
    settings = form.settings()
    if form.current_mode == "files":
        return form.files_page.request(settings).words()
    if form.current_mode == "model":
        return form.model_page.request(settings).words()
    if form.current_mode == "layers":
        predicted, reference = _two_layers(form)
        return EvaluationRequest(
            predictions=_file_of(predicted),
            reference=_file_of(reference),
            common=form.layers_page.common.isChecked(),
            **settings,
        ).words()
    page = form.observers_page
    if page.in_files:
        return page.request(settings).words()
    model = page.model_layer.layer()
    return ObserversRequest(
        files=tuple((str(layer.name), _file_of(layer)) for layer in _observer_layers(form)),
        predictions=None if model is None else _file_of(model),
        common=page.common.isChecked(),
        **settings,
    ).words()


def _layers_job(form: EvaluateForm, viewer: ViewerModel, settings: Settings) -> Job:
    both = _two_layers(form)
    sides = _read(both, viewer, common=form.layers_page.common.isChecked())
    title = f"{both[0].name} against {both[1].name}"
    predictions, references = sides.sides
    comparison = Comparison(
        predictions,
        references,
        files=_files(sides, viewer, both[-1]),
        record={"predictions": str(both[0].name), "reference": str(both[1].name)},
    )
    return Job(evaluate_layers, (*sides.sides, title, settings, _indices(sides), sides.notes, comparison), both)


def _observers_job(form: EvaluateForm, viewer: ViewerModel, settings: Settings) -> Job:
    from farnet.evaluation.observers import study_observers

    page = form.observers_page
    layers, model = _observer_layers(form), page.model_layer.layer()
    everybody = (*layers, *(() if model is None else (model,)))
    sides = _read(everybody, viewer, common=page.common.isChecked())
    study = partial(
        study_observers,
        {str(layer.name): side for layer, side in zip(layers, sides.sides, strict=False)},  # the model comes last
        model=None if model is None else sides.sides[-1],
        model_name="model" if model is None else str(model.name),
        **settings,
    )
    return Job(study_layers, (study, _indices(sides), sides.notes), everybody)


def _two_layers(form: EvaluateForm) -> tuple[Points, Points]:
    page = form.layers_page
    predicted, reference = page.predictions.layer(), page.references.layer()
    if predicted is None or reference is None or predicted == reference:
        raise InvalidInputError(
            "Two layers of landmarks are needed, such as a detection and a reading. Detect, or open a file of them."
        )
    return predicted, reference


def _observer_layers(form: EvaluateForm) -> list[Points]:
    page = form.observers_page
    model = page.model_layer.layer()
    layers = [layer for layer in page.layers.layers() if layer != model]
    if len(layers) + (model is not None) < 2 or not layers:
        raise InvalidInputError("Tick two or more layers of landmarks, one of each observer.")
    return layers


def _read(layers: tuple[Points, ...], viewer: ViewerModel, *, common: bool) -> LayerSides:
    return sides_of(layers, image_under(viewer, layers[-1]), common=common)


def _indices(sides: LayerSides) -> dict[str, Any]:
    return {item.radiograph: index for item, index in zip(sides.sides[-1], sides.indices, strict=True)}


def _files(sides: LayerSides, viewer: ViewerModel, layer: Points) -> dict[str, Path]:
    """The file of the radiograph under a layer, by its name, where it is a single one that is as in its file."""
    image = image_under(viewer, layer)
    path = None if image is None else RadiographSource.of(image).path
    return {sides.sides[-1][0].radiograph: path} if path is not None and sides.indices == [()] else {}


def _file_of(layer: Layer) -> Path:
    path = layer.source.path
    if not path:
        raise InvalidInputError(_SAVE_FIRST.format(name=str(layer.name)))
    return Path(path)
