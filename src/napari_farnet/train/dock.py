"""The dock "Train a model": it wires the form to the viewer, and follows the training that runs."""

from __future__ import annotations

import weakref
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from farnet.errors import FarnetError, InvalidInputError
from napari_farnet.detect.workers import find_devices
from napari_farnet.model_events import model_events
from napari_farnet.points import points_refusal
from napari_farnet.sources import refusal
from napari_farnet.threads import Failure, Progress, start
from napari_farnet.train import runs
from napari_farnet.train.curves import Curves
from napari_farnet.train.follower import Follower
from napari_farnet.train.form import TrainForm
from napari_farnet.train.layer_pairs import LayerPairs
from napari_farnet.train.request import DataChoice, StartChoice, TrainChoice, base_settings
from napari_farnet.train.telling import describe_start, free_name, name_problem, starts
from napari_farnet.train.writing import check_pairs, count_radiographs, write_pairs
from napari_farnet.ui.dock import Dock
from napari_farnet.ui.layer_choice import LayerChoice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel

    from farnet.devices import DeviceChoice
    from napari_farnet.train.runs import TrainingRun
    from napari_farnet.train.writing import Pair

__all__ = ["TrainWidget"]

_WELCOME = (
    "Correct the landmarks of some radiographs, and train the model further on them; or train a new one on a folder."
)
_DEVICES_AFTER_MS = 200  # which takes torch: the dock is drawn first


