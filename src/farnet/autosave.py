"""Copies of unsaved work, kept until it is saved, so that a crash loses nothing.

A copy is an ordinary file of landmarks in the user's data folder. Its name is made of a key that finds it again when
the same radiograph is opened.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from farnet.errors import AnnotationError, FarnetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from farnet.landmarks import Landmarks

__all__ = ["Autosave", "autosave_folder", "key_of"]


def autosave_folder() -> Path:
    """The folder of this user's copies."""
    from platformdirs import user_data_path

    return user_data_path("farnet", appauthor=False) / "autosave"


def key_of(landmarks: Sequence[Landmarks]) -> str:
    """What tells the work on these radiographs from any other: their pixels where they are known, and the scheme."""
    parts = [landmarks[0].scheme.name]
    parts += [item.image_sha256 or f"{item.radiograph} {item.image_shape}" for item in landmarks]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Autosave:
    """The copies in a folder.

    Attributes:
        folder: It is made when the first copy is.
    """

    folder: Path

    def store(self, key: str, landmarks: Sequence[Landmarks]) -> Path:
        """Write a copy over the last one of the same key, all or nothing.

        Raises:
            OutputError: If it cannot be written.
        """
        from farnet.formats import write_annotations

        file = self._file(key)
        write_annotations(file, list(landmarks), format="farnet-csv")
        return file

    def when(self, key: str) -> datetime | None:
        """When the copy was written, UTC; None where there is none."""
        try:
            return datetime.fromtimestamp(self._file(key).stat().st_mtime, UTC)
        except OSError:
            return None

    def read(self, key: str, landmarks: Landmarks) -> list[Landmarks]:
        """Read a copy.

        Args:
            key: As `key_of` made it.
            landmarks: Any of the scheme.

        Raises:
            AnnotationError: If it is damaged. The file is then put aside under another name, so that it is neither
                offered again nor lost; the message says where.
        """
        from farnet.formats import read_annotations

        file = self._file(key)
        try:
            return read_annotations(file, scheme=landmarks.scheme)
        except FarnetError as error:
            aside = file.with_suffix(".damaged")
            with suppress(OSError):  # then it stays where it is, and is refused again
                file.replace(aside)
            raise AnnotationError(
                f"The autosaved copy of these landmarks is damaged ({error}) and was put aside as {aside}. What is in "
                "the viewer is not touched."
            ) from error

    def discard(self, key: str) -> None:
        """Remove a copy, because the work was saved or is not wanted any more."""
        with suppress(FileNotFoundError):
            self._file(key).unlink()

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.csv"
