"""What a person has looked at and changed in the landmarks of one radiograph, with a log that says so.

A `Review` is a value: every step gives a new one, so that undo is nothing but an earlier value. It keeps the points as
they were predicted beside those that a person made of them, and travels in the landmarks' provenance, so that a file
of corrections holds the predictions too.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np

from farnet.errors import AnnotationError
from farnet.landmarks import least_certain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from farnet.landmarks import Landmarks

__all__ = ["Action", "Edit", "Review", "State"]

State = Literal["missing", "predicted", "accepted", "edited", "placed", "absent"]
"""missing: no point yet; predicted: as it came, not looked at; accepted: looked at and left; edited: moved by a person;
placed: put where there was no point; absent: looked for, and not on this radiograph."""

Action = Literal["moved", "placed", "removed", "marked absent", "accepted", "reopened", "undone", "redone"]

_ACTIONS = frozenset(get_args(Action))
_KEY = "review"  # in the provenance
_SAME = 1e-9  # px; a point that moved less did not move


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing that a person did to one landmark.

    Attributes:
        landmark: Its name.
        action: What was done.
        before: (row, column) in px before it; None where there was no point.
        after: (row, column) in px after it; None where there is no point.
        spacing: (row, column) in mm per pixel; None where it is unknown.
        time: When, UTC, ISO 8601 to the second.
        who: The person's name or initials; may be empty.
    """

    landmark: str
    action: Action
    before: tuple[float, float] | None
    after: tuple[float, float] | None
    spacing: tuple[float, float] | None = None
    time: str = ""
    who: str = ""
    _line: str = field(default="", compare=False, repr=False)  # made once: it is written again at every later step

    @property
    def distance_px(self) -> float:
        """How far the point was moved, in px; NaN where there was or is none."""
        return self._distance((1.0, 1.0))

    @property
    def distance_mm(self) -> float:
        """How far the point was moved, in mm; NaN where there was or is none, or the spacing is unknown."""
        return math.nan if self.spacing is None else self._distance(self.spacing)

    def _distance(self, scale: tuple[float, float]) -> float:
        if self.before is None or self.after is None:
            return math.nan
        return math.hypot(*((b - a) * s for a, b, s in zip(self.before, self.after, scale, strict=True)))

    def to_dict(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "landmark": self.landmark,
            "action": self.action,
            "before": None if self.before is None else list(self.before),
            "after": None if self.after is None else list(self.after),
            "time": self.time,
            "who": self.who,
        }

    def to_line(self) -> str:
        """All of it but the spacing in one text, which takes less room and time than `to_dict` does.

        Time, who, landmark, action, before and after, with tabs between them; a point is ``row column``, none is empty.
        """
        if not self._line:
            texts = [text.replace("\\", r"\\").replace("\t", r"\t") for text in (self.time, self.who, self.landmark)]
            points = ["" if point is None else f"{point[0]!r} {point[1]!r}" for point in (self.before, self.after)]
            object.__setattr__(self, "_line", "\t".join((*texts, self.action, *points)))
        return self._line

    @classmethod
    def stored(cls, entry: str | Mapping[str, Any], spacing: tuple[float, float] | None) -> Edit:
        """Build an edit from what `to_line` gives, or, as older versions kept it, from what `to_dict` gives.

        Raises:
            KeyError, TypeError, ValueError: If something is missing or of another kind.
        """
        if isinstance(entry, str):
            time, who, landmark, action, *pair = entry.split("\t")
            before, after = (_point(text.split(" ")) if text else None for text in pair)
            if "\\" in entry:
                time, who, landmark = (
                    re.sub(r"\\(.)", lambda found: "\t" if found[1] == "t" else found[1], text)
                    for text in (time, who, landmark)
                )
            line = entry
        else:
            landmark, action, time, who = (str(entry[key]) for key in ("landmark", "action", "time", "who"))
            before, after = _point(entry["before"]), _point(entry["after"])
            line = ""
        if action not in _ACTIONS:
            raise ValueError(f"no such action: {action!r}")
        return cls(landmark, cast("Action", action), before, after, spacing, time, who, line)


