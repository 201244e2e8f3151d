"""The folds of a cross-validation: what each trains on, and which radiographs it is asked about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from farnet.datasets.folds import leaked_subjects
from farnet.errors import InvalidInputError
from farnet.evaluation.pairing import listed

if TYPE_CHECKING:
    from farnet.datasets.opening import DataRequest

__all__ = ["OFFICIAL", "Part", "official_splits", "parts_of"]

OFFICIAL: Literal["official"] = "official"
"""Stands for the folds that a data set is published with."""


@dataclass(frozen=True)
class Part:
    """One fold.

    Attributes:
        name: "fold-0", "fold-1", ...
        data: What it is trained on; of seeded folds with the radiographs that it holds out.
        changes: What it adds to the settings of the training.
        test: The data that it is tested on; None where that is what the training holds out.
    """

    name: str
    data: DataRequest
    changes: tuple[str, ...] = ()
    test: DataRequest | None = None


def official_splits(layout: str) -> list[tuple[str, str]]:
    """(training, test) splits of the folds that a data set is published with; empty where it has none."""
    if layout == "table":
        return []
    from farnet.datasets.named import dataset_kind

    splits = dataset_kind(layout).splits
    numbers = sorted({int(found[1]) for name in splits if (found := re.fullmatch(r"set(\d+)-train", name))})
    return [(f"set{n}-train", f"set{n}-test") for n in numbers if f"set{n}-test" in splits]


def parts_of(data: DataRequest, folds: int | Literal["official"], seed: int) -> list[Part]:
    """The folds of some data.

    Args:
        data: The data; for official folds without a split of its own.
        folds: How many, made by `seed` with the radiographs of one person together, or "official".
        seed: Of the folds, and of the trainings.

    Raises:
        InvalidInputError: If there are fewer than two folds, or more than persons; the data holds radiographs out by
            itself; it has no official folds, or a split beside them; persons are in the training and the test of an
            official fold; a radiograph is tested in two; or one to leave out is in none.
        FarnetError: If the data cannot be opened.
    """
    if folds != OFFICIAL:
        if folds < 2:
            raise InvalidInputError(f"{folds} folds; give 2 or more, or {OFFICIAL!r}.")
        _check_filled(data, folds)
        return [Part(f"fold-{k}", data, (f"folds={folds}", f"fold={k}", f"seed={seed}")) for k in range(folds)]
    pairs = official_splits(data.layout)
    if not pairs:
        raise InvalidInputError(f"{data.layout} is published without folds; give their number, such as --folds 5.")
    if data.split:
        raise InvalidInputError(f"--split {data.split} and official folds, which are splits, exclude each other.")
    requests = {split: _of_split(data, split) for pair in pairs for split in pair}
    left_out = {name for request in requests.values() for name in request.exclude}
    unknown = [name for name in data.exclude if name not in left_out]
    if unknown:
        raise InvalidInputError(f"Radiographs to leave out are in no official fold: {listed(unknown)}.")
    parts = [
        Part(f"fold-{k}", requests[training], (f"seed={seed}",), requests[test])
        for k, (training, test) in enumerate(pairs)
    ]
    tested: dict[str, str] = {}
    for part in parts:
        for name in _check_apart(part):
            if name in tested:
                raise InvalidInputError(
                    f"{name} is tested in {tested[name]} and in {part.name}, so it would count twice; mend the lists "
                    "of the folds, or make folds (--folds 5)."
                )
            tested[name] = part.name
    return parts


def _check_filled(data: DataRequest, folds: int) -> None:
    """There must be a person for every fold, which is told before the first is trained."""
    from farnet.datasets.opening import open_data

    opened = open_data(data)
    if opened.validation:
        raise InvalidInputError(
            f"The data itself holds {len(opened.validation)} radiographs out ({listed(opened.validation)}), and so "
            "does every fold; empty the column 'split' of its table, or the list, to cross-validate."
        )
    people = len(set(getattr(opened.source, "subjects", opened.source.ids)))
    if people < folds:
        raise InvalidInputError(
            f"{len(opened.source)} radiographs of {people} persons do not fill {folds} folds; use fewer folds."
        )


def _of_split(data: DataRequest, split: str) -> DataRequest:
    """One side of an official fold: leaves out those of the radiographs to leave out that are in it."""
    from farnet.datasets.opening import open_data

    whole = data.model_copy(update={"split": split, "exclude": ()})
    if not data.exclude:
        return whole
    here = {"suspects", *open_data(whole).source.ids}
    return whole.model_copy(update={"exclude": tuple(name for name in data.exclude if name in here)})


def _check_apart(part: Part) -> tuple[str, ...]:
    """No person may be in the training and in the test; gives the names of the radiographs tested."""
    from farnet.datasets.opening import open_data

    assert part.test is not None, "an official fold has a test"
    sides = [open_data(request).source for request in (part.data, part.test)]
    people = [tuple(getattr(source, "subjects", source.ids)) for source in sides]
    leaked = leaked_subjects(*people)
    if leaked:
        raise InvalidInputError(
            f"{len(leaked)} persons are in {part.data.split} and in {part.test.split} ({', '.join(leaked[:5])}), so "
            "the test would not be one; mend the lists of the folds, or leave them out (--exclude)."
        )
    return tuple(sides[1].ids)
