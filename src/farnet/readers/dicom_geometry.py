"""Where ITK places the pixels of a DICOM file, from the elements by which it does.

Which element holds the size of a pixel depends on the class of the image. A radiograph of CR or DX has it in
ImagerPixelSpacing, and a PixelSpacing beside it, though it may be calibrated, does not count.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np

from farnet.geometry import Geometry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom import Dataset

    from farnet.spacing import Spacing

__all__ = ["geometry_of_dicom"]

_IMAGER = {  # SOP classes under 1.2.840.10008.5.1.4.1.1 whose size of a pixel is, for ITK, ImagerPixelSpacing
    *("1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1", "12.1", "12.2"),
}
_PIXEL = {"2", "4"}  # PixelSpacing: CT, MR
_CAPTURE = "7"  # PixelSpacing, or else NominalScannedPixelSpacing
_CLASSES = "1.2.840.10008.5.1.4.1.1."
_OF_MODALITY = {"CR": "1", "DX": "1.1", "MG": "1.2", "XA": "12.1", "RF": "12.2", "CT": "2", "MR": "4"}
_CAPTURED = {"", "OT", "SC", "IO", "PX", "RG"}
_TOLERANCE = 1e-3  # of direction cosines


def geometry_of_dicom(path: Path) -> Geometry | None:
    """Read where GDCM, by which ITK reads DICOM files, places the pixels; None where only ITK itself can tell.

    Raises:
        ValueError, TypeError, AttributeError: What pydicom raises on a file that is none, or holds nonsense.
    """
    from pydicom import dcmread

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = dcmread(path, stop_before_pixels=True, force=True)
        shape = int(dataset.Rows), int(dataset.Columns)
        names = _spacing_elements(dataset)
        spacing = None if names is None else _dicom_spacing(dataset, names)
        if spacing is None:
            return None
        origin = np.zeros(3)
        position = _numbers(dataset, "ImagePositionPatient")[:3]
        origin[: len(position)] = position
        across, down = _directions(_numbers(dataset, "ImageOrientationPatient"))
    step = np.stack([down * spacing[0], across * spacing[1]], axis=1)
    return Geometry(origin, step, shape, any(_numbers(dataset, name) for name in names or ()))


def _spacing_elements(dataset: Dataset) -> tuple[str, ...] | None:
    """Elements of which the first that is there counts; None where only ITK itself can tell."""
    named = str(dataset.file_meta.get("MediaStorageSOPClassUID") or dataset.get("SOPClassUID") or "")
    modality = str(dataset.get("Modality") or "")
    number = named.removeprefix(_CLASSES)
    if not named:
        number = _CAPTURE if modality in _CAPTURED else _OF_MODALITY.get(modality, "")
    if number in _IMAGER:
        return ("ImagerPixelSpacing",)
    if number in _PIXEL:
        return ("PixelSpacing",)
    return ("PixelSpacing", "NominalScannedPixelSpacing") if number == _CAPTURE else None


def _dicom_spacing(dataset: Dataset, names: Sequence[str]) -> Spacing | None:
    """(row, column) in mm; None where it is nonsense."""
    name = next((name for name in names if name in dataset), names[0])
    numbers = _numbers(dataset, name)
    if not numbers:
        return 1.0, 1.0
    row, column = (number or 1.0 for number in (numbers[:2] if len(numbers) > 1 else numbers * 2))
    return (row, column) if min(row, column) > 0 and math.isfinite(row + column) else None


def _numbers(dataset: Dataset, name: str) -> list[float]:
    value = dataset.get(name)
    if value is None or value == "":
        return []
    return [float(item) for item in (value if hasattr(value, "__len__") and not isinstance(value, str) else [value])]


def _directions(cosines: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors along a row and along a column, at right angles; L and P where the cosines are none."""
    plain = np.eye(3)[0], np.eye(3)[1]
    if len(cosines) != 6:
        return plain
    along = np.array(cosines, np.float64).reshape(2, 3)
    if not _orthonormal(along):
        lengths = np.linalg.norm(along, axis=1, keepdims=True)
        along = along / np.where(lengths > 0, lengths, 1.0)
        if not _orthonormal(along):
            return plain
    normal = np.cross(along[0], along[1])
    normal /= np.linalg.norm(normal)
    across = np.cross(along[1], normal)
    across /= np.linalg.norm(across)
    return across, np.cross(normal, across)


def _orthonormal(along: NDArray[np.float64]) -> bool:
    return bool(np.abs(along @ along.T - np.eye(2)).max() < _TOLERANCE)
