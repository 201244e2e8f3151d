"""Feature refinement: heatmaps at full resolution from feature, image and coarse heatmaps."""

import pytest
import torch

from farnet.networks.refinement import Refinement


def inputs(image_channels):
    image = torch.randn(2, image_channels, 16, 24)
    return [t.requires_grad_() for t in (image, torch.randn(2, 5, 8, 12), torch.randn(2, 7, 8, 12))]


@pytest.mark.parametrize("kernel", [1, 3])
def test_from_the_image(kernel):
    refinement = Refinement(5, 7, 4, kernel)
    assert refinement.image[0].kernel_size == (kernel, kernel)
    assert refinement(*inputs(3)).shape == (2, 7, 16, 24)


def test_from_a_feature_of_the_backbone_at_stride_one():
    refinement = Refinement(5, 7, 4, None)
    assert refinement.image is None
    assert refinement(*inputs(4)).shape == (2, 7, 16, 24)


@pytest.mark.parametrize("channel", range(3))
def test_all_three_inputs_matter_and_get_gradients(channel):
    given = inputs(3)
    Refinement(5, 7, 4, 3)(*given).square().sum().backward()
    assert given[channel].grad.abs().sum() > 0
