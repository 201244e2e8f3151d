"""The published size of the network, counted without memory."""

import pytest

from farnet.errors import InvalidInputError
from farnet.networks import NetworkConfig
from farnet.networks.cost import network_cost


@pytest.mark.parametrize(
    ("kernel", "landmarks", "parameters", "macs"),
    [
        (1, 19, 61_218_963, 155_464_704_000),
        (3, 19, 61_219_731, 155_857_920_000),
        (1, 37, 61_263_081, None),
        (1, 68, 61_354_252, None),
    ],
)
def test_the_network_of_the_paper(kernel, landmarks, parameters, macs):
    cost = network_cost(NetworkConfig(image_kernel=kernel, landmarks=landmarks), (800, 640))
    assert cost.parameters == parameters
    assert sum(cost.parameters_by_part.values()) == cost.parameters
    assert sum(cost.macs_by_part.values()) == cost.macs
    if macs is not None:
        assert cost.macs == macs
        # Folded heads alone make 100.00 and 100.39 GMAC; 1x1 convolutions before up-sampling take some more away.
        assert cost.macs_detecting < 100_000_000_000


def test_parts_of_the_paper():
    cost = network_cost(NetworkConfig(image_kernel=1), (800, 640))
    assert cost.parameters_by_part == {"backbone": 6_953_856, "aggregation": 54_143_571, "refinement": 121_536}
    assert {part: round(n / 1e9, 3) for part, n in cost.macs_by_part.items()} == {
        "backbone": 28.910,
        "aggregation": 64.446,
        "refinement": 62.109,
    }


def test_macs_grow_with_the_area():
    config = NetworkConfig(backbone="resnet18", width=16)
    assert network_cost(config, (128, 128)).macs == 4 * network_cost(config, (64, 64)).macs


def test_a_size_that_does_not_fit_is_refused():
    with pytest.raises(InvalidInputError, match="multiples of 32"):
        network_cost(NetworkConfig(), (810, 650))
