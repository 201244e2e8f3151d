"""The fast form of the network is the same network."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from farnet.networks import NetworkConfig, build_network
from farnet.networks.blocks import PlainHead, upsample2
from farnet.networks.cost import network_cost
from farnet.networks.inference import _UpsampledConv, fold_head, optimise


def trained_like(config, seed=0):
    """A network whose normalisations have statistics and parameters as if it had been trained."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(config)
        for norm in (m for m in network.modules() if isinstance(m, nn.BatchNorm2d)):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, 0.0, 0.2)
            norm.running_mean.normal_(0.0, 0.2)
            norm.running_var.uniform_(0.5, 2.0)
    return network


def compare(config, shape=(2, 3, 64, 96), limit=1e-5):
    network = trained_like(config)
    image = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    plain = network.eval()
    if config.norm == "image":
        plain = copy.deepcopy(network).train()
        with torch.no_grad():
            each = [plain(one[None]) for one in image]
        expected = tuple(torch.cat(parts) for parts in zip(*each, strict=True))
    else:
        with torch.no_grad():
            expected = tuple(plain(image))
    fast = optimise(network)
    found = tuple(fast(image))
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape and not a.requires_grad
        assert float((a - b).abs().max()) <= limit * max(1.0, float(b.abs().max()))
    return network, fast


@pytest.mark.parametrize("backbone", ["densenet121", "resnet18", "resnet50", "vgg16", "efficientnet_lite0"])
def test_same_heatmaps(backbone):
    compare(NetworkConfig(backbone=backbone, width=16, landmarks=3))


@pytest.mark.parametrize("backbone", ["densenet121", "resnet18", "efficientnet_lite0"])
def test_same_heatmaps_by_image_statistics(backbone):
    # Dividing by the deviation of the six pixels of the coarsest level magnifies rounding.
    compare(NetworkConfig(backbone=backbone, width=16, landmarks=3, norm="image"), limit=1e-4)


@pytest.mark.parametrize("name", ["resnet18", "tf_efficientnet_lite0"])
def test_same_heatmaps_on_timm(name):
    pytest.importorskip("timm")
    compare(NetworkConfig(backbone=f"timm:{name}", width=16, landmarks=3))


def test_same_heatmaps_at_the_papers_width():
    compare(NetworkConfig(landmarks=19, image_kernel=1), (1, 3, 64, 64))


def test_same_heatmaps_with_more_of_the_finest_features():
    network, _ = compare(NetworkConfig(backbone="resnet18", width=16, landmarks=7, finest=12))
    assert network.aggregation.out_channels == 12


def test_the_network_itself_is_untouched():
    config = NetworkConfig(backbone="resnet18", width=8, landmarks=2)
    network = trained_like(config).train()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    fast = optimise(network)
    fast(torch.zeros(1, 3, 64, 64))
    assert network.training and all(p.requires_grad for p in network.parameters())
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    pointers = {p.data_ptr() for p in network.parameters()}
    assert not any(p.data_ptr() in pointers for p in fast.parameters())


@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "resnet18"])
def test_normalisations_are_folded_away(backbone):
    fast = optimise(trained_like(NetworkConfig(backbone=backbone, width=8, landmarks=2)))
    left = sum(isinstance(m, nn.BatchNorm2d) for m in fast.modules())
    # ResNet's first: its convolution is tapped raw.
    assert left == (1 if backbone == "resnet18" else 0)


def test_input_is_untouched_and_results_repeat():
    fast = optimise(trained_like(NetworkConfig(backbone="resnet18", width=8, landmarks=2)))
    image = torch.randn(1, 3, 64, 64)
    before = image.clone()
    first = fast(image)
    assert torch.equal(fast(image).fine, first.fine) and torch.equal(image, before)


@pytest.mark.parametrize("shape", [(2, 3, 6, 7), (1, 3, 2, 2), (1, 3, 1, 4)])
def test_convolution_before_up_sampling(shape):
    x, weight = torch.randn(shape, dtype=torch.float64), torch.randn(5, 3, 3, 3, dtype=torch.float64)
    expected = F.conv2d(upsample2(x), weight, padding=1)
    torch.testing.assert_close(_UpsampledConv(weight)(x), expected)


def test_folded_head():
    head = PlainHead(12, 5)
    x = torch.randn(2, 12, 9, 11)
    folded = fold_head(head)
    assert folded.kernel_size == (3, 3) and folded.out_channels == 5
    with torch.no_grad():
        torch.testing.assert_close(folded(x), head(x), atol=1e-6, rtol=1e-5)


@pytest.fixture(scope="module")
def paper():
    return network_cost(NetworkConfig(), (800, 640))


class TestCost:
    def test_as_trained(self, paper):
        assert paper.parameters == 61_219_731 and paper.macs == 155_857_920_000
        assert paper.macs_by_part["backbone"] == pytest.approx(28.910e9, rel=1e-4)
        assert paper.macs_by_part["aggregation"] == pytest.approx(64.446e9, rel=1e-4)
        assert sum(paper.macs_by_part.values()) == paper.macs
        assert sum(paper.parameters_by_part.values()) == paper.parameters

    def test_detecting_takes_two_thirds(self, paper):
        # 155.9 GMAC less the folded heads is 100.4 with the 3x3 image convolution; slices before up-sampling save more.
        assert 85e9 < paper.macs_detecting <= 100.5e9

    def test_what_is_counted_is_what_runs(self):
        config = NetworkConfig(backbone="resnet18", width=8, landmarks=2)
        fast = optimise(build_network(config))
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            fast(torch.zeros(1, 3, 64, 96))
        assert counter.get_total_flops() == 2 * network_cost(config, (64, 96)).macs_detecting

    def test_is_json(self, paper):
        assert paper.to_dict()["input_shape"] == [800, 640]
