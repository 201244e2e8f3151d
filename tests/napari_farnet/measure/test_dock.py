"""The dock "Measure", in a real viewer."""

from __future__ import annotations

import csv
import math

import numpy as np
import pandas as pd
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtGui import QGuiApplication

from farnet import read_annotations, write_annotations
from farnet.measurement import load_measurements, measure, parse_measurements
from napari_farnet.record import kind_of

MINE = "name: mine\nscheme: cephalometric19\nmeasurements:\n  - {name: SN, distance: [S, N], norm: {mean: 60, sd: 5}}\n"


def values(dock):
    return {item.name: item.value for item in dock.form.table.results}


def lines(viewer):
    found = [layer for layer in viewer.layers if kind_of(layer.metadata) == "measurements"]
    assert len(found) <= 1
    return found[0] if found else None


def row_of(points, name):
    return list(points.features["abbreviation"]).index(name)


@pytest.fixture
def opened(open_measure, add_ceph, make_napari_viewer_proxy, settle):
    viewer = make_napari_viewer_proxy()
    image, points = add_ceph(viewer)
    _, dock = open_measure(viewer)
    return viewer, dock, image, points


def test_without_layers_it_says_what_to_do(open_measure):
    _, dock = open_measure()
    assert "Open a radiograph with landmarks" in dock.status.text()
    assert dock.form.table.results == ()
    for control in (dock.form.copy_table, dock.form.save_table, dock.form.calibrate, dock.form.reload):
        assert not control.isEnabled()
    dock.copy_command.click()
    assert "Open a radiograph with landmarks" in dock.status.text()


def test_measures_what_the_library_measures(opened, ceph):
    viewer, dock, _, points = opened
    expected = measure(load_measurements("cephalometry"), ceph)
    assert [item.name for item in dock.form.table.results] == [item.name for item in expected]
    assert values(dock) == pytest.approx({item.name: item.value for item in expected})
    assert dock.form.hint.text() == "19 of 19 landmarks, 0.2 mm/px"
    assert dock.form.sets.currentText().startswith("Cephalometry")
    assert dock.status.text() == ""
    drawn = lines(viewer)
    assert drawn is not None
    assert viewer.layers.index(drawn) == viewer.layers.index(points) - 1
    np.testing.assert_array_equal(drawn.scale, points.scale)
    assert drawn.units == points.units
    assert viewer.layers.selection.active == points


def test_layers_that_come_later_are_measured(open_measure, add_ceph, settle):
    viewer, dock = open_measure()
    add_ceph(viewer)
    settle()
    assert len(dock.form.table.results) == 8


def test_values_and_lines_follow_at_each_step_of_a_drag(opened, drag, settle):
    viewer, dock, _, points = opened
    seen = []
    real = dock.form.table.set_results
    dock.form.table.set_results = lambda results: (seen.append(dict_of(results)["SNA"]), real(results))
    before = values(dock)["SNA"]
    drag(points, row_of(points, "A"), (0, 30))
    assert len(seen) >= 2
    settle()
    after = values(dock)["SNA"]
    assert seen[-1] == after != before
    place = tuple(points.data[row_of(points, "A")])
    assert any(np.allclose(end, place) for line in lines(viewer).data for end in line)


def dict_of(results):
    return {item.name: item.value for item in results}


def test_points_deleted_and_placed_again(opened, settle):
    _viewer, dock, _, points = opened
    row = row_of(points, "A")
    place = points.data[row].copy()
    points.selected_data = {row}
    points.remove_selected()
    settle()
    assert math.isnan(values(dock)["SNA"])
    assert not math.isnan(values(dock)["SNB"])
    result = next(item for item in dock.form.table.results if item.name == "ANB")
    assert result.remark == "absent: A"
    assert "18 of 19" in dock.form.hint.text()
    points.add(place)
    settle()
    assert not math.isnan(values(dock)["SNA"])


