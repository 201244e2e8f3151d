"""Landmarks of layers side by side: matched by where the radiograph is in its stack, and by the landmarks' names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from farnet.errors import AnnotationError, SchemeError
from farnet.evaluation.pairing import listed
from farnet.identity import radiograph_key
from napari_farnet.placement import Placement
from napari_farnet.points import landmarks_in, name_column
from napari_farnet.record import Index, LandmarkRecord, kind_of, record_of
from napari_farnet.sources import RadiographSource, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Layer, Points
    from numpy.typing import NDArray

    from farnet.landmarks import Landmarks
    from farnet.scheme import LandmarkScheme

__all__ = ["LayerSides", "image_under", "rows_of", "sides_of"]


@dataclass(frozen=True, eq=False)
class LayerSides:
    """Landmarks of two or more layers on the same radiographs.

    Attributes:
        sides: For each layer, one `Landmarks` a radiograph, in the same order.
        indices: Where each radiograph is in the stack.
        notes: What was left out, or looks odd, to be told.
    """

    sides: list[list[Landmarks]]
    indices: list[Index]
    notes: tuple[str, ...]


def sides_of(layers: Sequence[Points], image: Layer | None, *, common: bool) -> LayerSides:
    """Read layers as they are now.

    Args:
        layers: Two or more; the radiographs are called as in the last one, usually the reference.
        image: The radiographs under them, for layers of somebody else.
        common: Leave out radiographs that not all layers have, instead of refusing.

    Raises:
        AnnotationError: If layers cannot be read, lie differently in the viewer, or are of different radiographs.
        SchemeError: If they are of different schemes.
    """
    if len({str(layer.unique_id) for layer in layers}) < len(layers) or len(layers) < 2:
        raise AnnotationError("Choose two different layers of landmarks: a layer has no distance from itself.")
    records = _records(layers, image)
    first, last = records[0], records[-1]
    for layer, record in zip(layers, records, strict=True):
        if record.scheme.names != last.scheme.names:
            raise SchemeError(
                f"The layer {str(layer.name)!r} has landmarks of {record.scheme.title!r}, {str(layers[-1].name)!r} of "
                f"{last.scheme.title!r}: there is nothing to compare. Choose layers of the same landmarks."
            )
    _check_placement(layers)
    indices = [index for index in last.indices if all(index in record.indices for record in records)]
    notes = _left_out(layers, records, indices, common)
    if not indices:
        raise AnnotationError(
            f"{str(layers[0].name)!r} has landmarks on {_places(first.indices)}, {str(layers[-1].name)!r} on "
            f"{_places(last.indices)}: there is no radiograph that all have."
        )
    rows = [[record.at(index) for record in records] for index in indices]
    names = _names([row[-1] for row in rows], indices, image)
    sides: list[list[Landmarks]] = [[] for _ in layers]
    for row, name in zip(rows, names, strict=True):
        _check_same_radiograph(layers, row, notes)
        for side, item in zip(sides, row, strict=True):
            assert item is not None, "only radiographs that all have"
            side.append(item.replace(radiograph=name))
    return LayerSides(sides, indices, tuple(dict.fromkeys(notes)))


def image_under(viewer: ViewerModel, layer: Points) -> Layer | None:
    """The uppermost image of radiographs that lies like a layer of points; None where there is none."""
    for image in reversed(viewer.layers):
        if not refusal(image) and image.ndim == layer.ndim and _alike(image, layer):
            return image
    return None


def rows_of(layer: Points, scheme: LandmarkScheme, index: Index) -> NDArray[np.intp]:
    """(K,) row of each landmark of one radiograph in a layer of points, -1 where it has none.

    Raises:
        AnnotationError: If the points have no names.
        UnknownNameError: If a point of this radiograph is called like no landmark.
    """
    rows = np.full(len(scheme), -1)
    here = np.flatnonzero((np.rint(layer.data[:, :-2]) == np.array(index)).all(axis=1))
    names = layer.features[name_column(layer)].to_numpy()
    for row in here:
        rows[scheme.index(str(names[row]))] = row
    return rows


def _records(layers: Sequence[Points], image: Layer | None) -> list[LandmarkRecord]:
    """Layers of this plugin tell their scheme; the others are read with it."""
    known = [record.scheme for layer in layers if (record := record_of(layer.metadata)) is not None]
    scheme = known[0] if known else None
    return [landmarks_in(layer, image=image, scheme=scheme) for layer in layers]


def _check_placement(layers: Sequence[Points]) -> None:
    for layer in layers[:-1]:
        if layer.ndim != layers[-1].ndim or not _alike(layer, layers[-1]):
            raise AnnotationError(
                f"The layers {str(layer.name)!r} and {str(layers[-1].name)!r} lie differently in the viewer (axes, "
                "scale, shift or rotation), so their points are not in the pixels of one and the same radiograph. "
                "Open both on the same radiograph, or give them the same scale."
            )


def _alike(one: Layer, other: Layer) -> bool:
    mine, theirs = Placement.of(one), Placement.of(other)
    return bool(
        mine.ndim == theirs.ndim and mine.units == theirs.units and np.allclose(mine.matrix, theirs.matrix, rtol=1e-6)
    )


def _left_out(
    layers: Sequence[Points], records: Sequence[LandmarkRecord], indices: Sequence[Index], common: bool
) -> list[str]:
    notes = []
    everywhere = dict.fromkeys(index for record in records for index in record.indices)
    for layer, record in zip(layers, records, strict=True):
        lacking = [index for index in everywhere if index not in record.indices]
        if lacking:
            notes.append(f"{str(layer.name)!r} has no landmarks on {_places(lacking)}")
    if notes and indices and not common:
        raise AnnotationError(
            f"{'; '.join(notes)}. Place them, or tick the box that compares only the radiographs that all have "
            f"({len(indices)} here)."
        )
    return [f"Left out: {note}." for note in notes]


def _check_same_radiograph(layers: Sequence[Points], row: Sequence[Landmarks | None], notes: list[str]) -> None:
    """Refuse different files; tell different names, which a layer may have after it was renamed."""
    known = [(layer, item) for layer, item in zip(layers, row, strict=True) if item is not None]
    layer, last = known[-1]
    for other, item in known[:-1]:
        if replace(item.identity, name="").compare(replace(last.identity, name="")) == "other":
            raise AnnotationError(
                f"{str(other.name)!r} is of the file of radiograph {item.radiograph!r}, {str(layer.name)!r} of the "
                f"file of {last.radiograph!r}, and these are different pictures. Choose layers of the same radiograph."
            )
        own = kind_of(other.metadata) == kind_of(layer.metadata) == "landmarks"
        named = item.radiograph and last.radiograph
        if own and named and radiograph_key(item.radiograph) != radiograph_key(last.radiograph):
            notes.append(
                f"Mind that {str(other.name)!r} calls the radiograph {item.radiograph!r}, and {str(layer.name)!r} "
                f"calls it {last.radiograph!r}."
            )


def _names(row: Sequence[Landmarks | None], indices: Sequence[Index], image: Layer | None) -> list[str]:
    """A name for each radiograph, different from all others."""
    names = ["" if item is None else item.radiograph for item in row]
    if len(set(map(radiograph_key, names))) == len(names) and all(map(radiograph_key, names)):
        return names
    if image is not None:
        return [RadiographSource.of(image).label(index) for index in indices]
    return [f"{name or 'radiograph'} [{', '.join(map(str, i))}]" for name, i in zip(names, indices, strict=True)]


def _places(indices: Sequence[Index]) -> str:
    if list(indices) == [()]:
        return "a single radiograph"
    return f"radiographs {listed(', '.join(map(str, index)) for index in indices)} of the stack"