class TrainWidget(Dock):
    """Trains models in a process of their own, and shows how it goes.

    Args:
        napari_viewer: The viewer that the dock is in.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer, "train")
        self._images = LayerChoice(napari_viewer, refusal, "A radiograph, or a stack of them.", follow=True)
        self._points = LayerChoice(napari_viewer, points_refusal, "Its landmarks, as they are now.", follow=True)
        self.curves = Curves(_text_colour(napari_viewer))
        self.form = TrainForm(self._images, self._points, self.curves)
        self._pairs = LayerPairs(napari_viewer, self.form, self._images, self._points, self.say)
        self.follower = Follower(napari_viewer, self.form, self.curves, self.say, self._refresh_state, self._end)
        self._writing = _Writing()
        self._discarding = False
        self._extra_starts: list[tuple[str, StartChoice]] = []
        self._own_name = ""
        self.set_form(self.form)
        self._connect()
        self.say(_WELCOME)
        self._list_starts()
        self._on_base()
        self._describe_data()
        QTimer.singleShot(_DEVICES_AFTER_MS, self._look_for_devices)
        running = runs.current_run()
        if running is not None:
            self._attach(running)

    def _connect(self) -> None:
        form, viewer = self.form, self.viewer
        form.train_requested.connect(self.train)
        form.resume_requested.connect(self.resume)
        form.pause_requested.connect(self._pause_or_go_on)
        form.stop_requested.connect(self._stop)
        form.discard_requested.connect(self._discard)
        form.add_requested.connect(self._pairs.add)
        form.source_changed.connect(self._describe_data)
        form.base_changed.connect(self._on_base)
        form.name_changed.connect(self._refresh_state)
        form.preview_changed.connect(self._on_preview_toggled)
        form.weights_chosen.connect(self._add_start)
        self._images.changed.connect(self._describe_data)
        self._points.changed.connect(self._describe_data)
        self.listen(viewer.events.theme, self._on_theme)
        self.listen(model_events.changed, self._list_starts)
        # A partial of what it needs, not a method: when it is called, the Python side of the dock may be gone.
        self.destroyed.connect(partial(_farewell, weakref.ref(self.follower), self._writing))

    # What there is to choose from

    def _list_starts(self) -> None:
        before = self.form.start_choice
        self.form.set_starts([*starts(), *self._extra_starts], before)
        if self.form.start_choice != before:
            self._on_base()

    def _add_start(self, file: str) -> None:
        """Offer a file of the user's to start from."""
        try:
            added = describe_start(Path(file))
        except FarnetError as error:
            self.say(str(error), warn=True)
            return
        self._extra_starts.extend(item for item in added if item not in self._extra_starts)
        self.form.set_starts([*starts(), *self._extra_starts], added[0][1])
        self._on_base()

    def _on_base(self) -> None:
        """Another start or preset: its settings, and a name for its model."""
        self.form.show_start()
        try:
            config = base_settings(self.form.start_choice, self.form.preset.currentData())
        except FarnetError as error:
            self.say(str(error), warn=True)
            return
        self.form.set_settings(config)
        further = self.form.start_choice.kind == "model"
        self.form.describe(self.form.start_hint, "Its landmarks, frame and sigma are kept." if further else "")
        if self.form.model_name.text() in ("", self._own_name):
            self._own_name = free_name(config.name)
            self.form.model_name.setText(self._own_name)
        self._refresh_state()

    def _look_for_devices(self) -> None:
        start(find_devices, returned=self._on_devices)

    def _on_devices(self, outcome: list[DeviceChoice] | Failure) -> None:
        if isinstance(outcome, Failure):
            self.fail(outcome.error, "Looking for devices")
        else:
            self.form.set_devices(outcome)

    def _describe_data(self, _event: object = None) -> None:
        text = ""
        if self.form.source_kind == "layers":
            try:
                pairs = self._pairs.read()
            except FarnetError as error:
                text = str(error)
            else:
                text = f"Radiographs with landmarks: {count_radiographs(pairs)} ({pairs[0].record.scheme.title})."
        self.form.describe(self.form.data_hint, text)
        self._refresh_state()

    # The training that is asked for

    @property
    def folder(self) -> Path:
        """Where the run of the name in the form is."""
        return runs.runs_folder() / (self.form.model_name.text().strip() or "unnamed")

    def choice(self) -> TrainChoice:
        """The training that the form asks for.

        Raises:
            FarnetError: Something is missing.
        """
        form = self.form
        data = {"layers": self._layers_data, "folder": self._folder_data}.get(form.source_kind, self._dataset_data)()
        return TrainChoice(
            data=data,
            start=form.start_choice,
            preset=form.preset.currentData(),
            name=form.model_name.text().strip(),
            device=form.device.currentData(),
            settings=form.setting_values(),
        )

    def _layers_data(self) -> DataChoice:
        return DataChoice("layers", self.folder / _data_folder())

    def _folder_data(self) -> DataChoice:
        annotations = self.form.annotations.text().strip()
        return DataChoice(
            "folder",
            _path(self.form.folder.text(), "the folder of the radiographs"),
            Path(annotations) if annotations else None,
        )

    def _dataset_data(self) -> DataChoice:
        form = self.form
        return DataChoice(
            form.source_kind,
            _path(form.dataset.text(), "the folder of the data set"),
            split=form.split.currentData(),
            observer=form.observer.currentData(),
        )

    def command(self) -> Sequence[str]:
        """Give the `farnet train` that trains the same."""
        choice = self.choice()
        if choice.data.kind == "layers" and not choice.data.folder.is_dir():
            raise InvalidInputError(
                "The command line reads files: Train writes the radiographs and landmarks of the layers to "
                f"{choice.data.folder}, and from then on there is a command."
            )
        return ["farnet", "train", *choice.words(), "--output", str(self.folder)]

    def train(self) -> None:
        """Begin the training that the form asks for."""
        if self.follower.state != "idle":
            return
        try:
            choice = self.choice()
            words = choice.words()
            self._check_free(choice.name)
            if choice.data.kind == "layers":
                pairs = self._pairs.read()
                check_pairs(pairs)
                self._check_scheme(pairs)
        except FarnetError as error:
            self.say(str(error), warn=True)
            return
        self.curves.clear()
        if choice.data.kind != "layers":
            self._begin(words)
            return
        self._writing.words = words
        self.follower.set_state("writing")
        self._writing.worker = start(
            write_pairs, pairs, choice.data.folder, yielded=self._on_writing, returned=self._on_written
        )

    def _check_free(self, name: str) -> None:
        from farnet.training.run import check_model_name
        from farnet.training.runfolder import state_of

        check_model_name(name)
        state = state_of(self.folder)
        if state in ("resumable", "running"):
            raise InvalidInputError(
                f"There is an unfinished training {name!r}. Resume it, discard it, or choose another name."
            )
        if state != "none":
            raise InvalidInputError(
                f"There is a finished training {name!r} in {self.folder}. Discard it, or choose another name."
            )

    def _check_scheme(self, pairs: Sequence[Pair]) -> None:
        """Say at once what the process would say after seconds: a model has other landmarks."""
        from farnet.training.finetune import check_start

        if self.form.start_choice.kind == "model":
            check_start(base_settings(self.form.start_choice, "light"), pairs[0].record.scheme)

    def _on_writing(self, progress: Progress) -> None:
        self.say(f"{progress.text} \N{HORIZONTAL ELLIPSIS}")

    def _on_written(self, outcome: Path | Failure | None) -> None:
        self._writing.worker = None
        if self._discarding or outcome is None:
            self._delete_run()
        elif isinstance(outcome, Failure):
            self.follower.set_state("idle")
            self.fail(outcome.error, "Writing the radiographs")
        else:
            self._begin(self._writing.words)

    def _begin(self, words: Sequence[str], *, resume: bool = False) -> None:
        try:
            run = runs.begin(words, self.folder, resume=resume, keep_going=self.form.keep_going.isChecked())
        except FarnetError as error:
            self.follower.set_state("idle")
            self.fail(error, "Starting the training")
            return
        self._attach(run)
        self.say("The training starts; this takes some seconds. You can go on working, and close this dock.")

    def resume(self) -> None:
        """Go on with the unfinished training of this name."""
        from napari_farnet.train.request import device_words

        if self.follower.state == "idle":
            self._begin(device_words(self.form.device.currentData()), resume=True)

    # The training that runs

    def _attach(self, run: TrainingRun) -> None:
        self.form.model_name.setText(run.name)
        self.follower.attach(run)

    def _end(self, text: str, warn: bool) -> None:
        """The training that was followed has ended."""
        if self._discarding:
            self._delete_run()
        else:
            self.say(text, warn=warn)
            self._refresh_state()

    def _pause_or_go_on(self) -> None:
        run = self.follower.run
        if run is not None:
            paused = self.follower.state == "paused"
            (run.process.resume if paused else run.process.pause)()
            if not paused:
                self.say("Pausing after the step that runs \N{HORIZONTAL ELLIPSIS}")

    def _stop(self) -> None:
        if self.follower.run is not None:
            self.follower.run.process.stop()
            self.follower.set_state("stopping")
            self.say("Stopping after the step that runs \N{HORIZONTAL ELLIPSIS}")

    def _discard(self) -> None:
        run = self.follower.run
        if self._writing.worker is not None:
            self._discarding = True
            self._writing.worker.quit()
        elif run is not None:
            self._discarding = True
            run.process.end()
            self.follower.set_state("stopping")
            QTimer.singleShot(_KILL_AFTER_MS, partial(_kill, run))
        else:
            self._delete_run()

    def _delete_run(self) -> None:
        from farnet.training.process import discard_run

        self._discarding = False
        self.follower.set_state("idle")
        try:
            discard_run(self.folder)
        except FarnetError as error:
            self.fail(error, "Discarding the training")
            return
        self.curves.clear()
        self.follower.hide_preview()
        self.say("Discarded. Nothing of the training is left.")
        self._refresh_state()

    # What it shows

    def _on_preview_toggled(self) -> None:
        if self.form.show_preview.isChecked():
            self.follower.show_preview()
        else:
            self.follower.hide_preview()

    def _on_theme(self, _event: object = None) -> None:
        self.curves.set_text_colour(_text_colour(self.viewer))

    def _refresh_state(self) -> None:
        from farnet.training.runfolder import state_of

        name = self.form.model_name.text().strip()
        reason = name_problem(name)
        there = "none" if reason else state_of(self.folder)
        self.form.name_hint.setText(reason or (f"Kept in {self.folder}" if there == "none" else _THERE[there]))
        self.form.set_state(
            self.follower.state,
            reason=reason,
            resumable=there == "resumable",
            disposable=not reason and there != "running" and self.folder.is_dir(),
        )


