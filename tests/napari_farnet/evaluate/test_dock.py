"""The dock, in a real viewer: every mode, sorting, clicking, dragging, closing at any moment."""

from __future__ import annotations

import csv
import time

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QFileDialog

from farnet.errors import DeviceError, InvalidInputError
from farnet.formats import write_annotations
from napari_farnet.opening import add_landmarks
from napari_farnet.record import METADATA_KEY


def names(viewer):
    return [str(layer.name) for layer in viewer.layers]


def lines(dock):
    return [row.split("\t") for row in dock.form.table.figures.text().splitlines()]


def titles(dock):
    return [row[0] for row in lines(dock)[1:]]


# Two layers


def test_two_layers(two_layers, run):
    viewer, dock = two_layers()
    run(dock)
    table = lines(dock)
    assert table[0][:3] == ["Landmark", "MRE (mm)", "95 % CI"]
    assert table[1][:2] == ["All landmarks", f"{(18 * 0.3 + 2.0) / 19:.2f}"]
    assert table[2][1] == "0.30" and table[6][1] == "2.00"
    assert "1 radiograph: mean distance 0.39 mm (n = 19)." in dock.status.text()
    assert dock.form.tabs.currentWidget() is dock.form.table
    vectors = viewer.layers["error vectors"]
    assert len(vectors.data) == 19
    np.testing.assert_allclose(vectors.features["error"].max(), 2.0)
    assert vectors.features["landmark"][0] == "Sella"
    assert tuple(vectors.edge_contrast_limits) == (0.0, 4.0)
    np.testing.assert_allclose(vectors.scale, viewer.layers["truth"].scale)
    assert viewer.layers.selection.active.name == "found"


def test_landmarks_are_matched_by_name_not_by_order(make_evaluate, run, radiograph, landmarks_on):
    viewer, dock = make_evaluate()
    truth = landmarks_on(radiograph)
    order = np.random.default_rng(0).permutation(19)
    viewer.add_points(truth.points, features={"name": truth.scheme.names}, name="truth")
    viewer.add_points(
        truth.points[order] + (0, 5), features={"name": np.array(truth.scheme.names)[order]}, name="found"
    )
    run(dock)
    assert {row[1] for row in lines(dock)[1:]} == {"5.00"}
    assert "In pixels" in dock.status.text()
    assert "MRE (px)" in lines(dock)[0]


def test_a_line_brings_the_landmark_before_the_eyes(two_layers, run, qtbot):
    viewer, dock = two_layers()
    run(dock)
    before = viewer.scene.camera.zoom
    view = dock.form.table
    row = view.figures.row_of(4)
    qtbot.mouseClick(
        view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(view.figures.index(row, 0)).center()
    )
    found, truth = viewer.layers["found"], viewer.layers["truth"]
    world = np.mean([found.data_to_world(found.data[4]), truth.data_to_world(truth.data[4])], axis=0)
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], world)
    assert viewer.scene.camera.zoom > before
    assert "2.00 mm" in dock.status.text()
    # The line of all landmarks leads to the worst of all, by the keyboard too.
    viewer.reset_view()
    view.select(None)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], world)


def test_vectors_and_errors_follow_a_point_that_is_dragged(two_layers, run, wait, qtbot, drag):
    viewer, dock = two_layers()
    run(dock)
    found, vectors = viewer.layers["found"], viewer.layers["error vectors"]
    said, drawn = [], []
    dock._live.following.moved.connect(
        lambda: (said.append(dock.form.live.text()), drawn.append(vectors.data[4].copy()))
    )
    found.selected_data = {4}
    drag(found, 4, (-10.0, 0.0))
    assert len(said) >= 2  # during the drag, not after it alone
    np.testing.assert_allclose(drawn[-1][1], (10.0, 0.0), atol=1e-6)
    name = dock._live.following.scheme.names[4]
    assert said[-1].startswith(f"{name}: 1.00 mm, this radiograph: mean ")
    assert lines(dock)[6][1] == "2.00"  # the table waits until the point is let go
    qtbot.waitUntil(lambda: lines(dock)[6][1] == "1.00", timeout=5_000)
    wait(dock)
    np.testing.assert_allclose(vectors.features["error"][4], 1.0)


