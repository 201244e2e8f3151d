"""The radiographs and landmarks of some data, with what is wrong with them, where a reader would refuse them all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from farnet.checking.findings import Finding, finding
from farnet.errors import FarnetError, InvalidInputError, per_file
from farnet.evaluation.pairing import listed
from farnet.identity import radiograph_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from farnet.datasets.named import DatasetKind, LandmarkDataset
    from farnet.landmarks import Landmarks
    from farnet.scheme import LandmarkScheme

__all__ = ["Gathered", "Item", "gather"]


@dataclass(eq=False)
class Item:
    """A radiograph and what belongs to it.

    Attributes:
        name: Its name.
        path: Its file; None where there is none.
        landmarks: Its landmarks, the mean where there are several observers; None without any.
        observers: Landmarks by each observer, where there are several.
        doubtful: Why its landmarks are known to be doubtful; empty where they are not.
    """

    name: str
    path: Path | None = None
    landmarks: Landmarks | None = None
    observers: list[Landmarks] = field(default_factory=list)
    doubtful: str = ""


@dataclass(eq=False)
class Gathered:
    """What there is.

    Attributes:
        title: What kind of data it is.
        items: Radiographs in order of their names.
        scheme: The scheme of the landmarks; None where there is none, or several.
        training: Names of those in the customary training part; empty where parts are not known.
        test: Likewise of the test.
        findings: What is wrong.
    """

    title: str
    items: list[Item] = field(default_factory=list)
    scheme: LandmarkScheme | None = None
    training: frozenset[str] = frozenset()
    test: frozenset[str] = frozenset()
    findings: list[Finding] = field(default_factory=list)


def gather(
    folder: Path,
    dataset: str = "auto",
    split: str = "",
    annotations: Sequence[Path] = (),
    *,
    labels: Mapping[str, str] | None = None,
) -> Gathered:
    """Gather what a folder holds.

    Args:
        folder: A published data set, or any folder of radiographs with files of landmarks.
        dataset: What it is; "auto" tells by the names in it, "table" is any folder.
        split: The part of a published data set; empty is all of it.
        annotations: Files of landmarks that are elsewhere; for any folder.
        labels: The landmark by its label in the files, where these have labels of their own.

    Raises:
        InvalidInputError: If there is no such folder or file of landmarks, or a part or file is given where it means
            nothing.
        UnknownNameError: If there is no such data set or split.
    """
    from farnet.datasets.named import dataset_kind, recognise

    kind = recognise(folder)
    if dataset == "table" or (dataset == "auto" and kind is None):
        if split:
            raise InvalidInputError(
                f"--split {split} is a part of a published data set, and {folder} is your own folder; leave it out."
            )
        for file in annotations:
            if not file.is_file():
                raise InvalidInputError(f"--annotations {file}: there is no such file.")
        return _any_folder(folder, annotations, labels)
    known = dataset_kind(dataset) if dataset != "auto" else kind
    assert known is not None, "a folder without a kind is any folder"
    if annotations:
        raise InvalidInputError(
            f"--annotations is for a folder of your own, and {folder} is taken for {known.title}, which has landmarks "
            "of its own. Leave it out, or give --dataset table."
        )
    return _published(known, folder, split)


def _published(kind: DatasetKind, folder: Path, split: str) -> Gathered:
    gathered = Gathered(f"{kind.title}, {kind.splits.get(split, 'all parts')}")
    data = _opened(kind, folder, split or "all", gathered)
    if data is None:
        gathered.items = _pictures_alone(folder)
        return gathered
    gathered.scheme = getattr(data, "scheme", None)
    for index, name in enumerate(data.ids):
        item = Item(name, data.path(index), doubtful=data.suspects.get(name, ""))
        try:
            with per_file(name):
                item.landmarks = data.landmarks(index)
                item.observers = [data.observer_landmarks(index, who) for who in data.observers]
        except FarnetError as error:
            gathered.findings.append(finding("unreadable data", str(error), [name]))
        gathered.items.append(item)
    for attribute, what in (
        ("without_image", "landmarks without a radiograph"),
        ("without_landmarks", "radiograph without landmarks"),
    ):
        names = tuple(getattr(data, attribute, ()))
        if names:
            gathered.findings.append(finding(what, f"{len(names)}: {listed(names)}.", names))
    if not split:
        for parts in _customary_parts(kind):
            _tell_leaks(gathered, *(_part(kind, folder, part) for part in parts))
    return gathered


def _customary_parts(kind: DatasetKind) -> list[tuple[str, str]]:
    """(training, test) that figures are published for: one pair, or those of every fold."""
    usual = kind.training_split, kind.test_split
    if not usual[0].endswith("-train"):
        return [usual]
    folds = [part.removesuffix("-train") for part in kind.splits if part.endswith("-train")]
    return [(f"{fold}-train", f"{fold}-test") for fold in folds]


def _part(kind: DatasetKind, folder: Path, part: str) -> LandmarkDataset | None:
    from farnet.datasets.named import open_dataset

    try:
        return open_dataset(kind.name, folder, split=part)
    except FarnetError:
        return None  # this copy lacks the part; what there is was checked


def _pictures_alone(folder: Path) -> list[Item]:
    """The radiographs of a folder whose landmarks cannot be read."""
    from farnet.radiograph import find_radiographs
    from farnet.readers import stem_of

    return [Item(stem_of(path), path) for path in find_radiographs([folder], recursive=True) if path != folder]


def _opened(kind: DatasetKind, folder: Path, split: str, gathered: Gathered) -> LandmarkDataset | None:
    from farnet.datasets.named import open_dataset
    from farnet.errors import UnknownNameError

    try:
        with per_file(folder):
            return open_dataset(kind.name, folder, split=split)
    except UnknownNameError:
        raise
    except FarnetError as error:
        gathered.findings.append(finding("unreadable data", str(error)))
        return None


def _tell_leaks(gathered: Gathered, training: LandmarkDataset | None, test: LandmarkDataset | None) -> None:
    if training is None or test is None:
        return
    if not gathered.training:  # of several folds the first, for pictures that are in both parts
        gathered.training, gathered.test = frozenset(training.ids), frozenset(test.ids)
    from farnet.datasets.folds import leaked_subjects

    for person in leaked_subjects(training.subjects, test.subjects):
        names = [
            name
            for data in (training, test)
            for name, who in zip(data.ids, data.subjects, strict=True)
            if who == person
        ]
        message = f"{person} is in {training.split} and in {test.split}: {listed(names)}."
        gathered.findings.append(finding("person in both parts", message, names))


def _any_folder(folder: Path, annotations: Sequence[Path], labels: Mapping[str, str] | None) -> Gathered:
    from farnet.datasets.table import annotation_files, read_splits, read_subjects
    from farnet.formats import read_annotations
    from farnet.radiograph import find_radiographs
    from farnet.readers import stem_of
    from farnet.scheme import load_scheme

    gathered = Gathered("Radiographs with files of landmarks")
    paths: dict[str, Path] = {}
    for path in find_radiographs([folder], recursive=True):
        if path == folder:
            break
        key = radiograph_key(path.name)
        if key in paths:
            message = f"{paths[key]} and {path} have one name, by which landmarks are matched; rename one."
            gathered.findings.append(finding("same name", message, [stem_of(path)]))
        paths.setdefault(key, path)
    own, scheme = folder / "scheme.json", None
    if own.is_file():
        try:
            with per_file(own):
                scheme = load_scheme(own)
        except FarnetError as error:
            gathered.findings.append(finding("unreadable data", str(error)))
    groups: dict[str, list[Landmarks]] = {}
    files = list(annotations) or annotation_files(folder, paths)
    places = {path.parent for path in paths.values()}
    subjects: dict[str, str] = {}
    try:
        with per_file(folder):
            splits, subjects = read_splits(files), read_subjects(files)
    except FarnetError as error:
        splits = {}
        gathered.findings.append(finding("unreadable data", str(error)))
    for file in files:
        try:
            read = read_annotations(file, scheme=scheme, labels=labels, radiographs=places)
        except FarnetError as error:
            gathered.findings.append(finding("unreadable data", str(error)))
            continue
        for found in read:
            others = groups.setdefault(radiograph_key(found.radiograph), [])
            if any(other.source == found.source for other in others):
                by = f" by {found.source}" if found.source else ""
                message = f"{found.radiograph} has landmarks twice{by} (again in {file}); keep one of them."
                gathered.findings.append(finding("same name", message, [found.radiograph]))
                continue
            others.append(found)
    names = {item.scheme.name: item.scheme for each in groups.values() for item in each}
    if len(names) > 1:
        message = f"The landmarks are of {len(names)} schemes: {listed(sorted(names))}. Train on one at a time."
        gathered.findings.append(finding("mixed schemes", message))
    gathered.scheme = next(iter(names.values())) if len(names) == 1 else None
    for key in sorted(paths.keys() | groups.keys()):
        each = groups.get(key, [])
        item = Item(stem_of(paths[key]) if key in paths else each[0].radiograph, paths.get(key))
        if len({one.scheme.name for one in each}) == 1:
            item.landmarks = each[0]
            if len(each) > 1:
                _take_observers(item, each, gathered)
        gathered.items.append(item)
        if key not in paths:
            message = f"{item.name} has landmarks, but no radiograph has that name."
            gathered.findings.append(finding("landmarks without a radiograph", message, [item.name]))
        elif not each:
            message = f"{item.name} has no landmarks."
            gathered.findings.append(finding("radiograph without landmarks", message, [item.name]))
    sides = {
        side: frozenset(
            item.name for item in gathered.items if (splits.get(radiograph_key(item.name)) == "test") is test
        )
        for side, test in (("training", False), ("test", True))
    }
    if sides["test"]:
        gathered.training, gathered.test = sides["training"], sides["test"]
    _tell_persons(gathered, splits, subjects)
    if not paths:
        gathered.findings.append(finding("unreadable data", f"{folder} holds no radiographs (png, jpg, DICOM, ...)."))
    if not groups:
        gathered.findings.append(finding("unreadable data", f"{folder} holds no landmarks that can be read."))
    return gathered


def _tell_persons(gathered: Gathered, splits: dict[str, str], subjects: dict[str, str]) -> None:
    """Persons with radiographs in several parts of a folder of one's own."""
    persons: dict[str, dict[str, list[str]]] = {}
    for item in gathered.items:
        key = radiograph_key(item.name)
        if key in subjects:
            persons.setdefault(subjects[key], {}).setdefault(splits.get(key, "train"), []).append(item.name)
    for person, parts in persons.items():
        if len(parts) > 1:
            names = [name for part in parts.values() for name in part]
            message = f"{person} is in {' and in '.join(parts)}: {listed(names)}."
            gathered.findings.append(finding("person in both parts", message, names))


def _take_observers(item: Item, each: Sequence[Landmarks], gathered: Gathered) -> None:
    """Several observers and their mean; where they are of different pictures, the first stands for all."""
    from farnet.landmarks import mean_landmarks

    named = [one.replace(radiograph=item.name) for one in each]
    try:
        item.landmarks = mean_landmarks(named)
    except FarnetError as error:
        gathered.findings.append(finding("observers do not match", f"{item.name}: {error}", [item.name]))
        return
    item.observers = named
