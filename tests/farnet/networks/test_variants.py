"""The networks that the paper compares FARNet with: shapes, gradients, the fast form, cost, backbones."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from farnet.errors import InvalidInputError
from farnet.networks import NetworkConfig, build_network
from farnet.networks.blocks import ConcatFusion, SumFusion, upsample2
from farnet.networks.cost import network_cost
from farnet.networks.decoders import FPNDecoder, UNetDecoder
from farnet.networks.inference import FastFARNet, FoldedFARNet, optimise

VARIANTS = tuple(itertools.product(("msfa", "msfa_plus", "unet", "fpn"), ("full", "star", "none")))


def settings(aggregation, refinement, **changes):
    small = {"backbone": "resnet18", "width": 16, "landmarks": 3}
    return NetworkConfig(aggregation=aggregation, refinement=refinement, **(small | changes))


def build(config):
    """A network whose normalisations have statistics as if it had been trained."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network(config)
        for norm in (m for m in network.modules() if isinstance(m, nn.BatchNorm2d)):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            norm.running_mean.normal_(0.0, 0.2)
            norm.running_var.uniform_(0.5, 2.0)
    return network


@pytest.fixture
def image():
    return torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("aggregation", "refinement"), VARIANTS)
class TestEveryVariant:
    def test_shapes_and_gradients(self, aggregation, refinement, image):
        network = build(settings(aggregation, refinement))
        fine, coarse = network(image)
        assert fine.shape == (2, 3, 64, 96) and coarse.shape == (2, 3, 32, 48)
        # The loss of a variant without coarse heatmaps sees the fine ones alone; every weight is reached all the same.
        fine.square().mean().backward()
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())

    def test_the_fast_form_is_the_same_network(self, aggregation, refinement, image):
        network = build(settings(aggregation, refinement)).eval()
        with torch.no_grad():
            expected = network(image)
        fast = optimise(network)
        papers = (aggregation, refinement) == ("msfa", "full")
        assert isinstance(fast, FastFARNet if papers else FoldedFARNet)
        for found, wanted in zip(fast(image), expected, strict=True):
            assert not found.requires_grad
            assert float((found - wanted).abs().max()) <= 1e-5 * max(1.0, float(wanted.abs().max()))
        # Only the first of ResNet stays: its convolution is tapped raw.
        assert sum(isinstance(m, nn.BatchNorm2d) for m in fast.modules()) == 1
        assert any(isinstance(m, nn.BatchNorm2d) for m in network.aggregation.modules())  # the network is untouched

    def test_cost_adds_up(self, aggregation, refinement):
        config = settings(aggregation, refinement)
        cost = network_cost(config, (64, 96))
        assert cost.parameters == sum(p.numel() for p in build(config).parameters())
        assert sum(cost.parameters_by_part.values()) == cost.parameters
        assert sum(cost.macs_by_part.values()) == cost.macs >= cost.macs_detecting > 0
        assert (cost.parameters_by_part["refinement"] == 0) == (refinement == "none")


