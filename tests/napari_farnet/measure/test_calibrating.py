"""Calibration with a ruler: what changes, what does not, and how it is ended."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points, Shapes

from farnet.measurement import calibrate
from napari_farnet.measure.calibrating import apply_calibration, layers_on
from napari_farnet.placement import Placement
from napari_farnet.record import kind_of, record_of
from napari_farnet.sources import RadiographSource

LIES = [
    {},
    {"scale": (2.0, 3.0), "translate": (10, -20)},
    {"scale": (0.1, 0.1), "units": "um"},
    {"scale": (1.0, 2.0), "rotate": 30, "translate": (5, 6)},
    {"rotate": 20, "shear": [0.3], "affine": [[0, 1, 4], [1, 0, 5], [0, 0, 1]], "translate": (1, 2)},
]


def found(spacing_mm=0.25, **keywords):
    return calibrate((0, 0), (0, 400), 400 * spacing_mm, **keywords)


def assert_on_top(layers, before):
    """Every layer is to the first one as it was: points of each that coincided still do."""
    for layer, matrix in zip(layers, before, strict=True):
        own, first = Placement.of(layer).matrix[-3:, -3:], Placement.of(layers[0]).matrix[-3:, -3:]
        np.testing.assert_allclose(np.linalg.solve(first, own), matrix, atol=1e-9)


def relations(layers):
    first = Placement.of(layers[0]).matrix[-3:, -3:]
    return [np.linalg.solve(first, Placement.of(layer).matrix[-3:, -3:]) for layer in layers]


@pytest.mark.parametrize("lies", LIES)
@pytest.mark.parametrize("stack", [False, True])
def test_everything_on_the_radiograph_stays_in_its_place(lies, stack):
    viewer = ViewerModel()
    if stack:
        lies = {key: value for key, value in lies.items() if key in ("units",)}
        shape = (3, 40, 60)
    else:
        shape = (40, 60)
    image = viewer.add_image(np.zeros(shape), name="skull", **lies)
    layers = [
        image,
        viewer.add_points(np.ones((2, len(shape))), **lies),
        viewer.add_labels(np.ones(shape, int), **lies),
        viewer.add_shapes([np.ones((2, len(shape)))], shape_type="line"),
        viewer.add_points([[3.0, 4.0]], rotate=45, scale=(7, 9), translate=(1, 2)),
    ]
    data = [np.array(layer.data, copy=True) for layer in layers]
    before = relations(layers)
    followers = apply_calibration(viewer, image, found())
    assert followers == layers[1:]
    assert_on_top(layers, before)
    for layer, kept in zip(layers, data, strict=True):
        np.testing.assert_array_equal(layer.data, kept)
    if "shear" not in lies:  # a pixel that is no rectangle has no spacing that could be seen
        assert Placement.of(image).spacing() == pytest.approx((0.25, 0.25))
    assert RadiographSource.of(image).spacing == pytest.approx((0.25, 0.25))
    assert RadiographSource.of(image).spacing_source == "ruler 100 mm over 400.0 px"
    assert {str(unit) for layer in layers for unit in layer.units[-2:]} == {"millimeter"}
    if stack:
        assert image.scale[0] == 1


def test_the_shape_of_a_pixel_is_kept():
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((40, 60)), scale=(0.3, 0.1), units="mm")
    apply_calibration(viewer, image, found(pixel_shape=(0.3, 0.1)))
    assert RadiographSource.of(image).spacing == pytest.approx((0.75, 0.25))


def test_the_view_stays(ceph):
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((400, 600)))
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0.0, 100.0, 200.0), 3.0
    apply_calibration(viewer, image, found(0.1))
    assert viewer.scene.camera.center[-2:] == pytest.approx((10, 20))
    assert viewer.scene.camera.zoom == pytest.approx(30)


def test_landmarks_know_their_spacing_and_their_deviation(add_ceph, ceph):
    viewer = ViewerModel()
    covariance = np.tile(np.eye(2) * 4.0, (19, 1, 1))
    image, points = add_ceph(viewer, spacing=None, covariance=covariance)
    assert points.features["sd_mm"].isna().all()
    apply_calibration(viewer, image, found())
    (landmarks,) = record_of(points.metadata).landmarks
    assert landmarks.spacing == (0.25, 0.25)
    assert landmarks.provenance["spacing_source"] == "ruler 100 mm over 400.0 px"
    assert landmarks.provenance["data"] == ceph.provenance["data"]
    np.testing.assert_array_equal(landmarks.points, ceph.points)
    np.testing.assert_allclose(points.features["sd_mm"], 0.5)
    assert list(points.features["name"]) == list(ceph.scheme.names)
    assert image.metadata["farnet"]["spacing"] == (0.25, 0.25)
    assert not points.features["edited"].any()


def test_another_radiograph_is_left_alone(add_ceph):
    viewer = ViewerModel()
    first, its_points = add_ceph(viewer, spacing=None, name="first")
    second, other_points = add_ceph(viewer, spacing=None, name="second")
    labels = viewer.add_labels(np.zeros((5, 5), int), name="first, teeth")
    above = viewer.add_labels(np.zeros((5, 5), int), name="drawn")
    assert layers_on(viewer, first) == [its_points, labels]
    assert layers_on(viewer, second) == [other_points, above]
    apply_calibration(viewer, first, found())
    assert RadiographSource.of(second).spacing is None
    assert record_of(other_points.metadata).landmarks[0].spacing is None
    np.testing.assert_array_equal(other_points.scale, 1)
    np.testing.assert_array_equal(its_points.scale, 0.25)


def test_which_layers_are_on_a_radiograph_that_is_not_below_them():
    viewer = ViewerModel()
    shapes, points = Shapes(name="a"), Points(name="b")
    image, heatmaps = (
        Image(np.zeros((5, 5)), name="c"),
        Image(np.zeros((5, 5)), metadata={"farnet": {"kind": "heatmaps"}}),
    )
    viewer.layers.extend(
        [shapes, image, Image(np.ones((5, 5)), name="d"), points, heatmaps, Labels(np.zeros((5, 5), int))]
    )
    assert layers_on(viewer, image) == [shapes]


@pytest.fixture
def opened(open_measure, add_ceph, make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy()
    image, points = add_ceph(viewer, spacing=None)
    _, dock = open_measure(viewer)
    return viewer, dock, image, points


def lay(viewer, settle, first=(100, 100), second=(100, 600)):
    ruler = viewer.layers["Ruler"]
    for end in (first, second):
        ruler.add(end)
        settle()
    return ruler


def test_two_clicks_and_a_length(opened, settle):
    viewer, dock, image, points = opened
    assert not dock.form.length.isVisibleTo(dock)
    dock.form.calibrate.click()
    settle()
    ruler = viewer.layers["Ruler"]
    assert viewer.layers.selection.active == ruler
    assert ruler.mode == "add"
    assert kind_of(ruler.metadata) == "ruler"
    assert "one end" in dock.form.ruler_hint.text()
    ruler.add((100, 100))
    settle()
    assert "the other end" in dock.form.ruler_hint.text()
    assert not dock.form.apply.isEnabled()
    ruler.add((100, 600))
    settle()
    assert ruler.mode == "select"
    assert dock.form.ruler_hint.text().startswith("500.0 px.")
    dock.form.length.setValue(50)
    dock.form.apply.click()
    settle()
    assert "Ruler" not in viewer.layers
    assert viewer.layers.selection.active == points
    assert RadiographSource.of(image).spacing == pytest.approx((0.1, 0.1))
    assert "(ruler 50 mm over 500.0 px)" in dock.status.text()
    hint = dock.form.hint.text().splitlines()
    assert hint[0] == "19 of 19 landmarks, 0.1 mm/px (ruler 50 mm over 500.0 px)"
    assert "At 0.1 mm a pixel" in hint[1]  # half its size, which makes the head too small for a person
    mw = dock.form.table.results[-1]
    assert mw.unit == "mm"
    assert mw.value == pytest.approx(1.056, abs=0.001)
    drawn = next(layer for layer in viewer.layers if kind_of(layer.metadata) == "measurements")
    np.testing.assert_allclose(drawn.scale, 0.1)
    np.testing.assert_allclose(points.data_to_world((5, 6)), image.data_to_world((5, 6)))
    assert not dock.form.calibrating
    dock.form.calibrate.click()  # again, on the size that it has now
    settle()
    lay(viewer, settle)
    dock.form.length.setValue(100)
    dock.form.apply.click()
    settle()
    assert RadiographSource.of(image).spacing == pytest.approx((0.2, 0.2))
    np.testing.assert_allclose(points.data_to_world((5, 6)), image.data_to_world((5, 6)))


def test_escape_changes_nothing(opened, settle):
    viewer, dock, image, points = opened
    before = [Placement.of(layer).to_json() for layer in viewer.layers]
    names = [layer.name for layer in viewer.layers]
    metadata = dict(image.metadata)
    dock.form.calibrate.click()
    settle()
    lay(viewer, settle)
    escape = viewer.layers["Ruler"].keymap
    (action,) = (value for key, value in escape.items() if str(key) == "Escape")
    action(viewer.layers["Ruler"])
    settle()
    assert [layer.name for layer in viewer.layers] == names
    assert [Placement.of(layer).to_json() for layer in viewer.layers] == before
    assert dict(image.metadata) == metadata
    assert viewer.layers.selection.active == points
    assert not dock.form.calibrating
    assert dock.form.image.isEnabled()


@pytest.mark.parametrize("how", ["button", "ruler removed", "image removed", "dock closed"])
def test_other_ways_to_end_it(opened, settle, how):
    viewer, dock, _, _ = opened
    dock.form.calibrate.click()
    settle()
    if how == "button":
        dock.form.calibrate.click()
    elif how == "ruler removed":
        viewer.layers.remove("Ruler")
    elif how == "image removed":
        viewer.layers.remove("skull")
    else:
        viewer.window.remove_dock_widget(dock)
        dock.deleteLater()
        dock = None
    settle()
    assert "Ruler" not in viewer.layers
    assert dock is None or not dock.form.calibrating


def test_more_and_fewer_ends_than_two(opened, settle):
    viewer, dock, _, _ = opened
    dock.form.calibrate.click()
    settle()
    ruler = lay(viewer, settle)
    ruler.add((300, 300))
    settle()
    assert len(ruler.data) == 2
    ruler.selected_data = {1}
    ruler.remove_selected()
    settle()
    assert ruler.mode == "add"
    assert not dock.form.apply.isEnabled()
    ruler.add((100, 100))
    settle()
    assert "further apart" in dock.form.ruler_hint.text()
    assert not dock.form.apply.isEnabled()


def test_the_ruler_is_no_layer_of_landmarks(opened, settle):
    _viewer, dock, _, points = opened
    dock.form.calibrate.click()
    settle()
    assert dock.form.landmarks.currentText() == points.name
    assert dock.form.landmarks.findText("Ruler") < 0
    assert len(dock.form.table.results) == 8


def test_the_command_to_detect_tells_the_spacing_of_the_ruler(tmp_path, settle):
    from PIL import Image as Picture

    from farnet.radiograph import read_radiograph
    from napari_farnet.detect.command import detect_command
    from napari_farnet.opening import add_radiograph

    path = tmp_path / "skull.png"
    Picture.fromarray(np.random.default_rng(0).integers(0, 255, (100, 80), np.uint8)).save(path)
    viewer = ViewerModel()
    image = add_radiograph(viewer, read_radiograph(path))
    apply_calibration(viewer, image, found())
    words = detect_command(RadiographSource.of(image), model="m", device="cpu")
    assert words[-2:] == ["--spacing", "0.25,0.25"]
