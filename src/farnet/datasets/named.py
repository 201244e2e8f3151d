"""Data sets by name, for whoever trains on one or evaluates with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from farnet.errors import unknown_name

if TYPE_CHECKING:
    from pathlib import Path

    from farnet.datasets.isbi2015 import ISBI2015, Observer, Split

__all__ = ["DATASETS", "open_dataset"]

DATASETS = ("isbi2015",)
"""Their names."""


def open_dataset(name: str, folder: Path, *, split: str, observer: str) -> ISBI2015:
    """Open a data set.

    Args:
        name: What kind it is.
        folder: Where it is.
        split: Which part of it.
        observer: Whose points are the truth.

    Raises:
        UnknownNameError: If there is no such data set, split or observer.
        InvalidInputError: If the folder is not that data set.
    """
    if name not in DATASETS:
        raise unknown_name("data set", name, DATASETS)
    from farnet.datasets.isbi2015 import ISBI2015

    return ISBI2015(folder, cast("Split", split), cast("Observer", observer))
