"""From the events of a training to what the dock shows: state, progress, curves, layers and words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from farnet.errors import FarnetError
from napari_farnet.train.preview import PreviewLayers
from napari_farnet.train.telling import advice_for, lasting, model_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

    from farnet.training.progress import Event
    from napari_farnet.train.curves import Curves
    from napari_farnet.train.form import TrainForm, TrainState
    from napari_farnet.train.layer_pairs import Say
    from napari_farnet.train.runs import TrainingRun

__all__ = ["Follower"]


class Follower:
    """Shows one training, until it ends or the dock is gone.

    Args:
        viewer: Where the layers of radiographs held out come.
        form: The form.
        curves: The curves.
        say: Where to say what happens.
        changed: Called when the state has changed.
        ended: Called with what to say at the end, and whether that is a warning.

    Attributes:
        state: What the training does; "idle" where there is none.
        run: The training; None where there is none.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        form: TrainForm,
        curves: Curves,
        say: Say,
        changed: Callable[[], None],
        ended: Callable[[str, bool], None],
    ) -> None:
        self.state: TrainState = "idle"
        self.run: TrainingRun | None = None
        self._viewer, self._form, self._curves = viewer, form, curves
        self._say, self._changed, self._ended = say, changed, ended
        self._place = (0, 0, 0, 0)  # epochs that are over, of; steps that are over, of
        self._preview: PreviewLayers | None = None

    def attach(self, run: TrainingRun) -> None:
        """Follow a training, and show what it told before."""
        self.detach()
        self.run = run
        self._curves.clear()
        self.set_state("starting")
        for event in list(run.history):
            if event["event"] not in ("finished", "stopped", "failed"):  # of an attempt before
                self._show(event)
        run.told.connect(self._on_told)

    def detach(self) -> None:
        """Follow it no more."""
        if self.run is not None:
            self.run.told.disconnect(self._on_told)
            self.run = None

    def set_state(self, state: TrainState) -> None:
        """Change what the training does."""
        self.state = state
        self._changed()

    def show_preview(self) -> None:
        """Show the radiographs held out as they were found last, if that is wanted and known."""
        from farnet.training.progress import read_preview
        from farnet.training.runfolder import PREVIEW_FILE

        if self.run is None or not self._form.show_preview.isChecked():
            return
        path = self.run.folder / PREVIEW_FILE
        if not path.is_file():
            return
        if self._preview is None or self._preview.name != self.run.name:
            self._preview = PreviewLayers(self._viewer, self.run.name)
        try:
            self._preview.show(read_preview(path))
        except FarnetError as error:
            self._say(str(error), warn=True)

    def hide_preview(self) -> None:
        """Take the layers of radiographs held out away."""
        if self._preview is not None:
            self._preview.remove()

    def _on_told(self, event: Event) -> None:
        self._show(event)
        if event["event"] == "sample":
            self.show_preview()

    def _show(self, event: Event) -> None:
        show = _SHOWN.get(event["event"])
        if show is not None:
            show(self, event)

    def _preparing(self, event: Event) -> None:
        self._form.set_busy(f"Reading radiograph {event['done']} of {event['total']}")

    def _started(self, event: Event) -> None:
        self._place = (event["first_epoch"] - 1, event["epochs"], 0, event["steps"])
        held_out = event["validation"]
        text = f"Training {event['name']} on {event['training']} radiographs, on {event['device']}"
        self._say(f"{text}; {held_out} held out." if held_out else f"{text}. None is held out: no error can be told.")
        self.set_state("running")
        self._form.set_progress(*self._place, "")

    def _step(self, event: Event) -> None:
        self._place = (event["epoch"] - 1, self._place[1], event["step"], event["steps"])
        if self.state == "running":
            self._form.set_progress(*self._place, lasting(event["seconds_left"]))

    def _epoch(self, event: Event) -> None:
        self._place = (event["epoch"], event["epochs"], 0, self._place[3])
        self._curves.add(event)
        if self.state == "running":
            self._form.set_progress(*self._place, lasting(event["seconds_left"]))
        if event["mre"] is not None:
            error = f"mean error {event['mre']:.2f} {event['unit']} on radiographs held out"
            self._say(f"Epoch {event['epoch']}: {error}{', the best so far' if event['best'] else ''}.")

    def _paused(self, _event: Event) -> None:
        self.set_state("paused")
        self._say("Paused. The memory stays in use; stop or discard to free it.")

    def _resumed(self, _event: Event) -> None:
        self.set_state("running")
        self._say("The training goes on.")
        self._form.set_progress(*self._place, "")

    def _finishing(self, _event: Event) -> None:
        self.set_state("finishing")

    def _finished(self, event: Event) -> None:
        self._end(f"Done. {model_text(event)}")

    def _stopped(self, event: Event) -> None:
        if event.get("model"):
            self._end(f"Stopped. {model_text(event)}")
        else:
            self._end("Stopped before the first epoch was over: there is nothing to keep.")

    def _failed(self, event: Event) -> None:
        self._end(f"{event['message']}{advice_for(event)}", warn=event.get("kind") != "interrupted")

    def _end(self, text: str, *, warn: bool = False) -> None:
        self.detach()
        self.set_state("idle")
        self._ended(text, warn)


_SHOWN: dict[str, Callable[[Follower, dict[str, Any]], None]] = {
    "preparing": Follower._preparing,
    "started": Follower._started,
    "step": Follower._step,
    "epoch": Follower._epoch,
    "paused": Follower._paused,
    "resumed": Follower._resumed,
    "finishing": Follower._finishing,
    "finished": Follower._finished,
    "stopped": Follower._stopped,
    "failed": Follower._failed,
}
