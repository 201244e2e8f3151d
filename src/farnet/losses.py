"""Losses between heatmaps: the Exponential Weighted Center loss, those that the paper compares it with, supervision.

Every loss is a mean over the pixels of each heatmap, and then over the heatmaps of the landmarks that are present.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from farnet.errors import InvalidInputError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from farnet.networks import Heatmaps

__all__ = [
    "AdaptiveWingLoss",
    "CoarseToFineLoss",
    "EWCLoss",
    "FineLoss",
    "HeatmapLoss",
    "L1Loss",
    "MSELoss",
    "SmoothL1Loss",
    "build_loss",
    "loss_names",
]


class HeatmapLoss(nn.Module):
    """Base of the losses of one resolution; a loss says in `per_map` how far one heatmap is from its target."""

    def per_map(self, prediction: Tensor, target: Tensor) -> Tensor:
        """(B, K, H, W), twice -> (B, K) mean over the pixels of each heatmap."""
        raise NotImplementedError

    def forward(self, prediction: Tensor, target: Tensor, present: Tensor | None = None) -> Tensor:
        """Compute the loss.

        Args:
            prediction: (B, K, H, W), any float dtype; the loss is in float32 or wider.
            target: (B, K, H, W), from `farnet.heatmaps.encode`.
            present: (B, K) bool, False for absent landmarks, whose maps take no part; all present by default.

        Returns:
            Scalar; 0 (with a gradient of zero) when no landmark is present.
        """
        per_map = self.per_map(prediction, target)
        if present is None:
            return per_map.mean()
        return torch.where(present, per_map, 0.0).sum() / present.sum().clamp_min(1)


class _WeightedSquares(torch.autograd.Function):
    """(B, K) means of ``exp(y log(alpha)) (p - y)^2``, keeping one tensor for the gradient instead of four.

    At full resolution the loss is memory traffic and little else, so this halves its time on the CPU. It goes through
    the images one by one: what it needs for a moment is then that of one image, and predictions in 16 bit are never
    there in 32 bit as a whole. All sums are in float32 (float64 where the prediction is).
    """

    @staticmethod
    def forward(ctx: Any, prediction: Tensor, target: Tensor, log_alpha: float) -> Tensor:
        dtype = torch.promote_types(prediction.dtype, torch.float32)
        weighted = torch.empty_like(target, dtype=dtype)
        means = torch.empty(prediction.shape[:2], dtype=dtype, device=prediction.device)
        for p, y, w, mean in zip(prediction, target, weighted, means, strict=True):
            difference = p.to(dtype) - y
            torch.mul(y, log_alpha, out=w).exp_().mul_(difference)
            mean.copy_(difference.mul_(w).mean((-2, -1)))
        ctx.save_for_backward(weighted)
        ctx.dtype = prediction.dtype
        return means

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (weighted,) = ctx.saved_tensors
        scale = (gradient * (2.0 / (weighted.shape[-2] * weighted.shape[-1])))[..., None, None]
        found = torch.empty_like(weighted, dtype=ctx.dtype)
        for w, by, into in zip(weighted, scale, found, strict=True):
            into.copy_(w * by)
        return found, None, None


class EWCLoss(HeatmapLoss):
    r"""Exponential Weighted Center loss (paper, section 3.4): mean of ``alpha ** y * (y - prediction) ** 2``.

    ``y`` is the target heatmap, so that the error at the centre of a landmark counts `alpha` times that of the
    background. ``alpha = 1`` is the mean squared error.

    Args:
        alpha: Weight at the centre, 40 in the paper; must be positive (0 ** y would ignore every landmark).

    Raises:
        InvalidInputError: `alpha` is not a positive finite number.
    """

    def __init__(self, alpha: float = 40.0) -> None:
        super().__init__()
        if not (math.isfinite(alpha) and alpha > 0):
            raise InvalidInputError(
                f"alpha of the EWC loss is {alpha}, but must be positive (40 in the paper; 1 is the mean squared error)"
            )
        self.alpha = alpha

    def per_map(self, prediction: Tensor, target: Tensor) -> Tensor:
        """(B, K) means of the weighted squares."""
        weighted: Tensor = _WeightedSquares.apply(prediction, target, math.log(self.alpha))
        return weighted


class MSELoss(EWCLoss):
    """Mean of ``(prediction - y) ** 2``: the EWC loss without its weight, alpha = 1."""

    def __init__(self) -> None:
        super().__init__(1.0)


class L1Loss(HeatmapLoss):
    """Mean of ``|prediction - y|``."""

    def per_map(self, prediction: Tensor, target: Tensor) -> Tensor:
        """(B, K) mean absolute differences."""
        return (_wide(prediction) - target).abs().mean((-2, -1))


class SmoothL1Loss(HeatmapLoss):
    """Mean of ``d ** 2 / (2 beta)`` where ``d = |prediction - y| < beta``, and of ``d - beta / 2`` elsewhere.

    Girshick 2015, "Fast R-CNN". The paper's beta is not known; 1 is that of the article.

    Args:
        beta: Where squares end, above zero.

    Raises:
        InvalidInputError: `beta` is not a positive finite number.
    """

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        if not (math.isfinite(beta) and beta > 0):
            raise InvalidInputError(f"beta of the smooth L1 loss is {beta}, but must be positive (usually 1)")
        self.beta = beta

    def per_map(self, prediction: Tensor, target: Tensor) -> Tensor:
        """(B, K) means."""
        loss = nn.functional.smooth_l1_loss(_wide(prediction), target, reduction="none", beta=self.beta)
        return loss.mean((-2, -1))


class AdaptiveWingLoss(HeatmapLoss):
    r"""Adaptive wing loss (Wang, Bo and Fuxin 2019), which is steeper the nearer a pixel is to its landmark.

    With ``d = |prediction - y|`` it is ``omega ln(1 + (d / epsilon) ** (alpha - y))`` below `theta`, and the straight
    line ``A d - C`` with the same value and slope from there on. The defaults are those of the article. The article's
    map of weights is another part of it; whether FARNet's comparison had it is not known, and it is left out.

    Args:
        alpha: Exponent on the background; above 2, so that it stays above 1 at the centre, where y is 1.
        omega: Height of the curve.
        epsilon: Width of the curve.
        theta: Difference from which it is straight.

    Raises:
        InvalidInputError: A parameter is not finite, not positive, or `alpha` is 2 or less.
    """

    def __init__(self, alpha: float = 2.1, omega: float = 14.0, epsilon: float = 1.0, theta: float = 0.5) -> None:
        super().__init__()
        for name, value, least in (
            ("alpha", alpha, 2.0),
            ("omega", omega, 0.0),
            ("epsilon", epsilon, 0.0),
            ("theta", theta, 0.0),
        ):
            if not (math.isfinite(value) and value > least):
                raise InvalidInputError(
                    f"{name} of the adaptive wing loss is {value}, but must be finite and above {least:g} "
                    "(published: alpha 2.1, omega 14, epsilon 1, theta 0.5)"
                )
        self.alpha, self.omega, self.epsilon, self.theta = alpha, omega, epsilon, theta

    def per_map(self, prediction: Tensor, target: Tensor) -> Tensor:
        """(B, K) means."""
        d = (_wide(prediction) - target).abs()
        exponent = self.alpha - target
        ratio = self.theta / self.epsilon
        at_theta = ratio**exponent
        slope = self.omega * exponent * ratio ** (exponent - 1.0) / (self.epsilon * (1.0 + at_theta))
        offset = self.theta * slope - self.omega * at_theta.log1p()
        # Each branch sees only what is its own: beyond theta a power might overflow, and spoil the gradient.
        curved = self.omega * (d.clamp_max(self.theta) / self.epsilon).pow(exponent).log1p()
        return torch.where(d < self.theta, curved, slope * d - offset).mean((-2, -1))


class CoarseToFineLoss(nn.Module):
    """Supervise both outputs of FARNet with the same loss at equal weight (paper, section 3.3).

    Args:
        loss: Loss of one resolution, called with (prediction, target, present).
    """

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, prediction: Heatmaps, target: Heatmaps, present: Tensor | None = None) -> Tensor:
        """Sum of the losses of the fine and of the coarse heatmaps."""
        fine: Tensor = self.loss(prediction.fine, target.fine, present)
        coarse: Tensor = self.loss(prediction.coarse, target.coarse, present)
        return fine + coarse


class FineLoss(nn.Module):
    """Supervise the fine heatmaps alone: for networks without the paper's refinement module.

    Args:
        loss: Loss of one resolution, called with (prediction, target, present).
    """

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, prediction: Heatmaps, target: Heatmaps, present: Tensor | None = None) -> Tensor:
        """The loss of the fine heatmaps."""
        fine: Tensor = self.loss(prediction.fine, target.fine, present)
        return fine


def _wide(prediction: Tensor) -> Tensor:
    """A loss sums over hundreds of thousands of pixels: in full precision, even where the network is not."""
    return prediction.to(torch.promote_types(prediction.dtype, torch.float32))


_BUILDERS: dict[str, Callable[[float], HeatmapLoss]] = {
    "ewc": EWCLoss,
    "l1": lambda alpha: L1Loss(),
    "smooth_l1": lambda alpha: SmoothL1Loss(),
    "mse": lambda alpha: MSELoss(),
    "adaptive_wing": lambda alpha: AdaptiveWingLoss(),
}


def loss_names() -> tuple[str, ...]:
    """Names that `build_loss` takes."""
    return tuple(_BUILDERS)


def build_loss(name: str, *, alpha: float = 40.0) -> HeatmapLoss:
    """Make the loss of one resolution.

    Args:
        name: One of `loss_names()`.
        alpha: Weight of the EWC loss at the centre; the others have none.

    Raises:
        UnknownNameError: There is no such loss.
        InvalidInputError: `alpha` is not a positive finite number.
    """
    if name not in _BUILDERS:
        raise unknown_name("loss", name, loss_names())
    return _BUILDERS[name](alpha)
