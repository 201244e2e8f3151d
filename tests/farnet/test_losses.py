"""EWC and coarse-to-fine supervision."""

import math

import pytest
import torch
from torch.nn import functional as F

from farnet.errors import InvalidInputError
from farnet.heatmaps import encode
from farnet.losses import CoarseToFineLoss, EWCLoss
from farnet.networks import Heatmaps


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    points = 24 * torch.rand(2, 3, 2, generator=generator)
    target = encode(points, (24, 20), 3.0)
    return target + 0.2 * torch.randn(target.shape, generator=generator), target


def plain(prediction, target, alpha):
    return (alpha**target * (target - prediction) ** 2).mean()


@pytest.mark.parametrize("alpha", [40.0, 1.0, 2.5, 0.5])
def test_is_the_formula(pair, alpha):
    torch.testing.assert_close(EWCLoss(alpha)(*pair), plain(*pair, alpha))


def test_alpha_one_is_the_mean_squared_error(pair):
    torch.testing.assert_close(EWCLoss(1.0)(*pair), F.mse_loss(*pair), rtol=1e-6, atol=0)


def test_weights_by_hand():
    # An error of 1 at y = 0, 1/2 and 1 counts 1, sqrt(alpha) and alpha.
    target = torch.tensor([[[[0.0, 0.5, 1.0]]]])
    for error in (1.0, -1.0):
        loss = EWCLoss(40.0)(target + error, target)
        assert loss.item() == pytest.approx((1 + math.sqrt(40) + 40) / 3, rel=1e-6)


def test_paper_default():
    assert EWCLoss().alpha == 40.0


@pytest.mark.parametrize("alpha", [40.0, 1.0])
def test_gradient_is_autograds(pair, alpha):
    prediction, target = pair
    ours, theirs = prediction.clone().requires_grad_(), prediction.clone().requires_grad_()
    (3.0 * EWCLoss(alpha)(ours, target)).backward()
    (3.0 * plain(theirs, target, alpha)).backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("present", [None, [[True, False], [True, True]]])
def test_gradcheck(present):
    generator = torch.Generator().manual_seed(3)
    prediction = torch.randn(2, 2, 3, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    target = torch.rand(2, 2, 3, 4, generator=generator, dtype=torch.float64)
    mask = None if present is None else torch.tensor(present)
    assert torch.autograd.gradcheck(lambda p: EWCLoss(40.0)(p, target, mask), (prediction,))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_layout_in_memory_does_not_matter(pair, layout):
    prediction, target = (t.contiguous(memory_format=layout).requires_grad_() for t in pair)
    loss = EWCLoss()(prediction, target.detach())
    loss.backward()
    torch.testing.assert_close(loss.detach(), plain(*pair, 40.0))
    assert prediction.grad is not None and prediction.grad.is_contiguous(memory_format=layout)


class TestMask:
    def test_absent_maps_take_no_part(self, pair):
        prediction, target = pair
        present = torch.tensor([[True, False, True], [False, True, True]])
        torch.testing.assert_close(
            EWCLoss()(prediction, target, present), plain(prediction[present], target[present], 40.0)
        )
        spoiled = prediction.clone()
        spoiled[~present] = 1e3
        torch.testing.assert_close(EWCLoss()(spoiled, target, present), EWCLoss()(prediction, target, present))

    def test_and_get_no_gradient(self, pair):
        prediction, target = pair[0].requires_grad_(), pair[1]
        present = torch.tensor([[True, False, True], [False, True, True]])
        EWCLoss()(prediction, target, present).backward()
        assert (prediction.grad[~present] == 0).all() and prediction.grad[present].abs().sum() > 0

    def test_all_present_is_no_mask(self, pair):
        torch.testing.assert_close(EWCLoss()(*pair, torch.ones(2, 3, dtype=torch.bool)), EWCLoss()(*pair))

    def test_nothing_present_is_zero_and_still_differentiable(self, pair):
        prediction, target = pair[0].requires_grad_(), pair[1]
        loss = EWCLoss()(prediction, target, torch.zeros(2, 3, dtype=torch.bool))
        loss.backward()
        assert loss.item() == 0.0 and not prediction.grad.any()


@pytest.mark.parametrize("alpha", [0.0, -1.0, -0.0, math.nan, math.inf, -math.inf])
def test_impossible_alpha_is_refused(alpha):
    with pytest.raises(InvalidInputError, match="positive"):
        EWCLoss(alpha)


def test_coarse_to_fine_is_the_plain_sum(pair):
    prediction, target = pair
    small = Heatmaps(prediction, prediction[..., ::2, ::2]), Heatmaps(target, target[..., ::2, ::2])
    present = torch.tensor([[True, False, True], [True, True, True]])
    loss = CoarseToFineLoss(EWCLoss())
    expected = sum(EWCLoss()(p, t, present) for p, t in zip(*small, strict=True))
    torch.testing.assert_close(loss(*small, present), expected)
    assert loss(small[1], small[1]).item() == 0.0
