"""`farnet export`: what it writes and says, and what it refuses before any work."""

import importlib.util

import pytest

from farnet.export.onnx import Exported


@pytest.fixture
def written(monkeypatch):
    """Exports write nothing but note what was asked for."""
    import farnet.export.onnx

    asked = []

    def export_onnx(model, path, *, heatmaps, calibration, force):
        asked.append((model, path.name, heatmaps, None if calibration is None else len(calibration), force))
        outputs = ("points", "confidence", *(["heatmaps"] if heatmaps else []))
        return Exported(path, 1_500_000, outputs, 10, 0 if calibration is None else 90, len(calibration or ()))

    monkeypatch.setattr(farnet.export.onnx, "export_onnx", export_onnx)
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: "onnx" in name or real(name, *rest))
    return asked


def test_says_what_was_written_and_what_goes_in(farnet, here, written):
    result = farnet("export", "ceph19-compact", "-o", "out.onnx", "--heatmaps")
    assert result.code == 0
    assert written == [("ceph19-compact", "out.onnx", True, None, False)]
    assert "(batch, 512, 416)" in result.out
    assert "points, confidence, heatmaps" in result.out
    assert "8-bit" not in result.out


def test_integers_are_calibrated_on_a_folder_or_the_sample(farnet, make, here, written):
    for number in range(3):
        make(here / "scans" / f"{number}.png", number)
    (here / "scans" / "notes.png").write_bytes(b"no picture")
    assert farnet("export", "ceph19-compact", "-o", "a.onnx", "--int8").code == 0
    result = farnet("export", "ceph19-compact", "-o", "b.onnx", "--int8", "--calibrate", "scans")
    assert [calls[3] for calls in written] == [1, 3]
    assert "90 convolutions of 100, calibrated on 3 radiographs" in " ".join(result.out.split())
    report = farnet("export", "ceph19-compact", "-o", "c.onnx", "--int8", "--json").json()
    assert report["integer_layers"] == 90 and report["path"].endswith("c.onnx")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["ceph19-compact", "-o", "there.onnx"], "--force"),
        (["ceph19-compact", "-o", "out.pt"], "out.onnx"),
        (["ceph19-compat", "-o", "out.onnx"], "Did you mean 'ceph19-compact'"),
        (["ceph19-compact", "-o", "out.onnx", "--calibrate", "scans"], "add --int8"),
        (["ceph19-compact", "-o", "out.onnx", "--int8", "--calibrate", "nowhere"], "no folder nowhere"),
        (["ceph19-compact", "-o", "out.onnx", "--int8", "--calibrate", "empty"], "No radiograph in empty"),
    ],
)
def test_refusals(farnet, here, written, words, says):
    (here / "there.onnx").write_bytes(b"mine")
    (here / "empty").mkdir()
    result = farnet("export", *words)
    assert result.code == 2
    assert says in " ".join(result.err.split())
    assert not written
    assert (here / "there.onnx").read_bytes() == b"mine"


def test_without_the_extra_it_says_how_to_install_it(farnet, here, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "onnx" else real(name, *rest))
    result = farnet("export", "ceph19-compact", "-o", "out.onnx")
    assert result.code == 2
    assert "pip install 'napari-farnet[onnx]'" in " ".join(result.err.split())