def test_the_reference_may_be_dragged_too(two_layers, run, qtbot, drag):
    viewer, dock = two_layers()
    run(dock)
    drag(viewer.layers["truth"], 4, (20.0, 0.0))
    qtbot.waitUntil(lambda: lines(dock)[6][1] == "0.00", timeout=5_000)


def test_a_point_that_is_deleted_is_missed(two_layers, run, qtbot):
    viewer, dock = two_layers()
    run(dock)
    found = viewer.layers["found"]
    found.selected_data = {0}
    found.remove_selected()
    qtbot.waitUntil(lambda: lines(dock)[2][-2] == "1", timeout=5_000)
    assert lines(dock)[2][1] == "\N{EN DASH}"
    assert len(viewer.layers["error vectors"].data) == 18
    assert "1 landmarks were missed" in dock.status.text()


def test_dragging_is_followed_quickly(make_evaluate, run):
    """At least 30 updates a second with the 68 landmarks of a spine."""
    from farnet.landmarks import Landmarks
    from farnet.scheme import load_scheme

    viewer, dock = make_evaluate()
    image = viewer.add_image(np.random.default_rng(0).integers(0, 255, (900, 300), np.uint8), name="spine")
    scheme = load_scheme("spine68")
    points = np.random.default_rng(1).uniform(10, 290, (68, 2))
    for name, shift in (("truth", 0.0), ("found", 4.0)):
        landmarks = Landmarks(points + shift, scheme, radiograph="spine", image_shape=(900, 300))
        add_landmarks(viewer, image, landmarks, name=name)
    run(dock)
    found, following = dock._live.following.predicted, dock._live.following
    steps = 40
    began = time.perf_counter()
    for step in range(steps):
        found.data[7] = points[7] + step  # as napari does at each move of the mouse
        following._on_moved()
    assert steps / (time.perf_counter() - began) > 30
    found.selected_data = {7}
    following._on_moved()
    assert dock.form.live.text().startswith(f"{scheme.names[7]}: ")
    np.testing.assert_allclose(viewer.layers["error vectors"].data[7, 1], (steps - 1.0, steps - 1.0))


def test_stacks_are_compared_radiograph_by_radiograph(make_evaluate, run, radiograph_pixels, landmarks_on, radiograph):
    from farnet.landmarks import Landmarks
    from napari_farnet.layers import landmarks_layer
    from napari_farnet.placement import Placement
    from napari_farnet.settings import Settings

    viewer, dock = make_evaluate()
    image = viewer.add_image(
        np.stack([radiograph_pixels] * 3), name="skulls", scale=(1, 0.1, 0.1), units=("pixel", "mm", "mm")
    )
    truth = landmarks_on(radiograph)

    def add(name, shifts, indices):
        items = [
            Landmarks(
                truth.points + np.array([0.0, shift]),
                truth.scheme,
                spacing=(0.1, 0.1),
                radiograph=f"skulls [{i}]",
                image_shape=(240, 180),
            )
            for i, shift in zip(indices, shifts, strict=True)
        ]
        data, keywords, _ = landmarks_layer(
            items, [(i,) for i in indices], Placement.of(image), name=name, settings=Settings()
        )
        viewer.add_points(data, **keywords)

    add("truth", (0, 0, 0), (0, 1, 2))
    add("found", (2, 30, 4), (0, 1, 2))
    viewer.dims.set_current_step(0, 0)
    run(dock)
    assert lines(dock)[1][1] == f"{1.2:.2f}"
    assert "\u2013" in lines(dock)[1][2]  # three radiographs have an interval
    assert set(viewer.layers["error vectors"].data[:, 0, 0]) == {0.0}
    dock.form.table.landmark_chosen.emit(2)
    assert viewer.dims.current_step[0] == 1  # the worst of the three
    assert set(viewer.layers["error vectors"].data[:, 0, 0]) == {1.0}
    np.testing.assert_allclose(viewer.layers["error vectors"].features["error"], 3.0)
    add("partial", (1, 1), (1, 2))
    dock.form.layers_page.predictions.choose(viewer.layers["partial"])
    dock.form.evaluate.click()
    assert "'partial' has no landmarks on radiographs 0 of the stack" in dock.status.text()
    dock.form.layers_page.common.setChecked(True)
    run(dock)
    assert "2 radiographs: mean distance 0.10 mm" in dock.status.text()
    assert "Left out: 'partial'" in dock.status.text()


