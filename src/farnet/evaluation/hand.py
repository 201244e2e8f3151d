"""Radial errors of hands in mm under each pair of landmarks that is taken for the width of the wrist.

The size of a pixel of the Digital Hand Atlas is not published; 50 mm for the wrist stands in for it, and two pairs of
landmarks are in use (`farnet.datasets.hand_atlas`). The same points have errors 8 % larger under one than under the
other, so both figures are told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from farnet.datasets.hand_atlas import WRIST_MM, WRIST_PAIRS, wrist_spacing
from farnet.evaluation.figures import TextTable
from farnet.evaluation.metrics import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from farnet.evaluation.summary import Metrics
    from farnet.evaluation.tables import Cells
    from farnet.landmarks import Landmarks

__all__ = ["WristEvaluation", "evaluate_wrists", "with_wrist"]

_RADII = (2.0, 4.0, 10.0)


@dataclass(frozen=True)
class WristEvaluation:
    """Pooled figures in mm for each pair, (pair counted from 1, figures)."""

    pairs: tuple[tuple[tuple[int, int], Metrics], ...]
    key: str = "wrist"

    def to_dict(self) -> dict[str, Any]:
        """JSON types only."""
        return {f"{a},{b}": metrics.to_dict() for (a, b), metrics in self.pairs}

    def rows(self) -> Iterator[Cells]:
        """Rows of `farnet.evaluation.tables.FIGURE_COLUMNS`."""
        from farnet.evaluation.tables import metrics_rows

        for (a, b), metrics in self.pairs:
            yield from metrics_rows(f"wrist {a},{b}", "", metrics, "mm")

    def tables(self) -> Sequence[TextTable]:
        """What the command line prints."""
        rows = tuple(
            (f"{a} and {b}", *(f"{v:.2f}" for v in (m.mre, m.sd, m.median)), *(f"{m.sdr[r]:.2f}" for r in _RADII))
            for (a, b), m in self.pairs
        )
        return [
            TextTable(
                "By the landmarks that are the wrist",
                ("landmarks", "MRE (mm)", "SD", "median", *(f"SDR {r:g} mm (%)" for r in _RADII)),
                rows,
                f"The two landmarks of the truth (counted from 1) are {WRIST_MM:g} mm apart. Which pair a publication "
                "means must be known before figures are compared.",
            )
        ]


def with_wrist(references: Sequence[Landmarks], wrist: tuple[int, int]) -> list[Landmarks]:
    """Give true landmarks of hands the spacing that makes two of them 50 mm apart.

    Args:
        references: Of the scheme hand37, both landmarks present.
        wrist: The two, counted from 1.

    Raises:
        InvalidInputError: If the pair is none.
        AnnotationError: If the two coincide or one is absent.
    """
    sizes = [wrist_spacing(item.points, wrist, item.radiograph) for item in references]
    return [item.replace(spacing=(size, size)) for item, size in zip(references, sizes, strict=True)]


def evaluate_wrists(
    predictions: Sequence[Landmarks], references: Sequence[Landmarks], *, bootstrap: int = 2000, seed: int = 0
) -> WristEvaluation:
    """Evaluate under each of `WRIST_PAIRS`; errors as `with_wrist` and `farnet.evaluation.evaluate`."""
    found = []
    predictions = [item.replace(spacing=None) for item in predictions]  # theirs is that of one of the pairs
    for pair in WRIST_PAIRS:
        truth = with_wrist(references, pair)
        found.append((pair, evaluate(predictions, truth, radii=_RADII, bootstrap=bootstrap, seed=seed).pooled))
    return WristEvaluation(tuple(found))
