"""Files come into the viewer once, and a landmark comes before the eyes however its layer lies."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image as Picture

from farnet.errors import RadiographError
from farnet.radiograph import read_radiograph
from napari_farnet.layers import radiograph_layer
from napari_farnet.opening import add_landmarks, add_radiograph, image_of_file, open_radiograph, zoom_to
from napari_farnet.placement import Placement
from napari_farnet.record import record_of
from napari_farnet.session import follow


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def file(tmp_path, radiograph_pixels):
    path = tmp_path / "skull.png"
    Picture.fromarray(radiograph_pixels).save(path)
    return path


def test_a_file_is_opened_once(viewer, file, monkeypatch):
    layer = open_radiograph(viewer, file)
    assert layer.name == "skull"
    assert open_radiograph(viewer, file) is layer
    monkeypatch.chdir(file.parent)
    assert open_radiograph(viewer, file.parent / ".." / file.parent.name / "skull.png") is layer
    assert len(viewer.layers) == 1


def test_a_file_that_napari_opened_is_found(viewer, file, plugin):
    (layer,) = viewer.open(str(file))
    assert open_radiograph(viewer, file) is layer


def test_a_copy_of_the_file_is_another(viewer, file, tmp_path):
    other = tmp_path / "other.png"
    other.write_bytes(file.read_bytes())
    first, second = open_radiograph(viewer, file), open_radiograph(viewer, other)
    assert first is not second
    assert image_of_file(viewer, tmp_path / "third.png") is None


def test_a_stack_that_begins_with_the_file_is_not_the_file(viewer, file):
    radiograph = read_radiograph(file)
    pixels, keywords, _ = radiograph_layer([radiograph] * 2, Placement.from_spacing(None).stacked())
    stack = viewer.add_image(pixels, **keywords)
    assert open_radiograph(viewer, file) is not stack


def test_a_file_that_is_gone_is_still_told_by_its_name(viewer, file):
    layer = open_radiograph(viewer, file)
    file.unlink()
    assert image_of_file(viewer, file) is layer
    viewer.layers.clear()
    with pytest.raises(RadiographError, match="There is no file"):
        open_radiograph(viewer, file)


def test_landmarks_lie_on_their_radiograph(viewer, radiograph, landmarks_on):
    image = add_radiograph(viewer, radiograph)
    image.rotate = 20
    landmarks = landmarks_on(radiograph, absent=(2,))
    layer = add_landmarks(viewer, image, landmarks, name="skull landmarks")
    assert len(layer.data) == 18
    assert record_of(layer.metadata).landmarks[0].equals(landmarks)
    np.testing.assert_allclose(layer.data_to_world((7, 9)), image.data_to_world((7, 9)))
    layer.add([30.0, 30.0])
    assert layer.features["name"].iat[-1] == landmarks.scheme.names[2]  # a session follows it


def test_a_quarter_of_the_radiograph_is_shown(viewer, radiograph, landmarks_on):
    image = add_radiograph(viewer, radiograph)
    points = add_landmarks(viewer, image, landmarks_on(radiograph), name="x")
    zoom_to(viewer, image, (60.0, 40.0))
    on_image = viewer.scene.camera.zoom
    assert min(viewer.canvas.size) / on_image / radiograph.spacing[0] == pytest.approx(60.0)
    points.selected_data = set(range(1, 19))
    points.remove_selected()
    zoom_to(viewer, points, points.data[0])  # one point is no radiograph of one row
    assert viewer.scene.camera.zoom == pytest.approx(on_image)


def test_a_radiograph_of_a_stack(viewer, radiograph_pixels):
    layer = viewer.add_image(np.stack([radiograph_pixels] * 4), scale=(2.5, 0.1, 0.1), translate=(10, 0, 0))
    zoom_to(viewer, layer, (60.0, 40.0), (3,), rows=30.0)
    assert viewer.dims.current_step[0] == 3
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], (6.0, 4.0))
    zoom_to(viewer, layer, (60.0, 40.0), (1,), rows=30.0)
    assert viewer.dims.current_step[0] == 1


def test_a_single_radiograph_beside_a_stack(viewer, radiograph_pixels):
    viewer.add_image(np.stack([radiograph_pixels] * 4))
    layer = viewer.add_image(radiograph_pixels, translate=(300, 0))
    viewer.dims.set_current_step(0, 2)
    zoom_to(viewer, layer, (60.0, 40.0), rows=30.0)
    assert viewer.dims.current_step[0] == 2
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], (360.0, 40.0))


def test_another_cut_through_the_stack_is_left(viewer, radiograph_pixels):
    layer = viewer.add_image(np.stack([radiograph_pixels] * 4))
    viewer.dims.order = (1, 0, 2)
    zoom_to(viewer, layer, (60.0, 40.0), (3,), rows=30.0)
    assert viewer.dims.displayed == (1, 2)
    assert viewer.dims.current_step[0] == 3


def test_rows_shown_as_columns(viewer, radiograph_pixels):
    layer = viewer.add_image(radiograph_pixels, scale=(0.5, 0.5))
    viewer.dims.order = (1, 0)
    zoom_to(viewer, layer, (60.0, 40.0), rows=30.0)
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], (20.0, 30.0))


def test_layers_of_other_units(viewer, radiograph_pixels):
    viewer.add_image(radiograph_pixels, scale=(100, 100), units="um")
    layer = viewer.add_image(radiograph_pixels, scale=(0.1, 0.1), units="mm")
    zoom_to(viewer, layer, (60.0, 40.0), rows=30.0)
    other = viewer.scene.camera.center, viewer.scene.camera.zoom
    zoom_to(viewer, viewer.layers[0], (60.0, 40.0), rows=30.0)
    np.testing.assert_allclose(other[0], viewer.scene.camera.center)
    assert other[1] == pytest.approx(viewer.scene.camera.zoom)


def test_the_point_is_in_the_middle_of_a_real_canvas(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    pixels = np.zeros((400, 300), np.uint8)
    pixels[118:123, 88:93] = 255  # around (120, 90)
    stack = np.stack([np.zeros_like(pixels), pixels])
    layer = viewer.add_image(stack, scale=(1, 0.1, 0.2), rotate=(0, 0, 25), contrast_limits=(0, 255))
    qtbot.wait(100)
    zoom_to(viewer, layer, (120.0, 90.0), (1,), rows=20.0)
    qtbot.wait(100)
    shot = viewer.screenshot(flash=False)[..., 0]
    bright = np.argwhere(shot > 128)
    np.testing.assert_allclose(bright.mean(axis=0), np.array(shot.shape) / 2, atol=4.0)
    assert viewer.dims.current_step[0] == 1


def shown_rows(viewer, layer):
    """Rows of the layer that the shorter side of the canvas shows."""
    ndim = layer.ndim
    step = np.linalg.norm(np.subtract(layer.data_to_world(np.eye(ndim)[-2]), layer.data_to_world(np.zeros(ndim))))
    return min(viewer.canvas.size) / viewer.scene.camera.zoom / step


PLACED = [
    {},
    {"scale": (0.1, 0.1), "units": "mm"},
    {"scale": (0.1, 0.3), "units": "mm", "translate": (-40, 25)},
    {"rotate": 30, "scale": (2, 2)},
    {"shear": [[1, 0.4], [0, 1]]},
    {"affine": [[0, -2, 5], [2, 0, 7], [0, 0, 1]]},
]


@pytest.mark.parametrize("placed", PLACED, ids=lambda item: "-".join(item) or "plain")
def test_the_landmark_comes_to_the_centre(viewer, radiograph_pixels, placed):
    layer = viewer.add_image(radiograph_pixels, **placed)
    zoom_to(viewer, layer, (60.0, 45.0))
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], layer.data_to_world((60.0, 45.0)), atol=1e-9)
    assert shown_rows(viewer, layer) == pytest.approx(60, rel=1e-6)
    zoom_to(viewer, layer, (10.0, 12.0), rows=30)
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], layer.data_to_world((10.0, 12.0)), atol=1e-9)
    assert shown_rows(viewer, layer) == pytest.approx(30, rel=1e-6)


def test_a_stack_with_two_axes(viewer, radiograph_pixels):
    layer = viewer.add_image(np.stack([radiograph_pixels] * 6).reshape(2, 3, 240, 180), translate=(5, 1, 0, 0))
    zoom_to(viewer, layer, (60.0, 45.0), (1, 2))
    assert viewer.dims.current_step[:2] == (1, 2)


def test_a_layer_of_a_single_point_can_be_looked_at(viewer):
    layer = viewer.add_points([[5.0, 6.0]])
    zoom_to(viewer, layer, (5.0, 6.0))
    assert np.isfinite(viewer.scene.camera.zoom)


def test_other_layers_are_no_radiographs_of_the_file(viewer, file, tmp_path):
    other = tmp_path / "other.png"
    other.write_bytes(file.read_bytes())
    viewer.add_labels(np.zeros((4, 4), int))
    viewer.add_points([[1, 2]], metadata={"farnet": {"kind": "radiograph", "path": str(file)}})
    open_radiograph(viewer, other)
    assert image_of_file(viewer, file) is None


def test_spacing_goes_with_the_radiograph(viewer, radiograph):
    layer = add_radiograph(viewer, radiograph)
    assert tuple(layer.scale) == radiograph.spacing
    assert viewer.layers[0].name == "skull"


def test_landmarks_that_are_added_are_followed(viewer, radiograph, landmarks_on):
    image = add_radiograph(viewer, radiograph)
    layer = add_landmarks(viewer, image, landmarks_on(radiograph), name="found")
    np.testing.assert_allclose(layer.data_to_world((7, 8)), image.data_to_world((7, 8)))
    assert layer.units == image.units
    moved = layer.data.copy()
    moved[2] += 3
    layer.data = moved
    assert follow(layer).review().landmarks.edited[2]
