"""What can go wrong, said so that the reader can mend it.

Every error that this project raises on purpose is a `FarnetError`, so that a program can catch them together.
Each also inherits the built-in exception that a Python programmer would expect (`ValueError`, `ImportError`,
...). A message names the value, says what is allowed, and how to mend it; it is written to be shown to the
user as it is.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    "UnknownNameError",
    "missing_extra",
    "unknown_name",
]


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
