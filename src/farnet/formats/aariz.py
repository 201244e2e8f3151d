"""Landmarks of the public data set 'Aariz (lateral cephalograms, 29 landmarks): one JSON file for each radiograph.

``landmarks`` is a list of objects with a ``title``, a ``symbol`` and a ``value`` of ``x`` (column) and ``y`` (row) in
whole pixels from the top left one, ``ceph_id`` the name of the radiograph. Titles count before symbols, and capital
letters count in symbols, because Li is the lower lip there and LI the lower incisor here. Landmarks that the scheme
does not have are left out, which is told. The files of the junior and the senior orthodontists, which lie in folders of
these names, have them as their source.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from farnet.errors import AnnotationError
from farnet.formats.companion import as_list, as_mapping, finite_pair, points_of_labels, read_json, renamed
from farnet.formats.missing import is_absent, tell_absent
from farnet.formats.pictures import name_of_picture
from farnet.formats.registry import AnnotationFormat, ReadOptions
from farnet.formats.schemes import own_schemes
from farnet.landmarks import Landmarks
from farnet.notices import tell
from farnet.scheme import LandmarkScheme, load_scheme

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["AARIZ"]

_SCHEME = "cephalometric19"
_OBSERVERS = "orthodontists"
_SYMBOLS = {"LIT": "LI", "UIT": "UI", "Li": "LL", "Ls": "UL"}
"""Its symbols, with their capital letters, of landmarks that have another name in the scheme."""


def _read(path: Path, options: ReadOptions) -> list[Landmarks]:
    where = str(path)
    content = as_mapping(read_json(path), "its content", where)
    found: list[tuple[str, str, tuple[float, float] | None]] = []
    for number, item in enumerate(as_list(content.get("landmarks"), "landmarks", where), start=1):
        entry = as_mapping(item, f"landmark {number}", where)
        title, symbol = (str(entry.get(key) or "") for key in ("title", "symbol"))
        found.append((title, symbol, _position(entry.get("value"), f"{where}, landmark {symbol or title!r}")))
    if not found:
        raise AnnotationError(f"{path} has an empty list of landmarks.")
    known = options.scheme or _scheme(found, path)
    placed, absent, strangers = [], [], []
    for title, symbol, point in found:
        label = _label(title, symbol, known, options.labels)
        if label is None:
            strangers.append(symbol or title)
        elif point is None:
            absent.append(label)
        else:
            placed.append((label, point))
    if not placed and not absent:
        raise AnnotationError(f"{path}: none of its {len(found)} landmarks is one of {known.name!r}.")
    if strangers:
        tell(f"{path}: landmarks that {known.name!r} does not have were left out: {', '.join(strangers)}.")
    tell_absent(where, absent)
    return [
        Landmarks(
            points_of_labels(placed, known, where),
            known,
            radiograph=name_of_picture(str(content.get("ceph_id") or "")) or path.stem,
            source=path.parent.name if path.parent.name.lower().endswith(_OBSERVERS) else "",
        )
    ]


def _position(value: Any, where: str) -> tuple[float, float] | None:
    """(row, column); None where there is no point."""
    if value is None:
        return None
    place = as_mapping(value, "its value", where)
    if place.get("x") is None and place.get("y") is None:
        return None
    x, y = finite_pair((place.get("x"), place.get("y")), where)
    return None if is_absent(x, y) else (y, x)


def _scheme(found: list[tuple[str, str, tuple[float, float] | None]], path: Path) -> LandmarkScheme:
    """A scheme of one's own that has all of its landmarks, else the bundled one."""
    for scheme in own_schemes(path):
        if all(scheme.knows(title) or scheme.knows(symbol) for title, symbol, _ in found):
            return scheme
    return load_scheme(_SCHEME)


def _label(title: str, symbol: str, scheme: LandmarkScheme, labels: Mapping[str, str]) -> str | None:
    """The landmark of the scheme; None where it has none."""
    for key in (symbol, title):
        if (mapped := renamed(key, labels)) != key:
            return mapped or None
    if scheme.knows(title):
        return title
    if symbol not in scheme.abbreviations and symbol in _SYMBOLS and scheme.knows(_SYMBOLS[symbol]):
        return _SYMBOLS[symbol]
    same = scheme.knows(symbol) and _capitals(scheme.abbreviations[scheme.index(symbol)]) == _capitals(symbol)
    return symbol if same else None


def _capitals(symbol: str) -> str:
    """A symbol without its marks, such as its prime, and with its capital letters."""
    return re.sub(r"\W", "", symbol)


AARIZ = AnnotationFormat(
    name="aariz",
    title="Aariz data set",
    suffixes=(".json",),
    read=_read,
    keys=frozenset({"landmarks", "ceph_id"}),
)
