"""The check itself: gather, look at every radiograph, compare."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from farnet.checking.findings import KINDS, Finding, finding
from farnet.checking.gathering import Gathered, Item, gather
from farnet.checking.pictures import PictureFacts, look_at, same_pictures
from farnet.checking.shapes import UNUSUAL, other_scales, unusual_landmarks
from farnet.errors import InvalidInputError
from farnet.evaluation.pairing import listed
from farnet.plausible import implausible_scale, span_mm

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from farnet.landmarks import Landmarks

__all__ = ["CheckReport", "CheckRequest", "Look", "check_data"]

_ORDER = ("error", "warning", "note")
_ONE_PLACE = 0.5  # px between two landmarks
_UNUSUAL_SIZE = 2.0  # times the median side
_SAME_SPACING = 0.01  # relative difference of two sizes of a pixel that are the same


@dataclass(frozen=True, kw_only=True)
class CheckRequest:
    """What to check.

    Attributes:
        data: Folder of a published data set, or of any radiographs with files of landmarks.
        dataset: What it is; "auto" tells by the names in it, "table" is any folder.
        split: The part of a published data set; empty is all.
        annotations: Files of landmarks that are elsewhere; for any folder.
        labels: File of a label map (`farnet.formats.labels`) for the names in the files, or None.
        observer_limit: Distance between observers beyond which they disagree, in mm (px where the spacing is unknown).
        shape_limit: Standard deviations of a landmark from where the others say it should be, beyond which it is told.

    Raises:
        InvalidInputError: If a limit is not above zero.
    """

    data: Path
    dataset: str = "auto"
    split: str = ""
    annotations: tuple[Path, ...] = ()
    labels: Path | None = None
    observer_limit: float = 10.0
    shape_limit: float = UNUSUAL

    def __post_init__(self) -> None:
        for name in ("observer_limit", "shape_limit"):
            if not getattr(self, name) > 0:
                raise InvalidInputError(f"{name} is {getattr(self, name)}; it must be above 0.")


class Look(NamedTuple):
    """How far a check is: `done` of `total` radiographs, and the name of the one that was looked at."""

    done: int
    total: int
    name: str


@dataclass(frozen=True, eq=False)
class CheckReport:
    """What a check found.

    Attributes:
        request: What was checked.
        title: What kind of data it is.
        items: The radiographs.
        findings: The most serious first, and of each kind the largest.
        facts: How many radiographs, landmarks, ... there are, in words.
    """

    request: CheckRequest
    title: str
    items: tuple[Item, ...]
    findings: tuple[Finding, ...]
    facts: dict[str, str]

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not any(item.severity == "error" for item in self.findings)

    def counts(self) -> dict[str, int]:
        """How many findings there are of each kind, in the order of `findings`."""
        return dict(Counter(item.kind for item in self.findings))

    def to_dict(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "data": str(self.request.data),
            "title": self.title,
            "ok": self.ok,
            "facts": self.facts,
            "counts": self.counts(),
            "findings": [item.to_dict() for item in self.findings],
        }


def check_data(request: CheckRequest) -> Generator[Look, None, CheckReport]:
    """Check data.

    Yields:
        After each radiograph that was looked at.

    Returns:
        The report, as the value of the generator. What is wrong with the data is in it and never raised.

    Raises:
        InvalidInputError: If there is no such folder.
        UnknownNameError: If there is no such data set or split.
    """
    from farnet.formats import read_labels

    gathered = gather(
        request.data,
        request.dataset,
        request.split,
        request.annotations,
        labels=None if request.labels is None else read_labels(request.labels),
    )
    items = gathered.items
    there = [item for item in items if item.path is not None]
    facts: dict[str, PictureFacts] = {}
    paths = [item.path for item in there if item.path is not None]
    for done, (item, seen) in enumerate(zip(there, look_at(paths, os.cpu_count() or 1), strict=True), start=1):
        facts[item.name] = seen
        yield Look(done, len(there), item.name)
    found = [*gathered.findings]
    found += _pictures(there, facts, gathered)
    for item in items:
        found += _landmarks(item, facts.get(item.name))
        found += _observers(item, request.observer_limit)
    found += _spacings(items, facts)
    found += _shapes(items, gathered, request.shape_limit)
    found += _scales(items, facts)
    found.sort(key=lambda one: (_ORDER.index(one.severity), list(KINDS).index(one.kind), -(one.value or 0.0)))
    return CheckReport(request, gathered.title, tuple(items), tuple(found), _summary(items, facts, gathered))


def _pictures(items: Sequence[Item], facts: dict[str, PictureFacts], gathered: Gathered) -> list[Finding]:
    found = [
        finding("unreadable radiograph", facts[item.name].error, [item.name])
        for item in items
        if facts[item.name].error
    ]
    seen = [facts[item.name] for item in items]
    for i, j, correlation in same_pictures(seen):
        names = [items[i].name, items[j].name]
        parts = [("training", gathered.training), ("test", gathered.test)]
        where = [next((part for part, members in parts if name in members), "") for name in names]
        kind = "same picture in both parts" if {"training", "test"} <= set(where) else "same picture"
        message = f"{names[0]} and {names[1]} are the same picture (correlation {correlation:.4f})."
        found.append(finding(kind, message, names, value=correlation))
    sides = [max(item.shape) for item in seen if item.shape is not None]
    usual = float(np.median(sides)) if sides else 0.0
    for item, one in zip(items, seen, strict=True):
        if one.shape is None:
            continue
        ratio = max(max(one.shape) / usual, usual / max(one.shape))
        if ratio > _UNUSUAL_SIZE:
            message = f"{item.name} has {one.shape[1]} x {one.shape[0]} px; the median longer side is {usual:.0f} px."
            found.append(finding("unusual size", message, [item.name], value=ratio, limit=_UNUSUAL_SIZE))
    return found


def _landmarks(item: Item, seen: PictureFacts | None) -> list[Finding]:
    """What can be said of the landmarks of one radiograph by themselves."""
    landmarks, name = item.landmarks, [item.name]
    if landmarks is None:
        return []
    found = []
    if item.doubtful:
        found.append(finding("known to be doubtful", f"{item.name}: {item.doubtful}.", name))
    present = landmarks.present
    names = landmarks.scheme.names
    if not present.any():
        return [*found, finding("no landmarks", f"{item.name} has no landmark at all.", name)]
    if not present.all():
        absent = [names[k] for k in np.flatnonzero(~present)]
        message = f"{item.name} lacks {len(absent)}: {listed(absent)}."
        found.append(finding("absent landmarks", message, name, absent, float(len(absent))))
    if seen is not None and seen.shape is not None:
        found += _against_picture(item, landmarks, seen.shape)
    in_file, given = None if seen is None else seen.spacing, landmarks.spacing
    if in_file is not None and given is not None and not np.allclose(in_file, given, rtol=_SAME_SPACING):
        own, theirs = (f"{row:.4g} x {column:.4g}" for row, column in (in_file, given))
        message = f"The file of {item.name} says {own} mm a pixel, its landmarks say {theirs} mm."
        found.append(finding("other spacing", message, name))
    points = np.where(present[:, None], landmarks.points, np.nan)
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
    for a, b in np.argwhere(np.triu(apart < _ONE_PLACE, 1)):
        message = f"{names[a]} and {names[b]} of {item.name} are in one place."
        found.append(finding("landmarks in one place", message, name, [names[a], names[b]]))
    return found


def _against_picture(item: Item, landmarks: Landmarks, shape: tuple[int, int]) -> list[Finding]:
    if landmarks.image_shape is not None and landmarks.image_shape != shape:
        rows, columns = landmarks.image_shape
        message = (
            f"The landmarks of {item.name} were placed on {columns} x {rows} px; the radiograph has {shape[1]} x "
            f"{shape[0]} px."
        )
        return [finding("other size", message, [item.name])]
    found = []
    limit = np.array(shape) - 0.5
    for k in np.flatnonzero(landmarks.present):
        row, column = landmarks.points[k]
        beyond = float(max(-0.5 - min(row, column), (landmarks.points[k] - limit).max()))
        if beyond > 0:
            name = landmarks.scheme.names[k]
            message = (
                f"{name} of {item.name} is at row {row:.1f}, column {column:.1f}, {beyond:.1f} px outside its "
                f"{shape[1]} x {shape[0]} px."
            )
            found.append(finding("point outside", message, [item.name], [name], beyond, 0.0))
    return found


def _observers(item: Item, limit: float) -> list[Finding]:
    """Landmarks whose observers are further apart than the limit."""
    if len(item.observers) < 2:
        return []
    spacing = item.observers[0].spacing
    unit, scale = ("px", (1.0, 1.0)) if spacing is None else ("mm", spacing)
    points = np.stack([one.points for one in item.observers]) * np.array(scale)
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
    widest = np.where(np.isnan(apart).all((0, 1)), 0.0, np.nanmax(np.nan_to_num(apart), axis=(0, 1)))
    return [
        finding(
            "observers disagree",
            f"{item.observers[0].scheme.names[k]} of {item.name}: {widest[k]:.1f} {unit} apart.",
            [item.name],
            [item.observers[0].scheme.names[k]],
            float(widest[k]),
            limit,
        )
        for k in np.flatnonzero(widest > limit)
    ]


def _spacing_of(item: Item, facts: dict[str, PictureFacts]) -> tuple[float, float] | None:
    seen = facts.get(item.name)
    known = None if item.landmarks is None else item.landmarks.spacing
    return known or (None if seen is None else seen.spacing)


def _spacings(items: Sequence[Item], facts: dict[str, PictureFacts]) -> list[Finding]:
    given = {item.name: _spacing_of(item, facts) for item in items if item.landmarks is not None}
    unknown = [name for name, spacing in given.items() if spacing is None]
    kinds = Counter(spacing for spacing in given.values() if spacing is not None)
    found = []
    if unknown:
        message = f"The size of a pixel is not known of {len(unknown)} of {len(given)} radiographs: {listed(unknown)}."
        found.append(finding("unknown spacing", message, unknown, value=float(len(unknown))))
    if len(kinds) > 1:
        common = ", ".join(f"{row:.4g} x {column:.4g} mm ({n})" for (row, column), n in kinds.most_common(3))
        found.append(finding("mixed spacing", f"Pixels have {len(kinds)} sizes; most often {common}."))
    return found


def _scales(items: Sequence[Item], facts: dict[str, PictureFacts]) -> list[Finding]:
    """Landmarks that are impossibly large or small, or larger or smaller than those of the other radiographs.

    They are compared in mm where the size of a pixel is known, and by the longer side of the picture where it is not.
    """
    found = []
    groups: dict[str, list[tuple[Item, Landmarks, float]]] = {"in mm": [], "by the size of the picture": []}
    for item in items:
        if item.landmarks is None:
            continue
        spacing, seen = _spacing_of(item, facts), facts.get(item.name)
        landmarks = item.landmarks.replace(spacing=spacing)
        impossible = implausible_scale(landmarks)
        if impossible is not None:
            found.append(
                finding("impossible scale", f"{item.name}: {impossible}", [item.name], value=span_mm(landmarks))
            )
        elif spacing is not None:
            groups["in mm"].append((item, landmarks, 1.0))
        elif seen is not None and seen.shape is not None:
            groups["by the size of the picture"].append((item, landmarks, 1.0 / max(seen.shape)))
    for how, members in groups.items():
        shapes = [one.points * np.array(one.spacing or (1.0, 1.0)) * unit for _, one, unit in members]
        for (item, _, _), times in zip(members, other_scales(shapes), strict=True):
            if times != 1.0:
                message = (
                    f"The landmarks of {item.name} are {times:.2f} times as large as those of the others, compared "
                    f"{how}. Were they placed on a resized copy, or is the size of a pixel wrong?"
                )
                off = max(times, 1.0 / times)
                found.append(finding("other scale", message, [item.name], value=off))
    return found


def _shapes(items: Sequence[Item], gathered: Gathered, limit: float) -> list[Finding]:
    scheme = gathered.scheme
    known = [item for item in items if item.landmarks is not None]
    if scheme is None or not known:
        return []
    scores = unusual_landmarks([item.landmarks for item in known if item.landmarks is not None])
    if scores is None:
        return []
    found = []
    for n, item in enumerate(known):
        if scores.mirrored[n]:
            message = f"The landmarks of {item.name} look like a mirror image of the others."
            found.append(finding("mirrored shape", message, [item.name]))
            continue
        far = np.nan_to_num(scores.distances[n])
        beyond = np.flatnonzero(far > limit)
        if beyond.size:
            order = beyond[np.argsort(-far[beyond])]
            names = [scheme.names[k] for k in order]
            message = f"{item.name}: {listed(names)}; {names[0]} by {far[order[0]]:.1f} standard deviations."
            found.append(finding("unusual shape", message, [item.name], names, float(far[order[0]]), limit))
    return found


def _summary(items: Sequence[Item], facts: dict[str, PictureFacts], gathered: Gathered) -> dict[str, str]:
    shapes = [seen.shape for seen in facts.values() if seen.shape is not None]
    with_landmarks = sum(item.landmarks is not None for item in items)
    told = {
        "radiographs": str(len(facts)),
        "with landmarks": str(with_landmarks),
        "scheme": "none" if gathered.scheme is None else f"{gathered.scheme.name}, {len(gathered.scheme)} landmarks",
    }
    observers = {one.source for item in items for one in item.observers}
    if observers:
        told["observers"] = str(len(observers))
    if shapes:
        small, large = min(shapes, key=max), max(shapes, key=max)
        told["size"] = f"{small[1]} x {small[0]} px" + ("" if small == large else f" to {large[1]} x {large[0]} px")
    if gathered.training:
        told["training part"] = str(len(gathered.training))
        told["test part"] = str(len(gathered.test))
    return told