def test_a_selected_row_stands_out(opened, settle):
    viewer, dock, _, _ = opened
    drawn = lines(viewer)
    assert len({tuple(colour) for colour in drawn.edge_color}) == 2  # inside and outside the norm
    dock.form.table.selectRow(1)
    settle()
    thick = np.array(drawn.edge_width) > min(drawn.edge_width)
    assert thick.sum() == 2
    ends = {tuple(np.rint(end)) for line, bold in zip(drawn.data, thick, strict=True) if bold for end in line}
    points = viewer.layers["skull landmarks"]
    assert ends == {tuple(np.rint(points.data[row_of(points, name)])) for name in ("S", "N", "B")}
    labels = [text for text in drawn.text.values if text]
    assert labels == [f"SNB {dock.form.table.results[1].value_text}°"]
    dock.form.table.clearSelection()
    settle()
    assert len([text for text in drawn.text.values if text]) >= 7


def test_lines_can_be_hidden(opened, settle):
    viewer, dock, _, points = opened
    dock.form.lines.setChecked(False)
    settle()
    assert lines(viewer) is None
    assert len(dock.form.table.results) == 8
    dock.form.lines.setChecked(True)
    settle()
    assert lines(viewer) is not None
    viewer.layers.remove(lines(viewer).name)  # by the user: they come back with the next update
    points.data = points.data + 1
    settle()
    assert lines(viewer) is not None


def test_without_a_spacing(open_measure, add_ceph, make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy()
    add_ceph(viewer, spacing=None)
    _, dock = open_measure(viewer)
    assert "size of a pixel unknown" in dock.form.hint.text()
    assert "calibrate" in dock.form.hint.text()
    assert math.isnan(values(dock)["MW"])
    assert values(dock)["SNA"] == pytest.approx(82.57, abs=0.01)


def test_points_of_somebody_else(open_measure, ceph, make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy()
    viewer.add_image(np.zeros(ceph.image_shape), scale=(0.2, 0.2), units="mm", name="picture")
    viewer.add_points(ceph.points, features={"label": ceph.scheme.abbreviations}, scale=(0.2, 0.2), units="mm")
    _, dock = open_measure(viewer)
    expected = measure(load_measurements("cephalometry"), ceph)
    assert values(dock) == pytest.approx(dict_of(expected))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["S", "N", "Nose"], "Nose"),
        (["S", "S", "N"], "Sella twice"),
        (["x", "y", "z"], "landmarks of none of the schemes"),
        (None, "have no names"),
    ],
)
def test_layers_with_wrong_names_say_what_is_wrong(open_measure, make_napari_viewer_proxy, names, message, settle):
    viewer = make_napari_viewer_proxy()
    points = viewer.add_points([[1, 2], [30, 40], [50, 6]], features=None if names is None else {"name": names})
    _, dock = open_measure(viewer)
    assert message in dock.status.text()
    assert dock.form.table.results == ()
    assert lines(viewer) is None
    points.features = pd.DataFrame({"name": ["S", "N", "A"]})
    settle()
    assert dock.status.text() == ""
    assert values(dock)["SNA"] > 0
    points.data = np.vstack([points.data, [9, 9]])  # napari names the new point as the last one
    settle()
    assert "twice" in dock.status.text()


def test_an_extra_point_is_taken_away_and_changes_nothing(opened, settle):
    _, dock, _, points = opened
    before = values(dock)
    points.add((5, 5))
    settle()
    assert len(points.data) == 19
    assert dock.status.text() == ""
    assert values(dock) == before


def test_a_layer_is_renamed_and_removed(opened, settle):
    viewer, dock, _, points = opened
    points.name = "other"
    settle()
    assert dock.form.landmarks.currentText() == "other"
    viewer.layers.remove("other")
    settle()
    assert "Open a radiograph with landmarks" in dock.status.text()
    assert lines(viewer) is None
    assert dock.form.table.results == ()


def test_the_radiograph_is_removed(opened, settle):
    viewer, dock, _, _ = opened
    viewer.layers.remove("skull")
    settle()
    assert not dock.form.calibrate.isEnabled()
    assert len(dock.form.table.results) == 8  # the landmarks know their spacing


