"""Why a training failed, in a word that programs can act on and in words that the user can."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Literal

from farnet.errors import DeviceError, FarnetError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DivergedError", "FailureKind", "describe_failure", "kind_of_failure"]

FailureKind = Literal["oom", "disk", "diverged", "input", "interrupted", "killed", "bug"]
"""oom: out of memory; disk: full, or cannot be written; diverged: the loss is no number any more; input: the data or
the settings cannot be used; interrupted: ended on purpose, to be resumed; killed: the process is gone without a word;
bug: anything else."""

_MEMORY_WORDS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")
_UNWRITABLE = {errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)}


class DivergedError(FarnetError, ArithmeticError):
    """The loss of a training is no finite number any more."""


def kind_of_failure(error: BaseException) -> FailureKind:
    """What kind of failure an error is."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, DivergedError):
        return "diverged"
    for cause in _causes(error):
        if isinstance(cause, MemoryError) or (
            isinstance(cause, RuntimeError) and any(words in str(cause).lower() for words in _MEMORY_WORDS)
        ):
            return "oom"
        if isinstance(cause, OSError) and cause.errno in _UNWRITABLE:
            return "disk"
    return "input" if isinstance(error, FarnetError) else "bug"


def describe_failure(error: BaseException) -> str:
    """What went wrong and what to do, for the user."""
    kind = kind_of_failure(error)
    if kind == "oom" and not isinstance(error, DeviceError):
        return (
            "There was too little memory for this training. Use a smaller batch (batch_size), a smaller preset "
            "(light), or close what else uses the memory; what the last finished epoch left is kept. "
            f"({_first_line(error)})"
        )
    if kind == "disk":
        return (
            "The disk is full, or the folder of the run cannot be written. Make room and resume; what the last "
            f"finished epoch left is kept. ({_first_line(error)})"
        )
    if kind == "interrupted":
        return "The training was ended before it was done. What the last finished epoch left is kept; resume it."
    return str(error) if isinstance(error, FarnetError) else f"{type(error).__name__}: {_first_line(error)}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
