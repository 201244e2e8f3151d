"""Whole files of every kind that is read, small, and what reads each kind."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

# Of pydicom's own test files: each transfer syntax, and headers that are damaged or unusual already.
DICOM = (
    "MR_small.dcm",
    "MR_small_implicit.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_jp2klossless.dcm",
    "JPGExtended.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_rgb_small_odd.dcm",
    "SC_rgb_rle_16bit.dcm",
    "image_dfl.dcm",
    "no_meta.dcm",
    "badVR.dcm",
    "ExplVR_LitEndNoMeta.dcm",
    "test-SR.dcm",
)


class Seed(NamedTuple):
    """A file that can be read, and what reads it.

    Attributes:
        kind: What it is, for reports.
        name: Of the file, by whose ending it is read.
        data: Its content.
        read: Given the path of a file of this name.
    """

    kind: str
    name: str
    data: bytes
    read: Callable[[Path], object]


def make_seeds(folder: Path) -> list[Seed]:
    """Write and read one file of each kind; `folder` is empty and is used for that."""
    return [*_pictures(), *_dicom(), *_itk(folder), *_annotations(folder), *_others(folder)]


def _radiograph(path: Path) -> object:
    from farnet import read_radiograph

    return read_radiograph(path, detector_spacing=True)


def _greys(dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (20, 24), dtype=dtype)


def _pictures() -> list[Seed]:
    made: list[tuple[str, Image.Image, str, dict[str, object]]] = [
        ("png grey", Image.fromarray(_greys()), "png", {}),
        ("png 16 bit", Image.fromarray(_greys(np.uint16)), "png", {}),
        ("png grey and alpha", Image.fromarray(np.stack([_greys()] * 2, -1), "LA"), "png", {}),
        ("png palette", Image.fromarray(_greys()).convert("P"), "png", {}),
        ("png one bit", Image.fromarray(_greys()).convert("1"), "png", {}),
        ("jpeg", Image.fromarray(_greys()), "jpeg", {}),
        ("jpeg colour, progressive", Image.fromarray(_greys()).convert("RGB"), "jpeg", {"progressive": True}),
        ("bmp", Image.fromarray(_greys()), "bmp", {}),
    ]
    seeds = []
    for kind, picture, format_, options in made:
        file = io.BytesIO()
        picture.save(file, format_, **options)
        seeds.append(Seed(kind, f"x.{format_}", file.getvalue(), _radiograph))
    return seeds + _tiff()


def _tiff() -> list[Seed]:
    import tifffile

    seeds = []
    for kind, greys, options in (
        ("tiff", _greys(np.uint16), {}),
        ("tiff deflate, predictor", _greys(np.uint16), {"compression": "zlib", "predictor": True}),
        ("tiff lzw tiles", np.tile(_greys(), (2, 2)), {"compression": "lzw", "tile": (16, 16)}),
        ("tiff jpeg", _greys(), {"compression": "jpeg"}),
        ("tiff colour planes", np.stack([_greys()] * 3), {"photometric": "rgb", "planarconfig": "separate"}),
        ("tiff float", _greys().astype(np.float32), {}),
        ("tiff big", _greys(), {"bigtiff": True, "byteorder": ">"}),
    ):
        file = io.BytesIO()
        tifffile.imwrite(file, greys, **options)
        seeds.append(Seed(kind, "x.tif", file.getvalue(), _radiograph))
    return seeds


def _dicom() -> list[Seed]:
    import pydicom.data

    folder = Path(pydicom.data.__file__).parent / "test_files"
    return [Seed(f"dicom {name}", "x.dcm", (folder / name).read_bytes(), _radiograph) for name in DICOM]


def _itk(folder: Path) -> list[Seed]:
    import SimpleITK

    seeds = []
    for ending, compressed in (("mha", False), ("mha", True), ("nrrd", False), ("nrrd", True), ("nii", False)):
        path = folder / f"x.{ending}"
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(_greys(np.uint16)), str(path), compressed)
        seeds.append(Seed(f"{ending}{' compressed' * compressed}", path.name, path.read_bytes(), _radiograph))
    return seeds


def _landmarks(**changes: object) -> object:
    from farnet import Landmarks, load_scheme

    rng = np.random.default_rng(0)
    values = {
        "points": rng.uniform(1, 18, (19, 2)),
        "scheme": load_scheme("cephalometric19"),
        "spacing": (0.1, 0.2),
        "confidence": rng.uniform(0, 1, 19),
        "covariance": np.tile(np.eye(2), (19, 1, 1)),
        "source": "model tiny",
        "radiograph": "x",
        "image_shape": (20, 24),
        "image_sha256": "0" * 64,
        "provenance": {"model": "tiny", "threads": 2},
    }
    return Landmarks(**{**values, **changes})


def _annotations(folder: Path) -> list[Seed]:
    from farnet import read_annotations, write_annotations
    from farnet.formats import annotation_formats

    seeds = []
    for format_ in annotation_formats():
        if format_.write is None:
            continue
        path = folder / f"x{format_.suffixes[0]}"
        items = [_landmarks()] + ([_landmarks(radiograph="y", confidence=None)] if format_.holds_many else [])
        write_annotations(path, items, format=format_.name)
        seeds.append(Seed(format_.name, path.name, path.read_bytes(), read_annotations))
        path.unlink()
    tps = b"LM=3\n1 2\n3.5 4\nNaN 1\nCURVES=1\nPOINTS=2\n1 1\n2 2\nIMAGE=x.png\nID=1\nSCALE=0.1\n"
    csv = b"image,landmark,x,y\nx.png,Sella,1,2\nx.png,Nasion,3.5,4\n"
    for name, data in (("x.tps", tps), ("x.csv", csv)):
        seeds.append(Seed(f"{name} of others", name, data, read_annotations))
    return seeds


def _others(folder: Path) -> list[Seed]:
    from farnet.batch_journal import Journal
    from farnet.measurement.files import bundled_file, load_measurements
    from farnet.modelfile import load_model, read_metadata
    from farnet.scheme import load_scheme
    from farnet.session_export import changed_files, export_session, is_session

    from ..models import write_tiny_model  # noqa: TID252 (as the other tests do)

    def session(path: Path) -> object:
        return is_session(path.parent) and changed_files(path.parent)

    def journal(path: Path) -> object:
        kept = Journal(path.with_name("x.csv"))
        return kept.replaces(), kept.read()

    def model(path: Path) -> object:
        return read_metadata(path)

    def whole_model(path: Path) -> object:
        return load_model(path)

    write_tiny_model(folder / "x.safetensors")
    written = (folder / "x.safetensors").read_bytes()
    kept = Journal(folder / "x.csv")
    kept.begin({"request": {}}, keep=False, replaces=True)
    kept.add(_landmarks())
    kept.add(_landmarks(radiograph="y"))
    export_session(folder / "session", [_landmarks()])
    scheme = json.dumps(load_scheme("cephalometric19").to_dict(), indent=1).encode()
    return [
        Seed("scheme", "scheme.json", scheme, load_scheme),
        Seed("measurements", "x.yaml", bundled_file("cephalometry").read_bytes(), load_measurements),
        Seed("model's header", "x.safetensors", written, model),
        Seed("model", "x.safetensors", written, whole_model),
        Seed("session", "session.json", (folder / "session" / "session.json").read_bytes(), session),
        Seed("journal", kept.path.name, kept.path.read_bytes(), journal),
    ]
