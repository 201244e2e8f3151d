"""Pictures and DICOM files made up for the readers."""

from __future__ import annotations

import numpy as np
import pytest

BITS = {np.dtype(np.uint8): 8, np.dtype(np.uint16): 16, np.dtype(np.int16): 16}


@pytest.fixture
def grey8(rng):
    """(24, 32) uint8 with both ends of the range."""
    pixels = rng.integers(0, 256, (24, 32), dtype=np.uint8)
    pixels[0, :2] = 0, 255
    return pixels


@pytest.fixture
def grey12(rng):
    """(24, 32) uint16 with 12 bits in use."""
    return rng.integers(0, 4096, (24, 32), dtype=np.uint16)


@pytest.fixture
def dicom_file(tmp_path):
    """Function (pixels, transfer syntax, **elements) -> path of a DICOM file that holds them; None leaves one out."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

    def make(pixels, syntax=ExplicitVRLittleEndian, name="radiograph.dcm", **elements):
        dataset = Dataset()
        dataset.SOPClassUID = ComputedRadiographyImageStorage
        dataset.SOPInstanceUID = generate_uid()
        dataset.Modality = "CR"
        dataset.Rows, dataset.Columns = pixels.shape[-2:] if pixels.ndim == 2 else pixels.shape[-3:-1]
        dataset.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
        dataset.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
        if pixels.ndim > 2:
            dataset.PlanarConfiguration = 0
        bits = BITS[pixels.dtype]
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
        dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
        dataset.PixelData = pixels.tobytes()
        dataset["PixelData"].VR = "OW"
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        for keyword, value in elements.items():
            if value is None:
                del dataset[keyword]
            else:
                setattr(dataset, keyword, value)
        if syntax != ExplicitVRLittleEndian:
            dataset.compress(syntax, generate_instance_uid=False)
        path = tmp_path / name
        dataset.save_as(path, enforce_file_format=True)
        return path

    return make
