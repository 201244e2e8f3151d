"""The module that is exported: the same points as the detector, in one frame, with several looks and in batches."""

import numpy as np
import pytest
import torch

from farnet.detection import Detector
from farnet.export.graph import DetectionGraph
from farnet.inputs import IMAGENET_MEAN, IMAGENET_STD, network_input
from farnet.modelfile import DecoderConfig
from farnet.networks.farnet import Heatmaps
from farnet.samples import average_cephalogram


class Shows(torch.nn.Module):
    """A `network` whose two heatmaps are the picture, and half of it."""

    def forward(self, x):
        grey = x[:, :1] * IMAGENET_STD[0] + IMAGENET_MEAN[0]
        maps = torch.cat((grey, 0.5 * grey), 1)
        return Heatmaps(maps, maps)


def spots(points, sigma=3.0, shape=(64, 96)):
    rows, columns = np.indices(shape)
    squares = [(rows - r) ** 2 + (columns - c) ** 2 for r, c in points]
    return torch.from_numpy(np.stack([np.exp(-0.5 * s / sigma**2) for s in squares])).float()


@pytest.mark.parametrize("shifts", [((0, 0),), ((4, 4), (-4, -4)), ((0, 0), (3, -2))])
def test_points_are_sub_pixel_in_every_picture(shifts):
    points = np.array([[20.3, 40.7], [31.25, 17.5], [44.0, 80.9]])
    graph = DetectionGraph(Shows(), DecoderConfig(sigma=3.0, shifts=shifts), (64, 96), heatmaps=True)
    found, confidence, maps = graph(spots(points))
    assert found.shape == (3, 2, 2)
    np.testing.assert_allclose(found.numpy(), np.stack([points] * 2, 1), atol=1e-3)
    np.testing.assert_allclose(confidence.numpy(), [[1.0, 0.5]] * 3, atol=1e-3)
    assert maps.shape == (3, 2, 64, 96)


def test_the_last_look_at_a_border_is_not_dimmed():
    """A pixel that one look alone sees is that look's."""
    graph = DetectionGraph(Shows(), DecoderConfig(sigma=3.0, shifts=((4, 4), (-4, -4))), (64, 96), heatmaps=True)
    picture = spots([(1.4, 1.8)])
    torch.testing.assert_close(graph(picture)[2][0, 0, :60, :92], picture[0, :60, :92], atol=1e-6, rtol=0)


def test_an_empty_picture_has_no_landmark():
    graph = DetectionGraph(Shows(), DecoderConfig(sigma=3.0), (64, 96))
    points, confidence = graph(torch.stack((torch.zeros(64, 96), spots([(30.0, 30.0)])[0])))
    assert torch.isnan(points[0]).all() and torch.isnan(confidence[0]).all()
    assert torch.isfinite(points[1]).all()


def test_the_bundled_model_finds_what_the_detector_finds():
    detector = Detector(device="cpu")
    radiograph = average_cephalogram()[0]
    found = detector.detect(radiograph)
    settings = detector.metadata.input
    grey = torch.from_numpy(network_input(radiograph.pixels, found.frame, settings))
    graph = DetectionGraph(detector._runner.network, detector.metadata.decoder, settings.shape)
    with torch.inference_mode():
        points, confidence = graph(grey[None])
    assert np.abs(found.frame.to_radiograph(points[0].numpy()) - found.landmarks.points).max() < 0.01
    np.testing.assert_allclose(confidence[0].numpy(), found.landmarks.confidence, atol=1e-5)
