"""The dock "Correct landmarks": it wires the form to a layer of landmarks and goes from landmark to landmark."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farnet.autosave import Autosave, autosave_folder
from farnet.errors import FarnetError, InvalidInputError, OutputError
from farnet.identity import OtherRadiographError
from napari_farnet.correct.beginnings import adopted, empty, image_at_hand, image_under
from napari_farnet.correct.closing import ask
from napari_farnet.correct.copies import Offer
from napari_farnet.correct.copies_window import CopiesWindow
from napari_farnet.correct.heatmaps import HeatmapMaker
from napari_farnet.correct.recovery import Recovery
from napari_farnet.correct.review_dock import ReviewDock, let_go
from napari_farnet.correct.rounds import Rounds
from napari_farnet.correct.saving import Saving
from napari_farnet.correct.session_writing import of_folder, of_layer, place_for, summary, write_session
from napari_farnet.correct.shortcuts import key_of
from napari_farnet.correct.subject import Subject
from napari_farnet.correct.unsaved import leave
from napari_farnet.correct.warm_up import warm_up
from napari_farnet.notices import tell_info
from napari_farnet.threads import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image

    from farnet.landmarks import Landmarks
    from farnet.scheme import LandmarkScheme
    from farnet.session_export import Session
    from napari_farnet.correct.closing import Answer
    from napari_farnet.correct.folder import FolderLayers
    from napari_farnet.correct.review_dock import Bound
    from napari_farnet.correct.unsaved import Unsaved
    from napari_farnet.layers import LayerData
    from napari_farnet.record import Index

__all__ = ["CorrectWidget"]

_WELCOME = "Detect landmarks or open some, or press New to place them by hand."


class CorrectWidget(ReviewDock):
    """Goes through the landmarks of a layer: look, accept, move, place or dismiss each of them.

    Args:
        napari_viewer: The viewer that the dock is in.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer, "correct")
        from napari_farnet.session import watch

        self._rounds = Rounds(napari_viewer)
        self._recovery = Recovery(self)
        self._saving = Saving(self, self._recovery, self._rounds)
        self._offer: Offer | None = None
        self._maker = HeatmapMaker(self._on_heatmaps)
        form = self.form
        self.layers.changed.connect(self._on_layer)
        form.radiograph_chosen.connect(self.show_radiograph)
        form.new_requested.connect(self.start_empty)
        form.folder_requested.connect(self._ask_folder)
        form.folder_closed.connect(self.close_folder)
        form.export_requested.connect(self._ask_export)
        form.session_requested.connect(self._ask_session)
        form.restore_requested.connect(self._restore)
        form.discard_requested.connect(self._discard)
        form.copies_requested.connect(self.show_copies)
        form.take_over_requested.connect(self.take_over)
        form.heatmaps.toggled.connect(self._make_heatmaps)
        self.listen(napari_viewer.dims.events.current_step, self._on_slider)
        self.listen(napari_viewer.layers.events.removed, self._on_removed)
        self.destroyed.connect(partial(_farewell, self._bound, self._maker, self._rounds, self._recovery.unsaved))
        watch(napari_viewer)
        warm_up(self)
        self.say(_WELCOME)
        self._on_layer()
        self._saving.show()
        self._remove_old_copies()

    # Which landmarks

    def _on_layer(self) -> None:
        """Another layer is chosen, or none any more."""
        self._recovery.flush()
        self._release()
        layer = self.layers.layer()
        self._subject = Subject.of(self.viewer, layer)
        foreign = None if self._subject is not None else layer
        self.form.take_over.setVisible(foreign is not None)
        self._queue.clear()
        self._tick_heatmaps()
        if self._subject is not None:
            self._bind(self._subject)
            self._offer_copy()
            self._say_what_is_left()
        else:
            self._end_offer()
            if foreign is not None:
                self.say(f"{foreign.name!r} was not made by FARNet. Take its points over to correct them here.")
        self._refresh()

    def take_over(self) -> None:
        """Make a layer of landmarks of somebody else's points, whose own layer is hidden and left as it is."""
        layer = self.layers.layer()
        if layer is None:
            return
        try:
            data = adopted(layer, self.viewer)
        except FarnetError as error:
            self.say(str(error), warn=True)
            return
        layer.visible = False
        self._add(data)

    def _add(self, data: LayerData) -> None:
        """Add a layer of landmarks, which is then the one to correct."""
        from napari.layers import Layer as AnyLayer

        layer = AnyLayer.create(*data)
        self.viewer.add_layer(layer)
        self.layers.choose(layer)

    def start_empty(self, scheme: str) -> None:
        """Lay an empty layer of landmarks of a scheme over the active image, or the topmost one."""
        from farnet.formats import find_scheme

        image = image_at_hand(self.viewer)
        if image is None:
            self.say("There is no radiograph in the viewer. Open one first, then press New.", warn=True)
            return
        if not self.close_folder():
            return
        self._add(empty(image, find_scheme(scheme)))
        self.act("place")

    def _image(self) -> Image | None:
        subject = self._subject
        return None if subject is None else image_under(self.viewer, subject.layer, subject.session.record.image_shape)

    def _on_removed(self, event: Any) -> None:
        """A layer goes: what was done in it is saved."""
        layer = getattr(event.value, "__wrapped__", event.value)
        if self._rounds.in_folder(layer) or layer in self._recovery.unsaved:
            self._recovery.flush()

    # What is shown

    def _refresh(self) -> None:
        super()._refresh()
        self._show_walk()

    def _whats_next(self) -> str:
        return f"{key_of('next_radiograph')} goes to the next radiograph." if self._in_folder() else ""

    def _show_walk(self) -> None:
        self.form.show_walk(*self._rounds.names(self._subject))
        self.form.close_folder.setVisible(self._in_folder())
        self.form.export_file.setEnabled(self._in_folder())
        self.form.export.setEnabled(self._subject is not None)

    # What happens in the layer

    def _on_changed(self, index: Index) -> None:
        super()._on_changed(index)
        subject, folder = self._subject, self._rounds.folder
        if subject is None or not (subject.session.can_undo or subject.session.can_redo):
            return  # it was shown, and nothing was done to it
        if self._offer is not None:
            try:
                self._offer.put_aside()  # or the next copy would take its place
            except OSError as error:
                self.fail(OutputError(f"The earlier copy cannot be put aside: {error}."), "Saving")
        if folder is not None and self._in_folder():
            self._recovery.later(folder, folder.save)
        else:
            layer = getattr(subject.layer, "__wrapped__", subject.layer)
            self._recovery.keep(layer, subject.session)

    def _on_slider(self, _event: object = None) -> None:
        subject = self._subject
        if subject is not None and subject.layer in self.viewer.layers and subject.look():
            self._queue.clear()
            self.form.choose_landmark(-1)
            self._refresh()
            if self.form.heatmaps.isChecked():
                self._make_heatmaps(True)

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

        if not self._saving.may_leave():
            return
        fallback = self._subject.scheme if self._subject is not None else load_scheme("cephalometric19")
        try:
            first = self._rounds.open(folder, predictions, scheme, fallback, self.form)
        except FarnetError as error:
            self.fail(error, "Opening the folder")
            return
        self.show_radiograph(first)

    def close_folder(self) -> bool:
        """Leave the folder; what was corrected is saved, and the layers stay.

        Returns:
            Whether it was left: it is not as long as a correction cannot be saved.
        """
        if not self._saving.may_leave():
            return False
        self._rounds.close()
        self._show_walk()
        return True

    def show_radiograph(self, number: int) -> None:
        """Show another radiograph of the folder, or of the stack; not while a correction cannot be saved."""
        subject, folder = self._subject, self._rounds.folder
        if folder is not None and (self._in_folder() or folder.points is None):
            if not self._saving.may_leave():
                self._show_walk()
                return
            try:
                self._show_in_folder(folder, number)
            except FarnetError as error:
                self.fail(error, "Opening the radiograph")
                self._show_walk()
                return
            self._queue.clear()
            self.form.choose_landmark(-1)
            self._choose_folder_layer(folder)
            self._offer_copy()
            self._refresh()
            self._say_what_is_left()
            if self.form.heatmaps.isChecked():
                self._make_heatmaps(True)
        elif subject is not None:
            subject.move_slider(subject.session.record.indices[number])

    def _show_in_folder(self, folder: FolderLayers, number: int) -> None:
        """Show a radiograph; where its landmarks record another file, a person decides."""
        try:
            folder.show(number)
        except OtherRadiographError as error:
            answers: dict[str, Answer] = {"Do not show them": "stay", "Take the points all the same": "leave"}
            if ask(self.window(), "Another radiograph", str(error), answers, "stay") == "stay":
                raise
            folder.show(number, trust=True)

    def _choose_folder_layer(self, folder: FolderLayers) -> None:
        self.layers.refresh()
        self.layers.choose(folder.points)
        if self._subject is None or self._subject.layer != folder.points:
            self._on_layer()
        if self.viewer.layers.selection.active != folder.points:
            self.viewer.layers.selection.active = folder.points

    def step_radiograph(self, step: int) -> None:
        """Go to the next radiograph (1) or the one before (-1), of the folder or the stack."""
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
        if not self._saving.may_leave():
            return  # it would lack what is on the screen
        try:
            count = self._rounds.export(path)
        except FarnetError as error:
            self.fail(error, "Writing the corrections")
        else:
            self.say(f"The corrections of {count} radiographs are in {path}.")

    def _ask_session(self) -> None:
        from qtpy.QtWidgets import QFileDialog

        start = str(place_for(self._subject, self._rounds.folder if self._in_folder() else None))
        chosen, _ = QFileDialog.getSaveFileName(self, "Name of a new folder for the session", start)
        if chosen:
            self.export_session(chosen)

    def export_session(self, path: Path | str) -> None:
        """Write what was corrected in the layer, or in the folder that is open, into a new folder.

        See `farnet.session_export` for what it holds. A notification says when it is there.
        """
        subject = self._subject
        if subject is None:
            self.say("There are no landmarks to export. Detect some or open some first.", warn=True)
            return
        if not self._saving.may_leave() and self._in_folder():
            return  # it would lack what is on the screen
        folder = self._rounds.folder if self._in_folder() else None
        self.say(f"Writing the session {path} \N{HORIZONTAL ELLIPSIS}")
        write_session(Path(path), of_layer(subject) if folder is None else of_folder(folder), self._exported)

    def _exported(self, outcome: Session | Failure) -> None:
        if isinstance(outcome, Failure):
            self.fail(outcome.error, "Writing the session")
            return
        self.say(summary(outcome))
        tell_info(summary(outcome))

    # Copies of unsaved work

    def _offer_copy(self) -> None:
        """Offer what an earlier session has left of the radiographs that are shown."""
        self._end_offer()
        subject = self._subject
        if subject is None or subject.session.can_undo or subject.session.can_redo:
            return  # the copy is of what was done in this very layer
        offer = Offer(subject.layer, subject.session)
        if offer.copy is not None:
            self._offer = offer
            self.form.show_recovery(offer.text)

    def _end_offer(self) -> None:
        self._offer = None
        self.form.show_recovery("")

    def _restore(self) -> None:
        subject, offer = self._subject, self._offer
        if subject is None or offer is None:
            return
        try:
            found = offer.read(subject.session)
            self._end_offer()
            for index, landmarks in found:
                self._take_copy(subject, index, landmarks)
            if self._recovery.flush():
                offer.discard()  # a newer copy holds the same, or the corrections do
        except FarnetError as error:
            self._end_offer()
            self.fail(error, "Restoring")
            return
        self.say("The autosaved landmarks are back. Undo takes them away again.")

    def _take_copy(self, subject: Subject, index: Index, landmarks: Landmarks) -> None:
        from farnet.review import Review

        if index not in subject.session.record.indices:
            return
        here = subject.session.review(index).landmarks
        if here.identity.compare(landmarks.identity) == "other":
            raise OtherRadiographError(
                f"The copy of {landmarks.radiograph!r} is of another radiograph than {here.radiograph!r}."
            )
        own = {key: here.provenance[key] for key in ("pixels_sha256",) if key in here.provenance}
        subject.session.apply(
            index,
            Review.of(landmarks.replace(image_sha256=here.image_sha256, provenance={**landmarks.provenance, **own})),
        )

    def _discard(self) -> None:
        offer = self._offer
        self._end_offer()
        if offer is not None:
            try:
                offer.discard()
            except FarnetError as error:
                self.fail(error, "Removing the copy")

    def show_copies(self) -> CopiesWindow:
        """List the copies of unsaved work, to open or to remove them."""
        window = CopiesWindow(Autosave(autosave_folder()), self.window())
        window.opened.connect(self._open_copy)
        window.show()
        return window

    def _open_copy(self, file: str) -> None:
        try:
            self.viewer.open(file, plugin="napari-farnet")
        except FarnetError as error:
            self.fail(error, "Opening the copy")

    def _remove_old_copies(self) -> None:
        try:
            Autosave(autosave_folder()).sweep()
        except FarnetError as error:
            self.fail(error, "Removing old copies")

    # The rest

    def _tick_heatmaps(self) -> None:
        """Tick the box where heatmaps of the landmarks are seen already."""
        heatmaps = None if self._subject is None or self._subject.view is None else self._subject.session.heatmaps
        if heatmaps is not None and heatmaps.visible:
            self.form.heatmaps.blockSignals(True)
            self.form.heatmaps.setChecked(True)
            self.form.heatmaps.blockSignals(False)

    def _make_heatmaps(self, wanted: bool) -> None:
        subject, image = self._subject, self._image()
        layer = None if subject is None else subject.session.heatmaps
        if layer is not None and layer in self.viewer.layers:
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


def _farewell(bound: Bound, maker: HeatmapMaker, rounds: Rounds, unsaved: Unsaved, _dock: object = None) -> None:
    """The dock is gone: nothing in the viewer may call it, nothing runs on, and what is unsaved is not forgotten."""
    let_go(bound)
    leave(unsaved)
    maker.close()
    rounds.close()
