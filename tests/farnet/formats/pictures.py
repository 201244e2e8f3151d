"""Files of one picture in every format that is read, with whatever their headers can say about its place in space."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

SHAPE = (24, 32)
_CLASSES = "1.2.840.10008.5.1.4.1.1."
_SPACINGS = {
    "PixelSpacing": [0.11, 0.12],
    "ImagerPixelSpacing": [0.13, 0.14],
    "NominalScannedPixelSpacing": [0.15, 0.16],
}
_PLACE = {"ImagePositionPatient": [-61.5, 12.25, 7.5], "ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}
_TILTED = {"ImageOrientationPatient": [0.8, 0.6, 0, -0.36, 0.48, -0.8], "ImagePositionPatient": [3, -4]}


def grey(depth=np.uint8):
    return (np.arange(SHAPE[0] * SHAPE[1]) % 251).reshape(SHAPE).astype(depth)


def png(path, *, depth=8, scale=None, dots_per_metre=None):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows, columns = SHAPE
    lines = b"".join(b"\0" + row.tobytes() for row in grey(np.uint8 if depth == 8 else ">u2"))
    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, depth, 0, 0, 0, 0))]
    parts += [chunk(b"pHYs", struct.pack(">IIB", *dots_per_metre, 1))] if dots_per_metre else []
    parts += [chunk(b"sCAL", scale)] if scale is not None else []
    parts += [chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def jpeg(path, *, unit=0, density=(1, 1), exif_dpi=None):
    from PIL import Image

    exif = Image.Exif()
    if exif_dpi:
        exif.update({282: exif_dpi, 283: exif_dpi, 296: 2})
    Image.fromarray(grey()).save(path, exif=exif)
    data = bytearray(path.read_bytes())
    at = data.index(b"JFIF\0") + 7
    data[at : at + 5] = struct.pack(">BHH", unit, *density)
    path.write_bytes(data)


def tiff(path, *, depth=np.uint8, resolution=None, unit=None, orientation=None, **options):
    import tifffile

    tags = [] if orientation is None else [(274, 3, 1, orientation, True)]
    tifffile.imwrite(
        path,
        grey(depth),
        photometric="minisblack",
        resolution=resolution,
        resolutionunit=unit,
        extratags=tags,
        **options,
    )


def bmp(path, **options):
    from PIL import Image

    Image.fromarray(grey()).save(path, **options)


def dicom(path, *, sop_class="1", modality="CR", **elements):
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3"
    if sop_class:
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = f"{_CLASSES}{sop_class}"
    dataset.Modality = modality
    dataset.Rows, dataset.Columns = SHAPE
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelData = grey().tobytes()
    for name, value in elements.items():
        setattr(dataset, name, value)
    dataset.preamble = b"\0" * 128
    dataset.save_as(path, enforce_file_format=False)


def itk(path, *, spacing=(0.3, 0.4), origin=(5.0, -6.0), direction=None, slices=None, axes=(0, 1, 2)):
    import SimpleITK

    image = SimpleITK.GetImageFromArray(grey() if slices is None else grey()[None].transpose(axes))
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    if direction is not None:
        image.SetDirection(direction)
    SimpleITK.WriteImage(image, str(path))


_TURNED = (0.0, -1.0, 1.0, 0.0)
_TURNED_3 = (0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
_VOLUME = {"slices": 1, "spacing": (0.3, 0.4, 2.0), "origin": (5.0, -6.0, 7.0), "direction": _TURNED_3}
_DPI = {"resolution": (300, 150), "unit": "INCH"}

CASES = {
    "8 bit.png": (png, {}),
    "16 bit.png": (png, {"depth": 16}),
    "dots per metre.png": (png, {"dots_per_metre": (11811, 5906)}),
    "scale.png": (png, {"scale": b"\1.3\0.4"}),
    "scale in radians.png": (png, {"scale": b"\x023e-1\0+4."}),
    "scale of no unit.png": (png, {"scale": b"\0.3\0.4"}),
    "scale below zero.png": (png, {"scale": b"\1-.3\0.4"}),
    "plain.jpg": (jpeg, {}),
    "dots per inch.jpg": (jpeg, {"unit": 1, "density": (300, 150)}),
    "dots per cm.jpg": (jpeg, {"unit": 2, "density": (118, 59)}),
    "aspect.jpg": (jpeg, {"unit": 0, "density": (2, 1)}),
    "none.jpg": (jpeg, {"unit": 1, "density": (0, 300)}),
    "exif.jpg": (jpeg, {"exif_dpi": 600.0}),
    "plain.tif": (tiff, {}),
    "inch.tif": (tiff, _DPI),
    "cm.tif": (tiff, {"resolution": (1 / 3, 2 / 7), "unit": "CENTIMETER"}),
    "no unit.tif": (tiff, {"resolution": (300, 150), "unit": "NONE"}),
    "zero.tif": (tiff, {"resolution": (0, 300), "unit": "INCH"}),
    "16 bit.tif": (tiff, {"depth": np.uint16, **_DPI}),
    "float.tif": (tiff, {"depth": np.float32, **_DPI}),
    "tiles.tif": (tiff, {"tile": (16, 16), **_DPI}),
    **{f"turned {k}.tif": (tiff, {"orientation": k, **_DPI}) for k in range(1, 9)},
    "turned tiles.tif": (tiff, {"orientation": 3, "tile": (16, 16), **_DPI}),
    "plain.bmp": (bmp, {}),
    "inch.bmp": (bmp, {"dpi": (300, 150)}),
    **{
        f"class {sop_class}, {name}.dcm": (dicom, {"sop_class": sop_class, **elements})
        for sop_class in ("1", "1.1", "1.1.1", "1.2", "1.3", "12.1", "2", "4", "7", "7.2", "77.1.4")
        for name, elements in [
            ("nothing", {}),
            *((key, {key: value}) for key, value in _SPACINGS.items()),
            ("everything", {**_SPACINGS, **_PLACE}),
        ]
    },
    **{
        f"modality {modality}, {name}.dcm": (dicom, {"sop_class": "", "modality": modality, name: value})
        for modality in ("CR", "DX", "IO", "OT", "CT", "PT", "")
        for name, value in _SPACINGS.items()
    },
    "tilted.dcm": (dicom, {**_SPACINGS, **_TILTED}),
    "not quite at right angles.dcm": (dicom, {"ImageOrientationPatient": [1, 0.0004, 0, 0.0003, 1, 0]}),
    "too long.dcm": (dicom, {"ImageOrientationPatient": [0, 2, 0, 0, 0, 3]}),
    "slanted.dcm": (dicom, {"ImageOrientationPatient": [1, 0.1, 0, 0, 1, 0]}),
    "half a position.dcm": (dicom, {"ImageOrientationPatient": [1, 0, 0], "ImagePositionPatient": [1, 2]}),
    "one spacing.dcm": (dicom, {"ImagerPixelSpacing": [0.3]}),
    "zero spacing.dcm": (dicom, {"ImagerPixelSpacing": [0, 0.4]}),
    "empty spacing.dcm": (dicom, {"sop_class": "7", "PixelSpacing": [], "NominalScannedPixelSpacing": [0.5, 0.6]}),
    "flat.mha": (itk, {"direction": _TURNED}),
    "flat.nrrd": (itk, {"direction": _TURNED}),
    "flat.nii": (itk, {}),
    "slice.mha": (itk, _VOLUME),
    "slice.mhd": (itk, _VOLUME),
    "slice.nrrd": (itk, _VOLUME),
    "slice.nii": (itk, _VOLUME),
    "slice.nii.gz": (itk, _VOLUME),
    "sagittal.nii": (itk, {**_VOLUME, "axes": (1, 2, 0)}),
    "unset.mha": (itk, {"spacing": (1.0, 1.0), "origin": (0.0, 0.0)}),
}
"""Name of the file -> (what makes it, of what)."""

TYPICAL = [
    case
    for case in CASES
    if not case.startswith(("class", "modality"))
    or case in [f"class {k}, {name}.dcm" for k in ("1", "1.1", "7") for name in (*_SPACINGS, "everything")]
]
"""Cases with fewer kinds of DICOM."""


def made(folder, case):
    """Make the file of a case, called film with the ending of the case; give its path."""
    make, options = CASES[case]
    path = folder / f"film{'.nii.gz' if case.endswith('.nii.gz') else Path(case).suffix}"
    make(path, **options)
    return path


class Itk:
    """A picture as ITK reads it, to compare places with."""

    def __init__(self, path):
        import SimpleITK

        SimpleITK.ProcessObject_SetGlobalWarningDisplay(False)
        self.image = SimpleITK.ReadImage(str(path))
        self.size = self.image.GetSize()
        self.pixels = SimpleITK.GetArrayFromImage(self.image)

    def _axes(self):
        column, row = [axis for axis, length in enumerate(self.size) if length > 1]
        return row, column

    def points(self, positions):
        """(K, 3) mm in LPS to (K, 2) row, column of ITK's picture."""
        count = self.image.GetDimension()
        index = [self.image.TransformPhysicalPointToContinuousIndex(list(p[:count])) for p in positions]
        return np.array(index)[:, self._axes()]

    def positions(self, points):
        """(K, 2) row, column of ITK's picture to (K, 3) mm in LPS."""
        index = np.zeros((len(points), self.image.GetDimension()))
        index[:, self._axes()] = points
        found = np.zeros((len(points), 3))
        found[:, : index.shape[1]] = [self.image.TransformContinuousIndexToPhysicalPoint(i.tolist()) for i in index]
        return found

    def turned(self, points, pixels):
        """(K, 2) row, column in the file to those in ITK's picture, which may be turned over."""
        shown = self.pixels.reshape(*SHAPE, -1)[..., 0]
        last = np.array(SHAPE) - 1.0
        for down in (False, True):
            for across in (False, True):
                if np.array_equal(pixels[:: -1 if down else 1, :: -1 if across else 1], shown):
                    return np.where([down, across], last - points, points)
        raise AssertionError("ITK shows other pixels")
