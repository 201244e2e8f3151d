"""Absent landmarks that programs without a word for them write as numbers.

The rule: a point both of whose numbers are exactly -1 (or -9, -99, -999, -9999), or both exactly 0, as they stand in
the file, is an absent landmark, and that is told. A point with one such number is a point. Files of this program have a
way to say "absent", so that 0, 0 is a point there, the top left pixel; -1, -1 is never one, being off the picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from farnet.notices import tell

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["is_absent", "tell_absent"]

_NUMBERS = frozenset({-1.0, -9.0, -99.0, -999.0, -9999.0})
_SHOWN = 5


def is_absent(first: float, second: float, *, own: bool = False) -> bool:
    """Whether two numbers stand for an absent landmark.

    Args:
        first: As it stands in the file, before any conversion.
        second: Likewise.
        own: The file is of this program and says in another way what is absent.
    """
    return first == second and (first in _NUMBERS or (first == 0 and not own))


def tell_absent(where: str, names: Sequence[str]) -> None:
    """Tell which landmarks were written as numbers and are taken for absent; nothing where there are none."""
    if not names:
        return
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    tell(f"{where}: {shown} at -1, -1 or 0, 0 (or the like), which means that there is no point: taken as absent.")
