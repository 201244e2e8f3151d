"""A radiograph: its pixels, the size of a pixel, and where it came from."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import RadiographError, contained
from farnet.notices import tell
from farnet.readers import RADIOGRAPH_SUFFIXES, decode, is_dicom_picture, stem_of
from farnet.readers.picture import check_size, luminance
from farnet.spacing import Spacing, SpacingLike, as_spacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import ArrayLike, NDArray

__all__ = ["RADIOGRAPH_SUFFIXES", "Radiograph", "Survey", "find_radiographs", "read_radiograph", "survey"]

_BESIDE = (
    *(".csv", ".tsv", ".json", ".jsonl", ".txt", ".tps", ".fcsv", ".xml", ".yaml", ".yml", ".xlsx", ".ods"),
    *(".md", ".html", ".pdf", ".svg", ".log", ".safetensors", ".raw", ".zraw", ".raw.gz", ".lock", ".tmp"),
)
"""Endings of what stands beside radiographs: landmarks, tables, notes, and the pixels of .mhd and .nhdr files."""

_OF_SYSTEMS = ("dicomdir", "thumbs.db", "desktop.ini")  # indexes that programs and systems make
_REPORT = ".sr.dcm"  # what `farnet.formats.dicom_sr` writes: landmarks, no picture


@dataclass(frozen=True, eq=False)
class Radiograph:
    """One 2-D radiograph in grey, bone bright.

    `from_array` and `read_radiograph` convert colour, integer and floating-point pictures; the constructor
    itself takes only what it stores.

    Attributes:
        pixels: (rows, columns) uint8, uint16 or float32; brighter is denser.
        spacing: (row, column) in mm per pixel, or None where it is unknown.
        spacing_source: Where the spacing is from: "given", "PixelSpacing", "ImagerPixelSpacing (detector
            plane)", ...; None where there is no spacing.
        path: The file, or None.
        sha256: SHA-256 of the file in hexadecimal; None without a file, or where it was not asked for.
        name: Name for tables and messages; the file's name without its ending.

    Raises:
        RadiographError: If the pixels are not a 2-D array of one of the three types, are smaller than 16 x 16
            or more than 150 million, hold NaN or infinity, or are all the same.
        InvalidInputError: If the spacing is not above zero.
    """

    pixels: NDArray[Any]
    spacing: Spacing | None = None
    spacing_source: str | None = None
    path: Path | None = None
    sha256: str | None = None
    name: str = ""

    def __post_init__(self) -> None:
        what = f"The radiograph {self.name!r}" if self.name else "The radiograph"
        if self.pixels.ndim != 2 or self.pixels.dtype not in (np.uint8, np.uint16, np.float32):
            raise RadiographError(
                f"{what} has pixels of shape {self.pixels.shape} and type {self.pixels.dtype}; it needs "
                "(rows, columns) of uint8, uint16 or float32. Radiograph.from_array converts other types and "
                "colours."
            )
        check_size(self.pixels.shape, what)
        lowest, highest = self.pixels.min(), self.pixels.max()  # NaN and infinity show in one of them
        if not (np.isfinite(lowest) and np.isfinite(highest)):
            bad = int(np.count_nonzero(~np.isfinite(self.pixels)))
            raise RadiographError(
                f"{what} has {bad} pixels that are NaN or infinite; every pixel must be a finite number. "
                "Fill them with the background value, for example with numpy.nan_to_num."
            )
        if lowest == highest:
            raise RadiographError(
                f"Every pixel of {what[0].lower()}{what[1:]} is {lowest.item()}; there is no picture to look at."
            )
        spacing = as_spacing(self.spacing)
        object.__setattr__(self, "spacing", spacing)
        if spacing is None or self.spacing_source is None:
            object.__setattr__(self, "spacing_source", None if spacing is None else "given")

    @classmethod
    def from_array(cls, array: ArrayLike, *, spacing: SpacingLike | None = None, name: str = "") -> Radiograph:
        """Make a radiograph of an array.

        Args:
            array: (rows, columns), or (rows, columns, channels) with 1 (grey), 3 (RGB) or 4 (RGBA) channels,
                or one slice (1, rows, columns). Boolean, integer or floating point. Colour becomes luminance
                (ITU-R BT.601, exact where the channels are equal), transparency is ignored. Values are kept:
                uint8 and uint16 as they are, other integers as uint16 where they fit, everything else as
                float32.
            spacing: mm per pixel, one number or (row, column); None where it is unknown.
            name: Name for tables and messages.

        Raises:
            RadiographError: If the array is of another kind or shape, or its pixels are not usable (see the
                class).
            InvalidInputError: If the spacing is not above zero.
        """
        label = f"The array {name!r}" if name else "The array"
        return cls(luminance(array, label), as_spacing(spacing), name=name)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        rows, columns = self.pixels.shape
        return rows, columns

    def pixels_sha256(self) -> str:
        """SHA-256 of shape, type and values in hexadecimal: the same picture gives the same sum, whatever its file."""
        digest = hashlib.sha256(f"{self.shape} {self.pixels.dtype.name} ".encode())
        little_endian = self.pixels.astype(self.pixels.dtype.newbyteorder("<"), copy=False)
        digest.update(np.ascontiguousarray(little_endian).data)
        return digest.hexdigest()


@contained
def read_radiograph(
    path: str | Path,
    *,
    spacing: SpacingLike | None = None,
    detector_spacing: bool = False,
    checksum: bool = True,
) -> Radiograph:
    """Read a radiograph from a PNG, JPEG, BMP, TIFF or DICOM file, or (with the extra `itk`) .mha, .mhd, .nrrd, .nii.

    Pixels stand as they are stored, so that points agree with those seen in napari, which does the same: an EXIF
    or TIFF orientation tag does not turn the picture. Resolution tags of image files (dpi) are no measure of the
    patient and are never used. A DICOM file is shown as its viewer shows it: modality transform, value-of-interest
    transform, MONOCHROME1 inverted, padding made background.

    Args:
        path: The file. Its content decides how it is read; its ending only where the content does not tell.
        spacing: mm per pixel, one number or (row, column), instead of what the file says.
        detector_spacing: Use the pixel size on the detector (DICOM ImagerPixelSpacing,
            NominalScannedPixelSpacing, or a PixelSpacing that only repeats one of them) where nothing better is
            known, divided by EstimatedRadiographicMagnificationFactor where the file has it. Undivided it
            overestimates distances in the patient by the magnification, some 5 to 15 %; `spacing_source` says which.
        checksum: Also give the file's SHA-256.

    Returns:
        The radiograph; `name` is the file's name without its ending.

    Raises:
        RadiographError: If the file is missing, empty, truncated, of another kind, a volume or a series, or
            its pixels are not usable (see `Radiograph`).
        InvalidInputError: If the spacing is not above zero.
        MissingExtraError: If the extra `itk` is needed and not installed.
    """
    path = Path(path)
    given = as_spacing(spacing)
    picture = decode(path, spacing_given=given is not None, detector_spacing=detector_spacing, checksum=checksum)
    return Radiograph(
        pixels=picture.pixels,
        spacing=picture.spacing if given is None else given,
        spacing_source=picture.spacing_source if given is None else "given",
        path=path,
        sha256=picture.sha256,
        name=stem_of(path),
    )


@dataclass(frozen=True)
class Survey:
    """What `survey` finds among files and folders.

    Attributes:
        radiographs: Each radiograph once, in the order given; what is not there, or a folder without radiographs, as
            it is, so that reading it gives the reason.
        left_out: Files of the folders that are neither radiographs nor files that stand beside them (landmarks,
            tables, notes, reports).
    """

    radiographs: list[Path]
    left_out: list[Path]


def survey(paths: Iterable[str | Path], *, recursive: bool = False) -> Survey:
    """List the radiographs among files and folders, and what the folders hold besides.

    Args:
        paths: Files, which are listed as they are, and folders, of which the files are listed that have one of
            `RADIOGRAPH_SUFFIXES` or, with any other ending or none, are DICOM pictures by their first bytes; sorted
            by name. Hidden files, reports (.sr.dcm) and DICOMDIR are left out. Where a folder has none, as on a CD from
            a PACS, the DICOM pictures in its folders are listed, which is told.
        recursive: Look into the folders' own folders too.
    """
    found: dict[Path, None] = {}
    left_out: dict[Path, None] = {}
    for path in map(Path, paths):
        inside: list[Path] = []
        if path.is_dir():
            inside, others = _sorted_out(path, recursive)
            if not inside and not recursive:  # a CD from a PACS: DICOM files, some folders down
                inside = [file for file in _sorted_out(path, True)[0] if is_dicom_picture(file)]
                if inside:
                    tell(f"{path} itself holds no radiographs; the {len(inside)} DICOM files in its folders are taken.")
            left_out.update(dict.fromkeys(others))
        found.update(dict.fromkeys(inside or [path]))
    return Survey(list(found), [path for path in left_out if path not in found])


def find_radiographs(paths: Iterable[str | Path], *, recursive: bool = False) -> list[Path]:
    """List the radiographs among files and folders; `survey` tells also what was left out.

    Args:
        paths: See `survey`.
        recursive: Look into the folders' own folders too.

    Returns:
        Each path once, in the order given. What is not there, or a folder without radiographs, is listed as
        it is, so that reading it gives the reason.
    """
    return survey(paths, recursive=recursive).radiographs


def _sorted_out(folder: Path, recursive: bool) -> tuple[list[Path], list[Path]]:
    """(radiographs, other files) of a folder, both sorted."""
    radiographs, others = [], []
    for path in _files(folder, recursive):
        name = path.name.lower()
        if name.endswith((_REPORT, *_BESIDE)) or name in _OF_SYSTEMS:
            continue
        if name.endswith(RADIOGRAPH_SUFFIXES) or is_dicom_picture(path):
            radiographs.append(path)
        else:
            others.append(path)
    # The same order as of paths themselves, in a fifth of the time.
    return sorted(radiographs, key=_parts), sorted(others, key=_parts)


def _parts(path: Path) -> tuple[str, ...]:
    return path.parts


def _files(folder: Path, recursive: bool) -> Iterator[Path]:
    """Files that are not hidden; a folder within that cannot be listed is passed over, as one may not look into it."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_file():
                    yield Path(entry.path)
                elif recursive and entry.is_dir(follow_symlinks=False):
                    yield from _files(Path(entry.path), recursive)
    except OSError as error:
        tell(f"The folder {folder} cannot be listed ({error.strerror or error}); it is left out.")
