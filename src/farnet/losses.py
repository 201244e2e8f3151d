"""Losses between heatmaps: the Exponential Weighted Center loss and coarse-to-fine supervision."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from farnet.errors import InvalidInputError

if TYPE_CHECKING:
    from farnet.networks import Heatmaps

__all__ = ["CoarseToFineLoss", "EWCLoss"]


class _WeightedSquares(torch.autograd.Function):
    """(B, K) means of ``exp(y log(alpha)) (p - y)^2``, keeping one tensor for the gradient instead of four.

    At full resolution the loss is memory traffic and little else, so this halves its time on the CPU.
    """

    @staticmethod
    def forward(ctx: Any, prediction: Tensor, target: Tensor, log_alpha: float) -> Tensor:
        difference = prediction - target
        weighted = difference if log_alpha == 0.0 else (target * log_alpha).exp_().mul_(difference)
        ctx.save_for_backward(weighted)
        return (weighted * difference).mean((-2, -1))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (weighted,) = ctx.saved_tensors
        share = 2.0 / (weighted.shape[-2] * weighted.shape[-1])
        return weighted * (gradient * share)[..., None, None], None, None


class EWCLoss(nn.Module):
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

    def forward(self, prediction: Tensor, target: Tensor, present: Tensor | None = None) -> Tensor:
        """Compute the loss.

        Args:
            prediction: (B, K, H, W).
            target: (B, K, H, W), from `farnet.heatmaps.encode`.
            present: (B, K) bool, False for absent landmarks, whose maps take no part; all present by default.

        Returns:
            Scalar; 0 (with a gradient of zero) when no landmark is present.
        """
        per_map: Tensor = _WeightedSquares.apply(prediction, target, math.log(self.alpha))
        if present is None:
            return per_map.mean()
        return torch.where(present, per_map, 0.0).sum() / present.sum().clamp_min(1)


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