def test_the_slice_of_a_stack_that_is_shown(open_measure, ceph, make_napari_viewer_proxy, settle):
    from napari.layers import Layer

    from napari_farnet.layers import landmarks_layer
    from napari_farnet.placement import Placement
    from napari_farnet.settings import Settings

    viewer = make_napari_viewer_proxy()
    image = viewer.add_image(np.zeros((3, *ceph.image_shape), np.uint8), name="stack")
    second = ceph.replace(points=ceph.points * (1.1, 1.0), spacing=None)
    data = landmarks_layer(
        [ceph.replace(spacing=None), second], [(0,), (2,)], Placement.of(image), name="both", settings=Settings()
    )
    viewer.add_layer(Layer.create(*data))
    _, dock = open_measure(viewer)
    ceph_set = load_measurements("cephalometry")
    viewer.dims.set_current_step(0, 0)
    settle()
    first_lines = [line.copy() for line in lines(viewer).data]
    assert values(dock)["SNA"] == pytest.approx(dict_of(measure(ceph_set, ceph))["SNA"])
    viewer.dims.set_current_step(0, 1)
    settle()
    assert "no landmarks on the radiograph that is shown" in dock.status.text()
    assert lines(viewer) is None
    viewer.dims.set_current_step(0, 2)
    settle()
    assert values(dock)["SNA"] == pytest.approx(dict_of(measure(ceph_set, second))["SNA"])
    assert all(line[0, 0] == 2 for line in lines(viewer).data)
    assert not np.allclose(first_lines[0][:, 1:], lines(viewer).data[0][:, 1:])


def test_points_in_three_dimensions_that_are_no_stack(open_measure, make_napari_viewer_proxy, settle):
    viewer = make_napari_viewer_proxy()
    viewer.add_points(np.random.default_rng(0).uniform(1, 60, (4, 4)), features={"name": ["S", "N", "A", "B"]})
    _, dock = open_measure(viewer)
    viewer.dims.ndisplay = 3
    settle()
    assert "no landmarks on the radiograph" in dock.status.text() or len(dock.form.table.results) == 8


def test_a_file_of_ones_own(opened, tmp_path, settle):
    _, dock, _, _ = opened
    path = tmp_path / "mine.yaml"
    path.write_text(MINE)
    dock.open_file(path)
    settle()
    assert "1 measurements read" in dock.status.text()
    assert list(values(dock)) == ["SN"]
    assert dock.form.sets.currentText() == "mine (mine.yaml)"
    assert dock.form.reload.isEnabled()
    path.write_text(MINE + "  - {name: NA, distance: [N, A]}\n")
    dock.form.reload.click()
    settle()
    assert list(values(dock)) == ["SN", "NA"]
    path.write_text(MINE + "  - {name: NA, distance: [N, Nose]}\n")
    dock.form.reload.click()
    settle()
    assert "line 5: Unknown landmark" in dock.status.text()
    assert "line 5" in notification_manager.records[-1].message
    assert list(values(dock)) == ["SN", "NA"]  # what was read before stays
    dock.form.sets.setCurrentIndex(0)
    settle()
    assert len(values(dock)) == 8
    assert not dock.form.reload.isEnabled()


def test_a_file_with_a_circle(opened, tmp_path, settle):
    _, dock, _, _ = opened
    path = tmp_path / "circle.yml"
    path.write_text("name: c\nscheme: cephalometric19\nmeasurements:\n  - {name: a, sum: [a, a]}\n")
    dock.open_file(path)
    settle()
    assert "'a' is computed from itself" in dock.status.text()
    assert len(values(dock)) == 8


def test_a_file_for_other_landmarks(opened, tmp_path, settle):
    _, dock, _, _ = opened
    path = tmp_path / "spine.yaml"
    path.write_text("name: s\nscheme: spine68\nmeasurements:\n  - {name: a, cobb: 1}\n")
    dock.open_file(path)
    settle()
    assert "need the landmark 'T1 upper left corner'" in dock.status.text()
    assert dock.form.table.results == ()


def test_the_example_can_be_opened(opened, tmp_path, settle):
    _, dock, _, _ = opened
    dock.save_example(tmp_path / "example")
    path = tmp_path / "example.yaml"
    assert parse_measurements(path.read_text(encoding="utf-8")).name == "cephalometry"
    before = values(dock)
    dock.open_file(path)
    settle()
    assert values(dock) == before
    dock.save_example(path / "inside a file.yaml")
    assert "could not be written" in dock.status.text()


