"""In which order landmarks are looked at: the least certain first, those that were passed over once more at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Queue"]


class Queue:
    """Remembers what was looked at on one radiograph."""

    def __init__(self) -> None:
        self._visited: list[int] = []
        self._passed: set[int] = set()

    def clear(self) -> None:
        """Begin anew, on another radiograph."""
        self._visited.clear()
        self._passed.clear()

    def visit(self, k: int) -> None:
        """Take down that landmark k is looked at."""
        if not self._visited or self._visited[-1] != k:
            self._visited.append(k)

    def next(self, waiting: Sequence[int], now: int) -> int | None:
        """Give the landmark to look at next; None where none waits.

        Args:
            waiting: Numbers of the landmarks that are not reviewed, the one to look at first in front.
            now: The one that is looked at; it is passed over if it still waits. -1 for none.
        """
        if now in waiting:
            self._passed.add(now)
        left = [k for k in waiting if k not in self._passed]
        if not left:
            self._passed.clear()
            left = [k for k in waiting if k != now] or list(waiting)
        return left[0] if left else None

    def back(self) -> int | None:
        """Give the landmark that was looked at before; None where there was none."""
        if len(self._visited) < 2:
            return None
        self._visited.pop()
        return self._visited[-1]
