"""The landmarks of many radiographs in one file, of which those of a radiograph are read when they are asked for.

A table of 6,000 radiographs takes seconds to read and is opened to look at one of them. Of a farnet-csv file as this
program writes it only the first cells are looked at on opening, which tell whose landmarks stand where; any other file
is read as a whole.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from farnet.errors import AnnotationError
from farnet.formats import read_annotations
from farnet.formats.csv import COLUMNS, read_table
from farnet.formats.registry import ReadOptions
from farnet.identity import radiograph_key
from farnet.readers import stem_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from farnet.identity import RadiographId, Sameness
    from farnet.landmarks import Landmarks
    from farnet.scheme import LandmarkScheme

__all__ = ["Predictions", "likeliest"]

_HEADER = ",".join(COLUMNS).encode()
_BLOCK = re.compile(  # consecutive rows whose first cells are the same, to the last byte
    rb'(farnet-csv 1,([^,"\r\n]+),("(?:[^"\r\n]|"")*"|[^,"\r\n]*),([0-9a-f]*),).*\n(?:\1.*\n)*'
)


class Predictions:
    """The landmarks of a file, by radiograph.

    Attributes:
        source: The file.
        scheme: Theirs; all are of one.
    """

    def __init__(
        self,
        source: Path,
        scheme: LandmarkScheme,
        radiographs: Sequence[tuple[str, str]],
        read: Callable[[int], Landmarks],
    ) -> None:
        """Of the names and SHA-256 (may be empty) of the radiographs, and what reads the landmarks of each of them."""
        self.source, self.scheme, self._read = source, scheme, read
        self._by_name: dict[str, list[int]] = {}
        self._by_file: dict[str, list[int]] = {}
        seen = set()
        for number, (name, sha256) in enumerate(radiographs):
            if (name, sha256) in seen:
                raise _two_sets(source, name)
            seen.add((name, sha256))
            self._by_name.setdefault(_key(name), []).append(number)
            self._by_file.setdefault(sha256, []).append(number)

    @classmethod
    def open(cls, source: Path, scheme: LandmarkScheme | None = None) -> Predictions:
        """List what is in a file of landmarks of any format.

        Args:
            source: The file, or a folder of files.
            scheme: The scheme that the landmarks must have; needed only for one that is not known here.

        Raises:
            AnnotationError: If it cannot be read, is of several schemes, or has two sets of landmarks of a radiograph.
                Of a table of the project's own, a row that is malformed is noticed when its radiograph is looked at.
            SchemeError: If they are of another scheme than the one asked for.
        """
        if (table := _Table.open(source)) is not None:
            if len(table.schemes) > 1:
                raise _mixed(source, table.schemes)
            theirs = table.read(0, scheme)[0].scheme
            if table.lines <= len(table.blocks) * len(theirs):
                return cls(source, theirs, table.radiographs(), partial(table.one, scheme=theirs))
        items = read_annotations(source, scheme=scheme)
        schemes = {item.scheme.name: item.scheme for item in items}
        if len(schemes) > 1:
            raise _mixed(source, schemes)
        radiographs = [(item.radiograph, item.image_sha256 or "") for item in items]
        return cls(source, next(iter(schemes.values())), radiographs, items.__getitem__)

    def of(self, path: Path, sha256: str | None = None) -> list[Landmarks]:
        """All that may be of a radiograph: what records this very file, and what has its name.

        Names that are alike but for folder, ending and capitals are all given; whether they are of the radiograph is
        for `farnet.identity` to tell.

        Raises:
            AnnotationError: If what is there of it is malformed.
        """
        of_file = self._by_file.get(sha256, ()) if sha256 else ()
        return [self._read(number) for number in dict.fromkeys([*of_file, *self._by_name.get(_key(path.name), ())])]


@dataclass(frozen=True)
class _Table:
    """A farnet-csv file whose rows have not been read.

    Attributes:
        path: The file.
        data: What is in it.
        blocks: Rows that follow each other and are of one radiograph.
        lines: How many rows there are.
    """

    path: Path
    data: bytes
    blocks: list[re.Match[bytes]]
    lines: int

    @classmethod
    def open(cls, path: Path) -> _Table | None:
        """None where it is no file of the project's own, or its rows are not as this program writes them."""
        try:
            with path.open("rb") as file:
                header = file.readline()
                data = file.read() if header.rstrip(b"\r\n") == _HEADER else b""
            data.decode("utf-8")
        except (OSError, UnicodeDecodeError):
            return None  # reading it in the ordinary way says why
        blocks = list(_BLOCK.finditer(data))
        # A cell with a line end, an empty line or one that another program wrote is no part of any block.
        whole = sum(block.end() - block.start() for block in blocks) == len(data) > 0
        apart = len({block.group(3, 4) for block in blocks}) == len(blocks)  # else the rows were sorted otherwise
        return cls(path, data, blocks, data.count(b"\n")) if whole and apart else None

    @property
    def schemes(self) -> list[str]:
        return [name.decode() for name in dict.fromkeys(block[2] for block in self.blocks)]

    def radiographs(self) -> list[tuple[str, str]]:
        found = []
        for block in self.blocks:
            name, sha256 = block[3].decode(), block[4].decode()
            found.append((next(csv.reader([name]))[0] if name.startswith('"') else name, sha256))
        return found

    def one(self, number: int, scheme: LandmarkScheme) -> Landmarks:
        found = self.read(number, scheme)
        if len(found) > 1:  # of several sources
            raise _two_sets(self.path, found[0].radiograph)
        return found[0]

    def read(self, number: int, scheme: LandmarkScheme | None) -> list[Landmarks]:
        block = self.blocks[number]
        before = self.data.count(b"\n", 0, block.start())
        text = b"\n".join((_HEADER, block[0])).decode("utf-8")
        return read_table(text, self.path, ReadOptions(scheme=scheme), skipped=before)


