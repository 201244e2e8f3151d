"""The picture that a file of landmarks is about: its full name when writing, and which one it is when reading."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

from farnet.errors import FarnetError
from farnet.identity import radiograph_key
from farnet.notices import tell
from farnet.readers import RADIOGRAPH_SUFFIXES, stem_of
from farnet.readers.image import image_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from farnet.landmarks import Landmarks

__all__ = ["base_name", "name_of_picture", "own_name", "picture_name", "pictures_of", "shape_of_picture"]


def picture_name(landmarks: Landmarks, folder: Path) -> str:
    """The file name of the picture of landmarks, with its ending.

    It is the file that the landmarks were found in, else the one of the radiograph's name in the folder into which they
    are written, else the radiograph's name alone.
    """
    name = landmarks.radiograph
    recorded = landmarks.provenance.get("image")
    if isinstance(recorded, str) and recorded:
        file = base_name(recorded)
        if name and radiograph_key(file) == radiograph_key(name):
            return file
    beside = sorted(pictures_of(name, [folder])) if name else []
    return beside[0].name if beside else name


def base_name(path: str) -> str:
    """The last part of a path as it stands in a file, whichever slashes it has."""
    return PureWindowsPath(path.strip().rstrip("/\\")).name if path.strip() else ""


def name_of_picture(path: str) -> str:
    """The name of a radiograph from the path of its picture as it stands in a file; empty where there is none."""
    name = base_name(path)
    return stem_of(Path(name)) if name else ""


def pictures_of(name: str, places: Iterable[Path]) -> Iterator[Path]:
    """The files, in folders or given one by one, that have a name: exactly, else but for case, else but for the ending.

    Args:
        name: Of a file, with or without its ending.
        places: Folders and files.
    """
    files: list[Path] = []
    for place in places:
        try:
            files += sorted(place.iterdir()) if place.is_dir() else [place]
        except OSError:
            continue
    files = [file for file in files if file.name.lower().endswith(RADIOGRAPH_SUFFIXES) or file.name == name]
    for wanted in (
        [file for file in files if file.name == name],
        [file for file in files if file.name.casefold() == name.casefold()],
        [file for file in files if radiograph_key(file.name) == radiograph_key(name)],
    ):
        found = [file for file in wanted if file.is_file()]
        if found:
            yield from found
            return


def shape_of_picture(path: Path) -> tuple[int, int] | None:
    """(rows, columns) of a radiograph's file; None where it cannot be opened."""
    from farnet.radiograph import read_radiograph

    try:
        return image_size(path)
    except FarnetError:
        pass
    try:
        return read_radiograph(path, checksum=False).shape
    except FarnetError:
        return None


def own_name(path: Path, stem: str, said: str) -> str:
    """Which radiograph a file for one radiograph is of: by its own name, where what it says inside is another.

    Pictures are renamed together with their files of landmarks, and what a file says inside stays behind. Only where
    the picture that it names is there, and none of its own name lies beside it, is it that one. A difference is told.

    Args:
        path: The file.
        stem: Its name without the ending of its format.
        said: The picture that it names; may be empty.
    """
    inside = name_of_picture(said)
    if not inside or radiograph_key(inside) == radiograph_key(stem):
        return inside or stem
    folder = path.parent
    places = (folder / base_name(said), folder / said.strip().replace("\\", "/"))
    if any(place.is_file() for place in places) and not list(pictures_of(stem, [folder])):
        tell(
            f"{path} is of the picture {base_name(said)}, which it names and which is there; no picture is called "
            f"{stem} like the file."
        )
        return inside
    tell(
        f"{path} names the picture {base_name(said)}, which is not its own name; it is taken for that of {stem!r}. If "
        "that is wrong, rename the file."
    )
    return stem
