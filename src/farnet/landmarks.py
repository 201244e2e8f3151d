"""The landmarks of one radiograph."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from farnet.errors import AnnotationError, SchemeError
from farnet.identity import RadiographId
from farnet.spacing import Spacing, as_spacing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from farnet.scheme import LandmarkScheme

__all__ = ["MODEL_SAYS", "Landmarks", "Uncertainty", "least_certain", "mean_landmarks", "outside_picture"]

_OUTSIDE = "outside_picture"  # in the provenance

MODEL_SAYS = ("confidence", "covariance", "region95")
"""The attributes of `Landmarks` by which a model tells how certain its points are."""


class Uncertainty(NamedTuple):
    """How far off points may be.

    Attributes:
        values: (K,) expected distance from the truth where a calibrated model found the points, otherwise the standard
            deviation along an axis by the heatmaps; NaN = not known.
        unit: "mm", or "px" where the spacing is unknown.
        calibrated: Whether they are expected distances.
    """

    values: NDArray[np.float64]
    unit: str
    calibrated: bool

    def text(self, k: int) -> str:
        """Of landmark k in words: ``expected error 1.2 mm`` or ``± 1.2 mm``; empty where it is not known."""
        value = self.values[k]
        if np.isnan(value):
            return ""
        return f"{'expected error ' if self.calibrated else '± '}{value:.1f} {self.unit}"


@dataclass(frozen=True, eq=False)
class Landmarks:
    """The K landmarks of one radiograph, in the order of their scheme.

    Points are (row, column) in pixels of the original radiograph; the centre of a pixel is the integer. A row
    of NaN is an absent landmark. Arrays are copied on the way in and are read-only; `replace` makes a changed
    copy.

    What a model says of a point (`confidence`, `covariance`, `region95`) is said of where the model put it. Where
    `edited` is True a person has put it elsewhere, so there it is NaN, whatever was given or stands in a file.

    Attributes:
        points: (K, 2) float64, (row, column); NaN = absent.
        scheme: What the K landmarks are.
        spacing: (row, column) in mm per pixel, or None where it is unknown.
        confidence: (K,) float64, higher is surer, NaN = not known; None where nothing gives one.
        covariance: (K, 2, 2) float64, px^2 in (row, column) order, NaN = not known; None where nothing gives
            one.
        region95: (K,) float64 above 0, Mahalanobis distance, by the covariance, within which the truth lies 95 times
            in 100; NaN = not known; None where nothing gives one. Where there is one, the covariance is calibrated: the
            expected error is sqrt(pi / 2) times its standard deviation (`expected_error_mm`).
        edited: (K,) bool, True where a person has moved or placed the point; None where it is not tracked.
        source: Who or what placed the points: "model ceph19-compact", "junior", ...
        radiograph: Name of the radiograph.
        image_shape: (rows, columns) of the radiograph, or None.
        image_sha256: SHA-256 of the radiograph's file in hexadecimal, or None.
        provenance: Anything else that should travel with the points; JSON types only.

    Raises:
        AnnotationError: If an array has another shape than the scheme asks for, a point is half NaN or
            infinite, a covariance is not symmetric with a non-negative diagonal, or the provenance is not
            JSON.
        InvalidInputError: If the spacing is not above zero.
    """

    points: NDArray[np.float64]
    scheme: LandmarkScheme
    spacing: Spacing | None = None
    confidence: NDArray[np.float64] | None = None
    covariance: NDArray[np.float64] | None = None
    region95: NDArray[np.float64] | None = None
    edited: NDArray[np.bool_] | None = None
    source: str = ""
    radiograph: str = ""
    image_shape: tuple[int, int] | None = None
    image_sha256: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.scheme)
        points = _array(self.points, "points", (count, 2), self.scheme)
        missing = np.isnan(points)
        half = missing.any(axis=1) & ~missing.all(axis=1)
        if half.any() or np.isinf(points).any():
            bad = int(np.flatnonzero(half | np.isinf(points).any(axis=1))[0])
            raise AnnotationError(
                f"Landmark {self.scheme.names[bad]!r} is at {tuple(points[bad].tolist())}; a point is two "
                "finite numbers (row, column), or twice NaN where the landmark is absent."
            )
        _set(self, "points", points)
        _set(self, "spacing", as_spacing(self.spacing))
        if self.confidence is not None:
            _set(self, "confidence", _array(self.confidence, "confidence", (count,), self.scheme))
        if self.covariance is not None:
            _set(self, "covariance", _covariance(self.covariance, self.scheme))
        if self.region95 is not None:
            region = _array(self.region95, "region95", (count,), self.scheme)
            if not (np.isnan(region) | (np.isfinite(region) & (region > 0))).all():
                raise AnnotationError(f"region95 is {region.tolist()}; a radius is finite and above 0, or NaN.")
            _set(self, "region95", region)
        if self.edited is not None:
            _set(self, "edited", _array(self.edited, "edited", (count,), self.scheme, np.bool_))
            for name in MODEL_SAYS:
                _set(self, name, _without(getattr(self, name), self.edited))
        if self.image_shape is not None:
            rows, columns = self.image_shape
            _set(self, "image_shape", (int(rows), int(columns)))
        try:
            _set(self, "provenance", json.loads(json.dumps(dict(self.provenance))))
        except (TypeError, ValueError) as error:
            raise AnnotationError(
                f"The provenance of the landmarks holds something that JSON cannot: {error}. "
                "Use texts, numbers, lists and dictionaries with texts as keys."
            ) from error

    def __len__(self) -> int:
        return len(self.scheme)

    @property
    def present(self) -> NDArray[np.bool_]:
        """(K,) bool, True where the landmark has a point."""
        return ~np.isnan(self.points[:, 0])

    @property
    def outside(self) -> NDArray[np.bool_]:
        """(K,) bool, True where the point lies beyond the edges of the picture; nowhere where its size is not known.

        The picture reaches half a pixel beyond the centres of its outermost pixels.
        """
        if self.image_shape is None:
            return np.zeros(len(self), np.bool_)
        limit = np.array(self.image_shape, np.float64) - 0.5
        return np.asarray(((self.points < -0.5) | (self.points > limit)).any(axis=1))  # False for NaN

    def inside(self) -> Landmarks:
        """The same, but absent where a point is outside the picture; `outside_picture` then tells where it was.

        It is for what a model found. A person may know why a point is there.
        """
        beyond = self.outside
        if not beyond.any():
            return self
        points = self.points.copy()
        points[beyond] = np.nan
        said = {name: values.copy() for name in MODEL_SAYS if (values := getattr(self, name)) is not None}
        for values in said.values():
            values[beyond] = np.nan
        was = {self.scheme.names[k]: self.points[k].tolist() for k in np.flatnonzero(beyond)}
        return self.replace(points=points, provenance={**self.provenance, _OUTSIDE: was}, **said)

    @property
    def identity(self) -> RadiographId:
        """Which radiograph they are of, as far as it is known."""
        pixels = self.provenance.get("pixels_sha256")
        return RadiographId(
            self.radiograph, self.image_sha256, pixels if isinstance(pixels, str) else None, self.image_shape
        )

    @property
    def sd_px(self) -> NDArray[np.float64]:
        """(K,) standard deviation of a point along one axis, in px; NaN where absent or unknown.

        It is the root of the mean of the two variances, sqrt((c_rr + c_cc) / 2).
        """
        return self._sd((1.0, 1.0))

    @property
    def sd_mm(self) -> NDArray[np.float64] | None:
        """(K,) like `sd_px`, in mm; None where the spacing is unknown."""
        return None if self.spacing is None else self._sd(self.spacing)

    @property
    def expected_error_px(self) -> NDArray[np.float64]:
        """(K,) expected distance from the truth in px; NaN where it is not calibrated."""
        return self._expected(self.sd_px)

    @property
    def expected_error_mm(self) -> NDArray[np.float64] | None:
        """(K,) like `expected_error_px`, in mm; None where the spacing is unknown."""
        sd = self.sd_mm
        return None if sd is None else self._expected(sd)

    @property
    def uncertainty(self) -> Uncertainty:
        """How far off the points may be, in the best measure there is: see `Uncertainty`."""
        known, in_mm = self.region95 is not None, self.spacing is not None
        expected, sd = (self.expected_error_mm, self.sd_mm) if in_mm else (self.expected_error_px, self.sd_px)
        values = expected if known else sd
        assert values is not None, "there are mm where there is a spacing"
        return Uncertainty(values, "mm" if in_mm else "px", known)

    def reach95(self, scale: Spacing = (1.0, 1.0)) -> NDArray[np.float64]:
        """(K,) largest half-axis of the 95 % region: how far off the truth may be, in px.

        Args:
            scale: (row, column) units in a pixel, such as `spacing` for mm.

        Returns:
            NaN where there is no region.
        """
        if self.covariance is None or self.region95 is None:
            return np.full(len(self), np.nan)
        factors = np.array(scale, np.float64)
        scaled = self.covariance * np.outer(factors, factors)
        known = self.present & np.isfinite(scaled).all((1, 2)) & np.isfinite(self.region95)
        largest = np.linalg.eigvalsh(np.where(known[:, None, None], scaled, np.eye(2)))[:, -1]
        return np.asarray(np.where(known, self.region95 * np.sqrt(largest), np.nan))

    def _expected(self, sd: NDArray[np.float64]) -> NDArray[np.float64]:
        from farnet.uncertainty.calibration import expected_radial_error

        if self.region95 is None:
            return np.full(len(self), np.nan)
        return np.where(np.isfinite(self.region95), expected_radial_error(sd), np.nan)

    def _sd(self, scale: Spacing) -> NDArray[np.float64]:
        if self.covariance is None:
            return np.full(len(self), np.nan)
        variances = np.diagonal(self.covariance, axis1=1, axis2=2) * np.square(scale)
        return np.where(self.present, np.sqrt(variances.mean(axis=1)), np.nan)

    def replace(self, **changes: Any) -> Landmarks:
        """Make a copy with some attributes changed; it is checked like a new one."""
        return dataclasses.replace(self, **changes)

    def equals(self, other: Landmarks) -> bool:
        """Tell whether every attribute is the same, to the last bit; NaN equals NaN."""
        for item in dataclasses.fields(self):
            mine, theirs = getattr(self, item.name), getattr(other, item.name)
            if isinstance(mine, np.ndarray) and isinstance(theirs, np.ndarray):
                if not np.array_equal(mine, theirs, equal_nan=mine.dtype != np.bool_):
                    return False
            elif isinstance(mine, np.ndarray) or isinstance(theirs, np.ndarray) or mine != theirs:
                return False
        return True

    def summary_table(self) -> list[dict[str, Any]]:
        """List the landmarks as rows of a table, with JSON types only.

        Returns:
            K dictionaries with `name`, `abbreviation`, `row`, `column` (px), `confidence`, `sd_px`, `sd_mm`,
            `expected_error_px`, `expected_error_mm`, `reach95_px`, `reach95_mm` and `edited`; None stands for absent or
            unknown.
        """
        count = len(self)
        unknown = np.full(count, np.nan)
        confidence = unknown if self.confidence is None else self.confidence
        sd_mm = unknown if self.sd_mm is None else self.sd_mm
        expected_mm = unknown if self.expected_error_mm is None else self.expected_error_mm
        columns = {
            "row": self.points[:, 0],
            "column": self.points[:, 1],
            "confidence": confidence,
            "sd_px": self.sd_px,
            "sd_mm": sd_mm,
            "expected_error_px": self.expected_error_px,
            "expected_error_mm": expected_mm,
            "reach95_px": self.reach95(),
            "reach95_mm": unknown if self.spacing is None else self.reach95(self.spacing),
        }
        return [
            {
                "name": landmark.name,
                "abbreviation": landmark.abbreviation,
                **{key: None if np.isnan(values[k]) else float(values[k]) for key, values in columns.items()},
                "edited": None if self.edited is None else bool(self.edited[k]),
            }
            for k, landmark in enumerate(self.scheme.landmarks)
        ]


def outside_picture(landmarks: Landmarks) -> dict[str, tuple[float, float]]:
    """Where a model would have put landmarks that are absent because that is outside the picture.

    Returns:
        (row, column) in px by the name of the landmark; empty where there are none.
    """
    kept = landmarks.provenance.get(_OUTSIDE)
    if not isinstance(kept, dict):
        return {}
    found = {}
    for name, point in kept.items():
        if name in landmarks.scheme.names and isinstance(point, list) and len(point) == 2:
            found[name] = (float(point[0]), float(point[1]))
    return found


def least_certain(items: Sequence[Landmarks]) -> list[tuple[int, int]]:
    """Order landmarks by how certain they are: the one rule for every list, queue and sentence that does so.

    By falling expected error where all radiographs of `items` have one (in mm where all know their spacing, else in
    px). Otherwise by rising confidence, in steps of 0.01 as it is shown, and where that is equal by falling standard
    deviation. Points that nothing is said of, such as those that a person placed, come last; absent landmarks are left
    out. What is equal stays in order.

    Args:
        items: One for each radiograph.

    Returns:
        (which of `items`, which landmark) of every point, the least certain first.
    """
    if not items:
        return []
    in_mm = all(item.spacing is not None for item in items)
    calibrated = all(item.region95 is not None for item in items)
    found: list[tuple[float, float, int, int]] = []
    for n, item in enumerate(items):
        expected, sd = (item.expected_error_mm, item.sd_mm) if in_mm else (item.expected_error_px, item.sd_px)
        confidence = np.full(len(item), np.nan) if item.confidence is None else np.round(item.confidence, 2)
        assert expected is not None and sd is not None, "there are mm where there is a spacing"
        first, second = (-expected, confidence) if calibrated else (confidence, -sd)
        known = np.where(np.isnan(first), np.inf, first), np.where(np.isnan(second), np.inf, second)
        found += [(float(known[0][k]), float(known[1][k]), n, int(k)) for k in np.flatnonzero(item.present)]
    return [(n, k) for _, _, n, k in sorted(found)]


def mean_landmarks(observations: Sequence[Landmarks]) -> Landmarks:
    """Average the points that several observers placed on one radiograph.

    Args:
        observations: At least one; all of the same scheme, radiograph, spacing and image shape.

    Returns:
        The mean points; a landmark that any observer left out is absent (NaN). Confidence, covariance and
        edits are dropped, the sources are named together.

    Raises:
        AnnotationError: If there is nothing to average, or the observations are of different radiographs.
        SchemeError: If they have different schemes.
    """
    if not observations:
        raise AnnotationError("There are no landmarks to average; give those of at least one observer.")
    first = observations[0]
    for other in observations[1:]:
        if other.scheme != first.scheme:
            raise SchemeError(
                f"Landmarks of scheme {first.scheme.name!r} cannot be averaged with those of {other.scheme.name!r}."
            )
        for attribute in ("radiograph", "spacing", "image_shape", "image_sha256"):
            mine, theirs = getattr(first, attribute), getattr(other, attribute)
            if mine != theirs:
                raise AnnotationError(
                    f"Only landmarks of one and the same radiograph can be averaged; their {attribute} "
                    f"differs: {mine!r} and {theirs!r}."
                )
    sources = list(dict.fromkeys(item.source for item in observations if item.source))
    return Landmarks(
        points=np.mean([item.points for item in observations], axis=0),
        scheme=first.scheme,
        spacing=first.spacing,
        source=f"mean of {', '.join(sources)}" if sources else "mean",
        radiograph=first.radiograph,
        image_shape=first.image_shape,
        image_sha256=first.image_sha256,
    )


def _set(landmarks: Landmarks, name: str, value: object) -> None:
    object.__setattr__(landmarks, name, value)


def _array(
    value: ArrayLike, what: str, shape: tuple[int, ...], scheme: LandmarkScheme, dtype: type[np.generic] = np.float64
) -> NDArray[Any]:
    """Copy into a read-only array of the wanted type and shape."""
    try:
        array = np.array(value, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise AnnotationError(f"The {what} of the landmarks are not numbers: {error}.") from error
    if array.shape != shape:
        raise AnnotationError(
            f"The {what} of the landmarks have the shape {array.shape}; scheme {scheme.name!r} has "
            f"{len(scheme)} landmarks, so it must be {shape}."
        )
    array.setflags(write=False)
    return array


def _without(values: NDArray[np.float64] | None, rows: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """The values with NaN in some rows; the same array where nothing changes."""
    if values is None or np.isnan(values[rows]).all():
        return values
    changed = values.copy()
    changed[rows] = np.nan
    changed.setflags(write=False)
    return changed


def _covariance(value: ArrayLike, scheme: LandmarkScheme) -> NDArray[np.float64]:
    covariance = _array(value, "covariance", (len(scheme), 2, 2), scheme)
    lopsided = ~np.isclose(covariance[:, 0, 1], covariance[:, 1, 0], rtol=1e-6, atol=1e-9, equal_nan=True)
    negative = (np.diagonal(covariance, axis1=1, axis2=2) < 0).any(axis=1)
    bad = np.flatnonzero(lopsided | negative | np.isinf(covariance).any(axis=(1, 2)))
    if bad.size:
        raise AnnotationError(
            f"The covariance of landmark {scheme.names[bad[0]]!r} is {covariance[bad[0]].tolist()}; it must "
            "be symmetric and finite with variances of at least zero (px^2), or NaN where it is unknown."
        )
    return covariance
