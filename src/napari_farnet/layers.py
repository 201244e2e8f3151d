"""Between farnet and napari's layers: landmarks and Points, heatmaps and Image, radiographs and Image.

Nothing else in the plugin knows how a result is laid out in a layer. What a layer cannot show (absent landmarks,
covariances, where the points came from) stays with it in ``layer.metadata["farnet"]``; what a person changes in the
layer (points, features) wins over it when the layer is turned back into landmarks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import AnnotationError, FarnetError
from farnet.landmarks import Landmarks
from napari_farnet.looks import colours, row_looks
from napari_farnet.record import METADATA_KEY, Index, LandmarkRecord, record_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from farnet.frame import Frame
    from farnet.radiograph import Radiograph
    from farnet.scheme import LandmarkScheme
    from napari_farnet.placement import Placement
    from napari_farnet.settings import Settings

__all__ = [
    "LayerData",
    "absent_names",
    "heatmaps_layer",
    "is_moved",
    "landmarks_from_layer",
    "landmarks_layer",
    "nothing_placed",
    "radiograph_layer",
    "rows_of",
]

LayerData = tuple[Any, dict[str, Any], str]
"""What napari makes a layer of: data, keywords, type."""

_HAND = "edited"
_MODEL = "model "
_TOLERANCE = 1e-6  # px that a point may differ and still be the same


def radiograph_layer(radiographs: Sequence[Radiograph], placement: Placement) -> LayerData:
    """Lay radiographs of one shape out as an Image: one as rows and columns, several as a stack of them."""
    first = radiographs[0]
    pixels = first.pixels if len(radiographs) == 1 else np.stack([item.pixels for item in radiographs])
    own = {
        "kind": "radiograph",
        "spacing": first.spacing,
        "spacing_source": first.spacing_source,
        "path": None if first.path is None else str(first.path),
        "sha256": first.sha256 if len(radiographs) == 1 else None,
    }
    keywords = {"name": first.name, "colormap": "gray", "metadata": {METADATA_KEY: own}, **placement.keywords()}
    return pixels, keywords, "image"


def landmarks_layer(
    landmarks: Sequence[Landmarks], indices: Sequence[Index], placement: Placement, *, name: str, settings: Settings
) -> LayerData:
    """Lay landmarks out as Points, a row for each landmark that is present.

    Args:
        landmarks: One per radiograph, at least one, all of one scheme.
        indices: Where each radiograph is in the stack.
        placement: The placement of the image.
        name: Name of the layer.
        settings: What the points look like.

    Returns:
        Points with the features `name`, `abbreviation`, `confidence`, `sd_mm`, `source`, `model` and `edited`,
        coloured by confidence where there is one. A point that has no confidence (placed by hand) shows 1; `sd_mm` is
        NaN where it is not known.
    """
    import pandas as pd

    record = LandmarkRecord(tuple(landmarks), tuple(indices))
    rows = [rows_of(item, index) for item, index in zip(record.landmarks, record.indices, strict=True)]
    data = np.concatenate([points for points, _ in rows])
    features = pd.concat([table for _, table in rows], ignore_index=True)
    own = record.to_metadata()[METADATA_KEY] | {
        "absent": absent_names(data, features["name"].tolist(), record),
        "provenance": {key: value for key, value in record.landmarks[0].provenance.items() if key != "review"},
    }
    by_confidence = len(data) > 0 and any(item.confidence is not None for item in record.landmarks)
    keywords = {
        "name": name,
        "features": features,
        "metadata": {METADATA_KEY: own},
        **colours(settings, record.image_shape, by_confidence=by_confidence),
        **row_looks(data, features, record.image_shape, settings),
        **placement.keywords(),
    }
    return data, keywords, "points"


def landmarks_from_layer(
    data: NDArray[np.float64], features: pd.DataFrame, metadata: Mapping[str, Any], *, name: str
) -> LandmarkRecord:
    """Read the landmarks back from a layer of landmarks, with what a person changed in it.

    A landmark counts as edited if it was edited before, or if its point was moved, added or deleted since.

    Args:
        data: (N, n) of the layer.
        features: Its N rows of features, of which `name` (or `abbreviation`) and `edited` are used.
        metadata: The metadata of the layer.
        name: Name of the layer, for messages.

    Raises:
        AnnotationError: If it is not a layer of landmarks, a row has no or an unknown name, or a landmark has two rows
            on one radiograph.
    """
    record = record_of(metadata)
    if record is None:
        raise AnnotationError(
            f"The layer {name!r} holds points, not landmarks with names: it was not made by FARNet. Save it with "
            "napari's own csv format, or detect landmarks and move them."
        )
    rows = _rows_by_landmark(data, features, record.scheme, name)
    indices = [*record.indices, *sorted({index for index, _ in rows} - set(record.indices))]
    here: dict[Index, dict[int, int]] = {index: {} for index in indices}
    for (index, k), row in rows.items():
        here[index][k] = row
    marked = np.asarray(features["edited"], np.bool_) if "edited" in features else np.zeros(len(data), np.bool_)
    result = []
    for index in indices:
        before = record.at(index) or nothing_placed(record)
        result.append(_with_changes(before, data[:, -2:], marked, here[index]))
    reviews = metadata[METADATA_KEY].get("reviews", {})
    result = [
        item.replace(provenance={**item.provenance, "review": reviews[index]}) if index in reviews else item
        for item, index in zip(result, indices, strict=True)
    ]
    return LandmarkRecord(tuple(result), tuple(indices))


def rows_of(landmarks: Landmarks, index: Index) -> tuple[NDArray[np.float64], pd.DataFrame]:
    """Lay the landmarks of one radiograph out as rows of a layer: (N, n) points and N rows of features.

    N counts the landmarks that are present; n is 2 and one for each index.
    """
    leading = np.tile(np.array(index, np.float64), (int(landmarks.present.sum()), 1))
    return np.hstack([leading, landmarks.points[landmarks.present]]), _features(landmarks)


def _with_changes(
    before: Landmarks, points: NDArray[np.float64], marked: NDArray[np.bool_], rows: Mapping[int, int]
) -> Landmarks:
    """Apply to the landmarks of one radiograph what a person did to their rows in the layer.

    Args:
        before: The landmarks as they were detected or read.
        points: (N, 2) row, column of all rows of the layer.
        marked: (N,) whether a row is marked as edited.
        rows: Row of each landmark that has one.
    """
    after = np.full_like(before.points, np.nan)
    edited = np.zeros(len(before), np.bool_) if before.edited is None else before.edited.copy()
    for k in range(len(before)):
        if k not in rows:
            edited[k] |= bool(before.present[k])
            continue
        moved = is_moved(points[rows[k]], before.points[k])
        after[k] = points[rows[k]] if moved else before.points[k]
        edited[k] |= moved or bool(marked[rows[k]])
    tracked = before.edited is not None or bool(edited.any())
    return before.replace(points=after, edited=edited if tracked else None)


def nothing_placed(record: LandmarkRecord) -> Landmarks:
    """Landmarks of a further radiograph of the same stack, all absent."""
    first = record.landmarks[0]
    return Landmarks(
        points=np.full((len(record.scheme), 2), np.nan),
        scheme=record.scheme,
        spacing=first.spacing,
        image_shape=first.image_shape,
        source=first.source,
        radiograph=first.radiograph,
    )


def absent_names(
    data: NDArray[np.float64], names: Sequence[str], record: LandmarkRecord
) -> tuple[tuple[str, ...], ...]:
    """Names of the landmarks that have no point, for each radiograph of the record."""
    placed = {(_index_of(row), name) for row, name in zip(data, names, strict=True)}
    return tuple(tuple(name for name in record.scheme.names if (index, name) not in placed) for index in record.indices)


def is_moved(point: NDArray[np.float64], before: NDArray[np.float64]) -> bool:
    """Tell whether a point (row, column) is elsewhere than before; NaN before counts as elsewhere."""
    return not bool((np.abs(point - before) <= _TOLERANCE).all())


def heatmaps_layer(
    maps: NDArray[np.float32], frame: Frame, index: Index, stack: Index, placement: Placement, *, name: str
) -> LayerData:
    """Lay heatmaps out as one Image that shows the maximum over all landmarks.

    Args:
        maps: (N, K, h, w) in the frame of the network, for N radiographs of a stack. K is 1 where only the maximum is
            wanted; otherwise the layer keeps them all in its metadata, and `napari_farnet.session` puts that of the
            selected landmark in the layer's place: one map in the viewer, not K.
        frame: How the radiographs were laid into the network's input.
        index: Where the first radiograph is in the stack.
        stack: (l1, ..., lm) radiographs along each leading axis; their product is N.
        placement: The placement of the image.
        name: Name of the layer.
    """
    shown = maps.max(axis=1).reshape(*stack, *maps.shape[-2:])
    own: dict[str, Any] = {"kind": "heatmaps"}
    if maps.shape[1] > 1:
        own["maps"] = maps.reshape(*stack, *maps.shape[1:])
    keywords = {
        "name": name,
        "colormap": "bop blue",
        "blending": "additive",
        "opacity": 0.8,
        "contrast_limits": (0.0, max(float(shown.max()), 1e-3)),
        "metadata": {METADATA_KEY: own},
        **placement.of_heatmaps(frame, index).keywords(),
    }
    return shown, keywords, "image"


def _features(landmarks: Landmarks) -> pd.DataFrame:
    import pandas as pd

    count = len(landmarks.scheme)
    edited = np.zeros(count, np.bool_) if landmarks.edited is None else landmarks.edited
    confidence = np.ones(count) if landmarks.confidence is None else np.nan_to_num(landmarks.confidence, nan=1.0)
    by_model = landmarks.source.startswith(_MODEL)
    table = pd.DataFrame(
        {
            "name": landmarks.scheme.names,
            "abbreviation": landmarks.scheme.abbreviations,
            "confidence": confidence,
            "sd_mm": np.full(count, np.nan) if landmarks.sd_mm is None else landmarks.sd_mm,
            "source": np.where(edited, _HAND, _MODEL.strip() if by_model else landmarks.source),
            "model": landmarks.source.removeprefix(_MODEL) if by_model else "",
            "edited": edited,
        }
    )
    return table[landmarks.present].reset_index(drop=True)


def _rows_by_landmark(
    data: NDArray[np.float64], features: pd.DataFrame, scheme: LandmarkScheme, name: str
) -> dict[tuple[Index, int], int]:
    """Find the row of each landmark, by (where the radiograph is, number of the landmark)."""
    column = "name" if "name" in features else "abbreviation"
    if column not in features:
        raise AnnotationError(
            f"The layer {name!r} has lost its feature 'name', which tells which landmark a point is. Undo that, or "
            "detect again."
        )
    rows: dict[tuple[Index, int], int] = {}
    for row, key in enumerate(features[column]):
        try:
            k = scheme.index(str(key))
        except FarnetError as error:
            raise AnnotationError(
                f"Point {row + 1} of the layer {name!r} at {_where(data[row])} is no landmark: {error} Delete the "
                "point, or write the landmark's name in the features table."
            ) from error
        if rows.setdefault((_index_of(data[row]), k), row) != row:
            raise AnnotationError(
                f"The layer {name!r} has {scheme.names[k]} twice, at {_where(data[rows[_index_of(data[row]), k]])} and "
                f"{_where(data[row])}. Delete one of the two points."
            )
    return rows


def _index_of(row: NDArray[np.float64]) -> Index:
    return tuple(int(i) for i in np.rint(row[:-2]))


def _where(row: NDArray[np.float64]) -> str:
    return f"({', '.join(f'{value:.1f}' for value in row)})"
