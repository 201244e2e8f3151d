"""A folder of radiographs on their way through a person's hands: what was predicted, what was corrected, what is left.

Predictions are read and never written. Corrections stand in a folder of their own, one file for each radiograph, so
that saving one is quick and cannot harm another; `merged` brings them together. That points are of the radiograph on
which they are shown is checked when it is looked at (`farnet.identity`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farnet.errors import AnnotationError, FarnetError, InvalidInputError, OutputError
from farnet.formats import read_annotations, write_annotations
from farnet.identity import OtherRadiographError, RadiographId
from farnet.landmarks import Landmarks
from farnet.notices import tell
from farnet.predictions import Predictions, likeliest
from farnet.radiograph import find_radiographs, read_radiograph
from farnet.readers import stem_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from farnet.radiograph import Radiograph
    from farnet.scheme import LandmarkScheme

__all__ = ["CORRECTIONS", "ChangedElsewhereError", "Corrections", "Item"]

CORRECTIONS = "corrections"
"""Folder beside the radiographs that corrections are written to."""

_PREDICTIONS = "landmarks.csv"  # what `farnet detect FOLDER` writes


class ChangedElsewhereError(OutputError):
    """Somebody else has changed a file of corrections; what was to be written is in a file beside it."""


@dataclass(frozen=True)
class Item:
    """One radiograph of the folder.

    Attributes:
        name: File name without ending; with it where two would have the same.
        path: The radiograph.
        store: Folder of the corrections.
        kept: File of the corrections that were made when the radiograph had another name among others; None without.
    """

    name: str
    path: Path
    store: Path
    kept: Path | None = None

    @property
    def file(self) -> Path:
        """Where its corrections are, or will be."""
        return self.kept or self.store / f"{self.name}.csv"

    @property
    def corrected(self) -> bool:
        """Whether there is a file of corrections."""
        return self.file.is_file()


@dataclass
class Corrections:
    """The radiographs of a folder, their predictions and their corrections.

    Attributes:
        items: The radiographs, in the order of their names.
        predictions: Read from one file, never written; None without.
        scheme: Of the landmarks.
        store: Folder of the corrections.
        found: Hashes of the files of corrections as they were last read or written here, by name; it is how a change
            by somebody else is noticed.
    """

    items: tuple[Item, ...]
    predictions: Predictions | None
    scheme: LandmarkScheme
    store: Path
    found: dict[str, str] = field(default_factory=dict)
    _seen: dict[str, RadiographId] = field(default_factory=dict, repr=False)
    _told: set[Path] = field(default_factory=set, repr=False)

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        predictions: str | Path | None = None,
        scheme: LandmarkScheme | None = None,
        store: str | Path | None = None,
    ) -> Corrections:
        """List a folder.

        Args:
            folder: It holds the radiographs.
            predictions: A file of landmarks in any format; None takes ``landmarks.csv`` of the folder if it is there.
            scheme: What to place where nothing was predicted; needed only without predictions.
            store: Folder of the corrections; None takes `CORRECTIONS` in the folder.

        Raises:
            InvalidInputError: If there is no such folder, it holds no radiograph, or nothing tells the scheme.
            AnnotationError, SchemeError: If the predictions cannot be read, or are of another scheme.
        """
        root = Path(folder)
        if not root.is_dir():
            raise InvalidInputError(f"{root} is no folder. Choose a folder that holds radiographs.")
        store = root / CORRECTIONS if store is None else Path(store)
        files = [path for path in find_radiographs([root]) if path != root]  # itself where there is none
        if not files:
            raise InvalidInputError(
                f"{root} holds no radiographs. Choose a folder with PNG, JPEG, TIFF or DICOM files."
            )
        source = root / _PREDICTIONS if predictions is None else Path(predictions)
        predicted = Predictions.open(source, scheme) if predictions is not None or source.is_file() else None
        known = scheme or (None if predicted is None else predicted.scheme)
        if known is None:
            raise InvalidInputError(
                f"Nothing tells which landmarks to place on the radiographs of {root}: choose a scheme, or a file of "
                "predictions."
            )
        items = tuple(Item(name, path, store) for name, path in zip(_names(files), files, strict=True))
        return cls(_with_kept(items, store, known), predicted, known, store)

    def __len__(self) -> int:
        return len(self.items)

    def radiograph(self, number: int) -> Radiograph:
        """Read a radiograph.

        Raises:
            RadiographError: If it is none, or is gone.
        """
        return read_radiograph(self.items[number].path)

    def landmarks(self, number: int, radiograph: Radiograph, *, trust: bool = False) -> Landmarks:
        """Give the landmarks to go on with: corrections, else predictions, else none placed yet.

        Args:
            number: Of the item.
            radiograph: What is in its file.
            trust: A person says that they are of this radiograph, although they record another file. They record this
                one from then on, and both.

        Raises:
            OtherRadiographError: If they are of another radiograph.
            AnnotationError, SchemeError: If their file is damaged or of another scheme, or several sets of predictions
                may be meant. It is left as it is; move it away to begin anew.
        """
        item = self.items[number]
        corrected = self._corrected(item)
        source = item.file
        if corrected is not None:
            candidates = [corrected]
        elif self.predictions is not None:
            source, candidates = self.predictions.source, self.predictions.of(item.path, radiograph.sha256)
        else:
            candidates = []
        known = self._seen[item.name] = replace(RadiographId.of(radiograph), name=item.path.name)
        found, sameness = likeliest(candidates, known, item.path, source)
        if found is None:
            return self._nothing(item, radiograph, known)
        mend = (
            "Detect landmarks in this file again, or choose the predictions of these very files."
            if corrected is None
            else "Move that file away to begin anew."
        )
        if found.image_shape is not None and found.image_shape != radiograph.shape:
            raise OtherRadiographError(
                f"The landmarks of {item.name!r} in {source} are of a radiograph with {found.image_shape} pixels, but "
                f"{item.path} has {radiograph.shape}. {mend}"
            )
        if sameness == "other" and not trust:
            raise OtherRadiographError(
                f"The landmarks of {item.name!r} in {source} are of another radiograph than {item.path}: they record "
                f"{_said(found.identity)}, and it has {_said(known)}. One of the two was changed or exchanged, or they "
                f"are another patient's. {mend}"
            )
        if sameness == "unproved":
            self._tell(source)
        provenance = dict(found.provenance)
        if sameness != "same":
            if sameness == "other":
                recorded = found.identity
                provenance["taken_from"] = {"sha256": recorded.file_sha256, "pixels_sha256": recorded.pixels_sha256}
            provenance["pixels_sha256"] = known.pixels_sha256
        return found.replace(
            radiograph=item.name,
            image_shape=radiograph.shape,
            image_sha256=(found.image_sha256 if sameness == "same" else None) or radiograph.sha256,
            spacing=found.spacing or radiograph.spacing,
            provenance=provenance,
        )

    def save(self, number: int, landmarks: Landmarks) -> Path:
        """Write the corrections of a radiograph, all or nothing.

        Raises:
            OtherRadiographError: If they are of another radiograph than the one that was looked at.
            ChangedElsewhereError: If somebody else has changed the file since it was read; the corrections are then
                written beside it, and the message says where.
            OutputError: If it cannot be written.
        """
        item = self.items[number]
        seen = self._seen.get(item.name)
        if seen is not None and seen.compare(replace(landmarks.identity, name=seen.name)) == "other":
            raise OtherRadiographError(
                f"The landmarks to save are not those of {item.path} ({_said(landmarks.identity)}, and it has "
                f"{_said(seen)}), so nothing was written."
            )
        if item.corrected and _digest(item.file) != self.found.get(item.name):
            beside = item.file.with_name(f"{item.name}.conflict-{_digest(item.file)[:8]}.csv")
            write_annotations(beside, [landmarks], format="farnet-csv")
            raise ChangedElsewhereError(
                f"{item.file} was changed by somebody else since it was opened here, and is left as it is. Your "
                f"corrections are in {beside}. Compare the two and keep one."
            )
        write_annotations(item.file, [landmarks], format="farnet-csv")
        self.found[item.name] = _digest(item.file)
        return item.file

    def corrections(self) -> Iterator[Landmarks]:
        """Give all corrections that there are, in the order of the radiographs.

        Raises:
            AnnotationError, SchemeError: If a file is damaged or of another scheme.
        """
        for item in self.items:
            found = self._corrected(item)
            if found is not None:
                yield found

    def merged(self, path: str | Path) -> int:
        """Write all corrections into one file, in the format of its ending.

        Returns:
            How many radiographs it holds.

        Raises:
            InvalidInputError: If there are none, or the format holds one radiograph only.
            OutputError: If it cannot be written, or is the file of the predictions.
        """
        found = list(self.corrections())
        if not found:
            raise InvalidInputError(f"{self.store} holds no corrections yet.")
        if self.predictions is not None and Path(path).resolve() == self.predictions.source.resolve():
            raise OutputError(f"{path} holds the predictions, which are never overwritten. Choose another file.")
        write_annotations(path, found)
        return len(found)

    def _corrected(self, item: Item) -> Landmarks | None:
        if not item.corrected:
            return None
        found = read_annotations(item.file, scheme=self.scheme)
        self.found[item.name] = _digest(item.file)
        if len(found) != 1:
            raise AnnotationError(
                f"{item.file} holds the landmarks of {len(found)} radiographs, but a file of corrections holds those "
                "of one. Move it away to begin anew."
            )
        return found[0]

    def _tell(self, source: Path) -> None:
        if source not in self._told:
            self._told.add(source)
            tell(
                f"{source} does not say which files its landmarks are of, so they are shown on the radiographs of "
                "their names. Look whether they fit."
            )

    def _nothing(self, item: Item, radiograph: Radiograph, known: RadiographId) -> Landmarks:
        return Landmarks(
            points=np.full((len(self.scheme), 2), np.nan),
            scheme=self.scheme,
            spacing=radiograph.spacing,
            radiograph=item.name,
            image_shape=radiograph.shape,
            image_sha256=radiograph.sha256,
            source="by hand",
            provenance={"pixels_sha256": known.pixels_sha256},
        )


def _names(files: Sequence[Path]) -> list[str]:
    """No two alike, also where capitals do not count."""
    names = [stem_of(path) for path in files]
    for _ in range(2):  # what got its ending may now be called as another that has two
        count = Counter(name.casefold() for name in names)
        names = [path.name if count[name.casefold()] > 1 else name for path, name in zip(files, names, strict=True)]
    return names


def _with_kept(items: tuple[Item, ...], store: Path, scheme: LandmarkScheme) -> tuple[Item, ...]:
    """With the corrections that have their radiograph's name from before another one of this name came or went."""
    there = {file.stem for file in store.glob("*.csv")} - {item.name for item in items}
    claims: dict[str, list[Item]] = {}
    for item in items if there else ():
        if not item.corrected:
            for name in {stem_of(item.path), item.path.name} & there:
                claims.setdefault(name, []).append(item)
    kept: dict[str, Path] = {}
    for name, claimants in claims.items():
        file = store / f"{name}.csv"
        try:
            (identity,) = (item.identity for item in read_annotations(file, scheme=scheme))
        except (FarnetError, ValueError):
            tell(f"{file} cannot be read, though it may hold corrections of {claimants[0].path}.")
            continue
        same = [item for item in claimants if RadiographId("", _digest(item.path)).compare(identity) == "same"]
        for item in same[:1]:
            kept[item.name] = file
        if not same:
            tell(f"{file} holds corrections that are of none of {', '.join(item.path.name for item in claimants)}.")
    return tuple(replace(item, kept=kept.get(item.name)) for item in items) if kept else items


def _said(identity: RadiographId) -> str:
    if identity.file_sha256:
        return f"SHA-256 {identity.file_sha256[:12]}..."
    return f"pixels with SHA-256 {identity.pixels_sha256[:12]}..." if identity.pixels_sha256 else "no hash"


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise OutputError(f"{file} cannot be read: {error.strerror or error}.") from error
