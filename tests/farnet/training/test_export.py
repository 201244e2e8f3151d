"""A finished training becomes a model file whose card tells what it was."""

import numpy as np
import pytest

from farnet.detection import Detector
from farnet.modelfile import load_model, read_metadata
from farnet.training.data import LandmarkData
from farnet.training.export import export_model
from farnet.training.fit import start_network


@pytest.fixture
def export(tmp_path, blobs, tiny):
    def run(*changes, **keywords):
        data = LandmarkData(blobs, tiny(*changes))
        data.training.prepare()
        data.validation.prepare()
        network = start_network(data.config).eval()
        path = tmp_path / "blobs.safetensors"
        return path, export_model(path, network, data, record={"dataset": "blobs"}, **keywords), data

    return run


def test_the_card_of_a_training(export):
    command = ["farnet", "train", "--data", "my folder"]
    path, metadata, data = export("name=blobs-7", "shifts=[[2, 2], [-2, -2]]", command=command)
    assert read_metadata(path) == metadata
    assert metadata.name == "blobs-7" and metadata.landmark_scheme.name == "blobs"
    assert metadata.decoder.sigma == 3 and metadata.decoder.shifts == ((2, 2), (-2, -2))
    assert metadata.training["radiographs"] == 8 and metadata.training["data"] == {"dataset": "blobs"}
    assert metadata.training["command"] == "farnet train --data DATA"
    sums = sorted(data.training.source.radiograph(index).pixels_sha256() for index in range(8))
    assert metadata.training["pixels_sha256"] == sums
    assert metadata.training["settings"] == data.config.model_dump(mode="json")
    assert metadata.evaluation == {}


def test_typical_points_are_the_mean_in_network_pixels(export, blobs):
    _, metadata, data = export()
    frame = data.config.input.frame((96, 80))
    np.testing.assert_allclose(metadata.typical_points, frame.to_network(blobs.points).mean(axis=0))


def test_typical_points_leave_out_the_absent(tmp_path, make_blobs, tiny):
    source = make_blobs(absent=(1, 2))
    data = LandmarkData(source, tiny())
    path = tmp_path / "blobs.safetensors"
    metadata = export_model(path, start_network(data.config).eval(), data, record={})
    here = [i for i in range(8) if i not in (1, 2)]
    frame = data.config.input.frame((96, 80))
    np.testing.assert_allclose(metadata.typical_points[1], frame.to_network(source.points[here, 1]).mean(axis=0))


def test_texts_replace_the_defaults(export):
    _, plain, _ = export()
    assert "training data" in plain.licence and "not for diagnosis" in plain.intended_use
    _, own, _ = export(card={"title": "Blobs", "licence": "CC0", "intended_use": "None."})
    assert (own.title, own.licence, own.intended_use) == ("Blobs", "CC0", "None.")


def test_held_out_radiographs_are_evaluated_with_the_network_itself(export, blobs):
    path, metadata, data = export("folds=4", "fold=1")
    pooled = metadata.evaluation["held_out"]["pooled"]
    assert len(data.validation_indices) == 2 and metadata.training["radiographs"] == 6
    network, _ = load_model(path)
    detector = Detector.from_network(network, metadata, "cpu")
    found = [detector.detect(blobs.radiograph(i)).landmarks.points for i in data.validation_indices]
    missed = int(np.isnan(found).any(axis=-1).sum())
    assert pooled["n"] + pooled["n_missed"] == 4
    assert abs(pooled["n_missed"] - missed) <= 1  # 16-bit weights may tip a map over the threshold