def test_layers_that_cannot_be_compared(two_layers, run, landmarks_on, radiograph):
    from farnet.landmarks import Landmarks
    from farnet.scheme import load_scheme

    viewer, dock = two_layers()
    page, truth = dock.form.layers_page, landmarks_on(radiograph)

    def refused(layer):
        page.references.choose(viewer.layers["truth"])
        page.predictions.choose(layer)
        dock.form.evaluate.click()
        return dock.status.text()

    plain = {"scale": viewer.layers["truth"].scale, "units": viewer.layers["truth"].units}
    assert "have no names" in refused(viewer.add_points(truth.points, name="nameless", **plain))
    twice = [*truth.scheme.names[:-1], "Sella"]
    assert "Sella twice" in refused(viewer.add_points(truth.points, features={"name": twice}, name="twice", **plain))
    wrong = [*truth.scheme.names[:-1], "Elbow"]
    assert "Elbow" in refused(viewer.add_points(truth.points, features={"name": wrong}, name="wrong", **plain))
    assert "lie differently" in refused(
        viewer.add_points(truth.points, features={"name": truth.scheme.names}, name="elsewhere")
    )
    spine = Landmarks(np.full((68, 2), 20.0), load_scheme("spine68"), radiograph="skull", image_shape=radiograph.shape)
    assert "there is nothing to compare" in refused(add_landmarks(viewer, viewer.layers["skull"], spine, name="spine"))
    other = truth.replace(spacing=(0.5, 0.5))
    run(dock)
    page.predictions.choose(add_landmarks(viewer, viewer.layers["skull"], other, name="other"))
    run(dock)
    assert "spacing of" in dock.status.text()
    foreign = truth.replace(provenance={"pixels_sha256": "1" * 64})
    assert "different pictures" in refused(add_landmarks(viewer, viewer.layers["skull"], foreign, name="foreign"))


def test_without_two_layers(make_evaluate):
    _, dock = make_evaluate()
    dock.form.evaluate.click()
    assert "Two layers of landmarks are needed" in dock.status.text()
    assert lines(dock) == []


def test_a_layer_is_removed_or_renamed_while_it_is_followed(two_layers, run, drag, qtbot):
    viewer, dock = two_layers()
    run(dock)
    viewer.layers["found"].name = "renamed"
    drag(viewer.layers["renamed"], 4, (-10.0, 0.0))
    qtbot.waitUntil(lambda: lines(dock)[6][1] == "1.00", timeout=5_000)
    viewer.layers.remove("renamed")
    assert "'renamed' was removed" in dock.status.text()
    assert "error vectors" not in names(viewer)
    assert lines(dock)[6][1] == "1.00"
    drag(viewer.layers["truth"], 4, (-10.0, 0.0))
    qtbot.wait(300)
    viewer.layers.remove("truth")
    dock.form.table.landmark_chosen.emit(4)
    assert "no longer in the viewer" in dock.status.text()


def test_error_vectors_can_be_switched_off(two_layers, run):
    viewer, dock = two_layers()
    dock.form.vectors.setChecked(False)
    run(dock)
    assert "error vectors" not in names(viewer)
    dock.form.vectors.setChecked(True)
    assert "error vectors" in names(viewer)
    viewer.layers.remove("error vectors")
    dock.form.vectors.setChecked(False)
    dock.form.vectors.setChecked(True)
    assert names(viewer).count("error vectors") == 1


def test_radii_are_the_users(two_layers, run):
    _, dock = two_layers()
    dock.form.radii.setText("0.5, 1")
    run(dock)
    assert lines(dock)[0][5:7] == ["\N{LESS-THAN OR EQUAL TO} 0.5 mm (%)", "\N{LESS-THAN OR EQUAL TO} 1 mm (%)"]
    assert lines(dock)[1][5] == f"{100 * 18 / 19:.1f}"
    dock.form.radii.setText("two")
    dock.form.evaluate.click()
    assert "The list of radii is 'two'" in dock.status.text()


