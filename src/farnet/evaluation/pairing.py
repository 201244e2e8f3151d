"""Which predicted landmarks belong to which reference: by the name of the radiograph, never by position in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from farnet.errors import AnnotationError, SchemeError
from farnet.identity import radiograph_key
from farnet.notices import tell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farnet.landmarks import Landmarks

__all__ = ["Pairing", "check_pair", "listed", "pair_landmarks"]

_LISTED = 5  # names that a message lists before it counts the rest


@dataclass(frozen=True, eq=False)
class Pairing:
    """Predictions and references of the same radiographs, in the order of the references.

    Attributes:
        predictions: One `Landmarks` a radiograph.
        references: The same radiographs' true landmarks.
        only_predicted: Names of radiographs without a reference.
        only_referenced: Names of radiographs without a prediction.
    """

    predictions: list[Landmarks]
    references: list[Landmarks]
    only_predicted: tuple[str, ...]
    only_referenced: tuple[str, ...]

    def require_complete(self) -> None:
        """Refuse to go on with radiographs that one side alone knows.

        Raises:
            AnnotationError: If there are any; the message names them.
        """
        sides = [
            (self.only_referenced, "a reference but no prediction"),
            (self.only_predicted, "a prediction but no reference"),
        ]
        problems = [f"{len(names)} have {what} ({listed(names)})" for names, what in sides if names]
        if problems:
            raise AnnotationError(
                f"Predictions and references are not of the same radiographs: {'; '.join(problems)}. "
                f"Complete them, or evaluate only the {len(self.references)} that both sides have (--common)."
            )


def pair_landmarks(predictions: Iterable[Landmarks], references: Iterable[Landmarks]) -> Pairing:
    """Match predictions with references by the name of their radiograph.

    Names match without folder, image ending and case, so that ``scans/151.jpg`` is the radiograph ``151``.

    Raises:
        AnnotationError: If a radiograph occurs twice on one side, has no name, or no name is on both sides.
    """
    predicted, truth = _by_name(predictions, "predictions"), _by_name(references, "references")
    common = [key for key in truth if key in predicted]
    if not common:
        raise AnnotationError(
            "Predictions and references have no radiograph in common: the predictions are of "
            f"{listed(item.radiograph for item in predicted.values()) or 'none'}, the references of "
            f"{listed(item.radiograph for item in truth.values()) or 'none'}. "
            "They are matched by the radiograph's name."
        )
    strangers = [truth[key].radiograph for key in common if _is_other(predicted[key], truth[key])]
    if strangers:
        tell(
            f"{len(strangers)} radiographs have one name on both sides, but their files differ ({listed(strangers)}): "
            "make sure that they are not of different patients."
        )
    return Pairing(
        [predicted[key] for key in common],
        [truth[key] for key in common],
        tuple(item.radiograph for key, item in predicted.items() if key not in truth),
        tuple(item.radiograph for key, item in truth.items() if key not in predicted),
    )


def check_pair(item: Landmarks, reference: Landmarks, first: Landmarks) -> None:
    """Refuse to compare what does not belong together."""
    for scheme in (item.scheme, reference.scheme):
        if scheme.names != first.scheme.names:
            raise SchemeError(
                f"Landmarks of scheme {scheme.name!r} cannot be compared with those of {first.scheme.name!r}."
            )
    what = f"radiograph {reference.radiograph!r}"
    named = item.radiograph and reference.radiograph
    if named and radiograph_key(item.radiograph) != radiograph_key(reference.radiograph):
        raise AnnotationError(f"Landmarks of radiograph {item.radiograph!r} are compared with those of {what}.")
    if item.image_shape and reference.image_shape and item.image_shape != reference.image_shape:
        raise AnnotationError(
            f"The {what} has {item.image_shape} pixels on one side and {reference.image_shape} on the other; "
            "points can be compared in the pixels of one and the same image only."
        )
    if item.spacing and reference.spacing and not np.allclose(item.spacing, reference.spacing, rtol=1e-4):
        raise AnnotationError(
            f"The {what} has a spacing of {item.spacing} mm on one side and {reference.spacing} mm on the other; "
            "correct the wrong one, or leave it out."
        )


def listed(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    all_names = list(names)
    rest = len(all_names) - _LISTED
    return ", ".join(all_names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def _is_other(first: Landmarks, second: Landmarks) -> bool:
    """Whether what is recorded of their radiographs proves that these are different ones."""
    one, two = first.identity, second.identity
    return one.proved and two.proved and one.compare(two) == "other"


def _by_name(landmarks: Iterable[Landmarks], side: str) -> dict[str, Landmarks]:
    found: dict[str, Landmarks] = {}
    for item in landmarks:
        key = radiograph_key(item.radiograph)
        if not key:
            raise AnnotationError(
                f"A set of landmarks among the {side} names no radiograph, so it cannot be matched; name it."
            )
        if key in found:
            raise AnnotationError(
                f"The radiograph {item.radiograph!r} occurs twice among the {side} (names are compared without "
                "folder, ending and case); keep one of them."
            )
        found[key] = item
    return found
