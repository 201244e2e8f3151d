"""The size of a pixel in a DICOM file, and in which plane it was measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from farnet.errors import InvalidInputError, RadiographError
from farnet.notices import tell
from farnet.spacing import Spacing, as_spacing

if TYPE_CHECKING:
    from farnet.readers.dicom_header import Header

__all__ = ["spacing_of"]

_PLANES = {"ImagerPixelSpacing": "detector plane", "NominalScannedPixelSpacing": "film plane"}
_MAGNIFICATIONS = 1.0, 10.0  # smallest and largest that can be: the patient stands before the detector
_ALIKE = 1e-4  # relative; the same size, written with other decimals


def spacing_of(header: Header, detector_spacing: bool) -> tuple[Spacing | None, str | None]:
    """Find the pixel spacing of a DICOM image (PS3.3 10.7).

    PixelSpacing is the size in the patient. Where it merely repeats ImagerPixelSpacing or NominalScannedPixelSpacing
    and no PixelSpacingCalibrationType says that it was calibrated, it is by the standard the size on the detector or
    on the film; it is then used only when asked for, and divided by EstimatedRadiographicMagnificationFactor where
    that is known.

    Args:
        header: The elements of the image.
        detector_spacing: Fall back on the spacing in the plane of the detector or of the scanned film.

    Returns:
        (row, column) in mm per pixel and the label of its source, or (None, None).

    Raises:
        RadiographError: If pixels are not square and their size is unknown.
    """
    spacing = _pair(header, "PixelSpacing")
    planes = {name: pair for name in _PLANES if (pair := _pair(header, name)) is not None}
    calibration = header.text("PixelSpacingCalibrationType")
    repeated = next((name for name, pair in planes.items() if spacing and _same(spacing, pair)), None)
    if spacing is not None and (calibration or repeated is None):
        return spacing, f"PixelSpacing (calibrated: {calibration.lower()})" if calibration else "PixelSpacing"
    name = repeated or next(iter(planes), None)
    if name is None:
        _check_square(header)
        return None, None
    if detector_spacing:
        return _in_patient(header, planes[name], name, repeated is not None)
    if repeated is not None:
        tell(
            f"{header.what}: PixelSpacing only repeats {name}, the size in the {_PLANES[name]}, so the size in the "
            "patient is unknown. Give the spacing, or ask for the size on the detector (--detector-spacing)."
        )
    if not math.isclose(*planes[name], rel_tol=0.01):
        tell(
            f"{header.what}: pixels are not square ({name} {planes[name][0]:g} x {planes[name][1]:g} mm), and "
            "angles are wrong without a spacing. Give it, or ask for the size on the detector (--detector-spacing)."
        )
    return None, None


def _in_patient(header: Header, pair: Spacing, name: str, repeated: bool) -> tuple[Spacing, str]:
    label = "PixelSpacing" if repeated else name
    factor = header.number("EstimatedRadiographicMagnificationFactor", math.nan)
    if not math.isnan(factor):
        if _MAGNIFICATIONS[0] <= factor <= _MAGNIFICATIONS[1]:
            return (pair[0] / factor, pair[1] / factor), f"{label} / magnification {factor:g} ({_PLANES[name]})"
        header.pass_over("EstimatedRadiographicMagnificationFactor", "is no magnification from 1 to 10")
    return pair, f"{label} ({_PLANES[name]})"


def _same(one: Spacing, other: Spacing) -> bool:
    return all(math.isclose(a, b, rel_tol=_ALIKE) for a, b in zip(one, other, strict=True))


def _pair(header: Header, name: str) -> Spacing | None:
    numbers = header.numbers(name)
    if not numbers:
        return None
    if len(numbers) == 2:
        try:
            return as_spacing(numbers)
        except InvalidInputError:
            pass  # told below, like a wrong number of values
    header.pass_over(name, "is not two numbers above zero, (row, column) in mm")
    return None


def _check_square(header: Header) -> None:
    ratio = header.numbers("PixelAspectRatio")
    if not ratio:
        return
    if len(ratio) != 2 or min(ratio) <= 0:
        header.pass_over("PixelAspectRatio", "is not two numbers above zero")
        return
    vertical, horizontal = ratio
    if vertical != horizontal:
        raise RadiographError(
            f"{header.what} has pixels that are not square (PixelAspectRatio {vertical:g}:{horizontal:g}, vertical to "
            "horizontal) and no usable size, so that angles would be wrong. Give the spacing as (row, "
            "column) in mm."
        )
