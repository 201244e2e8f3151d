"""Which of the given folders holds which of the data sets that a table needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farnet.datasets.named import DATASETS, dataset_kind, open_dataset
from farnet.errors import FarnetError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["find_data", "missing_data"]


def find_data(folders: Sequence[Path], names: Iterable[str]) -> dict[str, Path]:
    """Find data sets.

    Args:
        folders: Of data sets, or of folders of data sets.
        names: Kinds of data sets to look for; those that are not known here are not found.

    Returns:
        The folder of each kind that was found.

    Raises:
        InvalidInputError: A folder is not there.
        FarnetError: A folder has the names of a data set but cannot be opened.
    """
    for folder in folders:
        if not folder.is_dir():
            raise InvalidInputError(f"There is no folder {folder}; --data is the folder of a data set.")
    found: dict[str, Path] = {}
    for name in sorted(set(names) & set(DATASETS)):
        place = _find(folders, name)
        if place is not None:
            found[name] = place
    return found


def missing_data(name: str, folders: Sequence[Path], found: Mapping[str, Path]) -> str:
    """Why there is no data of a kind; empty where there is."""
    if name in found:
        return ""
    if name not in DATASETS:
        return f"This version does not know the data set {name!r}; it knows {', '.join(DATASETS)}."
    kind = dataset_kind(name)
    looked = ", ".join(str(folder) for folder in folders)
    return f"No {kind.title} in {looked}: its folder holds {kind.folder}. Give it with --data."


def _find(folders: Sequence[Path], name: str) -> Path | None:
    """The first folder that opens as a data set of this kind; those given before those in them."""
    kind = dataset_kind(name)
    inner = [item for folder in folders for item in sorted(folder.iterdir()) if item.is_dir()]
    problem: FarnetError | None = None
    for place in (*folders, *inner):
        try:
            if kind.recognise(place):
                open_dataset(name, place, split=kind.training_split)
                return place
        except FarnetError as error:
            problem = problem or error
        except OSError:
            continue  # a folder that may not be looked into, beside the one that is meant
    if problem is not None:
        raise problem
    return None
