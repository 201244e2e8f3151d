"""A blind reading in the viewer: one radiograph after the other under a code, everything else out of sight."""

from __future__ import annotations

import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import InvalidInputError
from napari_farnet.opening import add_landmarks, add_radiograph
from napari_farnet.points import landmarks_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.components import ViewerModel
    from napari.layers import Layer, Points

    from farnet.evaluation.blind import BlindStudy
    from farnet.landmarks import Landmarks
    from farnet.radiograph import Radiograph
    from farnet.scheme import LandmarkScheme

__all__ = ["BlindSession", "readings_file"]


def readings_file(study: Path, reader: str) -> Path:
    """Where the readings of one reader are saved.

    Raises:
        InvalidInputError: If the name of the reader cannot be part of a file's name.
    """
    name = reader.strip()
    if not name or any(character in name for character in '/\\:*?"<>|') or name.startswith("."):
        raise InvalidInputError(f'The reader is {reader!r}; write a name, without any of / \\ : * ? " < > |.')
    return study / f"readings-{name}.csv"


class BlindSession:
    """Takes one reader through a study; what is saved already is not read again.

    Args:
        viewer: Where the radiographs are shown; its other layers are hidden, and lose their names, until `end`.
        study: Order and codes.
        read: Radiograph of the study -> its pixels.
        scheme: The landmarks that are placed.
        file: Where the readings are saved after each radiograph.
        reader: Who reads.

    Attributes:
        code: The code of the radiograph that is shown; empty before the first and after the last.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        study: BlindStudy,
        read: Callable[[str], Radiograph],
        scheme: LandmarkScheme,
        file: Path,
        reader: str,
    ) -> None:
        self._viewer, self._study, self._read = viewer, study, read
        self._scheme, self._file, self._reader = scheme, file, reader
        self._hidden: list[tuple[weakref.ref[Layer], str, bool]] = []
        self._shown: list[Any] = []
        self._readings: list[Landmarks] = []
        self.code = ""

    @property
    def done(self) -> int:
        """How many radiographs are read and saved."""
        return len(self._readings)

    @property
    def total(self) -> int:
        """How many readings there are in the study."""
        return len(self._study)

    @property
    def points(self) -> Points | None:
        """The layer in which the landmarks are placed, while it is in the viewer."""
        layer = self._shown[1] if len(self._shown) > 1 else None
        return layer if layer is not None and layer in self._viewer.layers else None

    def begin(self) -> bool:
        """Hide what is there and show the first radiograph that is not read yet; False where all are.

        Raises:
            FarnetError: If earlier readings cannot be read, are of other landmarks, or the radiograph cannot be read.
        """
        if self._file.exists():
            from farnet.formats import read_annotations

            self._readings = read_annotations(self._file, scheme=self._scheme)
        codes = {item.radiograph for item in self._readings}
        if not codes <= set(self._study.codes):
            raise InvalidInputError(f"{self._file} has readings of another study; choose another folder or name.")
        if self.done == self.total:
            return False
        for layer in self._viewer.layers:
            self._hidden.append(
                (weakref.ref(getattr(layer, "__wrapped__", layer)), str(layer.name), bool(layer.visible))
            )
            layer.visible = False
            layer.name = f"hidden {len(self._hidden)}"
        try:
            return self._show_next()
        except BaseException:
            self.end()
            raise

    def next(self) -> bool:
        """Save the reading and show the next radiograph; False where it was the last.

        Raises:
            FarnetError: If points have no or wrong names, the file cannot be written, or the next radiograph cannot be
                read. The reading is then still in the viewer, or saved.
        """
        layer = self.points
        if layer is None:
            raise InvalidInputError("The layer of this reading was removed. End the reading, and begin it again.")
        self._save(landmarks_in(layer).landmarks[0].replace(source=self._reader, radiograph=self.code))
        return self._show_next()

    def next_landmark(self) -> str:
        """The landmark that the next click places; empty where all are placed."""
        layer = self.points
        if layer is None:
            return ""
        placed = set(layer.features["name"]) if len(layer.data) else set()
        return next((name for name in self._scheme.names if name not in placed), "")

    def end(self) -> None:
        """Take the radiograph away and show everything as it was before."""
        self._remove_shown()
        for reference, name, visible in self._hidden:
            layer = reference()
            if layer is not None:
                layer.visible = visible
                if layer.name != name:
                    layer.name = name
        self._hidden = []

    def _show_next(self) -> bool:
        self._remove_shown()
        codes = {item.radiograph for item in self._readings}
        place = next((i for i, code in enumerate(self._study.codes) if code not in codes), None)
        if place is None:
            return False
        self.code = self._study.codes[place]
        # The file's name would tell in the layer's metadata; its sum tells nothing, and finds the file again.
        radiograph = replace(self._read(self._study.radiographs[place]), name=self.code, path=None)
        from farnet.landmarks import Landmarks

        image = add_radiograph(self._viewer, radiograph)
        self._shown = [image]
        nothing = Landmarks(
            np.full((len(self._scheme), 2), np.nan),
            self._scheme,
            spacing=radiograph.spacing,
            source=self._reader,
            radiograph=self.code,
            image_shape=radiograph.shape,
            image_sha256=radiograph.sha256,
        )
        points = add_landmarks(self._viewer, image, nothing, name=f"{self.code} landmarks")
        self._shown.append(points)
        points.mode = "add"
        self._viewer.reset_view()
        return True

    def _save(self, reading: Landmarks) -> None:
        from farnet.formats import write_annotations

        readings = [*self._readings, reading]
        write_annotations(self._file, readings)
        self._readings = readings

    def _remove_shown(self) -> None:
        for layer in self._shown:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._shown = []
        self.code = ""
