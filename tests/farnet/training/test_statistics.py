"""Statistics of batch normalisation are those of the finished weights."""

import pytest
import torch
from torch import nn

from farnet.errors import InvalidInputError
from farnet.training.statistics import reestimate_statistics


@pytest.fixture
def network():
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5, momentum=0.3), nn.ReLU(), nn.BatchNorm2d(5))


@pytest.fixture
def batches():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(4, 3, 9, 8, generator=generator) + i for i in range(3)]


def test_average_over_the_batches(network, batches):
    network[1].running_mean.fill_(99.0)
    reestimate_statistics(network, iter(batches))
    with torch.no_grad():
        outputs = [network[0](batch) for batch in batches]
    torch.testing.assert_close(
        network[1].running_mean, torch.stack([o.mean((0, 2, 3)) for o in outputs]).mean(0), atol=1e-5, rtol=1e-5
    )
    torch.testing.assert_close(
        network[1].running_var, torch.stack([o.var((0, 2, 3)) for o in outputs]).mean(0), atol=1e-5, rtol=1e-5
    )
    assert int(network[1].num_batches_tracked) == 3


def test_what_was_there_before_does_not_matter(network, batches):
    reestimate_statistics(network, batches)
    first = {k: v.clone() for k, v in network.state_dict().items()}
    network.train()
    network(100 * batches[0])
    reestimate_statistics(network, batches)
    for name, value in network.state_dict().items():
        assert torch.equal(value, first[name])


def test_weights_and_settings_stay(network, batches):
    before = [p.detach().clone() for p in network.parameters()]
    reestimate_statistics(network, batches)
    assert all(torch.equal(p, b) for p, b in zip(network.parameters(), before, strict=True))
    assert [network[1].momentum, network[3].momentum] == [0.3, 0.1]
    assert not network.training and all(p.requires_grad and p.grad is None for p in network.parameters())


def test_momentum_survives_a_failure(network, batches):
    with pytest.raises(RuntimeError):
        reestimate_statistics(network, [batches[0], torch.zeros(1, 7, 9, 9)])
    assert [network[1].momentum, network[3].momentum] == [0.3, 0.1]


def test_nothing_to_estimate_from_is_refused(network):
    with pytest.raises(InvalidInputError, match="at least one"):
        reestimate_statistics(network, [])
