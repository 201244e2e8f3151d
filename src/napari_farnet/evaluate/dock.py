"""The dock "Evaluate landmarks": it wires the form to the viewer, runs evaluations and shows what came of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFileDialog

from farnet.errors import FarnetError, InvalidInputError
from napari_farnet.detect import models
from napari_farnet.detect.workers import DetectorKeeper, find_devices
from napari_farnet.evaluate.blind_desk import BlindDesk
from napari_farnet.evaluate.figures import evaluation_figures, study_figures
from napari_farnet.evaluate.form import EvaluateForm
from napari_farnet.evaluate.jobs import command_of, job_of
from napari_farnet.evaluate.live_view import LiveView
from napari_farnet.evaluate.reporting import Reporter
from napari_farnet.evaluate.results import Outcome, Result, described, summary, worst
from napari_farnet.evaluate.showing import Shower
from napari_farnet.evaluate.sides import image_under
from napari_farnet.evaluate.theme import ink_of
from napari_farnet.evaluate.vectors import ErrorVectors
from napari_farnet.settings import load_settings
from napari_farnet.threads import Failure, Progress, start
from napari_farnet.ui.dock import Dock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Points

    from farnet.devices import DeviceChoice

__all__ = ["EvaluateWidget"]

_WELCOME = "Choose what to compare, and press Evaluate."


class EvaluateWidget(Dock):
    """Compares landmarks of layers, files, a model or observers, off the GUI thread.

    Args:
        napari_viewer: The viewer that the dock is in.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer, "evaluate")
        self._run = _Run()
        self._vectors = ErrorVectors(napari_viewer)
        self._shower = Shower(napari_viewer, self._vectors)
        self.form = form = EvaluateForm(napari_viewer)
        self.set_form(form)
        self._live = LiveView(napari_viewer, self._vectors, form.say_live)
        self._live.settled.connect(self._evaluate_again)
        self.blind = BlindDesk(napari_viewer, form.blind_page, self.say)
        self.reporter = Reporter(self.say, self.fail, self._show_writing)
        form.evaluate_requested.connect(self.evaluate)
        form.cancel_requested.connect(self._cancel)
        form.mode_changed.connect(self._on_mode)
        form.result_changed.connect(self._show_result)
        form.copy_requested.connect(self._copy_table)
        form.save_requested.connect(self._save)
        form.report_requested.connect(self._report)
        form.vectors_toggled.connect(self._on_vectors)
        form.table.landmark_chosen.connect(self._on_landmark)
        form.boxes.landmark_chosen.connect(self._on_box)
        form.boxes.outlier_chosen.connect(self._open)
        self.listen(napari_viewer.layers.events.inserted, form.layers_page.on_layers)
        self.listen(napari_viewer.layers.events.removed, self._on_removed)
        self.listen(napari_viewer.dims.events.current_step, self._live.on_slice)
        self.listen(napari_viewer.events.theme, self._on_theme)
        # What outlives the Python side of the dock must not hold it.
        self.destroyed.connect(partial(_farewell, self._run, self._live, self.blind, self.reporter))
        self._on_theme()
        self.say(_WELCOME)

    # What is chosen

    def _on_mode(self) -> None:
        if self.form.current_mode == "model" and not self._run.listed:
            self._run.listed = True
            found = [(model.title, model.name) for model in models.available_models()]
            self.form.model_page.set_models(found, load_settings().model)
            self.form.model_page.set_devices([], "auto")
            start(find_devices, returned=self._on_devices)

    def _on_devices(self, outcome: list[DeviceChoice] | Failure) -> None:
        if isinstance(outcome, Failure):
            self.fail(outcome.error, "Looking for devices")
        else:
            self.form.model_page.set_devices(outcome, load_settings().device)

    def _on_theme(self, _event: object = None) -> None:
        ink = ink_of(self.viewer)
        self.form.curve.set_ink(ink)
        self.form.boxes.set_ink(ink)

    def command(self) -> Sequence[str]:
        """Give the `farnet evaluate` or `farnet observers` that finds the same figures."""
        if self.form.current_mode == "blind":
            return self.blind.command()
        words, report = command_of(self.form), self.reporter.written
        return [*words, "--report", str(report)] if report is not None and words[1] == "evaluate" else words

    # An evaluation, from beginning to end

    def evaluate(self) -> None:
        """Begin to evaluate as the form says; does nothing while an evaluation runs."""
        if self._run.worker is None:
            self._begin(quiet=False)

    def _evaluate_again(self) -> None:
        """Points were moved: bring the table up to date, once what is running has ended."""
        if self._run.worker is not None:
            self._run.again = True
        elif self.form.current_mode == "layers" and self._live.following is not None:
            self._begin(quiet=True)

    def _begin(self, *, quiet: bool) -> None:
        try:
            job = job_of(self.form, self.viewer, self._run.keeper)
        except FarnetError as error:
            self.say(str(error), warn=True)
            return
        self._run.layers = job.layers
        self._run.quiet, self._run.stopping, self._run.again = quiet, False, False
        self._run.worker = start(
            job.generator,
            *job.arguments,
            yielded=self._on_progress,
            returned=self._on_returned,
            finished=self._on_finished,
        )
        if not quiet:
            self.form.set_progress(0, 0)
            self.form.set_running(True)

    def _on_progress(self, progress: Progress) -> None:
        if not self._run.quiet:
            self.form.set_progress(progress.done, progress.total)
            if not self._run.stopping:
                self.say(f"{progress.text} \N{HORIZONTAL ELLIPSIS}")

    def _on_returned(self, outcome: Outcome | Failure | None) -> None:
        if outcome is None or self._run.stopping:
            return
        if isinstance(outcome, Failure):
            if self._run.quiet and outcome.expected:
                self.say(str(outcome.error), warn=True)
            else:
                self.fail(outcome.error, "Evaluation")
            return
        self._show(outcome)

    def _on_finished(self) -> None:
        if self._run.stopping:
            self.say("Cancelled. The figures are as they were.")
        self._run.worker = None
        self.form.set_running(False)
        if self._run.again:
            self._run.again = False
            self._evaluate_again()

    def _cancel(self) -> None:
        if self._run.worker is not None:
            self._run.stopping = True
            self._run.worker.quit()
            self.form.set_running(True, stopping=True)

    # What came of it

    def _show(self, outcome: Outcome) -> None:
        same = self._run.quiet and self._run.outcome is not None
        chosen = self.form.result.currentData() if same else 0
        self._run.outcome = outcome
        self.reporter.forget()
        self.form.set_results([result.title for result in outcome.results], chosen or 0)
        self._show_result()
        if not self._run.quiet:
            self._shower.clear()
            self.form.show_table_tab()
        self._follow(outcome)
        self.say(summary(outcome))

    def _result(self) -> Result | None:
        place = self.form.result.currentData()
        return None if self._run.outcome is None or place is None else self._run.outcome.results[place]

    def _show_result(self) -> None:
        from farnet.evaluation.curves import box_statistics, sdr_curves

        outcome, result = self._run.outcome, self._result()
        if outcome is None or result is None:
            return
        evaluation = result.evaluation
        whole = outcome.study is not None and result is outcome.results[0]
        self.form.table.show_table(
            study_figures(outcome.study) if whole and outcome.study is not None else evaluation_figures(evaluation)
        )
        drawn = outcome.results[1:] if whole else [result]
        curves = [(item.title, sdr_curves(item.evaluation)) for item in drawn]
        self.form.curve.show_curves(curves, evaluation.radii)
        boxes = box_statistics(evaluation.errors, evaluation.landmarks, evaluation.radiographs)
        self.form.boxes.show_boxes(boxes, evaluation.radii, evaluation.unit)
        self.form.show_measured(result.extras)
        self._show_writing(self.reporter.busy)

    def _follow(self, outcome: Outcome) -> None:
        """In the mode of two layers, follow their points from now on."""
        if self.form.current_mode != "layers" or not outcome.indices:
            if self._live.following is not None:
                self._live.stop()
                self._vectors.remove()
                self.form.say_live("")
            return
        predicted, reference = self._run.layers
        evaluation = outcome.results[0].evaluation
        in_mm = evaluation.unit == "mm"
        spacing = {
            outcome.indices[r.radiograph]: (r.spacing or p.spacing) if in_mm else None
            for p, r in zip(outcome.results[0].predictions, outcome.results[0].references, strict=True)
        }
        self._live.follow(
            predicted,
            reference,
            outcome.results[0].references[0],
            spacing,
            limit=max(evaluation.radii),
            unit=evaluation.unit,
        )
        self._live.show_arrows(self.form.vectors.isChecked())

    def _on_landmark(self, landmark: int | None) -> None:
        """A line of the table was chosen: look at the worst radiograph of its landmark."""
        self.form.curve.choose(landmark)
        self.form.boxes.choose(landmark)
        result = self._result()
        place = None if result is None else worst(result.evaluation, landmark)
        if place is None:
            self.say("There is no error to look at: one of the two sides has no such landmark.")
        else:
            self._open(*place)

    def _on_box(self, landmark: int) -> None:
        self.form.table.select(landmark)
        self._on_landmark(landmark)

    def _open(self, row: int, k: int) -> None:
        """Show the radiograph of a row of the errors, at a landmark."""
        outcome, result = self._run.outcome, self._result()
        if outcome is None or result is None:
            return
        prediction, reference = result.predictions[row], result.references[row]
        name = result.evaluation.radiographs[row]
        try:
            if name in outcome.indices:
                self._open_layer(outcome, prediction, reference, k, name)
            elif name in outcome.files:
                self._shower.show_file(
                    outcome.files[name],
                    prediction,
                    reference,
                    k,
                    sides=result.sides_of(row),
                    limit=max(result.evaluation.radii),
                    arrows=self.form.vectors.isChecked(),
                )
            else:
                self.say(
                    f"The file of radiograph {name!r} is not known. Choose the folder of the radiographs in Setup, and "
                    "evaluate again."
                )
                return
        except FarnetError as error:
            self.fail(error, "Opening the radiograph")
            return
        self.say(described(result, row, k))

    def _open_layer(self, outcome: Outcome, prediction: Any, reference: Any, k: int, name: str) -> None:
        layers = [layer for layer in self._run.layers if layer in self.viewer.layers]
        if not layers:
            raise InvalidInputError("The layers of this evaluation are no longer in the viewer. Evaluate again.")
        image = image_under(self.viewer, layers[-1])
        self._shower.look_at(image or layers[-1], prediction, reference, k, outcome.indices[name])

    def _on_vectors(self) -> None:
        wanted = self.form.vectors.isChecked()
        self._live.show_arrows(wanted)
        if not wanted:
            self._vectors.remove()

    def _on_removed(self, event: Any) -> None:
        if self._live.follows(event.value):
            self._live.stop()
            self._vectors.remove()
            self.say(f"{event.value.name!r} was removed; the figures are those of before.")

    # Copies

    def _copy_table(self) -> None:
        self.form.table.copy()
        self.say("The table is on the clipboard.")

    def _save(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the figures", "evaluation.csv", "Tables (*.csv)")
        if chosen:
            self.save_tables(Path(chosen))

    def _report(self) -> None:
        result = self._result()
        if result is not None:
            self.reporter.ask(self, result)

    def _show_writing(self, writing: bool) -> None:
        result = self._result()
        self.form.set_reportable(result is not None and result.comparison is not None, writing=writing)

    def save_tables(self, path: Path) -> None:
        """Save figures and errors as csv; of observers those of the whole study."""
        from farnet.evaluation.tables import write_study_tables, write_tables

        outcome, result = self._run.outcome, self._result()
        if outcome is None or result is None:
            return
        path = path if path.suffix else path.with_suffix(".csv")
        try:
            if outcome.study is not None and result is outcome.results[0]:
                written = write_study_tables(path, outcome.study)
            else:
                written = write_tables(path, result.evaluation, extras=result.extras)
        except FarnetError as error:
            self.fail(error, "Saving")
            return
        self.say(f"Saved {written[0]} and {written[1].name}.")


class _Run:
    """What runs, what it is for, and what came of the last."""

    def __init__(self) -> None:
        self.keeper = DetectorKeeper()
        self.worker: Any = None
        self.outcome: Outcome | None = None
        self.layers: tuple[Points, ...] = ()
        self.quiet = self.stopping = self.again = self.listed = False


def _farewell(run: _Run, live: LiveView, blind: BlindDesk, reporter: Reporter, _dock: object = None) -> None:
    """The dock is gone, perhaps while something runs: stop it, hear no more, show again what was hidden."""
    if run.worker is not None:
        run.worker.quit()
    run.keeper.retire()
    live.stop()
    blind.leave()
    reporter.leave()
