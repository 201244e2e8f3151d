"""Work that is still to be written, and that stays so until it is: a write that fails is kept and tried again.

There is no Qt here.
"""

from __future__ import annotations

import logging
import time
import weakref
from typing import TYPE_CHECKING

from farnet.corrections import ChangedElsewhereError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Unsaved", "flush_all", "leave", "orphaned"]

_LOG = logging.getLogger(__name__)


class Unsaved:
    """What is to be written, at most one write for each owner: the last one, which writes all that was done before.

    Attributes:
        failed: Why the writes failed that were tried, by owner; empty where all is well.
        seconds: How long the last writes took.
    """

    def __init__(self) -> None:
        self._writes: dict[int, tuple[object, Callable[[], object]]] = {}
        self._errors: dict[int, Exception] = {}
        self.seconds = 0.0
        _everywhere.add(self)

    def __bool__(self) -> bool:
        """Whether there is something to write."""
        return bool(self._writes)

    def __contains__(self, owner: object) -> bool:
        return id(owner) in self._writes

    @property
    def failed(self) -> list[tuple[object, Exception]]:
        """(owner, why) of what could not be written."""
        return [(self._writes[key][0], error) for key, error in self._errors.items()]

    def put(self, owner: object, write: Callable[[], object]) -> None:
        """Write something of an owner's later."""
        self._writes[id(owner)] = (owner, write)

    def drop(self, owner: object) -> None:
        """There is nothing left to write for an owner: it is written, or not wanted."""
        self._writes.pop(id(owner), None)
        self._errors.pop(id(owner), None)

    def adopt(self, other: Unsaved) -> None:
        """Take over what somebody else had to write."""
        self._writes |= other._writes
        self._errors |= other._errors
        other._writes.clear()
        other._errors.clear()

    def flush(self) -> list[Exception]:
        """Write all that is to be written.

        Returns:
            What went wrong now. What was not written stays; where a file had been changed by somebody else, the work
            is in a file beside it, and does not stay.
        """
        began = time.perf_counter()
        errors: list[Exception] = []
        for key, (owner, write) in list(self._writes.items()):
            try:
                write()
            except ChangedElsewhereError as error:
                errors.append(error)
            except Exception as error:  # whatever it is, the work must not be lost by it
                errors.append(error)
                self._errors[key] = error
                continue
            if self._writes.get(key) == (owner, write):
                self.drop(owner)
        self.seconds = time.perf_counter() - began
        return errors


_everywhere: weakref.WeakSet[Unsaved] = weakref.WeakSet()
_orphans: list[Unsaved] = []


def leave(unsaved: Unsaved) -> None:
    """Whoever had this to write is gone: write it now, else keep it for the end or for whoever comes next."""
    if unsaved.flush() and unsaved:
        _orphans.append(unsaved)


def orphaned() -> list[Unsaved]:
    """What nobody cares for any more; whoever asks takes it."""
    found, _orphans[:] = list(_orphans), []
    return found


def flush_all() -> None:
    """Write all that is to be written anywhere, as before the end."""
    for unsaved in list(_everywhere):
        for error in unsaved.flush():
            _LOG.error("Not saved: %s", error)
