"""Copies of unsaved work, kept until it is saved, so that a crash loses nothing.

    store, work = Autosave(autosave_folder()), Work.of(landmarks, identities)
    store.store(work, landmarks)
    if (copy := store.find(work)) is not None:
        landmarks = store.read(copy, scheme)

A copy is an ordinary file of landmarks in the user's data folder. Its name is made of the hashes of its radiographs'
files and of their pixels, each alone, so that it is found where either is known, without a look into any other copy.
A name and a size find nothing: patients share them. They are patients' data, so they do not stay for ever:
`Autosave.sweep` removes those that nobody came back for.
"""

from __future__ import annotations

import csv
import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from farnet.errors import AnnotationError, FarnetError, OutputError, SchemeError
from farnet.identity import RadiographId
from farnet.notices import tell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from farnet.landmarks import Landmarks
    from farnet.scheme import LandmarkScheme

__all__ = ["KEPT_DAYS", "Autosave", "Copy", "Work", "autosave_folder"]

KEPT_DAYS = 30
"""For how long a copy is kept that nobody comes back for."""

_UNKNOWN = "unknown"
_DAMAGED = ".damaged"
_LEFT_HOURS = 1  # after which a half-written file is of a process that was killed
_HEAD = ("format", "scheme", "radiograph", "image_sha256", "image_rows", "image_columns")


def autosave_folder() -> Path:
    """The folder of this user's copies."""
    from platformdirs import user_data_path

    return user_data_path("farnet", appauthor=False) / "autosave"


@dataclass(frozen=True)
class Work:
    """What is worked on: the landmarks of some radiographs. One value is for as long as the work goes on.

    Attributes:
        scheme: Name of the scheme.
        radiographs: Which they are, in their order.
        token: Tells this work from all others where no hash does.
    """

    scheme: str
    radiographs: tuple[RadiographId, ...]
    token: str = field(default_factory=lambda: secrets.token_hex(16), compare=False)

    @classmethod
    def of(cls, landmarks: Sequence[Landmarks], radiographs: Sequence[RadiographId] = ()) -> Work:
        """The work on some landmarks.

        Args:
            landmarks: At least one, all of one scheme.
            radiographs: Which radiographs they are of, by `RadiographId.of`; without, as far as the landmarks tell.
        """
        known = tuple(radiographs) or tuple(item.identity for item in landmarks)
        if len(known) != len(landmarks):
            raise ValueError(f"{len(landmarks)} landmarks and {len(known)} radiographs; give one for each")
        return cls(landmarks[0].scheme.name, known)

    @property
    def proved(self) -> bool:
        """Whether the radiographs can be told from all others: all of their files, or all of their pixels, are known.

        The copy of other work is never found by `Autosave.find`, but it is kept.
        """
        return any(key != _UNKNOWN for key in self._keys)

    @property
    def _keys(self) -> tuple[str, str]:
        return (
            _key([item.file_sha256 for item in self.radiographs]),
            _key([item.pixels_sha256 for item in self.radiographs]),
        )

    @property
    def file_name(self) -> str:
        """Of its copy."""
        files, pixels = self._keys
        return "-".join((_short(self.scheme), files, pixels if self.proved else self.token)) + ".csv"

    def is_of(self, file: Path) -> bool:
        """Whether a copy is of this work, by its name alone."""
        parts = file.stem.split("-")
        if not self.proved:
            return file.name == self.file_name
        if len(parts) != 3 or parts[0] != _short(self.scheme):
            return False
        return any(mine == its != _UNKNOWN for mine, its in zip(self._keys, parts[1:], strict=True))


@dataclass(frozen=True)
class Copy:
    """A copy of unsaved landmarks.

    Attributes:
        path: Its file.
        when: When it was written, UTC.
        size: Bytes.
        damaged: It could not be read and was put aside.
    """

    path: Path
    when: datetime
    size: int
    damaged: bool = False

    @property
    def radiographs(self) -> tuple[RadiographId, ...]:
        """Which radiographs it is of, as its first columns say; none where it is damaged."""
        found: dict[tuple[str, ...], RadiographId] = {}
        try:
            with self.path.open(encoding="utf-8", newline="") as file:
                for line in file:
                    # The end of a line may hold a log of any length.
                    cells = next(csv.reader([line[:2000]]), [])[: len(_HEAD)]
                    if len(cells) == len(_HEAD) and cells[0].startswith("farnet-csv"):
                        _, _, name, sha256, *shape = cells
                        whole = all(cell.isdecimal() for cell in shape)
                        known = (int(shape[0]), int(shape[1])) if whole else None
                        found.setdefault(tuple(cells), RadiographId(name, sha256 or None, None, known))
        except (OSError, ValueError, csv.Error):
            return ()
        return tuple(found.values())

    @property
    def title(self) -> str:
        """Names of its radiographs for people: ``lateral``, ``lateral and 3 more``."""
        names = [item.name or "unnamed" for item in self.radiographs]
        if not names:
            return "damaged" if self.damaged else "unknown"
        return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


