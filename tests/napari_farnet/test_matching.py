"""A dropped table lies on the radiograph that it is of, and on no other."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from farnet.formats import write_annotations
from farnet.radiograph import read_radiograph

from .conftest import _landmarks

PLUGIN = "napari-farnet"
SCALE = (2.0, 3.0)  # of the layers that are open, which landmarks that are laid on them take over


@pytest.fixture
def viewer(make_napari_viewer_proxy, plugin):
    return make_napari_viewer_proxy()


def picture(folder, seed, name="lateral.png"):
    folder.mkdir(exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (120, 90), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / name)
    return folder / name


def show(viewer, file, *, name=None):
    (layer,) = viewer.open(file, plugin="napari")
    layer.scale = SCALE
    if name is not None:
        layer.name = name
    return layer


def table(folder, radiograph, *, proof, name=None, shape=True):
    """Landmarks of a radiograph, as far as it is known which: by its file, its pixels, both, or its name."""
    item = _landmarks(radiograph)
    item = item.replace(
        image_sha256=radiograph.sha256 if proof in ("file", "both") else None,
        provenance={"pixels_sha256": radiograph.pixels_sha256()} if proof in ("pixels", "both") else {},
        radiograph=name or item.radiograph,
        image_shape=item.image_shape if shape else None,
    )
    write_annotations(folder / "table.csv", [item])
    return folder / "table.csv"


@pytest.mark.parametrize("proof", ["file", "pixels", "both"])
@pytest.mark.parametrize("order", [1, -1])
def test_the_hash_decides_between_patients_of_one_name(viewer, tmp_path, proof, order):
    files = [picture(tmp_path / patient, seed) for seed, patient in enumerate(("A", "B"))]
    layers = {file: show(viewer, file) for file in files[::order]}
    layers[files[0]].scale = (5.0, 7.0)
    dropped = table(tmp_path, read_radiograph(files[0]), proof=proof, name="renamed")
    (layer,) = viewer.open(dropped, plugin=PLUGIN)
    np.testing.assert_array_equal(layer.scale, (5.0, 7.0))


@pytest.mark.parametrize("proof", ["file", "pixels", "both"])
def test_it_is_not_laid_on_another_patient_of_the_name_and_size(viewer, tmp_path, caplog, proof):
    files = [picture(tmp_path / patient, seed) for seed, patient in enumerate(("A", "B"))]
    show(viewer, files[1])
    (layer,) = viewer.open(table(tmp_path, read_radiograph(files[0]), proof=proof), plugin=PLUGIN)
    np.testing.assert_array_equal(layer.scale, (1.0, 1.0))
    assert "of no radiograph that is open" in caplog.text


@pytest.mark.parametrize("shape", [True, False])
def test_a_name_alone_is_said(viewer, tmp_path, caplog, shape):
    file = picture(tmp_path / "A", 0)
    show(viewer, file)
    (layer,) = viewer.open(table(tmp_path, read_radiograph(file), proof="", shape=shape), plugin=PLUGIN)
    np.testing.assert_array_equal(layer.scale, SCALE)
    assert "nothing but the name" in caplog.text


@pytest.mark.parametrize("shape", [True, False])
def test_another_name_without_proof_is_another_radiograph(viewer, tmp_path, caplog, shape):
    file = picture(tmp_path / "A", 0)
    show(viewer, file)
    dropped = table(tmp_path, read_radiograph(file), proof="", name="frontal", shape=shape)
    (layer,) = viewer.open(dropped, plugin=PLUGIN)
    np.testing.assert_array_equal(layer.scale, (1.0, 1.0))
    assert "'frontal'" in caplog.text


def test_two_of_the_name_without_proof_are_not_chosen_from(viewer, tmp_path, caplog):
    files = [picture(tmp_path / patient, seed) for seed, patient in enumerate(("A", "B"))]
    for file in files:
        show(viewer, file)
    (layer,) = viewer.open(table(tmp_path, read_radiograph(files[0]), proof=""), plugin=PLUGIN)
    np.testing.assert_array_equal(layer.scale, (1.0, 1.0))
    assert "laid on none of them" in caplog.text


def test_without_a_radiograph_there_is_nothing_to_say(viewer, tmp_path, caplog):
    file = picture(tmp_path / "A", 0)
    viewer.open(table(tmp_path, read_radiograph(file), proof="file"), plugin=PLUGIN)
    assert "farnet.notices" not in {record.name for record in caplog.records}


def test_a_saved_layer_of_another_radiograph_is_said(viewer, tmp_path, caplog):
    files = [picture(tmp_path / patient, seed) for seed, patient in enumerate(("A", "B"))]
    (layer,) = viewer.open(table(tmp_path, read_radiograph(files[0]), proof="file"), plugin=PLUGIN)
    layer.save(str(tmp_path / "saved.csv"), plugin=PLUGIN)
    viewer.layers.clear()
    show(viewer, files[1])
    viewer.open(tmp_path / "saved.csv", plugin=PLUGIN)
    assert "of no radiograph that is open" in caplog.text


def test_a_drop_gives_the_reader_what_is_open(viewer, tmp_path, monkeypatch):
    import farnet.formats

    file = picture(tmp_path / "A", 0)
    show(viewer, file)
    dropped = table(tmp_path, read_radiograph(file), proof="file")
    given = {}
    real = farnet.formats.read_annotations

    def read(path, **words):
        given.update(words)
        return real(path, **words)

    monkeypatch.setattr(farnet.formats, "read_annotations", read)
    viewer.open(dropped, plugin=PLUGIN)
    assert given["radiographs"] == [file, tmp_path]
