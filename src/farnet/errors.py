"""What can go wrong, said so that the reader can mend it.

Every error that this project raises on purpose is a `FarnetError`, so that a program can catch them together.
Each also inherits the built-in exception that a Python programmer would expect (`ValueError`, `ImportError`,
...). A message names the value, says what is allowed, and how to mend it; it is written to be shown to the
user as it is.
"""

from __future__ import annotations

import difflib
import functools
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

__all__ = [
    "AnnotationError",
    "DeviceError",
    "FarnetError",
    "InvalidInputError",
    "MeasurementError",
    "MissingExtraError",
    "ModelFileError",
    "OutputError",
    "RadiographError",
    "SchemeError",
    "UnexpectedError",
    "UnknownLabelsError",
    "UnknownNameError",
    "contained",
    "missing_extra",
    "per_file",
    "said_of",
    "unknown_name",
]


LOGGER = logging.getLogger("farnet")

_Function = TypeVar("_Function", bound="Callable[..., Any]")


class FarnetError(Exception):
    """Base of every error that this project raises on purpose."""


class InvalidInputError(FarnetError, ValueError):
    """A value from outside (argument, file, setting) is not usable."""


class RadiographError(InvalidInputError):
    """A file or an array is not a radiograph that can be read or used."""


class AnnotationError(InvalidInputError):
    """Landmarks, or a file of landmarks, are malformed or do not belong to their radiograph or scheme."""


class MeasurementError(InvalidInputError):
    """Definitions of measurements are malformed, contradict themselves, or do not fit the landmarks."""


class SchemeError(InvalidInputError):
    """A landmark scheme is malformed, or two things that should share a scheme do not."""


class UnknownLabelsError(SchemeError):
    """The labels in a file of landmarks are landmarks of no scheme.

    Attributes:
        labels: The labels, in the order of the file.
    """

    def __init__(self, message: str, labels: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.labels = tuple(labels)


class ModelFileError(InvalidInputError):
    """A model file is damaged, hostile, from a newer version, or not a model file at all."""


class UnknownNameError(InvalidInputError):
    """A name (model, landmark, scheme, format, ...) is not among those known; build it with `unknown_name`."""


class DeviceError(FarnetError, RuntimeError):
    """A compute device is absent, unusable, or out of memory."""


class MissingExtraError(FarnetError, ImportError):
    """An optional package is needed and not installed; build it with `missing_extra`."""


class OutputError(FarnetError, OSError):
    """A result could not be written; what stood there before is untouched."""


class UnexpectedError(FarnetError, RuntimeError):
    """Something that nobody foresaw, or too little memory, ended the work on one file; see `per_file`."""


def said_of(error: BaseException) -> str:
    """What nobody foresaw, in one line: its type and what it says."""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said[:300]}" if said else type(error).__name__


@contextmanager
def per_file(path: str | Path) -> Iterator[None]:
    """Whatever the block raises leaves it as a `FarnetError`, so that one file never ends the work on the others.

        for path in paths:
            try:
                with per_file(path):
                    look_at(path)
            except FarnetError as error:
                failed.append((path, str(error)))

    Args:
        path: What the block works on, to be named.

    Raises:
        FarnetError: As it was raised.
        UnexpectedError: For any other exception; its traceback goes to the log at the level of debugging.
        KeyboardInterrupt, SystemExit, GeneratorExit: As they are: somebody wants to end all of the work.
    """
    try:
        yield
    except (FarnetError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except MemoryError as error:
        LOGGER.debug("%s", path, exc_info=True)
        raise UnexpectedError(
            f"{path} needs more memory than there is. Close other programs, or make the picture smaller."
        ) from error
    except BaseException as error:  # extension modules in Rust raise panics that are no Exception
        LOGGER.debug("%s", path, exc_info=True)
        raise UnexpectedError(
            f"{path} could not be worked on: {said_of(error)}. This was not foreseen; please report it. If the file "
            "opens elsewhere, save it anew there."
        ) from error


def contained(function: _Function) -> _Function:
    """Make a function that works on one file, its first argument, raise nothing but `FarnetError`; see `per_file`."""

    @functools.wraps(function)
    def call(path: str | Path, *args: Any, **options: Any) -> Any:
        with per_file(path):
            return function(path, *args, **options)

    return cast("_Function", call)


def unknown_name(kind: str, value: object, allowed: Iterable[str]) -> UnknownNameError:
    """Make the error for a name that is not known.

    Args:
        kind: What the name names, singular and lower case: "model", "landmark", "device".
        value: The name as it was given.
        allowed: The names that are known, in the order in which they should be listed.

    Returns:
        An error, to be raised by the caller, that lists the known names and suggests the nearest one.
    """
    names = list(allowed)
    by_folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(str(value).casefold(), by_folded, n=1, cutoff=0.6)
    suggestion = f" Did you mean {by_folded[near[0]]!r}?" if near else ""
    known = ", ".join(names) if names else "none"
    return UnknownNameError(f"Unknown {kind} {value!r}.{suggestion} Known: {known}.")


def missing_extra(package: str, extra: str, purpose: str) -> MissingExtraError:
    """Make the error for an optional package that is not installed.

    Args:
        package: The package that could not be imported, e.g. "SimpleITK".
        extra: The extra of napari-farnet that installs it, e.g. "itk".
        purpose: What it is needed for, as it reads after "is needed for", e.g. "reading .mha files".

    Returns:
        An error, to be raised by the caller, that gives the command that installs the extra.
    """
    return MissingExtraError(
        f"The package {package} is needed for {purpose} and is not installed. "
        f"Install it with: pip install 'napari-farnet[{extra}]'",
        name=package,
    )
