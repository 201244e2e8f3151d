"""What a check can find: each kind with how serious it is and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["KINDS", "Finding", "Severity", "finding"]

Severity = Literal["error", "warning", "note"]
"""An error makes data unusable or figures wrong; a warning should be looked at; a note is good to know."""

KINDS: dict[str, tuple[Severity, str]] = {
    "unreadable data": ("error", "A file of landmarks or a list cannot be read."),
    "unreadable radiograph": ("error", "The file of a radiograph is damaged or of another kind."),
    "mixed schemes": ("error", "Landmarks of several schemes are in one folder."),
    "same name": ("error", "Two radiographs, or two sets of landmarks, have one name."),
    "point outside": ("error", "A landmark lies outside its radiograph."),
    "other size": ("error", "The landmarks were placed on a picture of another size."),
    "other spacing": ("error", "A radiograph's own file and its landmarks give its pixels different sizes."),
    "impossible scale": ("warning", "The landmarks are larger or smaller than in any person, by the size of a pixel."),
    "other scale": ("warning", "The landmarks have the shape of the others at another size, as on a resized copy."),
    "observers do not match": ("error", "Observers give a radiograph another size or another size of its pixels."),
    "person in both parts": ("error", "A person is in the training and in the test, which is no test then."),
    "landmarks without a radiograph": ("warning", "No radiograph has the name that the landmarks have."),
    "radiograph without landmarks": ("note", "No file has landmarks of the radiograph."),
    "no landmarks": ("warning", "Every landmark of a radiograph is absent."),
    "absent landmarks": ("note", "Some landmarks of a radiograph are absent."),
    "landmarks in one place": ("warning", "Two landmarks of a radiograph are in the same place."),
    "same picture in both parts": ("error", "The training and the test show the same picture."),
    "same picture": ("warning", "Two radiographs show the same picture."),
    "observers disagree": ("warning", "Observers put a landmark further apart than the limit."),
    "unusual shape": ("warning", "A landmark lies far from where it does on the other radiographs."),
    "mirrored shape": ("warning", "The landmarks look like a mirror image of the others."),
    "known to be doubtful": ("note", "The data set is known to have doubtful landmarks there."),
    "mixed spacing": ("note", "Radiographs have pixels of different sizes."),
    "unknown spacing": ("note", "The size of a pixel is not known, so that lengths are in pixels."),
    "unusual size": ("note", "A radiograph is of a quite different size than most."),
}
"""How serious each kind is, and what it means."""


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        kind: One of `KINDS`.
        severity: How serious it is.
        message: What was found, in a sentence.
        radiographs: The radiographs it is about.
        landmarks: The landmarks it is about.
        value: How much it is, where it is a number.
        limit: Beyond which it is reported.
    """

    kind: str
    severity: Severity
    message: str
    radiographs: tuple[str, ...] = ()
    landmarks: tuple[str, ...] = ()
    value: float | None = None
    limit: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "message": self.message,
            "radiographs": list(self.radiographs),
            "landmarks": list(self.landmarks),
            "value": self.value,
            "limit": self.limit,
        }


def finding(
    kind: str,
    message: str,
    radiographs: Sequence[str] = (),
    landmarks: Sequence[str] = (),
    value: float | None = None,
    limit: float | None = None,
) -> Finding:
    """A finding of a kind, as serious as that is."""
    return Finding(kind, KINDS[kind][0], message, tuple(radiographs), tuple(landmarks), value, limit)
