"""Where a picture lies in space: mm from (row, column), and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from farnet.spacing import Spacing

__all__ = ["Geometry"]


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where the pixels of a picture lie.

    Attributes:
        origin: (3,) float64, the centre of the first pixel (row 0, column 0) in mm, LPS.
        step: (3, 2) float64, mm in LPS from a pixel to that of the next row, and to that of the next column.
        shape: (rows, columns); None where it is not known.
        stated: Whether the file tells the size of a pixel; otherwise ITK takes 1 mm.
    """

    origin: NDArray[np.float64]
    step: NDArray[np.float64]
    shape: tuple[int, int] | None = None
    stated: bool = True

    @classmethod
    def plain(cls, spacing: Spacing = (1.0, 1.0), shape: tuple[int, int] | None = None) -> Geometry:
        """Of a picture that begins at the origin, columns along L and rows along P; spacing in (row, column)."""
        return cls(np.zeros(3), np.array([[0.0, spacing[1]], [spacing[0], 0.0], [0.0, 0.0]]), shape, False)

    @property
    def spacing(self) -> Spacing:
        """(row, column) in mm per pixel."""
        rows, columns = np.linalg.norm(self.step, axis=0).tolist()
        return rows, columns

    def positions(self, points: ArrayLike) -> NDArray[np.float64]:
        """(K, 2) row, column to (K, 3) mm in LPS."""
        return np.asarray(self.origin + np.asarray(points, np.float64) @ self.step.T)

    def points(self, positions: ArrayLike) -> NDArray[np.float64]:
        """(K, 3) mm in LPS to (K, 2) row, column; what lies off the picture's plane is put on it at right angles."""
        away = np.asarray(positions, np.float64) - self.origin
        return np.asarray(away @ np.linalg.pinv(self.step).T)

    def off_plane(self, positions: ArrayLike) -> NDArray[np.float64]:
        """(K,) distance in mm of (K, 3) positions from the plane of the picture."""
        away = np.asarray(positions, np.float64) - self.positions(self.points(positions))
        return np.asarray(np.linalg.norm(away, axis=1))
