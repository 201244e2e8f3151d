"""What the dock does while corrections cannot be saved: it says so, waits, and asks before they are left behind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QFileDialog

from farnet.errors import FarnetError
from napari_farnet.correct.closing import CloseGuard, ask
from napari_farnet.correct.folder import FolderLayers

if TYPE_CHECKING:
    from napari_farnet.correct.closing import Answer
    from napari_farnet.correct.dock import CorrectWidget
    from napari_farnet.correct.recovery import Recovery
    from napari_farnet.correct.rounds import Rounds

__all__ = ["Saving"]


class Saving(QObject):
    """Between what is unsaved and the person who has to know.

    Args:
        dock: Where it is said.
        recovery: What is unsaved.
        rounds: The folder that waits for it.
    """

    def __init__(self, dock: CorrectWidget, recovery: Recovery, rounds: Rounds) -> None:
        super().__init__(dock)
        self._dock, self._recovery, self._rounds = dock, recovery, rounds
        self._guard = CloseGuard(dock, self._may_close)
        self._asking = False
        self._told = ""
        recovery.failed.connect(self._on_failed)
        recovery.changed.connect(self.show)
        dock.form.again_requested.connect(self.try_again)
        dock.form.elsewhere_requested.connect(self._ask_where)
        dock.installEventFilter(self)

    def show(self) -> None:
        """Show what is unsaved for as long as it is."""
        self._dock.form.show_unsaved(*self._texts())

    def may_leave(self) -> bool:
        """Save, and tell whether another radiograph may take the place of the one of the folder."""
        self._recovery.flush()
        folder = self._rounds.folder
        if folder is None or folder not in self._recovery.unsaved:
            return True
        self._dock.say(
            f"The corrections of {folder.name} are not saved, so it stays here until they are: see above.", warn=True
        )
        return False

    def try_again(self) -> None:
        """Save what could not be saved."""
        if self._recovery.flush():
            self._dock.say("Everything is saved now.")
            self._dock._show_walk()

    def save_elsewhere(self, place: Path) -> None:
        """Save what could not be saved in another place.

        Args:
            place: A folder for the corrections of a folder; a file for those of a layer.
        """
        for owner, _ in self._recovery.unsaved.failed:
            if isinstance(owner, FolderLayers):
                store = owner.save_elsewhere(place)
                said = f"The corrections are saved in {store} from now on. Move them to the radiographs later."
            elif not owner.save(str(place), plugin="napari-farnet"):  # type: ignore[attr-defined]
                raise FarnetError(f"Nothing was written to {place}. Choose a name that ends in .csv.")
            else:
                said = f"The landmarks of the layer are saved in {place}."
                self._recovery.drop(owner)
            if self._recovery.flush() or owner not in self._recovery.unsaved:
                self._dock.say(said)
                self._dock._show_walk()
            return

    def _on_failed(self, error: Exception) -> None:
        if str(error) != self._told:  # it stands in the dock; one notification is enough
            self._dock.fail(error, "Saving")
        self._told = str(error)

    def _texts(self) -> tuple[str, str]:
        """What is not saved, and why."""
        failed = self._recovery.unsaved.failed
        if not failed:
            self._told = ""
            return "", ""
        owner, error = failed[0]
        if isinstance(owner, FolderLayers):
            copied = " A copy is kept in your data folder meanwhile." if owner.copied else ""
            what = f"the corrections of {owner.name}. You stay at this radiograph until they are.{copied}"
        else:
            name = getattr(owner, "name", "the layer")
            what = f"the copy of {name!r} that is kept for a crash. The layer itself holds everything: save it."
        return f"Not saved: {what}", str(error)

    def _ask_where(self) -> None:
        failed = self._recovery.unsaved.failed
        if not failed:
            return
        if isinstance(failed[0][0], FolderLayers):
            place = QFileDialog.getExistingDirectory(self._dock, "Another folder for the corrections")
        else:
            start = f"{getattr(failed[0][0], 'name', 'landmarks')}.csv"
            place, _ = QFileDialog.getSaveFileName(self._dock, "Save the landmarks", start, "csv (*.csv)")
        if place:
            try:
                self.save_elsewhere(Path(place))
            except (FarnetError, OSError, ValueError) as error:
                self._dock.fail(error, "Saving")

    # Closing

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Notice that the dock comes into a window, and that it is taken out of it."""
        if event is not None and event.type() in (QEvent.Type.ParentChange, QEvent.Type.Show):
            if self._dock.parent() is None and not self._dock.isVisible():
                self._settle(may_stay=False)
            QTimer.singleShot(0, self._guard.watch)
        return super().eventFilter(watched, event)

    def _may_close(self) -> bool:
        return self._settle(may_stay=True)

    def _settle(self, *, may_stay: bool) -> bool:
        """Save, and ask for as long as that fails; tells whether to go on."""
        if self._asking:
            return False
        self._asking = True
        try:
            while not self._recovery.flush():
                answers: dict[str, Answer] = {
                    "Try again": "again",
                    "Save elsewhere\N{HORIZONTAL ELLIPSIS}": "elsewhere",
                }
                answers["Go without saving"] = "leave"
                if may_stay:
                    answers["Cancel"] = "stay"
                safest: Answer = "stay" if may_stay else "again"
                what, why = self._texts()
                text = f"{what}\n\n{why}\n\nWhat shall be done before this is closed?"
                answer = ask(self._dock.window(), "Not saved", text, answers, safest)
                if answer == "elsewhere":
                    self._ask_where()
                elif answer != "again":
                    return answer == "leave"
            return True
        finally:
            self._asking = False
