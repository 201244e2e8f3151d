"""How the landmarks of a scheme lie to one another, and whether a set of points looks like that.

A `ShapeModel` holds the mean shape of many annotated radiographs and its principal components. From it follows, for
every landmark, where the other landmarks of the same radiograph say that it should be and how sure they are. A point
far from there has been misplaced, swapped with another, or belongs to an unusual anatomy: it deserves a look.

Size, place and direction of the shape do not count, so neither spacing nor a common orientation is needed.

Sources: principal components of aligned shapes, Cootes et al., Computer Vision and Image Understanding 61, 1995; their
probabilistic reading, Tipping & Bishop, Journal of the Royal Statistical Society B 61, 1999.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from farnet import shape_fit
from farnet.errors import AnnotationError, InvalidInputError, SchemeError
from farnet.scheme import LandmarkScheme, bundled_schemes, load_scheme
from farnet.spacing import SpacingLike, as_spacing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from farnet.landmarks import Landmarks

__all__ = ["IMPLAUSIBLE", "MINIMUM_SHAPES", "ShapeModel", "load_shape_model"]

IMPLAUSIBLE = 4.0
"""A landmark further than this, in sd, from where the others say it should be deserves a look.

On annotations that the cephalometric model has not seen (ISBI 2015, test 1) fewer than 0.5 % of the landmarks are
beyond it; were the distances exactly normal, 0.03 % would be. `docs/shapes.md` has the figures.
"""

MINIMUM_SHAPES = 20
"""As many shapes, at least, make a model."""

_FORMAT = "farnet-shape-model"
_VERSION = 1
_DIGITS = 6  # significant digits of the numbers in a file


@dataclass(frozen=True, eq=False)
class ShapeModel:
    """Mean shape and principal components of the landmarks of one scheme.

    Shapes are (row, column), centred, and scaled and turned to the mean. A vector of length 2K holds row and column of
    the first landmark, then of the second, and so on. A shape is the mean plus, for each component, a normal number of
    the component's variance, plus independent normal noise of the residual variance in every coordinate.

    Attributes:
        scheme: What the K landmarks are.
        mean: (K, 2) float64, (row, column) in `unit`, centred, in the mean size of the shapes.
        components: (M, 2K) float64, orthonormal rows, by decreasing variance.
        variances: (M,) float64, variance along each component, in the square of `unit`.
        residual_variance: Variance of every coordinate that the components leave, in the square of `unit`.
        calibration: (K,) float64: by how much the distance of a landmark from where the others expect it is larger, on
            shapes left out of the fit, than the variances say. Distances and covariances allow for it.
        count: Number of shapes that the model was made from.
        unit: "mm", or "size" where the spacing was unknown: then the root mean square distance of the landmarks from
            their centre is 1.
        source: Where the shapes come from.

    Raises:
        InvalidInputError: If an array has another shape than the scheme asks for, is not finite, or a variance or a
            calibration is not above zero.
    """

    scheme: LandmarkScheme
    mean: NDArray[np.float64]
    components: NDArray[np.float64]
    variances: NDArray[np.float64]
    residual_variance: float
    calibration: NDArray[np.float64]
    count: int
    unit: Literal["mm", "size"] = "mm"
    source: str = ""

    def __post_init__(self) -> None:
        landmarks, components = len(self.scheme), np.size(self.variances)
        shapes = {
            "mean": (landmarks, 2),
            "components": (components, 2 * landmarks),
            "variances": (components,),
            "calibration": (landmarks,),
        }
        for name, shape in shapes.items():
            object.__setattr__(self, name, _array(getattr(self, name), name, shape, self.scheme))
        if self.unit not in ("mm", "size"):
            raise InvalidInputError(f"The unit of a shape model is {self.unit!r}; allowed: 'mm', 'size'.")
        positive = min(self.residual_variance, *self.variances, *self.calibration)
        if not (positive > 0 and np.isfinite(self.residual_variance)):
            raise InvalidInputError(
                f"The shape model of {self.scheme.name!r} has a variance or a calibration of {positive:g}; "
                "all must be finite and above zero."
            )
        if not np.square(self.mean - self.mean.mean(axis=0)).sum() > 0:
            raise InvalidInputError(f"All landmarks of the mean shape of {self.scheme.name!r} are in one place.")

    @classmethod
    def fit(cls, landmarks: Sequence[Landmarks], *, components: int | None = None, source: str = "") -> ShapeModel:
        """Make a model from annotated radiographs.

        Shapes are aligned by generalised Procrustes analysis (similarity transforms), in mm where the spacing is known:
        pixels that are not square then do no harm. The calibration is measured by cross-validation, ten parts.

        Args:
            landmarks: At least `MINIMUM_SHAPES`, of one scheme, no landmark absent; all with a spacing, or none.
            components: How many components to keep; None keeps as many as predict a left-out landmark most sharply.
            source: Where the shapes come from.

        Raises:
            AnnotationError: If there are too few shapes, a landmark is absent, or only some have a spacing.
            SchemeError: If they have different schemes.
            InvalidInputError: If there cannot be so many components.
        """
        scheme, unit = _checked(landmarks)
        scales = [(1.0, 1.0) if item.spacing is None else item.spacing for item in landmarks]
        shapes = np.stack([item.points * scale for item, scale in zip(landmarks, scales, strict=True)])
        most = min(len(shapes) * 9 // 10 - 2, 2 * len(scheme) - 4) - 1
        if components is not None and not 1 <= components <= most:
            raise InvalidInputError(
                f"{components} components were asked for; {len(shapes)} shapes of {len(scheme)} landmarks allow 1 to "
                f"{most}."
            )
        fitted, calibration = shape_fit.fit(shapes, components, most, unit_size=unit == "size")
        return cls(scheme, *fitted, calibration, len(shapes), unit, source)

    def implausibility(self, points: ArrayLike, spacing: SpacingLike | None = None) -> NDArray[np.float64]:
        """How far each landmark is from where the others say it should be.

        It is the Mahalanobis distance in the plane (two degrees of freedom: 39 % of good points are within 1, 86 %
        within 2, 99 % within 3). Landmarks beyond `IMPLAUSIBLE` are not asked where the others should be, so that one
        misplaced point, or two swapped ones, do not cast suspicion on the rest; up to half may be left out so.

        Args:
            points: (K, 2), (row, column) in px; NaN = absent.
            spacing: mm per pixel; only its ratio matters, and only where pixels are not square.

        Returns:
            (K,) in sd; NaN where the landmark is absent or fewer than three others are present; infinite where all
            are in one place.

        Raises:
            InvalidInputError: If the points are not (K, 2), or the spacing is not above zero.
        """
        z = self._complex(points, spacing)
        result = np.full(len(z), np.nan)
        present = np.flatnonzero(~np.isnan(z))
        if len(present) < shape_fit.MINIMUM_POINTS:
            return result
        view = self._core.view(z, present)
        result[present] = np.inf if view is None else view.distances(view.clean(IMPLAUSIBLE))
        return result

    def expected(
        self, points: ArrayLike, k: int, spacing: SpacingLike | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where the other landmarks say that landmark `k` should be; where it is does not count.

        Args:
            points: (K, 2), (row, column) in px; NaN = absent.
            k: Index of the landmark, 0-based.
            spacing: As for `implausibility`.

        Returns:
            Mean, (2,) in px, and covariance, (2, 2) in px^2, in (row, column) order. Both are NaN where fewer than
            three others are present, or all are in one place.

        Raises:
            InvalidInputError: As for `implausibility`, or if there is no landmark `k`.
        """
        if not 0 <= k < len(self.scheme):
            raise InvalidInputError(f"There is no landmark {k}; scheme {self.scheme.name!r} has 0 to {len(self) - 1}.")
        z = self._complex(points, spacing)
        z[k] = np.nan
        present = np.flatnonzero(~np.isnan(z))
        view = self._core.view(z, present) if len(present) >= shape_fit.MINIMUM_POINTS - 1 else None
        if view is None:
            return np.full(2, np.nan), np.full((2, 2), np.nan)
        mean, covariance = self._core.predict(view, k, IMPLAUSIBLE)
        scale = _ratio(spacing)
        return mean / scale, covariance / np.outer(scale, scale)

    def looks_mirrored(self, points: ArrayLike, spacing: SpacingLike | None = None) -> bool:
        """Tell whether the mirror image of the points fits the model much better than they do.

        Then the radiograph is reversed, or left and right have been confused. With fewer than five landmarks present
        the answer is no.

        Raises:
            InvalidInputError: As for `implausibility`.
        """
        z = self._complex(points, spacing)
        present = np.flatnonzero(~np.isnan(z))
        if len(present) <= shape_fit.MINIMUM_POINTS:
            return False
        mirrored = self._core.view(np.conj(z), present)
        if mirrored is None:
            return False
        kept = mirrored.clean(IMPLAUSIBLE)
        as_is = self._core.view(z, present[kept])
        flipped = self._core.view(np.conj(z), present[kept])
        return as_is is not None and flipped is not None and 4 * flipped.misfit() < as_is.misfit()

    def shape(self, scores: ArrayLike) -> NDArray[np.float64]:
        """The shape at given numbers of sd along the first components.

        Args:
            scores: (m,) numbers, m up to M.

        Returns:
            (K, 2) in `unit`, centred.

        Raises:
            InvalidInputError: If there are more scores than components.
        """
        values = np.atleast_1d(np.asarray(scores, np.float64))
        if values.ndim != 1 or len(values) > len(self.variances):
            raise InvalidInputError(
                f"Scores of shape {values.shape}; this model has {len(self.variances)} components: give so many or "
                "fewer numbers."
            )
        m = len(values)
        return self.mean + ((values * np.sqrt(self.variances[:m])) @ self.components[:m]).reshape(-1, 2)

    def __len__(self) -> int:
        return len(self.scheme)

    def to_dict(self) -> dict[str, Any]:
        """Describe the model with JSON types only, numbers to six significant digits; see `from_dict`."""
        bundled = self.scheme.name in bundled_schemes() and load_scheme(self.scheme.name) == self.scheme
        return {
            "format": _FORMAT,
            "version": _VERSION,
            "scheme": self.scheme.name if bundled else self.scheme.to_dict(),
            "source": self.source,
            "count": self.count,
            "unit": self.unit,
            "mean": _rounded(self.mean),
            "residual_variance": _rounded(self.residual_variance),
            "variances": _rounded(self.variances),
            "calibration": _rounded(self.calibration),
            "components": _rounded(self.components),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ShapeModel:
        """Build a model from what `to_dict` gives.

        Raises:
            InvalidInputError: If something is missing, of the wrong type, or contradicts itself.
        """
        if not isinstance(data, dict) or data.get("format") != _FORMAT or data.get("version") != _VERSION:
            raise InvalidInputError(
                f'This is no shape model: it is a JSON object with "format": "{_FORMAT}" and "version": {_VERSION}.'
            )
        scheme = data.get("scheme")
        try:
            return cls(
                load_scheme(scheme) if isinstance(scheme, str) else LandmarkScheme.from_dict(cast("Any", scheme)),
                data["mean"],
                data["components"],
                data["variances"],
                float(data["residual_variance"]),
                data["calibration"],
                int(data["count"]),
                data["unit"],
                str(data["source"]),
            )
        except KeyError as error:
            raise InvalidInputError(f"The shape model lacks {error}.") from error
        except (TypeError, ValueError) as error:
            if isinstance(error, InvalidInputError):
                raise
            raise InvalidInputError(f"The shape model holds something else than numbers: {error}.") from error

    def _complex(self, points: ArrayLike, spacing: SpacingLike | None) -> NDArray[np.complex128]:
        array = np.asarray(points, np.float64)
        if array.shape != (len(self), 2) or np.isinf(array).any():
            raise InvalidInputError(
                f"The points have the shape {array.shape}; scheme {self.scheme.name!r} needs ({len(self)}, 2) finite "
                "numbers (row, column), NaN where a landmark is absent."
            )
        return shape_fit.to_complex(array * _ratio(spacing))

    @property
    def _core(self) -> shape_fit.Predictor:
        core = self.__dict__.get("_predictor")
        if core is None:
            core = shape_fit.Predictor(
                self.mean, self.components, self.variances, self.residual_variance, self.calibration
            )
            object.__setattr__(self, "_predictor", core)
        return cast("shape_fit.Predictor", core)


def load_shape_model(scheme: LandmarkScheme | str) -> ShapeModel | None:
    """Give the bundled shape model of a scheme.

    Args:
        scheme: A scheme, or the name of a bundled one.

    Returns:
        The model; None where none is bundled for exactly these landmarks.

    Raises:
        UnknownNameError: If there is no bundled scheme of this name.
    """
    wanted = scheme if isinstance(scheme, LandmarkScheme) else load_scheme(scheme)
    model = _bundled(wanted.name)
    return model if model is not None and model.scheme.abbreviations == wanted.abbreviations else None


@lru_cache
def _bundled(name: str) -> ShapeModel | None:
    path = Path(__file__).with_name("shapes") / f"{name}.json"
    if name not in bundled_schemes() or not path.is_file():
        return None
    return ShapeModel.from_dict(json.loads(path.read_text(encoding="utf-8")))


def _checked(landmarks: Sequence[Landmarks]) -> tuple[LandmarkScheme, Literal["mm", "size"]]:
    if len(landmarks) < MINIMUM_SHAPES:
        raise AnnotationError(
            f"There are {len(landmarks)} annotated radiographs; a shape model needs at least {MINIMUM_SHAPES}."
        )
    scheme = landmarks[0].scheme
    for item in landmarks:
        if item.scheme != scheme:
            raise SchemeError(
                f"Shapes of scheme {scheme.name!r} and {item.scheme.name!r} cannot be in one model; give one scheme."
            )
        if not item.present.all():
            absent = scheme.names[int(np.argmin(item.present))]
            raise AnnotationError(
                f"Landmark {absent!r} of radiograph {item.radiograph!r} is absent; a shape model is made from "
                "radiographs with every landmark. Leave this one out."
            )
    known = [item.spacing is not None for item in landmarks]
    if len(scheme) < shape_fit.MINIMUM_POINTS:
        raise SchemeError(
            f"Scheme {scheme.name!r} has {len(scheme)} landmarks; a shape needs {shape_fit.MINIMUM_POINTS}."
        )
    if any(known) and not all(known):
        raise AnnotationError(
            f"Radiograph {landmarks[known.index(False)].radiograph!r} has no spacing and others have one; give it to "
            "all, or to none."
        )
    return scheme, "mm" if known[0] else "size"


def _ratio(spacing: SpacingLike | None) -> NDArray[np.float64]:
    """(row, column) factors that make pixels square; the column's is 1."""
    checked = as_spacing(spacing)
    return np.ones(2) if checked is None else np.array([checked[0] / checked[1], 1.0])


def _rounded(values: NDArray[np.float64] | float) -> Any:
    if isinstance(values, np.ndarray):
        return [_rounded(item) for item in values]
    return float(f"{values:.{_DIGITS}g}")


def _array(value: ArrayLike, what: str, shape: tuple[int, ...], scheme: LandmarkScheme) -> NDArray[np.float64]:
    try:
        array = np.array(value, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"The {what} of a shape model are not numbers: {error}.") from error
    if array.shape != shape or not np.isfinite(array).all():
        raise InvalidInputError(
            f"The {what} of the shape model have the shape {array.shape}; scheme {scheme.name!r} needs {shape}, all "
            "finite."
        )
    array.setflags(write=False)
    return array
