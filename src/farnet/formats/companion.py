"""What the formats of other programs have no place for, as one JSON object beside their own contents.

Those formats know names and positions. Which scheme it is, the size of a pixel, confidence, covariance, edits, the
radiograph's hash and the provenance stand under a key of their own, which the other programs ignore; with it a file
comes back as it was written. A file that another program made has no such object: its labels tell the scheme.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import AnnotationError, FarnetError, SchemeError, UnknownLabelsError
from farnet.formats.registry import read_text
from farnet.formats.schemes import find_scheme, own_schemes
from farnet.landmarks import Landmarks
from farnet.scheme import LandmarkScheme, bundled_schemes, load_scheme

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "KEY",
    "as_list",
    "as_mapping",
    "companion",
    "embedded_scheme",
    "exact_points",
    "finite_pair",
    "named_scheme",
    "points_of_labels",
    "read_json",
    "renamed",
    "restored",
    "scheme_for",
    "scheme_of_labels",
    "shape_of",
    "the_only",
    "written_points",
]

KEY = "farnet"
"""Under which the object stands."""

_VERSION = 1
_SCHEME = "scheme_definition"  # a scheme that is not bundled goes with the points


def companion(landmarks: Landmarks) -> dict[str, Any]:
    """Everything about landmarks but their points, in JSON types; NaN is null."""
    own: dict[str, Any] = {
        "version": _VERSION,
        "scheme": landmarks.scheme.name,
        "radiograph": landmarks.radiograph,
        "image_shape": None if landmarks.image_shape is None else list(landmarks.image_shape),
        "image_sha256": landmarks.image_sha256,
        "spacing_mm": None if landmarks.spacing is None else list(landmarks.spacing),
        "source": landmarks.source,
        "provenance": dict(landmarks.provenance),
    }
    for name in ("confidence", "covariance", "region95", "edited"):
        values = getattr(landmarks, name)
        own[name] = None if values is None else _without_nan(values.tolist())
    if landmarks.scheme.name not in bundled_schemes():
        own[_SCHEME] = landmarks.scheme.to_dict()
    return own


def the_only(landmarks: Sequence[Landmarks], what: str) -> Landmarks:
    """The landmarks for a file that holds those of one radiograph.

    Raises:
        AnnotationError: There are more.
    """
    if len(landmarks) != 1:
        raise AnnotationError(
            f"{what} holds the landmarks of one radiograph, not of {len(landmarks)}. Save them one by one, or all "
            "together as farnet-csv (.csv) or COCO (.coco.json)."
        )
    return landmarks[0]


def written_points(landmarks: Landmarks) -> list[list[float] | None]:
    """The points in pixels, to stand beside positions in another unit or direction; see `exact_points`."""
    return [p if here else None for p, here in zip(landmarks.points.tolist(), landmarks.present, strict=True)]


def exact_points(points: NDArray[np.float64], written: Any) -> NDArray[np.float64]:
    """Undo the rounding of a conversion: (K, 2) `points`, or `written_points` where they are the same to 1e-6 px.

    Where another program has moved a point since, or `written` is missing or damaged, `points` hold.
    """
    try:
        exact = np.array([[np.nan, np.nan] if p is None else p for p in written], np.float64)
    except (TypeError, ValueError):
        return points
    if exact.shape != points.shape:
        return points
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(exact - points).max(axis=1, keepdims=True) < 1e-6, exact, points)


def restored(points: NDArray[np.float64], own: Any, scheme: LandmarkScheme | None, where: str) -> Landmarks:
    """The landmarks whose `companion` is `own`.

    Args:
        points: (K, 2) row, column; NaN is absent.
        own: The object as it was read.
        scheme: The scheme that is asked for, or None.
        where: The file, for messages.

    Raises:
        AnnotationError: The object is not as `companion` makes it.
        SchemeError: It is of another scheme, or of one that is not known.
    """
    if not isinstance(own, dict) or own.get("version") != _VERSION:
        version = own.get("version") if isinstance(own, dict) else own
        raise AnnotationError(
            f"{where}: {KEY!r} is of version {version!r}, and {_VERSION} is what can be read; a newer napari-farnet "
            f"may read it, and without {KEY!r} the points alone can be."
        )
    known = named_scheme(own, scheme, where)
    if len(points) != len(known):
        raise AnnotationError(f"{where} has {len(points)} points; scheme {known.name!r} has {len(known)} landmarks.")
    try:
        arrays: dict[str, Any] = {
            name: None if own.get(name) is None else np.array(own[name], np.bool_ if name == "edited" else np.float64)
            for name in ("confidence", "covariance", "region95", "edited")
        }
        return Landmarks(
            points=points,
            scheme=known,
            spacing=own.get("spacing_mm"),
            source=str(own.get("source") or ""),
            radiograph=str(own.get("radiograph") or ""),
            image_shape=own.get("image_shape"),
            image_sha256=own.get("image_sha256"),
            provenance=own.get("provenance") or {},
            **arrays,
        )
    except FarnetError as error:
        raise AnnotationError(f"{where}: {error}") from error
    except (OverflowError, TypeError, ValueError) as error:
        raise AnnotationError(f"{where}: what stands under {KEY!r} is damaged ({error}).") from error


def scheme_for(
    name: Any,
    wanted: LandmarkScheme | None,
    where: str,
    *,
    beside: Path | None = None,
    embedded: LandmarkScheme | None = None,
) -> LandmarkScheme:
    """The scheme of a file that names it.

    Args:
        name: What the file says.
        wanted: The scheme that is asked for, or None.
        where: The file, for messages.
        beside: The file, where a scheme of one's own may lie beside it.
        embedded: The scheme that the file holds.

    Raises:
        SchemeError: It is not the one that is wanted, or, where none is wanted, is nowhere (`find_scheme`).
    """
    if wanted is not None:
        if wanted.name != name:
            raise SchemeError(f"{where}: the landmarks are of scheme {name!r}, not of {wanted.name!r} as asked for.")
        return wanted
    if embedded is not None and embedded.name == name and name not in bundled_schemes():
        return embedded
    try:
        return find_scheme(str(name), beside=beside)
    except SchemeError as error:
        raise SchemeError(f"{where}: {error}") from error


def named_scheme(own: Any, wanted: LandmarkScheme | None, where: str, *, beside: Path | None = None) -> LandmarkScheme:
    """The scheme that a companion names; errors as `scheme_for`."""
    content = as_mapping(own, repr(KEY), where)
    embedded = None if wanted is not None else embedded_scheme(content.get(_SCHEME), where)
    return scheme_for(content.get("scheme"), wanted, where, beside=beside, embedded=embedded)


def embedded_scheme(description: Any, where: str) -> LandmarkScheme | None:
    """The scheme that a file holds; None where it holds none.

    Raises:
        AnnotationError: What it holds is no scheme.
    """
    if description is None:
        return None
    try:
        return LandmarkScheme.from_dict(description)
    except SchemeError as error:
        raise AnnotationError(f"{where}: the scheme in the file is damaged ({error}).") from error


def renamed(label: str, labels: Mapping[str, str]) -> str:
    """The landmark that a label stands for by a label map; the label itself where the map does not have it."""
    return labels.get(label, label)


def scheme_of_labels(
    labels: Iterable[str], wanted: LandmarkScheme | None, where: str, *, beside: Path | None = None
) -> LandmarkScheme:
    """The scheme whose names or abbreviations the labels of a file are; empty labels do not count.

    Args:
        labels: The labels.
        wanted: The scheme that is asked for, or None: the bundled ones, then those beside the file or installed.
        where: The file, for messages.
        beside: The file, where a scheme of one's own may lie beside it.

    Raises:
        SchemeError: There is none; the message names a label that does not fit.
    """
    labels = [label for label in labels if label]
    candidates = [wanted] if wanted is not None else [load_scheme(name) for name in bundled_schemes()]
    for scheme in candidates:
        if labels and all(map(scheme.knows, labels)):
            return scheme
    if wanted is None:
        for scheme in (others := own_schemes(beside)):
            if labels and all(map(scheme.knows, labels)):
                return scheme
        candidates += others
    strangers = {scheme.name: [label for label in labels if not scheme.knows(label)] for scheme in candidates}
    nearest = min(strangers, key=lambda name: len(strangers[name]))
    example = f"; {strangers[nearest][0]!r} is no landmark of {nearest!r}" if strangers[nearest] else ""
    raise UnknownLabelsError(
        f"{where}: its labels are not the landmarks of {' or '.join(repr(item.name) for item in candidates)}{example}. "
        "Rename them to the names or abbreviations of a scheme, say with a label map (--labels map.csv, rows such as "
        "l1,Sella) which landmark each is, or give the scheme when reading.",
        list(dict.fromkeys(labels)),
    )


def points_of_labels(
    found: Sequence[tuple[str, tuple[float, float]]], scheme: LandmarkScheme, where: str
) -> NDArray[np.float64]:
    """(K, 2) row, column in the order of the scheme, NaN where there is no label; empty labels are left out.

    Raises:
        AnnotationError: A landmark is there twice.
    """
    points = np.full((len(scheme), 2), np.nan)
    for label, point in found:
        if not label:
            continue
        index = scheme.index(label)
        if not np.isnan(points[index, 0]):
            raise AnnotationError(f"{where}: landmark {scheme.names[index]!r} is there twice; remove one of the two.")
        points[index] = point
    return points


def read_json(path: Path) -> Any:
    """Parse a JSON file; its numbers must be numbers.

    Raises:
        AnnotationError: It cannot be read or is no JSON.
    """
    try:
        return json.loads(read_text(path), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise AnnotationError(f"{path} is no JSON file ({error or 'nested too deeply'}).") from error


def finite_pair(values: Any, where: str) -> tuple[float, float]:
    """The first two of some numbers.

    Raises:
        AnnotationError: They are not two finite numbers.
    """
    try:
        first, second = (float(value) for value in list(values)[:2])
    except (TypeError, ValueError):
        first = second = math.nan
    if not (math.isfinite(first) and math.isfinite(second)):
        raise AnnotationError(f"{where}: {values!r} is no position; two finite numbers are expected.")
    return first, second


def as_mapping(value: Any, what: str, where: str) -> Mapping[str, Any]:
    """A JSON object.

    Raises:
        AnnotationError: It is something else.
    """
    if not isinstance(value, dict):
        raise AnnotationError(f"{where}: {what} is {_short(value)}; an object is expected.")
    return value


def as_list(value: Any, what: str, where: str) -> list[Any]:
    """A JSON list.

    Raises:
        AnnotationError: It is something else.
    """
    if not isinstance(value, list):
        raise AnnotationError(f"{where}: {what} is {_short(value)}; a list is expected.")
    return value


def shape_of(rows: Any, columns: Any) -> tuple[int, int] | None:
    """(rows, columns) where a file tells both, None where it does not."""
    if isinstance(rows, int) and isinstance(columns, int) and rows > 0 and columns > 0:
        return rows, columns
    return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _without_nan(values: Any) -> Any:
    if isinstance(values, list):
        return [_without_nan(value) for value in values]
    return None if isinstance(values, float) and math.isnan(values) else values
