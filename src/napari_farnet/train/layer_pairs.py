"""Images of the viewer and the landmarks on them, as the form lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farnet.errors import FarnetError, InvalidInputError
from napari_farnet.points import landmarks_in
from napari_farnet.sources import RadiographSource
from napari_farnet.train.writing import Pair, count_radiographs
from napari_farnet.ui.layer_choice import layer_id

if TYPE_CHECKING:
    from typing import Protocol

    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_farnet.train.form import TrainForm
    from napari_farnet.ui.layer_choice import LayerChoice

    class Say(Protocol):
        """How a dock says something."""

        def __call__(self, text: str, *, warn: bool = False) -> None: ...


__all__ = ["LayerPairs"]


class LayerPairs:
    """What the layers of a viewer give a training.

    Args:
        viewer: The viewer.
        form: The form that has the list.
        images: Its box of image layers.
        points: Its box of points layers.
        say: Where to say what cannot be added.
    """

    def __init__(
        self, viewer: ViewerModel, form: TrainForm, images: LayerChoice, points: LayerChoice, say: Say
    ) -> None:
        self._viewer, self._form, self._images, self._points, self._say = viewer, form, images, points, say

    def add(self) -> None:
        """Put the image and landmarks that are chosen into the list."""
        image, points = self._images.layer(), self._points.layer()
        if image is None or points is None:
            self._say("Choose an image and its landmarks first.", warn=True)
            return
        try:
            pair = _pair(image, points)
        except FarnetError as error:
            self._say(str(error), warn=True)
            return
        text = f"{image.name} \N{EN DASH} {points.name} ({count_radiographs([pair])})"
        self._form.add_to_list(text, (layer_id(image), layer_id(points), str(image.name)))

    def read(self) -> list[Pair]:
        """Images and landmarks as they are now: those of the list, else those chosen above it.

        Raises:
            FarnetError: A layer of the list is gone, there is none, or the points are no landmarks.
        """
        by_id = {layer_id(layer): layer for layer in self._viewer.layers}
        listed = self._form.listed
        if not listed:
            image, points = self._images.layer(), self._points.layer()
            if image is None or points is None:
                raise InvalidInputError("Open radiographs and their landmarks, or choose another source.")
            return [_pair(image, points)]
        for image_id, points_id, name in listed:
            if image_id not in by_id or points_id not in by_id:
                raise InvalidInputError(
                    f"{name!r} or its landmarks were removed from the viewer; take it out of the list."
                )
        return [_pair(by_id[image_id], by_id[points_id]) for image_id, points_id, _ in listed]


def _pair(image: Layer, points: Layer) -> Pair:
    return Pair(RadiographSource.of(image), landmarks_in(points, image=image))