_KILL_AFTER_MS = 10_000
_THERE = {
    "resumable": "An unfinished training of this name can be resumed or discarded.",
    "running": "A training of this name runs.",
    "finished": "A finished training of this name is there; choose another name, or discard it.",
    "stopped": "A stopped training of this name is there; choose another name, or discard it.",
}


def _path(text: str, what: str) -> Path:
    if not text.strip():
        raise InvalidInputError(f"Choose {what} first.")
    return Path(text.strip()).expanduser()


def _data_folder() -> str:
    from farnet.training.runfolder import DATA_FOLDER

    return DATA_FOLDER


def _text_colour(viewer: ViewerModel) -> str:
    from napari.utils.theme import get_theme

    return str(get_theme(viewer.theme).text.as_hex())


def _kill(run: TrainingRun) -> None:
    """End a training that was told to and has not."""
    if not run.process.ended:
        run.process.kill()


class _Writing:
    """The layers that are being written for a training."""

    def __init__(self) -> None:
        self.worker: Any = None
        self.words: Sequence[str] = ()


def _farewell(follower: weakref.ref[Follower], writing: _Writing, _dock: object = None) -> None:
    """The dock is gone; the training is not, but one that was to begin does not."""
    alive = follower()
    if alive is not None:
        alive.detach()
    if writing.worker is not None:
        writing.worker.quit()
