"""Runs blind readings: from what the page says to a session in the viewer, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from farnet.errors import FarnetError, InvalidInputError
from napari_farnet.evaluate.blind import BlindSession, readings_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.components import ViewerModel

    from farnet.evaluation.blind import BlindStudy
    from farnet.radiograph import Radiograph
    from napari_farnet.evaluate.blind_page import BlindPage

__all__ = ["BlindDesk"]


class BlindDesk:
    """One blind reading at a time.

    Args:
        viewer: Where it is read.
        page: What is asked for.
        say: Tells what happens; takes a text, and `warn`.
    """

    def __init__(self, viewer: ViewerModel, page: BlindPage, say: Callable[..., None]) -> None:
        self._viewer, self._page, self._say = viewer, page, say
        self.session: BlindSession | None = None
        self._placed: Any = None
        page.begin_requested.connect(self.begin)
        page.next_requested.connect(self.next)
        page.end_requested.connect(self.end)

    def command(self) -> list[str]:
        """The `farnet observers` that prepares the same study.

        Raises:
            InvalidInputError: If something is still to be chosen, or it reads a layer.
        """
        page = self._page
        if page.stack.layer() is not None:
            raise InvalidInputError("The command line prepares studies of folders; this one reads a layer.")
        words = ["farnet", "observers", "--blind", str(page.folder.required())]
        words += ["--output", str(page.study.required()), "--seed", str(page.seed.value())]
        return [*words, *(["--repeats", str(page.repeats.value())] if page.repeats.value() else [])]

    def begin(self) -> None:
        """Begin, or go on with, the reading that the page describes."""
        if self.session is not None:
            return
        page = self._page
        try:
            from farnet.scheme import load_scheme

            folder = page.study.required()
            file = readings_file(folder, page.reader.text())
            study, read = self._study(folder)
            scheme = load_scheme(page.scheme.currentData())
            session = BlindSession(self._viewer, study, read, scheme, file, page.reader.text().strip())
            more = session.begin()
        except FarnetError as error:
            self._say(str(error), warn=True)
            return
        if not more:
            self._say(f"{page.reader.text()} has read all {session.total} radiographs of this study.")
            return
        self.session = session
        page.set_reading(True)
        self._tell()

    def next(self) -> None:
        """Save this reading and show the next radiograph."""
        if self.session is None:
            return
        try:
            more = self.session.next()
        except FarnetError as error:
            self._say(str(error), warn=True)
            return
        if more:
            self._tell()
        else:
            total = self.session.total
            self.end()
            self._say(f"All {total} radiographs are read and saved. Compare readings under Observers, with the key.")

    def end(self) -> None:
        """End the reading; what was saved can be gone on with."""
        if self.session is None:
            return
        done, total = self.session.done, self.session.total
        self.leave()
        self._page.set_reading(False)
        self._page.hint.setText("")
        self._say(f"{done} of {total} radiographs are read and saved. Begin again with the same folder to go on.")

    def leave(self) -> None:
        """Show again what was hidden, without a word."""
        session, self.session = self.session, None
        if session is not None:
            session.end()

    def _study(self, folder: Path) -> tuple[BlindStudy, Callable[[str], Radiograph]]:
        """The study in a folder, or a new one, and how its radiographs are read."""
        from farnet.evaluation.blind import blind_study, read_study, write_blind_study
        from farnet.radiograph import find_radiographs, read_radiograph
        from napari_farnet.sources import RadiographSource

        page = self._page
        layer = page.stack.layer()
        if layer is None:
            scans = page.folder.required()
            found = find_radiographs([scans]) if scans.is_dir() else []
            if not found or found == [scans]:
                raise InvalidInputError(f"{scans} is no folder of radiographs; choose one that holds some.")
            names = [str(path) for path in found]
            read: Callable[[str], Radiograph] = read_radiograph
        else:
            source = RadiographSource.of(layer)
            places = {source.label(index): index for index in source.indices}
            names = list(places)

            def read(name: str) -> Radiograph:
                return source.read(places[name])

        study = read_study(folder)
        if study is None:
            study = blind_study(names, repeats=min(page.repeats.value(), len(names)), seed=page.seed.value())
            write_blind_study(study, folder)
        elif set(study.radiographs) != set(names):
            raise InvalidInputError(
                f"The study in {folder} is of other radiographs than these. Choose the same ones, or another folder."
            )
        return study, read

    def _tell(self) -> None:
        """Say which radiograph it is, and which landmark the next click places."""
        session = self.session
        if session is None or session.points is None:
            return
        session.points.events.data.connect(self._on_points)
        self._on_points()
        self._say(f"Reading {session.done + 1} of {session.total}. Click to place the landmarks, then press Next.")

    def _on_points(self, _event: object = None) -> None:
        session = self.session
        if session is None:
            return
        following = session.next_landmark()
        self._page.hint.setText(
            f"{session.code}: {following} is next." if following else f"{session.code}: all landmarks are placed."
        )