# Sorting, copies


def test_sorting_keeps_all_landmarks_on_top_and_what_is_missing_at_the_end(two_layers, run, landmarks_on, radiograph):
    truth = landmarks_on(radiograph)
    points = truth.points + np.arange(19)[::-1, None] * (1.0, 0.0)
    points[7] = np.nan
    _, dock = two_layers(predicted=truth.replace(points=points))
    run(dock)
    scheme = truth.scheme.names
    assert titles(dock) == ["All landmarks", *scheme]
    dock.form.table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    expected = [scheme[k] for k in range(18, -1, -1) if k != 7]
    assert titles(dock) == ["All landmarks", *expected, scheme[7]]
    dock.form.table.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    assert titles(dock) == ["All landmarks", *expected[::-1], scheme[7]]
    dock.form.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert titles(dock) == ["All landmarks", *scheme]


def test_the_table_is_copied_and_saved(two_layers, run, tmp_path, monkeypatch):
    _, dock = two_layers()
    run(dock)
    dock.form.copy.click()
    copied = QGuiApplication.clipboard().text().splitlines()
    assert copied[0].startswith("Landmark\tMRE (mm)\t95 % CI\tSD\tMedian")
    assert len(copied) == 21
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "out"), ""))
    dock.form.save.click()
    with (tmp_path / "out.csv").open(newline="") as file:
        assert float(next(csv.DictReader(file))["value"]) == pytest.approx((18 * 0.3 + 2.0) / 19)
    assert (tmp_path / "out-errors.csv").exists()
    assert "Saved" in dock.status.text()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "out.xlsx"), ""))
    dock.form.save.click()
    assert "ends in .csv" in dock.status.text()


def test_measurements_are_shown_where_there_are_any(two_layers, run):
    _, dock = two_layers()
    tabs = dock.form.tabs
    place = tabs.indexOf(dock.form.measured)
    assert not tabs.isTabVisible(place)
    run(dock)
    assert tabs.isTabVisible(place)
    text = dock.form.measured.toPlainText()
    (extra,) = dock._result().extras
    for table in extra.tables():
        assert table.title in text
        assert all(cell in text for row in table.rows for cell in row)


def test_the_report_of_layers(two_layers, run, tmp_path, monkeypatch, qtbot):
    viewer, dock = two_layers()
    assert not dock.form.report.isEnabled()
    image = viewer.layers["skull"]
    Image.fromarray(image.data).save(tmp_path / "skull.png")
    image.metadata[METADATA_KEY]["path"] = str(tmp_path / "skull.png")  # as if it had been opened from there
    run(dock)
    for name, kind in (("out", "Page for a browser (*.html)"), ("out.docx", "")):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, to=(str(tmp_path / name), kind): to)
        dock.form.report.click()
        assert not dock.form.report.isEnabled()
        qtbot.waitUntil(dock.form.report.isEnabled, timeout=60_000)
    assert "written as .html or .pdf" in dock.status.text()
    page = (tmp_path / "out.html").read_text("utf-8")
    assert "Evaluation of found against truth" in page and "no command repeats" in page
    assert f"{(18 * 0.3 + 2.0) / 19:.2f} mm" in page
    assert "Worst radiographs" in page
    assert page.count("data:image/jpeg") == 1 + 2  # two errors of one radiograph at most


def test_the_report_of_files_is_in_the_command(make_evaluate, choose, run, files, tmp_path, qtbot):
    _, dock = make_evaluate()
    choose(dock, "files")
    page = dock.form.files_page
    page.predictions.path = files / "found.csv"
    page.references.path = files / "truth.csv"
    page.radiographs.path = files / "scans"
    run(dock)
    assert "--report" not in dock.command()
    path = tmp_path / "out.html"
    dock.reporter.write(path, dock._result())
    qtbot.waitUntil(lambda: not dock.reporter.busy, timeout=60_000)
    assert dock.command()[-2:] == ["--report", str(path)]
    assert path.read_text("utf-8").count("data:image/jpeg") == 1 + 1 + 4  # the worst, the best, single landmarks
    run(dock)  # what is shown has no report yet
    assert "--report" not in dock.command()


