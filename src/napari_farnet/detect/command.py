"""The `farnet detect` that finds what the dock finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farnet.errors import InvalidInputError
from farnet.measurement.calibration import is_ruler

if TYPE_CHECKING:
    from napari_farnet.sources import RadiographSource

__all__ = ["detect_command"]


def detect_command(source: RadiographSource, *, model: str, device: str) -> list[str]:
    """Give the words of the command.

    Raises:
        InvalidInputError: If the radiograph has no file that the command could read.
    """
    if source.path is None:
        raise InvalidInputError(
            f"The image {source.name!r} was not opened from a file of its own, and the command line reads files. "
            "Save the image and open the file to get its command."
        )
    words = ["farnet", "detect", str(source.path), "--model", model, "--device", device, "--orient", "auto"]
    # A spacing that the file does not tell has to be told.
    if source.spacing is not None and (source.spacing_source == "layer scale" or is_ruler(source.spacing_source)):
        words += ["--spacing", ",".join(f"{edge:.10g}" for edge in source.spacing)]
    return words
