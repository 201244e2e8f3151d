"""Opening a radiograph of the folder in the viewer, with its landmarks; what is there already is used again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_farnet.opening import add_landmarks, add_radiograph, image_of_file
from napari_farnet.record import record_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from farnet.batch_request import BatchRequest
    from farnet.landmarks import Landmarks
    from napari_farnet.folder.rows import RadiographRow

__all__ = ["Opener"]


class Opener:
    """Shows one radiograph after another in a viewer.

    The layers that it added for one radiograph are taken away before the next, unless somebody has changed the
    landmarks: then they stay, and are hidden.

    Args:
        viewer: Where.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._added: list[tuple[Layer, ...]] = []  # the layers of one radiograph after those of another

    def show(self, row: RadiographRow, request: BatchRequest) -> str:
        """Open a radiograph, with its landmarks where there are some.

        Args:
            row: The radiograph.
            request: How its spacing is read.

        Returns:
            What the user should know; mostly empty.

        Raises:
            RadiographError: If the file is no radiograph, or is gone.
        """
        from farnet.radiograph import read_radiograph

        note = ""
        image = image_of_file(self._viewer, row.path)
        radiograph = None
        if image is None:
            radiograph = read_radiograph(row.path, spacing=request.spacing, detector_spacing=request.detector_spacing)
            if row.landmarks is not None and radiograph.sha256 not in (None, row.landmarks.image_sha256):
                note = f"{row.path.name} has changed since its landmarks were found. Run the detection again."
        points = None if row.landmarks is None else self._points_of(row.landmarks)
        self._put_away([layer for layer in (image, points) if layer is not None])
        added: list[Layer] = []
        if radiograph is not None:
            image = add_radiograph(self._viewer, radiograph)
            added.append(image)
            self._viewer.reset_view()
        assert image is not None, "it was there, or was added"
        image.visible = True
        if row.landmarks is not None and points is None:
            points = self._add(image, row.landmarks)
            added.append(points)
        if points is not None:
            points.visible = True
        self._remember(image, added)
        self._viewer.layers.selection.active = image if points is None else points
        return note

    def _add(self, image: Image, landmarks: Landmarks) -> Layer:
        points = add_landmarks(self._viewer, image, landmarks, name=f"{image.name} landmarks")
        points.mode = "select"
        return points

    def _points_of(self, landmarks: Landmarks) -> Layer | None:
        """The layer in the viewer that was made of these landmarks."""
        for layer in self._viewer.layers:
            record = record_of(layer.metadata)
            if record is not None and any(_same(item, landmarks) for item in record.landmarks):
                return layer
        return None

    def _put_away(self, wanted: list[Layer]) -> None:
        """Take away what was added for other radiographs, or hide it where there is work of somebody's in it."""
        names = {layer.unique_id for layer in wanted}
        kept: list[tuple[Layer, ...]] = []
        for group in self._added:
            there = tuple(layer for layer in group if layer in self._viewer.layers)
            others = [layer for layer in there if layer.unique_id not in names]
            keep = any(_changed(layer) for layer in there)
            for layer in others:
                if keep:
                    layer.visible = False
                else:
                    self._viewer.layers.remove(layer)
            kept.append(tuple(layer for layer in there if keep or layer.unique_id in names))
        self._added = [group for group in kept if group]

    def _remember(self, image: Image, added: list[Layer]) -> None:
        """Landmarks belong to their image, also where they came later."""
        for place, group in enumerate(self._added):
            if any(layer is image for layer in group):
                self._added[place] = (*group, *added)
                return
        self._added.append(tuple(added))


def _same(one: Landmarks, other: Landmarks) -> bool:
    return (
        one.image_sha256 is not None
        and one.image_sha256 == other.image_sha256
        and one.source == other.source
        and one.spacing == other.spacing
        and one.points.shape == other.points.shape
        and bool(((one.points == other.points) | ((one.points != one.points) & (other.points != other.points))).all())
    )


def _changed(layer: Layer) -> bool:
    """Whether the points of a layer are no longer those that it was made of."""
    record = record_of(layer.metadata)
    if record is None:
        return False
    from farnet.errors import FarnetError
    from napari_farnet.points import landmarks_in

    try:
        now = landmarks_in(layer)
    except FarnetError:
        return True  # somebody has changed it so that it can no longer be read
    return not all(_same(a, b) for a, b in zip(now.landmarks, record.landmarks, strict=True))