def test_the_gap_of_the_overjet(opened, settle):
    _, dock, _, points = opened
    data = points.data.copy()
    data[row_of(points, "UI")] = data[row_of(points, "LI")] + (0, 5)
    points.data = data
    settle()
    result = dock.form.table.results[-1]
    assert (result.value, result.classification) == (pytest.approx(1.0), None)
    assert dock.form.gap.isVisibleTo(dock)
    dock.form.gap.setCurrentIndex(1)
    settle()
    assert dock.form.table.results[-1].classification.name == "anterior cross-bite"


def test_copying_and_saving_the_table(opened, tmp_path):
    _, dock, _, _ = opened
    dock.form.copy_table.click()
    text = QGuiApplication.clipboard().text()
    assert text.splitlines()[1].startswith("ANB\t1.6")
    dock.save_table(tmp_path / "table")
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    assert float(rows[0]["value"]) == pytest.approx(values(dock)["ANB"])
    dock.save_table(tmp_path / "table.csv" / "no folder.csv")
    assert "could not be written" in dock.status.text()


def test_the_command(open_measure, make_napari_viewer_proxy, ceph, tmp_path, settle):
    viewer = make_napari_viewer_proxy()
    path = tmp_path / "landmarks of mine.csv"
    write_annotations(path, [ceph])
    (points,) = viewer.open(path, plugin="napari-farnet")
    _, dock = open_measure(viewer)
    assert dock.command() == ["farnet", "measure", str(path), "--spacing", "0.2"]
    dock.form.gap.setCurrentIndex(1)
    assert dock.command()[-2:] == ["--mw-gap", "script"]
    mine = tmp_path / "mine.yaml"
    mine.write_text(MINE)
    dock.open_file(mine)
    settle()
    words = dock.command()
    assert words[3:5] == ["--definitions", str(mine)]
    from farnet.cli import main

    assert main([*words[1:], "--json"]) == 0
    points.data = points.data + 1
    settle()
    dock.copy_command.click()
    assert "differ from those in" in dock.status.text()
    assert read_annotations(path)[0].equals(ceph)


def test_the_command_of_landmarks_without_a_file(opened):
    _, dock, _, _ = opened
    dock.copy_command.click()
    assert "were not opened from a file" in dock.status.text()


def test_two_viewers_do_not_mix(opened, open_measure, add_ceph, make_napari_viewer_proxy, settle):
    _, dock, _, points = opened
    other_viewer = make_napari_viewer_proxy()
    add_ceph(other_viewer, spacing=(0.4, 0.4), name="other")
    _, other = open_measure(other_viewer)
    assert values(other)["MW"] == pytest.approx(2 * values(dock)["MW"])
    before = values(other)
    points.data = points.data * (1.0, 1.1)
    settle()
    assert values(other) == before
    assert lines(other_viewer).name == "other landmarks measurements"


def test_closing_the_dock_takes_the_lines_away(opened, settle):
    viewer, dock, _, points = opened
    assert lines(viewer) is not None
    callbacks = len(points.mouse_drag_callbacks)
    viewer.window.remove_dock_widget(dock)
    dock.deleteLater()
    del dock
    settle()
    assert lines(viewer) is None
    assert len(points.mouse_drag_callbacks) == callbacks - 1
    points.data = points.data + 1
    points.name = "nobody listens any more"
    viewer.dims.set_point(0, 1)


def test_every_control_explains_itself(opened):
    from qtpy.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QTableView

    _, dock, _, _ = opened
    for kind in (QAbstractButton, QComboBox, QAbstractSpinBox, QTableView):
        for control in dock.form.findChildren(kind):
            inside = isinstance(control.parent(), QTableView | QAbstractSpinBox | QComboBox)
            assert control.toolTip() or inside, control


def test_it_fits_a_small_screen(opened):
    _, dock, _, _ = opened
    assert dock.minimumSizeHint().width() <= 420
    assert dock.minimumSizeHint().height() <= 650
