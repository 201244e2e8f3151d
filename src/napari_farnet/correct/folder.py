"""The radiographs of a folder, one after another in the same two layers.

New layers would take napari several times as long as new data in those that are there.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from farnet.autosave import Autosave, Work, autosave_folder
from farnet.corrections import ChangedElsewhereError
from farnet.errors import FarnetError, OutputError
from napari_farnet.correct.walk import Walk
from napari_farnet.layers import landmarks_layer, radiograph_layer
from napari_farnet.opening import add_landmarks, add_radiograph
from napari_farnet.placement import Placement
from napari_farnet.record import LandmarkRecord
from napari_farnet.session import follow
from napari_farnet.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from napari.components import ViewerModel
    from napari.layers import Image, Points

    from farnet.corrections import Corrections
    from farnet.landmarks import Landmarks
    from farnet.radiograph import Radiograph

__all__ = ["FolderLayers"]

_OF_LAYER = ("name", "metadata", "scale", "units")
_OF_POINTS = (*_OF_LAYER, "features", "face_color", "size", "text", "symbol", "border_color")


class FolderLayers:
    """Shows a folder in an image layer and a layer of landmarks.

    Args:
        viewer: Where.
        corrections: The folder.

    Attributes:
        walk: Where in the folder.
        image: The layer of the radiograph; None before the first.
        points: The layer of the landmarks; None before the first.
        copied: A copy of the radiograph that is shown is among those of unsaved work, until it is saved.
    """

    def __init__(self, viewer: ViewerModel, corrections: Corrections) -> None:
        self._viewer = viewer
        self.walk = Walk(corrections)
        self.image: Image | None = None
        self.points: Points | None = None
        self.copied = False

    @property
    def names(self) -> list[str]:
        """The radiographs, those with corrections marked."""
        return [f"\N{CHECK MARK} {item.name}" if item.corrected else item.name for item in self.walk.corrections.items]

    @property
    def name(self) -> str:
        """Of the radiograph that is shown."""
        return self.walk.corrections.items[self.walk.number].name

    def show(self, number: int, *, trust: bool = False) -> None:
        """Show a radiograph and its landmarks.

        Args:
            number: Which.
            trust: A person says that the landmarks are of this radiograph, although they record another one.

        Raises:
            RadiographError: If the file is no radiograph.
            OtherRadiographError: If the landmarks are of another radiograph.
            AnnotationError, SchemeError: If its corrections are damaged.
        """
        radiograph = self.walk.radiograph(number)
        landmarks = self.walk.corrections.landmarks(number, radiograph, trust=trust)
        self._show_radiograph(radiograph)
        self._show_landmarks(radiograph, landmarks)
        self.walk.go_to(number)
        self.copied = False

    def save(self) -> None:
        """Write the corrections of the radiograph that is shown.

        Where that fails they are kept among the copies of unsaved work, if that can be.

        Raises:
            ChangedElsewhereError: If somebody else changed the file; they are then beside it.
            OutputError: If they cannot be written.
        """
        session = None if self.points is None else follow(self.points)
        if session is None:
            return
        landmarks = session.review().to_landmarks()
        item = self.walk.corrections.items[self.walk.number]
        copies, work = Autosave(autosave_folder()), Work.of([landmarks])
        try:
            if not item.store.parent.is_dir():  # it is not made again: where a disk is gone, it would be on another
                raise OutputError(
                    f"The folder {item.store.parent} is gone, so the corrections cannot be written there."
                )
            self.walk.corrections.save(self.walk.number, landmarks)
        except ChangedElsewhereError:
            raise
        except FarnetError:
            with suppress(FarnetError):  # what is told is why it cannot be where it belongs
                copies.store(work, [landmarks])
                self.copied = True
            raise
        if self.copied:
            self.copied = False
            copies.discard(work)

    def save_elsewhere(self, folder: Path) -> Path:
        """Keep corrections in another folder from now on; those that are in the first one are still read there.

        Args:
            folder: In it, a folder is made for them.

        Returns:
            The new folder of corrections.
        """
        corrections = self.walk.corrections
        store = folder / f"corrections of {corrections.items[0].path.absolute().parent.name}"
        here = self.walk.number
        corrections.items = tuple(
            item if item.corrected and number != here else replace(item, store=store)
            for number, item in enumerate(corrections.items)
        )
        corrections.store = store
        return store

    def _show_radiograph(self, radiograph: Radiograph) -> None:
        if self.image is None or self.image not in self._viewer.layers:
            self.image = add_radiograph(self._viewer, radiograph)
            return
        pixels, keywords, _ = radiograph_layer([radiograph], Placement.from_spacing(radiograph.spacing))
        same = self.image.data.shape == pixels.shape
        self.image.data = pixels
        for name in _OF_LAYER:
            setattr(self.image, name, keywords[name])
        self.image.reset_contrast_limits()
        if not same:
            self._viewer.reset_view()

    def _show_landmarks(self, radiograph: Radiograph, landmarks: Landmarks) -> None:
        name = f"{radiograph.name} landmarks"
        session = None if self.points is None or self.points not in self._viewer.layers else follow(self.points)
        if self.image is None:
            return
        if session is None or self.points is None:
            self.points = add_landmarks(self._viewer, self.image, landmarks, name=name)
            self.points.mode = "select"
            return
        data, keywords, _ = landmarks_layer(
            [landmarks], [()], Placement.of(self.image), name=name, settings=load_settings()
        )
        session.load(LandmarkRecord((landmarks,), ((),)), data, {key: keywords[key] for key in _OF_POINTS})
