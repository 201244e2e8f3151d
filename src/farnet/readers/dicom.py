"""DICOM files, through pydicom, to the grey values that a DICOM viewer would show.

Order of the steps (PS3.3 C.11, PS3.4 N.2): stored values, modality LUT or rescale, value-of-interest LUT or
window, inversion for MONOCHROME1. Pixels outside the exposed field (Pixel Padding Value) become background.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import RadiographError
from farnet.readers.dicom_display import modality, padding, value_of_interest
from farnet.readers.dicom_file import dataset_of
from farnet.readers.dicom_header import COLOUR, PIXELS, Header, mend
from farnet.readers.dicom_pixels import stored_values
from farnet.readers.dicom_spacing import spacing_of
from farnet.readers.picture import Picture, check_size, inverted, luminance

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["decode_dicom"]


def decode_dicom(data: bytes, what: str, *, spacing_given: bool, detector_spacing: bool) -> Picture:
    """Decode a DICOM file of one frame.

    Elements are read tolerantly: one that makes no sense and is not needed for the pixels is passed over and told.

    Args:
        data: The whole file.
        what: What an error message calls it.
        spacing_given: The caller knows the spacing; the file's is not looked at.
        detector_spacing: Accept the spacing on the detector where there is no other.

    Raises:
        RadiographError: If there are no pixels, more than one frame, a photometric interpretation or compression
            that is not read, pixels that are not square and no spacing, or the file is damaged.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom writes to its log whatever it warns about
        try:
            header = Header(dataset_of(data, what), what)
            _check(header)
            mend(header, header.dataset.file_meta.TransferSyntaxUID.is_encapsulated)
            check_size((header.dataset.Rows, header.dataset.Columns), what)
            spacing, source = (None, None) if spacing_given else spacing_of(header, detector_spacing)
            return Picture(_pixels(header), spacing, source)
        except (RadiographError, MemoryError):
            raise
        except Exception as error:
            raise RadiographError(
                f"{what} is a DICOM file whose pixels cannot be decoded ({' '.join(str(error).split())[:300]}). It is "
                "damaged, or compressed in a way that is not supported: get it again, or export it uncompressed "
                "(Explicit VR Little Endian)."
            ) from error


def _check(header: Header) -> None:
    dataset, what = header.dataset, header.what
    if not any(name in dataset for name in PIXELS) or "Rows" not in dataset:
        kind = "".join(filter(str.isprintable, header.text("Modality")[:16])) or "unknown"
        raise RadiographError(
            f"{what} holds no pixel data (modality: {kind}); it may be an index, a report or a presentation "
            "state. Choose the file of the picture itself."
        )
    frames = header.number("NumberOfFrames", 1)
    if frames > 1:
        raise RadiographError(
            f"{what} holds {frames:.0f} frames; a radiograph is one picture. Export the frame that you want as a "
            "file of its own."
        )
    header.put("NumberOfFrames", 1)


def _pixels(header: Header) -> NDArray[Any]:
    from pydicom.pixels.processing import apply_color_lut

    dataset, what = header.dataset, header.what
    photometric = dataset.PhotometricInterpretation
    stored = stored_values(dataset, what)
    if photometric in COLOUR:
        return luminance(stored, what)
    if photometric == "PALETTE COLOR":
        return luminance(apply_color_lut(stored, dataset), what)
    outside = padding(stored, header)
    if outside is not None and outside.all():
        raise RadiographError(
            f"{what} holds nothing but padding (Pixel Padding Value); there is no picture to look at."
        )
    grey = luminance(value_of_interest(modality(stored, header), header), what)
    grey = _with_background(grey, outside)
    return _with_background(inverted(grey), outside) if photometric == "MONOCHROME1" else grey


def _with_background(grey: NDArray[Any], outside: NDArray[np.bool_] | None) -> NDArray[Any]:
    """Give padding the darkest value of the rest."""
    return grey if outside is None else np.where(outside, grey[~outside].min(), grey)
