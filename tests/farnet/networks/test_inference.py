import copy

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from farnet.networks import NetworkConfig, build_network, use_image_statistics
from farnet.networks.blocks import PlainHead
from farnet.networks.inference import fold_head, optimise


def trained_like(config, seed=0):
    """A network whose normalisations have statistics and scales unlike those of a new one."""
    torch.manual_seed(seed)
    network = build_network(config)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
    return network.eval()


@pytest.mark.parametrize("norm", ["running", "image"])
@pytest.mark.parametrize("backbone", ["densenet121", "resnet18", "vgg16", "efficientnet_lite0"])
@torch.inference_mode()
def test_heatmaps_are_equal(backbone, norm):
    network = trained_like(NetworkConfig(backbone=backbone, width=16, landmarks=5, norm=norm))
    image = torch.randn(1, 3, 160, 128)
    fast = optimise(network)(image)
    plain = use_image_statistics(copy.deepcopy(network)) if norm == "image" else network
    for a, b in zip(plain(image), fast, strict=True):
        assert a.shape == b.shape
        assert float((a - b).abs().max() / a.abs().max()) < 1e-5


@torch.inference_mode()
def test_image_statistics_do_not_depend_on_the_batch():
    network = use_image_statistics(trained_like(NetworkConfig(backbone="resnet18", width=16)))
    images = torch.randn(3, 3, 64, 64)
    torch.testing.assert_close(network(images).fine[1:2], network(images[1:2]).fine, rtol=1e-4, atol=1e-5)


def test_image_statistics_are_those_of_training_at_batch_size_one():
    network = trained_like(NetworkConfig(backbone="resnet18", width=16))
    image = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        trained = copy.deepcopy(network).train()(image).fine
        tested = use_image_statistics(copy.deepcopy(network))(image).fine
    torch.testing.assert_close(trained, tested, rtol=1e-4, atol=1e-5)


def test_the_given_network_is_left_alone():
    network = trained_like(NetworkConfig(backbone="resnet18", width=16))
    before = {k: v.clone() for k, v in network.state_dict().items()}
    with torch.inference_mode():
        optimise(network)(torch.randn(1, 3, 64, 64))
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[k], after[k]) for k in before)


def test_the_papers_network_takes_100_gmac():
    fast = optimise(build_network(NetworkConfig())).to("meta")
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        shapes = [tuple(m.shape) for m in fast(torch.empty(1, 3, 800, 640, device="meta"))]
    assert shapes == [(1, 19, 800, 640), (1, 19, 400, 320)]
    assert counter.get_total_flops() / 2 < 100e9


def test_folded_head():
    head = PlainHead(7, 5)
    x = torch.randn(1, 7, 9, 8)
    torch.testing.assert_close(fold_head(head)(x), head(x), rtol=1e-5, atol=1e-6)


def test_no_normalisation_that_can_be_folded_is_left():
    fast = optimise(build_network(NetworkConfig(backbone="efficientnet_lite0", width=16)))
    assert not any(isinstance(m, nn.BatchNorm2d) for m in fast.modules())
