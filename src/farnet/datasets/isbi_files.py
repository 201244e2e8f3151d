"""Files of points of ISBI 2015 beside the published ones: tables in the layout of Payer et al., and lists of folds.

Payer et al. give the points of all radiographs in one table for each observer, ``all_junior.csv``, ``all_senior.csv``
and ``all_challenge.csv``: no header, in each line the number of the radiograph and 38 numbers, x and y in mm. Their
four folds are ``cv/set1/train.txt``, ``cv/set1/val.txt`` and so on, a number in each line.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from farnet.errors import AnnotationError, InvalidInputError
from farnet.formats.isbi_txt import read_isbi_points

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "ObserverPoints",
    "by_identity",
    "find_child",
    "find_points",
    "fold_folder",
    "read_fold",
    "read_points_in_mm",
]

_POINTS = 19
_PLACES = ("", "setup", "cep/setup", "AnnotationsByMD", "setup_ann/all_landmarks")
_PARTS = {"train": ("train.txt",), "test": ("test.txt", "val.txt")}


class ObserverPoints:
    """Points of one observer: a file for each radiograph, or one table of all.

    Attributes:
        place: The folder of the files, or the table.
    """

    def __init__(self, place: Path, files: dict[str, Path], table: dict[str, NDArray[np.float64]]) -> None:
        self.place, self._files, self._table = place, files, table

    def __contains__(self, identity: str) -> bool:
        return identity in self._files or identity in self._table

    def file(self, identity: str) -> Path:
        """The file that the points of a radiograph are in."""
        return self._files.get(identity, self.place)

    def read(self, identity: str) -> NDArray[np.float64]:
        """(19, 2) row, column in px.

        Raises:
            AnnotationError: If the file is malformed.
        """
        return self._table[identity] if identity in self._table else read_isbi_points(self._files[identity])


def find_points(root: Path, observer: str, spacing: float) -> ObserverPoints:
    """Find the points of an observer: the folder ``400_OBSERVER`` of files, else a table ``all_OBSERVER.csv``.

    Args:
        root: The folder of the data set.
        observer: "junior", "senior" or "challenge".
        spacing: mm per pixel, for the table.

    Raises:
        InvalidInputError: If there is neither; the message says where they are looked for.
        AnnotationError: If the table is malformed.
    """
    notes = find_child(root, "AnnotationsByMD")
    folder = None if notes is None else find_child(notes, f"400_{observer}")
    if folder is not None:
        return ObserverPoints(folder, by_identity(folder, (".txt",)), {})
    tables = [root / place / f"all_{observer}.csv" for place in _PLACES]
    table = next((path for path in tables if path.is_file()), None)
    if table is not None:
        return ObserverPoints(table, {}, read_points_in_mm(table, spacing))
    wanted = root / "AnnotationsByMD" / f"400_{observer}"
    hint = (
        " The published data has no points called 'challenge' beside the radiographs; they come with the tables of "
        "Payer et al. Without them the truth can be mean, junior or senior."
        if observer == "challenge"
        else ""
    )
    raise InvalidInputError(
        f"ISBI 2015 needs the folder {wanted} with files like 001.txt, or a table of points in mm: "
        f"{' or '.join(map(str, tables))}; none of them is there.{hint}"
    )


def find_child(folder: Path, name: str) -> Path | None:
    """The folder of a name in a folder, whatever its capital letters, or None."""
    exact = folder / name
    if exact.is_dir():
        return exact
    return next(
        (child for child in folder.iterdir() if child.name.casefold() == name.casefold() and child.is_dir()), None
    )


def by_identity(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Files of a folder by their number with three digits; of several endings the earlier wins.

    Raises:
        AnnotationError: If two files of one ending have one number, such as 1.txt and 001.txt.
    """
    files = [path for path in folder.iterdir() if path.suffix.lower() in suffixes and path.stem.isdecimal()]
    files.sort(key=lambda path: (suffixes.index(path.suffix.lower()), path.name))
    found: dict[str, Path] = {}
    for path in files:
        name = f"{int(path.stem):03d}"
        other = found.setdefault(name, path)
        if other is not path and other.suffix.lower() == path.suffix.lower():
            raise AnnotationError(
                f"{other.name} and {path.name} in {folder} are both number {name}; take one of them away."
            )
    return found


def read_points_in_mm(file: Path, spacing: float) -> dict[str, NDArray[np.float64]]:
    """Read a table of points in mm.

    Args:
        file: The table.
        spacing: mm per pixel of the radiographs.

    Returns:
        (19, 2) row, column in px of each radiograph, by its number with three digits.

    Raises:
        AnnotationError: If it cannot be read, a row is malformed, or a radiograph is there twice.
    """
    found: dict[str, NDArray[np.float64]] = {}
    for number, row in enumerate(csv.reader(_text(file).splitlines()), start=1):
        if not row:
            continue
        where = f"{file}, line {number}"
        if len(row) != 1 + 2 * _POINTS:
            raise AnnotationError(
                f"{where}: {len(row)} values, but there must be the number of a radiograph and {2 * _POINTS} numbers "
                "(x and y in mm)."
            )
        try:
            values = np.array([float(value) for value in row[1:]])
        except ValueError as error:
            raise AnnotationError(f"{where}: {error}.") from error
        if not np.isfinite(values).all():
            raise AnnotationError(f"{where}: a number is not finite.")
        name = _identity(row[0], where)
        if name in found:
            raise AnnotationError(f"{where}: radiograph {name} is there twice.")
        # Tenths of a millimetre are whole pixels, and are given back as such.
        found[name] = np.round(values / spacing, 6).reshape(_POINTS, 2)[:, ::-1].copy()
    if not found:
        raise AnnotationError(f"{file} is empty; expected is a line for each radiograph.")
    return found


def fold_folder(root: Path) -> Path | None:
    """The folder with the lists of folds, or None where there is none."""
    places = [root / place / "cv" for place in _PLACES]
    return next((place for place in places if (place / "set1").is_dir()), None)


def read_fold(folder: Path, fold: int, part: str) -> tuple[str, ...]:
    """Numbers of the radiographs, with three digits, that a list of folds has.

    Args:
        folder: Of the lists.
        fold: 1 to 4.
        part: "train" or "test"; the latter's list may also be called ``val.txt``.

    Raises:
        AnnotationError: If there is no list, it is malformed, or has a radiograph twice.
    """
    candidates = [folder / f"set{fold}" / name for name in _PARTS[part]]
    file = next((path for path in candidates if path.is_file()), None)
    if file is None:
        raise AnnotationError(
            f"{folder} has lists of folds, but none of {' or '.join(f'{p.parent.name}/{p.name}' for p in candidates)}. "
            "Put it there, or take the folder away: folds are then made by chance, with a seed."
        )
    lines = enumerate(_text(file).splitlines(), start=1)
    names = tuple(_identity(line, f"{file}, line {number}") for number, line in lines if line.strip())
    if not names:
        raise AnnotationError(f"{file} is empty; expected is the number of a radiograph in each line.")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise AnnotationError(f"{file} lists radiograph {repeated[0]} more than once.")
    return names


def _identity(text: str, where: str) -> str:
    word = text.strip()
    if not (word.isascii() and word.isdecimal()):
        raise AnnotationError(f"{where}: {word!r} is no number of a radiograph; expected is one like 001.")
    return f"{int(word):03d}"


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise AnnotationError(f"{file} cannot be read: {error}.") from error
