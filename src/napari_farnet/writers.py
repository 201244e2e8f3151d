"""Writers that napari offers when a layer of points is saved.

They write what is in the layer, edits included, through farnet's annotation formats: all or nothing. napari's own csv
format drops scale, units and metadata; these keep everything, so that the layer opens again as it was (but for ISBI
text, which has room for points alone).

Whatever goes wrong leaves here as an `OutputError`: napari takes a `ValueError` of a writer for "no such writer" and
drops its message.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from farnet.errors import InvalidInputError, MissingExtraError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from farnet.landmarks import Landmarks
    from napari_farnet.record import LandmarkRecord

__all__ = [
    "write_coco",
    "write_csv",
    "write_dicom_sr",
    "write_isbi_txt",
    "write_labelme",
    "write_slicer_fcsv",
    "write_slicer_markups",
    "write_tps",
]


def write_csv(path: str, data: NDArray[Any], keywords: Mapping[str, Any]) -> list[str]:
    """Write a layer of landmarks as farnet-csv: points, spacing, scheme, radiograph and its hash, confidence, edits.

    Args:
        path: The file.
        data: (N, n) of the layer.
        keywords: The layer's other attributes, as napari passes them.

    Returns:
        The file that was written.

    Raises:
        OutputError: If it is not a layer of landmarks, a point has no or another point's name, or the file cannot be
            written; what stood there before is untouched.
    """
    return _write_with_layer(path, data, keywords, "farnet-csv")


def write_slicer_markups(path: str, data: NDArray[Any], keywords: Mapping[str, Any]) -> list[str]:
    """Write the landmarks of one radiograph as 3D Slicer markups; arguments, result and errors as `write_csv`."""
    return _write_with_layer(path, data, keywords, "slicer-markups")


def write_slicer_fcsv(path: str, data: NDArray[Any], keywords: Mapping[str, Any]) -> list[str]:
    """Write the landmarks of one radiograph for older 3D Slicers; arguments, result and errors as `write_csv`."""
    return _write_with_layer(path, data, keywords, "slicer-fcsv")


def write_labelme(path: str, data: NDArray[Any], keywords: Mapping[str, Any]) -> list[str]:
    """Write the landmarks of one radiograph for labelme; arguments, result and errors as `write_csv`."""
    return _write_with_layer(path, data, keywords, "labelme")


def write_coco(path: str, data: NDArray[Any], keywords: Mapping[str, Any]) -> list[str]:
    """Write a layer of landmarks as COCO keypoints; arguments, result and errors as `write_csv`."""
    return _write_with_layer(path, data, keywords, "coco")


def write_tps(path: str, data: NDArray[Any], keywords: Mapping[str, Any]) -> list[str]:
    """Write a layer of landmarks as TPS for geometric morphometrics; arguments, result and errors as `write_csv`."""
    return _write_with_layer(path, data, keywords, "tps")


def write_dicom_sr(path: str, data: NDArray[Any], keywords: Mapping[str, Any]) -> list[str]:
    """Write the landmarks of one radiograph as a DICOM structured report; arguments, result and errors as `write_csv`.

    The report is of the radiograph's patient and study where the DICOM file that they were found in is still there.
    """
    return _write_with_layer(path, data, keywords, "dicom-sr")


def write_isbi_txt(path: str, data: NDArray[Any], keywords: Mapping[str, Any]) -> list[str]:
    """Write a layer of the 19 cephalometric landmarks as an ISBI 2015 text file, which holds points and nothing else.

    Args:
        path: The file.
        data: (N, n) of the layer.
        keywords: The layer's other attributes, as napari passes them.

    Returns:
        The file that was written.

    Raises:
        OutputError: If it is not a layer of these landmarks, one is absent, there are several radiographs, or the file
            cannot be written; what stood there before is untouched.
    """
    with _as_output_error():
        return _write(path, _record(data, keywords).landmarks, "isbi-txt")


def _write_with_layer(path: str, data: NDArray[Any], keywords: Mapping[str, Any], format: str) -> list[str]:
    """Write everything that the layer is, so that it opens again as it was."""
    from napari_farnet.correct.copies import forget_copy
    from napari_farnet.placement import Placement
    from napari_farnet.saved import SavedLayer

    with _as_output_error():
        record = _record(data, keywords)
        placement = Placement.of_keywords(keywords)
        landmarks = [
            SavedLayer(str(keywords["name"]), index, placement).add_to(item)
            for item, index in zip(record.landmarks, record.indices, strict=True)
        ]
        written = _write(path, landmarks, format)
        forget_copy(keywords["metadata"])
        return written


def _record(data: NDArray[Any], keywords: Mapping[str, Any]) -> LandmarkRecord:
    from napari_farnet.layers import landmarks_from_layer

    return landmarks_from_layer(data, keywords["features"], keywords["metadata"], name=str(keywords["name"]))


def _write(path: str, landmarks: Sequence[Landmarks], format: str) -> list[str]:
    from farnet.formats import write_annotations

    write_annotations(path, landmarks, format=format)
    return [path]


@contextmanager
def _as_output_error() -> Iterator[None]:
    try:
        yield
    except (InvalidInputError, MissingExtraError) as error:
        raise OutputError(str(error)) from error
