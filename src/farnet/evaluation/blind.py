"""Blind order: radiographs of a reading study under neutral codes, in a shuffled order.

Who reads sees codes; which radiograph a code is stands in a key that is kept aside until all have read. Some
radiographs can be read twice, under two codes, which gives the intra-observer error without anybody knowing.
"""

from __future__ import annotations

import csv
import io
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from farnet.atomic import atomic_path, write_text_atomic
from farnet.errors import AnnotationError, InvalidInputError, OutputError
from farnet.evaluation.pairing import listed
from farnet.identity import radiograph_key
from farnet.spreadsheet import csv_text, restored_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from farnet.landmarks import Landmarks

__all__ = [
    "BlindStudy",
    "blind_study",
    "has_codes",
    "key_path",
    "read_key",
    "read_study",
    "reveal",
    "write_blind_study",
]


@dataclass(frozen=True)
class BlindStudy:
    """Radiographs in the order in which they are to be read.

    Attributes:
        codes: A neutral code for each reading: "R001", ...
        radiographs: The radiograph behind each code: a file, or a name.
    """

    codes: tuple[str, ...]
    radiographs: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)


def blind_study(radiographs: Sequence[str], *, repeats: int = 0, seed: int = 0) -> BlindStudy:
    """Shuffle radiographs and give them codes.

    Args:
        radiographs: Their names or files, each once.
        repeats: How many of them, drawn at random, are read a second time: anywhere among the others, but never right
            after their first time where there is room.
        seed: The same seed and radiographs give the same order.

    Raises:
        InvalidInputError: If there is no radiograph, one occurs twice, there are more repeats than radiographs, or the
            seed is below zero.
    """
    names = list(radiographs)
    if not names:
        raise InvalidInputError("There are no radiographs to read; give at least one.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInputError(f"The radiograph {twice!r} is there twice; give each once, and say how many to repeat.")
    if not 0 <= repeats <= len(names) or seed < 0:
        raise InvalidInputError(
            f"{repeats} repeats of {len(names)} radiographs with seed {seed}: repeats must be 0 to {len(names)}, the "
            "seed 0 or more."
        )
    draw = random.Random(seed)  # an order that can be made again, no secret
    order = sorted(names)
    draw.shuffle(order)
    for name in draw.sample(order, repeats):
        after = order.index(name) + 1
        places = range(min(after + 1, len(order)), len(order) + 1)
        order.insert(draw.choice(places), name)
    digits = max(3, len(str(len(order))))
    return BlindStudy(tuple(f"R{i:0{digits}d}" for i in range(1, len(order) + 1)), tuple(order))


def write_blind_study(study: BlindStudy, folder: Path, *, copy: bool = False) -> tuple[Path, Path]:
    """Write the order into a folder for the reader, and the key beside the folder.

    Args:
        study: The study.
        folder: It gets ``order.csv`` (position, code); the key is ``<folder>-key.csv`` (code, radiograph).
        copy: Also copy the radiographs, which must be files, into the folder under their codes. What is written in
            a file, such as the patient's name in DICOM, stays in it.

    Returns:
        Order and key.

    Raises:
        OutputError: If order or key are there already, or a file cannot be written. Nothing is overwritten, and what
            was written before a failure is removed.
    """
    order, key = folder / "order.csv", key_path(folder)
    files = [
        (Path(name), folder / f"{code}{_ending(name)}")
        for code, name in zip(study.codes, study.radiographs, strict=True)
    ]
    written = [order, key, *((target for _, target in files) if copy else ())]
    there = [path for path in written if path.exists()]
    if there:
        raise OutputError(
            f"{there[0]} is there already: a study that somebody may be reading is never overwritten. Choose another "
            "folder, or remove the old study."
        )
    try:
        write_text_atomic(key, _table(("code", "radiograph"), zip(study.codes, study.radiographs, strict=True)))
        if copy:
            for source, target in files:
                with atomic_path(target) as temporary:
                    shutil.copyfile(source, temporary)
        numbered = ((str(i), code) for i, code in enumerate(study.codes, 1))
        write_text_atomic(order, _table(("position", "code"), numbered))
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return order, key


def key_path(folder: Path) -> Path:
    """Where the key of the study in a folder is."""
    return folder.with_name(f"{folder.name}-key.csv")


def read_study(folder: Path) -> BlindStudy | None:
    """The study that was written for a folder, to go on with it; None where there is none.

    Raises:
        AnnotationError: If its key is damaged, or one of order and key is gone.
    """
    order, key = folder / "order.csv", key_path(folder)
    if not order.exists() and not key.exists():
        return None
    for path in (order, key):
        if not path.exists():
            raise AnnotationError(f"The study in {folder} lacks {path}: put it back, or begin in another folder.")
    rows = _read(key)
    return BlindStudy(tuple(code for code, _ in rows), tuple(radiograph for _, radiograph in rows))


def read_key(path: Path) -> dict[str, str]:
    """Radiographs by code, from a key.

    Raises:
        AnnotationError: If it is no key.
    """
    return {radiograph_key(code): radiograph for code, radiograph in _read(path)}


def has_codes(landmarks: Iterable[Landmarks], key: dict[str, str]) -> bool:
    """Whether any landmarks are of a code of this key."""
    return any(radiograph_key(item.radiograph) in key for item in landmarks)


def reveal(landmarks: Iterable[Landmarks], key: dict[str, str]) -> list[Landmarks]:
    """Put the names of the radiographs in the place of their codes.

    Args:
        landmarks: Readings, in any order.
        key: As `read_key` gives it.

    Returns:
        The readings in the order of the codes, so that the first of two readings of a radiograph is the earlier.

    Raises:
        AnnotationError: If a reading has a code that the key does not have.
    """
    readings = list(landmarks)
    place = {code: i for i, code in enumerate(key)}
    unknown = [item.radiograph for item in readings if radiograph_key(item.radiograph) not in key]
    if unknown:
        raise AnnotationError(
            f"The key has no code {listed(unknown)}; it is the key of another study, or these readings are not blind."
        )
    readings.sort(key=lambda item: place[radiograph_key(item.radiograph)])
    return [item.replace(radiograph=_name(key[radiograph_key(item.radiograph)])) for item in readings]


def _name(radiograph: str) -> str:
    """The name that a radiograph has in results: its file without folder and ending."""
    from farnet.readers import stem_of

    return stem_of(Path(radiograph.replace("\\", "/")))


def _read(path: Path) -> list[tuple[str, str]]:
    """(code, radiograph) of a key."""
    from farnet.formats.registry import read_text

    rows = list(csv.reader(io.StringIO(read_text(path), newline="")))
    if rows[0] != ["code", "radiograph"] or not all(len(row) == 2 for row in rows):
        raise AnnotationError(f"{path} is no key of a blind study: its first line must be 'code,radiograph'.")
    return [(restored_cell(code), restored_cell(radiograph)) for code, radiograph in rows[1:]]


def _ending(name: str) -> str:
    file = Path(name.replace("\\", "/"))
    return file.name[len(_name(name)) :]


def _table(columns: Sequence[str], rows: Iterable[tuple[str, str]]) -> str:
    return csv_text([columns, *rows])
