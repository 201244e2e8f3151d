"""What a training tells while it runs: one JSON object a line, which a file, a pipe or another process can follow.

Every event has ``event`` (its kind) and ``time`` (seconds since 1970). Lengths are in ``unit`` ("mm", or "px" of the
radiograph where a spacing is unknown); what is not known is null. The kinds, and what they have besides:

started
    ``run`` folder, ``name`` of the model, ``pid``, ``device``, ``epochs``, ``steps`` in an epoch, ``first_epoch`` (1,
    or where a resumed run goes on), ``training`` and ``validation`` (numbers of radiographs), ``landmarks``, ``unit``.
preparing
    ``done`` of ``total`` radiographs read.
step
    ``epoch`` (1-based), ``step`` of ``steps``, ``loss``, ``seconds_left``. Not every step: about two a second.
epoch
    ``epoch``, ``train_loss``, ``validation_loss``, ``mre`` (validation, in ``unit``), ``mre_px``, ``missed`` landmarks,
    ``learning_rate``, ``best`` (lowest MRE so far), ``seconds`` it took, ``seconds_left``.
sample
    What the network finds on some radiographs held out: ``epoch``, ``radiographs`` (names), ``points`` and
    ``references`` (N, K, 2) in pixels of the radiographs, row and column, null where absent, ``file`` (see `Preview`).
paused, resumed
    Nothing.
finishing
    Nothing: the last steps are done, the model is being made and measured.
stopped
    Asked to stop: ``model`` (the file, null where no epoch was finished), ``weights`` (which were kept).
finished
    ``model``, ``installed`` (the copy in the user's folder of models, or null), ``weights``, ``evaluation``.
failed
    ``kind`` (see `farnet.training.failures`), ``message``, ``resumable``.
"""

from __future__ import annotations

import io
import json
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from farnet.atomic import write_bytes_atomic
from farnet.errors import InvalidInputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["END_EVENTS", "Event", "EventReader", "EventWriter", "Preview", "read_preview", "write_preview"]

Event = dict[str, Any]
"""An event as it stands in its line."""

END_EVENTS = frozenset({"stopped", "finished", "failed"})
"""Kinds after which nothing comes."""

_RESERVE_BYTES = 64 * 1024


class EventWriter:
    """Writes events as they come, each at once.

    A file has a neighbour of some kilobytes, which is given up when the disk is full, so that this can still be told.

    Args:
        target: A file, or an open stream, which stays open; None writes nothing.
        append: Go on in a file that is there; otherwise it begins anew.
    """

    def __init__(self, target: str | Path | TextIO | None, *, append: bool = False) -> None:
        self._path = Path(target) if isinstance(target, str | Path) else None
        self._stream: TextIO | None = None if isinstance(target, str | Path) else target
        self._append = append
        self._reserve: Path | None = None

    def emit(self, event: str, **values: Any) -> None:
        """Write one event.

        Raises:
            OutputError: The file cannot be written.
        """
        if self._stream is None and self._path is None:
            return
        line = json.dumps({"event": event, "time": round(time.time(), 3), **_plain(values)}, allow_nan=False) + "\n"
        try:
            if event in END_EVENTS:
                self._give_up_reserve()
            self._write(line)
        except BrokenPipeError:
            self._stream = None  # nobody reads any more; what the events tell stands in the run folder too
        except OSError as error:
            raise OutputError(f"cannot write the events to {self._path}: {error.strerror or error}") from error

    def close(self) -> None:
        """Write no more."""
        if self._stream is not None and self._path is not None:
            self._stream.close()
        self._stream = None
        self._give_up_reserve()

    def _write(self, line: str) -> None:
        if self._stream is None:
            assert self._path is not None
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self._path.open("a" if self._append else "w", encoding="utf-8", newline="\n")
            self._reserve = self._path.with_name(f".{self._path.name}.reserve")
            self._reserve.write_bytes(b"\0" * _RESERVE_BYTES)
        self._stream.write(line)
        self._stream.flush()

    def _give_up_reserve(self) -> None:
        if self._reserve is not None:
            self._reserve.unlink(missing_ok=True)
            self._reserve = None


