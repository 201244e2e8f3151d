"""Observers: how far people are from each other and from themselves, and whether a model is within that distance.

Definitions, for the radial distances between two readings of the same radiographs:

- Inter-observer distance: between two observers, for every pair of them; pooled over all pairs. Where an observer read
  a radiograph several times, the first reading counts.
- Intra-observer distance: between the readings of one observer, for every pair of them. Dahlberg's error is the
  standard deviation of a single reading, sqrt(sum d^2 / 2n) (Dahlberg 1940), here of radial distances.
- Bias: mean offset of an observer from the mean of all observers; random error: population standard deviation of
  that offset along rows and columns. The mean of O observers holds each of them by 1/O, which makes both smaller than
  against the true point.
- A model is compared with each observer, never with their mean alone: a mean of two is nearer to everybody than one of
  them. The difference between its distance from the observers and the observers' distance from each other has a
  bootstrap interval over radiographs, paired.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from farnet.errors import AnnotationError
from farnet.evaluation.bootstrap import LEVEL, draw_counts
from farnet.evaluation.metrics import DEFAULT_RADII, as_radii, evaluate
from farnet.evaluation.observer_study import Difference, ObserverStudy, Offset, PairedReadings, Repeated, Verdict
from farnet.evaluation.pairing import listed
from farnet.evaluation.summary import Metrics, summarise_both
from farnet.identity import radiograph_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from farnet.landmarks import Landmarks
    from farnet.spacing import Spacing

__all__ = ["gather_readings", "study_observers"]

Sessions = dict[str, list["Landmarks"]]
"""Readings of one observer by `radiograph_key`, in the order in which they were made."""


def gather_readings(files: Sequence[tuple[str, Sequence[Landmarks]]]) -> dict[str, list[Landmarks]]:
    """Tell the observers in files of landmarks.

    A file is one observer, by the name that it is given with. Where a radiograph occurs several times in a file, the
    sources in it ("junior", "senior", ...) are the observers; without different sources, the later ones are further
    readings of the same observer. The same name given twice is one observer in several sessions.

    Args:
        files: (name of the observer, landmarks) in the order of the sessions.

    Returns:
        Readings by observer, in order; those of one radiograph follow each other as the sessions did.
    """
    readings: dict[str, list[Landmarks]] = {}
    for name, landmarks in files:
        keys = [radiograph_key(item.radiograph) for item in landmarks]
        sources = {item.source for item in landmarks}
        by_source = len(set(keys)) < len(keys) and len(sources) > 1
        for item in landmarks:
            readings.setdefault((item.source or name) if by_source else name, []).append(item)
    return readings


def study_observers(
    readings: Mapping[str, Sequence[Landmarks]],
    *,
    model: Sequence[Landmarks] | None = None,
    model_name: str = "model",
    common: bool = False,
    spacing: Spacing | None = None,
    radii: Sequence[float] = DEFAULT_RADII,
    bootstrap: int = 2000,
    seed: int = 0,
) -> ObserverStudy:
    """Compare observers with each other, with themselves, and with a model.

    Args:
        readings: Landmarks by observer. A radiograph that occurs again is a further reading, in that order.
        model: Landmarks of a model on the same radiographs.
        model_name: What to call it.
        common: Leave out radiographs that not everybody read, instead of refusing. A second reading may always be of
            some radiographs only.
        spacing: (row, column) mm per pixel of all radiographs, instead of what the landmarks say.
        radii: Radii of the rates, in mm (in px where a spacing is not known).
        bootstrap: Draws for the intervals; 0 for none.
        seed: Seed of the draws.

    Raises:
        AnnotationError: If there is nothing to compare (one observer with one reading and no model), a reading names no
            radiograph, or not everybody read the same radiographs.
        SchemeError: If not all have the same scheme.
        InvalidInputError: If radii, draws or spacing are not allowed.
    """
    settings = _Settings(as_radii(radii), bootstrap, seed)
    if model is not None and model_name in readings:
        raise AnnotationError(f"The model and an observer are both called {model_name!r}; give one another name.")
    if not any(readings.values()):
        raise AnnotationError("There are no readings to compare; give the landmarks of at least one observer.")
    everybody = dict(readings) | ({} if model is None else {model_name: model})
    sessions, unit = _in_one_unit({name: _by_radiograph(items, name) for name, items in everybody.items()}, spacing)
    keys, left_out = _shared(sessions, common)
    first = {name: [items[key][0] for key in keys] for name, items in sessions.items()}
    names = next(iter(first.values()))[0].scheme.names
    people = list(readings)
    repeated = [item for name in people if (item := _repeated(name, sessions[name], settings)) is not None]
    pairs = [_pair(a, first[a], b, first[b], settings) for a, b in itertools.combinations(people, 2)]
    against = [] if model is None else [_pair(model_name, first[model_name], n, first[n], settings) for n in people]
    if not (repeated or pairs or against):
        raise AnnotationError(
            f"There is one observer, {people[0]!r}, who read each radiograph once, and nobody to compare with. Give a "
            "second observer, a second reading of the same radiographs, or the landmarks of a model."
        )
    inter = _summary(pairs, "observers", names, settings)
    beside = _summary(against, model_name, names, settings)
    return ObserverStudy(
        unit=unit,
        observers=tuple(people),
        radiographs=tuple(item.radiograph for item in first[people[0]]),
        landmarks=names,
        radii=settings.radii,
        pairs=pairs,
        inter=None if inter is None else inter[0],
        inter_per_landmark=[] if inter is None else inter[1],
        intra=repeated,
        model=against,
        model_pooled=None if beside is None else beside[0],
        model_per_landmark=[] if beside is None else beside[1],
        differences=_differences(against, pairs, names, settings) if pairs and against else [],
        offsets=_offsets(first, len(people), unit) if len(people) > 1 else [],
        left_out=left_out,
        bootstrap=bootstrap if len(keys) > 1 else 0,
        seed=seed,
    )


@dataclass(frozen=True)
class _Settings:
    radii: tuple[float, ...]
    bootstrap: int
    seed: int


def _by_radiograph(items: Sequence[Landmarks], name: str) -> Sessions:
    sessions: Sessions = {}
    for item in items:
        key = radiograph_key(item.radiograph)
        if not key:
            raise AnnotationError(f"A reading of {name!r} names no radiograph, so it cannot be matched; name it.")
        sessions.setdefault(key, []).append(item)
    return sessions


def _in_one_unit(everybody: dict[str, Sessions], given: Spacing | None) -> tuple[dict[str, Sessions], str]:
    """Readings with the spacing that anybody knows of their radiograph, or all without; and the unit that makes.

    Two spacings of one radiograph are left as they are, to be refused when they are compared.
    """
    known: dict[str, Spacing | None] = {}
    for sessions in everybody.values():
        for key, items in sessions.items():
            for item in items:
                known[key] = given or known.get(key) or item.spacing
    in_mm = all(spacing is not None for spacing in known.values())

    def mended(item: Landmarks, key: str) -> Landmarks:
        wanted = (given or item.spacing or known[key]) if in_mm else None
        return item if item.spacing == wanted else item.replace(spacing=wanted)

    return {
        name: {key: [mended(item, key) for item in items] for key, items in sessions.items()}
        for name, sessions in everybody.items()
    }, "mm" if in_mm else "px"


def _shared(everybody: Mapping[str, Sessions], common: bool) -> tuple[list[str], tuple[str, ...]]:
    """Keys of the radiographs that all have read, in the order of the first; what is left out."""
    people = list(everybody)
    keys = [key for key in everybody[people[0]] if all(key in everybody[name] for name in people)]
    if not keys:
        read = "; ".join(f"{name}: {listed(_names(items)) or 'none'}" for name, items in everybody.items())
        raise AnnotationError(f"There is no radiograph that all have read ({read}). They are matched by name.")
    union = {key: items[key][0].radiograph for items in everybody.values() for key in items}
    notes = []
    for name in people:
        lacking = [radiograph for key, radiograph in union.items() if key not in everybody[name]]
        if lacking:
            notes.append(f"{len(lacking)} were not read by {name} ({listed(lacking)})")
    if notes and not common:
        raise AnnotationError(
            f"Not all have read the same radiographs: {'; '.join(notes)}. Complete the readings, or compare only the "
            f"{len(keys)} that all have read (--common)."
        )
    return keys, tuple(f"Left out: {note}" for note in notes)


def _names(items: Sessions) -> list[str]:
    return [readings[0].radiograph for readings in items.values()]


def _pair(
    name: str, mine: Sequence[Landmarks], other: str, theirs: Sequence[Landmarks], settings: _Settings
) -> PairedReadings:
    evaluation = evaluate(mine, theirs, radii=settings.radii, bootstrap=settings.bootstrap, seed=settings.seed)
    return PairedReadings(name, other, list(mine), list(theirs), evaluation)


def _repeated(name: str, items: Sessions, settings: _Settings) -> Repeated | None:
    """Every pair of sessions of one observer that share radiographs; None where each was read once."""
    count = max(map(len, items.values()), default=0)
    pairs = []
    for i, j in itertools.combinations(range(count), 2):
        both = [readings for readings in items.values() if len(readings) > j]
        earlier, later = [readings[i] for readings in both], [readings[j] for readings in both]
        pairs.append(_pair(f"{name} {j + 1}", later, f"{name} {i + 1}", earlier, settings))
    if not pairs:
        return None
    summary = _summary(pairs, name, pairs[0].evaluation.landmarks, settings)
    assert summary is not None, "there are pairs"
    errors = np.concatenate([pair.evaluation.errors for pair in pairs])
    return Repeated(name, pairs, *summary, float(_dahlberg(errors.reshape(-1, 1))[0]), _dahlberg(errors))


def _dahlberg(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(errors)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.sqrt(np.nansum(np.square(errors), axis=0) / (2.0 * known.sum(axis=0))))


def _summary(
    pairs: Sequence[PairedReadings], name: str, names: Sequence[str], settings: _Settings
) -> tuple[Metrics, list[Metrics]] | None:
    """Figures of the distances of several pairs together; pairs of different radiographs are filled with NaN."""
    if not pairs:
        return None
    between = _stacked(pairs)
    absent = np.isnan(between)
    draws = (settings.bootstrap, settings.seed)
    return summarise_both(between, np.zeros_like(absent), absent, names, name, settings.radii, draws)


def _stacked(pairs: Sequence[PairedReadings]) -> NDArray[np.float64]:
    """(N, P, K) distances of P pairs on the N radiographs that any of them has."""
    rows = list(dict.fromkeys(radiograph_key(name) for pair in pairs for name in pair.evaluation.radiographs))
    place = {key: i for i, key in enumerate(rows)}
    stacked = np.full((len(rows), len(pairs), pairs[0].evaluation.errors.shape[1]), np.nan)
    for p, pair in enumerate(pairs):
        stacked[[place[radiograph_key(name)] for name in pair.evaluation.radiographs], p] = pair.evaluation.errors
    return stacked


def _differences(
    against: Sequence[PairedReadings], pairs: Sequence[PairedReadings], names: Sequence[str], settings: _Settings
) -> list[Difference]:
    model, people = _stacked(against), _stacked(pairs)
    shape = (len(model), -1, 1)
    groups = [("pooled", model.reshape(shape), people.reshape(shape))]
    groups += [(name, model[:, :, k : k + 1], people[:, :, k : k + 1]) for k, name in enumerate(names)]
    ones = np.ones((1, len(model)))
    count = (
        draw_counts(len(model), settings.bootstrap, settings.seed) if len(model) > 1 and settings.bootstrap else None
    )
    tail = 100.0 * (1.0 - LEVEL) / 2.0
    found = []
    for name, of_model, of_people in groups:
        value = float(_mean(ones, of_model)[0] - _mean(ones, of_people)[0])
        low = high = float("nan")
        if count is not None:
            draws = _mean(count, of_model) - _mean(count, of_people)
            known = draws[~np.isnan(draws)]
            if known.size:
                low, high = (float(end) for end in np.percentile(known, (tail, 100.0 - tail)))
        verdict: Verdict = "within" if high <= 0 else "beyond" if low > 0 else "undecided"
        found.append(Difference(name, value, low, high, verdict))
    return found


def _mean(count: NDArray[np.float64], errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """(B,) mean distance of each draw of radiographs."""
    known = ~np.isnan(errors)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((count @ np.nansum(errors, axis=(1, 2))) / (count @ known.sum(axis=(1, 2))))


def _offsets(people: Mapping[str, Sequence[Landmarks]], observers: int, unit: str) -> list[Offset]:
    """Offsets of everybody from the mean of the first `observers`."""
    points = np.stack([[item.points for item in items] for items in people.values()])  # (P, N, K, 2)
    deviations = points - points[:observers].mean(axis=0)
    if unit == "mm":
        spacing = [item.spacing for item in next(iter(people.values()))]
        deviations = deviations * np.array(spacing, np.float64)[:, None, :]
    there = ~np.isnan(deviations[..., 0])  # (P, N, K)
    n = there.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        bias = np.nansum(deviations, axis=1) / n[..., None]
        random = np.sqrt(np.nansum(np.square(deviations - bias[:, None]), axis=1) / n[..., None])
    landmarks = next(iter(people.values()))[0].scheme.names
    return [
        Offset(
            who,
            landmark,
            int(n[p, k]),
            (float(bias[p, k, 0]), float(bias[p, k, 1])),
            (float(random[p, k, 0]), float(random[p, k, 1])),
        )
        for p, who in enumerate(people)
        for k, landmark in enumerate(landmarks)
    ]
