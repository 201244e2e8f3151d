"""How the pixels of a layer lie in the world of the viewer.

napari takes a pixel to the world in two steps: `rotate @ shear @ scale` and `translate`, then `affine`. Every layer
that this plugin makes gets both steps from the image that it belongs to, with its units and axis labels, so that the
layers stay on top of one another however the image lies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.layers import Layer
    from numpy.typing import NDArray

    from farnet.frame import Frame
    from farnet.spacing import Spacing

__all__ = ["Placement"]

_MILLIMETRE = "millimeter"
_ORTHOGONAL = 1e-3  # cosine between the edges of a pixel above which it is no rectangle


@dataclass(frozen=True)
class Placement:
    """Where a layer of n axes lies; the last two axes are rows and columns.

    Attributes:
        scale: (n,) world units per pixel.
        translate: (n,) world units.
        rotate: (n, n) matrix.
        shear: (n (n - 1) / 2,) upper triangle, or (n, n) matrix, as napari gives it.
        affine: (n + 1, n + 1) matrix, applied after the others.
        units: n names of units; "pixel" where nothing is known.
        axis_labels: n names.
    """

    scale: NDArray[np.float64]
    translate: NDArray[np.float64]
    rotate: NDArray[np.float64]
    shear: NDArray[np.float64]
    affine: NDArray[np.float64]
    units: tuple[str, ...]
    axis_labels: tuple[str, ...]

    @classmethod
    def of(cls, layer: Layer) -> Placement:
        """Copy the placement of a layer."""
        names = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
        return cls.of_keywords({name: getattr(layer, name) for name in names})

    @classmethod
    def of_keywords(cls, keywords: Mapping[str, Any]) -> Placement:
        """Take the placement out of the attributes of a layer, as napari hands them to writers."""
        affine = keywords["affine"]
        return cls(
            scale=np.array(keywords["scale"], np.float64),
            translate=np.array(keywords["translate"], np.float64),
            rotate=np.array(keywords["rotate"], np.float64),
            shear=np.array(keywords["shear"], np.float64),
            affine=np.array(getattr(affine, "affine_matrix", affine), np.float64),
            units=tuple(str(unit) for unit in keywords["units"]),
            axis_labels=tuple(str(label) for label in keywords["axis_labels"]),
        )

    @classmethod
    def from_spacing(cls, spacing: Spacing | None) -> Placement:
        """Place a 2-D layer at the origin: in mm where the spacing is known, else in pixels."""
        return cls(
            scale=np.array(spacing or (1.0, 1.0), np.float64),
            translate=np.zeros(2),
            rotate=np.eye(2),
            shear=np.zeros(1),
            affine=np.eye(3),
            units=("pixel" if spacing is None else _MILLIMETRE,) * 2,
            axis_labels=("-2", "-1"),
        )

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.scale)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(n + 1, n + 1) matrix from pixels to the world."""
        inner = np.eye(self.ndim + 1)
        inner[:-1, :-1] = self._linear()
        inner[:-1, -1] = self.translate
        return self.affine @ inner

    def matrix_without_scale(self) -> NDArray[np.float64]:
        """(n, n) matrix of rotation and shear: the directions of the axes of a layer, before `affine`."""
        return self.rotate @ self._shear()

    def keywords(self) -> dict[str, Any]:
        """The placement as napari's layers take it."""
        return {
            "scale": self.scale.copy(),
            "translate": self.translate.copy(),
            "rotate": self.rotate.copy(),
            "shear": self.shear.copy(),
            "affine": self.affine.copy(),
            "units": self.units,
            "axis_labels": self.axis_labels,
        }

    def stacked(self) -> Placement:
        """The placement of a stack of such layers: one more axis in front, which counts them."""
        n = self.ndim
        rotate, affine, shear = np.eye(n + 1), np.eye(n + 2), np.eye(n + 1)
        rotate[1:, 1:], affine[1:, 1:], shear[1:, 1:] = self.rotate, self.affine, self._shear()
        return Placement(
            scale=np.concatenate([[1.0], self.scale]),
            translate=np.concatenate([[0.0], self.translate]),
            rotate=rotate,
            shear=shear[np.triu_indices(n + 1, k=1)] if self.shear.ndim == 1 else shear,
            affine=affine,
            units=("pixel", *self.units),
            axis_labels=(str(-n - 1), *self.axis_labels),
        )

    def of_heatmaps(self, frame: Frame, leading: Sequence[int]) -> Placement:
        """Place heatmaps in the frame of the network over the radiograph that this placement belongs to.

        Args:
            frame: How the radiograph was laid into the network's input; its matrix only scales and shifts.
            leading: The n - 2 indices of the radiograph in a stack, where the heatmaps start.

        Returns:
            A placement that takes pixel (0, ..., 0, i, j) of the heatmaps to where this one takes the pixel
            ``(*leading, *frame.to_radiograph((i, j)))`` of the radiographs.
        """
        network_to_image = frame.matrix()
        factors = np.concatenate([np.ones(len(leading)), np.diagonal(network_to_image)[:2]])
        offset = np.concatenate([np.asarray(leading, np.float64), network_to_image[:2, 2]])
        return replace(self, scale=self.scale * factors, translate=self.translate + self._linear() @ offset)

    def spacing(self) -> Spacing | None:
        """Measure a pixel.

        Returns:
            (row, column) in mm per pixel, or None where an axis that a pixel extends along has no unit of length, or
            shear makes the pixel something else than a rectangle.
        """
        edges = (self.affine[:-1, :-1] @ self._linear())[:, -2:]
        spanned = np.abs(edges).max(axis=1) > 1e-9 * np.abs(edges).max()
        in_mm = np.array([_millimetres(unit) for unit in self.units])
        if np.isnan(in_mm[spanned]).any():
            return None
        rows, columns = (np.where(spanned, in_mm, 0.0)[:, None] * edges).T
        lengths = float(np.linalg.norm(rows)), float(np.linalg.norm(columns))
        if not min(lengths) > 0 or abs(float(rows @ columns)) > _ORTHOGONAL * lengths[0] * lengths[1]:
            return None
        return lengths

    def to_json(self) -> dict[str, Any]:
        """Describe the placement with JSON types only; `from_json` gives it back to the last bit."""
        return {
            "scale": self.scale.tolist(),
            "translate": self.translate.tolist(),
            "rotate": self.rotate.tolist(),
            "shear": self.shear.tolist(),
            "affine": self.affine.tolist(),
            "units": list(self.units),
            "axis_labels": list(self.axis_labels),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Placement:
        """Build a placement from what `to_json` gives.

        Raises:
            KeyError, TypeError, ValueError: If something is missing, or of another shape.
        """
        placement = cls(
            scale=np.array(value["scale"], np.float64),
            translate=np.array(value["translate"], np.float64),
            rotate=np.array(value["rotate"], np.float64),
            shear=np.array(value["shear"], np.float64),
            affine=np.array(value["affine"], np.float64),
            units=tuple(map(str, value["units"])),
            axis_labels=tuple(map(str, value["axis_labels"])),
        )
        n = placement.ndim
        shapes = [(n,), (n,), (n, n), (n + 1, n + 1)]
        given = [placement.scale.shape, placement.translate.shape, placement.rotate.shape, placement.affine.shape]
        if n < 2 or given != shapes or {len(placement.units), len(placement.axis_labels)} != {n}:
            raise ValueError(f"not the placement of a layer: {dict(value)!r}")
        return placement

    def _linear(self) -> NDArray[np.float64]:
        """(n, n) matrix of the first step."""
        return self.rotate @ self._shear() @ np.diag(self.scale)

    def _shear(self) -> NDArray[np.float64]:
        """(n, n) matrix of the shear."""
        if self.shear.ndim == 2:
            return self.shear
        matrix = np.eye(self.ndim)
        matrix[np.triu_indices(self.ndim, k=1)] = self.shear
        return matrix


def _millimetres(unit: str) -> float:
    """Length of one unit in mm; NaN where it is no length."""
    import pint

    registry: Any = pint.application_registry  # the one that napari uses
    quantity = registry.Quantity(1.0, unit)
    return float(quantity.to(_MILLIMETRE).magnitude) if quantity.check("[length]") else float("nan")
