"""ONNX files: the points of the detector to 0.01 px by onnxruntime alone, what they say of themselves, and refusals."""

import json

import numpy as np
import pytest

onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra onnx")
onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
pytest.importorskip("onnxscript", reason="needs the extra onnx")

from farnet.detection import Detector  # noqa: E402
from farnet.errors import InvalidInputError, MissingExtraError, UnknownNameError  # noqa: E402
from farnet.export.int8 import calibration_pictures, depthwise, heads, quantised, stem  # noqa: E402
from farnet.export.onnx import check_export, export_onnx  # noqa: E402
from farnet.inputs import network_input  # noqa: E402
from farnet.radiograph import Radiograph, read_radiograph  # noqa: E402
from farnet.samples import average_cephalogram  # noqa: E402

pytestmark = pytest.mark.timeout(900)  # tracing the bundled model takes half a minute of a free core


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return export_onnx("ceph19-compact", tmp_path_factory.mktemp("onnx") / "ceph19.onnx", heatmaps=True)


@pytest.fixture(scope="module")
def session(exported):
    return onnxruntime.InferenceSession(exported.path, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def detector():
    return Detector(device="cpu")


@pytest.fixture(scope="module")
def radiographs(request):
    """The average cephalogram, brighter and moved, so that a batch is of different ones; real ones where they are."""
    import os
    from pathlib import Path

    whole = average_cephalogram()[0]
    moved = np.roll(whole.pixels, (7, -5), (0, 1))
    made = [whole, Radiograph.from_array(moved, spacing=whole.spacing, name="moved")]
    folder = Path(os.environ.get("FARNET_DATA", ".")) / "isbi2015" / "RawImage" / "Test1Data"
    return [*made, *(read_radiograph(path) for path in sorted(folder.glob("*"))[:2])]


def seen(detector, radiograph, found):
    return network_input(radiograph.pixels, found.frame, detector.metadata.input)


def test_points_are_those_of_the_detector_for_any_batch(session, detector, radiographs):
    found = [detector.detect(radiograph, heatmaps=True) for radiograph in radiographs]
    pictures = np.stack([seen(detector, *pair) for pair in zip(radiographs, found, strict=True)])
    expected = np.stack([each.frame.to_network(each.landmarks.points) for each in found])
    sure = np.stack([each.landmarks.confidence for each in found])
    points, confidence, maps = session.run(None, {"image": pictures})
    assert points.shape == (len(found), 19, 2) and points.dtype == np.float32
    np.testing.assert_allclose(points, expected, atol=0.01)
    np.testing.assert_allclose(confidence, sure, atol=1e-3)
    np.testing.assert_allclose(maps, np.stack([each.heatmaps for each in found]), atol=1e-3)
    single = session.run(["points"], {"image": pictures[:1]})[0]
    np.testing.assert_allclose(single[0], expected[0], atol=0.01)


def test_a_black_picture_has_no_landmark(session, detector):
    points, confidence, _ = session.run(None, {"image": np.zeros((1, *detector.metadata.input.shape), np.float32)})
    absent = np.isnan(confidence)
    assert np.array_equal(np.isnan(points).all(-1), absent)
    assert absent.sum() > 9


def test_it_says_what_it_is(session, detector, exported):
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["farnet.input"]) == detector.metadata.input.model_dump(mode="json")
    assert json.loads(about["farnet.decoder"]) == detector.metadata.decoder.model_dump(mode="json")
    assert json.loads(about["farnet.landmarks"]) == list(detector.scheme.names)
    assert about["farnet.model_sha256"] == detector.sha256
    assert about["farnet.arithmetic"] == "float32"
    assert "row, column" in about["farnet.results"]
    assert exported.outputs == ("points", "confidence", "heatmaps")
    assert exported.integer_layers == 0 < exported.float_layers
    assert b"site-packages" not in exported.path.read_bytes()


def test_integers_in_hidden_layers_move_points_little(exported, session, detector):
    pictures = calibration_pictures(None, detector.metadata.input)
    proto = onnx.load(exported.path)
    smaller, count = quantised(proto, pictures, detector.metadata.input.shape)
    assert count == 1
    integer = onnxruntime.InferenceSession(smaller.SerializeToString(), providers=["CPUExecutionProvider"])
    points = integer.run(["points"], {"image": pictures[0][None]})[0]
    whole = session.run(["points"], {"image": pictures[0][None]})[0]
    assert np.abs(points - whole).max() > 0
    assert np.linalg.norm(points - whole, axis=-1).mean() < 0.5
    made_by = {name: node.op_type for node in smaller.graph.node for name in node.output}
    convolutions = {node.name: made_by.get(node.input[0]) for node in smaller.graph.node if node.op_type == "Conv"}
    exact = {*heads(proto), *stem(proto), *depthwise(proto)}
    assert exact
    assert {convolutions[name] for name in exact if name in convolutions}.isdisjoint({"DequantizeLinear"})
    assert sum(kind == "DequantizeLinear" for kind in convolutions.values()) > len(convolutions) / 3


class TestRefusals:
    def test_of_a_file_that_is_there(self, tmp_path):
        there = tmp_path / "there.onnx"
        there.write_bytes(b"mine")
        with pytest.raises(InvalidInputError, match="--force"):
            export_onnx("ceph19-compact", there)
        assert there.read_bytes() == b"mine"
        check_export(there, force=True)

    def test_of_another_ending(self, tmp_path):
        with pytest.raises(InvalidInputError, match=r"model\.onnx"):
            check_export(tmp_path / "model.pt")

    def test_of_an_unknown_model(self, tmp_path):
        with pytest.raises(UnknownNameError, match="ceph19-compact"):
            export_onnx("ceph19-compat", tmp_path / "model.onnx")

    def test_without_the_extra(self, tmp_path, monkeypatch):
        import importlib.util

        real = importlib.util.find_spec
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else real(name))
        with pytest.raises(MissingExtraError, match=r"napari-farnet\[onnx\]"):
            check_export(tmp_path / "model.onnx")

    def test_of_no_calibration_and_of_another_shape(self, exported):
        proto = onnx.load(exported.path)
        with pytest.raises(InvalidInputError, match="no calibration"):
            quantised(proto, [], (512, 416))
        with pytest.raises(InvalidInputError, match=r"\(64, 64\)"):
            quantised(proto, [np.zeros((64, 64), np.float32)], (512, 416))

    def test_of_a_folder_without_radiographs(self, tmp_path, detector):
        with pytest.raises(InvalidInputError, match="no folder"):
            calibration_pictures(tmp_path / "none", detector.metadata.input)
