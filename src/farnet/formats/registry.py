"""The registry of annotation formats: files of landmarks, found by name, by ending, or by content."""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from farnet.errors import AnnotationError, FarnetError, InvalidInputError, contained, unknown_name
from farnet.notices import tell
from farnet.scheme import SCHEME_FILE
from farnet.spacing import as_spacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from farnet.landmarks import Landmarks
    from farnet.scheme import LandmarkScheme
    from farnet.spacing import Spacing, SpacingLike

__all__ = [
    "AnnotationFormat",
    "ReadOptions",
    "annotation_formats",
    "formats_by_ending",
    "read_annotations",
    "read_each",
    "read_text",
    "recognised_formats",
    "register_format",
    "write_annotations",
]


@dataclass(frozen=True)
class ReadOptions:
    """What a file of landmarks does not tell by itself.

    Attributes:
        scheme: The scheme that the landmarks must have; None takes the one that the file names, or that fits.
        labels: The landmark of the scheme by its label in the file: ``{"l1": "Sella"}``; other labels are names of the
            scheme themselves. A label whose landmark is empty is left out. See `farnet.formats.labels`.
        radiographs: Files, or folders, among which the radiographs are, for formats whose positions need their
            geometry; the folder of the file itself is always looked into.
        spacing: (row, column) mm per pixel, where positions are in mm and no radiograph tells the size of a pixel.
    """

    scheme: LandmarkScheme | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    radiographs: tuple[Path, ...] = ()
    spacing: Spacing | None = None


class _Read(Protocol):
    def __call__(self, path: Path, options: ReadOptions, /) -> list[Landmarks]: ...


class _Write(Protocol):
    def __call__(self, path: Path, landmarks: Sequence[Landmarks], /) -> None: ...


