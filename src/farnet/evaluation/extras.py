"""Figures besides radial errors: angles of spines, classes of heads, wrists of hands, and expected errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from farnet.scheme import load_scheme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from farnet.evaluation.figures import Extra
    from farnet.landmarks import Landmarks
    from farnet.measurement import MwGap
    from farnet.measurement.spine import CobbVariant

__all__ = ["extras_of"]


def extras_of(
    predictions: Sequence[Landmarks],
    references: Sequence[Landmarks],
    *,
    cobb: CobbVariant = "matlab",
    mw_gap: MwGap = "script",
    spread: Sequence[NDArray[np.float64]] | None = None,
    bootstrap: int = 2000,
    seed: int = 0,
) -> tuple[Extra, ...]:
    """Compute the further figures of the scheme of the references, and of expected errors where there are any.

    Args:
        predictions: N sets of landmarks.
        references: N sets of true landmarks of the same radiographs, in the same order.
        cobb: Whose rules Cobb angles follow.
        mw_gap: What an incisal distance between 0 and 2 mm is.
        spread: N arrays (K, 2, 2), px^2: the plain covariance of the heatmaps, which calibrated ones are compared with.
        bootstrap: Draws of radiographs for the intervals; 0 for none.
        seed: Seed of the draws.

    Raises:
        FarnetError: As `evaluate_spine` and `evaluate_classes`.
    """
    from farnet.evaluation.expected_error import evaluate_expected_errors

    likely = evaluate_expected_errors(predictions, references, spread=spread, bootstrap=bootstrap, seed=seed)
    more: tuple[Extra, ...] = () if likely is None else (likely,)
    scheme = references[0].scheme if references else None
    name = "" if scheme is None else scheme.name
    if (
        scheme is None
        or name not in ("spine68", "cephalometric19", "hand37")
        or scheme.names != load_scheme(name).names
    ):
        return more
    if name == "hand37":
        from farnet.datasets.hand_atlas import WRIST_PAIRS
        from farnet.evaluation.hand import evaluate_wrists

        ends = [[number - 1 for number in pair] for pair in WRIST_PAIRS]
        if not all(np.ptp(item.points[pair], axis=0).max() > 0 for item in references for pair in ends):
            return more  # without two ends a wrist has no width
        return (evaluate_wrists(predictions, references, bootstrap=bootstrap, seed=seed), *more)
    if name == "spine68":
        from farnet.evaluation.spine import evaluate_spine

        return (evaluate_spine(predictions, references, variant=cobb, bootstrap=bootstrap, seed=seed), *more)
    from farnet.evaluation.classification import evaluate_classes

    return (evaluate_classes(predictions, references, mw_gap=mw_gap, bootstrap=bootstrap, seed=seed), *more)
