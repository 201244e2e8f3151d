"""Copies of unsaved work: of which radiographs a layer is, its copy, and what a crash has left.

A layer's work is told from that on other radiographs by `farnet.identity`. What only a name speaks for is asked about.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from farnet.autosave import Autosave, Work, autosave_folder
from napari_farnet.placement import Placement
from napari_farnet.record import METADATA_KEY, record_of
from napari_farnet.saved import SavedLayer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Points

    from farnet.autosave import Copy
    from farnet.landmarks import Landmarks
    from napari_farnet.record import Index, LandmarkRecord
    from napari_farnet.session import LandmarkSession

__all__ = ["Offer", "forget_copy", "store_copy", "work_of"]

_WORK = "work"


def work_of(metadata: Mapping[str, Any], record: LandmarkRecord) -> Work:
    """The work on a layer of landmarks: the same value for as long as the layer holds the same radiographs."""
    own = metadata[METADATA_KEY]
    if not isinstance(own.get(_WORK), Work):
        own[_WORK] = Work.of(record.landmarks)
    work: Work = own[_WORK]
    return work


def store_copy(layer: Points, session: LandmarkSession) -> None:
    """Keep a copy of a layer of landmarks as it is now.

    Raises:
        OutputError: If it cannot be written.
    """
    placement = Placement.of(layer)
    record = session.record
    landmarks = [
        SavedLayer(str(layer.name), index, placement).add_to(session.review(index).to_landmarks())
        for index in record.indices
    ]
    Autosave(autosave_folder()).store(work_of(layer.metadata, record), landmarks)


def forget_copy(metadata: Mapping[str, Any]) -> None:
    """What was kept of a layer is not needed any more: it is saved.

    Raises:
        OutputError: If it cannot be removed.
    """
    record = record_of(metadata)
    if record is not None:
        Autosave(autosave_folder()).discard(work_of(metadata, record))


class Offer:
    """The copy of a layer's radiographs that an earlier session has left, for a person to take or leave.

    Attributes:
        copy: The copy; None where there is none.
        certain: It is proved to be of the same radiographs, by their hashes; otherwise by nothing but names.
    """

    def __init__(self, layer: Points, session: LandmarkSession) -> None:
        self._store = Autosave(autosave_folder())
        work = work_of(layer.metadata, session.record)
        self.copy: Copy | None = self._store.find(work)
        self.certain = self.copy is not None
        if self.copy is None and not work.proved:
            self.copy = next(iter(self._store.perhaps(work)), None)

    @property
    def text(self) -> str:
        """What is offered; empty where nothing is."""
        if self.copy is None:
            return ""
        when = f"{self.copy.when.astimezone():%Y-%m-%d %H:%M}"
        if self.certain:
            return f"Corrections of this radiograph from {when} were never saved."
        return (
            f"Corrections of {self.copy.title!r} from {when} were never saved. They may be of another radiograph of "
            "the same name and size: restore them only if you know that they are of this one."
        )

    def put_aside(self) -> None:
        """Keep it apart from what is done in the layer from now on, until it is decided what becomes of it."""
        if self.copy is not None and self.certain:
            aside = self.copy.path.with_name(f"{self.copy.path.stem}-{secrets.token_hex(4)}.csv")
            self.copy.path.replace(aside)
            self.copy = type(self.copy)(aside, self.copy.when, self.copy.size)
            self.certain = False

    def read(self, session: LandmarkSession) -> list[tuple[Index, Landmarks]]:
        """Read it: the landmarks of each radiograph, and where that is in the layer.

        Raises:
            AnnotationError: If it is damaged; it was then put aside.
            SchemeError: If it is of another scheme of the same name.
        """
        if self.copy is None:
            return []
        found = []
        for item in self._store.read(self.copy, session.record.scheme):
            layer, landmarks = SavedLayer.split_off(item, self._store.folder)
            found.append(((), landmarks) if layer is None else (layer.index, landmarks))
        return found

    def discard(self) -> None:
        """Remove it for good.

        Raises:
            OutputError: If it cannot be removed.
        """
        if self.copy is not None:
            self._store.remove([self.copy])
            self.copy = None
