"""Samples: lateral cephalograms that are no person's, with their landmarks.

One average comes with the package, and from it any number of others is made. `docs/sample.md` tells how, and what they
are not.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from farnet.samples.folder import write_samples
from farnet.samples.observers import noisy_observers
from farnet.samples.synthetic import synthetic_cephalograms

if TYPE_CHECKING:
    from farnet.landmarks import Landmarks
    from farnet.radiograph import Radiograph

__all__ = ["average_cephalogram", "noisy_observers", "synthetic_cephalograms", "write_samples"]

_NAME = "average_cephalogram"


def average_cephalogram() -> tuple[Radiograph, Landmarks]:
    """Read the average of many lateral cephalograms, warped to their mean shape.

    Returns:
        The radiograph, (996, 950) uint8 at 0.2 mm per pixel, and its 19 landmarks (scheme `cephalometric19`):
        (row, column) in its pixels, sub-pixel, none absent. They are the mean shape itself.
    """
    from farnet.formats import read_annotations
    from farnet.radiograph import read_radiograph

    folder = files(__name__)
    with as_file(folder / f"{_NAME}.csv") as table:
        (landmarks,) = read_annotations(table, format="farnet-csv")
    with as_file(folder / f"{_NAME}.png") as picture:
        radiograph = read_radiograph(picture, spacing=landmarks.spacing)
    return radiograph, landmarks
