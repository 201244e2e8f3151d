"""The radiographs of a folder, one after another in the same two layers.

New layers would take napari several times as long as new data in those that are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_farnet.correct.walk import Walk
from napari_farnet.layers import landmarks_layer, radiograph_layer
from napari_farnet.opening import add_landmarks, add_radiograph
from napari_farnet.placement import Placement
from napari_farnet.record import LandmarkRecord
from napari_farnet.session import follow
from napari_farnet.settings import load_settings

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Points

    from farnet.corrections import Corrections
    from farnet.landmarks import Landmarks
    from farnet.radiograph import Radiograph

__all__ = ["FolderLayers"]

_OF_LAYER = ("name", "metadata", "scale", "units")
_OF_POINTS = ("features", "face_color", "size", "text", "symbol", "border_color")


class FolderLayers:
    """Shows a folder in an image layer and a layer of landmarks.

    Args:
        viewer: Where.
        corrections: The folder.

    Attributes:
        walk: Where in the folder.
        image: The layer of the radiograph; None before the first.
        points: The layer of the landmarks; None before the first.
    """

    def __init__(self, viewer: ViewerModel, corrections: Corrections) -> None:
        self._viewer = viewer
        self.walk = Walk(corrections)
        self.image: Image | None = None
        self.points: Points | None = None

    @property
    def names(self) -> list[str]:
        """The radiographs, those with corrections marked."""
        return [f"\N{CHECK MARK} {item.name}" if item.corrected else item.name for item in self.walk.corrections.items]

    def show(self, number: int) -> None:
        """Show a radiograph and its landmarks.

        Raises:
            RadiographError: If the file is no radiograph.
            AnnotationError, SchemeError: If its corrections are damaged.
        """
        radiograph = self.walk.radiograph(number)
        landmarks = self.walk.corrections.landmarks(number, radiograph)
        self._show_radiograph(radiograph)
        self._show_landmarks(radiograph, landmarks)
        self.walk.go_to(number)

    def save(self) -> None:
        """Write the corrections of the radiograph that is shown.

        Raises:
            OutputError: If they cannot be written, or somebody else changed the file.
        """
        session = None if self.points is None else follow(self.points)
        if session is not None:
            self.walk.corrections.save(self.walk.number, session.review().to_landmarks())

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
        wanted = (
            "name",
            "features",
            "metadata",
            "scale",
            "units",
            "face_color",
            "size",
            "text",
            "symbol",
            "border_color",
        )
        session.load(LandmarkRecord((landmarks,), ((),)), data, {key: keywords[key] for key in wanted})
