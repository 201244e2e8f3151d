"""Opening a radiograph of the folder in the viewer, with its landmarks; what is there already is used again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_farnet.opening import add_landmarks, add_radiograph, image_of_file
from napari_farnet.record import METADATA_KEY, record_of

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
        """Open a radiograph, with its landmarks where there are some and the file is still the one they were found on.

        Args:
            row: The radiograph.
            request: How its spacing is read.

        Returns:
            What the user should know; mostly empty.

        Raises:
            RadiographError: If the file is no radiograph, or is gone.
        """
        from farnet.radiograph import read_radiograph

        note, landmarks, radiograph = "", row.landmarks, None
        image = image_of_file(self._viewer, row.path)
        if image is not None and landmarks is not None and _sha256_of(image) not in (None, landmarks.image_sha256):
            image = None  # the file has changed since
        if image is None:
            radiograph = read_radiograph(row.path, spacing=request.spacing, detector_spacing=request.detector_spacing)
            if landmarks is not None and radiograph.sha256 != landmarks.image_sha256:
                landmarks = None
                note = f"{row.path.name} has changed since its landmarks were found; they are not shown. Press Resume."
        points = None if landmarks is None else self._points_of(landmarks)
        self._put_away([layer for layer in (image, points) if layer is not None])
        added: list[Layer] = []
        if radiograph is not None:
            image = add_radiograph(self._viewer, radiograph)
            added.append(image)
            self._viewer.reset_view()
        assert image is not None, "it was there, or was added"
        image.visible = True
        if landmarks is not None and points is None:
            points = add_landmarks(self._viewer, image, landmarks, name=f"{image.name} landmarks")
            added.append(points)
        if points is not None:
            points.visible = True
        self._remember(image, added)
        self._viewer.layers.selection.active = image if points is None else points
        if points is not None:
            points.mode = "select"  # after that, as a layer that becomes the active one may change its mode
        return note

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


def _sha256_of(image: Image) -> str | None:
    """SHA-256 of the file that an image layer was read from; None where that is not known."""
    own = image.metadata.get(METADATA_KEY)
    return own.get("sha256") if isinstance(own, dict) else None


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
    """Whether somebody has moved, taken away or reviewed points of a layer since it was made."""
    record = record_of(layer.metadata)
    if record is None:
        return False
    if len(layer.data) != sum(int(item.present.sum()) for item in record.landmarks):
        return True
    from farnet.errors import FarnetError
    from napari_farnet.points import landmarks_in

    try:
        now = landmarks_in(layer)
    except FarnetError:
        return True  # somebody has changed it so that it can no longer be read
    return not all(
        _same(a, b) and a.provenance.get("review") == b.provenance.get("review")
        for a, b in zip(now.landmarks, record.landmarks, strict=True)
    )
