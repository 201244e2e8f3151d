"""Radiographs and landmarks of open layers, written to a folder that a training reads.

What is trained on is then a copy: layers may be changed, closed and removed while the training runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from farnet.datasets.table import LEAST_RADIOGRAPHS
from farnet.errors import InvalidInputError, SchemeError
from napari_farnet.threads import Failure, Progress

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from farnet.landmarks import Landmarks
    from farnet.radiograph import Radiograph
    from napari_farnet.record import Index, LandmarkRecord
    from napari_farnet.sources import RadiographSource

__all__ = ["Pair", "check_pairs", "count_radiographs", "write_pairs"]

_CSV = "landmarks.csv"
_SCHEME = "scheme.json"


@dataclass(frozen=True)
class Pair:
    """Radiographs of an image layer and the landmarks of a points layer, as they were when they were taken down.

    Attributes:
        source: The radiographs.
        record: Their landmarks.
    """

    source: RadiographSource
    record: LandmarkRecord

    @property
    def items(self) -> list[tuple[Index, Landmarks]]:
        """Where each radiograph is that has a landmark, and its landmarks."""
        inside = set(self.source.indices)
        return [
            (index, landmarks)
            for index, landmarks in zip(self.record.indices, self.record.landmarks, strict=True)
            if index in inside and landmarks.present.any()
        ]


def count_radiographs(pairs: Sequence[Pair]) -> int:
    """How many radiographs with landmarks there are."""
    return sum(len(pair.items) for pair in pairs)


def check_pairs(pairs: Sequence[Pair]) -> None:
    """See that pairs can be trained on.

    Raises:
        InvalidInputError: There are too few radiographs with landmarks, or a layer is there twice.
        SchemeError: Their landmarks are of several schemes.
    """
    schemes = {pair.record.scheme.name for pair in pairs}
    if len(schemes) > 1:
        raise SchemeError(
            f"The landmarks are of several schemes: {', '.join(sorted(schemes))}. Train on one at a time."
        )
    names = [pair.source.name for pair in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidInputError(f"The image {twice!r} is in the list twice; remove one of the two.")
    count = count_radiographs(pairs)
    if count < LEAST_RADIOGRAPHS:
        raise InvalidInputError(
            f"Radiographs with landmarks: {count}. A training needs at least {LEAST_RADIOGRAPHS}, and a good one many "
            "more. Add images with their landmarks to the list."
        )


def write_pairs(
    stop: threading.Event, pairs: Sequence[Pair], folder: Path
) -> Generator[Progress, None, Path | Failure | None]:
    """Write radiographs (PNG of 8 or 16 bits) and a csv of their landmarks; a generator for `threads.start`.

    Args:
        stop: Set when nobody wants it any more.
        pairs: Radiographs and landmarks.
        folder: Where; made if needed. What an attempt before left there is deleted.

    Returns:
        The folder, or why it could not be written; None if it was stopped.
    """
    try:
        import json
        import shutil

        from farnet.atomic import write_text_atomic
        from farnet.formats import write_annotations
        from farnet.scheme import bundled_schemes

        if folder.exists():
            shutil.rmtree(folder)
        total = count_radiographs(pairs)
        written: list[Landmarks] = []
        for pair in pairs:
            for index, landmarks in pair.items:
                yield Progress(len(written), total, f"Writing radiograph {len(written) + 1} of {total}")
                if stop.is_set():
                    return None
                radiograph = pair.source.read(index)
                name = f"{len(written) + 1:04d}-{_safe(pair.source.label(index))}"
                _write_picture(folder / f"{name}.png", radiograph)
                written.append(
                    landmarks.replace(
                        radiograph=name,
                        image_shape=radiograph.shape,
                        image_sha256=None,
                        spacing=landmarks.spacing or radiograph.spacing,
                    )
                )
        write_annotations(folder / _CSV, written)
        scheme = written[0].scheme
        if scheme.name not in bundled_schemes():
            write_text_atomic(folder / _SCHEME, json.dumps(scheme.to_dict(), ensure_ascii=False))
        return folder
    except Exception as error:  # every end must be reported: see `threads.start`
        return Failure(error)


def _write_picture(path: Path, radiograph: Radiograph) -> None:
    """Write pixels as PNG: 8 and 16 bits as they are, floating point spread over 16."""
    from PIL import Image

    from farnet.atomic import atomic_path

    pixels = radiograph.pixels
    if pixels.dtype == np.float32:
        low, high = float(pixels.min()), float(pixels.max())
        pixels = np.rint((pixels - low) * (65535.0 / (high - low))).astype(np.uint16)
    with atomic_path(path) as temporary:
        Image.fromarray(pixels).save(temporary)


def _safe(text: str) -> str:
    """A name that every system takes for a file."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:60] or "radiograph"
