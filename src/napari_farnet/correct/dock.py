"""The dock "Correct landmarks": it wires the form to a layer of landmarks and goes from landmark to landmark."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import FarnetError, InvalidInputError
from napari_farnet.correct.beginnings import adopted, empty, image_at_hand, image_under
from napari_farnet.correct.card import card_text
from napari_farnet.correct.form import CorrectForm
from napari_farnet.correct.heatmaps import HeatmapMaker
from napari_farnet.correct.placing import Placing
from napari_farnet.correct.queue import Queue
from napari_farnet.correct.recovery import Recovery
from napari_farnet.correct.rivals import Ghosts
from napari_farnet.correct.rounds import Rounds
from napari_farnet.correct.shortcuts import bind_keys, key_of, unbind_keys
from napari_farnet.correct.subject import Subject
from napari_farnet.opening import zoom_to
from napari_farnet.points import points_refusal
from napari_farnet.ui.dock import Dock
from napari_farnet.ui.layer_choice import LayerChoice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from napari.components import ViewerModel
    from napari.layers import Image, Points

    from farnet.scheme import LandmarkScheme
    from napari_farnet.correct.folder import FolderLayers
    from napari_farnet.layers import LayerData
    from napari_farnet.record import Index

__all__ = ["CorrectWidget"]

_WELCOME = "Detect landmarks or open some, or press New to place them by hand."
_CHOOSE = "Choose a layer of landmarks first."


class CorrectWidget(Dock):
    """Goes through the landmarks of a layer: look, accept, move, place or dismiss each of them.

    Args:
        napari_viewer: The viewer that the dock is in.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer, "correct")
        from farnet.scheme import bundled_schemes, load_scheme
        from napari_farnet.session import watch

        self._viewer = napari_viewer
        self._subject: Subject | None = None
        self._rounds = Rounds(napari_viewer)
        self._queue = Queue()
        self._placing = Placing()
        self._ghosts = Ghosts(napari_viewer)
        self._recovery = Recovery(self, lambda error: self.fail(error, "Saving"))
        self._maker = HeatmapMaker(self._on_heatmaps)
        self._bound: list[tuple[Any, Callable[..., Any]]] = []
        layers = LayerChoice(
            napari_viewer, points_refusal, "The landmarks to correct. It follows the layer list.", follow=True
        )
        self.form = form = CorrectForm(layers, [(name, load_scheme(name).title) for name in bundled_schemes()])
        self.set_form(form)
        layers.changed.connect(self._on_layer)
        form.action_requested.connect(self.act)
        form.landmark_chosen.connect(self.go_to)
        form.radiograph_chosen.connect(self.show_radiograph)
        form.new_requested.connect(self.start_empty)
        form.folder_requested.connect(self._ask_folder)
        form.folder_closed.connect(self.close_folder)
        form.export_requested.connect(self._ask_export)
        form.restore_requested.connect(self._restore)
        form.discard_requested.connect(self._discard)
        form.take_over_requested.connect(self.take_over)
        form.heatmaps.toggled.connect(self._make_heatmaps)
        form.ghosts.toggled.connect(self._show_ghosts)
        form.reader.editingFinished.connect(self._on_reader)
        self.listen(napari_viewer.dims.events.current_step, self._on_slider)
        self.listen(napari_viewer.layers.events.removed, self._on_removed)
        self.destroyed.connect(partial(_farewell, self._bound, self._maker, self._rounds))
        watch(napari_viewer)
        self.say(_WELCOME)
        self._on_layer()

    # Which landmarks

    def _on_layer(self) -> None:
        """Another layer is chosen, or none any more."""
        self._recovery.flush()
        self._release()
        layer = self.form.layers.layer()  # type: ignore[attr-defined]
        self._subject = Subject.of(self._viewer, layer)
        foreign = layer is not None and self._subject is None
        self.form.take_over.setVisible(foreign)
        self._queue.clear()
        if self._subject is not None:
            self._bind(self._subject)
            self.form.show_recovery("" if self._in_folder() else self._recovery.offer(self._subject.session))
            self._say_what_is_left()
        else:
            self.form.show_recovery("")
            if foreign:
                self.say(f"{layer.name!r} was not made by FARNet. Take its points over to correct them here.")
        self._refresh()

    def take_over(self) -> None:
        """Make a layer of landmarks of somebody else's points, whose own layer is hidden and left as it is."""
        layer = self.form.layers.layer()  # type: ignore[attr-defined]
        if layer is None:
            return
        try:
            data = adopted(layer, self._viewer)
        except FarnetError as error:
            self.say(str(error), warn=True)
            return
        layer.visible = False
        self._add(data)

    def _add(self, data: LayerData) -> None:
        """Add a layer of landmarks, which is then the one to correct."""
        from napari.layers import Layer as AnyLayer

        layer = AnyLayer.create(*data)
        self._viewer.add_layer(layer)
        self.form.layers.choose(layer)  # type: ignore[attr-defined]

    def start_empty(self, scheme: str) -> None:
        """Lay an empty layer of landmarks of a scheme over the active image, or the topmost one."""
        from farnet.scheme import load_scheme

        image = image_at_hand(self._viewer)
        if image is None:
            self.say("There is no radiograph in the viewer. Open one first, then press New.", warn=True)
            return
        self.close_folder()
        self._add(empty(image, load_scheme(scheme)))
        self.act("place")

    def _image(self) -> Image | None:
        subject = self._subject
        return None if subject is None else image_under(self._viewer, subject.layer, subject.session.record.image_shape)

    def _bind(self, subject: Subject) -> None:
        subject.session.who = self.form.reader.text().strip()
        layer = subject.layer
        bind_keys(layer, {action: partial(self.act, action) for action in _ACTIONS})
        for signal, slot in (
            (subject.session.changed, self._on_changed),
            (layer.selected_data.events.items_changed, self._on_selected),
            (layer.events.mode, self._on_mode),
        ):
            signal.connect(slot)
            self._bound.append((signal, slot))
        inner = getattr(layer, "__wrapped__", layer)
        inner.mouse_drag_callbacks.append(self._on_click)
        self._bound.append((inner.mouse_drag_callbacks, self._on_click))
        self._bound.append((layer, bind_keys))

    def _release(self) -> None:
        _let_go(self._bound)
        self._subject = None

    def _on_removed(self, event: Any) -> None:
        """The layer of a folder goes: what was done in it is saved first."""
        if self._rounds.in_folder(event.value):
            self._recovery.flush()

    # What is shown

    def _refresh(self) -> None:
        subject = self._subject
        if subject is None:
            self.form.show_review(None)
            self.form.show_steps(undo=False, redo=False)
        else:
            warned = tuple(bool(item > 0) for item in subject.evidence.alarms)
            self.form.show_review(subject.review, warned)
            self.form.show_steps(undo=subject.session.can_undo, redo=subject.session.can_redo)
        self._show_walk()
        self._show_card()
        self._show_ghosts()

    def _show_walk(self) -> None:
        self.form.show_walk(*self._rounds.names(self._subject))
        for widget in (self.form.export, self.form.close_folder):
            widget.setVisible(self._in_folder())

    def _show_card(self) -> None:
        subject, k = self._subject, self.form.landmark
        self.form.card.setText("" if subject is None or k < 0 else card_text(subject.review, subject.evidence, k))

    def _show_ghosts(self) -> None:
        subject, k = self._subject, self.form.landmark
        view = None if subject is None else subject.view
        if subject is None or view is None or k < 0 or not self.form.ghosts.isChecked():
            self._ghosts.hide()
            return
        point = subject.review.landmarks.points[k]
        self._ghosts.show(
            view.rivals(subject.index, k, None if np.isnan(point[0]) else point), subject.index, subject.layer
        )

    def _say_what_is_left(self) -> None:
        subject = self._subject
        if subject is None:
            return
        review = subject.review
        left = int((~review.reviewed).sum())
        if review.complete:
            more = f" {key_of('next_radiograph')} goes to the next radiograph." if self._in_folder() else ""
            self.say(f"All {len(review)} landmarks are reviewed.{more}")
        else:
            self.say(f"{left} of {len(review)} still to be looked at. {key_of('next')} goes to the least certain.")

    # What happens in the layer

    def _on_changed(self, index: Index) -> None:
        subject = self._subject
        if subject is None:
            return
        if index == subject.index:
            self._refresh()
            if self._placing.active:
                self._guide(subject, self._placing.advance(subject))
        if not subject.session.can_undo and not subject.session.can_redo:
            return  # it was shown, and nothing was done to it
        folder = self._rounds.folder
        if folder is not None and self._in_folder():
            self._recovery.later(folder.save)
        else:
            self._recovery.keep(subject.layer, subject.session)

    def _on_selected(self, *_: object) -> None:
        subject = self._subject
        if subject is not None and subject.selected >= 0:
            self.form.choose_landmark(subject.selected)
            self._show_card()
            self._show_ghosts()

    def _on_slider(self, _event: object = None) -> None:
        subject = self._subject
        if subject is not None and subject.layer in self._viewer.layers and subject.look():
            self._queue.clear()
            self.form.choose_landmark(-1)
            self._refresh()
            if self.form.heatmaps.isChecked():
                self._make_heatmaps(True)

    def _on_mode(self, _event: object = None) -> None:
        subject = self._subject
        if subject is not None and str(subject.layer.mode) != "add" and self._placing.active:
            self._placing.end(subject)
            self.form.buttons["place"].setChecked(False)

    def _on_click(self, layer: Points, event: Any) -> Iterator[None]:
        """Alt+click puts the landmark on the nearest peak of its heatmap."""
        if "Alt" not in [str(item) for item in event.modifiers]:
            return
        near = np.asarray(layer.world_to_data(event.position), np.float64)[-2:]
        yield
        while event.type == "mouse_move":
            yield
        subject, k = self._subject, self.form.landmark
        if subject is not None and k >= 0:
            self._snap(subject, k, near)

    # What a person asks for

    def act(self, action: str) -> None:
        """Do one of the actions of `SHORTCUTS`."""
        if action in ("next_radiograph", "previous_radiograph"):
            self._step_radiograph(1 if action == "next_radiograph" else -1)
            return
        subject = self._subject
        if subject is None:
            self.say(_CHOOSE, warn=True)
            return
        try:
            _ACTIONS[action](self, subject)
        except FarnetError as error:
            self.say(str(error), warn=True)

    def go_to(self, k: int) -> None:
        """Look at a landmark: choose it in the list and the layer, and zoom in on it."""
        subject = self._subject
        if subject is None or k < 0:
            return
        self._queue.visit(k)
        self.form.choose_landmark(k)
        subject.select(k)
        point = subject.review.landmarks.points[k]
        if self.form.zoom.isChecked() and not np.isnan(point[0]):
            rows = subject.session.record.image_shape[0] / 4
            zoom_to(self._viewer, subject.layer, point, subject.index, rows=rows)
        self._show_card()
        self._show_ghosts()

    def _next(self, subject: Subject) -> None:
        """Go to the landmark that most needs a look; one that was left as it is comes again at the end."""
        k = self._queue.next(subject.review.queue(subject.evidence.alarms), self.form.landmark)
        if k is not None:
            self.go_to(k)
        self._say_what_is_left()

    def _back(self, subject: Subject) -> None:
        k = self._queue.back()
        if k is not None:
            self.go_to(k)

    def _chosen(self) -> int:
        if self.form.landmark < 0:
            raise InvalidInputError(
                f"Choose a landmark first, in the list or in the picture, or press {key_of('next')}."
            )
        return self.form.landmark

    def _accept(self, subject: Subject) -> None:
        subject.apply(subject.review.accepted(self._chosen(), who=subject.session.who))
        self._next(subject)

    def _absent(self, subject: Subject) -> None:
        subject.apply(subject.review.marked_absent(self._chosen(), who=subject.session.who))
        if not self._placing.active:
            self._next(subject)

    def _reopen(self, subject: Subject) -> None:
        subject.apply(subject.review.reopened(self._chosen(), who=subject.session.who))
        self._say_what_is_left()

    def _snap_chosen(self, subject: Subject) -> None:
        self._snap(subject, self._chosen(), None)

    def _snap(self, subject: Subject, k: int, near: np.ndarray | None) -> None:
        review = subject.snapped(k, near)
        if review is None:
            self.say(
                f"There is no heatmap of {subject.scheme.names[k]} to snap to. Tick Heatmaps to have one made.",
                warn=True,
            )
        else:
            subject.apply(review)

    def _place(self, subject: Subject) -> None:
        """Begin to place missing landmarks by clicks, or end it."""
        if self._placing.active:
            self._placing.end(subject)
            self.form.buttons["place"].setChecked(False)
            self._say_what_is_left()
            return
        k = self._placing.begin(subject, self.form.landmark)
        self.form.buttons["place"].setChecked(k is not None)
        if k is None:
            self.say("No landmark is missing. Drag a point to move it.")
        else:
            self._guide(subject, k)

    def _guide(self, subject: Subject, k: int | None) -> None:
        """Name the landmark that the next click places, in the dock and in the status bar."""
        if k is None:
            self.form.buttons["place"].setChecked(False)
            self._say_what_is_left()
            return
        self.form.choose_landmark(k)
        self._show_card()
        text = f"Click where {subject.scheme.names[k]} is ({len(subject.review.missing)} to place)."
        self.say(f"{text} {key_of('absent')} marks it as absent.")
        self._viewer.help = text

    def _undo(self, subject: Subject) -> None:
        self._show_step(subject, subject.session.undo())

    def _redo(self, subject: Subject) -> None:
        self._show_step(subject, subject.session.redo())

    def _show_step(self, subject: Subject, index: Index | None) -> None:
        """Show the radiograph that was changed by undo or redo, and say what it was."""
        if index is None:
            self.say("There is nothing to take back or to do again.")
            return
        if index != subject.index:
            subject.move_slider(index)
        last = subject.session.review(index).log[-1:]
        self.say(f"{last[0].landmark}: {last[0].action}." if last else "")

    # Going from radiograph to radiograph

    def open_folder(
        self, folder: Path | str, *, predictions: Path | str | None = None, scheme: LandmarkScheme | None = None
    ) -> None:
        """Go through a folder of radiographs, from the first that has no corrections.

        Args:
            folder: It holds radiographs, and ``landmarks.csv`` if they were predicted.
            predictions: Another file of predictions.
            scheme: What to place where nothing was predicted; the scheme of the chosen layer, else the cephalogram's.
        """
        from farnet.scheme import load_scheme

        self._recovery.flush()
        fallback = self._subject.scheme if self._subject is not None else load_scheme("cephalometric19")
        try:
            first = self._rounds.open(folder, predictions, scheme, fallback)
        except FarnetError as error:
            self.fail(error, "Opening the folder")
            return
        self.show_radiograph(first)

    def close_folder(self) -> None:
        """Leave the folder; what was corrected is saved, and the layers stay."""
        self._recovery.flush()
        self._rounds.close()
        self._show_walk()

    def show_radiograph(self, number: int) -> None:
        """Show another radiograph of the folder, or of the stack."""
        subject, folder = self._subject, self._rounds.folder
        if folder is not None and (self._in_folder() or folder.points is None):
            self._recovery.flush()
            try:
                folder.show(number)
            except FarnetError as error:
                self.fail(error, "Opening the radiograph")
                self._show_walk()
                return
            self._queue.clear()
            self.form.choose_landmark(-1)
            self._choose_folder_layer(folder)
            self._refresh()
            self._say_what_is_left()
            if self.form.heatmaps.isChecked():
                self._make_heatmaps(True)
        elif subject is not None:
            subject.move_slider(subject.session.record.indices[number])

    def _choose_folder_layer(self, folder: FolderLayers) -> None:
        self.form.layers.refresh()  # type: ignore[attr-defined]
        self.form.layers.choose(folder.points)  # type: ignore[attr-defined]
        if self._subject is None or self._subject.layer != folder.points:
            self._on_layer()
        if self._viewer.layers.selection.active != folder.points:
            self._viewer.layers.selection.active = folder.points

    def _step_radiograph(self, step: int) -> None:
        box = self.form.radiographs
        number = box.currentIndex() + step
        if self.form.walk.isHidden() or not 0 <= number < box.count():
            self.say("There is no further radiograph.")
            return
        box.setCurrentIndex(number)

    def _in_folder(self) -> bool:
        """Whether the layer that is corrected is that of the folder."""
        return self._subject is not None and self._rounds.in_folder(self._subject.layer)

    def _ask_folder(self) -> None:
        from qtpy.QtWidgets import QFileDialog

        chosen = QFileDialog.getExistingDirectory(self, "A folder of radiographs")
        if chosen:
            self.open_folder(chosen)

    def _ask_export(self) -> None:
        from qtpy.QtWidgets import QFileDialog

        folder = self._rounds.folder
        if folder is None:
            return
        start = str(folder.walk.corrections.store.with_name("corrected.csv"))
        chosen, _ = QFileDialog.getSaveFileName(self, "All corrections in one file", start, "csv (*.csv);;all (*)")
        if chosen:
            self.export(chosen)

    def export(self, path: Path | str) -> None:
        """Write all corrections of the folder into one file, in the format of its ending."""
        self._recovery.flush()
        try:
            count = self._rounds.export(path)
        except FarnetError as error:
            self.fail(error, "Writing the corrections")
        else:
            self.say(f"The corrections of {count} radiographs are in {path}.")

    # Copies of unsaved work

    def _restore(self) -> None:
        subject = self._subject
        if subject is None:
            return
        try:
            found = self._recovery.copy(subject.session)
        except FarnetError as error:
            self.fail(error, "Restoring")
            self.form.show_recovery("")
            return
        from farnet.review import Review

        for index, landmarks in found:
            if index in subject.session.record.indices:
                subject.session.apply(index, Review.of(landmarks))
        self.form.show_recovery("")
        self.say("The autosaved landmarks are back. Undo takes them away again.")

    def _discard(self) -> None:
        if self._subject is not None:
            self._recovery.discard(self._subject.session)
        self.form.show_recovery("")

    # The rest

    def _make_heatmaps(self, wanted: bool) -> None:
        subject, image = self._subject, self._image()
        layer = None if subject is None else subject.session.heatmaps
        if layer is not None and layer in self._viewer.layers:
            layer.visible = wanted
        if not wanted or subject is None or image is None:
            return
        view = subject.view
        if view is not None and view.of(subject.index, 0) is not None and not self._in_folder():
            return
        model = self._maker.make(subject, image)
        if model:
            self.say(f"{model} makes the heatmaps \N{HORIZONTAL ELLIPSIS}")
        else:
            self.say(f"There is no model for {subject.scheme.title}, so there are no heatmaps.", warn=True)

    def _on_heatmaps(self, problem: str) -> None:
        if problem:
            self.say(problem, warn=True)
        else:
            self._refresh()
            self._say_what_is_left()

    def _on_reader(self) -> None:
        if self._subject is not None:
            self._subject.session.who = self.form.reader.text().strip()

    def command(self) -> Sequence[str]:
        """Give the `farnet review` that reports on the same corrections."""
        folder = self._rounds.folder
        if folder is not None and self._in_folder():
            return ["farnet", "review", str(folder.walk.corrections.store)]
        layer = None if self._subject is None else self._subject.layer
        path = None if layer is None else layer.source.path
        if not path:
            raise InvalidInputError(
                "These landmarks are in no file yet. Save the layer (File, Save Selected Layers) and open the file, or "
                "go through a folder."
            )
        return ["farnet", "review", str(path)]


