"""The `farnet measure` that measures what the dock measures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farnet.errors import InvalidInputError
from napari_farnet.points import landmarks_in
from napari_farnet.record import record_of

if TYPE_CHECKING:
    from napari.layers import Layer

    from farnet.measurement import MeasurementSet, MwGap
    from farnet.spacing import Spacing

__all__ = ["measure_command"]

_SAVE = "Save the layer (File > Save Selected Layers) and open the file to get its command."


def measure_command(
    layer: Layer, definitions: MeasurementSet, *, spacing: Spacing | None, mw_gap: MwGap, bundled: bool
) -> list[str]:
    """Give the words of the command.

    Args:
        layer: The landmarks.
        definitions: What is measured.
        spacing: (row, column) in mm per pixel that the dock measures with.
        mw_gap: What an incisal distance between 0 and 2 mm is.
        bundled: Whether the measurements are those that go with the landmarks anyway.

    Raises:
        InvalidInputError: If the landmarks are in no file, or differ from what is in it.
    """
    path = layer.source.path
    if not path or not Path(path).is_file():
        raise InvalidInputError(
            f"The landmarks of {layer.name!r} were not opened from a file, and the command line reads files. {_SAVE}"
        )
    record = record_of(layer.metadata)
    if record is not None:
        now = landmarks_in(layer)
        same = len(now.landmarks) == len(record.landmarks) and all(
            np.array_equal(a.points, b.points, equal_nan=True)
            for a, b in zip(now.landmarks, record.landmarks, strict=True)
        )
        if not same:
            raise InvalidInputError(f"The landmarks of {layer.name!r} differ from those in {path}. {_SAVE}")
    words = ["farnet", "measure", str(path)]
    if not bundled:
        words += ["--definitions", definitions.file or definitions.name]
    if spacing is not None:
        words += ["--spacing", ",".join(dict.fromkeys(f"{edge:.10g}" for edge in spacing))]
    if mw_gap != "strict":
        words += ["--mw-gap", mw_gap]
    return words
