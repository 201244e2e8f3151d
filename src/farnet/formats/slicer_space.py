"""From pixels to the millimetres of 3D Slicer's point lists and back.

Slicer reads a picture through ITK and keeps points in mm of ITK's space of that file. So a list is read and written by
the `Geometry` of the picture's file:

- Writing takes the file that the landmarks' provenance names ("image"), or one of the radiograph's name beside the
  list, unless their hashes or sizes differ. Without one, the picture is taken to begin at the origin, with pixels of
  the landmarks' spacing or else of 1 mm, which is said.
- Reading somebody's list takes the picture of its name, or of its file's, first among the radiographs that are given,
  then beside the list; or else the spacing that is given. Without both it is refused: mm are no pixels.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import AnnotationError, FarnetError, InvalidInputError, RadiographError
from farnet.geometry import Geometry
from farnet.identity import RadiographId, radiograph_key
from farnet.notices import tell
from farnet.readers import RADIOGRAPH_SUFFIXES, stem_of
from farnet.readers.geometry import geometry_of
from farnet.spacing import as_spacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from farnet.formats.registry import ReadOptions
    from farnet.landmarks import Landmarks

__all__ = [
    "geometry_for_reading",
    "geometry_for_writing",
    "geometry_of_own",
    "stem_of_list",
    "written_geometry",
]


def geometry_for_writing(path: Path, landmarks: Landmarks) -> Geometry:
    """Where Slicer shows the radiograph of some landmarks; what is not known of it is told.

    Args:
        path: The list that will be written.
        landmarks: Whose radiograph it is.
    """
    reason = f"the file of radiograph {landmarks.radiograph!r} is not at hand"
    for picture, named in _of_landmarks(path, landmarks):
        try:
            geometry = geometry_of(picture)
            sameness = _identity(picture, landmarks, geometry).compare(landmarks.identity)
        except (FarnetError, OSError) as error:
            reason = str(error).rstrip(".")
            continue
        if sameness == "other":
            reason = f"{picture} is another file than the radiograph of the landmarks"
            continue
        if sameness == "unproved" and not named:
            tell(f"{path}: the points are placed as on {picture}, which is known by its name alone.")
        return geometry
    scale = landmarks.spacing or (1.0, 1.0)
    tell(
        f"{path}: {reason}. The points are placed as on a picture that begins at the origin and has pixels of "
        f"{scale[0]:g} x {scale[1]:g} mm (row, column); they lie elsewhere in 3D Slicer if it shows it otherwise."
    )
    return Geometry.plain(scale)


def geometry_for_reading(path: Path, names: Iterable[str], options: ReadOptions) -> tuple[Geometry, Path | None]:
    """Where the picture of somebody's list lies, and the picture; None where the spacing that is given tells.

    Args:
        path: The list.
        names: What the list is called, besides its file.
        options: Has the radiographs and the spacing.

    Raises:
        AnnotationError: There is no picture and no spacing, or there are several pictures.
    """
    names = [name for name in dict.fromkeys((stem_of_list(path), *names)) if name]
    pictures = _among(options.radiographs, names) or _among([path.parent], names)
    try:
        known = [(geometry_of(picture), picture) for picture in pictures]
    except RadiographError as error:
        raise AnnotationError(f"{path} has positions in mm of its picture, which cannot be read: {error}") from error
    if options.spacing is not None and (not known or len(known) > 1 or not known[0][0].stated):
        return Geometry.plain(options.spacing, known[0][0].shape if len(known) == 1 else None), None
    if not known:
        raise AnnotationError(
            f"{path} has positions in mm, and how large a pixel is, is not known: there is no radiograph "
            f"{' or '.join(repr(name) for name in names)} beside it. Put the picture that the list was made on beside "
            "it under the same name, name its folder, or give the spacing."
        )
    first = known[0][0]
    if not all(_alike(first, other) for other, _ in known):
        raise AnnotationError(
            f"{path} has positions in mm, and {' and '.join(str(picture) for _, picture in known)} have pixels of "
            "different size or place. Leave beside it only the one that the list was made on, or name that one."
        )
    if first.stated and options.spacing is not None and not np.allclose(options.spacing, first.spacing):
        tell(
            f"{path}: the list is read by the pixels of {known[0][1].name}, for 3D Slicer {first.spacing[0]:g} x "
            f"{first.spacing[1]:g} mm (row, column), and not by the spacing that was given."
        )
    return known[0]


def written_geometry(geometry: Geometry) -> dict[str, Any]:
    """The geometry in JSON types, to be kept with the points that were placed by it; see `geometry_of_own`."""
    return {"origin_mm": geometry.origin.tolist(), "step_mm": geometry.step.tolist()}


def geometry_of_own(written: Any, spacing: Any, where: str) -> Geometry:
    """The geometry that `written_geometry` wrote; where there is none, as there once was not, plain by the spacing.

    Raises:
        AnnotationError: It is damaged.
    """
    if written is None:
        try:
            return Geometry.plain(as_spacing(spacing) or (1.0, 1.0))
        except InvalidInputError as error:
            raise AnnotationError(f"{where}: {error}") from error
    try:
        origin, step = (np.array(written[key], np.float64) for key in ("origin_mm", "step_mm"))
        if origin.shape == (3,) and step.shape == (3, 2) and np.isfinite(origin).all() and np.isfinite(step).all():
            return Geometry(origin, step)
    except (KeyError, TypeError, ValueError):
        pass
    raise AnnotationError(f"{where}: the geometry of its picture is damaged: {str(written)[:80]}.")


def stem_of_list(path: Path) -> str:
    """Name of a list's file without its ending."""
    name = path.name
    for ending in (".mrk.json", ".json", ".fcsv"):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return path.stem


