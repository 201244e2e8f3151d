"""The architecture against the figures of the paper's network: parameters, multiplications, shapes, taps."""

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from farnet.errors import InvalidInputError
from farnet.networks import NetworkConfig, build_network, use_image_statistics
from farnet.networks.blocks import ImageNorm2d

SMALL = NetworkConfig(backbone="resnet18", width=8, landmarks=3)


def build_on_meta(**settings):
    with torch.device("meta"):
        return build_network(NetworkConfig(**settings))


def meta_image(*shape):
    return torch.empty(shape, device="meta")


def parameters(module):
    return sum(p.numel() for p in module.parameters())


@pytest.fixture
def small():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_network(SMALL)


@pytest.fixture
def image():
    return torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))


class TestPaper:
    """DenseNet-121, 256 wide, 800 x 640."""

    @pytest.mark.parametrize(
        ("landmarks", "image_kernel", "total"),
        [(19, 3, 61_219_731), (19, 1, 61_218_963), (37, 1, 61_263_081), (68, 1, 61_354_252)],
    )
    def test_parameters(self, landmarks, image_kernel, total):
        assert parameters(build_on_meta(landmarks=landmarks, image_kernel=image_kernel)) == total

    def test_parameters_by_part(self):
        network = build_on_meta(image_kernel=1)
        assert parameters(network.backbone) == 6_953_856
        assert parameters(network.aggregation) + parameters(network.coarse_head) == 54_143_571
        assert parameters(network.refinement) == 121_536

    @pytest.mark.parametrize("landmarks", [1, 19, 37, 68])
    def test_parameters_of_the_refinement_follow_the_formula(self, landmarks):
        k = landmarks
        expected = 192 + 9 * (96 + k) ** 2 + (96 + k) + k * (96 + k) + k
        assert parameters(build_on_meta(landmarks=k, image_kernel=1).refinement) == expected

    def test_layers(self):
        network = build_on_meta()
        assert sum(isinstance(m, nn.Conv2d) for m in network.modules()) == 141
        assert sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == 138
        assert all(m.bias is not None for m in network.aggregation.modules() if isinstance(m, nn.Conv2d))

    @pytest.mark.parametrize(("image_kernel", "macs"), [(3, 155_857_920_000), (1, 155_464_704_000)])
    def test_multiplications_and_shapes(self, image_kernel, macs):
        network = build_on_meta(image_kernel=image_kernel).eval()
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            fine, coarse = network(meta_image(1, 3, 800, 640))
        assert counter.get_total_flops() == 2 * macs
        assert fine.shape == (1, 19, 800, 640) and coarse.shape == (1, 19, 400, 320)

    @pytest.mark.parametrize(("landmarks", "shape"), [(37, (512, 512)), (68, (1024, 512))])
    def test_other_tasks(self, landmarks, shape):
        fine, coarse = build_on_meta(landmarks=landmarks).eval()(meta_image(2, 3, *shape))
        assert fine.shape == (2, landmarks, *shape)
        assert coarse.shape == (2, landmarks, shape[0] // 2, shape[1] // 2)

    def test_steps_of_the_aggregation(self):
        aggregation = build_on_meta().aggregation
        steps = [aggregation.up1_top, *aggregation.up1, *aggregation.down, *aggregation.down_fuse, *aggregation.up2]
        found = [(s[0].in_channels, s[0].out_channels, s[0].kernel_size[0], s[0].stride[0]) for s in steps]
        assert found == [
            (1024, 512, 3, 1), (512, 256, 1, 1), (1280, 256, 1, 1), (768, 256, 1, 1), (512, 256, 1, 1),
            (256, 512, 3, 2), (512, 1024, 3, 2), (1024, 2048, 3, 2),
            (768, 512, 1, 1), (1280, 1024, 1, 1), (2304, 1024, 3, 1),
            (1024, 256, 1, 1), (1280, 256, 1, 1), (768, 256, 1, 1), (512, 128, 1, 1), (192, 64, 1, 1),
        ]  # fmt: skip


class TestForward:
    def test_both_heads_are_linear_to_the_end(self, small, image):
        with torch.no_grad():
            heatmaps = small.eval()(image)
        assert all((h < 0).any() and (h > 0).any() for h in heatmaps)

    def test_coarse_heatmaps_are_refined_with_gradient(self, small, image):
        small(image).fine.square().mean().backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in small.coarse_head.parameters())

    def test_refinement_takes_the_feature_before_the_head(self, small, image):
        # Without the heads' and the image's share, the fine heatmaps still depend on the aggregated feature.
        seen = {}
        small.refinement.register_forward_hook(lambda module, inputs, output: seen.update(inputs=inputs))
        small.aggregation.register_forward_hook(lambda module, inputs, output: seen.update(aggregated=output))
        with torch.no_grad():
            heatmaps = small.eval()(image)
        shallow, aggregated, coarse = seen["inputs"]
        assert shallow is image and aggregated is seen["aggregated"] and coarse is heatmaps.coarse

    @pytest.mark.parametrize("shape", [(64, 80), (40, 64), (65, 64)])
    def test_sizes_that_do_not_halve_are_refused(self, small, shape):
        with pytest.raises(InvalidInputError, match="multiples of 32"):
            small(torch.zeros(1, 3, *shape))

    def test_training_at_batch_size_one(self, small, image):
        loss = sum(h.square().mean() for h in small(image[:1]))
        loss.backward()
        assert all(torch.isfinite(p.grad).all() for p in small.parameters())

    def test_every_parameter_is_used(self, small, image):
        # The authors' code declares 17.9 million that nothing executes.
        sum(h.square().mean() for h in small(image)).backward()
        assert all(p.grad is not None for p in small.parameters())

    def test_channels_last_is_the_same_network(self, small, image):
        with torch.no_grad():
            expected = small.eval()(image)
            found = small.to(memory_format=torch.channels_last)(image.contiguous(memory_format=torch.channels_last))
        torch.testing.assert_close(tuple(found), tuple(expected), atol=1e-5, rtol=1e-4)


