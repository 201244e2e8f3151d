"""The frame: the only code that maps between pixels of a radiograph and pixels of the network's input.

Both sides count pixel centres at integers: a crop of the radiograph is resized to a rectangle inside the network's
input, so that ``network = (radiograph + 0.5) * scale - 0.5 + offset`` along each axis.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from farnet.errors import InvalidInputError, unknown_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FitMode", "Frame"]

FitMode = Literal["stretch", "letterbox"]


@dataclass(frozen=True, slots=True)
class Frame:
    """How one radiograph, or a rectangle of it, is laid into the input of a network.

    Attributes:
        image_shape: (H, W) of the radiograph.
        network_shape: (h, w) of the network's input.
        crop: (row, column, height, width) of the rectangle of the radiograph that is shown, in whole pixels; it may
            reach over the border, where the input is black.
        content: (row, column, height, width) of where it lies in the input, in whole pixels.
    """

    image_shape: tuple[int, int]
    network_shape: tuple[int, int]
    crop: tuple[int, int, int, int]
    content: tuple[int, int, int, int]

    @classmethod
    def fit(
        cls,
        image_shape: tuple[int, int],
        network_shape: tuple[int, int],
        mode: FitMode = "stretch",
        *,
        crop: tuple[int, int, int, int] | None = None,
    ) -> Frame:
        """Lay a radiograph, or `crop` of it, into the network's input.

        Args:
            image_shape: (H, W) of the radiograph.
            network_shape: (h, w) of the input.
            mode: ``stretch`` fills the input, with another scale per axis (the paper); ``letterbox`` keeps the
                shape of things and pads symmetrically.
            crop: Rectangle of the radiograph (row, column, height, width); all of it by default.

        Raises:
            InvalidInputError: A size is not positive, or the mode unknown.
        """
        row, column, height, width = crop or (0, 0, *image_shape)
        if min(*image_shape, *network_shape, height, width) < 1:
            raise InvalidInputError(
                f"image {image_shape}, network {network_shape}, crop {crop}: every size must be at least 1"
            )
        if mode == "stretch":
            rows, columns = network_shape
        elif mode == "letterbox":
            scale = min(network_shape[0] / height, network_shape[1] / width)
            rows = min(network_shape[0], max(1, round(height * scale)))
            columns = min(network_shape[1], max(1, round(width * scale)))
        else:
            raise unknown_name("fit mode", mode, get_args(FitMode))
        content = ((network_shape[0] - rows) // 2, (network_shape[1] - columns) // 2, rows, columns)
        return cls(image_shape, network_shape, (row, column, height, width), content)

    @property
    def scale(self) -> tuple[float, float]:
        """(row, column) network pixels per radiograph pixel."""
        return self.content[2] / self.crop[2], self.content[3] / self.crop[3]

    @property
    def offset(self) -> tuple[float, float]:
        """(row, column) network pixels added after scaling."""
        scale = self.scale
        return self.content[0] - self.crop[0] * scale[0], self.content[1] - self.crop[1] * scale[1]

    def to_network(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., 2) row, column: radiograph pixels -> network pixels. NaN stays NaN."""
        return (np.asarray(points, np.float64) + 0.5) * self.scale - 0.5 + self.offset

    def to_radiograph(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., 2) row, column: network pixels -> radiograph pixels. NaN stays NaN."""
        return (np.asarray(points, np.float64) - self.offset + 0.5) / self.scale - 0.5

    def covariance_to_radiograph(self, covariance: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., 2, 2) network px^2 -> radiograph px^2."""
        inverse = 1.0 / np.asarray(self.scale)
        return np.asarray(covariance, np.float64) * inverse[:, None] * inverse[None, :]

    def matrix(self) -> NDArray[np.float64]:
        """(3, 3) matrix taking network (row, column, 1) to radiograph (row, column, 1)."""
        (sr, sc), (tr, tc) = self.scale, self.offset
        return np.array(
            [
                [1.0 / sr, 0.0, (0.5 - tr) / sr - 0.5],
                [0.0, 1.0 / sc, (0.5 - tc) / sc - 0.5],
                [0.0, 0.0, 1.0],
            ]
        )

    def refit(self, maps: NDArray[np.float32], source: Frame) -> NDArray[np.float32]:
        """Heatmaps of the same radiograph in another frame, as they lie in this one.

        Args:
            maps: (K, h, w) in the frame `source`.
            source: Their frame; of a radiograph of the same shape.

        Returns:
            (K, h, w) in this frame, bilinear; 0 where `source` shows nothing.
        """
        if source == self:
            return maps
        import torch
        from torch.nn import functional as F

        axes = []
        for axis, size in enumerate(source.network_shape):
            here = np.arange(self.network_shape[axis])
            place = source.to_network(self.to_radiograph(np.repeat(here[:, None], 2, axis=1)))[:, axis]
            axes.append(torch.from_numpy((2.0 * place + 1.0) / size - 1.0).float())
        rows, columns = torch.meshgrid(*axes, indexing="ij")
        grid = torch.stack((columns, rows), dim=-1)
        shown = F.grid_sample(torch.from_numpy(maps)[None], grid[None], mode="bilinear", align_corners=False)
        moved: NDArray[np.float32] = shown[0].numpy()
        return moved

    def resample(self, pixels: NDArray[np.generic]) -> NDArray[np.float32]:
        """Show the crop of a radiograph in the input: bilinear, anti-aliased when it shrinks.

        Args:
            pixels: (H, W) of `image_shape`, any number type.

        Returns:
            (h, w) float32 in the values of `pixels`; NaN outside the radiograph.

        Raises:
            InvalidInputError: `pixels` has another shape than `image_shape`.
        """
        if pixels.shape != self.image_shape:
            raise InvalidInputError(
                f"pixels of shape {pixels.shape} in a frame for {self.image_shape}; make the frame for these pixels"
            )
        row, column, height, width = self.crop
        top, left = max(0, row), max(0, column)
        bottom, right = min(self.image_shape[0], row + height), min(self.image_shape[1], column + width)
        out = np.full(self.network_shape, np.nan, np.float32)
        if bottom <= top or right <= left:
            return out
        shown = pixels[top:bottom, left:right]
        if (bottom - top, right - left) != (height, width):
            # The border is continued so that resizing sees no edge there, and blanked after it.
            shown = np.pad(
                shown,
                ((top - row, row + height - bottom), (left - column, column + width - right)),
                mode="edge",
            )
        r, c, rows, columns = self.content
        resized = _resize(shown, (rows, columns))
        if shown.shape != pixels[top:bottom, left:right].shape:
            (sr, sc) = self.scale
            first_row, last_row = round((top - row) * sr), round((bottom - row) * sr)
            first_column, last_column = round((left - column) * sc), round((right - column) * sc)
            blank = np.ones(resized.shape, bool)
            blank[first_row:last_row, first_column:last_column] = False
            resized[blank] = np.nan
        out[r : r + rows, c : c + columns] = resized
        return out


def _resize(pixels: NDArray[np.generic], shape: tuple[int, int]) -> NDArray[np.float32]:
    """(H, W) -> `shape` float32, bilinear with anti-aliasing, pixel-centre convention."""
    import torch
    from torch.nn import functional as F

    if pixels.shape == shape:
        return pixels.astype(np.float32)
    # torch has no arithmetic for uint16 and the like; 8 bit stays 8 bit because its kernel is much faster.
    array = np.ascontiguousarray(pixels)
    if array.dtype != np.uint8:
        array = array.astype(np.float32)
    with warnings.catch_warnings():
        # A memory-mapped or read-only array is only read here.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        tensor = torch.from_numpy(array)
    resized = F.interpolate(tensor[None, None], shape, mode="bilinear", antialias=True, align_corners=False)[0, 0]
    grey: NDArray[np.float32] = resized.to(torch.float32).numpy()
    return grey