def _of_landmarks(path: Path, landmarks: Landmarks) -> Iterator[tuple[Path, bool]]:
    """Files that may be the radiograph of landmarks, and whether the landmarks name the very file."""
    image = landmarks.provenance.get("image")
    names = [landmarks.radiograph]
    if isinstance(image, str) and image:
        if _is_file(Path(image)):
            yield Path(image), True
        names.insert(0, image)
    for picture in _among([path.parent], [name for name in names if name]):
        yield picture, False


def _identity(picture: Path, landmarks: Landmarks, geometry: Geometry) -> RadiographId:
    """Of a file that may be the radiograph of landmarks; it is read whole only if they know its hash."""
    known = hashlib.sha256(picture.read_bytes()).hexdigest() if landmarks.image_sha256 else None
    return RadiographId(landmarks.radiograph, known, None, geometry.shape)


def _alike(one: Geometry, other: Geometry) -> bool:
    return np.allclose(one.origin, other.origin) and np.allclose(one.step, other.step, atol=0.0)


def _among(places: Iterable[Path], names: Sequence[str]) -> list[Path]:
    """The files of one of the names, of radiographs that are given as files and folders."""
    found: dict[tuple[int, int], Path] = {}
    keys = {radiograph_key(name) for name in names}
    for place in places:
        for picture in _in_folder(place, names, keys) if place.is_dir() else [place]:
            if radiograph_key(picture.name) in keys and _is_file(picture):
                status = picture.stat()
                found.setdefault((status.st_dev, status.st_ino), picture)
    return list(found.values())


def _in_folder(folder: Path, names: Sequence[str], keys: set[str]) -> list[Path]:
    """By trying the endings, and only then by looking through the folder: there may be thousands of files in it."""
    stems = dict.fromkeys(stem_of(Path(name.replace("\\", "/"))) for name in names)
    endings = [ending for suffix in RADIOGRAPH_SUFFIXES for ending in (suffix, suffix.upper())]
    tried = [folder / f"{stem}{ending}" for stem in stems for ending in endings]
    tried += [folder / stem for stem in stems if _is_dicom(folder / stem)]
    found = [file for file in tried if _is_file(file)]
    if found:
        return found
    begins = tuple(keys)
    try:
        alike = sorted(file for file in folder.iterdir() if file.name.casefold().startswith(begins))
    except OSError:  # it may not be looked into
        return []
    return [
        file for file in alike if file.name.lower().endswith(RADIOGRAPH_SUFFIXES) and radiograph_key(file.name) in keys
    ]


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except (OSError, ValueError):
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long for a name, or no name at all
        return False