# Files


def test_files(make_evaluate, choose, run, files):
    viewer, dock = make_evaluate()
    choose(dock, "files")
    page = dock.form.files_page
    page.predictions.path, page.references.path = files / "found.csv", files / "truth.csv"
    run(dock)
    assert lines(dock)[1][1] == f"{(38 * 0.4 + 5.0) / 38:.2f}"
    dock.form.table.landmark_chosen.emit(0)
    assert "The file of radiograph 'b' is not known" in dock.status.text()
    page.radiographs.path = files / "scans"
    run(dock)
    dock.form.table.landmark_chosen.emit(0)
    assert names(viewer) == ["b", "b reference", "b prediction", "error vectors"]
    assert "Sella on b: 5.40 mm" in dock.status.text()
    truth = viewer.layers["b reference"]
    np.testing.assert_allclose(
        viewer.scene.camera.center[-2:], truth.data_to_world(truth.data[0] + (0.0, 27.0)), atol=1e-6
    )
    assert not truth.editable
    dock.form.boxes.outlier_chosen.emit(0, 3)
    assert sorted(names(viewer)) == ["a", "a prediction", "a reference", "b", "error vectors"]
    assert dock.command()[:3] == ["farnet", "evaluate", "--predictions"]
    dock.copy_command.click()
    assert QGuiApplication.clipboard().text().startswith("farnet evaluate --predictions")


@pytest.mark.parametrize(
    ("predictions", "reference", "message"),
    [
        ("", "truth.csv", "Choose the predictions first"),
        ("found.csv", "", "Choose the reference first"),
        ("found.csv", "nothing.csv", "no file"),
        ("found.csv", "scans", "no annotation files"),
        ("one.csv", "truth.csv", "1 have a reference but no prediction (b)"),
        ("strange.csv", "truth.csv", "no radiograph in common"),
    ],
)
def test_files_that_cannot_be_compared(
    make_evaluate, choose, run, files, landmarks_on, radiograph, predictions, reference, message
):
    one = landmarks_on(radiograph).replace(image_shape=None, spacing=None)
    write_annotations(files / "one.csv", [one.replace(radiograph="a")])
    write_annotations(files / "strange.csv", [one.replace(radiograph="x")])
    _, dock = make_evaluate()
    choose(dock, "files")
    page = dock.form.files_page
    page.predictions.path = files / predictions if predictions else None
    page.references.path = files / reference if reference else None
    run(dock)
    assert message in dock.status.text()


def test_only_what_both_have(make_evaluate, choose, run, files, landmarks_on, radiograph):
    one = landmarks_on(radiograph).replace(image_shape=None, spacing=None)
    write_annotations(files / "one.csv", [one.replace(radiograph="a")])
    _, dock = make_evaluate()
    choose(dock, "files")
    page = dock.form.files_page
    page.predictions.path, page.references.path = files / "one.csv", files / "truth.csv"
    page.common.setChecked(True)
    page.spacing.setText("0.2")
    run(dock)
    assert "Left out, for want of a prediction: b" in dock.status.text()
    assert "--common" in dock.command()
    assert dock.command()[-2:] == ["--spacing", "0.2,0.2"]


# A model


@pytest.fixture
def model_dock(make_evaluate, choose, files):
    """(viewer, dock) that is about to run the fake model on two radiographs."""
    viewer, dock = make_evaluate()
    choose(dock, "model")
    page = dock.form.model_page
    page.kind.setCurrentIndex(page.kind.findData("own"))
    page.radiographs.path, page.references.path = files / "scans", files / "truth.csv"
    return viewer, dock


def test_a_model_on_a_folder(model_dock, run, qtbot, fake):
    viewer, dock = model_dock
    qtbot.waitUntil(lambda: dock.form.model_page.device.count() == 2)
    assert dock.form.model_page.model.currentData() == "fake"
    run(dock)
    assert fake.made == [("fake", "auto")]
    assert lines(dock)[1][1] == "0.00"
    assert "2 radiographs: mean distance 0.00 mm" in dock.status.text()
    dock.form.table.landmark_chosen.emit(0)
    assert "a prediction" in names(viewer)
    assert " ".join(dock.command()[:4]) == "farnet evaluate --model fake"
    run(dock)
    assert len(fake.made) == 1  # the model stayed loaded


