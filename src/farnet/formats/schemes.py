"""Which scheme is meant by a name in a file: the one place that knows where schemes are.

In this order: those that come with the package; a scheme beside the file or in the folders above it (``scheme.json``,
another scheme file, or a model file, which holds its scheme); those of the installed models.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from farnet.errors import FarnetError, SchemeError
from farnet.scheme import SCHEME_FILE, LandmarkScheme, bundled_schemes, load_scheme

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["find_scheme", "own_schemes"]

_FOLDERS_ABOVE = 2  # a table may lie in the folder "corrections" of a folder with a scheme, or in one of a run
_MARK = b'"farnet-scheme"'
_HEAD_BYTES = 512


def find_scheme(name: str, *, beside: Path | None = None) -> LandmarkScheme:
    """The scheme of a name.

    Args:
        name: As it stands in a file; capital letters do not count for the bundled ones.
        beside: The file that names it, or its folder; None looks at the bundled schemes and installed models alone.

    Raises:
        SchemeError: There is none of this name.
    """
    bundled = name.strip().casefold()
    if bundled in bundled_schemes():
        return load_scheme(bundled)
    for scheme in _others(beside):
        if scheme.name == name:
            return scheme
    known = ", ".join(bundled_schemes())
    where = "" if beside is None else f", is not beside {beside} or in the folders above it ({SCHEME_FILE})"
    raise SchemeError(
        f"Unknown landmark scheme {name!r}: it is not bundled ({known}){where}, and no installed model has it "
        f"('farnet models' lists them). Put the scheme beside the file as {SCHEME_FILE}, or give the scheme itself "
        "when reading, for example load_scheme('scheme.json')."
    )


def own_schemes(beside: Path | None = None) -> list[LandmarkScheme]:
    """All that are not bundled and that `find_scheme` finds, the nearest first; of a name the nearest one."""
    found: dict[str, LandmarkScheme] = {}
    for scheme in _others(beside):
        if scheme.name not in bundled_schemes():
            found.setdefault(scheme.name, scheme)
    return list(found.values())


def _others(beside: Path | None) -> Iterator[LandmarkScheme]:
    if beside is not None:
        folder = Path(beside).absolute()
        folder = folder if folder.is_dir() else folder.parent
        for place in (folder, *folder.parents[:_FOLDERS_ABOVE]):
            yield from _in_folder(place, *_times(place))
    from farnet.zoo import user_folder

    yield from _installed(user_folder(), *_times(user_folder()))


def _times(folder: Path) -> tuple[int, int]:
    """What changes when a scheme is put there or changed; 0 where there is nothing."""
    times = []
    for path in (folder, folder / SCHEME_FILE):
        try:
            times.append(path.stat().st_mtime_ns)
        except OSError:
            times.append(0)
    return times[0], times[1]


@lru_cache(maxsize=64)
def _in_folder(folder: Path, *_times: int) -> tuple[LandmarkScheme, ...]:
    """The schemes that lie in a folder, ``scheme.json`` first; what cannot be read is none."""
    from farnet.modelfile import read_metadata

    found = []
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".json", ".safetensors"))
    except OSError:
        return ()
    for path in sorted(files, key=lambda path: (path.name != SCHEME_FILE, path.suffix.lower() != ".json")):
        try:
            if path.suffix.lower() == ".safetensors":
                found.append(read_metadata(path).landmark_scheme)
            elif path.name == SCHEME_FILE or _is_scheme(path):
                found.append(load_scheme(path))
        except FarnetError:
            if path.name == SCHEME_FILE:
                raise
    return tuple(found)


def _is_scheme(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _MARK in file.read(_HEAD_BYTES)
    except OSError:
        return False


@lru_cache(maxsize=8)
def _installed(folder: Path, *_times: int) -> tuple[LandmarkScheme, ...]:
    from farnet.zoo import list_models

    return tuple(entry.metadata.landmark_scheme for entry in list_models())
