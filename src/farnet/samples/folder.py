"""The synthetic cephalograms as files, laid out so that every command of `farnet` can be tried on them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from farnet.errors import InvalidInputError

__all__ = ["write_samples"]


def write_samples(
    folder: str | Path, count: int = 8, seed: int = 2015, observers: int = 2, *, force: bool = False
) -> list[Path]:
    """Write synthetic cephalograms, their landmarks, and what made-up observers placed.

    The folder then holds ``radiographs/synthetic-01.png``, ..., ``radiographs/truth.csv``, and
    ``observers/observer-1.csv``, ... (farnet-csv). The observers have a folder of their own, so that the radiographs'
    folder is a data set with one set of landmarks.

    Args:
        folder: Where; it is made if need be.
        count: How many radiographs; see `synthetic_cephalograms`.
        seed: Of the random numbers.
        observers: How many observers; 0 for none.
        force: Overwrite files that are there.

    Returns:
        The files: radiographs, truth, observers.

    Raises:
        InvalidInputError: If the count, the seed or the number of observers is out of range, or a file is there and
            `force` is not set.
        OutputError: If a file cannot be written.
    """
    from PIL import Image, PngImagePlugin

    from farnet.atomic import write_bytes_atomic
    from farnet.formats import write_annotations
    from farnet.samples.observers import noisy_observers
    from farnet.samples.synthetic import synthetic_cephalograms

    if observers < 0:
        raise InvalidInputError(f"{observers} observers were asked for; 0 or more can be made.")
    made = synthetic_cephalograms(count, seed)
    root = Path(folder)
    pictures = [root / "radiographs" / f"{radiograph.name}.png" for radiograph, _ in made]
    truth = root / "radiographs" / "truth.csv"
    tables = [root / "observers" / f"observer-{number}.csv" for number in range(1, observers + 1)]
    files = [*pictures, truth, *tables]
    there = [path for path in files if path.exists()]
    if there and not force:
        raise InvalidInputError(f"{there[0]} is there already; choose another folder, or overwrite it on purpose.")
    landmarks = []
    for path, (radiograph, item) in zip(pictures, made, strict=True):
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Title", "Synthetic lateral cephalogram, no person's radiograph")
        if radiograph.spacing is not None:
            notes.add_text("Pixel spacing", f"{radiograph.spacing[0]:g} mm")
        file = io.BytesIO()
        Image.fromarray(radiograph.pixels).save(file, format="PNG", pnginfo=notes)
        write_bytes_atomic(path, file.getvalue())
        landmarks.append(item.replace(image_sha256=hashlib.sha256(file.getvalue()).hexdigest()))
    write_annotations(truth, landmarks)
    for path, placed in zip(tables, noisy_observers(landmarks, seed, observers) if observers else [], strict=True):
        write_annotations(path, placed)
    return files