_ACTIONS: dict[str, Callable[[CorrectWidget, Subject], None]] = {
    "next": CorrectWidget._next,
    "back": CorrectWidget._back,
    "accept": CorrectWidget._accept,
    "absent": CorrectWidget._absent,
    "place": CorrectWidget._place,
    "snap": CorrectWidget._snap_chosen,
    "reopen": CorrectWidget._reopen,
    "undo": CorrectWidget._undo,
    "redo": CorrectWidget._redo,
    "next_radiograph": lambda dock, _subject: dock.act("next_radiograph"),
    "previous_radiograph": lambda dock, _subject: dock.act("previous_radiograph"),
}


def _let_go(bound: list[tuple[Any, Callable[..., Any]]]) -> None:
    """Undo what was bound to a layer, whose keys and callbacks outlive the dock."""
    for where, slot in bound:
        if slot is bind_keys:
            unbind_keys(where)
        elif isinstance(where, list):
            if slot in where:
                where.remove(slot)
        else:
            where.disconnect(slot)
    bound.clear()


def _farewell(
    bound: list[tuple[Any, Callable[..., Any]]], maker: HeatmapMaker, rounds: Rounds, _dock: object = None
) -> None:
    """The dock is gone: nothing in the viewer may call it, and nothing runs on."""
    _let_go(bound)
    maker.close()
    rounds.close()
