"""Two comparisons with the same truth beside each other: the radiographs that both have, and which is better there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from farnet.errors import InvalidInputError
from farnet.evaluation.paired import PairedComparison, compare_paired

if TYPE_CHECKING:
    from farnet.evaluation.comparison import Comparison
    from farnet.evaluation.request import EvaluationRequest

__all__ = ["compare_against"]


def compare_against(first: Comparison, second: Comparison, request: EvaluationRequest) -> PairedComparison:
    """Tell which of two is better.

    Args:
        first: What `request` evaluates.
        second: What `EvaluationRequest.other` evaluates.
        request: Radii, draws, and whether radiographs of one side alone are left out.

    Raises:
        InvalidInputError: If a radiograph is on one side alone and `request.common` is not set, none is on both, or the
            sides give one radiograph different spacings.
    """
    one, two = (frozenset(item.radiograph for item in side.references) for side in (first, second))
    both = one & two
    if not both:
        raise InvalidInputError(f"{request.against} has no radiograph in common with what is evaluated.")
    if one != two and not request.common:
        raise InvalidInputError(
            f"{request.against} is not of the same radiographs: {len(both)} of {len(one | two)} are on both sides. "
            "Compare those alone with --common, or give landmarks of all."
        )
    first, second = first.without(sorted(one - both)), second.without(sorted(two - both))
    _check_spacings(first, second)
    quick = replace(request, bootstrap=0)
    return compare_paired(
        first.measure(quick),
        second.measure(quick),
        names=_names(first, second),
        bootstrap=request.bootstrap,
        seed=request.seed,
    )


def _check_spacings(first: Comparison, second: Comparison) -> None:
    """Where the truth has no spacing, each side's own is used, and mm of one would not be mm of the other."""
    for truth, a, b in zip(first.references, first.predictions, second.predictions, strict=True):
        if truth.spacing is None and a.spacing != b.spacing:
            raise InvalidInputError(
                f"{truth.radiograph} has the spacing {a.spacing} on one side and {b.spacing} on the other, and none in "
                "the truth. Say which holds with --spacing."
            )


def _names(first: Comparison, second: Comparison) -> tuple[str, str]:
    """What the two are called: the model, or the last part of the path that tells them apart."""
    names = [str(side.record.get("model") or side.record["predictions"]) for side in (first, second)]
    short = [PurePath(name).name for name in names]
    if short[0] != short[1]:
        return short[0], short[1]
    return (names[0], names[1]) if names[0] != names[1] else (f"{names[0]} (first)", f"{names[1]} (second)")
