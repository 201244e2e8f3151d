"""Which of many files is the radiograph that landmarks are of.

path = RadiographFinder(["scans"]).find(landmarks)
"""

from __future__ import annotations

import hashlib
from collections import deque
from typing import TYPE_CHECKING

from farnet.errors import FarnetError, InvalidInputError
from farnet.identity import radiograph_key
from farnet.radiograph import find_radiographs, read_radiograph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from farnet.landmarks import Landmarks

__all__ = ["RadiographFinder"]


class RadiographFinder:
    """Finds radiographs by the rule of `farnet.identity`; a file is read at most once, and none that need not be.

    Equal files are looked for among all, equal pixels among those of the same name, and among all only where the file
    of the landmarks is not recorded: decoding takes long.

    Args:
        paths: Files, and folders, whose folders are looked into too.
    """

    def __init__(self, paths: Iterable[str | Path]) -> None:
        self.files = find_radiographs(paths, recursive=True)
        self._by_file = _Contents(self.files, _file_sha256)
        self._by_pixels = _Contents(self.files, _pixels_sha256)

    def find(self, landmarks: Landmarks) -> Path:
        """The radiograph that landmarks are of.

        Raises:
            InvalidInputError: If it is not there; the message says whether a file of its name is, with other content.
        """
        wanted = landmarks.identity
        if not wanted.proved:
            raise InvalidInputError("it is not recorded which file, or which pixels, the landmarks are of")
        recorded = landmarks.provenance.get("image")
        names = [landmarks.radiograph, *([recorded] if isinstance(recorded, str) else [])]
        keys = list(dict.fromkeys(map(radiograph_key, names)))
        searches = (
            (self._by_file, wanted.file_sha256, True),
            (self._by_pixels, wanted.pixels_sha256, not wanted.file_sha256),
        )
        for contents, sha256, everywhere in searches:
            found = contents.find(sha256, keys, everywhere=everywhere) if sha256 else None
            if found is not None:
                return found
        named = self._by_file.named(keys)
        if named is not None:
            raise InvalidInputError(f"the content of {named} is not that in which the landmarks were found")
        file = wanted.file_sha256
        what = f"has the SHA-256 {file[:12]}... of its file" if file else "has its pixels"
        raise InvalidInputError(f"none of the {len(self.files)} radiographs given {what}")


class _Contents:
    """Files by a hash of what is in them, each of which is made when it is needed, and once.

    Args:
        files: The files.
        sha256: Gives the hash of one; empty where there is none.
    """

    def __init__(self, files: Sequence[Path], sha256: Callable[[Path], str]) -> None:
        self._sha256 = sha256
        self._rest = deque(files)
        self._named: dict[str, list[Path]] = {}
        for file in files:
            self._named.setdefault(radiograph_key(file.name), []).append(file)
        self._rest_of_name = {key: deque(those) for key, those in self._named.items()}
        self._done: set[Path] = set()
        self._first: dict[str, Path] = {}
        self._first_of_name: dict[tuple[str, str], Path] = {}

    def named(self, keys: Iterable[str]) -> Path | None:
        """A file of one of these names."""
        return next((self._named[key][0] for key in keys if key in self._named), None)

    def find(self, sha256: str, keys: Sequence[str], *, everywhere: bool) -> Path | None:
        """The file with this hash, if possible of one of these names; of another name only where `everywhere`."""
        for key in keys:
            while (sha256, key) not in self._first_of_name and self._look(self._rest_of_name.get(key)):
                pass
            if (sha256, key) in self._first_of_name:
                return self._first_of_name[sha256, key]
        while everywhere and sha256 not in self._first and self._look(self._rest):
            pass
        return self._first.get(sha256) if everywhere else None

    def _look(self, rest: deque[Path] | None) -> bool:
        """Look into the next file; False where there is none."""
        if not rest:
            return False
        file = rest.popleft()
        if file not in self._done:
            self._done.add(file)
            found = self._sha256(file)
            self._first.setdefault(found, file)
            self._first_of_name.setdefault((found, radiograph_key(file.name)), file)
        return True


def _file_sha256(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""  # gone, or not to be read: it is none of those looked for


def _pixels_sha256(file: Path) -> str:
    try:
        return read_radiograph(file, checksum=False).pixels_sha256()
    except FarnetError:
        return ""  # no radiograph: it is none of those looked for
