"""Parts of a data set for cross-validation and for holding out: by chance, with a seed, and by person.

Radiographs of one person are alike. Were they in the training as well as in the part that is tested, the test would
flatter; so a person's radiographs always go together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from farnet.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["hold_out_subjects", "leaked_subjects", "share_of_subjects", "subject_folds"]


def hold_out_subjects(subjects: Sequence[str], count: int, seed: int) -> NDArray[np.bool_]:
    """Choose exactly `count` radiographs of whole persons.

    Persons are taken in a random order, each that still fits.

    Args:
        subjects: (N,) whose radiograph each is.
        count: How many radiographs to hold out.
        seed: Of the order.

    Returns:
        (N,) bool, True for those that are held out.

    Raises:
        InvalidInputError: If there are not more radiographs than that, or the persons do not add up to it.
    """
    if not 0 < count < len(subjects):
        raise InvalidInputError(f"{count} of {len(subjects)} radiographs cannot be held out.")
    owner = np.asarray(subjects)
    chosen: list[str] = []
    left = count
    for name in _shuffled(subjects, seed):
        size = int((owner == name).sum())
        if size <= left:
            chosen.append(name)
            left -= size
    if left:
        raise InvalidInputError(
            f"Persons with several radiographs each do not add up to {count} radiographs; hold out another number."
        )
    return np.isin(owner, chosen)


def share_of_subjects(subjects: Sequence[str], share: float, seed: int) -> NDArray[np.bool_]:
    """Choose whole persons until about a share of the radiographs is held out, at least one and not all.

    Args:
        subjects: (N,) whose radiograph each is.
        share: Of the radiographs, above 0 and below 1.
        seed: Of the order of the persons.

    Returns:
        (N,) bool, True for those that are held out.
    """
    owner = np.asarray(subjects)
    order = _shuffled(subjects, seed)
    sizes = np.array([(owner == name).sum() for name in order])
    enough = int(np.searchsorted(np.cumsum(sizes), max(1.0, share * len(owner)))) + 1
    return np.isin(owner, order[: max(1, min(enough, len(order) - 1))])


def subject_folds(subjects: Sequence[str], folds: int, seed: int) -> NDArray[np.int64]:
    """Part radiographs into folds of nearly equal size, persons together.

    Persons come in a random order, those with most radiographs first; each goes to the smallest fold.

    Args:
        subjects: (N,) whose radiograph each is.
        folds: How many, 2 or more.
        seed: Of the order.

    Returns:
        (N,) the fold of each radiograph, 0 to `folds` - 1.

    Raises:
        InvalidInputError: If there are fewer than 2 folds, or fewer persons than folds.
    """
    order = _shuffled(subjects, seed)
    if folds < 2:
        raise InvalidInputError(f"{folds} folds; there must be 2 or more.")
    if len(order) < folds:
        raise InvalidInputError(f"{len(order)} persons cannot be parted into {folds} folds; use fewer folds.")
    owner = np.asarray(subjects)
    sizes = {name: int((owner == name).sum()) for name in order}
    place = {}
    filled = np.zeros(folds, np.int64)
    for name in sorted(order, key=lambda name: -sizes[name]):
        fold = int(filled.argmin())
        place[name] = fold
        filled[fold] += sizes[name]
    return np.array([place[name] for name in subjects], np.int64)


def leaked_subjects(training: Sequence[str], held_out: Sequence[str]) -> tuple[str, ...]:
    """Persons who are in both parts, in order."""
    return tuple(sorted(set(training) & set(held_out)))


def _shuffled(subjects: Sequence[str], seed: int) -> list[str]:
    """Each person once, in a random order."""
    names = sorted(set(subjects))
    return [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
