"""Made-up observers: who places landmarks as far from the truth as two doctors place theirs from one another.

How far that is, and in which direction, is measured on real annotations for each landmark; `observer_spread.json` holds
the numbers.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import AnnotationError, InvalidInputError, SchemeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from farnet.landmarks import Landmarks

__all__ = ["noisy_observers"]

_LIMIT = 3.0  # sd


def noisy_observers(landmarks: Sequence[Landmarks], seed: int = 2015, observers: int = 2) -> list[list[Landmarks]]:
    """Place landmarks as several observers would.

    The differences between two real observers have, for each landmark, a mean (they understand it differently) and a
    covariance. Half of the covariance is each made-up observer's own error, normal and within 3 sd, and anew on every
    radiograph; of the mean the first has one half, the last the other half with the opposite sign, so that two of them
    differ as the real ones do, and their mean is right on average.

    Args:
        landmarks: The true landmarks of `cephalometric19`, one for each radiograph, with their spacing.
        seed: Of the random numbers, at least 0; the same seed gives the same observers.
        observers: How many, at least 1. The first ones do not depend on it but for the mean.

    Returns:
        For each observer one `Landmarks` per radiograph, in the order given, with the source "observer 1", ...; absent
        landmarks stay absent. Confidence, covariance, edits and provenance are dropped.

    Raises:
        SchemeError: If they are of another scheme.
        AnnotationError: If a spacing is not known: the spread is in mm.
        InvalidInputError: If the seed or the number of observers is out of range.
    """
    if observers < 1 or seed < 0:
        raise InvalidInputError(f"{observers} observers, seed {seed}; the least are 1 observer and seed 0.")
    mean, roots = _spread()
    result = []
    for number, share in enumerate(np.linspace(0.5, -0.5, observers) if observers > 1 else [0.0], start=1):
        rng = np.random.default_rng([seed, number])
        result.append([_placed(item, share * mean, roots, rng, f"observer {number}") for item in landmarks])
    return result


def _placed(
    truth: Landmarks, shift: NDArray[np.float64], roots: NDArray[np.float64], rng: np.random.Generator, source: str
) -> Landmarks:
    from farnet.landmarks import Landmarks

    if truth.scheme.abbreviations != tuple(_file()["landmarks"]):
        raise SchemeError(
            f"The spread of observers is known for {_file()['scheme']!r}, not for the landmarks of "
            f"{truth.scheme.name!r}."
        )
    if truth.spacing is None:
        raise AnnotationError(
            f"Radiograph {truth.radiograph!r} has no spacing; it is needed because the spread of observers is in mm."
        )
    normal = rng.normal(size=(len(truth), 2))
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    normal *= np.minimum(1, _LIMIT / np.maximum(length, 1e-12))
    error = shift + np.einsum("kij,kj->ki", roots, normal)
    return Landmarks(
        points=truth.points + error / np.array(truth.spacing),
        scheme=truth.scheme,
        spacing=truth.spacing,
        source=source,
        radiograph=truth.radiograph,
        image_shape=truth.image_shape,
        image_sha256=truth.image_sha256,
    )


@lru_cache
def _file() -> dict[str, Any]:
    data: dict[str, Any] = json.loads((files("farnet.samples") / "observer_spread.json").read_text(encoding="utf-8"))
    return data


def _spread() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(K, 2) mean difference in mm, and (K, 2, 2) roots of half the covariance, both in (row, column) order."""
    known = _file()["landmarks"].values()
    covariance = np.array([item["covariance"] for item in known])
    return np.array([item["mean"] for item in known]), np.asarray(np.linalg.cholesky(covariance / 2), np.float64)
