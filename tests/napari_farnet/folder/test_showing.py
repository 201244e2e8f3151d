"""Opening one radiograph of the folder after another in a viewer; nobody's work is lost by it."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image

from farnet.batch_request import BatchRequest
from farnet.errors import RadiographError
from farnet.radiograph import read_radiograph
from napari_farnet.folder.rows import RadiographRow
from napari_farnet.folder.showing import Opener
from napari_farnet.record import record_of
from napari_farnet.session import follow


@pytest.fixture
def folder(tmp_path, radiograph_pixels):
    """Three small radiographs that differ."""
    for number, name in enumerate("abc"):
        Image.fromarray(np.roll(radiograph_pixels, 5 * number, axis=0)).save(tmp_path / f"{name}.png")
    return tmp_path


@pytest.fixture
def rows(folder, landmarks_on):
    """The radiographs with their landmarks, by name."""
    paths = {name: folder / f"{name}.png" for name in "abc"}
    return {
        name: RadiographRow(path, name, "done", landmarks_on(read_radiograph(path, spacing=0.1)))
        for name, path in paths.items()
    }


@pytest.fixture
def viewer(plugin_settings):
    """A viewer without its window, which opening a layer does not need."""
    return ViewerModel()


@pytest.fixture
def show(viewer, folder):
    """Opens a row as the dock does."""
    opener, request = Opener(viewer), BatchRequest(radiographs=(folder,), spacing=0.1)
    return lambda row: opener.show(row, request)


def names(viewer):
    return [layer.name for layer in viewer.layers]


def visible(viewer):
    return [layer.name for layer in viewer.layers if layer.visible]


def test_a_radiograph_with_its_landmarks(viewer, show, rows):
    assert show(rows["a"]) == ""
    assert names(viewer) == ["a", "a landmarks"]
    image, points = viewer.layers
    np.testing.assert_allclose(points.data, rows["a"].landmarks.points)
    np.testing.assert_allclose(points.data_to_world((3, 4)), image.data_to_world((3, 4)))
    np.testing.assert_allclose(image.scale, (0.1, 0.1))  # the size of a pixel that was asked for
    assert viewer.layers.selection.active == points and points.mode == "select"
    assert points.features["confidence"].notna().all()


def test_the_next_one_takes_its_place(viewer, show, rows):
    for name in "abc":
        show(rows[name])
        assert names(viewer) == [name, f"{name} landmarks"]


def test_the_same_again_opens_nothing_twice(viewer, show, rows):
    show(rows["a"])
    before = list(viewer.layers)
    before[0].visible = before[1].visible = False
    show(rows["a"])
    assert list(viewer.layers) == before
    assert visible(viewer) == ["a", "a landmarks"]


def test_corrected_landmarks_stay_and_come_back(viewer, show, rows, drag):
    show(rows["a"])
    points = viewer.layers["a landmarks"]
    drag(points, 4, (7, -3))
    moved = np.array(points.data)
    show(rows["b"])
    assert set(names(viewer)) == {"a", "a landmarks", "b", "b landmarks"}
    assert visible(viewer) == ["b", "b landmarks"]
    show(rows["c"])  # b was not touched, and gives way
    assert set(names(viewer)) == {"a", "a landmarks", "c", "c landmarks"}
    show(rows["a"])
    assert visible(viewer) == names(viewer) == ["a", "a landmarks"]
    assert viewer.layers["a landmarks"] is points
    np.testing.assert_array_equal(points.data, moved)


@pytest.mark.parametrize("change", ["one", "all"])
def test_points_that_were_taken_away_are_a_change_too(viewer, show, rows, change):
    show(rows["a"])
    points = viewer.layers["a landmarks"]
    points.selected_data = {3} if change == "one" else set(range(19))
    points.remove_selected()
    show(rows["b"])
    assert points in viewer.layers and not points.visible
    show(rows["a"])
    assert points.visible and viewer.layers.selection.active == points
    assert names(viewer) == ["a", "a landmarks"]


def test_landmarks_that_were_only_looked_at_and_accepted_stay(viewer, show, rows):
    show(rows["a"])
    points = viewer.layers["a landmarks"]
    session = follow(points)
    session.apply((), session.review().accepted(0))
    show(rows["b"])
    assert points in viewer.layers and not points.visible


def test_a_radiograph_without_landmarks(viewer, show, rows):
    show(RadiographRow(rows["a"].path, "a"))
    assert names(viewer) == ["a"]
    show(rows["a"])  # meanwhile they were found
    assert names(viewer) == ["a", "a landmarks"]
    show(rows["b"])
    assert names(viewer) == ["b", "b landmarks"]


def test_landmarks_that_came_later_belong_to_their_image(viewer, show, rows, drag):
    show(RadiographRow(rows["a"].path, "a"))
    show(rows["a"])
    drag(viewer.layers["a landmarks"], 0, (5, 5))
    show(rows["b"])
    assert {"a", "a landmarks"} <= set(names(viewer))


def test_layers_of_the_user_are_left_alone(viewer, show, rows, radiograph_pixels):
    viewer.add_image(radiograph_pixels, name="mine")
    viewer.add_points([[1.0, 2.0]], name="my points")
    for name in "ab":
        show(rows[name])
    assert names(viewer) == ["mine", "my points", "b", "b landmarks"]
    assert viewer.layers["mine"].visible


def test_a_radiograph_that_the_user_opened_is_used_and_stays(plugin, viewer, show, rows):
    viewer.open(str(rows["a"].path), plugin="napari")
    (mine,) = viewer.layers
    show(rows["a"])
    assert len(viewer.layers) == 2 and mine in viewer.layers
    show(rows["b"])
    assert mine in viewer.layers and "a landmarks" not in names(viewer)


@pytest.mark.parametrize("gone", [["a"], ["a landmarks"], ["a", "a landmarks"]])
def test_layers_that_were_removed_meanwhile(viewer, show, rows, gone):
    show(rows["a"])
    for name in gone:
        viewer.layers.remove(name)
    show(rows["a"])
    assert sorted(names(viewer)) == ["a", "a landmarks"]
    for name in gone:
        viewer.layers.remove(name)
    show(rows["b"])
    assert names(viewer) == ["b", "b landmarks"]


def test_layers_that_were_renamed_and_moved(viewer, show, rows):
    show(rows["a"])
    viewer.layers["a"].name = "renamed"
    viewer.layers.reverse()
    show(rows["b"])
    assert names(viewer) == ["b", "b landmarks"]


def test_a_file_that_has_changed_is_not_shown_with_landmarks_of_another(viewer, show, rows, folder):
    (folder / "a.png").write_bytes((folder / "b.png").read_bytes())
    assert "has changed since" in show(rows["a"])
    assert names(viewer) == ["a"]


def test_a_file_that_was_done_again_is_read_again(viewer, show, rows, folder, landmarks_on):
    show(rows["a"])
    (folder / "a.png").write_bytes((folder / "b.png").read_bytes())
    new = landmarks_on(read_radiograph(folder / "a.png", spacing=0.1))
    assert show(RadiographRow(folder / "a.png", "a", "done", new)) == ""
    image, points = viewer.layers
    np.testing.assert_array_equal(image.data, read_radiograph(folder / "b.png").pixels)
    assert record_of(points.metadata).landmarks[0].image_sha256 == new.image_sha256


def test_what_cannot_be_read_changes_nothing(viewer, show, rows, folder):
    show(rows["a"])
    before = list(viewer.layers)
    (folder / "broken.png").write_text("no picture")
    with pytest.raises(RadiographError, match=r"broken\.png"):
        show(RadiographRow(folder / "broken.png", "broken", "failed", message="It is no picture."))
    with pytest.raises(RadiographError, match="no file"):
        show(RadiographRow(folder / "gone.png", "gone"))
    assert list(viewer.layers) == before


def test_in_another_cut_and_in_a_viewer_with_a_stack(viewer, show, rows, radiograph_pixels):
    viewer.add_image(np.stack([radiograph_pixels] * 3), name="stack")
    show(rows["a"])
    show(rows["b"])
    assert names(viewer) == ["stack", "b", "b landmarks"]
