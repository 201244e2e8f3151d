"""What a run over many radiographs has found so far, on disk before the next radiograph begins.

The journal is a hidden file beside the table that is to be written: a line of JSON about the run, then one for each
radiograph. A line is added, never changed, so that a thousand radiographs cost a thousand lines; a run that is killed
loses at most the radiograph that it was at. When the table has been written, the journal is removed.

Of a run that replaces tables, the journal is there from the beginning and says so: until it is removed, the old tables
are still there and count for nothing.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.atomic import write_bytes_atomic
from farnet.errors import AnnotationError, OutputError
from farnet.formats.companion import companion, restored, written_points

if TYPE_CHECKING:
    from pathlib import Path

    from farnet.landmarks import Landmarks
    from farnet.scheme import LandmarkScheme

__all__ = ["Journal"]

_FORMAT = "farnet-journal 1"


class Journal:
    """The journal of one table.

    Args:
        output: The table.

    Attributes:
        path: The journal's file; it is there while landmarks are in it that may not be in the table.
    """

    def __init__(self, output: Path) -> None:
        self.path = output.with_name(f".{output.name}.journal")
        self._begun = False

    def exists(self) -> bool:
        """Whether a run was cut off before it had written its table."""
        return self.path.is_file()

    def replaces(self) -> bool:
        """Whether the run that was cut off was to replace the tables that are there.

        Raises:
            AnnotationError: If the journal cannot be read, or is damaged at its beginning.
        """
        lines = self._lines()
        return bool(lines) and self._parsed(lines[0], 1).get("replaces") is True

    def begin(self, about: dict[str, Any], *, keep: bool, replaces: bool = False) -> None:
        """Say what is written from now on; the file is made with the first landmarks, or now if it `replaces`.

        Args:
            about: What the run is, in JSON types.
            keep: Go on with the journal that is there, instead of beginning a new one.
            replaces: The tables that are there do not count any more.

        Raises:
            OutputError: If the old one cannot be replaced, or be mended where its last line was cut off.
        """
        self._about, self._begun = about, False
        try:
            if keep and self.exists():
                _cut_off_torn_line(self.path)
                self._begun = self.path.stat().st_size > 0
            elif replaces:
                write_bytes_atomic(self.path, _line({"format": _FORMAT, "replaces": True, **about}))
                self._begun = True
            else:
                self.path.unlink(missing_ok=True)
        except OutputError:
            raise
        except OSError as error:
            raise self._unwritable(error) from error

    def add(self, landmarks: Landmarks) -> None:
        """Write the landmarks of one radiograph, through to the disk.

        Raises:
            OutputError: If that is not possible; `begin` mends what was written of them.
        """
        lines = [] if self._begun else [{"format": _FORMAT, **self._about}]
        lines.append(companion(landmarks) | {"points": written_points(landmarks)})
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.write(b"".join(map(_line, lines)))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._unwritable(error) from error
        self._begun = True

    def read(self, scheme: LandmarkScheme | None = None) -> list[Landmarks]:
        """The landmarks in it, in the order in which they were found; a last line that was cut off is left out.

        Args:
            scheme: Theirs; needed only for a scheme that is not bundled.

        Raises:
            AnnotationError: If it cannot be read, or is damaged otherwise.
            SchemeError: If it is of another scheme.
        """
        found = [self._parsed(line, number) for number, line in enumerate(self._lines(), 1)]
        if found and found[0].get("format") != _FORMAT:
            raise AnnotationError(
                f"{self.path} begins with {found[0].get('format')!r}, and {_FORMAT!r} is what can be read. Move it "
                "away to begin anew."
            )
        return [self._landmarks(own, scheme, number) for number, own in enumerate(found[1:], 2)]

    def remove(self) -> None:
        """Its landmarks are in the table now."""
        self._begun = False
        with suppress(OSError):  # a journal that stays costs nothing: what is in it is in the table, too
            self.path.unlink(missing_ok=True)

    def _lines(self) -> list[bytes]:
        """Its whole lines; a last one that was cut off is left out."""
        if not self.exists():
            return []
        try:
            whole, _, _torn = self.path.read_bytes().rpartition(b"\n")
        except OSError as error:
            raise AnnotationError(f"{self.path} cannot be read: {error.strerror or error}.") from error
        return whole.split(b"\n") if whole else []

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            own = json.loads(line.decode("utf-8", "surrogateescape"))
        except (ValueError, RecursionError) as error:
            raise self._damaged(number, error) from error
        if not isinstance(own, dict):
            raise self._damaged(number, "no object")
        return own

    def _landmarks(self, own: dict[str, Any], scheme: LandmarkScheme | None, number: int) -> Landmarks:
        try:
            points = np.array([[np.nan, np.nan] if p is None else p for p in own["points"]], np.float64)
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            raise self._damaged(number, error) from error
        return restored(points, own, scheme, f"{self.path}, line {number}")

    def _damaged(self, number: int, why: object) -> AnnotationError:
        return AnnotationError(f"{self.path}, line {number}, is damaged ({why}). Move the file away to begin anew.")

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(
            f"{self.path} could not be written: {error.strerror or error}. What was found before is kept, and --resume "
            "goes on with it. Make room there first, or give the folder the right to be written to."
        )


def _line(values: dict[str, Any]) -> bytes:
    return json.dumps(values).encode("ascii") + b"\n"


def _cut_off_torn_line(path: Path) -> None:
    with path.open("rb+") as file:
        whole, end, _ = file.read().rpartition(b"\n")
        file.truncate(len(whole) + len(end))
