"""The dock "Measure": it wires the form to the viewer, and measures whenever a point moves."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QFileDialog

from farnet.errors import FarnetError, InvalidInputError
from farnet.plausible import doubts
from napari_farnet.live import follow_points
from napari_farnet.measure.calibrator import Calibrator
from napari_farnet.measure.command import measure_command
from napari_farnet.measure.drawing import MeasurementLines, strokes
from napari_farnet.measure.form import MeasureForm
from napari_farnet.measure.reading import LandmarkReading
from napari_farnet.measure.sets import Sets
from napari_farnet.placement import Placement
from napari_farnet.points import points_refusal
from napari_farnet.sources import RadiographSource, current_index, refusal
from napari_farnet.ui.dock import Dock
from napari_farnet.ui.layer_choice import LayerChoice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.components import ViewerModel
    from napari.layers import Layer

    from farnet.landmarks import Landmarks
    from farnet.measurement import Calibration, MeasurementSet, MwGap
    from napari_farnet.record import Index

__all__ = ["MeasureWidget"]

_NOTHING = "Open a radiograph with landmarks, or detect them; then their measurements are shown here."
_FIRST = "Click one end of a ruler on the radiograph. Zoom with the wheel; Escape ends it."
_SECOND = "Click the other end of the ruler."
_PLACES = ("scale", "translate", "rotate", "shear", "affine", "units")


class MeasureWidget(Dock):
    """Measures the landmarks of a layer of the viewer.

    Args:
        napari_viewer: The viewer that the dock is in.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer, "measure")
        self._state = state = _State(napari_viewer)
        self._sets = Sets()
        self._reading: LandmarkReading | None = None
        self._definitions: MeasurementSet | None = None
        self._landmarks: Landmarks | None = None
        self._problem = ""
        landmarks = LayerChoice(
            napari_viewer, points_refusal, "The landmarks to measure. It follows the selected layer.", follow=True
        )
        image = LayerChoice(
            napari_viewer,
            refusal,
            "The radiograph that the landmarks are on. It tells the size of a pixel where the landmarks do not.",
            none="None",
        )
        self.form = form = MeasureForm(landmarks, image)
        self.set_form(form)
        # One update for all that happened in a turn of the event loop; a drag waits for none of it.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._update)
        self.calibrator = Calibrator(self)
        landmarks.changed.connect(self._on_landmarks)
        image.changed.connect(self._on_image)
        form.set_changed.connect(self._on_set)
        form.gap_changed.connect(self._on_set)
        form.open_requested.connect(self._ask_for_file)
        form.reload_requested.connect(self._reload)
        form.example_requested.connect(self._ask_for_example)
        form.lines_changed.connect(self.refresh)
        form.table.selected.connect(self.refresh)
        form.copy_requested.connect(self.copy_table)
        form.save_requested.connect(self._ask_for_table)
        form.calibrate_requested.connect(self.calibrator.begin)
        form.cancel_requested.connect(self.calibrator.end)
        form.apply_requested.connect(self.calibrator.apply)
        self.listen(napari_viewer.dims.events.current_step, self.refresh)
        self.listen(napari_viewer.dims.events.order, self.refresh)
        self.destroyed.connect(partial(_farewell, state))
        self._choose_set()
        self._on_landmarks()

    # What is measured

    def refresh(self, _event: object = None) -> None:
        """Measure again as soon as the event loop gets to it."""
        if not self._soon.isActive():
            self._soon.start(0)

    def _on_moved(self) -> None:
        """A point moved: measure at once, so that point, lines and values are drawn together and not one by one."""
        self._soon.stop()
        self._update()

    def _on_landmarks(self) -> None:
        """Another layer of landmarks is chosen: follow it, and find the radiograph that it is on."""
        layer = self.form.landmarks.layer()
        self._state.stop()
        self._reading = None
        if layer is not None:
            self._state.stops.append(follow_points(layer, self._on_moved))
            self._state.watch(layer, self._on_layer_changed)
            self._state.watch(layer, self._on_features, ("features",))
            image = _image_under(self.viewer, layer)
            if image is not None:
                self.form.image.choose(image)
        self._on_image()

    def _on_image(self) -> None:
        image = self.form.image.layer()
        self._state.stop_image()
        if image is not None:
            self._state.watch(image, self._on_layer_changed, of_image=True)
        self._on_layer_changed()

    def _on_layer_changed(self, _event: object = None) -> None:
        """Names or places changed, not only positions: read everything anew."""
        self._reading = None
        self.refresh()

    def _on_features(self, _event: object = None) -> None:
        """The features changed, or napari says so: it does at each step of a drag."""
        if self._reading is None or not self._reading.is_current:
            self._on_layer_changed()

    def _list_sets(self) -> None:
        scheme = None if self._reading is None else self._reading.scheme
        choices = self._sets.choices(scheme)
        if choices != [(self.form.sets.itemText(i), self.form.sets.itemData(i)) for i in range(self.form.sets.count())]:
            self.form.set_sets(choices, self.form.sets.currentData())
            self._choose_set()

    def _on_set(self) -> None:
        self._choose_set()
        self.refresh()

    def _choose_set(self) -> None:
        from farnet.measurement import with_mw_gap

        key = self.form.sets.currentData()
        self.form.reload.setEnabled(bool(key) and self._sets.is_file(key))
        self.form.example.setEnabled(bool(key))
        found = self._sets.get(key) if key else None
        self._definitions = None if found is None else with_mw_gap(found, self._gap())
        self.form.set_gap_shown(found is not None and with_mw_gap(found, "script") is not found)

    def _gap(self) -> MwGap:
        gap: MwGap = self.form.gap.currentData()
        return gap

    def _update(self) -> None:
        """Measure, fill the table and draw; what cannot be measured says why."""
        from farnet.measurement import measure

        layer = self.form.landmarks.layer()
        results: tuple[Any, ...] = ()
        self._landmarks = None
        problem = ""
        index: Index = ()
        try:
            if layer is None:
                problem = _NOTHING
            else:
                if self._reading is None:
                    self._reading = LandmarkReading(layer, self._image_of(layer))
                index = current_index(layer, self.viewer.dims)
                self._landmarks = self._reading.at(index)
                self._list_sets()
                if self._landmarks is None:
                    problem = "There are no landmarks on the radiograph that is shown."
                elif self._definitions is None:
                    problem = (
                        f"There are no bundled measurements for landmarks of the scheme {self._reading.scheme.name!r}. "
                        "Open a file with measurements of your own."
                    )
                else:
                    results = measure(self._definitions, self._landmarks)
        except FarnetError as error:
            problem = str(error)
            self._reading = None
        self._tell(problem)
        self.form.table.set_results(results)
        for control in (self.form.copy_table, self.form.save_table):
            control.setEnabled(bool(results))
        image = self.form.image.layer()
        self.form.calibrate.setEnabled(image is not None)
        wanted = strokes(results, self.form.table.selected_names()) if self.form.lines.isChecked() else []
        if layer is None or self._landmarks is None:
            self._state.lines.remove()
        else:
            shape = self._landmarks.image_shape or (1000, 1000)
            self._state.lines.draw(wanted, index, layer, max(shape))

    def resized(self, image: Layer, calibration: Calibration) -> list[Layer]:
        """Give a radiograph its size, with all that is on it; gives the layers that were changed with it."""
        from napari_farnet.measure.calibrating import apply_calibration

        layer = self.form.landmarks.layer()
        self._state.lines.remove()  # they are drawn anew at their place
        bound = [layer] if layer is not None and self._image_of(layer) is not None else []
        followers = apply_calibration(self.viewer, image, calibration, bound=bound)
        self._on_layer_changed()
        return followers

    def _image_of(self, layer: Layer) -> Layer | None:
        """The chosen radiograph, if points of this many axes can be on it."""
        image = self.form.image.layer()
        return image if image is not None and image.ndim == layer.ndim else None

    def _tell(self, problem: str) -> None:
        """Say what is wrong once, and what the landmarks are where all is well."""
        if problem != self._problem:
            self._problem = problem
            self.say(problem, warn=bool(problem) and problem != _NOTHING)
        if self._landmarks is None:
            self.form.hint.setText("")
            return
        found = self._landmarks
        spacing = "size of a pixel unknown, no mm: calibrate with a ruler"
        if found.spacing is not None:
            edges = " \N{MULTIPLICATION SIGN} ".join(dict.fromkeys(f"{edge:.4g}" for edge in found.spacing))
            image = self.form.image.layer()
            source = None if image is None else RadiographSource.of(image)
            told = (
                source is not None and source.spacing == found.spacing and source.spacing_source not in (None, "given")
            )
            spacing = f"{edges} mm/px" + (f" ({source.spacing_source})" if source is not None and told else "")
        said = f"{int(found.present.sum())} of {len(found)} landmarks, {spacing}"
        self.form.hint.setText("\n".join([said, *(f"\N{WARNING SIGN} {text}" for text in doubts(found))]))

    # Files

    def _ask_for_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open measurements", "", "Measurements (*.yaml *.yml)")
        if path:
            self.open_file(Path(path))

    def open_file(self, path: Path) -> None:
        """Measure what a file defines; a file that is wrong is told, and what was measured before stays."""
        try:
            key = self._sets.open(path, None if self._reading is None else self._reading.scheme)
        except FarnetError as error:
            self.fail(error, "Opening measurements")
            return
        scheme = None if self._reading is None else self._reading.scheme
        self.form.set_sets(self._sets.choices(scheme), key)
        self._on_set()
        self._problem = ""
        self.say(f"{len(self._sets.get(key).shown)} measurements read from {path}.")

    def _reload(self) -> None:
        key = self.form.sets.currentData()
        if key and self._sets.is_file(key):
            self.open_file(Path(key))

    def _ask_for_example(self) -> None:
        if self._definitions is not None:
            name = f"{self._definitions.name}.yaml"
            path, _ = QFileDialog.getSaveFileName(self, "Save measurements", name, "Measurements (*.yaml)")
            if path:
                self.save_example(Path(path))

    def save_example(self, path: Path) -> None:
        """Save the file of the set that is chosen, to be changed."""
        from farnet.atomic import write_bytes_atomic
        from farnet.measurement.files import bundled_file

        key = self.form.sets.currentData()
        path = path if path.suffix else path.with_suffix(".yaml")
        try:
            source = Path(key) if self._sets.is_file(key) else bundled_file(key)
            write_bytes_atomic(path, source.read_bytes())
        except (FarnetError, OSError) as error:
            self.fail(error, "Saving the example")
            return
        self.say(f"Saved {path}. Change it in a text editor and open it here.")

    def copy_table(self) -> None:
        """Copy the table as text, cells parted by tabs."""
        from farnet.measurement.tables import table_text

        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(table_text(self.form.table.results))
        self.say(f"Copied {len(self.form.table.results)} measurements.")

    def _ask_for_table(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save table", "measurements.csv", "Table (*.csv)")
        if path:
            self.save_table(Path(path))

    def save_table(self, path: Path) -> None:
        """Save the table as csv; an existing file is replaced, which the file dialog asked about."""
        from farnet.measurement.tables import Measured, write_measurements

        if self._landmarks is None:
            return
        path = path if path.suffix else path.with_suffix(".csv")
        try:
            write_measurements(path, [Measured.of(self._landmarks, self.form.table.results)])
        except FarnetError as error:
            self.fail(error, "Saving the table")
            return
        self.say(f"Saved {path}.")

    def command(self) -> Sequence[str]:
        """Give the `farnet measure` that measures the same landmarks in their file."""
        from farnet.measurement import measurements_for

        layer = self.form.landmarks.layer()
        if layer is None or self._definitions is None or self._landmarks is None:
            raise InvalidInputError(self._problem or _NOTHING)
        bundled = measurements_for(self._landmarks.scheme)
        return measure_command(
            layer,
            self._definitions,
            spacing=self._landmarks.spacing,
            mw_gap=self._gap(),
            bundled=bundled is not None and not self._definitions.file,
        )


class _State:
    """What has to be undone when the dock goes, whether or not its Python side is still there."""

    def __init__(self, viewer: ViewerModel) -> None:
        self.lines = MeasurementLines(viewer)
        self.stops: list[Callable[[], None]] = []
        self._image_stops: list[Callable[[], None]] = []

    def watch(
        self, layer: Layer, slot: Callable[..., None], names: Sequence[str] = _PLACES, *, of_image: bool = False
    ) -> None:
        """Call `slot` at these events of a layer, by default those of its place in the world."""
        for name in names:
            event = getattr(layer.events, name)
            event.connect(slot)
            (self._image_stops if of_image else self.stops).append(partial(event.disconnect, slot))

    def stop(self) -> None:
        """Follow the landmarks no longer."""
        while self.stops:
            self.stops.pop()()

    def stop_image(self) -> None:
        """Follow the radiograph no longer."""
        while self._image_stops:
            self._image_stops.pop()()


def _farewell(state: _State, _dock: object = None) -> None:
    """The dock is gone: follow nothing, and take away what would not be true for long."""
    state.stop()
    state.stop_image()
    state.lines.remove()


def _image_under(viewer: ViewerModel, layer: Layer) -> Layer | None:
    """The radiograph that points are on: of those with as many axes, one that lies as they do, else the topmost."""
    images = [item for item in reversed(viewer.layers) if not refusal(item) and item.ndim == layer.ndim]
    own = Placement.of(layer).matrix
    alike = [item for item in images if (abs(Placement.of(item).matrix - own) < 1e-9).all()]
    named = [item for item in alike if str(layer.name).startswith(str(item.name))]
    return next(iter([*named, *alike, *images]), None)