def test_a_model_can_be_cancelled(model_dock, wait, fake, qtbot):
    _, dock = model_dock
    fake.delay = 0.2
    dock.form.evaluate.click()
    assert not dock.form.evaluate.isEnabled()
    assert dock.form.progress.isVisibleTo(dock)
    qtbot.waitUntil(lambda: bool(fake.stages), timeout=5_000)
    dock.form.cancel.click()
    assert dock.form.cancel.text().startswith("Cancelling")
    wait(dock)
    assert "Cancelled" in dock.status.text()
    assert len(fake.stages) < 6
    assert lines(dock) == []


def test_a_model_that_fails(model_dock, run, fake):
    _, dock = model_dock
    fake.fail = DeviceError("cuda has too little free memory")
    run(dock)
    assert "too little free memory" in dock.status.text()
    fake.fail = RuntimeError("shapes cannot be multiplied")
    run(dock)
    assert "shapes cannot be multiplied" in dock.status.text()
    assert "none of 2 radiographs" in notification_manager.records[-1].message


def test_the_data_set_is_asked_for(make_evaluate, choose):
    _, dock = make_evaluate()
    choose(dock, "model")
    dock.form.evaluate.click()
    assert "Choose the data set first" in dock.status.text()
    dock.form.model_page.data.path = "isbi"
    dock.form.model_page.observer.setCurrentIndex(2)
    of = ("--dataset", "isbi2015", "--split", "test1", "--observer", "senior")
    assert dock.command() == ["farnet", "evaluate", "--model", "fake", "--data", "isbi", *of]


@pytest.mark.parametrize("what", ["dock", "viewer"])
def test_closed_while_a_model_runs(model_dock, fake, qtbot, what):
    viewer, dock = model_dock
    fake.delay = 0.1
    dock.form.evaluate.click()
    qtbot.waitUntil(lambda: bool(fake.stages), timeout=5_000)
    if what == "dock":
        viewer.window.remove_dock_widget(dock)
        dock.deleteLater()
    else:
        viewer.close()
    del dock, viewer, model_dock
    qtbot.waitUntil(lambda: fake.closed == 1, timeout=5_000)
    qtbot.wait(100)


def test_a_dock_that_is_closed_follows_nothing_any_more(two_layers, run, drag, qtbot):
    viewer, dock = two_layers()
    run(dock)
    viewer.window.remove_dock_widget(dock)
    dock.deleteLater()
    del dock
    qtbot.wait(50)
    drag(viewer.layers["found"], 4, (-5.0, 0.0))
    viewer.layers.remove("found")
    qtbot.wait(250)


# Observers


def test_observers_in_layers(two_layers, choose, run, landmarks_on, radiograph):
    viewer, dock = two_layers()
    truth = landmarks_on(radiograph)
    third = truth.replace(points=truth.points + np.array([0.0, 5.0]))
    add_landmarks(viewer, viewer.layers["skull"], third, name="third")
    choose(dock, "observers")
    page = dock.form.observers_page
    assert {layer.name for layer in page.layers.layers()} == {"truth", "found", "third"}
    page.model_layer.choose(viewer.layers["found"])
    run(dock)
    table = lines(dock)
    assert table[0][1:3] == ["Observers (mm)", "95 % CI"]
    assert table[1][1] == "1.00"  # 5 columns of 0.2 mm
    assert dock.form.result.count() == 1 + 1 + 2
    dock.form.result.setCurrentIndex(1)
    assert lines(dock)[0][1] == "MRE (mm)"
    dock.form.table.landmark_chosen.emit(4)
    assert "on skull: 1.00 mm" in dock.status.text()
    with pytest.raises(InvalidInputError, match="not from one"):
        dock.command()
    page.model_layer.setCurrentIndex(0)
    for i in range(page.layers.count()):
        page.layers.item(i).setCheckState(Qt.CheckState.Unchecked)
    dock.form.evaluate.click()
    assert "Tick two or more layers" in dock.status.text()


