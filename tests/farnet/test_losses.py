"""EWC, the losses that it is compared with, and supervision."""

import math
from typing import get_args

import pytest
import torch
from torch.nn import functional as F

from farnet.errors import InvalidInputError, UnknownNameError
from farnet.heatmaps import encode
from farnet.losses import (
    AdaptiveWingLoss,
    CoarseToFineLoss,
    EWCLoss,
    FineLoss,
    SmoothL1Loss,
    build_loss,
    loss_names,
)
from farnet.networks import Heatmaps
from farnet.training.config import TrainingConfig


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


@pytest.mark.parametrize("name", loss_names())
def test_predictions_in_16_bit_are_summed_in_32(pair, name):
    loss = build_loss(name)
    half = pair[0].bfloat16().requires_grad_()
    full = half.detach().float().requires_grad_()
    values = [loss(prediction, pair[1]) for prediction in (half, full)]
    for value in values:
        assert value.dtype == torch.float32
        value.backward()
    assert torch.equal(*values)
    assert torch.equal(half.grad, full.grad.bfloat16())


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_gradient_has_the_layout_of_the_maps(pair, layout):
    prediction = pair[0].contiguous(memory_format=layout).requires_grad_()
    EWCLoss()(prediction, pair[1].contiguous(memory_format=layout)).backward()
    assert prediction.grad.is_contiguous(memory_format=layout)


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


class TestOtherLosses:
    """Those that the paper compares: exact values, gradients, absent landmarks."""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            # Differences of 1/4, 0 and 2 at targets of 0, 1/2 and 1.
            ("l1", (0.25 + 0 + 2) / 3),
            ("smooth_l1", (0.25**2 / 2 + 0 + 1.5) / 3),
            ("mse", (0.25**2 + 0 + 4) / 3),
            ("ewc", (0.25**2 + 0 + 40 * 4) / 3),
        ],
    )
    def test_values_by_hand(self, name, value):
        target = torch.tensor([[[[0.0, 0.5, 1.0]]]])
        prediction = target + torch.tensor([-0.25, 0.0, 2.0])
        assert build_loss(name)(prediction, target).item() == pytest.approx(value, rel=1e-6)

    @pytest.mark.parametrize("error", [0.0, 0.25, -0.25, 0.499, 0.5, 0.7, -3.0])
    @pytest.mark.parametrize("y", [0.0, 0.5, 1.0])
    def test_adaptive_wing_is_the_published_formula(self, error, y):
        alpha, omega, epsilon, theta = 2.1, 14.0, 1.0, 0.5
        power = alpha - y
        slope = omega / (1 + (theta / epsilon) ** power) * power * (theta / epsilon) ** (power - 1) / epsilon
        offset = theta * slope - omega * math.log(1 + (theta / epsilon) ** power)
        d = abs(error)
        expected = omega * math.log(1 + (d / epsilon) ** power) if d < theta else slope * d - offset
        target = torch.full((1, 1, 1, 1), y, dtype=torch.float64)
        assert AdaptiveWingLoss()(target + error, target).item() == pytest.approx(expected, rel=1e-12, abs=1e-12)

    @pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
    def test_adaptive_wing_joins_smoothly(self, y):
        target = torch.full((1, 1, 1, 2), y, dtype=torch.float64)
        prediction = (target + torch.tensor([0.5 - 1e-9, 0.5 + 1e-9])).requires_grad_()
        loss = AdaptiveWingLoss()
        ends = [loss(prediction[..., i : i + 1], target[..., i : i + 1]) for i in (0, 1)]
        torch.testing.assert_close(ends[0], ends[1], rtol=1e-7, atol=1e-7)
        sum(ends).backward()
        torch.testing.assert_close(prediction.grad[..., 0], prediction.grad[..., 1], rtol=1e-6, atol=1e-6)

    def test_adaptive_wing_far_off_has_a_finite_gradient(self):
        target = torch.tensor([[[[0.0, 1.0]]]])
        prediction = torch.tensor([[[[1e30, -1e30]]]], requires_grad=True)
        AdaptiveWingLoss()(prediction, target).backward()
        assert torch.isfinite(prediction.grad).all() and prediction.grad.abs().sum() > 0

    def test_against_pytorch(self, pair):
        torch.testing.assert_close(build_loss("l1")(*pair), F.l1_loss(*pair))
        torch.testing.assert_close(build_loss("smooth_l1")(*pair), F.smooth_l1_loss(*pair))
        torch.testing.assert_close(build_loss("mse")(*pair), F.mse_loss(*pair))

    @pytest.mark.parametrize("name", loss_names())
    @pytest.mark.parametrize("present", [None, [[True, False], [True, True]]])
    def test_gradcheck(self, name, present):
        generator = torch.Generator().manual_seed(3)
        target = torch.rand(2, 2, 3, 4, generator=generator, dtype=torch.float64)
        prediction = torch.randn(2, 2, 3, 4, generator=generator, dtype=torch.float64, requires_grad=True)
        mask = None if present is None else torch.tensor(present)
        assert torch.autograd.gradcheck(lambda p: build_loss(name)(p, target, mask), (prediction,))

    @pytest.mark.parametrize("name", loss_names())
    def test_absent_landmarks_take_no_part(self, pair, name):
        prediction, target = pair
        present = torch.tensor([[True, False, True], [False, True, True]])
        loss = build_loss(name)
        spoiled = prediction.clone()
        spoiled[~present] = 1e3
        spoiled.requires_grad_()
        found = loss(spoiled, target, present)
        found.backward()
        torch.testing.assert_close(found.detach(), loss(prediction[present][None], target[present][None]))
        assert (spoiled.grad[~present] == 0).all() and spoiled.grad[present].abs().sum() > 0
        nothing = loss(spoiled, target, torch.zeros(2, 3, dtype=torch.bool))
        assert nothing.item() == 0.0 and nothing.requires_grad

    @pytest.mark.parametrize("name", loss_names())
    def test_perfect_heatmaps_cost_nothing(self, pair, name):
        target = pair[1].clone().requires_grad_()
        loss = build_loss(name)(target, pair[1])
        loss.backward()
        assert loss.item() == 0.0 and not target.grad.any()

    def test_alpha_is_that_of_ewc_alone(self, pair):
        assert build_loss("ewc", alpha=20.0).alpha == 20.0
        torch.testing.assert_close(build_loss("mse", alpha=20.0)(*pair), F.mse_loss(*pair))

    def test_unknown_name(self):
        with pytest.raises(UnknownNameError, match="Did you mean 'smooth_l1'"):
            build_loss("smoothl1")

    @pytest.mark.parametrize(
        "build", [lambda: SmoothL1Loss(0.0), lambda: AdaptiveWingLoss(alpha=2.0), lambda: AdaptiveWingLoss(theta=0.0)]
    )
    def test_impossible_parameters_are_refused(self, build):
        with pytest.raises(InvalidInputError, match="must be"):
            build()

    def test_the_settings_know_the_same_names(self):
        assert get_args(TrainingConfig.model_fields["loss"].annotation) == loss_names()


def test_fine_alone(pair):
    prediction, target = pair
    maps = Heatmaps(prediction, prediction[..., ::2, ::2]), Heatmaps(target, target[..., ::2, ::2])
    present = torch.tensor([[True, False, True], [True, True, True]])
    torch.testing.assert_close(FineLoss(EWCLoss())(*maps, present), EWCLoss()(prediction, target, present))
