"""The feature aggregation at other widths and numbers of levels than the paper's (that one: test_farnet.py)."""

import pytest
import torch

from farnet.errors import InvalidInputError
from farnet.networks.msfa import Aggregation


def levels(channels, size=64):
    return [torch.randn(2, c, size >> (i + 1), size >> (i + 1)) for i, c in enumerate(channels)]


@pytest.mark.parametrize("channels", [(4, 8, 16), (4, 8, 16, 32), (4, 8, 16, 32, 64), (4, 8, 8, 16, 16, 32)])
def test_any_number_of_levels_becomes_one_feature_at_stride_two(channels):
    aggregation = Aggregation(channels, 16)
    assert aggregation(levels(channels)).shape == (2, 4, 32, 32)


def test_two_levels_are_too_few():
    with pytest.raises(InvalidInputError, match="2 levels"):
        Aggregation((4, 8), 16)


@pytest.mark.parametrize(
    ("width", "finest", "half", "quarter"), [(16, 0, 8, 4), (16, 6, 8, 6), (16, 12, 12, 12), (64, 12, 32, 16)]
)
def test_the_finest_features_are_never_fewer_than_asked_for(width, finest, half, quarter):
    channels = (4, 8, 16, 32)
    aggregation = Aggregation(channels, width, finest)
    assert [step[0].out_channels for step in aggregation.up2] == [width, width, half, quarter]
    assert aggregation.out_channels == quarter
    assert aggregation(levels(channels)).shape == (2, quarter, 32, 32)


def test_every_level_reaches_the_result():
    inputs = [level.requires_grad_() for level in levels((4, 8, 16, 32))]
    Aggregation((4, 8, 16, 32), 16)(inputs).square().sum().backward()
    assert all(level.grad is not None and level.grad.abs().sum() > 0 for level in inputs)
