"""The dock "Detect landmarks": it wires the form to the viewer and runs detections."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from farnet.errors import FarnetError, InvalidInputError
from napari_farnet.detect import models
from napari_farnet.detect.command import detect_command
from napari_farnet.detect.form import DetectForm
from napari_farnet.detect.showing import PAUSE_MS, Showing, show_result
from napari_farnet.detect.workers import DetectionRequest, DetectorKeeper, detect, find_devices
from napari_farnet.model_events import model_events
from napari_farnet.settings import load_settings
from napari_farnet.sources import RadiographSource, current_index, refusal
from napari_farnet.threads import Failure, Progress, start
from napari_farnet.ui.dock import Dock
from napari_farnet.ui.layer_choice import layer_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Layer

    from farnet.devices import DeviceChoice
    from napari_farnet.detect.workers import DetectionResult

__all__ = ["DetectWidget"]

_WELCOME = "Open a radiograph, or the sample in File \N{RIGHTWARDS ARROW} Open Sample, and press Detect."
_NO_IMAGE = "There is no image in the viewer. Open a radiograph first."
_LOOKING = "Looking for devices \N{HORIZONTAL ELLIPSIS}"
_DEVICES_AFTER_MS = 200  # which takes torch: the dock is drawn first
_DRAG = "Drag a point to correct it."
_SELECT = "Select a point to see its heatmap, drag it to correct it."


class DetectWidget(Dock):
    """Finds landmarks on an image of the viewer, off the GUI thread.

    Args:
        napari_viewer: The viewer that the dock is in.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer, "detect")
        from napari_farnet.session import watch

        self._viewer = viewer = napari_viewer
        self._run = _Run()
        settings = load_settings()
        self.form = form = DetectForm()
        self.set_form(form)
        form.heatmaps.setCurrentIndex(form.heatmaps.findData(settings.heatmaps))
        form.detect_requested.connect(self.detect)
        form.cancel_requested.connect(partial(self._stop, "Cancelled. Nothing was added."))
        form.refresh_requested.connect(self._look_for_models)
        form.image_changed.connect(self._describe_image)
        form.model_changed.connect(self._describe_model)
        form.cpu_requested.connect(self._detect_on_cpu)
        self.listen(model_events.changed, self._look_for_models)
        self.listen(viewer.layers.events.inserted, self._list_images)
        self.listen(viewer.layers.events.removed, self._on_removed)
        self.listen(viewer.layers.events.renamed, self._list_images)
        self.listen(viewer.layers.selection.events.active, self._on_active)
        self.listen(viewer.dims.events.current_step, self._describe_slices)
        self.destroyed.connect(partial(_farewell, self._run))
        watch(viewer)
        self._say(_WELCOME)
        self._list_models()
        self._list_images()
        form.set_devices(_before_looking(settings.device), settings.device)
        form.device_hint.setText(_LOOKING)
        QTimer.singleShot(_DEVICES_AFTER_MS, self._look_for_devices)

    # What there is to choose from

    def _list_images(self, _event: object = None) -> None:
        images = [layer for layer in self._viewer.layers if not refusal(layer)]
        chosen = self.form.image.currentData() or layer_id(self._viewer.layers.selection.active)
        self.form.set_images([(str(layer.name), layer_id(layer)) for layer in reversed(images)], chosen)
        self._describe_image()

    def _on_active(self, event: Any) -> None:
        """Follow the selection in the layer list, and say why a layer that is no image cannot be used."""
        layer = event.value
        if layer is None or self._run.worker is not None:
            return
        reason = refusal(layer)
        if not reason:
            self.form.image.setCurrentIndex(self.form.image.findData(layer_id(layer)))
        elif layer.__class__.__name__ == "Labels":
            self._say(reason)
        self._describe_image()

    def _image(self) -> Layer | None:
        wanted = self.form.image.currentData()
        return next((layer for layer in self._viewer.layers if layer_id(layer) == wanted), None)

    def _describe_image(self) -> None:
        layer = self._image()
        if layer is None:
            active = self._viewer.layers.selection.active
            self.form.image_hint.setText((refusal(active) if active is not None else "") or _NO_IMAGE)
        else:
            source = RadiographSource.of(layer)
            rows, columns = source.shape
            size = f"{columns} \N{MULTIPLICATION SIGN} {rows} px"
            spacing = "size of a pixel unknown, results in px"
            if source.spacing is not None:
                edges = " \N{MULTIPLICATION SIGN} ".join(dict.fromkeys(f"{edge:.4g}" for edge in source.spacing))
                given = source.spacing_source == "given"
                spacing = f"{edges} mm/px" if given else f"{edges} mm/px ({source.spacing_source})"
            self.form.image_hint.setText(f"{size}, {spacing}")
        self._describe_slices()
        self._refresh_state()

    def _describe_slices(self, _event: object = None) -> None:
        layer = self._image()
        if layer is None or layer.ndim == 2:
            self.form.set_slices("", "")
            return
        stack = RadiographSource.of(layer).stack
        count = 1
        for size in stack:
            count *= size
        try:
            index = current_index(layer, self._viewer.dims)
        except FarnetError:
            current = "Current"  # `detect` says why it cannot be told
        else:
            current = f"Current ({', '.join(str(i) for i in index)})"
        self.form.set_slices(current, f"All {count}")

    def _list_models(self) -> None:
        self._models = {model.name: model for model in models.available_models()}
        chosen = self.form.model.currentData() or load_settings().model
        self.form.set_models([(model.title, model.name) for model in self._models.values()], chosen)
        self._describe_model()

    def _look_for_models(self) -> None:
        self._list_models()
        broken = models.unreadable_models()
        self._say("\n".join(broken) or f"{len(self._models)} models found.", warn=bool(broken))

    def _describe_model(self) -> None:
        model = self._models.get(self.form.model.currentData())
        self.form.model_hint.setText("" if model is None else model.summary)
        self._refresh_state()

    def _look_for_devices(self) -> None:
        start(find_devices, returned=self._on_devices)

    def _on_devices(self, outcome: list[DeviceChoice] | Failure) -> None:
        if isinstance(outcome, Failure):
            self._fail(outcome)
        else:
            self.form.set_devices(outcome, self.form.device.currentData())

    def command(self) -> Sequence[str]:
        """Give the `farnet detect` that finds the same landmarks in the file of the image."""
        layer = self._image()
        if layer is None:
            raise InvalidInputError(_NO_IMAGE)
        return detect_command(
            RadiographSource.of(layer), model=self.form.model.currentData(), device=self.form.device.currentData()
        )

    # A detection, from beginning to end

    def detect(self) -> None:
        """Begin to detect landmarks as the form says; does nothing while a detection runs."""
        layer = self._image()
        if layer is None or self._run.worker is not None:
            return
        try:
            source = RadiographSource.of(layer)
            everything = self.form.all_slices or not source.stack
            indices = source.indices if everything else (current_index(layer, self._viewer.dims),)
        except FarnetError as error:
            self._say(str(error), warn=True)
            return
        request = DetectionRequest(
            source=source,
            indices=indices,
            model=self.form.model.currentData(),
            device=self.form.device.currentData(),
            heatmaps=self.form.heatmaps.currentData(),
        )
        self._run.begin(request, layer)
        self._run.worker = start(
            detect,
            request,
            self._run.keeper,
            yielded=self._on_progress,
            returned=self._on_returned,
            finished=self._on_finished,
        )
        self._refresh_state()

    def _on_progress(self, progress: Progress) -> None:
        self.form.set_progress(progress.done, progress.total)
        if not self._run.stop_text:
            self._say(f"{progress.text} \N{HORIZONTAL ELLIPSIS}")

    def _on_returned(self, outcome: DetectionResult | Failure | None) -> None:
        if outcome is None or self._run.stop_text:
            return
        if isinstance(outcome, Failure):
            self._fail(outcome)
        else:
            self._show(outcome)

    def _on_finished(self) -> None:
        if self._run.showing is not None and not self._run.showing.done:
            QTimer.singleShot(PAUSE_MS, self._on_finished)
            return
        if self._run.stop_text:
            self._say(self._run.stop_text)
        self._run.worker = self._run.request = self._run.layer = None
        self._refresh_state()

    def _stop(self, text: str) -> None:
        """Ask the running detection to end, and say `text` when it has."""
        if self._run.worker is not None and not self._run.stop_text:
            self._run.stop_text = text
            self._run.worker.quit()
            self._refresh_state()

    def _on_removed(self, event: Any) -> None:
        if self._run.worker is not None and event.value == self._run.layer:
            self._stop(f"Stopped, because {event.value.name!r} was removed from the viewer. Nothing was added.")
        self._list_images()

    def _show(self, result: DetectionResult) -> None:
        """Show the result in the viewer, a bit in each turn of the event loop, so that the viewer never hangs."""
        from napari_farnet.detect.results import is_doubtful, result_layers, summary

        request, layer = self._run.request, self._run.layer
        if request is None or layer is None or layer not in self._viewer.layers:
            return
        heatmaps, landmarks = result_layers(layer, request, result, load_settings())
        self._say(f"{summary(result)}\n{_SELECT if request.heatmaps == 'each' else _DRAG}", warn=is_doubtful(result))
        self._run.showing = show_result(self._viewer, heatmaps, landmarks)

    # What the dock says

    def _fail(self, failure: Failure) -> None:
        self.fail(failure.error, "Detection")
        self._offer_cpu(failure.on_device)

    def _say(self, text: str, *, warn: bool = False) -> None:
        self.say(text, warn=warn)
        self._offer_cpu(False)

    def _offer_cpu(self, offered: bool) -> None:
        self.form.use_cpu.setVisible(offered and self.form.device.currentData() != "cpu")

    def _detect_on_cpu(self) -> None:
        self.form.choose_device("cpu")
        self.detect()

    def _refresh_state(self) -> None:
        if self._run.worker is not None:
            self.form.set_state("stopping" if self._run.stop_text else "running")
        elif self._image() is None:
            self.form.set_state("idle", _NO_IMAGE)
        elif not self._models:
            self.form.set_state("idle", "There is no model. Copy one into your folder of models and look again.")
        else:
            self.form.set_state("idle")


class _Run:
    """The detection that runs, and what outlives it."""

    def __init__(self) -> None:
        self.keeper = DetectorKeeper()
        self.worker: Any = None
        self.request: DetectionRequest | None = None
        self.layer: Layer | None = None
        self.stop_text = ""
        self.showing: Showing | None = None

    def begin(self, request: DetectionRequest, layer: Layer) -> None:
        """Forget the last detection."""
        self.request, self.layer, self.stop_text, self.showing = request, layer, "", None


def _farewell(run: _Run, _dock: object = None) -> None:
    """The dock is gone, perhaps while a detection runs: stop at the next stage, free the memory."""
    if run.worker is not None:
        run.worker.quit()
    run.keeper.retire()


def _before_looking(preferred: str) -> list[DeviceChoice]:
    """The devices that can be chosen until it is known which there are."""
    from farnet.devices import DeviceChoice

    names = [name for name in dict.fromkeys((preferred, "cpu")) if name != "auto"]
    return [DeviceChoice(name, True, _LOOKING) for name in names]
