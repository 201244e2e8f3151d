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
    assert errors.data.shape == (4, 2, 2)
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
    for end in (0, 1):
        corner = [layer.extent.data[end] + (end - 0.5) * 2 * 0.5 for layer in (heatmaps, radiographs)]
        np.testing.assert_allclose(heatmaps.data_to_world(corner[0]), radiographs.data_to_world(corner[1]))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_points_lie_on_their_radiograph_and_heatmap_in_the_sheet(viewer, count):
    given = preview(count)
    for n in range(count):
        for row, column in np.rint(given.points[n]).astype(int):
            given.images[n, row, column] = 10 * n + 1
    given.heatmaps[:] = 0
    for n in range(count):
        given.heatmaps[n, 11, 8] = n + 1  # rows 44 to 47, columns 32 to 35: the second landmark, at (43, 34)
    shown = PreviewLayers(viewer, "mine")
    shown.show(given)
    radiographs, heatmaps, found = (shown.layers[part] for part in ("radiographs", "heatmaps", "found"))
    for point, name in zip(found.data, found.features["radiograph"], strict=True):
        assert radiographs.data[tuple(np.rint(point).astype(int))] == 10 * int(name[1:]) + 1
    for n, point in enumerate(found.data[1::2]):
        place = np.rint(heatmaps.world_to_data(found.data_to_world((point[0] + 2, point[1])))).astype(int)
        assert heatmaps.data[tuple(place)] == n + 1


def test_they_are_seen_wherever_the_slider_stands(viewer):
    viewer.add_image(np.zeros((8, 100, 100)))
    viewer.dims.set_point(0, 6)
    shown = PreviewLayers(viewer, "mine")
    given = preview()
    shown.show(given)
    assert viewer.dims.ndim == 3 and viewer.dims.point[0] == 6
    assert {layer.ndim for layer in shown.layers.values()} == {2}  # napari draws a layer without the axis at all places


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
