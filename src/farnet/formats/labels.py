"""A label map: what the landmarks of a scheme are called in a file of somebody else, as a table of two columns.

    label,landmark
    l1,Sella
    l2,N
    nose,

A landmark is a name or an abbreviation of the scheme. Points whose landmark is left empty are left out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from farnet.errors import AnnotationError
from farnet.formats.registry import read_text
from farnet.scheme import folded

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LabelMap", "read_labels"]


class LabelMap(Mapping[str, str]):
    """Landmark by label; labels are compared as names of landmarks are (`farnet.scheme.LandmarkScheme.index`).

    Raises:
        AnnotationError: If two labels that are the same by this comparison stand for different landmarks.
    """

    def __init__(self, landmarks: Mapping[str, str] | None = None) -> None:
        self._landmarks: dict[str, str] = {}
        self._labels: dict[str, str] = {}
        for label, landmark in (landmarks or {}).items():
            key = folded(label)
            if folded(self._landmarks.setdefault(key, landmark)) != folded(landmark):
                raise AnnotationError(
                    f"The label {label!r} stands for {self._landmarks[key]!r} and for {landmark!r}; a label is one "
                    "landmark (capital letters, spaces and dashes do not count)."
                )
            self._labels.setdefault(key, label)

    def __getitem__(self, label: str) -> str:
        return self._landmarks[folded(label)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._labels.values())

    def __len__(self) -> int:
        return len(self._labels)


def read_labels(path: Path) -> LabelMap:
    """Read a label map from a table; see the module.

    Args:
        path: A csv file (with commas, semicolons or tabs) of two columns, with or without their header
            ``label,landmark``.

    Raises:
        AnnotationError: If it cannot be read, a row has not two cells, or a label is there twice.
    """
    text = read_text(path).lstrip("\r\n")
    delimiter = max(",;\t", key=text.splitlines()[0].count)
    found: dict[str, str] = {}
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        for number, cells in enumerate(reader):
            row = [cell.strip() for cell in cells]
            if not any(row) or (number == 0 and [cell.casefold() for cell in row[:2]] == ["label", "landmark"]):
                continue
            if len(row) < 2 or any(row[2:]) or not row[0]:
                raise AnnotationError(
                    f"{path}, line {reader.line_num}: {delimiter.join(cells)[:60]!r} is no row of a label map; two "
                    "cells are expected, the label in the file and the landmark that it stands for, such as l1,Sella."
                )
            if row[0] in found:
                raise AnnotationError(f"{path}, line {reader.line_num}: the label {row[0]!r} is there twice.")
            found[row[0]] = row[1]
    except csv.Error as error:
        raise AnnotationError(f"{path}, line {reader.line_num}: this is no CSV ({error}).") from error
    if not any(found.values()):
        raise AnnotationError(f"{path} maps no label to a landmark; a row is such as l1,Sella.")
    try:
        return LabelMap(found)
    except AnnotationError as error:
        raise AnnotationError(f"{path}: {error}") from error
