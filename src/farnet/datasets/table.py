"""Any folder of radiographs with files of landmarks beside them, in any registered format.

Radiographs are looked for in the folder and its own folders, and so are the files of landmarks, unless they are named.
Both are paired by the name of the radiograph, without folder, ending and capital letters. A file ``scheme.json`` in the
folder, or the scheme that is given, says what the landmarks are where they are not those of a bundled scheme.

A csv file of landmarks may have a column ``split``: "train" (or empty), "validation" or "test". Radiographs of "test"
are left out, those of "validation" are held out of the training. A column ``subject`` says whose a radiograph is: those
of one person stay on one side of every split.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from farnet.errors import AnnotationError, InvalidInputError, SchemeError, UnknownNameError, unknown_name
from farnet.evaluation.pairing import listed
from farnet.formats import read_annotations, recognised_formats
from farnet.formats.csv_tables import rows_of_table
from farnet.formats.registry import read_text
from farnet.identity import radiograph_key
from farnet.landmarks import mean_landmarks
from farnet.radiograph import Radiograph, find_radiographs, read_radiograph
from farnet.readers import stem_of
from farnet.readers.image import image_size
from farnet.scheme import SCHEME_FILE, LandmarkScheme, load_scheme
from farnet.spreadsheet import restored_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from farnet.formats import AnnotationFormat
    from farnet.landmarks import Landmarks

__all__ = ["LEAST_RADIOGRAPHS", "RadiographTable", "annotation_files", "read_names", "read_splits", "read_subjects"]

LEAST_RADIOGRAPHS = 2
"""Fewer than this cannot be trained on."""

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
_MARGIN = 0.1  # a point may lie outside the picture by this part of its side; beyond, the pair does not match
_SPLITS = {
    "": "train",
    "train": "train",
    "training": "train",
    "validation": "validation",
    "val": "validation",
    "test": "test",
}


class RadiographTable:
    """The radiographs of a folder that have landmarks.

    Which radiographs and landmarks there are, that they belong to each other and to one scheme, and that the points lie
    on the pictures is checked at once; the pixels are read when they are asked for.

    Args:
        root: The folder.
        annotations: Files or folders of landmarks; without any they are looked for in the folder.
        scheme: What the landmarks are; None finds it (see the module).
        observer: Whose landmarks count where a radiograph has those of several: a name, or "mean" of all.
        labels: The landmark of the scheme by its label in the files, where these have labels of their own.

    Attributes:
        scheme: The scheme of all landmarks.
        validation: Names of the radiographs that a column ``split`` holds out.
        subjects: Whose each radiograph is, by the column ``subject``; without it, every radiograph is its own person.
        without_landmarks: Names of radiographs that no file has landmarks of; they are left out.
        without_radiograph: Names in the files of landmarks that no radiograph has; they are left out.

    Raises:
        InvalidInputError: There is no folder, it has too few radiographs with landmarks, or two radiographs have one
            name.
        AnnotationError: There are no landmarks, a file of them is malformed, or a point is far outside its radiograph.
        SchemeError: The landmarks are of several schemes, or of one that is not known.
        UnknownNameError: There is no such observer.
    """

    def __init__(
        self,
        root: str | Path,
        annotations: Sequence[str | Path] = (),
        *,
        scheme: LandmarkScheme | None = None,
        observer: str = "mean",
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise InvalidInputError(
                f"There is no folder {self.root}. Give the folder of the radiographs and their files of landmarks."
            )
        paths = _radiographs(self.root)
        if scheme is None and (self.root / SCHEME_FILE).is_file():
            scheme = load_scheme(self.root / SCHEME_FILE)
        files = [Path(item) for item in annotations] or annotation_files(self.root, paths)
        read = _read(files, scheme, labels, {path.parent for path in paths.values()})
        self.scheme = _one_scheme(read)
        splits, subjects = read_splits(files), read_subjects(files)
        _check_persons(splits, subjects)
        found = _of_observer(_grouped(read), observer)
        self.without_radiograph = tuple(item.radiograph for key, item in found.items() if key not in paths)
        self.without_landmarks = tuple(stem_of(paths[key]) for key in sorted(paths) if key not in found)
        used = [key for key in sorted(paths) if key in found and splits.get(key) != "test"]
        if len(used) < LEAST_RADIOGRAPHS:
            raise InvalidInputError(_too_few(self, used, paths, found, files))
        self._paths = [paths[key] for key in used]
        self._landmarks = [found[key] for key in used]
        self.ids: tuple[str, ...] = tuple(stem_of(path) for path in self._paths)
        self.validation = tuple(
            name for name, key in zip(self.ids, used, strict=True) if splits.get(key) == "validation"
        )
        self.subjects = tuple(subjects.get(key, name) for name, key in zip(self.ids, used, strict=True))
        for index, path in enumerate(self._paths):
            if path.suffix.lower() in _PICTURES:
                self._check(index, image_size(path))

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"RadiographTable({str(self.root)!r}), {len(self)} radiographs of scheme {self.scheme.name!r}"

    def path(self, index: int) -> Path:
        """The file of a radiograph."""
        return self._paths[index]

    def radiograph(self, index: int) -> Radiograph:
        """Read a radiograph; where its file does not tell the spacing, that of its landmarks holds.

        Raises:
            RadiographError: If the file cannot be read.
            AnnotationError: If a point is far outside, which for some formats is known only now.
        """
        radiograph = read_radiograph(self._paths[index], checksum=False)
        self._check(index, radiograph.shape)
        known = self._landmarks[index].spacing
        if radiograph.spacing is None and known is not None:
            return Radiograph(radiograph.pixels, spacing=known, path=radiograph.path, name=self.ids[index])
        return radiograph

    def landmarks(self, index: int) -> Landmarks:
        """The landmarks of a radiograph; NaN is absent."""
        return self._landmarks[index].replace(radiograph=self.ids[index])

    def _check(self, index: int, shape: tuple[int, int]) -> None:
        """Refuse landmarks that are not of a picture of this shape."""
        landmarks, path = self._landmarks[index], self._paths[index]
        if landmarks.image_shape is not None and landmarks.image_shape != shape:
            raise AnnotationError(
                f"The landmarks of {landmarks.radiograph!r} were placed on a picture of "
                f"{_size(landmarks.image_shape)}, but {path} has {_size(shape)}. The radiograph has been resized or "
                "cropped since, or another one has its name: use the picture that the landmarks were placed on."
            )
        margin = _MARGIN * np.asarray(shape)
        with np.errstate(invalid="ignore"):
            outside = ((landmarks.points < -margin) | (landmarks.points > np.asarray(shape) + margin)).any(axis=1)
        if outside.any():
            k = int(np.flatnonzero(outside)[0])
            row, column = landmarks.points[k]
            raise AnnotationError(
                f"Landmark {self.scheme.names[k]!r} of {landmarks.radiograph!r} is at row {row:g}, column {column:g}, "
                f"far outside {path}, which has {_size(shape)}. The landmarks belong to another radiograph, or it has "
                "been resized."
            )


def annotation_files(root: Path, radiographs: Iterable[str]) -> list[Path]:
    """The files of landmarks in a folder and its own folders, in the order of their names.

    A file counts if its ending and its content are those of a format; one of a format that holds a single
    radiograph must have that radiograph's name too, so that a README.txt is none.

    Args:
        root: The folder.
        radiographs: Keys (`radiograph_key`) of the radiographs.
    """
    keys = set(radiographs)
    found = []
    for path in sorted(root.rglob("*")):
        if any(part.startswith(".") for part in path.relative_to(root).parts) or not path.is_file():
            continue
        if path.name == SCHEME_FILE:
            continue
        fitting = recognised_formats(path)
        if any(item.holds_many or radiograph_key(_stem(path, item)) in keys for item in fitting):
            found.append(path)
    return found


def _stem(path: Path, format: AnnotationFormat) -> str:
    """Name of a file without the ending of its format."""
    ending = max((suffix for suffix in format.suffixes if path.name.lower().endswith(suffix)), key=len)
    return path.name[: -len(ending)]


def read_names(path: Path, known: Sequence[str]) -> tuple[str, ...]:
    """Read a list of radiographs from a text file, one name a line; empty lines and those after # do not count.

    Args:
        path: The file.
        known: The names that there are.

    Returns:
        Those of `known` that are listed, in the order of `known`.

    Raises:
        AnnotationError: The file is missing, empty, or lists what there is not.
    """
    by_key = {radiograph_key(name): name for name in known}
    lines = [line.split("#", 1)[0].strip() for line in read_text(path).splitlines()]
    wanted = [line for line in lines if line]
    strangers = [line for line in wanted if radiograph_key(line) not in by_key]
    if strangers or not wanted:
        raise AnnotationError(
            f"{path} lists {listed(strangers) or 'nothing'}; "
            f"there {'are radiographs' if known else 'is'} {listed(known) or 'nothing'}. Write one name a line."
        )
    keys = {radiograph_key(line) for line in wanted}
    return tuple(name for name in known if radiograph_key(name) in keys)


def _radiographs(root: Path) -> dict[str, Path]:
    """The radiographs of a folder by their key."""
    found: dict[str, Path] = {}
    for path in find_radiographs([root], recursive=True):
        if path == root:
            raise InvalidInputError(f"The folder {root} holds no radiographs (png, jpg, bmp, tif, DICOM, ...).")
        key = radiograph_key(path.name)
        if key in found:
            raise InvalidInputError(
                f"Two radiographs have the name {stem_of(path)!r}: {found[key]} and {path}. Landmarks are matched by "
                "name: rename one of them, or take it out of the folder."
            )
        found[key] = path
    return found


def _read(
    files: Sequence[Path],
    scheme: LandmarkScheme | None,
    labels: Mapping[str, str] | None,
    radiographs: Iterable[Path],
) -> list[Landmarks]:
    """The landmarks in files; `radiographs` are the folders where radiographs are."""
    places = list(radiographs)
    read = [item for path in files for item in read_annotations(path, scheme=scheme, labels=labels, radiographs=places)]
    if not read:
        raise AnnotationError(
            "The folder has no file of landmarks. Put one beside the radiographs: a csv of this project, COCO "
            "(.coco.json), TPS, or for each radiograph a labelme, 3D Slicer (.mrk.json) or ISBI (.txt) file of its "
            "name."
        )
    return read


def _one_scheme(read: Sequence[Landmarks]) -> LandmarkScheme:
    schemes = {item.scheme.name: item for item in read}
    if len(schemes) > 1:
        examples = ", ".join(f"{name!r} ({item.radiograph})" for name, item in schemes.items())
        raise SchemeError(f"The landmarks are of several schemes: {examples}. Train on one of them at a time.")
    return read[0].scheme


def _grouped(read: Iterable[Landmarks]) -> dict[str, list[Landmarks]]:
    """The landmarks of each radiograph, by its key."""
    found: dict[str, list[Landmarks]] = {}
    for item in read:
        key = radiograph_key(item.radiograph)
        if not key:
            raise AnnotationError("Some landmarks name no radiograph, so they cannot be matched; name it in the file.")
        others = found.setdefault(key, [])
        if any(other.source == item.source for other in others):
            raise AnnotationError(
                f"The radiograph {item.radiograph!r} has landmarks twice"
                + (f" from {item.source!r}" if item.source else "")
                + "; keep one of them."
            )
        others.append(item)
    return found


def _of_observer(groups: dict[str, list[Landmarks]], observer: str) -> dict[str, Landmarks]:
    if observer == "mean":
        return {key: items[0] if len(items) == 1 else mean_landmarks(items) for key, items in groups.items()}
    sources = list(dict.fromkeys(item.source for items in groups.values() for item in items))
    if observer not in sources:
        raise unknown_name("observer:", observer, ["mean", *filter(None, sources)])
    return {key: item for key, items in groups.items() for item in items if item.source == observer}


def read_splits(files: Sequence[Path]) -> dict[str, str]:
    """What the column ``split`` of the csv files says of each radiograph, by its key.

    Raises:
        UnknownNameError: It says something else than train, validation and test.
        AnnotationError: The rows of a radiograph disagree.
    """
    splits: dict[str, str] = {}
    for cell in _column(files, "split"):
        said = cell.value.lower()
        if said not in _SPLITS:
            raise UnknownNameError(
                f"{cell.where}: split is {cell.value!r}; it must be train, validation, test or empty."
            )
        if splits.setdefault(radiograph_key(cell.radiograph), _SPLITS[said]) != _SPLITS[said]:
            raise AnnotationError(f"{cell.where}: the rows of radiograph {cell.radiograph!r} disagree about its split.")
    return splits


def read_subjects(files: Sequence[Path]) -> dict[str, str]:
    """Whose each radiograph is, by its key, as the column ``subject`` of the csv files says; without the empty ones.

    Raises:
        AnnotationError: The rows of a radiograph disagree.
    """
    subjects: dict[str, str] = {}
    for cell in _column(files, "subject"):
        if cell.value and subjects.setdefault(radiograph_key(cell.radiograph), cell.value) != cell.value:
            raise AnnotationError(
                f"{cell.where}: the rows of radiograph {cell.radiograph!r} disagree about its subject."
            )
    return subjects


class _Cell(NamedTuple):
    where: str
    radiograph: str
    value: str


def _column(files: Sequence[Path], column: str) -> Iterator[_Cell]:
    """The cells of one column of those csv files that have it."""
    for path in files:
        if path.is_dir() or path.suffix.lower() != ".csv":
            continue
        rows = rows_of_table(read_text(path), path)
        if column not in next(rows, (0, {}))[1]:
            continue
        for number, row in rows:
            radiograph = restored_cell(row.get("radiograph", ""))
            yield _Cell(f"{path}, line {number}", radiograph, row[column].strip())


def _check_persons(splits: dict[str, str], subjects: dict[str, str]) -> None:
    """Refuse a person whose radiographs are on both sides of the column ``split``."""
    side: dict[str, tuple[str, str]] = {}
    for key, person in subjects.items():
        split = splits.get(key, "train")
        first, before = side.setdefault(person, (key, split))
        if before != split:
            raise AnnotationError(
                f"The subject {person!r} has radiographs for {before} ({first}) and for {split} ({key}), so that the "
                "second would test what the first has taught. Give all of a person the same split."
            )


def _too_few(
    table: RadiographTable,
    used: Sequence[str],
    paths: dict[str, Path],
    found: dict[str, Landmarks],
    files: Sequence[Path],
) -> str:
    test = sum(key in paths and key not in used for key in found)
    parts = [
        f"{len(paths)} radiographs and {len(found)} sets of landmarks (in {listed(str(path) for path in files)})",
        f"of which {len(used)} belong together and are for training; at least {LEAST_RADIOGRAPHS} are needed",
    ]
    if test:
        parts.append(f"{test} are marked for testing")
    if table.without_radiograph:
        parts.append(f"landmarks without a radiograph: {listed(table.without_radiograph)}")
    if table.without_landmarks:
        parts.append(f"radiographs without landmarks: {listed(table.without_landmarks)}")
    return f"{table.root} has {'; '.join(parts)}. They are matched by the name of the radiograph."


def _size(shape: tuple[int, int]) -> str:
    return f"{shape[1]} x {shape[0]} px"
