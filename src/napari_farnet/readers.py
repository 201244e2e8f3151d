"""Readers that napari asks when a file is opened or dropped on the viewer.

napari's own reader claims ``*.csv`` and the medical formats too, and then the user chooses; a file that is not ours is
declined at a glance, so that the other one gets it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from farnet.errors import UnknownLabelsError
from farnet.notices import tell
from napari_farnet.matching import OpenRadiographs
from napari_farnet.notices import begin_reading
from napari_farnet.saved import SavedLayer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.components import ViewerModel

    from farnet.landmarks import Landmarks
    from napari_farnet.labels_dialog import Answer
    from napari_farnet.layers import LayerData
    from napari_farnet.placement import Placement
    from napari_farnet.record import Index

    PathOrPaths = str | Sequence[str]
    Reader = Callable[[PathOrPaths], list[LayerData]]

__all__ = ["get_annotation_reader", "get_radiograph_reader"]

_HEAD_BYTES = 4096


def get_annotation_reader(path: PathOrPaths) -> Reader | None:
    """Give a reader of landmarks if every file looks like one of the annotation formats, else None."""
    from farnet.formats import recognised_formats

    return read_annotation_layers if all(recognised_formats(file) for file in _paths(path)) else None


def get_radiograph_reader(path: PathOrPaths) -> Reader | None:
    """Give a reader of DICOM and ITK files if every path is a file, else None; of landmarks for DICOM reports."""
    from farnet.formats.dicom_sr import is_report

    files = _paths(path)
    if not all(file.is_file() for file in files):
        return None
    return read_annotation_layers if all(is_report(_head(file)) for file in files) else read_radiograph_layers


def read_annotation_layers(path: PathOrPaths) -> list[LayerData]:
    """Read landmarks into one layer each, those of a stack into one layer together.

    A layer that was saved from napari comes back as it was. Other landmarks are laid on the image of the viewer that
    they are of (see `napari_farnet.matching`); without one they lie at the origin, in mm where the file gives a
    spacing. Several radiographs that are not in the viewer become one stack, in the order of the file. What a person
    should know is told by `farnet.notices`.

    Raises:
        AnnotationError, SchemeError: If a file is malformed or of an unknown scheme.
    """
    from napari_farnet.layers import landmarks_layer
    from napari_farnet.settings import load_settings

    begin_reading()
    viewer = _viewer()
    settings = load_settings()
    layers = []
    answers: dict[tuple[str, ...], Answer | None] = {}
    for file in _paths(path):
        radiographs = OpenRadiographs(viewer)
        for group in _groups(_read(file, radiographs, answers), file, radiographs):
            layers.append(
                landmarks_layer(group.landmarks, group.indices, group.placement, name=group.name, settings=settings)
            )
        for text in radiographs.notices(file):
            tell(text)
    return layers


def read_radiograph_layers(path: PathOrPaths) -> list[LayerData]:
    """Read radiographs, each into its own layer, or into one stack if napari asks for one and they are alike.

    Raises:
        RadiographError: If a file is no radiograph.
        MissingExtraError: If the extra `itk` is needed and not installed.
    """
    from farnet.radiograph import read_radiograph
    from napari_farnet.layers import radiograph_layer
    from napari_farnet.placement import Placement

    begin_reading()
    radiographs = [read_radiograph(file) for file in _paths(path)]
    alike = len({(item.shape, item.pixels.dtype, item.spacing) for item in radiographs}) == 1
    placements = [Placement.from_spacing(item.spacing) for item in radiographs]
    if alike and len(radiographs) > 1:
        return [radiograph_layer(radiographs, placements[0].stacked())]
    return [radiograph_layer([item], placement) for item, placement in zip(radiographs, placements, strict=True)]


def _read(file: Path, radiographs: OpenRadiographs, answers: dict[tuple[str, ...], Answer | None]) -> list[Landmarks]:
    """Read a file of landmarks, which a DICOM report may be whatever its ending.

    Where its labels are landmarks of no scheme, a person is asked for them, once for the same labels.
    """
    from farnet.formats import read_annotations
    from farnet.formats.dicom_sr import DICOM_SR, is_report

    read = partial(
        read_annotations,
        file,
        format=DICOM_SR.name if is_report(_head(file)) else None,
        radiographs=[*radiographs.paths, file.parent],
        spacing=radiographs.spacing_for(file),
    )
    try:
        return read()
    except UnknownLabelsError as error:
        if error.labels not in answers:
            answers[error.labels] = _ask(file, error.labels)
        answer = answers[error.labels]
        if answer is None:
            raise
        return read(scheme=answer.scheme, labels=answer.labels)


def _ask(file: Path, labels: tuple[str, ...]) -> Answer | None:
    from qtpy.QtWidgets import QApplication

    if QApplication.instance() is None:
        return None
    from napari_farnet.labels_dialog import ask_labels

    return ask_labels(file, labels)


@dataclass(frozen=True)
class _Group:
    """Landmarks that share a layer."""

    landmarks: Sequence[Landmarks]
    indices: Sequence[Index]
    placement: Placement
    name: str


def _groups(landmarks: Sequence[Landmarks], file: Path, radiographs: OpenRadiographs) -> list[_Group]:
    """Share landmarks of one file out among layers."""
    from napari_farnet.placement import Placement

    saved: dict[str, list[tuple[SavedLayer, Landmarks]]] = {}
    groups: list[_Group] = []
    loose: dict[tuple[str, str], list[Landmarks]] = {}
    for item in landmarks:
        layer, item = SavedLayer.split_off(item, file)
        image = None if layer is not None else radiographs.layer_of(item)
        if layer is not None:
            radiographs.check(item)
            saved.setdefault(layer.name, []).append((layer, item))
        elif image is not None:
            groups.append(_Group([item], [()], Placement.of(image), _name_of(item, file)))
        else:
            loose.setdefault((item.scheme.name, item.source), []).append(item)
    for name, members in saved.items():
        indices = [layer.index for layer, _ in members]
        groups.append(_Group([item for _, item in members], indices, members[0][0].placement, name))
    for items in loose.values():
        placement = Placement.from_spacing(items[0].spacing)
        if len(items) == 1:
            groups.append(_Group(items, [()], placement, _name_of(items[0], file)))
        else:
            name = f"{file.stem} {items[0].source}".strip()
            groups.append(_Group(items, [(i,) for i in range(len(items))], placement.stacked(), name))
    return groups


def _name_of(landmarks: Landmarks, file: Path) -> str:
    whose = "" if landmarks.source.startswith("model ") else landmarks.source
    return f"{landmarks.radiograph or file.stem} {whose or 'landmarks'}"


def _viewer() -> ViewerModel | None:
    """The viewer that will get the layers, with their edits followed; None without one."""
    from napari.viewer import current_viewer

    viewer: ViewerModel | None = current_viewer()
    if viewer is not None:
        from napari_farnet.session import watch

        watch(viewer)
    return viewer


def _paths(path: PathOrPaths) -> list[Path]:
    return [Path(path)] if isinstance(path, str) else [Path(item) for item in path]


def _head(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(_HEAD_BYTES)
    except OSError:
        return b""  # declined here; napari's own reader says why it cannot be opened
