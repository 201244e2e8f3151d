"""The layers of radiographs held out: right in place and length, and no burden for the user's own."""

import numpy as np
import pytest
from napari.components import ViewerModel

from farnet.training.progress import Preview
from napari_farnet.points import points_refusal
from napari_farnet.sources import refusal
from napari_farnet.train.preview import PreviewLayers

PARTS = {"radiographs", "heatmaps", "true", "found", "errors"}


def preview(count=2, *, shift=(3.0, 4.0), absent=(), in_mm=True, heatmaps=True, units=(0.5, 0.5)):
    references = np.tile(np.array([[20.0, 20.0], [40.0, 30.0]]), (count, 1, 1))
    points = references + np.asarray(shift)
    for n, k in absent:
        points[n, k] = np.nan
    return Preview(
        epoch=1,
        names=tuple(f"r{n}" for n in range(count)),
        images=np.zeros((count, 64, 48), np.uint8),
        points=points,
        references=references,
        units=np.tile(np.asarray(units), (count, 1)),
        in_mm=np.full(count, in_mm),
        heatmaps=np.ones((count, 16, 12), np.float16) if heatmaps else None,
        landmarks=("Top", "Bottom"),
    )


@pytest.fixture
def viewer():
    return ViewerModel()


def test_layers_and_lengths(viewer):
    shown = PreviewLayers(viewer, "mine")
    shown.show(preview())
    assert set(shown.layers) == PARTS
    assert {layer.name for layer in viewer.layers} == {f"mine: {part}" for part in PARTS}
    errors = shown.layers["errors"]
    assert errors.data.shape == (4, 2, 3)
    np.testing.assert_allclose(errors.features["error_mm"], 2.5)
    # On the screen they are as long as in mm, and begin at the truth.
    start = np.array([errors.data_to_world(point) for point in errors.data[:, 0]])
    end = np.array([errors.data_to_world(point) for point in errors.data[:, 0] + errors.data[:, 1]])
    np.testing.assert_allclose(np.linalg.norm(end - start, axis=1), 2.5)
    true, found = shown.layers["true"], shown.layers["found"]
    np.testing.assert_allclose(start, [true.data_to_world(point) for point in true.data])
    np.testing.assert_allclose(end, [found.data_to_world(point) for point in found.data])
    assert {str(layer.units[-1]) for layer in viewer.layers} == {"millimeter"}


def test_heatmaps_lie_over_the_radiographs(viewer):
    shown = PreviewLayers(viewer, "mine")
    viewer.add_image(np.zeros((100, 100)), scale=(0.1, 0.1), units="mm")
    shown.show(preview())
    heatmaps, radiographs = shown.layers["heatmaps"], shown.layers["radiographs"]
    for corner, other in (((0, -0.5, -0.5), (0, -0.5, -0.5)), ((0, 15.5, 11.5), (0, 63.5, 47.5))):
        np.testing.assert_allclose(heatmaps.data_to_world(corner), radiographs.data_to_world(other))


def test_they_are_beside_what_is_there(viewer):
    own = viewer.add_image(np.zeros((100, 100)), translate=(5, 7), scale=(2, 2))
    shown = PreviewLayers(viewer, "mine")
    shown.show(preview())
    assert shown.layers["radiographs"].extent.world[0][-1] > own.extent.world[1][-1]
    assert {str(layer.units[-1]) for layer in viewer.layers} == {"pixel"}  # as the user's own: mixed units log warnings
    np.testing.assert_allclose(shown.layers["errors"].features["error_mm"], 2.5)


def test_nothing_of_the_user_changes(viewer):
    viewer.add_image(np.zeros((6, 100, 100)), name="a")
    chosen = viewer.add_points(np.zeros((1, 3)), name="b")
    viewer.add_points(np.zeros((1, 3)), name="c")
    viewer.layers.selection.active = chosen
    viewer.dims.set_point(0, 4)
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0.0, 11.0, 12.0), 3.5
    PreviewLayers(viewer, "mine").show(preview())
    assert viewer.layers.selection.active == chosen and set(viewer.layers.selection) == {chosen}
    assert tuple(viewer.scene.camera.center) == (0.0, 11.0, 12.0) and viewer.scene.camera.zoom == 3.5
    assert viewer.dims.point[0] == 4
    assert [layer.name for layer in viewer.layers][:3] == ["a", "b", "c"]


def test_they_are_renewed(viewer):
    shown = PreviewLayers(viewer, "mine")
    shown.show(preview(absent=[(0, 1)]))
    before = shown.layers
    assert len(before["found"].data) == 3 and len(before["errors"].data) == 3 and len(before["true"].data) == 4
    shown.show(preview(shift=(0.0, 1.0)))
    assert shown.layers == before and len(viewer.layers) == len(PARTS)
    assert len(before["found"].data) == 4
    np.testing.assert_allclose(before["errors"].features["error_mm"], 0.5)
    assert list(before["found"].features["name"]) == ["Top", "Bottom"] * 2
    shown.show(preview(absent=[(n, k) for n in range(2) for k in range(2)]))  # nothing is found at all
    assert len(before["found"].data) == 0 and len(before["errors"].data) == 0
    shown.show(preview())
    assert len(before["found"].data) == 4


def test_a_layer_that_was_removed_stays_away(viewer):
    shown = PreviewLayers(viewer, "mine")
    shown.show(preview())
    viewer.layers.remove(shown.layers["heatmaps"])
    shown.layers["found"].name = "mine"
    shown.show(preview())
    assert set(shown.layers) == PARTS - {"heatmaps"} and len(viewer.layers) == 4
    shown.remove()
    assert len(viewer.layers) == 0
    shown.show(preview())
    assert len(viewer.layers) == 5


def test_one_radiograph_is_no_stack(viewer):
    shown = PreviewLayers(viewer, "mine")
    shown.show(preview(1))
    assert viewer.dims.ndim == 2 and shown.layers["errors"].data.shape == (2, 2, 2)


def test_without_spacing_lengths_are_in_px(viewer):
    shown = PreviewLayers(viewer, "mine")
    shown.show(preview(in_mm=False, heatmaps=False, units=(2.0, 2.0)))
    assert set(shown.layers) == PARTS - {"heatmaps"}
    np.testing.assert_allclose(shown.layers["errors"].features["error_px"], 10.0)
    assert str(shown.layers["true"].units[-1]) == "pixel"


def test_no_dock_takes_them_for_radiographs_or_landmarks(viewer):
    shown = PreviewLayers(viewer, "mine")
    shown.show(preview())
    assert "how a training goes" in refusal(shown.layers["radiographs"])
    assert refusal(shown.layers["heatmaps"]) and points_refusal(shown.layers["found"])
