"""A folder of radiographs on their way through a person's hands: what was predicted, what was corrected, what is left.

Predictions are read and never written. Corrections stand in a folder of their own, one file for each radiograph, so
that saving one is quick and cannot harm another; `merged` brings them together.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farnet.errors import AnnotationError, InvalidInputError, OutputError
from farnet.formats import read_annotations, write_annotations
from farnet.landmarks import Landmarks
from farnet.radiograph import find_radiographs, read_radiograph
from farnet.readers import stem_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farnet.radiograph import Radiograph
    from farnet.scheme import LandmarkScheme

__all__ = ["CORRECTIONS", "Corrections", "Item"]

CORRECTIONS = "corrections"
"""Folder beside the radiographs that corrections are written to."""

_PREDICTIONS = "landmarks.csv"  # what `farnet detect FOLDER` writes


@dataclass(frozen=True)
class Item:
    """One radiograph of the folder.

    Attributes:
        name: File name without ending; with its folder where two would have the same.
        path: The radiograph.
        file: Where its corrections are, or will be.
    """

    name: str
    path: Path
    file: Path

    @property
    def corrected(self) -> bool:
        """Whether there is a file of corrections."""
        return self.file.is_file()


@dataclass
class Corrections:
    """The radiographs of a folder, their predictions and their corrections.

    Attributes:
        items: The radiographs, in the order of their names.
        predictions: By name; read from one file, never written.
        scheme: Of the landmarks.
        store: Folder of the corrections.
        source: File of the predictions; None without.
        found: Hashes of the files of corrections as they were last read or written here, by name; it is how a change
            by somebody else is noticed.
    """

    items: tuple[Item, ...]
    predictions: dict[str, Landmarks]
    scheme: LandmarkScheme
    store: Path
    source: Path | None = None
    found: dict[str, str] = field(default_factory=dict)

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
        files = [path for path in find_radiographs([root]) if path.is_file()]
        if not files:
            raise InvalidInputError(
                f"{root} holds no radiographs. Choose a folder with PNG, JPEG, TIFF or DICOM files."
            )
        source = root / _PREDICTIONS if predictions is None else Path(predictions)
        predicted: dict[str, Landmarks] = {}
        if predictions is not None or source.is_file():
            for item in read_annotations(source, scheme=scheme):
                if predicted.setdefault(_key(item.radiograph), item) is not item:
                    raise AnnotationError(
                        f"{source} holds two sets of landmarks of the radiograph {item.radiograph!r}. Choose a file "
                        "with one for each."
                    )
        schemes = {item.scheme.name: item.scheme for item in predicted.values()}
        if len(schemes) > 1:
            raise AnnotationError(f"{source} mixes the schemes {', '.join(schemes)}. Choose a file of one scheme.")
        known = scheme or next(iter(schemes.values()), None)
        if known is None:
            raise InvalidInputError(
                f"Nothing tells which landmarks to place on the radiographs of {root}: choose a scheme, or a file of "
                "predictions."
            )
        stems = [stem_of(path) for path in files]
        names = [path.name if stems.count(stem) > 1 else stem for path, stem in zip(files, stems, strict=True)]
        items = tuple(Item(name, path, store / f"{name}.csv") for name, path in zip(names, files, strict=True))
        return cls(items, predicted, known, store, source if predicted else None)

    def __len__(self) -> int:
        return len(self.items)

    def radiograph(self, number: int) -> Radiograph:
        """Read a radiograph.

        Raises:
            RadiographError: If it is none, or is gone.
        """
        return read_radiograph(self.items[number].path)

    def landmarks(self, number: int, radiograph: Radiograph) -> Landmarks:
        """Give the landmarks to go on with: corrections, else predictions, else none placed yet.

        Raises:
            AnnotationError, SchemeError: If the file of corrections is damaged or of another scheme. It is left as it
                is; move it away to begin anew.
        """
        item = self.items[number]
        found = (
            self._corrected(item) or self.predictions.get(_key(item.name)) or self.predictions.get(_key(item.path.name))
        )
        if found is None:
            return self._nothing(item, radiograph)
        if found.image_shape is not None and found.image_shape != radiograph.shape:
            raise AnnotationError(
                f"The landmarks of {item.name!r} are of a radiograph with {found.image_shape} pixels, but {item.path} "
                f"has {radiograph.shape}. Choose the predictions of these very files."
            )
        return found.replace(
            radiograph=item.name,
            image_shape=radiograph.shape,
            image_sha256=found.image_sha256 or radiograph.sha256,
            spacing=found.spacing or radiograph.spacing,
        )

    def save(self, number: int, landmarks: Landmarks) -> Path:
        """Write the corrections of a radiograph, all or nothing.

        Raises:
            OutputError: If somebody else has changed the file since it was read (the corrections are then written
                beside it, and the message says where), or it cannot be written.
        """
        item = self.items[number]
        if item.corrected and _digest(item.file) != self.found.get(item.name):
            beside = item.file.with_name(f"{item.name}.conflict-{_digest(item.file)[:8]}.csv")
            write_annotations(beside, [landmarks], format="farnet-csv")
            raise OutputError(
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
        if self.source is not None and Path(path).resolve() == self.source.resolve():
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

    def _nothing(self, item: Item, radiograph: Radiograph) -> Landmarks:
        return Landmarks(
            points=np.full((len(self.scheme), 2), np.nan),
            scheme=self.scheme,
            spacing=radiograph.spacing,
            radiograph=item.name,
            image_shape=radiograph.shape,
            image_sha256=radiograph.sha256,
            source="by hand",
        )


def _key(name: str) -> str:
    from farnet.identity import radiograph_key

    return radiograph_key(name)


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise OutputError(f"{file} cannot be read: {error.strerror or error}.") from error
