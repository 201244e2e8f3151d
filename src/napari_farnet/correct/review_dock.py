"""Reviewing the landmarks of the radiograph that is shown: the part of the dock that goes from landmark to landmark."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import FarnetError, InvalidInputError
from napari_farnet.correct.card import card_text
from napari_farnet.correct.form import CorrectForm
from napari_farnet.correct.placing import Placing
from napari_farnet.correct.queue import Queue
from napari_farnet.correct.rivals import Ghosts
from napari_farnet.correct.shortcuts import SHORTCUTS, bind_keys, key_of, unbind_keys
from napari_farnet.opening import zoom_to
from napari_farnet.points import points_refusal
from napari_farnet.ui.dock import Dock
from napari_farnet.ui.layer_choice import LayerChoice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.components import ViewerModel
    from napari.layers import Points

    from napari_farnet.correct.subject import Subject
    from napari_farnet.record import Index

    Bound = list[tuple[Any, Callable[..., Any]]]

__all__ = ["Bound", "ReviewDock", "let_go"]

_CHOOSE = "Choose a layer of landmarks first."


class ReviewDock(Dock):
    """A dock with a list of landmarks, one of them chosen, and what can be done with it.

    Args:
        viewer: The viewer that the dock is in.
        page: Page of the guide.
    """

    def __init__(self, viewer: ViewerModel, page: str) -> None:
        super().__init__(viewer, page)
        from farnet.scheme import bundled_schemes, load_scheme

        self._subject: Subject | None = None
        self._queue = Queue()
        self._placing = Placing()
        self._ghosts = Ghosts(viewer)
        self._bound: Bound = []
        self.layers = LayerChoice(
            viewer, points_refusal, "The landmarks to correct. It follows the layer list.", follow=True
        )
        schemes = [(name, load_scheme(name).title) for name in bundled_schemes()]
        self.form = form = CorrectForm(self.layers, schemes, _own_schemes)
        self.set_form(form)
        form.action_requested.connect(self.act)
        form.landmark_chosen.connect(self.go_to)
        form.ghosts.toggled.connect(self._show_ghosts)
        form.reader.editingFinished.connect(self._on_reader)

    def step_radiograph(self, step: int) -> None:
        """Go to the next radiograph (1) or the one before (-1), where there are several."""
        raise NotImplementedError

    def _whats_next(self) -> str:
        """What to do when all landmarks of a radiograph are reviewed; may be empty."""
        return ""

    # The layer that is corrected

    def _bind(self, subject: Subject) -> None:
        subject.session.who = self.form.reader.text().strip()
        layer = subject.layer
        bind_keys(layer, {action: partial(self.act, action) for action in (item.action for item in SHORTCUTS)})
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
        let_go(self._bound)
        self._subject = None

    def _on_reader(self) -> None:
        if self._subject is not None:
            self._subject.session.who = self.form.reader.text().strip()

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
        self._show_card()
        self._show_ghosts()

    def _show_card(self) -> None:
        subject, k = self._subject, self.form.landmark
        self.form.card.setText("" if subject is None or k < 0 else card_text(subject.review, subject.evidence, k))
        self.form.schematic.show_landmark(None if subject is None else subject.review.landmarks.scheme, k)

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
        if subject.evidence.mirrored:
            self.say(
                "These landmarks look like a mirror image: is the radiograph flipped, or left taken for right? "
                "Measurements need it the right way round.",
                warn=True,
            )
        elif review.complete:
            self.say(f"All {len(review)} landmarks are reviewed. {self._whats_next()}".strip())
        else:
            self.say(f"{left} of {len(review)} still to be looked at. {key_of('next')} goes to the least certain.")

    # What happens in the layer

    def _on_changed(self, index: Index) -> None:
        subject = self._subject
        if subject is not None and index == subject.index:
            self._refresh()
            if self._placing.active:
                self._guide(subject, self._placing.advance(subject))
            else:
                self._say_what_is_left()

    def _on_selected(self, *_: object) -> None:
        subject = self._subject
        if subject is not None and subject.selected >= 0:
            self.form.choose_landmark(subject.selected)
            self._show_card()
            self._show_ghosts()

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
            self.step_radiograph(1 if action == "next_radiograph" else -1)
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
            zoom_to(self.viewer, subject.layer, point, subject.index, rows=rows)
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
        self.viewer.help = text

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


def _own_schemes() -> list[tuple[str, str]]:
    from farnet.formats.schemes import own_schemes

    return [(scheme.name, scheme.title) for scheme in own_schemes()]


_ACTIONS: dict[str, Callable[[ReviewDock, Subject], None]] = {
    "next": ReviewDock._next,
    "back": ReviewDock._back,
    "accept": ReviewDock._accept,
    "absent": ReviewDock._absent,
    "place": ReviewDock._place,
    "snap": ReviewDock._snap_chosen,
    "reopen": ReviewDock._reopen,
    "undo": ReviewDock._undo,
    "redo": ReviewDock._redo,
}


def let_go(bound: Bound) -> None:
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
