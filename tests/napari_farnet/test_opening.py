"""Radiographs out of files, and landmarks before the eyes, in a real viewer."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Picture

from farnet.errors import RadiographError
from napari_farnet.opening import add_landmarks, add_radiograph, image_of_file, open_radiograph, zoom_to
from napari_farnet.record import kind_of
from napari_farnet.session import follow


@pytest.fixture
def viewer(make_napari_viewer_proxy, plugin):
    return make_napari_viewer_proxy()


@pytest.fixture
def file(tmp_path, radiograph_pixels):
    path = tmp_path / "skull.png"
    Picture.fromarray(radiograph_pixels).save(path)
    return path


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


def test_the_radiograph_of_the_stack_is_turned_to(viewer, radiograph_pixels):
    layer = viewer.add_image(np.stack([radiograph_pixels] * 4), scale=(2, 0.5, 0.5), rotate=20)
    zoom_to(viewer, layer, (60.0, 45.0), (3,))
    assert viewer.dims.current_step[0] == 3
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], layer.data_to_world((3, 60.0, 45.0))[-2:])
    zoom_to(viewer, layer, (60.0, 45.0), (0,))
    assert viewer.dims.current_step[0] == 0


def test_a_stack_with_two_axes(viewer, radiograph_pixels):
    layer = viewer.add_image(np.stack([radiograph_pixels] * 6).reshape(2, 3, 240, 180), translate=(5, 1, 0, 0))
    zoom_to(viewer, layer, (60.0, 45.0), (1, 2))
    assert viewer.dims.current_step[:2] == (1, 2)


def test_a_flat_layer_beside_a_stack(viewer, radiograph_pixels):
    viewer.add_image(np.stack([radiograph_pixels] * 4))
    flat = viewer.add_image(radiograph_pixels, scale=(0.5, 0.5))
    viewer.dims.set_current_step(0, 2)
    zoom_to(viewer, flat, (60.0, 45.0))
    assert viewer.dims.current_step[0] == 2
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], (30.0, 22.5))


def test_layers_in_another_unit(viewer, radiograph_pixels):
    viewer.add_image(radiograph_pixels, scale=(0.1, 0.1), units="mm")
    layer = viewer.add_image(radiograph_pixels, scale=(100, 100), units="um", name="same in um")
    zoom_to(viewer, layer, (60.0, 45.0), rows=48)
    in_viewer = np.array([6.0, 4.5]) * (1 if str(viewer.dims.units[-1]) == "millimeter" else 1000)
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], in_viewer)


def test_a_point_of_a_layer_of_points(viewer, radiograph, landmarks_on):
    image = add_radiograph(viewer, radiograph)
    layer = add_landmarks(viewer, image, landmarks_on(radiograph), name="found")
    zoom_to(viewer, layer, layer.data[5], rows=40)
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], image.data_to_world(layer.data[5]))
    assert shown_rows(viewer, layer) == pytest.approx(40, rel=1e-6)


def test_a_layer_of_a_single_point_can_be_looked_at(viewer):
    layer = viewer.add_points([[5.0, 6.0]])
    zoom_to(viewer, layer, (5.0, 6.0))
    assert np.isfinite(viewer.scene.camera.zoom)


def test_a_file_is_opened_once(viewer, file):
    layer = open_radiograph(viewer, file)
    assert kind_of(layer.metadata) == "radiograph"
    assert open_radiograph(viewer, file.parent / "." / file.name).unique_id == layer.unique_id
    assert len(viewer.layers) == 1
    viewer.layers.remove(viewer.layers[0])
    assert image_of_file(viewer, file) is None
    open_radiograph(viewer, file)
    assert len(viewer.layers) == 1


def test_an_image_that_napari_read_is_found_too(viewer, file):
    (layer,) = viewer.open(str(file), plugin="napari")
    assert image_of_file(viewer, file).unique_id == layer.unique_id
    assert open_radiograph(viewer, file).unique_id == layer.unique_id


def test_other_layers_are_no_radiographs_of_the_file(viewer, file, tmp_path):
    other = tmp_path / "other.png"
    other.write_bytes(file.read_bytes())
    viewer.add_labels(np.zeros((4, 4), int))
    viewer.add_points([[1, 2]], metadata={"farnet": {"kind": "radiograph", "path": str(file)}})
    open_radiograph(viewer, other)
    assert image_of_file(viewer, file) is None


def test_a_file_that_vanished(viewer, file):
    layer = open_radiograph(viewer, file)
    file.unlink()
    # What is in the viewer is still the radiograph of that file, and can be gone back to.
    assert image_of_file(viewer, file).unique_id == layer.unique_id
    assert open_radiograph(viewer, file).unique_id == layer.unique_id
    viewer.layers.remove(viewer.layers[0])
    with pytest.raises(RadiographError, match=r"skull\.png"):
        open_radiograph(viewer, file)
    assert len(viewer.layers) == 0


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