@dataclass(frozen=True)
class AnnotationFormat:
    """One file format that holds landmarks.

    Attributes:
        name: Identifier used on the command line, e.g. "farnet-csv".
        title: Name for people.
        suffixes: Endings in lower case with their dot, the usual one first.
        read: (path, options) -> the landmarks in the file, in its order. Raises AnnotationError on a malformed file
            and SchemeError where the file is of another scheme than the one asked for.
        write: (path, landmarks) -> None, all or nothing; None for a format that is only read.
        holds_many: One file can hold the landmarks of several radiographs.
        recognises: (first bytes of a file) -> whether it looks like this format; needed where formats share
            an ending.
        keys: Of a format in JSON: the keys that the outermost object of a file has, wherever in the file they stand;
            they take the place of `recognises`.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    read: _Read
    write: _Write | None = None
    holds_many: bool = False
    recognises: Callable[[bytes], bool] | None = None
    keys: frozenset[str] = frozenset()


_FORMATS: dict[str, AnnotationFormat] = {}
_HEAD_BYTES = 4096
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x19\x1b-\x1f]")  # in no text; TPS may end with Ctrl-Z


def register_format(format: AnnotationFormat) -> AnnotationFormat:
    """Add a format to those that `read_annotations` and `write_annotations` know.

    Raises:
        InvalidInputError: If there is another format of this name.
    """
    if _FORMATS.setdefault(format.name, format) is not format:
        raise InvalidInputError(f"There is already an annotation format {format.name!r}; choose another name.")
    return format


def annotation_formats() -> tuple[AnnotationFormat, ...]:
    """The registered formats, in the order of registration."""
    return tuple(_FORMATS.values())


def formats_by_ending(path: Path) -> list[AnnotationFormat]:
    """The formats whose ending a file has, the longest ending first ("x.coco.json" is COCO before any other JSON)."""
    name = path.name.lower()
    fitting = [item for item in annotation_formats() if name.endswith(item.suffixes)]
    return sorted(fitting, key=lambda item: -max(len(suffix) for suffix in item.suffixes if name.endswith(suffix)))


@contained
def read_annotations(
    path: str | Path,
    *,
    format: str | None = None,
    scheme: LandmarkScheme | None = None,
    labels: Mapping[str, str] | None = None,
    radiographs: Iterable[str | Path] = (),
    spacing: SpacingLike | None = None,
) -> list[Landmarks]:
    """Read landmarks from a file, or from all annotation files of a folder.

    Args:
        path: The file, or a folder whose files with a known ending are read in the order of their names.
        format: Name of the format; None finds it by the file's ending, and by its content where formats share one.
        scheme: The scheme that the landmarks must have; needed for a scheme that is not bundled.
        labels: Landmark by the label that stands for it in the file; see `ReadOptions`.
        radiographs: Files or folders of the radiographs; see `ReadOptions`.
        spacing: mm per pixel, one number or (row, column); see `ReadOptions`.

    Returns:
        One `Landmarks` per radiograph and observer, in the order of the file.

    Raises:
        AnnotationError: If the file is missing, empty, or not of the format.
        SchemeError: If it is of another scheme than the one asked for.
        UnknownNameError: If there is no such format, or none has the file's ending.
    """
    from farnet.formats.labels import LabelMap

    path = Path(path)
    options = ReadOptions(scheme, LabelMap(labels), tuple(map(Path, radiographs)), as_spacing(spacing))
    if path.is_dir():
        return _read_folder(path, format, options)
    return _format_for(path, format, reading=True).read(path, options)


def read_each(
    paths: Iterable[str | Path],
    *,
    labels: Mapping[str, str] | None = None,
    radiographs: Iterable[str | Path] = (),
    spacing: SpacingLike | None = None,
) -> tuple[list[Landmarks], dict[Path, str]]:
    """Read landmarks from files and folders of files; one that cannot be read does not end the reading of the others.

    Args:
        paths: Files and folders.
        labels: As `read_annotations`.
        radiographs: As `read_annotations`.
        spacing: As `read_annotations`.

    Returns:
        The landmarks, and why a file could not be read, by the file.

    Raises:
        FarnetError: As `read_annotations`, if there is but one file, or none can be read.
    """
    radiographs = list(radiographs)
    found: list[Landmarks] = []
    failed: dict[Path, FarnetError] = {}
    for file in [file for path in map(Path, paths) for file in (_known_files_of(path) if path.is_dir() else [path])]:
        try:
            found += read_annotations(file, labels=labels, radiographs=radiographs, spacing=spacing)
        except FarnetError as error:
            failed[file] = error
    if failed and not found:
        raise next(iter(failed.values()))
    return found, {file: str(error) for file, error in failed.items()}


def _files_of(folder: Path, format: str | None = None) -> list[Path]:
    """The files of a folder with the ending of a format, in the order of their names.

    Raises:
        AnnotationError: If there are none.
    """
    endings = _suffixes(_named(format) if format is not None else None)
    files = sorted(
        file
        for file in folder.iterdir()
        if file.is_file()
        and not file.name.startswith(".")
        and file.name.lower().endswith(endings)
        and file.name != SCHEME_FILE
    )
    if not files:
        raise AnnotationError(f"The folder {folder} holds no annotation files ({', '.join(endings)}).")
    return files


def _known_files_of(folder: Path, format: str | None = None) -> dict[Path, AnnotationFormat]:
    """The files of a folder and their formats, without JSON of something else, which lies in many a folder.

    What is left out is told, unless nothing else is there: then that is the error.
    """
    known: dict[Path, AnnotationFormat] = {}
    refusals: list[AnnotationError] = []
    for file in _files_of(folder, format):
        try:
            known[file] = _format_for(file, format, reading=True)
        except AnnotationError as error:
            refusals.append(error)
    if not known:
        raise refusals[0]
    for refusal in refusals:
        tell(f"Left out: {refusal}")
    return known


def _read_folder(folder: Path, format: str | None, options: ReadOptions) -> list[Landmarks]:
    return [item for file, chosen in _known_files_of(folder, format).items() for item in chosen.read(file, options)]


def write_annotations(path: str | Path, landmarks: Sequence[Landmarks], *, format: str | None = None) -> None:
    """Write landmarks to a file, all or nothing: if it fails, what stood there before is untouched.

    Args:
        path: The file; folders on its way are made.
        landmarks: At least one; some formats hold only one.
        format: Name of the format; None finds it by the file's ending.

    Raises:
        AnnotationError: If there is nothing to write, or the format cannot hold it.
        SchemeError: If the format cannot hold the scheme.
        UnknownNameError: If there is no such format, or none has the file's ending.
        OutputError: If the file cannot be written.
    """
    path = Path(path)
    chosen = _format_for(path, format, reading=False)
    if chosen.write is None:
        raise AnnotationError(f"The format {chosen.name} can be read, not written.")
    if not landmarks:
        raise AnnotationError("There are no landmarks to write; give those of at least one radiograph.")
    chosen.write(path, landmarks)


def read_text(path: Path) -> str:
    """Read a text file; line ends stay as they are.

    It is in UTF-8, or in UTF-16 with its mark, as spreadsheets save it. Text in neither of them is taken for that of
    Windows (cp1252), which is told.

    Raises:
        AnnotationError: If it is missing, empty, or no text.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise AnnotationError(f"There is no file {path}. Check the name and the folder.") from error
    except OSError as error:
        raise AnnotationError(f"The file {path} cannot be read: {error.strerror or error}.") from error
    text = _decoded(data, path)
    if not text.strip():
        raise AnnotationError(f"The file {path} is empty.")
    return text