class TestImageStatistics:
    """Normalising by the image's own statistics is what training at batch size 1 does."""

    def test_equals_training_mode_one_image_at_a_time(self, small, image):
        with torch.no_grad():
            expected = [small.train()(one[None]) for one in image]
            found = use_image_statistics(small).eval()(image)
        for i, one in enumerate(expected):
            torch.testing.assert_close(found.fine[i], one.fine[0], atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(found.coarse[i], one.coarse[0], atol=1e-5, rtol=1e-4)

    def test_depends_neither_on_mode_nor_on_running_averages(self, small, image):
        for norm in (m for m in small.modules() if isinstance(m, nn.BatchNorm2d)):
            norm.running_mean.fill_(17.0)
        use_image_statistics(small)
        assert not any(isinstance(m, nn.BatchNorm2d) for m in small.modules())
        with torch.no_grad():
            # Up to rounding: training computes the heads' two convolutions as one.
            torch.testing.assert_close(small.eval()(image).fine, small.train()(image).fine, atol=1e-5, rtol=1e-4)

    def test_scale_and_shift_are_shared(self):
        norm = nn.BatchNorm2d(4)
        assert ImageNorm2d(norm).weight is norm.weight and ImageNorm2d(norm).bias is norm.bias


def test_widths_scale_the_network():
    sizes = [parameters(build_on_meta(backbone="resnet18", width=w)) for w in (8, 64, 128, 256)]
    assert sizes == sorted(sizes) and sizes[0] < 11.5e6 < 60e6 < sizes[-1]


@pytest.mark.parametrize(
    "setting",
    [{"width": 12}, {"width": 0}, {"landmarks": 0}, {"image_kernel": 5}, {"norm": "group"}, {"depth": 3}],
    ids=lambda setting: next(iter(setting)),
)
def test_impossible_settings_are_refused(setting):
    with pytest.raises(ValidationError, match=next(iter(setting))):
        NetworkConfig(**setting)
