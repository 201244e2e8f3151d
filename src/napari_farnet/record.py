"""What this plugin keeps in the metadata of the layers that it makes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farnet.landmarks import Landmarks
    from farnet.scheme import LandmarkScheme

__all__ = ["METADATA_KEY", "Index", "Kind", "LandmarkRecord", "kind_of", "record_of"]

METADATA_KEY = "farnet"
"""Key in ``layer.metadata`` under which everything of this plugin is."""

Index = tuple[int, ...]
"""Where a radiograph is in a stack: one index for each axis before rows and columns; () where it is no stack."""

Kind = Literal["radiograph", "landmarks", "heatmaps", "ghosts", "measurements", "ruler", "preview"]
"""What a layer of this plugin was made for."""


@dataclass(frozen=True)
class LandmarkRecord:
    """What a layer of landmarks was made of.

    Attributes:
        landmarks: The landmarks of each radiograph as they were detected or read; all of one scheme.
        indices: Where each radiograph is in the stack.
    """

    landmarks: tuple[Landmarks, ...]
    indices: tuple[Index, ...]

    @property
    def scheme(self) -> LandmarkScheme:
        """The scheme that all radiographs share."""
        return self.landmarks[0].scheme

    @property
    def image_shape(self) -> tuple[int, int]:
        """(rows, columns) of the radiographs; where it was not recorded, the smallest that holds the points."""
        if self.landmarks[0].image_shape is not None:
            return self.landmarks[0].image_shape
        points = np.concatenate([item.points[item.present] for item in self.landmarks])
        rows, columns = points.max(axis=0) + 1 if len(points) else (1, 1)
        return max(int(rows), 1), max(int(columns), 1)

    def to_metadata(self) -> dict[str, Any]:
        """What a layer of these landmarks keeps in its metadata, from which `record_of` makes the record again."""
        return {METADATA_KEY: {"kind": "landmarks", "landmarks": self.landmarks, "indices": self.indices}}

    def at(self, index: Index) -> Landmarks | None:
        """The landmarks of one radiograph of the stack; None where it has none."""
        return self._by_index.get(index)

    @cached_property
    def _by_index(self) -> dict[Index, Landmarks]:
        return dict(zip(self.indices, self.landmarks, strict=True))


def kind_of(metadata: Mapping[str, Any]) -> Kind | None:
    """What this plugin made a layer for, by the layer's metadata; None for a layer of somebody else."""
    own = metadata.get(METADATA_KEY)
    return own.get("kind") if isinstance(own, dict) else None


def record_of(metadata: Mapping[str, Any]) -> LandmarkRecord | None:
    """What a layer of landmarks was made of, by the layer's metadata; None for every other layer."""
    if kind_of(metadata) != "landmarks":
        return None
    own = metadata[METADATA_KEY]
    return LandmarkRecord(own["landmarks"], own["indices"])