def _decoded(data: bytes, path: Path) -> str:
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        refusal = AnnotationError(
            f"The file {path} is no text in {'UTF-16' if marked else 'UTF-8'} ({error.reason} at byte {error.start})."
        )
        if marked or _CONTROL.search(data):
            raise refusal from error
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        raise refusal from None
    tell(
        f"{path} is no text in UTF-8; it was read as text of Windows (cp1252). If letters with accents are wrong, save "
        "it as UTF-8."
    )
    return text


def _suffixes(only: AnnotationFormat | None = None) -> tuple[str, ...]:
    formats = annotation_formats() if only is None else (only,)
    return tuple(dict.fromkeys(suffix for item in formats for suffix in item.suffixes))


def _named(name: str) -> AnnotationFormat:
    if name not in _FORMATS:
        raise unknown_name("annotation format", name, _FORMATS)
    return _FORMATS[name]


def _format_for(path: Path, wanted: str | None, *, reading: bool) -> AnnotationFormat:
    if wanted is not None:
        return _named(wanted)
    candidates = formats_by_ending(path)
    if not candidates:
        raise unknown_name("ending of an annotation file:", path.suffix or path.name, _suffixes())
    if not reading:
        return next((item for item in candidates if item.write is not None), candidates[0])
    if len(candidates) == 1:
        return candidates[0]
    fitting = _fitting(candidates, path)
    if not fitting and any(item.keys for item in candidates):
        from farnet.formats.foreign_json import refuse_foreign

        refuse_foreign(path)
    return next(iter(fitting), candidates[0])


def recognised_formats(path: Path) -> list[AnnotationFormat]:
    """The formats whose ending and content a file has, the longest ending first."""
    return _fitting(formats_by_ending(path), path)


def _fitting(candidates: list[AnnotationFormat], path: Path) -> list[AnnotationFormat]:
    head = _head(path)
    keys = _keys(path) if any(item.keys for item in candidates) else frozenset()
    return [
        item
        for item in candidates
        if (item.keys <= keys if item.keys else item.recognises is None or item.recognises(head))
    ]


def _keys(path: Path) -> frozenset[str]:
    """The keys of the object that a JSON file is; none where it is something else."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return frozenset()  # the format's own reader says why
    return frozenset(content) if isinstance(content, dict) else frozenset()


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError:
        return b""  # the format's own reader says why
