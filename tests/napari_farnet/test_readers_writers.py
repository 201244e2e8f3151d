"""Files in and out, through napari's own open and save, on a viewer without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari.viewer
import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.layers import Layer

from farnet.errors import AnnotationError, OutputError, RadiographError
from farnet.formats import read_annotations, write_annotations
from farnet.landmarks import Landmarks
from farnet.scheme import LandmarkDefinition, LandmarkScheme
from napari_farnet.layers import landmarks_layer
from napari_farnet.placement import Placement
from napari_farnet.readers import get_annotation_reader, get_radiograph_reader
from napari_farnet.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = "napari-farnet"
TILTED = Placement(
    scale=np.array([0.1, 0.3]),
    translate=np.array([5.0, -7.25]),
    rotate=np.array([[0.8, -0.6], [0.6, 0.8]]),
    shear=np.array([0.125]),
    affine=np.array([[1.0, 0.5, 3.0], [0.0, 2.0, 4.0], [0.0, 0.0, 1.0]]),
    units=("millimeter", "micrometer"),
    axis_labels=("row", "column"),
)


@pytest.fixture
def viewer(plugin, monkeypatch):
    """A viewer without a window that readers take for the current one."""
    viewer = ViewerModel()
    monkeypatch.setattr(napari.viewer, "current_viewer", lambda: viewer)
    return viewer


def add(viewer, landmarks, indices=((),), placement=TILTED, name="skull landmarks"):
    data = landmarks_layer(landmarks, indices, placement, name=name, settings=Settings())
    return viewer.add_layer(Layer.create(*data))


def save(layer, file):
    return layer.save(str(file), plugin=PLUGIN)


def assert_equal_layers(one, other):
    np.testing.assert_array_equal(one.data, other.data)
    pd.testing.assert_frame_equal(one.features, other.features)
    assert one.name == other.name
    for attribute in ("scale", "translate", "rotate", "shear", "affine"):
        mine, theirs = (getattr(layer, attribute) for layer in (one, other))
        assert np.array_equal(getattr(mine, "affine_matrix", mine), getattr(theirs, "affine_matrix", theirs)), attribute
    assert one.units == other.units
    assert one.axis_labels == other.axis_labels
    for key in ("provenance", "absent", "indices"):
        assert one.metadata["farnet"][key] == other.metadata["farnet"][key], key
    for attribute in ("size", "face_color", "border_color", "symbol"):
        np.testing.assert_array_equal(getattr(one, attribute), getattr(other, attribute))
    assert list(one.text.values) == list(other.text.values)


def test_a_saved_layer_opens_equal(viewer, tmp_path, radiograph, landmarks_on, drag):
    from napari_farnet.session import watch

    watch(viewer)
    layer = add(viewer, [landmarks_on(radiograph, absent=(2, 9))])
    drag(layer, 3, (12.25, -4.5))
    file = tmp_path / "skull.csv"
    assert save(layer, file) == [str(file)]
    viewer.layers.clear()
    (again,) = viewer.open(file, plugin=PLUGIN)
    assert again.features["edited"].tolist().count(True) == 1
    assert_equal_layers(layer, again)


@pytest.mark.parametrize("ending", [".mrk.json", ".fcsv", ".coco.json", ".json", ".tps", ".sr.dcm"])
def test_a_layer_opens_equal_from_the_formats_of_others(viewer, tmp_path, radiograph, landmarks_on, ending):
    layer = add(viewer, [landmarks_on(radiograph, absent=(2, 9))])
    file = tmp_path / f"skull{ending}"
    assert save(layer, file) == [str(file)]
    viewer.layers.clear()
    (again,) = viewer.open(file, plugin=PLUGIN)
    np.testing.assert_allclose(again.data, layer.data, rtol=0, atol=1e-9)
    again.data = layer.data
    assert_equal_layers(layer, again)


@pytest.mark.parametrize("name", ["report.dcm", "report.sr.dcm"])
def test_a_dicom_report_opens_as_points_whatever_it_is_called(viewer, tmp_path, radiograph, landmarks_on, name):
    from farnet.formats import write_annotations

    found = landmarks_on(radiograph)
    write_annotations(tmp_path / name, [found], format="dicom-sr")
    (layer,) = viewer.open(tmp_path / name, plugin=PLUGIN)
    assert layer.as_layer_data_tuple()[2] == "points"
    np.testing.assert_allclose(layer.data, found.points[found.present])


def test_a_report_without_the_extra_says_how_to_get_it(viewer, tmp_path, radiograph, landmarks_on, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "highdicom", None)
    layer = add(viewer, [landmarks_on(radiograph)])
    with pytest.raises(OutputError, match=r"napari-farnet\[dicom-sr\]"):
        save(layer, tmp_path / "a.sr.dcm")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", [".coco.json", ".tps"])
def test_a_stack_opens_equal_from_the_formats_of_others(viewer, tmp_path, radiograph, landmarks_on, ending):
    stack = [landmarks_on(radiograph, absent=(k,)) for k in range(3)]
    layer = add(viewer, stack, ((0,), (2,), (5,)), TILTED.stacked())
    save(layer, tmp_path / f"stack{ending}")
    viewer.layers.clear()
    (again,) = viewer.open(tmp_path / f"stack{ending}", plugin=PLUGIN)
    np.testing.assert_allclose(again.data, layer.data, rtol=0, atol=1e-9)
    assert again.metadata["farnet"]["indices"] == layer.metadata["farnet"]["indices"]


@pytest.mark.parametrize("ending", [".mrk.json", ".json", ".sr.dcm"])
def test_a_stack_does_not_fit_into_a_file_of_one_radiograph(viewer, tmp_path, radiograph, landmarks_on, ending):
    layer = add(viewer, [landmarks_on(radiograph)] * 2, ((0,), (1,)), TILTED.stacked())
    with pytest.raises(OutputError, match="one by one"):
        save(layer, tmp_path / f"stack{ending}")
    assert not list(tmp_path.iterdir())


def test_other_json_is_left_to_others(tmp_path):
    (tmp_path / "settings.json").write_text('{"a": 1}')
    assert get_annotation_reader(str(tmp_path / "settings.json")) is None


def test_a_saved_stack_opens_equal(viewer, tmp_path, radiograph, landmarks_on):
    stack = [landmarks_on(radiograph, absent=(k,)) for k in range(3)]
    layer = add(viewer, stack, ((0,), (2,), (5,)), TILTED.stacked())
    file = tmp_path / "stack.csv"
    save(layer, file)
    viewer.layers.clear()
    (again,) = viewer.open(file, plugin=PLUGIN)
    assert_equal_layers(layer, again)


def test_a_reopened_layer_is_followed(viewer, tmp_path, radiograph, landmarks_on, drag):
    file = tmp_path / "skull.csv"
    save(add(ViewerModel(), [landmarks_on(radiograph)]), file)
    (again,) = viewer.open(file, plugin=PLUGIN)
    drag(again, 0, (3.0, 3.0))
    assert again.features["edited"].tolist()[0]


def test_the_file_is_exact(viewer, tmp_path, radiograph, landmarks_on):
    landmarks = landmarks_on(radiograph, absent=(1,))
    save(add(viewer, [landmarks]), tmp_path / "skull.csv")
    (again,) = read_annotations(tmp_path / "skull.csv")
    assert again.replace(provenance=landmarks.provenance).equals(landmarks)


def test_landmarks_of_a_scheme_of_ones_own_open_again(viewer, tmp_path, monkeypatch):
    from farnet import zoo

    scheme = LandmarkScheme("knee2", "Knee", (LandmarkDefinition("Patella", "Pa"), LandmarkDefinition("Tibia", "Ti")))
    layer = add(viewer, [Landmarks(np.array([[1.5, 2.5], [np.nan, np.nan]]), scheme)], name="knee")
    save(layer, tmp_path / "knee.csv")
    viewer.layers.clear()
    monkeypatch.setattr(zoo, "list_models", list)  # the file holds the scheme
    (again,) = viewer.open(tmp_path / "knee.csv", plugin=PLUGIN)
    assert_equal_layers(layer, again)


def test_isbi_txt(viewer, tmp_path, radiograph, landmarks_on):
    landmarks = landmarks_on(radiograph)
    save(add(viewer, [landmarks]), tmp_path / "skull.txt")
    lines = (tmp_path / "skull.txt").read_text().splitlines()
    assert len(lines) == 19
    x, y = map(float, lines[0].split(","))
    assert (y, x) == tuple(landmarks.points[0])
    (again,) = viewer.open(tmp_path / "skull.txt", plugin=PLUGIN)
    np.testing.assert_array_equal(again.data, landmarks.points)
    np.testing.assert_array_equal(again.scale, (1, 1))


def test_isbi_txt_cannot_hold_absent_landmarks(viewer, tmp_path, radiograph, landmarks_on):
    with pytest.raises(OutputError, match="absent"):
        save(add(viewer, [landmarks_on(radiograph, absent=(3,))]), tmp_path / "skull.txt")
    assert not (tmp_path / "skull.txt").exists()


def test_other_points_are_not_written(viewer, tmp_path):
    with pytest.raises(OutputError, match="not landmarks"):
        save(viewer.add_points(np.zeros((3, 2)), name="cells"), tmp_path / "cells.csv")
    assert not (tmp_path / "cells.csv").exists()


def test_a_file_that_cannot_be_written(viewer, tmp_path, radiograph, landmarks_on):
    (tmp_path / "folder").write_text("in the way")
    with pytest.raises(OutputError):
        save(add(viewer, [landmarks_on(radiograph)]), tmp_path / "folder" / "skull.csv")


def test_landmarks_lie_on_the_image_of_their_size(viewer, tmp_path, radiograph, landmarks_on):
    viewer.add_image(np.zeros((50, 50)), name="skull")
    image = viewer.add_image(radiograph.pixels, name="something", scale=(2, 3), translate=(10, 20))
    write_annotations(tmp_path / "run.csv", [landmarks_on(radiograph)])
    (layer,) = viewer.open(tmp_path / "run.csv", plugin=PLUGIN)
    np.testing.assert_allclose(layer.data_to_world((7, 9)), image.data_to_world((7, 9)))
    assert layer.name == "skull landmarks"


def test_among_images_of_one_size_the_name_decides(viewer, tmp_path, radiograph, landmarks_on):
    viewer.add_image(radiograph.pixels, name="other")
    image = viewer.add_image(radiograph.pixels, name="skull", translate=(10, 20))
    write_annotations(tmp_path / "run.csv", [landmarks_on(radiograph)])
    (layer,) = viewer.open(tmp_path / "run.csv", plugin=PLUGIN)
    np.testing.assert_array_equal(layer.translate, image.translate)


def test_without_their_image_landmarks_lie_in_mm(viewer, tmp_path, radiograph, landmarks_on):
    write_annotations(tmp_path / "run.csv", [landmarks_on(radiograph)])
    (layer,) = viewer.open(tmp_path / "run.csv", plugin=PLUGIN)
    np.testing.assert_array_equal(layer.scale, radiograph.spacing)
    assert [str(unit) for unit in layer.units] == ["millimeter"] * 2


def test_a_run_over_many_radiographs_is_one_stack_and_observers_are_apart(viewer, tmp_path, radiograph, landmarks_on):
    many = [landmarks_on(radiograph).replace(radiograph=f"{k:03}", image_sha256=f"{k:064}") for k in range(4)]
    doctors = [item.replace(source="junior", confidence=None) for item in many]
    write_annotations(tmp_path / "run.csv", many + doctors)
    layers = viewer.open(tmp_path / "run.csv", plugin=PLUGIN)
    assert [layer.data.shape for layer in layers] == [(4 * 19, 3)] * 2
    assert layers[1].name == "run junior"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("table.csv", b"index,axis-0,axis-1\n0,1.0,2.0\n"),
        ("empty.csv", b""),
        ("binary.csv", bytes(range(256))),
        ("notes.txt", b"Dear diary,\ntoday ...\n"),
        ("requirements.txt", b"numpy>=1.26\n"),
    ],
)
def test_foreign_files_are_declined(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert get_annotation_reader(str(tmp_path / name)) is None


def test_missing_files_are_declined(tmp_path):
    assert get_annotation_reader(str(tmp_path / "none.csv")) is None
    assert get_radiograph_reader(str(tmp_path / "none.dcm")) is None


def test_napari_still_reads_its_own_csv(viewer, tmp_path):
    viewer.add_points(np.arange(6.0).reshape(3, 2), name="cells").save(str(tmp_path / "cells.csv"), plugin="napari")
    (layer,) = viewer.open(tmp_path / "cells.csv", plugin="napari")
    assert len(layer.data) == 3


def test_a_broken_file_is_refused_with_words(viewer, tmp_path, radiograph, landmarks_on):
    write_annotations(tmp_path / "run.csv", [landmarks_on(radiograph)])
    text = (tmp_path / "run.csv").read_text().replace("Sella", "Selma")
    (tmp_path / "run.csv").write_text(text)
    with pytest.raises(AnnotationError, match="Selma"):
        viewer.open(tmp_path / "run.csv", plugin=PLUGIN)


def test_a_placement_that_was_tampered_with_is_refused_with_words(viewer, tmp_path, radiograph, landmarks_on):
    landmarks = landmarks_on(radiograph)
    write_annotations(tmp_path / "run.csv", [landmarks.replace(provenance={"napari": {"layer": "x", "slice": []}})])
    with pytest.raises(AnnotationError, match="Remove 'napari'"):
        viewer.open(tmp_path / "run.csv", plugin=PLUGIN)


def dicom(path: Path, pixels: np.ndarray, **attributes) -> Path:
    import pydicom
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    dataset = pydicom.Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 1, 16, 12, 11
    dataset.PixelRepresentation, dataset.PhotometricInterpretation = 0, "MONOCHROME2"
    dataset.PixelData = pixels.astype(np.uint16).tobytes()
    for name, value in attributes.items():
        setattr(dataset, name, value)
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_dicom(viewer, tmp_path, radiograph_pixels):
    file = dicom(tmp_path / "skull.dcm", radiograph_pixels.astype(np.uint16) * 16, PixelSpacing=[0.1, 0.2])
    (layer,) = viewer.open(file, plugin=PLUGIN)
    np.testing.assert_array_equal(layer.scale, (0.1, 0.2))
    assert [str(unit) for unit in layer.units] == ["millimeter"] * 2
    assert layer.name == "skull"
    assert layer.metadata["farnet"]["spacing_source"] == "PixelSpacing"


def test_dicoms_opened_as_a_stack(viewer, tmp_path, radiograph_pixels):
    files = [
        dicom(tmp_path / f"{k}.dcm", radiograph_pixels.astype(np.uint16) * 16 + k, PixelSpacing=[0.1, 0.2])
        for k in range(3)
    ]
    (layer,) = viewer.open(files, plugin=PLUGIN, stack=True)
    assert layer.data.shape == (3, 240, 180)
    np.testing.assert_array_equal(layer.scale, (1, 0.1, 0.2))


def test_a_damaged_dicom_is_refused_with_words(viewer, tmp_path):
    (tmp_path / "broken.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 10)
    with pytest.raises(RadiographError, match=r"broken\.dcm"):
        viewer.open(tmp_path / "broken.dcm", plugin=PLUGIN)
