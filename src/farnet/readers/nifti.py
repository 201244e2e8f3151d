"""What SimpleITK lets pass in NIfTI files: missing pixels, which it fills with zeros, and a namesake beside a .nii.gz.

The layout is that of nifti1.h and nifti2.h (https://nifti.nimh.nih.gov).
"""

from __future__ import annotations

import gzip
import math
import struct
import tempfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from farnet.errors import RadiographError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_complete", "unpacked"]

_MAXIMUM_BYTES = 2 * 2**30
_CHUNK_BYTES = 2**22

_Layout = tuple[tuple[int, str], ...]

# Size of the header -> (offset, type) of its 8 dimensions, bits per voxel, and position of the voxels.
_LAYOUTS: dict[int, _Layout] = {348: ((40, "8h"), (72, "h"), (108, "f")), 540: ((16, "8q"), (14, "h"), (168, "q"))}


@contextmanager
def unpacked(path: Path, what: str) -> Iterator[Path]:
    """Give an uncompressed copy of a .nii.gz in a folder of its own; any other file is given as it is.

    ITK opens "a.nii" when asked for "a.nii.gz" and both are there; alone in its folder, a file has no namesake.

    Raises:
        RadiographError: If the archive is damaged, truncated, or too large.
    """
    if not path.name.lower().endswith(".nii.gz"):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="farnet-") as folder:
        copy = Path(folder) / "radiograph.nii"
        try:
            _unpack(path, copy, what)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise RadiographError(f"{what} is damaged or truncated ({error}). Get the file again.") from error
        yield copy


def _unpack(path: Path, copy: Path, what: str) -> None:
    written, limit = 0, _MAXIMUM_BYTES
    with gzip.open(path) as source, copy.open("wb") as target:
        while chunk := source.read(_CHUNK_BYTES):
            if not written and _layout(chunk)[1] is not None:
                limit = min(limit, _expected_bytes(chunk, what) + _CHUNK_BYTES)
            written += target.write(chunk)
            if written > limit:
                raise RadiographError(
                    f"{what} unpacks to more than {limit / 2**20:.0f} MiB, more than its header announces; it is "
                    "damaged, or no single radiograph."
                )


def check_complete(path: Path, what: str) -> None:
    """Compare the length of an uncompressed NIfTI file with what its header announces.

    Raises:
        RadiographError: If it is no NIfTI file, or pixels are missing at its end.
    """
    with path.open("rb") as file:
        expected = _expected_bytes(file.read(max(_LAYOUTS)), what)
    if path.stat().st_size < expected:
        raise RadiographError(
            f"{what} is damaged or truncated: {path.stat().st_size} bytes of {expected}. Get the file again."
        )


def _expected_bytes(head: bytes, what: str) -> int:
    """Length of the whole uncompressed file by its header."""
    order, layout = _layout(head)
    if layout is None:
        raise RadiographError(f"{what} is damaged, truncated or of another kind (no NIfTI header).")
    dimensions, bits, position = (struct.unpack_from(f"{order}{kind}", head, offset) for offset, kind in layout)
    if not math.isfinite(position[0]):
        raise RadiographError(f"{what} is damaged (its header places the voxels nowhere).")
    voxels = math.prod(dimensions[1 : 1 + max(0, min(dimensions[0], 7))])
    return int(position[0] + voxels * bits[0] / 8)


def _layout(head: bytes) -> tuple[str, _Layout | None]:
    """Byte order ("<" or ">") and layout of a header, which begins with its own size; None where it is none."""
    for order in "<>":
        size = struct.unpack(f"{order}i", head[:4])[0] if len(head) >= 4 else 0
        if size in _LAYOUTS and len(head) >= size:
            return order, _LAYOUTS[size]
    return "<", None
