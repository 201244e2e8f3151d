"""Heatmaps for landmarks that came without them, from one run of a model; the points stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_farnet.correct.rivals import restore_selection
from napari_farnet.detect import models
from napari_farnet.detect.workers import DetectionRequest, DetectorKeeper, detect
from napari_farnet.layers import heatmaps_layer
from napari_farnet.placement import Placement
from napari_farnet.record import kind_of
from napari_farnet.settings import load_settings
from napari_farnet.sources import RadiographSource
from napari_farnet.threads import Failure, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image

    from farnet.landmarks import Landmarks
    from napari_farnet.correct.subject import Subject
    from napari_farnet.detect.workers import DetectionResult
    from napari_farnet.record import Index

__all__ = ["HeatmapMaker", "model_for"]


class HeatmapMaker:
    """Runs a model for its heatmaps, and shows them in one layer that is used again and again.

    Args:
        done: Called when heatmaps came, with an empty text, or did not, with the reason.
    """

    def __init__(self, done: Callable[[str], None]) -> None:
        self._done = done
        self._keeper = DetectorKeeper()
        self._worker: Any = None
        self._layer: Image | None = None

    @property
    def busy(self) -> bool:
        """Whether a model runs."""
        return self._worker is not None

    def make(self, subject: Subject, image: Image) -> str:
        """Begin to make heatmaps of the radiograph that is looked at; gives the model's name, empty if none fits."""
        model = model_for(subject.review.landmarks)
        if not model or self.busy:
            return model
        index = subject.index
        source = RadiographSource.of(image)
        request = DetectionRequest(source, (index,), model, load_settings().device, "each")

        def returned(outcome: DetectionResult | Failure | None) -> None:
            if isinstance(outcome, Failure):
                self._done(str(outcome.error))
            elif outcome is not None and subject.layer in subject.viewer.layers:
                self._show(subject, image, index, outcome)
                self._done("")

        self._worker = start(detect, request, self._keeper, returned=returned, finished=self._on_finished)
        return model

    def close(self) -> None:
        """Stop, and free the memory of the model."""
        if self._worker is not None:
            self._worker.quit()
        self._keeper.retire()

    def _on_finished(self) -> None:
        self._worker = None

    def _show(self, subject: Subject, image: Image, index: Index, result: DetectionResult) -> None:
        from napari.layers import Layer

        if result.heatmaps is None:
            return
        viewer = subject.viewer
        stack = (1,) * len(index)
        data, keywords, kind = heatmaps_layer(
            result.heatmaps, result.frame, index, stack, Placement.of(image), name=f"{image.name} heatmaps"
        )
        if self._layer is None or self._layer not in viewer.layers:
            self._layer = _named(viewer, keywords["name"], len(data.shape))
        if self._layer is not None:
            self._layer.data = data
            self._layer.visible = True
            for name in ("name", "metadata", "scale", "translate", "units", "contrast_limits"):
                setattr(self._layer, name, keywords[name])
        else:
            active, selection = viewer.layers.selection.active, set(viewer.layers.selection)
            self._layer = Layer.create(data, keywords, kind)
            place = viewer.layers.index(subject.layer)
            viewer.layers.insert(place, self._layer)
            restore_selection(viewer, selection, active)
        subject.session.show_heatmaps_in(self._layer)


def _named(viewer: ViewerModel, name: str, ndim: int) -> Image | None:
    """The layer of heatmaps of this name, which a detection has left."""
    for layer in viewer.layers:
        if layer.name == name and layer.ndim == ndim and kind_of(layer.metadata) == "heatmaps":
            return layer
    return None


def model_for(landmarks: Landmarks) -> str:
    """The model that found these landmarks, else any of their scheme; an empty text where there is none."""
    offered = models.available_models()
    own = landmarks.provenance.get("model", "")
    if own in [item.name for item in offered]:
        return str(own)
    fitting = [item.name for item in offered if item.scheme == landmarks.scheme.name]
    preferred = load_settings().model
    return preferred if preferred in fitting else next(iter(fitting), "")