def test_observers_in_files(make_evaluate, choose, run, files, tmp_path):
    viewer, dock = make_evaluate()
    choose(dock, "observers")
    page = dock.form.observers_page
    page.source.setCurrentIndex(1)
    dock.form.evaluate.click()
    assert "Add the files of the observers first" in dock.status.text()
    page.add_file(f"anna={files / 'truth.csv'}")
    page.add_file(str(files / "found.csv"))
    page.radiographs.path = files / "scans"
    run(dock)
    assert lines(dock)[1][1] == f"{(38 * 0.4 + 5.0) / 38:.2f}"
    dock.form.table.landmark_chosen.emit(0)
    assert names(viewer)[1:3] == ["b found", "b anna"]
    assert dock.command() == ["farnet", "observers", f"anna={files / 'truth.csv'}", str(files / "found.csv")]
    dock.save_tables(tmp_path / "study.csv")
    assert "inter-observer" in (tmp_path / "study.csv").read_text()
    page.files.item(0).setSelected(True)
    page._remove()
    run(dock)
    assert "nobody to compare with" in dock.status.text()


def test_the_command_of_layers_needs_their_files(two_layers, files):
    viewer, dock = two_layers()
    with pytest.raises(InvalidInputError, match="'found' is not from one"):
        dock.command()
    dock.copy_command.click()
    assert "Save the layers" in dock.status.text()
    for name in ("truth", "found"):
        viewer.layers.remove(name)
        viewer.open(str(files / f"{name}.csv"), plugin="napari-farnet")
    layers = {layer.source.path: layer for layer in viewer.layers if layer.source.path}
    dock.form.layers_page.predictions.choose(layers[str(files / "found.csv")])
    dock.form.layers_page.references.choose(layers[str(files / "truth.csv")])
    expected = [
        "farnet",
        "evaluate",
        "--predictions",
        str(files / "found.csv"),
        "--reference",
        str(files / "truth.csv"),
    ]
    assert dock.command() == expected


# Looks


def test_plots_wait_until_they_are_seen_and_follow_the_theme(two_layers, run, qtbot):
    viewer, dock = two_layers(show=True)
    run(dock)
    assert dock.form.curve.plot is None and dock.form.boxes.plot is None
    dock.form.tabs.setCurrentWidget(dock.form.curve)
    qtbot.waitUntil(lambda: dock.form.curve.plot is not None)
    items = dock.form.curve.plot.getPlotItem().listDataItems()
    assert len(items) == 1
    assert items[0].getData()[1][-1] == 100.0
    dock.form.curve.choose(4)
    assert len(dock.form.curve.plot.getPlotItem().listDataItems()) == 2
    dark = dock.form.curve.plot.backgroundBrush().color().name()
    viewer.theme = "light"
    assert dock.form.curve.plot.backgroundBrush().color().name() != dark
    dock.form.tabs.setCurrentWidget(dock.form.boxes)
    qtbot.waitUntil(lambda: dock.form.boxes.plot is not None)
    dock.form.boxes.click(1.0, -4.2)
    assert "2.00 mm" in dock.status.text()
    assert dock.form.table.landmark() == [4]


def test_every_control_explains_itself(make_evaluate):
    from qtpy.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QProgressBar, QSpinBox

    _, dock = make_evaluate()
    silent = [
        control
        for kind in (QAbstractButton, QComboBox, QProgressBar, QSpinBox, QLineEdit)
        for control in dock.form.findChildren(kind)
        if not control.toolTip()
        and not control.objectName().startswith("qt_")
        and not isinstance(control.parent(), QSpinBox)
        and control.metaObject().className() not in ("QTableCornerButton", "QToolButton")
    ]
    assert silent == []


def test_it_fits_a_small_screen(make_evaluate, choose):
    _, dock = make_evaluate()
    for mode in ("layers", "files", "model", "observers", "blind"):
        choose(dock, mode)
        size = dock.form.minimumSizeHint()
        assert size.width() < 420, mode
        assert size.height() < 620, mode


def test_menu(make_napari_viewer, plugin, fake):
    viewer = make_napari_viewer()
    from napari._app_model import get_app_model

    get_app_model().commands.execute_command("napari-farnet.evaluate").result()
    assert any("Evaluate landmarks" in name for name in viewer.window.dock_widgets)