@dataclass(frozen=True, eq=False)
class Review:
    """The landmarks of one radiograph on their way from predicted to looked at.

    Attributes:
        landmarks: As they are now. `edited` is True where a person moved or placed the point.
        origin: (K, 2) row, column in px as they were predicted or read first; NaN = no point.
        reviewed: (K,) bool, True where a person has accepted, moved, placed or marked as absent.
        absent: (K,) bool, True where a person says that the landmark is not on the radiograph.
        log: What was done, oldest first; nothing is ever taken out of it.
    """

    landmarks: Landmarks
    origin: NDArray[np.float64]
    reviewed: NDArray[np.bool_]
    absent: NDArray[np.bool_]
    log: tuple[Edit, ...] = ()

    @classmethod
    def of(cls, landmarks: Landmarks) -> Review:
        """Begin a review, or go on with the one that the landmarks carry.

        `landmarks` of the review are without it, so that a long log is not copied at every step; `to_landmarks` puts it
        back.

        Raises:
            AnnotationError: If the provenance holds a review that is malformed.
        """
        count = len(landmarks.scheme)
        none = np.zeros(count, np.bool_)
        stored = landmarks.provenance.get(_KEY)
        if stored is None:
            return cls(landmarks, landmarks.points.copy(), _edited(landmarks), none)
        try:
            origin = landmarks.points.copy()
            for name, point in stored["origin"].items():
                origin[landmarks.scheme.index(name)] = (math.nan, math.nan) if point is None else _point(point)
            log = tuple(Edit.stored(item, landmarks.spacing) for item in stored["log"])
            reviewed, absent = (_mask(landmarks, stored[key]) for key in ("reviewed", "absent"))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise AnnotationError(
                f"The review kept with the landmarks of radiograph {landmarks.radiograph!r} is damaged ({error}). "
                f"Remove {_KEY!r} from their provenance to go on without it; the points are not touched."
            ) from error
        own = {key: value for key, value in landmarks.provenance.items() if key != _KEY}
        return cls(landmarks.replace(provenance=own), origin, reviewed, absent & ~landmarks.present, log)

    def to_landmarks(self) -> Landmarks:
        """Give the landmarks with the review in their provenance, from which `of` makes it again."""
        return self.landmarks.replace(provenance={**self.landmarks.provenance, _KEY: self.to_dict()})

    def to_dict(self) -> dict[str, Any]:
        """JSON types only: what was reviewed, what is absent, where changed points were, and the log."""
        names = self.landmarks.scheme.names
        return {
            "reviewed": [names[k] for k in np.flatnonzero(self.reviewed)],
            "absent": [names[k] for k in np.flatnonzero(self.absent)],
            "origin": {
                name: None if np.isnan(self.origin[k, 0]) else self.origin[k].tolist()
                for k, name in enumerate(names)
                if _differ(self.origin[k], self.landmarks.points[k])
            },
            "log": [item.to_line() for item in self.log],
        }

    # What there is

    def __len__(self) -> int:
        return len(self.landmarks)

    @property
    def states(self) -> tuple[State, ...]:
        """The state of each landmark."""
        edited, present = _edited(self.landmarks), self.landmarks.present
        found: list[State] = []
        for k in range(len(self)):
            if not present[k]:
                found.append("absent" if self.absent[k] else "missing")
            elif edited[k]:
                found.append("placed" if np.isnan(self.origin[k, 0]) else "edited")
            else:
                found.append("accepted" if self.reviewed[k] else "predicted")
        return tuple(found)

    @property
    def missing(self) -> tuple[int, ...]:
        """Numbers of the landmarks that still need a point, in the order of the scheme."""
        return tuple(int(k) for k in np.flatnonzero(~self.landmarks.present & ~self.absent))

    @property
    def complete(self) -> bool:
        """Whether every landmark has been reviewed."""
        return bool(self.reviewed.all())

    def queue(self, alarms: ArrayLike | None = None) -> tuple[int, ...]:
        """Numbers of the landmarks still to be reviewed, the one to look at first in front.

        Missing ones come first, then those with an alarm, the most alarming first, then the others by
        `farnet.landmarks.least_certain`.

        Args:
            alarms: (K,) how alarming each landmark is, 0 for not at all; None for none.
        """
        item = self.landmarks
        alarm = np.zeros(len(self)) if alarms is None else np.nan_to_num(np.asarray(alarms, np.float64))
        place = np.zeros(len(self))
        for rank, (_, k) in enumerate(least_certain([item])):
            place[k] = rank
        order = np.lexsort((np.arange(len(self)), place, -alarm, item.present))
        return tuple(int(k) for k in order if not self.reviewed[k])

    # What a person does

    def moved(self, k: int, point: ArrayLike, *, who: str = "") -> Review:
        """Put landmark k at a point (row, column) in px; a landmark without a point is placed there."""
        target = np.asarray(point, np.float64)
        before = self.landmarks.points[k]
        if not _differ(before, target):
            return self
        points = self.landmarks.points.copy()
        points[k] = target
        placed = bool(np.isnan(before[0]))
        edited = _with(_edited(self.landmarks), k, True)  # what the model said of its own point goes with it
        return replace(
            self,
            landmarks=self.landmarks.replace(points=points, edited=edited),
            reviewed=_with(self.reviewed, k, True),
            absent=_with(self.absent, k, False),
            log=self._logged(k, "placed" if placed else "moved", target, who),
        )

    def removed(self, k: int, *, who: str = "") -> Review:
        """Take the point of landmark k away, to be placed anew."""
        return self._emptied(k, "removed", False, who) if self.landmarks.present[k] else self

    def marked_absent(self, k: int, *, who: str = "") -> Review:
        """Say that landmark k is not on the radiograph."""
        return self if self.absent[k] else self._emptied(k, "marked absent", True, who)

    def accepted(self, k: int, *, who: str = "") -> Review:
        """Say that landmark k is right as it is.

        Raises:
            AnnotationError: If it has no point and is not marked as absent.
        """
        if self.reviewed[k]:
            return self
        if not self.landmarks.present[k] and not self.absent[k]:
            raise AnnotationError(
                f"{self.landmarks.scheme.names[k]} has no point, so there is nothing to accept. Place it, or mark it "
                "as absent."
            )
        return replace(
            self,
            reviewed=_with(self.reviewed, k, True),
            log=self._logged(k, "accepted", self.landmarks.points[k], who),
        )

    def reopened(self, k: int, *, who: str = "") -> Review:
        """Put landmark k back into the queue; its point stays, and a mark of absence is taken away."""
        if not self.reviewed[k]:
            return self
        return replace(
            self,
            reviewed=_with(self.reviewed, k, False),
            absent=_with(self.absent, k, False),
            log=self._logged(k, "reopened", self.landmarks.points[k], who),
        )

    def changed_to(self, landmarks: Landmarks, *, who: str = "") -> Review:
        """Take over every point that differs in other landmarks of the same radiograph, as moved, placed or removed."""
        review = self
        for k in range(len(self)):
            if landmarks.present[k]:
                review = review.moved(k, landmarks.points[k], who=who)
            else:
                review = review.removed(k, who=who)
        return review

    def back_to(self, other: Review, action: Literal["undone", "redone"], *, who: str = "") -> Review:
        """Go to another state of the same review, keeping the log, which gets an entry for each landmark that differs.

        Args:
            other: An earlier or later value.
            action: What the log says.
            who: The person.
        """
        review = replace(other, log=self.log)
        for k in range(len(self)):
            same = (
                not _differ(self.landmarks.points[k], other.landmarks.points[k])
                and self.reviewed[k] == other.reviewed[k]
                and self.absent[k] == other.absent[k]
            )
            if not same:
                edit = self._edit(k, action, other.landmarks.points[k], who)
                review = replace(review, log=(*review.log, edit))
        return review

    def _emptied(self, k: int, action: Action, absent: bool, who: str) -> Review:
        points = self.landmarks.points.copy()
        points[k] = np.nan
        edited = _with(_edited(self.landmarks), k, True)
        return replace(
            self,
            landmarks=self.landmarks.replace(points=points, edited=edited),
            reviewed=_with(self.reviewed, k, absent),
            absent=_with(self.absent, k, absent),
            log=self._logged(k, action, points[k], who),
        )

    def _logged(self, k: int, action: Action, after: NDArray[np.float64], who: str) -> tuple[Edit, ...]:
        return (*self.log, self._edit(k, action, after, who))

    def _edit(self, k: int, action: Action, after: NDArray[np.float64], who: str) -> Edit:
        item = self.landmarks
        before, then = (None if np.isnan(p[0]) else (float(p[0]), float(p[1])) for p in (item.points[k], after))
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Edit(item.scheme.names[k], action, before, then, item.spacing, now, who)


def _edited(landmarks: Landmarks) -> NDArray[np.bool_]:
    return np.zeros(len(landmarks), np.bool_) if landmarks.edited is None else landmarks.edited


def _with(mask: NDArray[np.bool_], k: int, value: bool) -> NDArray[np.bool_]:
    changed = mask.copy()
    changed[k] = value
    return changed


def _mask(landmarks: Landmarks, names: Iterable[str]) -> NDArray[np.bool_]:
    mask = np.zeros(len(landmarks), np.bool_)
    mask[[landmarks.scheme.index(name) for name in names]] = True
    return mask


def _point(value: Sequence[float | str] | None) -> tuple[float, float] | None:
    if value is None:
        return None
    row, column = (float(item) for item in value)
    if not (math.isfinite(row) and math.isfinite(column)):
        raise ValueError(f"no point: {value!r}")
    return row, column


def _differ(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Whether two points (row, column) differ; NaN equals NaN."""
    if np.isnan(one[0]) or np.isnan(other[0]):
        return bool(np.isnan(one[0]) != np.isnan(other[0]))
    return bool(np.abs(one - other).max() > _SAME)
