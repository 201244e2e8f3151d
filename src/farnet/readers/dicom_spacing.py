"""The size of a pixel in a DICOM file, and in which plane it was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farnet.errors import InvalidInputError, RadiographError
from farnet.spacing import Spacing, as_spacing

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["spacing_of"]

_DETECTOR = {
    "ImagerPixelSpacing": "ImagerPixelSpacing (detector plane)",
    "NominalScannedPixelSpacing": "NominalScannedPixelSpacing (film plane)",
}


def spacing_of(dataset: Dataset, detector_spacing: bool, what: str) -> tuple[Spacing | None, str | None]:
    """Find the pixel spacing of a DICOM image (PS3.3 10.7).

    PixelSpacing is taken as it is. Where it merely repeats ImagerPixelSpacing and nothing says that it was
    calibrated, it is the size on the detector, and the label says so.

    Args:
        dataset: The DICOM image.
        detector_spacing: Fall back on the spacing in the plane of the detector or of the scanned film.
        what: What an error message calls the file.

    Returns:
        (row, column) in mm per pixel and the label of its source, or (None, None).

    Raises:
        RadiographError: If the spacing is not two numbers above zero, or pixels are not square and their size
            unknown.
    """
    spacing = _pair(dataset, "PixelSpacing", what)
    if spacing is not None:
        return spacing, _pixel_spacing_label(dataset, spacing, what)
    if detector_spacing:
        for name, label in _DETECTOR.items():
            spacing = _pair(dataset, name, what)
            if spacing is not None:
                return spacing, label
    _check_square(dataset, what)
    return None, None


def _pixel_spacing_label(dataset: Dataset, spacing: Spacing, what: str) -> str:
    calibration = str(dataset.get("PixelSpacingCalibrationType") or "")
    if calibration:
        return f"PixelSpacing (calibrated: {calibration.lower()})"
    if spacing == _pair(dataset, "ImagerPixelSpacing", what):
        return "PixelSpacing (detector plane)"
    return "PixelSpacing"


def _pair(dataset: Dataset, name: str, what: str) -> Spacing | None:
    value = dataset.get(name)
    if value is None or value == "" or (hasattr(value, "__len__") and len(value) == 0):
        return None
    try:
        numbers = [float(number) for number in value]
        if len(numbers) != 2:
            raise InvalidInputError(f"it has {len(numbers)} values")
        return as_spacing(numbers)
    except (InvalidInputError, TypeError, ValueError) as error:
        raise RadiographError(
            f"{what} says {name} {value!s}; it must be two numbers above zero, (row, column) in mm. Give the "
            "spacing yourself to read the file nevertheless."
        ) from error


def _check_square(dataset: Dataset, what: str) -> None:
    ratio = dataset.get("PixelAspectRatio")
    if not ratio:
        return
    vertical, horizontal = (int(number) for number in ratio)
    if vertical != horizontal:
        raise RadiographError(
            f"{what} has pixels that are not square (PixelAspectRatio {vertical}:{horizontal}, vertical to "
            "horizontal) and no usable size, so that angles would be wrong. Give the spacing as (row, "
            "column) in mm."
        )
