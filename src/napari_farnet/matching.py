"""Which of the radiographs that are open are the landmarks of a file of?

`farnet.identity` has the rule. What is proved is placed; what nothing but a name speaks for is placed and said; what is
of another radiograph is never placed on one, and that is said too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from farnet.identity import RadiographId, radiograph_key
from napari_farnet.sources import RadiographSource, refusal

if TYPE_CHECKING:
    from pathlib import Path

    from napari.components import ViewerModel
    from napari.layers import Layer

    from farnet.landmarks import Landmarks

__all__ = ["OpenRadiographs"]

_NAMED = 3  # in a sentence


class OpenRadiographs:
    """The single radiographs in a viewer, each with its identity, which is found out when it is needed.

    Args:
        viewer: The viewer; None where there is none.
    """

    def __init__(self, viewer: ViewerModel | None) -> None:
        layers = [] if viewer is None else [item for item in viewer.layers if item.ndim == 2 and not refusal(item)]
        self._open = [(layer, RadiographSource.of(layer)) for layer in reversed(layers)]  # the topmost first
        self._known: dict[int, RadiographId] = {}
        self._unproved: list[str] = []
        self._others: list[str] = []
        self._unclear: list[str] = []

    @property
    def paths(self) -> list[Path]:
        """Files of the radiographs that are open."""
        return [source.path for _, source in self._open if source.path is not None]

    def spacing_for(self, file: Path) -> tuple[float, float] | None:
        """Spacing of the one open radiograph that has no file and the name of a file of landmarks; None without."""
        key = file.name.partition(".")[0].casefold()
        found = [source for _, source in self._open if source.path is None and radiograph_key(source.name) == key]
        return found[0].spacing if len(found) == 1 else None

    def layer_of(self, landmarks: Landmarks) -> Layer | None:
        """The image layer that landmarks belong to; None where there is none, or nothing tells which."""
        wanted = landmarks.identity
        grades = [(layer, self._compare(wanted, place), place) for place, (layer, _) in enumerate(self._open)]
        same = [(layer, place) for layer, grade, place in grades if grade == "same"]
        if same:  # the same radiograph may be open twice
            return next((layer for layer, place in same if self._names_agree(wanted, place)), same[0][0])
        perhaps = [layer for layer, grade, place in grades if grade == "unproved" and self._names_agree(wanted, place)]
        name = landmarks.radiograph or "unnamed"
        if len(perhaps) == 1:
            self._unproved.append(name)
            return perhaps[0]
        if perhaps:
            self._unclear.append(name)
        elif self._open:
            self._others.append(name)
        return None

    def check(self, landmarks: Landmarks) -> None:
        """Take note of landmarks that lie where their own layer lay, though what is open there is something else."""
        wanted = landmarks.identity
        if self._open and all(self._compare(wanted, place) == "other" for place in range(len(self._open))):
            self._others.append(landmarks.radiograph or "unnamed")

    def notices(self, file: Path) -> list[str]:
        """What is to be said about the landmarks of a file that were asked for."""
        texts = []
        if self._unproved:
            texts.append(
                f"{file.name}: nothing but the name tells that the landmarks of {_listed(self._unproved)} are of the "
                "radiograph that is open. Look whether they fit."
            )
        if self._unclear:
            texts.append(
                f"{file.name}: several radiographs that are open may be {_listed(self._unclear)}, so the landmarks "
                "were laid on none of them. Close the others and open the file again."
            )
        if self._others:
            texts.append(
                f"{file.name}: the landmarks of {_listed(self._others)} are of no radiograph that is open, so they are "
                "shown by themselves. Open the radiograph, then this file."
            )
        return texts

    def _compare(self, wanted: RadiographId, place: int) -> str:
        source = self._open[place][1]
        if wanted.shape is not None and wanted.shape != source.shape and not wanted.proved:
            return "other"
        return wanted.compare(self._identity(place) if wanted.proved else self._plain(place))

    def _plain(self, place: int) -> RadiographId:
        """What is known of a radiograph at a glance."""
        source = self._open[place][1]
        return RadiographId(source.name if source.path is None else source.path.name, None, None, source.shape)

    def _identity(self, place: int) -> RadiographId:
        if place not in self._known:
            known, plain = self._open[place][1].identities(1)[0], self._plain(place)
            self._known[place] = RadiographId(plain.name, known.file_sha256, known.pixels_sha256, plain.shape)
        return self._known[place]

    def _names_agree(self, wanted: RadiographId, place: int) -> bool:
        layer, source = self._open[place]
        names = {str(layer.name)} | ({source.path.name} if source.path is not None else set())
        return bool(wanted.name) and radiograph_key(wanted.name) in {radiograph_key(name) for name in names}


def _listed(names: list[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - _NAMED} more" if len(unique) > _NAMED else ""
    return ", ".join(map(repr, unique[:_NAMED])) + more