@dataclass(frozen=True)
class Autosave:
    """The copies in a folder.

    Attributes:
        folder: It is made when the first copy is.
    """

    folder: Path

    def store(self, work: Work, landmarks: Sequence[Landmarks]) -> Path:
        """Write a copy in the place of the last one of the same work, all or nothing.

        Raises:
            OutputError: If it cannot be written; the last one is still there then.
        """
        from farnet.formats import write_annotations

        file = self.folder / work.file_name
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # nobody else's business
        except OSError as error:
            raise OutputError(
                f"The folder of autosaved copies, {self.folder}, cannot be made: {error.strerror or error}."
            ) from error
        write_annotations(file, list(landmarks), format="farnet-csv")
        for other in self._of(work):
            if other != file:  # written when less was known of the radiographs
                other.unlink(missing_ok=True)
        return file

    def find(self, work: Work) -> Copy | None:
        """The copy of the same radiographs and scheme, proved by their hashes; the newest, None where there is none."""
        return max(map(_described, self._of(work)), key=lambda copy: copy.when, default=None)

    def perhaps(self, work: Work) -> list[Copy]:
        """Copies that may be of the same radiographs, as nothing but their names tells; the newest first.

        They are for a person to decide on, who sees `Copy.title` and `Copy.when`.
        """
        here = _short(work.scheme)
        return [
            copy
            for copy in self.copies()
            if copy.path.name.startswith(here)
            and not copy.damaged
            and not work.is_of(copy.path)
            and _may_be(work.radiographs, copy.radiographs)
        ]

    def read(self, copy: Copy, scheme: LandmarkScheme) -> list[Landmarks]:
        """Read a copy.

        Raises:
            AnnotationError: If it is damaged. The file is then put aside under another name, so that it is neither
                offered again nor lost; the message says where.
            SchemeError: If it is of another scheme of this name. It stays where it is.
        """
        from farnet.formats import read_annotations

        try:
            return read_annotations(copy.path, format="farnet-csv", scheme=scheme)
        except SchemeError:
            raise
        except FarnetError as error:
            aside = copy.path
            if not copy.damaged:
                aside = copy.path.with_name(f"{copy.path.stem}.{secrets.token_hex(4)}{_DAMAGED}")
            with suppress(OSError):  # then it stays where it is, and is refused again
                copy.path.replace(aside)
            raise AnnotationError(
                f"The autosaved copy of these landmarks is damaged ({error}) and was put aside as {aside}. What is in "
                "the viewer is not touched."
            ) from error

    def discard(self, work: Work) -> None:
        """Remove the copy of some work, because it was saved or is not wanted any more.

        Raises:
            OutputError: If it cannot be removed.
        """
        self.remove(map(_described, self._of(work)))

    def copies(self) -> list[Copy]:
        """All copies that there are, also damaged ones and those of older versions; the newest first."""
        files = (file for file in self._files() if not file.name.startswith(".") and file.suffix in (".csv", _DAMAGED))
        return sorted(map(_described, files), key=lambda copy: copy.when, reverse=True)

    def remove(self, copies: Iterable[Copy]) -> int:
        """Remove copies for good.

        Returns:
            How many were there.

        Raises:
            OutputError: If one cannot be removed.
        """
        removed = 0
        for copy in copies:
            try:
                copy.path.unlink()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise OutputError(
                    f"The copy {copy.path} cannot be removed: {error.strerror or error}. Remove it by hand."
                ) from error
            removed += 1
        return removed

    def sweep(self, now: datetime | None = None) -> int:
        """Remove what nobody came back for in `KEPT_DAYS`, and tell how many there were (`farnet.notices`).

        What a killed process left half-written goes too; it is no copy.

        Returns:
            How many copies were removed.

        Raises:
            OutputError: If one cannot be removed.
        """
        now = now or datetime.now(UTC)
        halves = [_described(file) for file in self._files() if file.name.startswith(".")]
        self.remove(half for half in halves if now - half.when > timedelta(hours=_LEFT_HOURS))
        removed = self.remove(copy for copy in self.copies() if now - copy.when > timedelta(days=KEPT_DAYS))
        if removed:
            what = "1 autosaved copy" if removed == 1 else f"{removed} autosaved copies"
            tell(f"{what} of landmarks that were never saved, older than {KEPT_DAYS} days, removed from {self.folder}.")
        return removed

    def _of(self, work: Work) -> list[Path]:
        return [file for file in self._files() if file.suffix == ".csv" and work.is_of(file)]

    def _files(self) -> list[Path]:
        try:
            return [file for file in self.folder.iterdir() if file.is_file()]
        except FileNotFoundError:
            return []


def _described(file: Path) -> Copy:
    try:
        facts = file.stat()
    except FileNotFoundError:  # another window has just removed it
        return Copy(file, datetime.fromtimestamp(0, UTC), 0)
    return Copy(file, datetime.fromtimestamp(facts.st_mtime, UTC), facts.st_size, file.suffix == _DAMAGED)


def _may_be(mine: Sequence[RadiographId], its: Sequence[RadiographId]) -> bool:
    return len(mine) == len(its) and all(a.compare(b) == "unproved" for a, b in zip(mine, its, strict=True))


def _key(hashes: Sequence[str | None]) -> str:
    known = [item for item in hashes if item]
    return _short("\n".join(known), 32) if len(known) == len(hashes) > 0 else _UNKNOWN


def _short(text: str, digits: int = 8) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