def likeliest(
    candidates: Sequence[Landmarks], known: RadiographId, path: Path, source: Path
) -> tuple[Landmarks | None, Sameness]:
    """Of landmarks that may be of a radiograph, those that surely are, else those of the nearest name.

    Args:
        candidates: The landmarks; none gives None.
        known: Which radiograph it is.
        path: Its file.
        source: File of the landmarks, for messages.

    Returns:
        The landmarks, and whether they are of the radiograph (`farnet.identity`), where names make no difference.

    Raises:
        AnnotationError: If several are as likely.
    """
    if not candidates:
        return None, "unproved"
    judged = [(known.compare(replace(one.identity, name=known.name)), one) for one in candidates]
    grades: tuple[Sameness, ...] = ("same", "unproved", "other")
    sameness = next(grade for grade in grades if any(grade == its for its, _ in judged))
    likely = [(_farness(one.radiograph, path), one) for its, one in judged if its == sameness]
    nearest = min(farness for farness, _ in likely)
    chosen, *more = [one for farness, one in likely if farness == nearest]
    if more:
        raise AnnotationError(
            f"{source} holds {len(more) + 1} sets of landmarks that may be those of {path}: "
            f"{chosen.radiograph!r}, {more[0].radiograph!r}. Choose a file with one for each."
        )
    return chosen, sameness


def _farness(name: str, path: Path) -> int:
    """How little a name in a table is like a file's: 0 for its path or name, 1 without ending, 2 in another folder."""
    parts, own = Path(name.replace("\\", "/")).parts, path.absolute().parts
    for farness, last in enumerate((path.name, stem_of(path))):
        if parts == (*own[:-1], last)[-len(parts) :]:
            return farness
    return 2


def _key(name: str) -> str:
    return radiograph_key(name.removeprefix("'"))  # it may stand before a name that looks like a formula


def _two_sets(source: Path, name: str) -> AnnotationError:
    return AnnotationError(
        f"{source} holds two sets of landmarks of the radiograph {name!r}. Choose a file with one for each."
    )


def _mixed(source: Path, schemes: Iterable[str]) -> AnnotationError:
    return AnnotationError(f"{source} mixes the schemes {', '.join(schemes)}. Choose a file of one scheme.")
