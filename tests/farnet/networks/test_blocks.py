"""The units of which MSFA and FR are made compute what they say, and so do their gradients."""

import pytest
import torch
from torch.nn import functional as F

from farnet.networks.blocks import ConvNormAct, PlainHead, concatenate, upsample2


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def one_by_one(head, x):
    """What the two convolutions of a head make of `x`, one after the other."""
    return head[1](head[0](x))


class TestPlainHead:
    @pytest.mark.parametrize("training", [True, False])
    def test_is_its_two_convolutions(self, training):
        head = PlainHead(12, 5).double().train(training)
        x = torch.randn(2, 12, 9, 11, dtype=torch.float64)
        torch.testing.assert_close(head(x), one_by_one(head, x))

    def test_training_has_their_gradients(self):
        head = PlainHead(6, 4).double()
        x = torch.randn(2, 6, 7, 5, dtype=torch.float64, requires_grad=True)
        inputs = [x, *head.parameters()]
        found = torch.autograd.grad(head.train()(x).square().sum(), inputs)
        expected = torch.autograd.grad(one_by_one(head, x).square().sum(), inputs)
        for a, b in zip(found, expected, strict=True):
            torch.testing.assert_close(a, b)

    def test_its_parameters_are_folded_in_full_precision(self):
        head = PlainHead(64, 8)
        weight, bias = head.folded()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            mixed_weight, mixed_bias = head.folded()
        assert torch.equal(weight, mixed_weight) and torch.equal(bias, mixed_bias)

    def test_detection_runs_it_as_the_paper_describes(self):
        head = PlainHead(6, 4).eval()
        x = torch.randn(1, 6, 7, 5)
        assert torch.equal(head(x), one_by_one(head, x))


class TestConcatenate:
    def parts(self, *layouts):
        return [
            torch.randn(2, 3 + i, 6, 4).contiguous(memory_format=layout).requires_grad_()
            for i, layout in enumerate(layouts)
        ]

    @pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
    def test_gradients_are_dense_and_right(self, layout):
        parts = self.parts(layout, layout, layout)
        joined = concatenate(*parts)
        assert torch.equal(joined, torch.cat(parts, dim=1))
        upstream = torch.randn(joined.shape).contiguous(memory_format=layout)
        seen = []
        for part in parts:
            part.register_hook(lambda gradient: seen.append(gradient.is_contiguous(memory_format=layout)))
        found = torch.autograd.grad(joined, parts, upstream, retain_graph=True)
        assert seen == [True, True, True]
        for a, b in zip(found, upstream.split([3, 4, 5], dim=1), strict=True):
            assert torch.equal(a, b)

    def test_unlike_precisions(self):
        a, b = self.parts(torch.channels_last, torch.channels_last)
        joined = concatenate(a.bfloat16(), b)
        assert joined.dtype == torch.float32
        joined.sum().backward()
        assert torch.equal(a.grad, torch.ones_like(a)) and torch.equal(b.grad, torch.ones_like(b))

    def test_without_gradients(self):
        parts = self.parts(torch.channels_last, torch.channels_last)
        with torch.inference_mode():
            assert torch.equal(concatenate(*parts), torch.cat(parts, dim=1))


def test_up_sampling_keeps_pixel_centres():
    # A ramp stays one: the centre of fine pixel i lies at i / 2 - 1 / 4 on the coarse grid.
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    fine = upsample2(ramp)[0, 0, 0]
    torch.testing.assert_close(fine[1:-1], (torch.arange(16.0) / 2 - 0.25)[1:-1])


def test_a_unit_convolves_normalises_and_rectifies():
    unit = ConvNormAct(3, 5, 3, stride=2)
    x = torch.randn(4, 3, 8, 6)
    y = unit(x)
    assert y.shape == (4, 5, 4, 3)
    convolved = F.conv2d(x, unit[0].weight, unit[0].bias, stride=2, padding=1)
    expected = F.relu(F.batch_norm(convolved, None, None, training=True))
    torch.testing.assert_close(y, expected)
