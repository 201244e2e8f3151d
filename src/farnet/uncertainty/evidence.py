"""Signs of an uncertain landmark, of which `farnet.uncertainty.calibration` makes millimetres.

A sign alone says little: a height of 0.9 may be good for one landmark and bad for another. All are made so that more
means less certain, on a scale of logarithms, on which errors grow about linearly. A network that was trained longer, or
on more radiographs, is surer of everything without being as much better; so a sign counts only beside those of the
other landmarks of the same radiograph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from farnet.shape import load_shape_model

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from farnet.heatmaps import DecodedPoints
    from farnet.landmarks import Landmarks

__all__ = ["SIGNS", "Evidence", "mass_outside", "signs_of"]

SIGNS = ("spread", "lowness", "elsewhere", "unsteadiness", "implausibility")
"""In the order of the columns of `signs_of`:

- ``spread``: standard deviation of the heatmap around the point beyond that of its target, network px.
- ``lowness``: by how much the fitted peak stays below 1.
- ``elsewhere``: share of the heatmap's mass further than 3 sigma from the point, of what is above a tenth of a target.
- ``unsteadiness``: distance between the point of the first look and that of all looks, network px.
- ``implausibility``: distance from where the other landmarks say that it should be (`farnet.shape`), in sd.
"""

_REACH = 3.0  # sigma
_HAZE = 0.1
_SOFTENING = {"spread": 0.05, "lowness": 0.01, "elsewhere": 0.003, "unsteadiness": 0.03, "implausibility": 0.3}
# Below these a sign is as good as 0: rounding, and what differs between processors.


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a detection tells of its own certainty, in network pixels.

    Attributes:
        signs: (K, 5) as `signs_of`.
        spread: (K, 2, 2) covariance of the heatmaps around the points beyond that of the targets; NaN = absent.
    """

    signs: NDArray[np.float64]
    spread: NDArray[np.float64]


def mass_outside(maps: Tensor, points: Tensor, sigma: float) -> NDArray[np.float64]:
    """Share of a heatmap's mass that lies apart from its point.

    Args:
        maps: (..., K, h, w) heatmaps, of which only what is above a tenth counts: the rest is a faint haze everywhere.
        points: (..., K, 2) row, column in their pixels; NaN is absent.
        sigma: That of the targets, in pixels.

    Returns:
        (..., K) from 0 to 1: further than 3 sigma in row or in column; 0 where there is no mass, NaN with the point.
    """
    import torch

    lead, (height, width) = maps.shape[:-2], maps.shape[-2:]
    mass = maps.float().reshape(-1, height, width).sub(_HAZE).clamp_min_(0.0)
    place = points.reshape(-1, 2).to(mass.device, torch.float32)
    near = [
        ((torch.arange(n, device=mass.device) - place[:, axis, None]).abs() <= _REACH * sigma).float()
        for axis, n in enumerate((height, width))
    ]
    inside = (near[0][:, None] @ mass @ near[1][:, :, None]).flatten()
    share = torch.nan_to_num(1.0 - inside / mass.sum((1, 2)))
    share = share.clamp(0.0, 1.0).masked_fill(place.isnan().any(1), float("nan"))
    return np.asarray(share.reshape(lead).cpu().numpy(), np.float64)


def signs_of(
    decoded: DecodedPoints, first: NDArray[np.float64], outside: NDArray[np.float64], landmarks: Landmarks
) -> NDArray[np.float64]:
    """The signs of one detection.

    Args:
        decoded: What was found, in network pixels.
        first: (K, 2) where the first look alone found it, in the same pixels; NaN = absent.
        outside: (K,) `mass_outside` of the heatmaps.
        landmarks: The same landmarks on the radiograph.

    Returns:
        (K, 5) in the order of `SIGNS`, natural logarithms less their median over the landmarks; NaN where the landmark
        is absent.
    """
    points, covariance = decoded.points.numpy(), decoded.covariance.numpy()
    model = load_shape_model(landmarks.scheme)
    unlikely = np.zeros(len(points)) if model is None else model.implausibility(landmarks.points, landmarks.spacing)
    signs = {
        "spread": np.sqrt(np.trace(covariance, axis1=1, axis2=2) / 2.0),
        "lowness": 1.0 - decoded.confidence.numpy(),
        "elsewhere": outside,
        # Not found at the first look, or too few others to tell: no sign of its own.
        "unsteadiness": np.nan_to_num(np.linalg.norm(points - first, axis=1)),
        "implausibility": np.nan_to_num(unlikely),
    }
    table = np.stack([np.log(np.maximum(signs[name], 0.0) + _SOFTENING[name]) for name in SIGNS], axis=1)
    absent = np.isnan(points[:, 0])
    table[absent] = np.nan
    if not absent.all():
        table -= np.nanmedian(table, axis=0)
    return table
