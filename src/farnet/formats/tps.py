"""TPS, the text format of geometric morphometrics (tpsDig, geomorph, MorphoJ): one block of lines per radiograph.

``LM=K`` and K lines "x y" follow each other, then IMAGE, ID and SCALE. x counts columns from the left as here; y counts
from the bottom of the picture upwards, y = rows - row, which is why the height of the radiograph must be known: a file
of another program is read where the picture lies beside it. SCALE is mm per pixel. An absent landmark is "NA NA"
(geomorph); in files of other programs two negative numbers are one, too. Landmarks have no names: their order is the
scheme's.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.atomic import write_text_atomic
from farnet.errors import AnnotationError, RadiographError, SchemeError
from farnet.formats.companion import KEY, companion, exact_points, named_scheme, restored, written_points
from farnet.formats.registry import AnnotationFormat, ReadOptions, read_text
from farnet.landmarks import Landmarks
from farnet.readers.image import image_size
from farnet.scheme import LandmarkScheme, bundled_schemes, load_scheme

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["TPS"]

_MARK = f"{KEY} "  # begins a comment that is a companion


def _write(path: Path, landmarks: Sequence[Landmarks]) -> None:
    write_text_atomic(path, "".join(f"{line}\n" for item in landmarks for line in _lines(item)))


def _lines(item: Landmarks) -> Iterator[str]:
    if item.image_shape is None:
        raise AnnotationError(
            f"TPS counts rows from the bottom of the picture, and the height of radiograph {item.radiograph!r} is not "
            "known. Save as farnet-csv (.csv) instead, or give image_shape."
        )
    height = item.image_shape[0]
    yield f"LM={len(item)}"
    for (row, column), here in zip(item.points.tolist(), item.present, strict=True):
        yield f"{column!r} {height - row!r}" if here else "NA NA"
    name = re.sub(r"[\r\n]+", " ", item.radiograph)
    yield f"IMAGE={name}"
    yield f"ID={name}"
    if item.spacing is not None and item.spacing[0] == item.spacing[1]:
        yield f"SCALE={item.spacing[0]!r}"
    own = companion(item) | {"points_px": written_points(item)}
    yield f"COMMENT={_MARK}" + json.dumps(own, ensure_ascii=True)


def _read(path: Path, options: ReadOptions) -> list[Landmarks]:
    scheme = options.scheme
    blocks: list[_Block] = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        where = f"{path}, line {number}"
        text = line.strip()
        key, separator, value = text.partition("=")
        if not text:
            continue
        if separator and key.upper() == "LM":
            blocks.append(_Block(_count(value, where), where))
        elif not blocks:
            raise AnnotationError(f"{where}: {text[:40]!r} stands before the first 'LM='; this is no TPS file.")
        elif separator:
            blocks[-1].attributes[key.upper()] = value
        else:
            blocks[-1].add(text, where)
    if not blocks:
        raise AnnotationError(f"{path} has no line 'LM='; this is no TPS file.")
    return [block.landmarks(scheme, path.parent) for block in blocks]


def _count(value: str, where: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise AnnotationError(f"{where}: {value!r} is no number of landmarks.") from None


class _Block:
    """The lines of one radiograph."""

    def __init__(self, count: int, where: str) -> None:
        self.count, self.where = count, where
        self.points: list[tuple[float, float]] = []
        self.attributes: dict[str, str] = {}

    def add(self, text: str, where: str) -> None:
        """Add a line "x y"."""
        parts = text.split()
        if len(self.points) == self.count:
            raise AnnotationError(f"{where}: more points than the {self.count} of LM={self.count}.")
        if [part.upper() for part in parts] in (["NA", "NA"], ["NAN", "NAN"]):
            self.points.append((math.nan, math.nan))
            return
        try:
            x, y = (float(part) for part in parts)
        except ValueError:
            x = y = math.inf
        if not (math.isfinite(x) and math.isfinite(y)):
            raise AnnotationError(f"{where}: {text[:40]!r} is no point; expected are two numbers, or 'NA NA'.")
        self.points.append((x, y))

    def landmarks(self, scheme: LandmarkScheme | None, folder: Path) -> Landmarks:
        """The landmarks of the block."""
        if len(self.points) != self.count:
            raise AnnotationError(f"{self.where}: {len(self.points)} points follow, and LM says {self.count}.")
        own = self._own()
        points = np.array(self.points, np.float64).reshape(-1, 2)
        if own is None:
            return self._foreign(points, scheme, folder)
        known = named_scheme(own, scheme, self.where)
        shape = own.get("image_shape")
        if not (isinstance(shape, list) and len(shape) == 2 and isinstance(shape[0], int)):
            raise AnnotationError(
                f"{self.where}: the image_shape in the comment is {shape!r}; two numbers are expected."
            )
        return restored(exact_points(_rows_from_top(points, shape[0]), own.get("points_px")), own, known, self.where)

    def _own(self) -> Any:
        comment = self.attributes.get("COMMENT", "")
        if not comment.startswith(_MARK):
            return None
        try:
            return json.loads(comment.removeprefix(_MARK))
        except (ValueError, RecursionError) as error:
            raise AnnotationError(f"{self.where}: the comment of {KEY} is no JSON ({error}).") from error

    def _foreign(self, points: NDArray[np.float64], scheme: LandmarkScheme | None, folder: Path) -> Landmarks:
        known = _scheme_of_length(self.count, scheme, self.where)
        name = PureWindowsPath(self.attributes.get("IMAGE", "")).name  # takes both kinds of slashes, leaves no folder
        shape = _shape_of(folder / name) if name else None
        if shape is None:
            raise AnnotationError(
                f"{self.where}: rows are counted from the bottom of the picture, and its height is not known, because "
                f"{name or 'IMAGE'!r} is not in {folder}. Put the picture beside the file."
            )
        points = np.where((points < 0).all(axis=1, keepdims=True), np.nan, points)
        return Landmarks(
            _rows_from_top(points, shape[0]),
            known,
            spacing=self._scale(),
            radiograph=PureWindowsPath(name).stem,
            image_shape=shape,
        )

    def _scale(self) -> tuple[float, float] | None:
        text = self.attributes.get("SCALE")
        if text is None:
            return None
        try:
            scale = float(text)
        except ValueError:
            scale = math.nan
        if not (math.isfinite(scale) and scale > 0):
            raise AnnotationError(f"{self.where}: SCALE is {text!r}; it must be a number of mm per pixel above zero.")
        return scale, scale


def _scheme_of_length(count: int, wanted: LandmarkScheme | None, where: str) -> LandmarkScheme:
    fitting = [wanted] if wanted is not None else [load_scheme(name) for name in bundled_schemes()]
    for scheme in fitting:
        if len(scheme) == count:
            return scheme
    known = ", ".join(f"{scheme.name} ({len(scheme)})" for scheme in fitting)
    raise SchemeError(
        f"{where}: {count} landmarks without names, as many as in none of {known}; give the scheme when reading."
    )


def _shape_of(picture: Path) -> tuple[int, int] | None:
    """(rows, columns) of a picture; None where there is none that can be opened."""
    try:
        return image_size(picture)
    except RadiographError:
        return None


def _rows_from_top(points: NDArray[np.float64], height: int) -> NDArray[np.float64]:
    """(x, y up) -> (row, column)."""
    return np.stack((height - points[:, 1], points[:, 0]), axis=1)


def _recognises(head: bytes) -> bool:
    return head.lstrip()[:3].upper() == b"LM="


TPS = AnnotationFormat(
    name="tps",
    title="TPS",
    suffixes=(".tps",),
    read=_read,
    write=_write,
    holds_many=True,
    recognises=_recognises,
)
