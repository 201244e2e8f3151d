"""Whether a detection looks like one of a radiograph that the model knows, or like guesses on something else.

A network finds its landmarks in any picture: in a hand, in a photograph, in noise. Two signs tell such guesses from
landmarks. Heatmaps stay low, because nothing looks like what was learnt; and the points do not lie to one another as
the landmarks of a patient do (`farnet.shape`). On radiographs of the kind that the model knows both are far from their
limits; `docs/familiarity.md` has the figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from farnet.shape import IMPLAUSIBLE, load_shape_model

if TYPE_CHECKING:
    from farnet.landmarks import Landmarks

__all__ = ["LEAST_CONFIDENCE", "MOST_MISPLACED", "Familiarity", "familiarity"]

LEAST_CONFIDENCE = 0.85
"""Median confidence below which the landmarks of a radiograph are taken for guesses, where a model says no other."""

MOST_MISPLACED = 0.3
"""Share of landmarks that are absent or implausible, above which they are taken for guesses."""


@dataclass(frozen=True)
class Familiarity:
    """How well a detection fits what the model knows.

    Attributes:
        confidence: Median confidence of all landmarks; an absent one counts as 0.
        misplaced: Share of the landmarks that are absent, or far from where the others say that they should be.
        mirrored: Whether the mirror image of the points looks much more like the anatomy than they do.
        least_confidence: The limit of the confidence.
    """

    confidence: float
    misplaced: float
    mirrored: bool
    least_confidence: float = LEAST_CONFIDENCE

    @property
    def score(self) -> float:
        """0 to 1: the confidence, less the share that is misplaced. To compare detections of one picture."""
        return self.confidence * (1.0 - self.misplaced)

    @property
    def reasons(self) -> tuple[str, ...]:
        """What speaks against the detection, in words; empty where nothing does."""
        found = []
        if self.confidence < self.least_confidence:
            found.append(f"the network is unsure of most landmarks (median confidence {self.confidence:.2f})")
        if self.misplaced > MOST_MISPLACED:
            found.append(f"{100 * self.misplaced:.0f} % of the landmarks are absent or do not lie as in a patient")
        if found and self.mirrored:
            found.append("they look mirrored")
        return tuple(found)

    @property
    def unlike(self) -> bool:
        """Whether the radiograph is unlike those that the model knows, so that its landmarks are guesses."""
        return bool(self.reasons)


def familiarity(landmarks: Landmarks, least_confidence: float = LEAST_CONFIDENCE) -> Familiarity:
    """Judge one detection.

    Args:
        landmarks: What was found, with its confidence. Without a shape model of the scheme only absent landmarks count
            as misplaced.
        least_confidence: Median confidence that this model has at least on radiographs of the kind that it knows.
    """
    count = len(landmarks)
    confidence = np.zeros(count) if landmarks.confidence is None else np.nan_to_num(landmarks.confidence)
    misplaced = ~landmarks.present
    mirrored = False
    model = load_shape_model(landmarks.scheme)
    if model is not None:
        far = model.implausibility(landmarks.points, landmarks.spacing)
        misplaced |= ~(far <= IMPLAUSIBLE)  # NaN: too few others to tell
        mirrored = model.looks_mirrored(landmarks.points, landmarks.spacing)
    return Familiarity(float(np.median(confidence)), float(misplaced.mean()), mirrored, least_confidence)
