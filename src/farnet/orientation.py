"""A radiograph the wrong way round: its mirror image and its inverse, and landmarks found there brought back.

Some devices and some people store a head that looks to the left, or bone dark on a bright ground. A model that has not
seen such radiographs finds its landmarks in the mirror image, or in the inverse.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from farnet.frame import Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from farnet.detection import Detection
    from farnet.landmarks import Landmarks
    from farnet.radiograph import Radiograph

__all__ = ["VIEWS", "Orient", "View", "brought_back"]

Orient = Literal["as-is", "auto"]
"""Look at a radiograph as it is; or, where that gives guesses, at its mirror image and its inverse too."""


@dataclass(frozen=True)
class View:
    """A way to look at a radiograph.

    Attributes:
        mirrored: Left and right exchanged.
        inverted: Dark and bright exchanged.
    """

    mirrored: bool = False
    inverted: bool = False

    def __str__(self) -> str:
        words = [word for word, here in (("mirrored", self.mirrored), ("inverted", self.inverted)) if here]
        return " and ".join(words) or "as it is"

    def of(self, radiograph: Radiograph) -> Radiograph:
        """The radiograph seen so; its file and spacing are those of the original."""
        pixels = radiograph.pixels
        if self.inverted:
            # Within the range of the values that are there: the bits of a detector need not be full.
            low, high = pixels.min(), pixels.max()
            pixels = (high - (pixels - low)).astype(pixels.dtype)
        if self.mirrored:
            pixels = pixels[:, ::-1]
        return replace(radiograph, pixels=np.ascontiguousarray(pixels))


VIEWS = (View(mirrored=True), View(inverted=True), View(mirrored=True, inverted=True))
"""What is tried where a radiograph as it is gives guesses."""


def brought_back(detection: Detection, view: View) -> Detection:
    """What was found in a view, in the pixels of the radiograph as it is.

    The landmarks keep their names, heatmaps and frame their agreement with them.
    """
    if not view.mirrored:
        return detection
    heatmaps = detection.heatmaps
    return replace(
        detection,
        landmarks=_mirrored_landmarks(detection.landmarks, detection.frame.image_shape[1]),
        alone=None if detection.alone is None else _mirrored(detection.alone, detection.frame.image_shape[1]),
        heatmaps=None if heatmaps is None else np.ascontiguousarray(heatmaps[..., ::-1]),
        frame=mirrored_frame(detection.frame),
    )


def mirrored_frame(frame: Frame) -> Frame:
    """The frame in which the mirror image of the radiograph lies as the radiograph does in `frame`, mirrored too."""
    (row, column, height, width), (r, c, rows, columns) = frame.crop, frame.content
    return Frame(
        frame.image_shape,
        frame.network_shape,
        (row, frame.image_shape[1] - column - width, height, width),
        (r, frame.network_shape[1] - c - columns, rows, columns),
    )


def _mirrored(points: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    return np.stack([points[:, 0], (width - 1) - points[:, 1]], axis=1)


def _mirrored_landmarks(landmarks: Landmarks, width: int) -> Landmarks:
    points = _mirrored(landmarks.points, width)
    covariance = landmarks.covariance
    if covariance is not None:
        covariance = covariance * np.array([[1.0, -1.0], [-1.0, 1.0]])
    return landmarks.replace(points=points, covariance=covariance)
