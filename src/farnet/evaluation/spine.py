"""What is reported of landmarks of the spine: normalised error, correlation, and Cobb angles.

Definitions, with x and y as parts of the width W and the height H of the radiograph:

- NMSE per point: the mean over all points of all radiographs of (dx / W)^2 + (dy / H)^2, a squared error. NMSE per
  coordinate, the mean over single coordinates, is exactly half of it. Publications do not always say which they mean.
- Pearson's rho between predicted and true normalised coordinates: pooled over all coordinates of all radiographs, as a
  mean over radiographs of the rho of each, and pooled over x alone and y alone.
- Mean shape: for each radiograph the mean of the true points of the others. It looks at no radiograph at all, and its
  pooled rho is near 0.96 on published data; rho only means something beside it, and x alone says more.
- Cobb angles of predicted and true points by the same rules (`farnet.measurement.spine`). SMAPE is 100 times the mean
  over radiographs of sum |a - b| / sum (a + b) over the three angles, without a factor of 2; of one angle alone it is
  the mean of |a - b| / (a + b). Where both are zero the error is zero.

References: Wu et al., MICCAI 2017 (BoostNet: error and correlation); AASCE challenge, MICCAI 2019 (SMAPE).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import AnnotationError, InvalidInputError
from farnet.evaluation.figures import Figure, TextTable, draws_of, figure, weighted_mean
from farnet.evaluation.pairing import check_pair
from farnet.evaluation.spine_points import PointAgreement, mean_shapes, normalised_points, point_agreement
from farnet.evaluation.tables import cell
from farnet.measurement.spine import cobb_angles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from farnet.evaluation.tables import Cells
    from farnet.landmarks import Landmarks
    from farnet.measurement.spine import CobbVariant

__all__ = [
    "CobbAgreement",
    "SpineEvaluation",
    "cobb_agreement",
    "evaluate_spine",
    "smape",
]

_ANGLES = 3


@dataclass(frozen=True, slots=True)
class CobbAgreement:
    """How well the Cobb angles of predicted points agree with those of the true ones.

    Attributes:
        variant: Whose rules the angles are computed by.
        n: Radiographs whose three angles are known on both sides; those of `smape`.
        n_missed: Radiographs where a true angle is known and the predicted one is not; in no figure.
        smape: Per cent, of the three angles together.
        smape_each: Per cent, of each angle.
        error_each: Mean absolute difference of each angle in degrees.
    """

    variant: CobbVariant
    n: int
    n_missed: int
    smape: Figure
    smape_each: tuple[Figure, ...]
    error_each: tuple[Figure, ...]


@dataclass(frozen=True, eq=False)
class SpineEvaluation:
    """Figures of predicted spines.

    Attributes:
        points: Agreement of the predicted points, or None where the size of no radiograph is known.
        mean_shape: The same of the leave-one-out mean shape; None as above or with one radiograph.
        n_sized: Radiographs whose size is known; those of `points`.
        cobb: Agreement of the angles.
        predicted_angles: (N, 3) degrees, NaN where they cannot be told.
        true_angles: (N, 3) degrees.
        radiographs: Names of the N radiographs.
        bootstrap: Draws behind the intervals; 0 is none.
    """

    points: PointAgreement | None
    mean_shape: PointAgreement | None
    n_sized: int
    cobb: CobbAgreement
    predicted_angles: NDArray[np.float64]
    true_angles: NDArray[np.float64]
    radiographs: tuple[str, ...]
    bootstrap: int

    @property
    def key(self) -> str:
        """Name in JSON."""
        return "spine"

    def to_dict(self) -> dict[str, Any]:
        """JSON types only; None stands for NaN and for what is not there."""
        cobb = self.cobb
        return {
            "nmse": "squared, of coordinates as parts of width and height; per coordinate is half of per point",
            "n_radiographs": len(self.radiographs),
            "n_with_size": self.n_sized,
            **{
                name: None if found is None else {key: item.to_dict() for key, item in found.named().items()}
                for name, found in (("points", self.points), ("mean_shape", self.mean_shape))
            },
            "cobb": {
                "variant": cobb.variant,
                "n": cobb.n,
                "n_missed": cobb.n_missed,
                "smape_percent": cobb.smape.to_dict(),
                "smape_each_percent": [item.to_dict() for item in cobb.smape_each],
                "error_each_degrees": [item.to_dict() for item in cobb.error_each],
            },
        }

    def rows(self) -> Iterator[Cells]:
        """Rows of `farnet.evaluation.tables.FIGURE_COLUMNS`."""
        for group, found in (("spine", self.points), ("spine mean shape", self.mean_shape)):
            if found is not None:
                for name, item in found.named().items():
                    yield _cells(group, "", name, "", item, self.n_sized, 0)
        cobb = self.cobb
        group = f"cobb {cobb.variant}"
        yield _cells(group, "", "smape", "%", cobb.smape, cobb.n, cobb.n_missed)
        for k in range(_ANGLES):
            yield _cells(group, f"angle {k + 1}", "smape", "%", cobb.smape_each[k], cobb.n, cobb.n_missed)
            yield _cells(group, f"angle {k + 1}", "mae", "deg", cobb.error_each[k], cobb.n, cobb.n_missed)

    def tables(self) -> Sequence[TextTable]:
        """What the command line prints."""
        tables = []
        sides = [("predicted", self.points), ("mean shape", self.mean_shape)]
        shown = [(name, found.named()) for name, found in sides if found is not None]
        if shown:
            titles = {
                "nmse_point": "NMSE per point (1e-3)",
                "nmse_coordinate": "NMSE per coordinate (1e-3)",
                "rho": "rho, pooled",
                "rho_image": "rho, mean of radiographs",
                "rho_x": "rho, x alone",
                "rho_y": "rho, y alone",
            }
            rows = []
            for key, title in titles.items():
                scale, digits = (1e3, 3) if key.startswith("nmse") else (1.0, 4)
                rows.append((title, *(found[key].text(digits, scale) for _, found in shown)))
            tables.append(
                TextTable(
                    f"Spine: {self.n_sized} radiographs, points as parts of width and height",
                    ("", *(name for name, _ in shown)),
                    tuple(rows),
                    "Mean shape: the mean of the other radiographs' true points, which looks at no radiograph.",
                )
            )
        cobb = self.cobb
        caption = f"Rules: {cobb.variant}. {cobb.n} radiographs with all angles on both sides, {cobb.n_missed} missed."
        if not shown:
            caption += " No NMSE and no rho: the size of no radiograph is known."
        rows = [("all three", cobb.smape.text(), "")]
        rows += [(f"angle {k + 1}", cobb.smape_each[k].text(), cobb.error_each[k].text()) for k in range(_ANGLES)]
        tables.append(TextTable("Cobb angles", ("", "SMAPE (%)", "mean error (°)"), tuple(rows), caption))
        return tables


def evaluate_spine(
    predictions: Sequence[Landmarks],
    references: Sequence[Landmarks],
    *,
    variant: CobbVariant = "matlab",
    bootstrap: int = 2000,
    seed: int = 0,
) -> SpineEvaluation:
    """Compare predicted spines with true ones.

    The size of a radiograph is that of the reference, or else of the prediction; one without any is left out of the
    normalised figures, and its angles are computed as far as they can be told without.

    Args:
        predictions: N sets of corners of vertebrae, four a vertebra from above; NaN = not found.
        references: N sets of true corners of the same radiographs, in the same order.
        variant: Whose rules the Cobb angles follow.
        bootstrap: Draws of radiographs for the intervals; 0 for none.
        seed: Seed of the draws.

    Raises:
        AnnotationError: If the lists are empty or of different lengths, two sets are of different radiographs, or the
            points are not four for each vertebra.
        SchemeError: If not all have the same scheme.
        InvalidInputError: If the number of draws is negative.
        UnknownNameError: If there is no such variant.
    """
    if not references or len(predictions) != len(references):
        raise AnnotationError(
            f"There are {len(predictions)} predicted and {len(references)} true spines; give one of each for every "
            "radiograph."
        )
    if bootstrap < 0:
        raise InvalidInputError(f"bootstrap is {bootstrap}; it must be 0 (no intervals) or more, usually 2000.")
    for item, reference in zip(predictions, references, strict=True):
        check_pair(item, reference, references[0])
    shapes = [r.image_shape or p.image_shape for p, r in zip(predictions, references, strict=True)]
    sized = {i: shape for i, shape in enumerate(shapes) if shape is not None}
    points = mean_shape = None
    if sized:
        truth = normalised_points([references[i].points for i in sized], list(sized.values()))
        found = normalised_points([predictions[i].points for i in sized], list(sized.values()))
        points = point_agreement(found, truth, bootstrap=bootstrap, seed=seed)
        if len(sized) > 1:
            mean_shape = point_agreement(mean_shapes(truth), truth, bootstrap=bootstrap, seed=seed)
    spacing = [r.spacing or p.spacing for p, r in zip(predictions, references, strict=True)]
    angles = [
        np.array(
            [
                cobb_angles(
                    item.points, image_rows=None if shape is None else shape[0], spacing=scale, variant=variant
                ).angles
                for item, shape, scale in zip(side, shapes, spacing, strict=True)
            ]
        )
        for side in (predictions, references)
    ]
    return SpineEvaluation(
        points=points,
        mean_shape=mean_shape,
        n_sized=len(sized),
        cobb=cobb_agreement(angles[0], angles[1], variant=variant, bootstrap=bootstrap, seed=seed),
        predicted_angles=angles[0],
        true_angles=angles[1],
        radiographs=tuple(r.radiograph or str(i) for i, r in enumerate(references, 1)),
        bootstrap=bootstrap if len(references) > 1 else 0,
    )


def cobb_agreement(
    predicted: ArrayLike, true: ArrayLike, *, variant: CobbVariant = "matlab", bootstrap: int = 2000, seed: int = 0
) -> CobbAgreement:
    """Compare Cobb angles.

    Args:
        predicted: (N, 3) degrees, NaN where an angle cannot be told.
        true: (N, 3) degrees.
        variant: Whose rules they were computed by; only noted.
        bootstrap: Draws of radiographs for the intervals; 0 for none.
        seed: Seed of the draws.

    Raises:
        InvalidInputError: If the shapes are not the same (N, 3).
    """
    a, b = _angle_arrays(predicted, true)
    known = ~np.isnan(a) & ~np.isnan(b)
    weights = draws_of(len(a), bootstrap, seed)
    difference = np.where(known, np.abs(a - b), np.nan)
    each = np.stack([_ratio(a[:, [k]], b[:, [k]]) for k in range(_ANGLES)], axis=1)
    shares = weighted_mean(weights, 100.0 * each)
    degrees = weighted_mean(weights, difference)
    return CobbAgreement(
        variant=variant,
        n=int(known.all(axis=1).sum()),
        n_missed=int((~np.isnan(b) & np.isnan(a)).any(axis=1).sum()),
        smape=figure(weighted_mean(weights, 100.0 * _ratio(a, b))),
        smape_each=tuple(figure(shares[:, k]) for k in range(_ANGLES)),
        error_each=tuple(figure(degrees[:, k]) for k in range(_ANGLES)),
    )


def smape(predicted: ArrayLike, true: ArrayLike) -> float:
    """Symmetric mean absolute percentage error of Cobb angles, as the AASCE challenge defines it.

    Args:
        predicted: (N, 3) degrees; a radiograph with NaN on either side is left out.
        true: (N, 3) degrees.

    Returns:
        100 * mean over radiographs of sum |a - b| / sum (a + b), between 0 and 100; a radiograph whose angles are all
        zero on both sides has no error. NaN where no radiograph is left.

    Raises:
        InvalidInputError: If the shapes are not the same (N, 3).
    """
    ratios = _ratio(*_angle_arrays(predicted, true))
    known = ratios[~np.isnan(ratios)]
    return float(100.0 * known.mean()) if known.size else math.nan


def _angle_arrays(predicted: ArrayLike, true: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    a, b = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
    if a.shape != b.shape or a.ndim != 2 or a.shape[1] != _ANGLES:
        raise InvalidInputError(
            f"The predicted angles have the shape {a.shape}, the true ones {b.shape}; both must be the same (N, 3)."
        )
    return a, b


def _ratio(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, A), (N, A) -> (N,) sum |a - b| / sum (a + b); 0 where both sums are zero."""
    above, below = np.abs(a - b).sum(axis=1), (a + b).sum(axis=1)
    return np.asarray(np.where(below == 0, above * 0.0, above / np.where(below == 0, 1.0, below)))


def _cells(group: str, landmark: str, name: str, unit: str, item: Figure, n: int, n_missed: int) -> Cells:
    ends = cell(item.low), cell(item.high)
    return group, landmark, name, "", unit, cell(item.value), *ends, str(n), str(n_missed), ""
