"""`farnet calibrate`: from the trainings of two folds to a model that tells expected errors."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from farnet.datasets.opening import DataRequest
from farnet.detection import Detector
from farnet.formats import read_annotations, write_annotations
from farnet.inputs import InputConfig
from farnet.landmarks import Landmarks
from farnet.modelfile import DecoderConfig, ModelMetadata, read_metadata, save_model
from farnet.networks import NetworkConfig, build_network
from farnet.radiograph import read_radiograph
from farnet.scheme import load_scheme
from farnet.training.config import load_preset
from farnet.training.run import RunRecord
from farnet.uncertainty.fitting import LEAST_RADIOGRAPHS

ALL_FOUND = DecoderConfig(method="argmax", sigma=3.0, min_peak=0.0, shifts=((2, 2), (-2, -2)))


def write_model(path, **changes):
    """A network that has learnt nothing and finds every landmark somewhere."""
    values = {
        "name": "tiny",
        "network": NetworkConfig(backbone="efficientnet_lite0", width=8),
        "input": InputConfig(height=64, width=64, fit="letterbox", intensity="percentiles"),
        "decoder": ALL_FOUND,
        "scheme": load_scheme("cephalometric19").to_dict(),
    }
    about = ModelMetadata(**{**values, **changes})
    torch.manual_seed(0)
    network = build_network(about.network)
    for parameter in network.parameters():
        if parameter.shape == (19,):
            torch.nn.init.constant_(parameter, 1.0)
    save_model(path, network, about, half=True)


@pytest.fixture
def data(here, rng):
    """As many radiographs as are needed, with landmarks anywhere."""
    folder = here / "data"
    folder.mkdir()
    truth = []
    for i in range(LEAST_RADIOGRAPHS):
        Image.fromarray(rng.integers(0, 256, (64, 64), dtype=np.uint8)).save(folder / f"r{i:02}.png")
        points = rng.uniform(5, 55, (19, 2))
        truth.append(Landmarks(points, load_scheme("cephalometric19"), spacing=(0.5, 0.5), radiograph=f"r{i:02}"))
    write_annotations(folder / "truth.csv", truth)
    return folder


@pytest.fixture
def folds(here, data):
    """Folders as two trainings leave them; nothing was learnt in them."""
    made = []
    for fold in (0, 1):
        folder = here / f"fold-{fold}"
        folder.mkdir()
        changes = ("name=tiny", "folds=2", f"fold={fold}", "weights=none", "input.height=64", "input.width=64")
        config = load_preset("compact", changes, landmarks=19)
        (folder / "config.json").write_text(config.model_dump_json())
        record = RunRecord(data=DataRequest(folder=data, layout="table"))
        (folder / "run.json").write_text(record.model_dump_json())
        write_model(folder / "tiny.safetensors")
        made.append(folder)
    return made


def test_names_are_kept_only_on_request(farnet, here, folds):
    training = {"data": {"radiographs": ["Mueller 1970"]}, "command": f"farnet train --data {here}"}
    write_model(here / "tiny.safetensors", training=training)
    assert farnet("calibrate", "tiny.safetensors", *folds, "-o", "told.safetensors").code == 0
    told = read_metadata(here / "told.safetensors").training
    assert told == {"data": {"radiographs": 1}, "command": "farnet train --data DATA"}
    assert farnet("calibrate", "tiny.safetensors", *folds, "-o", "names.safetensors", "--names").code == 0
    assert read_metadata(here / "names.safetensors").training["data"] == {"radiographs": ["Mueller 1970"]}


def test_a_calibrated_model_tells_expected_errors_everywhere(farnet, here, data, folds):
    write_model(here / "tiny.safetensors")
    result = farnet("calibrate", "tiny.safetensors", *folds, "--output", "told.safetensors", "--json")
    assert result.code == 0, result.err
    assert sorted(result.json()["radiographs"]) == [f"r{i:02}" for i in range(LEAST_RADIOGRAPHS)]
    assert read_metadata(here / "told.safetensors").calibration == result.json()["calibration"]

    radiograph = read_radiograph(data / "r00.png", spacing=(0.5, 0.5))
    detector = Detector(here / "told.safetensors", "cpu")
    found, plain = (
        detector.detect(radiograph).landmarks,
        Detector("tiny.safetensors", "cpu").detect(radiograph).landmarks,
    )
    np.testing.assert_array_equal(found.points, plain.points)  # the weights are the same
    assert plain.region95 is None and np.isnan(plain.expected_error_px).all()
    np.testing.assert_allclose(found.expected_error_mm, 0.5 * found.expected_error_px)
    # The network knows nothing and the points are anywhere in 50 px: the error is that of a guess.
    assert (found.expected_error_px > 10).all() and (found.expected_error_px < 60).all()
    assert (found.reach95() > found.expected_error_px).all()
    many = detector.detect_many([radiograph])[0].landmarks
    np.testing.assert_allclose(many.covariance, found.covariance, rtol=1e-3)

    write_annotations("found.csv", [found])
    again = read_annotations("found.csv")[0]
    np.testing.assert_array_equal(again.region95, found.region95)
    table = farnet("detect", data / "r00.png", "--model", "told.safetensors", "--spacing", "0.5", "-o", "out")
    assert table.code == 0, table.err
    assert "expected (mm)" in table.out + table.err

    figures = farnet(
        *("evaluate", "--model", "told.safetensors", "--radiographs", data, "--reference", data / "truth.csv"),
        *("--spacing", "0.5", "--bootstrap", "0", "--json"),
    )
    assert figures.code == 0, figures.err
    likely = figures.json()["extras"]["expected_error"]
    assert likely["unit"] == "mm"
    assert likely["pooled"]["coverage_percent"]["value"] > 90  # what it was calibrated on
    assert likely["pooled"]["ratio"]["value"] == pytest.approx(1.0, abs=0.05)
    assert likely["median_area_of_heatmaps_at_the_same_coverage"] > 0


def test_what_does_not_belong_together_is_refused(farnet, here, folds):
    write_model(here / "tiny.safetensors")
    assert farnet("calibrate", "tiny.safetensors", folds[0], "--output", "told.csv").code == 2
    twice = farnet("calibrate", "tiny.safetensors", folds[0], folds[0], "--output", "told.safetensors")
    assert twice.code == 2 and "held out by two" in twice.err
    few = farnet("calibrate", "tiny.safetensors", folds[0], "--output", "told.safetensors")
    assert few.code == 2 and "at least 45" in " ".join(few.err.split())
    write_model(here / "other.safetensors", decoder=DecoderConfig(sigma=2.0))
    other = farnet("calibrate", "other.safetensors", *folds, "--output", "told.safetensors")
    assert other.code == 2 and "differs from tiny in decoder" in " ".join(other.err.split())
    (folds[1] / "tiny.safetensors").unlink()
    unfinished = farnet("calibrate", "tiny.safetensors", *folds, "--output", "told.safetensors")
    assert unfinished.code == 2 and "not finished" in " ".join(unfinished.err.split())
    nowhere = farnet("calibrate", "tiny.safetensors", here, "--output", "told.safetensors")
    assert nowhere.code == 2 and "no folder of a training" in " ".join(nowhere.err.split())
    assert not (here / "told.safetensors").exists()


def test_a_model_with_a_damaged_calibration_is_refused(farnet, here, folds):
    write_model(here / "tiny.safetensors")
    good = json.loads(farnet("calibrate", "tiny.safetensors", *folds, "-o", "told.safetensors", "--json").out)
    for change, word in (({"radii": [1.0]}, "radii"), ({"level": 0.5}, "0.5")):
        write_model(here / "bad.safetensors", calibration=good["calibration"] | change)
        result = farnet("info", "bad.safetensors")
        assert result.code == 2 and word in result.err
