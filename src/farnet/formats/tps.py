"""TPS, the text format of geometric morphometrics (tpsDig, geomorph, MorphoJ): one block of lines per radiograph.

``LM=K`` and K lines "x y" follow each other, then IMAGE, ID and SCALE. x counts columns from the left as here; y counts
from the bottom of the picture upwards, y = rows - row, which is why the height of the radiograph must be known: a file
of another program is read where the picture lies beside it. SCALE is mm per pixel. An absent landmark is "NA NA"
(geomorph); in files of other programs two negative numbers or two zeros are one, too. Landmarks have no names: their
order is the scheme's.

Of what others write besides, curves and outlines are left out, the third number of LM3 too, and LM=0 is a radiograph on
which nothing has been placed yet.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.atomic import write_text_atomic
from farnet.errors import AnnotationError, SchemeError
from farnet.formats.companion import KEY, companion, exact_points, named_scheme, restored, written_points
from farnet.formats.missing import is_absent, tell_absent
from farnet.formats.pictures import base_name, name_of_picture, picture_name, pictures_of, shape_of_picture
from farnet.formats.registry import AnnotationFormat, ReadOptions, read_text
from farnet.formats.schemes import own_schemes
from farnet.landmarks import Landmarks
from farnet.notices import tell
from farnet.readers import stem_of
from farnet.scheme import LandmarkScheme, bundled_schemes, load_scheme

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["TPS"]

_MARK = f"{KEY} "  # begins a comment that is a companion
_CURVES = ("CURVES", "OUTLINES", "POINTS", "CHAIN", "RADII")  # lines of numbers that follow them are no landmarks
_END = "\x1a"  # of a text file in DOS


def _write(path: Path, landmarks: Sequence[Landmarks]) -> None:
    write_text_atomic(path, "".join(f"{line}\n" for item in landmarks for line in _lines(item, path.parent)))


def _lines(item: Landmarks, folder: Path) -> Iterator[str]:
    if item.image_shape is None:
        raise AnnotationError(
            f"TPS counts rows from the bottom of the picture, and the height of radiograph {item.radiograph!r} is not "
            "known. Save as farnet-csv (.csv) instead, or give image_shape."
        )
    height = item.image_shape[0]
    yield f"LM={len(item)}"
    for (row, column), here in zip(item.points.tolist(), item.present, strict=True):
        yield f"{column!r} {height - row!r}" if here else "NA NA"
    yield "IMAGE=" + _one_line(picture_name(item, folder))
    yield "ID=" + _one_line(item.radiograph)
    if item.spacing is not None and item.spacing[0] == item.spacing[1]:
        yield f"SCALE={item.spacing[0]!r}"
    own = companion(item) | {"points_px": written_points(item)}
    yield f"COMMENT={_MARK}" + json.dumps(own, ensure_ascii=True)


def _one_line(text: str) -> str:
    return re.sub(r"[\r\n]+", " ", text)


def _read(path: Path, options: ReadOptions) -> list[Landmarks]:
    blocks: list[_Block] = []
    for number, line in enumerate(read_text(path).rstrip(_END).splitlines(), start=1):
        where = f"{path}, line {number}"
        text = line.strip()
        key, separator, value = (part.strip() for part in text.partition("="))
        if not text:
            continue
        if separator and key.upper() in ("LM", "LM3"):
            blocks.append(_Block(_count(value, where), where, deep=key.upper() == "LM3"))
        elif not blocks:
            raise AnnotationError(f"{where}: {text[:40]!r} stands before the first 'LM='; this is no TPS file.")
        elif separator:
            blocks[-1].describe(key.upper(), value)
        else:
            blocks[-1].add(text, where)
    if not blocks:
        raise AnnotationError(f"{path} has no line 'LM='; this is no TPS file.")
    _tell_rest(path, blocks)
    pictures = (path.parent, *options.radiographs)
    counts = {block.count for block in blocks if block.count}
    found = [block.landmarks(path, options, pictures, counts) for block in blocks]
    tell_absent(str(path), [name for block in blocks for name in block.absent])
    return found


def _tell_rest(path: Path, blocks: Sequence[_Block]) -> None:
    """Tell what is left out of a file."""
    curves, points = sum(block.curves for block in blocks), sum(block.extra for block in blocks)
    deep = sum(block.deep_points for block in blocks)
    if curves or points:
        tell(f"{path}: curves and outlines were left out ({curves}, of {points} points); landmarks alone are read.")
    if deep:
        tell(f"{path}: {deep} points have a third coordinate, which was left out; a radiograph is flat.")


def _count(value: str, where: str) -> int:
    try:
        count = int(value)
    except ValueError:
        count = -1
    if count < 0:
        raise AnnotationError(f"{where}: {value!r} is no number of landmarks.")
    return count


class _Block:
    """The lines of one radiograph.

    Attributes:
        count: How many landmarks are said to follow.
        absent: Landmarks that are written as numbers which mean that there is no point.
        curves: How many curves and outlines are left out.
        extra: How many points these have.
        deep_points: How many points have a third coordinate that is not zero.
    """

    def __init__(self, count: int, where: str, *, deep: bool) -> None:
        self.count, self.where, self._deep = count, where, deep
        self.absent: list[str] = []
        self.curves = self.extra = self.deep_points = 0
        self._points: list[tuple[float, float]] = []
        self._attributes: dict[str, str] = {}
        self._in_curve = False

    def describe(self, key: str, value: str) -> None:
        """Take a line "KEY=value"."""
        self._in_curve = key in _CURVES
        self.curves += key == "POINTS"
        self._attributes.setdefault(key, value)

    def add(self, text: str, where: str) -> None:
        """Take a line "x y"."""
        if self._in_curve:
            self.extra += 1
            return
        if len(self._points) == self.count:
            raise AnnotationError(f"{where}: more points than the {self.count} of LM={self.count}.")
        parts = _parts(text)
        if self._deep and len(parts) == 3:
            self.deep_points += parts[2].strip("+-0.") not in ("", "e", "E")
            del parts[2]
        if [part.upper() for part in parts] in (["NA", "NA"], ["NAN", "NAN"]):
            self._points.append((math.nan, math.nan))
            return
        try:
            x, y = (float(part) for part in parts)
        except ValueError:
            x = y = math.inf
        if not (math.isfinite(x) and math.isfinite(y)):
            raise AnnotationError(f"{where}: {text[:40]!r} is no point; expected are two numbers, or 'NA NA'.")
        self._points.append((x, y))

    def landmarks(self, path: Path, options: ReadOptions, pictures: Sequence[Path], counts: set[int]) -> Landmarks:
        """The landmarks of the block.

        Args:
            path: The file.
            options: As they are given.
            pictures: Where pictures are looked for.
            counts: How many landmarks the blocks of the file have that have any.
        """
        if len(self._points) != self.count:
            raise AnnotationError(f"{self.where}: {len(self._points)} points follow, and LM says {self.count}.")
        own = self._own()
        points = np.array(self._points, np.float64).reshape(-1, 2)
        if own is None:
            return self._foreign(points, path, options, pictures, counts)
        known = named_scheme(own, options.scheme, self.where, beside=path)
        shape = own.get("image_shape")
        if not (isinstance(shape, list) and len(shape) == 2 and isinstance(shape[0], int)):
            raise AnnotationError(
                f"{self.where}: the image_shape in the comment is {shape!r}; two numbers are expected."
            )
        rows = exact_points(_rows_from_top(points, shape[0]), own.get("points_px"))
        return restored(rows, own, known, self.where)

    def _own(self) -> Any:
        comment = self._attributes.get("COMMENT", "")
        if not comment.startswith(_MARK):
            return None
        try:
            return json.loads(comment.removeprefix(_MARK))
        except (ValueError, RecursionError) as error:
            raise AnnotationError(f"{self.where}: the comment of {KEY} is no JSON ({error}).") from error

    def _foreign(
        self, points: NDArray[np.float64], path: Path, options: ReadOptions, pictures: Sequence[Path], counts: set[int]
    ) -> Landmarks:
        placed = self.count or (next(iter(counts)) if len(counts) == 1 else 0)
        known = _scheme_of_length(placed, options.scheme, self.where, path)
        said = base_name(self._attributes.get("IMAGE", "")) or self._attributes.get("ID", "")
        picture, shape = self._picture(said, pictures)
        if picture is None and not self._attributes.get("IMAGE"):
            picture, shape = self._picture(path.stem, pictures)
        name = stem_of(picture) if picture is not None else name_of_picture(said)
        if self.count == 0:
            nothing = np.full((len(known), 2), np.nan)
            return Landmarks(nothing, known, spacing=self._scale(), radiograph=name, image_shape=shape)
        if shape is None:
            raise AnnotationError(
                f"{self.where}: rows are counted from the bottom of the picture, and its height is not known, because "
                f"{said or 'IMAGE'!r} is not in {path.parent}. Put the picture beside the file."
            )
        absent = [bool((x < 0 and y < 0) or is_absent(x, y)) for x, y in points.tolist()]
        self.absent = [f"{known.abbreviations[k]} of {name}" for k in np.flatnonzero(absent)]
        points = np.where(np.array(absent)[:, None], np.nan, points)
        return Landmarks(
            _rows_from_top(points, shape[0]), known, spacing=self._scale(), radiograph=name, image_shape=shape
        )

    def _picture(self, name: str, places: Sequence[Path]) -> tuple[Path | None, tuple[int, int] | None]:
        """The picture of the block, and its (rows, columns); None where there is none, or none that can be opened."""
        files = pictures_of(name, places) if name else ()
        found = [(file, shape) for file in files if (shape := shape_of_picture(file))]
        heights = {shape[0]: file.name for file, shape in found}
        if len(heights) > 1:
            raise AnnotationError(
                f"{self.where}: {name!r} may be {' or '.join(heights.values())}, which have different heights; give "
                "IMAGE its ending."
            )
        return found[0] if found else (None, None)

    def _scale(self) -> tuple[float, float] | None:
        text = self._attributes.get("SCALE", "")
        if not text:
            return None
        try:
            scale = float(_parts(text)[0])
        except (ValueError, IndexError):
            scale = math.nan
        if not (math.isfinite(scale) and scale > 0):
            tell(f"{self.where}: SCALE is {text!r}, which is no number of mm per pixel above zero: passed over.")
            return None
        return scale, scale


def _parts(text: str) -> list[str]:
    """The numbers of a line, with decimal points; a comma is a decimal one where blanks separate the numbers."""
    parts = text.replace(";", " ").split()
    if any(part.endswith(",") or ("," in part and "." in part) for part in parts):
        return text.replace(",", " ").split()
    return [part.replace(",", ".") for part in parts]


def _scheme_of_length(count: int, wanted: LandmarkScheme | None, where: str, path: Path) -> LandmarkScheme:
    if wanted is not None:
        fitting = [wanted]
    else:
        fitting = [load_scheme(name) for name in bundled_schemes()]
        if all(len(scheme) != count for scheme in fitting):
            fitting += own_schemes(path)
    for scheme in fitting:
        if len(scheme) == count or (count == 0 and wanted is not None):
            return scheme
    known = ", ".join(f"{scheme.name} ({len(scheme)})" for scheme in fitting)
    raise SchemeError(
        f"{where}: {count} landmarks without names, as many as in none of {known}; give the scheme when reading."
    )


def _rows_from_top(points: NDArray[np.float64], height: int) -> NDArray[np.float64]:
    """(x, y up) -> (row, column)."""
    return np.stack((height - points[:, 1], points[:, 0]), axis=1)


def _recognises(head: bytes) -> bool:
    return re.match(rb"\s*LM3?\s*=", head.removeprefix(b"\xef\xbb\xbf"), re.IGNORECASE) is not None


TPS = AnnotationFormat(
    name="tps",
    title="TPS",
    suffixes=(".tps",),
    read=_read,
    write=_write,
    holds_many=True,
    recognises=_recognises,
)