@pytest.mark.parametrize("aggregation", ["msfa_plus", "unet", "fpn"])
def test_the_fast_form_by_image_statistics(aggregation, image):
    config = settings(aggregation, "none", norm="image")
    network = build(config)
    with torch.no_grad():
        each = [network.train()(one[None]).fine for one in image]
    found = optimise(network)(image).fine
    torch.testing.assert_close(found, torch.cat(each), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("refinement", ["full", "star", "none"])
def test_a_backbone_with_a_feature_at_stride_one(refinement):
    network = build(settings("msfa", refinement, backbone="vgg16", width=8)).eval()
    image = torch.randn(1, 3, 32, 48)
    with torch.no_grad():
        expected = network(image)
    torch.testing.assert_close(tuple(optimise(network)(image)), tuple(expected), atol=1e-5, rtol=1e-4)


def test_without_refinement_the_fine_heatmaps_are_the_coarse_ones_up_sampled(image):
    network = build(settings("msfa", "none")).eval()
    assert network.refinement is None
    fine, coarse = network(image)
    assert torch.equal(fine, upsample2(coarse))


def test_star_has_no_coarse_heatmaps_of_its_own(image):
    network = build(settings("msfa", "star")).eval()
    assert network.coarse_head is None and not any(name.startswith("coarse_head") for name in network.state_dict())
    # b/4 aggregated and b/8 image channels, without the K of coarse heatmaps.
    assert network.refinement.head[0].in_channels == 4 + 2
    fine, coarse = network(image)
    torch.testing.assert_close(coarse, F.avg_pool2d(fine, 2))


class TestFusion:
    def test_a_sum_is_a_sum(self):
        fusion = SumFusion(6, 6, 4).eval()
        a, b = torch.randn(2, 1, 6, 5, 7)
        assert isinstance(fusion.lateral, nn.Identity)
        torch.testing.assert_close(fusion(a, b), fusion.fuse(a + b))

    def test_the_second_is_brought_to_the_channels_of_the_first(self):
        fusion = SumFusion(6, 9, 4, 3).eval()
        a, b = torch.randn(1, 6, 5, 7), torch.randn(1, 9, 5, 7)
        assert fusion.lateral.weight.shape == (6, 9, 1, 1)
        torch.testing.assert_close(fusion(a, b), fusion.fuse(a + fusion.lateral(b)))

    def test_a_concatenation_keeps_its_names(self):
        assert set(ConcatFusion(6, 9, 4).state_dict()) == {
            *("0.weight", "0.bias", "1.weight", "1.bias"),
            *("1.running_mean", "1.running_var", "1.num_batches_tracked"),
        }

    def test_only_the_fusions_of_msfa_plus_differ(self):
        plain, plus = (build(settings(name, "full")).aggregation for name in ("msfa", "msfa_plus"))
        assert {k for k in plain.state_dict() if k.startswith("down.")} == {
            k for k in plus.state_dict() if k.startswith("down.")
        }
        assert sum(isinstance(m, ConcatFusion) for m in plain.modules()) == 10
        assert sum(isinstance(m, SumFusion) for m in plus.modules()) == 10


@pytest.mark.parametrize("decoder", [UNetDecoder, FPNDecoder])
class TestDecoders:
    def test_every_level_matters(self, decoder):
        channels = (5, 6, 7, 8)
        module = decoder(channels, 16, finest=9).eval()
        assert module.out_channels == 9
        levels = [torch.randn(1, c, 32 >> i, 48 >> i, requires_grad=True) for i, c in enumerate(channels)]
        out = module(levels)
        assert out.shape == (1, 9, 32, 48)
        out.square().sum().backward()
        assert all(level.grad.abs().sum() > 0 for level in levels)

    def test_too_few_levels_are_refused(self, decoder):
        with pytest.raises(InvalidInputError, match="3 or more"):
            decoder((5, 6), 16)


def test_the_bundled_model_has_the_names_of_the_default_network():
    from farnet.modelfile import load_model
    from farnet.zoo import find_model

    network, metadata = load_model(find_model("ceph19-compact"))
    assert (metadata.network.aggregation, metadata.network.refinement) == ("msfa", "full")
    assert {"aggregation.up1.1.0.weight", "aggregation.down_fuse.0.1.bias", "coarse_head.1.weight"} < set(
        network.state_dict()
    )


@pytest.mark.parametrize(
    ("backbone", "trunk", "channels", "level0"),
    [
        # Parameters of the convolutional trunks, as torchvision's; see docs/ablations.md for the whole networks.
        ("vgg16", 14_714_688, (128, 256, 512, 512), 64),
        ("vgg19", 20_024_384, (128, 256, 512, 512), 64),
        ("resnet101", 44_549_160 - 2_049_000, (64, 256, 512, 1024, 2048), None),
        ("resnet152", 60_192_808 - 2_049_000, (64, 256, 512, 1024, 2048), None),
        ("densenet121", 6_953_856, (64, 256, 512, 1024, 1024), None),
        ("densenet169", 12_484_480, (64, 256, 512, 1280, 1664), None),
    ],
)
def test_backbones_of_the_paper(backbone, trunk, channels, level0):
    with torch.device("meta"):
        network = build_network(NetworkConfig(backbone=backbone)).eval()
        fine, coarse = network(torch.empty(1, 3, 800, 640))
    assert sum(p.numel() for p in network.backbone.parameters()) == trunk
    assert (network.backbone.channels, network.backbone.level0_channels) == (channels, level0)
    assert fine.shape == (1, 19, 800, 640) and coarse.shape == (1, 19, 400, 320)
