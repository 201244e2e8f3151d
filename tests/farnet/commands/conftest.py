"""A command line to call, a detector that needs no model, and small radiographs to give it."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from farnet.cli import main
from farnet.errors import DeviceError, unknown_name
from farnet.landmarks import Landmarks
from farnet.scheme import load_scheme

SCHEME = load_scheme("cephalometric19")


class FakeDetector:
    """Finds landmark k at row 5 + k, column 7 + 2 k of every radiograph; landmark 19 is never there."""

    name, sha256, device, scheme = "fake", "0" * 64, "cpu", SCHEME

    def __init__(self, model="fake", device="auto", precision="auto", *, orient="as-is"):
        if model == "missing":
            raise unknown_name("model", model, ["fake"])
        if device not in ("auto", "cpu"):
            raise DeviceError(f"device {device!r} cannot be used; use 'cpu' or 'auto'")

    def detect(self, radiograph, *, heatmaps=False):
        points = np.stack([5.0 + np.arange(19), 7.0 + 2.0 * np.arange(19)], axis=1)
        points[18] = np.nan
        confidence = np.where(np.isnan(points[:, 0]), np.nan, 0.9)
        covariance = np.where(np.isnan(points[:, :1, None]), np.nan, np.eye(2) * 4.0)
        landmarks = Landmarks(
            points,
            SCHEME,
            spacing=radiograph.spacing,
            confidence=confidence,
            covariance=covariance,
            source="model fake",
            radiograph=radiograph.name,
            image_shape=radiograph.shape,
            image_sha256=radiograph.sha256,
        )
        return SimpleNamespace(landmarks=landmarks, heatmaps=None, seconds=0.25, alone=None, evidence=None)

    def steps(self, radiograph, *, heatmaps=False):
        yield "prepare"
        yield "network"
        return self.detect(radiograph, heatmaps=heatmaps)


@pytest.fixture
def detector(monkeypatch):
    """The detector of all commands is a fake; the class is given, to be changed."""
    import farnet.detection

    class Own(FakeDetector):
        pass

    monkeypatch.setattr(farnet.detection, "Detector", Own)
    return Own


@pytest.fixture
def farnet(capsys, monkeypatch):
    """Run `farnet` in this process: gives exit code, standard output and standard error."""

    def run(*arguments):
        words = [str(argument) for argument in arguments]
        monkeypatch.setattr("sys.argv", ["farnet", *words])  # what a shell would have given
        code = main(words)
        captured = capsys.readouterr()
        return SimpleNamespace(code=code, out=captured.out, err=captured.err, json=lambda: json.loads(captured.out))

    return run


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_radiograph(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 60), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def make():
    """Writes a small radiograph: path and seed -> path."""
    return write_radiograph


@pytest.fixture
def radiograph(here):
    """One small radiograph in the current folder."""
    return write_radiograph(here / "one.png")


@pytest.fixture
def isbi(here):
    """A data set in the layout of ISBI 2015: three test radiographs, one of them a known duplicate.

    The observers put every landmark 1 mm (10 px) left and right of where the fake detector finds it.
    """
    root = here / "isbi2015"
    found = FakeDetector().detect(SimpleNamespace(spacing=None, name="", shape=(40, 60), sha256=None)).landmarks.points
    found = np.where(np.isnan(found), 20.0, found)
    for seed, name in enumerate(("151", "152", "173")):
        write_radiograph(root / "RawImage" / "Test1Data" / f"{name}.png", seed)
        for observer, shift in (("junior", -5), ("senior", 5)):
            path = root / "AnnotationsByMD" / f"400_{observer}" / f"{name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{column + shift:g},{row:g}\n" for row, column in found))
    return root


@pytest.fixture
def tiny_model(tmp_path, monkeypatch):
    """An untrained model of 64 x 64 pixels, alone in the user's folder of models."""
    import torch

    from farnet.inputs import InputConfig
    from farnet.modelfile import DecoderConfig, ModelMetadata, save_model
    from farnet.networks import NetworkConfig, build_network

    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("FARNET_MODELS", str(folder))
    config = NetworkConfig(backbone="efficientnet_lite0", width=8)
    torch.manual_seed(0)
    metadata = ModelMetadata(
        name="tiny",
        title="A model for tests",
        network=config,
        input=InputConfig(height=64, width=64),
        decoder=DecoderConfig(sigma=2.0),
        scheme=SCHEME.to_dict(),
        training={"command": "farnet train"},
        licence="CC0",
    )
    path = folder / "tiny.safetensors"
    save_model(path, build_network(config), metadata)
    return path
