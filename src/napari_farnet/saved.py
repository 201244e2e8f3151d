"""What a saved layer of landmarks carries beside the landmarks, so that it can be opened as it was.

An annotation file knows landmarks and radiographs, not layers. The name of the layer, its placement and where each
radiograph is in the stack travel in the provenance, under a key of their own, and are taken out when the file is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from farnet.errors import AnnotationError
from napari_farnet.placement import Placement

if TYPE_CHECKING:
    from pathlib import Path

    from farnet.landmarks import Landmarks
    from napari_farnet.record import Index

__all__ = ["SavedLayer"]

_KEY = "napari"


@dataclass(frozen=True)
class SavedLayer:
    """The layer that the landmarks of one radiograph were saved from.

    Attributes:
        name: Name of the layer.
        index: Where the radiograph is in the stack.
        placement: How the layer lies.
    """

    name: str
    index: Index
    placement: Placement

    def add_to(self, landmarks: Landmarks) -> Landmarks:
        """Put the layer into the provenance of the landmarks."""
        own = {"layer": self.name, "slice": list(self.index), "placement": self.placement.to_json()}
        return landmarks.replace(provenance={**landmarks.provenance, _KEY: own})

    @classmethod
    def split_off(cls, landmarks: Landmarks, file: Path) -> tuple[SavedLayer | None, Landmarks]:
        """Take the layer out of the provenance again; None where the landmarks were not saved from one.

        Raises:
            AnnotationError: If the provenance holds something else in its place.
        """
        provenance = dict(landmarks.provenance)
        own = provenance.pop(_KEY, None)
        if own is None:
            return None, landmarks
        try:
            placement = Placement.from_json(own["placement"])
            layer = cls(str(own["layer"]), tuple(map(int, own["slice"])), placement)
            if len(layer.index) != placement.ndim - 2:
                raise ValueError(f"{len(layer.index)} indices for {placement.ndim} axes")
        except (KeyError, TypeError, ValueError) as error:
            raise AnnotationError(
                f"{file}: the provenance of radiograph {landmarks.radiograph!r} holds a {_KEY!r} that is no layer "
                f"({error}). Remove {_KEY!r} from it to open the landmarks without their layer."
            ) from error
        return layer, landmarks.replace(provenance=provenance)
