"""MetaImage, NRRD and NIfTI files (.mha, .mhd, .nrrd, .nhdr, .nii, .nii.gz), through SimpleITK: the extra `itk`."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any

from farnet.errors import InvalidInputError, RadiographError, missing_extra
from farnet.readers.nifti import check_complete, unpacked
from farnet.readers.picture import Picture, check_size, luminance
from farnet.spacing import Spacing, as_spacing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["decode_itk"]

_HEADER_BYTES = 2**20

_READERS = {
    ".mha": "MetaImageIO",
    ".mhd": "MetaImageIO",
    ".nrrd": "NrrdImageIO",
    ".nhdr": "NrrdImageIO",
    ".nii": "NiftiImageIO",
    ".gz": "NiftiImageIO",
}
"""What reads each ending: ITK would else try every kind that it knows on the content."""

_DATA_FILE = {
    "MetaImageIO": re.compile(r"^[ \t]*ElementDataFile[ \t]*[=:][ \t]*([^\r\n]*)", re.I | re.M),
    "NrrdImageIO": re.compile(r"^[ \t]*data ?file:[ \t]*([^\r\n]*)", re.I | re.M),
}
_ENDLESS = re.compile(r"\d{100}")  # ITK's reader of NRRD does not survive such a number
_HEADER_ENDS = {"MetaImageIO": None, "NrrdImageIO": re.compile(r"\r?\n\r?\n")}

_SOURCES = {
    ".mha": "ElementSpacing",
    ".mhd": "ElementSpacing",
    ".nrrd": "space directions",
    ".nhdr": "space directions",
}


def decode_itk(path: Path, what: str) -> Picture:
    """Decode a file of one 2-D picture, or of a volume with a single slice.

    The picture is given as stored; the file's orientation in space is not applied. A spacing of exactly 1 x 1
    mm is what these files hold when nobody has set it, so it counts as unknown.
    """
    try:
        itk: Any = importlib.import_module("SimpleITK")
    except ImportError as error:
        raise missing_extra("SimpleITK", "itk", f"reading {path.name}") from error

    suffix = path.suffix.lower()
    if suffix not in (".nii", ".gz"):
        _check_data_files(path, what)
        return _decode(itk, path, what, _SOURCES[suffix])
    with unpacked(path, what) as plain:
        check_complete(plain, what)
        return _decode(itk, plain, what, "pixdim")


def _check_data_files(path: Path, what: str) -> None:
    """Refuse a header whose pixels are in a file of another folder: a header alone must not open any file there is.

    Raises:
        RadiographError: If a file that it names (ElementDataFile, data file, or in a LIST) has more than a name.
    """
    kind = _READERS[path.suffix.lower()]
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES).decode("latin-1")
    ends = _HEADER_ENDS[kind]
    header = head if ends is None else ends.split(head, maxsplit=1)[0]
    if ends is not None and _ENDLESS.search(header):
        raise RadiographError(f"{what} is damaged: a number in its header is too long. Get the file again.")
    found = next(_DATA_FILE[kind].finditer(header), None)
    if found is None:
        if ends is not None and ends.search(head):
            return  # the pixels follow in the file itself
        raise RadiographError(f"{what} is damaged, truncated or of another kind (its header does not end).")
    names = [found[1]]
    if found[1].split()[:1] == ["LIST"]:
        names += head[found.end() :].split()
    for name in names:
        if re.search(r"[/\\:]", name) or name.strip() in (".", ".."):
            raise RadiographError(
                f"{what} has its pixels in '{name.strip()[:120]}'; pixels are read from the folder of the file itself "
                "only. Put both into one folder and name the other file without a folder."
            )


def _decode(itk: Any, path: Path, what: str, spacing_source: str) -> Picture:
    reader = itk.ImageFileReader()
    reader.SetImageIO(_READERS[path.suffix.lower()])
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        size = reader.GetSize()  # fastest axis first: columns, rows, slices
        axes = _picture_axes(size, what)
        check_size((size[axes[0]], size[axes[1]]), what)
        _check_components(reader.GetNumberOfComponents(), what)
        image = reader.Execute()
    except RuntimeError as error:
        raise RadiographError(f"{what} is damaged, truncated or of another kind ({_reason(error)}).") from error
    components = (-1,) if image.GetNumberOfComponentsPerPixel() > 1 else ()
    values = itk.GetArrayFromImage(image).reshape(size[axes[0]], size[axes[1]], *components)
    spacing = _spacing(reader.GetSpacing(), axes, what)
    return Picture(luminance(values, what), spacing, None if spacing is None else spacing_source)


def _check_components(components: int, what: str) -> None:
    if components > 4:
        raise RadiographError(f"{what} has {components} channels; a radiograph has 1 (grey) to 4. Save it as grey.")


def _picture_axes(size: Sequence[int], what: str) -> tuple[int, int]:
    """Which axes are (rows, columns): the two that are longer than one."""
    extended = [axis for axis, length in enumerate(size) if length > 1]
    if len(extended) > 2:
        raise RadiographError(
            f"{what} is a volume of {' x '.join(map(str, size))} voxels; a radiograph is one 2-D picture. "
            "Save one slice or one projection of it."
        )
    column, row = extended if len(extended) == 2 else (0, 1)
    return row, column


def _spacing(spacing: Sequence[float], axes: tuple[int, int], what: str) -> Spacing | None:
    pair = spacing[axes[0]], spacing[axes[1]]
    if pair == (1.0, 1.0):
        return None
    try:
        return as_spacing(pair, what=f"spacing in {what[0].lower()}{what[1:]}")
    except InvalidInputError as error:
        raise RadiographError(str(error)) from error


def _reason(error: RuntimeError) -> str:
    """Last line of ITK's message; the others name its source files."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