class EventReader:
    """Reads the events of a file as they come, without waiting.

    Args:
        path: The file; it may not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._place = 0

    def read(self) -> list[Event]:
        """The events since the last time. A line that is not whole yet waits for the next time.

        Raises:
            InvalidInputError: A line is no event.
        """
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self._place:
                    self._place = 0  # begun anew
                file.seek(self._place)
                text = file.read()
        except FileNotFoundError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self._place += len(whole)
        return [_parsed(line, self.path) for line in whole.splitlines() if line.strip()]


@dataclass(frozen=True, eq=False)
class Preview:
    """What the network finds on some radiographs that were held out, as it sees them.

    Attributes:
        epoch: After which epoch, 1-based.
        names: The N radiographs.
        images: (N, h, w) uint8, the radiographs in the frame of the network.
        points: (N, K, 2) float64, what was found, in pixels of `images` (row, column); NaN is nothing.
        references: (N, K, 2) float64, what is true.
        units: (N, 2) mm (or pixels of the radiograph, see `in_mm`) per pixel of `images` along (row, column).
        in_mm: (N,) bool, whether the spacing of the radiograph is known.
        heatmaps: (N, h', w') float16, the maximum over all landmarks at a lower resolution; None without.
        landmarks: Names of the K landmarks.
    """

    epoch: int
    names: tuple[str, ...]
    images: NDArray[np.uint8]
    points: NDArray[np.float64]
    references: NDArray[np.float64]
    units: NDArray[np.float64]
    in_mm: NDArray[np.bool_]
    heatmaps: NDArray[np.float16] | None
    landmarks: tuple[str, ...]

    @property
    def errors(self) -> NDArray[np.float64]:
        """(N, K) radial errors in mm (pixels of the radiograph where `in_mm` is False); NaN where a point is absent."""
        return np.asarray(np.linalg.norm((self.points - self.references) * self.units[:, None, :], axis=-1))


def write_preview(path: Path, preview: Preview) -> None:
    """Write a preview as one .npz, all or nothing.

    Raises:
        OutputError: It cannot be written.
    """
    arrays = {
        "epoch": np.array(preview.epoch),
        "names": np.array(preview.names, dtype=np.str_),
        "landmarks": np.array(preview.landmarks, dtype=np.str_),
        "images": preview.images,
        "points": preview.points,
        "references": preview.references,
        "units": preview.units,
        "in_mm": preview.in_mm,
    }
    if preview.heatmaps is not None:
        arrays["heatmaps"] = preview.heatmaps
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    write_bytes_atomic(path, content.getvalue())


def read_preview(path: Path) -> Preview:
    """Read what `write_preview` wrote; nothing in it is unpickled.

    Raises:
        InvalidInputError: The file is missing or damaged.
    """
    import zipfile

    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return Preview(
                epoch=int(file["epoch"]),
                names=tuple(map(str, file["names"])),
                images=file["images"],
                points=file["points"],
                references=file["references"],
                units=file["units"],
                in_mm=file["in_mm"],
                heatmaps=file["heatmaps"] if "heatmaps" in file.files else None,
                landmarks=tuple(map(str, file["landmarks"])),
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidInputError(f"cannot read the preview {path}: {error}") from error


def _parsed(line: bytes, path: Path) -> Event:
    try:
        event = json.loads(line)
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            return event
    except ValueError:
        pass
    raise InvalidInputError(f"{path} holds a line that is no event of a training: {line[:80]!r}")


def _plain(value: Any) -> Any:
    """The value in JSON types; what is not finite is null, numbers have seven digits."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return _plain_list(value)
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(f"{float(value):.7g}") if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value


def _plain_list(values: Sequence[Any]) -> list[Any]:
    return [_plain(item) for item in values]
