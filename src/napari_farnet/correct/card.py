"""The card of a landmark: what it is, what is known of its point, what speaks against it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from farnet.scheme import bundled_schemes, load_scheme
from napari_farnet.correct.landmark_table import state_text

if TYPE_CHECKING:
    from farnet.review import Review
    from farnet.scheme import LandmarkDefinition, LandmarkScheme
    from napari_farnet.correct.evidence import Evidence

__all__ = ["card_text"]


def card_text(review: Review, evidence: Evidence, k: int) -> str:
    """Write the card of landmark k, as rich text without colours of its own."""
    item, definition = review.landmarks, _definition(review.landmarks.scheme, k)
    lines = [f"<b>{escape(definition.name)}</b> ({escape(definition.abbreviation)}) {_facts(review, k)}"]
    if definition.definition:
        lines.append(escape(definition.definition))
    if definition.pitfall:
        lines.append(f"<i>{escape(definition.pitfall)}</i>")
    if not item.present[k] and not review.absent[k]:
        lines.append("It has no point yet: press Place and click where it is, or mark it as absent.")
    lines += [f"\N{WARNING SIGN} {escape(text)}" for text in evidence.warnings(k)]
    return "<br>".join(lines)


def _definition(scheme: LandmarkScheme, k: int) -> LandmarkDefinition:
    """What landmark k is: as the package knows it today, where the scheme is one of its own under an older text."""
    if scheme.name in bundled_schemes():
        today = load_scheme(scheme.name)
        if today.names == scheme.names:
            return today.landmarks[k]
    return scheme.landmarks[k]


def _facts(review: Review, k: int) -> str:
    item = review.landmarks
    facts = [state_text(review.states[k], bool(review.reviewed[k]))]
    if item.confidence is not None and not np.isnan(item.confidence[k]):
        facts.append(f"confidence {item.confidence[k]:.2f}")
    if text := item.uncertainty.text(k):
        facts.append(text)
    reach = item.reach95(item.spacing or (1.0, 1.0))[k]
    if not np.isnan(reach):
        facts.append(f"95 % within {reach:.1f} {item.uncertainty.unit}")
    before = review.origin[k]
    if item.present[k] and not np.isnan(before[0]):
        scale = np.array(item.spacing or (1.0, 1.0))
        moved = float(np.linalg.norm((item.points[k] - before) * scale))
        if moved > 0:
            facts.append(f"moved by {moved:.1f} {'px' if item.spacing is None else 'mm'}")
    return " \N{MIDDLE DOT} ".join(facts)
