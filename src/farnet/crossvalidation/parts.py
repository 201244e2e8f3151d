"""The folds of a cross-validation: what each trains on, and which radiographs it is asked about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from farnet.datasets.folds import leaked_subjects
from farnet.errors import InvalidInputError

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
        InvalidInputError: If there are fewer than two folds, the data has no official ones or has a split beside them,
            or persons are in the training and the test of an official fold.
        FarnetError: If the data cannot be opened.
    """
    if folds != OFFICIAL:
        if folds < 2:
            raise InvalidInputError(f"{folds} folds; give 2 or more, or {OFFICIAL!r}.")
        return [Part(f"fold-{k}", data, (f"folds={folds}", f"fold={k}", f"seed={seed}")) for k in range(folds)]
    pairs = official_splits(data.layout)
    if not pairs:
        raise InvalidInputError(f"{data.layout} is published without folds; give their number, such as --folds 5.")
    if data.split:
        raise InvalidInputError(f"--split {data.split} and official folds, which are splits, exclude each other.")
    parts = [
        Part(
            f"fold-{k}",
            data.model_copy(update={"split": training}),
            (f"seed={seed}",),
            data.model_copy(update={"split": test}),
        )
        for k, (training, test) in enumerate(pairs)
    ]
    for part in parts:
        _check_apart(part)
    return parts


def _check_apart(part: Part) -> None:
    """No person may be in the training and in the test."""
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
