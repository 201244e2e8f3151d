"""Names of radiographs, from file names, headers and tables of anybody, made into names of files.

    table = folder / f"{safe_file_name(landmarks.radiograph)}.csv"

A name from a file is never joined to a folder as it is: ``../x`` leaves the folder, ``C:x`` and ``//server/x`` do so on
Windows, ``CON`` is a device there, and ``a:b`` is hidden inside ``a``. The same names are safe on every system, so that
a folder can be copied from one to another.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

from farnet.readers import as_text

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LONGEST_NAME", "safe_file_name", "safe_file_names"]

LONGEST_NAME = 180
"""Bytes of UTF-8 of the longest name: file systems take 255, and endings and marks of temporary files are added."""

_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')  # separators, drives, streams, wildcards, control characters
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE)


def safe_file_name(name: str) -> str:
    """A file name, without ending, that stays in its folder on every system and can be given any ending.

    What is safe already stays as it is. Two names may become one; `safe_file_names` tells them apart.

    Args:
        name: Anything; folders in it become part of the name, without those that lead upwards.
    """
    parts = [part for part in re.split(r"[/\\]", as_text(name)) if part not in ("", ".", "..")]
    safe = _UNSAFE.sub("_", "_".join(parts))
    safe = re.sub(r"[. ]+$", lambda found: "_" * len(found[0]), safe) or "_"  # Windows drops dots and spaces at the end
    if _DEVICES.match(safe):
        safe = f"_{safe}"
    if len(safe.encode()) <= LONGEST_NAME:
        return safe
    mark = f"-{_digest(name)}"
    short = safe.encode()[: LONGEST_NAME - len(mark)].decode(errors="ignore")
    return short + mark


def safe_file_names(names: Iterable[str]) -> list[str]:
    """As `safe_file_name`, and no two alike, also where upper and lower case, or ways to write an accent, are one.

    A name gets the same file name whenever it is among the same names, in any order; equal names get equal ones.
    """
    given = list(names)
    safe = [safe_file_name(name) for name in given]
    owners = Counter(_folded(safe_file_name(name)) for name in set(given))
    return [
        one if owners[_folded(one)] == 1 else f"{one}-{_digest(name)}" for name, one in zip(given, safe, strict=True)
    ]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
