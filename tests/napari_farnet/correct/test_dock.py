"""The dock "Correct landmarks" in a real window."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from qtpy.QtWidgets import QApplication, QWidget

from farnet.autosave import Autosave, Work, autosave_folder
from farnet.formats import read_annotations, write_annotations
from farnet.frame import Frame
from napari_farnet.layers import heatmaps_layer, landmarks_layer
from napari_farnet.opening import add_landmarks, add_radiograph
from napari_farnet.placement import Placement
from napari_farnet.session import follow
from napari_farnet.settings import Settings


@pytest.fixture
def open_dock(make_napari_viewer_proxy, plugin, fake):
    def make():
        viewer = make_napari_viewer_proxy()
        _, dock = viewer.window.add_plugin_dock_widget("napari-farnet", "Correct landmarks")
        return viewer, dock

    return make


@pytest.fixture
def scene(open_dock, radiograph, landmarks_on):
    """A viewer with a radiograph, 17 of 19 landmarks, and the dock."""
    viewer, dock = open_dock()
    image = add_radiograph(viewer, radiograph)
    layer = add_landmarks(viewer, image, landmarks_on(radiograph, absent=(2, 6)), name="predicted")
    return viewer, dock, layer


def states(dock):
    return [dock.form.table.data(dock.form.table.index(row, 1)) for row in range(dock.form.table.rowCount())]


def test_it_lists_the_landmarks_and_what_is_missing(scene):
    _, dock, _ = scene
    assert dock.form.table.rowCount() == 19
    assert states(dock)[2].endswith("missing")
    assert states(dock)[0].endswith("predicted")
    assert dock.form.progress.text() == "0/19 reviewed"
    assert "19 of 19 still to be looked at" in dock.status.text()


@pytest.fixture
def without_anatomy(monkeypatch):
    """No shape model: what the fake detector finds is no anatomy."""
    from napari_farnet.correct import evidence

    monkeypatch.setattr(evidence, "load_shape_model", lambda _scheme: None)


def test_next_goes_to_what_most_needs_a_look(without_anatomy, scene):
    viewer, dock, layer = scene
    dock.act("next")
    assert dock.form.landmark == 2  # missing
    dock.act("next")
    dock.act("next")
    k = dock.form.landmark
    assert layer.features["name"][next(iter(layer.selected_data))] == "Articulare"  # the least certain
    np.testing.assert_allclose(
        viewer.scene.camera.center[-2:], layer.data_to_world(layer.data[next(iter(layer.selected_data))]), atol=1e-6
    )
    assert "Articulare" in dock.form.card.text()
    dock.act("accept")
    assert states(dock)[k].endswith("accepted")
    assert dock.form.progress.text() == "1/19 reviewed"
    assert dock.form.landmark != k
    dock.act("back")
    assert dock.form.landmark == k


def test_clicks_place_the_missing_landmarks_one_after_another(scene):
    viewer, dock, layer = scene
    dock.act("place")
    assert str(layer.mode) == "add"
    assert "Click where Orbitale is (2 to place)" in dock.status.text()
    assert "Orbitale" in viewer.help
    layer.add((50.0, 60.0))
    assert "Click where Pogonion is (1 to place)" in dock.status.text()
    layer.add((70.0, 80.0))
    assert str(layer.mode) == "select"
    assert layer.features["name"].tolist().count("Orbitale") == 1
    assert states(dock)[2].endswith("placed")
    assert not dock.form.buttons["place"].isChecked()


def test_the_landmark_that_is_chosen_is_placed_first(scene):
    _, dock, layer = scene
    dock.form.choose_landmark(6)
    dock.act("place")
    layer.add((50.0, 60.0))
    assert layer.features["name"].iat[-1] == "Pogonion"


def test_leaving_the_mode_ends_placing(scene):
    _, dock, layer = scene
    dock.act("place")
    layer.mode = "pan_zoom"
    assert not dock.form.buttons["place"].isChecked()
    assert follow(layer).target is None


def test_marking_as_absent_goes_on(scene):
    _, dock, layer = scene
    dock.act("place")
    dock.act("absent")
    assert states(dock)[2].endswith("absent")
    assert "Pogonion" in dock.status.text()
    dock.form.choose_landmark(0)
    dock.act("absent")
    assert "Sella" not in layer.features["name"].tolist()


def test_undo_and_redo_with_a_log(scene, drag):
    _, dock, layer = scene
    before = layer.data.copy()
    assert not dock.form.buttons["undo"].isEnabled()
    drag(layer, 4, (3.0, -2.0))
    dock.form.choose_landmark(0)
    dock.act("absent")
    assert len(layer.data) == 16
    dock.act("undo")
    dock.act("undo")
    np.testing.assert_allclose(np.sort(layer.data, axis=0), np.sort(before, axis=0))
    assert not layer.features["edited"].any()
    assert not dock.form.buttons["undo"].isEnabled()
    dock.act("redo")
    dock.act("redo")
    assert len(layer.data) == 16
    log = dock.form.log
    actions = [log.data(log.index(row, 2)) for row in range(log.rowCount())]
    assert actions == ["redone", "redone", "undone", "undone", "marked absent", "moved"]
    assert "mm (3.6 px)" in log.data(log.index(5, 5))


def test_a_deleted_point_can_be_brought_back(scene):
    _, dock, layer = scene
    layer.selected_data = {0}
    layer.remove_selected()
    assert states(dock)[0].endswith("missing")
    dock.act("undo")
    assert "Sella" in layer.features["name"].tolist()


def test_pasting_makes_no_second_point(scene):
    _viewer, _, layer = scene
    layer.selected_data = {0}
    layer._copy_data()
    bound = {str(key): function for key, function in layer.keymap.items()}
    bound["Ctrl+V"](layer)
    assert len(layer.data) == 17
    assert layer.features["name"].is_unique


def test_an_implausible_place_is_warned_of_and_comes_first(open_dock, drag):
    from farnet.samples import average_cephalogram

    viewer, dock = open_dock()
    radiograph, landmarks = average_cephalogram()
    layer = add_landmarks(viewer, add_radiograph(viewer, radiograph), landmarks, name="predicted")
    assert not any("\N{WARNING SIGN}" in dock.form.table.data(dock.form.table.index(row, 0)) for row in range(19))
    drag(layer, 9, (-75.0, 0.0))  # gonion, 15 mm up
    dock.act("reopen")
    dock.form.choose_landmark(-1)
    dock.act("next")
    assert dock.form.landmark == 9
    assert "Unusual place" in dock.form.card.text()


def test_a_mirror_image_is_told(open_dock):
    from farnet.samples import average_cephalogram

    viewer, dock = open_dock()
    radiograph, landmarks = average_cephalogram()
    points = landmarks.points.copy()
    points[:, 1] = radiograph.shape[1] - 1 - points[:, 1]
    add_landmarks(viewer, add_radiograph(viewer, radiograph), landmarks.replace(points=points), name="flipped")
    assert "mirror image" in dock.status.text()


@pytest.fixture
def with_heatmaps(scene, radiograph, landmarks_on, heatmaps_at):
    viewer, dock, layer = scene
    frame = Frame.fit(radiograph.shape, (64, 48))
    maps = heatmaps_at(frame.to_network(landmarks_on(radiograph).points))
    maps[4] += 0.6 * maps[9]  # a rival peak where gonion is
    from napari.layers import Layer

    heatmaps = Layer.create(*heatmaps_layer(maps[None], frame, (), (), Placement.of(layer), name="maps"))
    viewer.layers.insert(1, heatmaps)
    follow(layer).show_heatmaps_in(heatmaps)
    viewer.layers.selection.active = layer
    return viewer, dock, layer


def test_snap_moves_to_the_nearest_peak(with_heatmaps, drag, landmarks_on, radiograph):
    _, dock, layer = with_heatmaps
    row = layer.features["name"].tolist().index("Supramentale")
    drag(layer, row, (6.0, -4.0))
    assert dock.form.landmark == 5
    dock.act("snap")
    np.testing.assert_allclose(layer.data[row], landmarks_on(radiograph).points[5], atol=0.05)


def test_rival_peaks_are_shown_as_rings(with_heatmaps, landmarks_on, radiograph):
    viewer, dock, layer = with_heatmaps
    dock.go_to(4)
    (ghosts,) = [item for item in viewer.layers if item.name == "other peaks"]
    assert ghosts.visible
    np.testing.assert_allclose(ghosts.data, landmarks_on(radiograph).points[[9]], atol=0.5)
    assert viewer.layers.selection.active == layer
    assert dock.layers.findText("other peaks") < 0
    dock.go_to(0)
    assert not ghosts.visible
    viewer.layers.remove(ghosts)
    dock.go_to(4)
    assert "other peaks" in [item.name for item in viewer.layers]


def test_a_point_off_its_heatmap_is_warned_of(with_heatmaps, drag):
    _, dock, layer = with_heatmaps
    drag(layer, 0, (70.0, 0.0))
    assert "\N{WARNING SIGN}" in dock.form.table.data(dock.form.table.index(0, 0))
    dock.go_to(0)
    assert "Outside its heatmap" in dock.form.card.text()


def test_heatmaps_that_are_seen_are_ticked(with_heatmaps):
    viewer, dock, layer = with_heatmaps
    viewer.layers.selection.active = viewer.layers[0]
    dock.layers.changed.emit()  # as when the layer is chosen anew
    assert dock.form.heatmaps.isChecked()
    dock.form.heatmaps.setChecked(False)
    assert not follow(layer).heatmaps.visible


def test_heatmaps_are_made_when_there_are_none(scene, qtbot):
    viewer, dock, layer = scene
    points = layer.data.copy()
    dock.form.heatmaps.setChecked(True)
    qtbot.waitUntil(lambda: follow(layer).heatmaps is not None, timeout=5000)
    np.testing.assert_array_equal(layer.data, points)
    dock.act("snap")
    dock.form.choose_landmark(0)
    dock.act("snap")
    assert viewer.layers.selection.active == layer
    dock.form.heatmaps.setChecked(False)
    assert not follow(layer).heatmaps.visible


def test_snapping_without_heatmaps_says_so(scene):
    _, dock, _ = scene
    dock.act("snap")
    assert "Choose a landmark first" in dock.status.text()
    dock.form.choose_landmark(0)
    dock.act("snap")
    assert "no heatmap of Sella" in dock.status.text()


def test_it_starts_from_nothing(open_dock, radiograph):
    viewer, dock = open_dock()
    dock.start_empty("cephalometric19")
    assert "no radiograph in the viewer" in dock.status.text()
    add_radiograph(viewer, radiograph)
    dock.start_empty("cephalometric19")
    (layer,) = [item for item in viewer.layers if "landmarks" in item.name]
    assert len(layer.data) == 0
    for number in range(19):
        layer.add((10.0 + 3 * number, 20.0 + 5 * number))
    assert layer.features["name"].tolist() == [str(name) for name in follow(layer).record.scheme.names]
    assert dock.form.progress.text() == "19/19 reviewed"
    assert "All 19 landmarks are reviewed" in dock.status.text()


def test_it_starts_with_the_landmarks_of_an_installed_model(open_dock, radiograph, tmp_path, monkeypatch):
    from farnet.inputs import InputConfig
    from farnet.modelfile import DecoderConfig, ModelMetadata, save_model
    from farnet.networks import NetworkConfig, build_network
    from farnet.scheme import LandmarkDefinition, LandmarkScheme

    knee = LandmarkScheme("knee", "Knee, 2 landmarks", tuple(LandmarkDefinition(f"p{i}", f"p{i}") for i in range(2)))
    monkeypatch.setenv("FARNET_MODELS", str(tmp_path))
    about = ModelMetadata(
        name="knee",
        title="Knees",
        network=NetworkConfig(backbone="efficientnet_lite0", width=8, landmarks=2),
        input=InputConfig(height=64, width=64),
        decoder=DecoderConfig(sigma=3.0),
        scheme=knee.to_dict(),
    )
    save_model(tmp_path / "knee.safetensors", build_network(about.network), about, half=True)
    viewer, dock = open_dock()
    add_radiograph(viewer, radiograph)
    menu = dock.form.new.menu()
    for _ in range(2):  # it is offered once, however often the menu is opened
        menu.aboutToShow.emit()
    (entry,) = [action for action in menu.actions() if action.text() == "Knee, 2 landmarks"]
    entry.trigger()
    assert dock.layers.layer() is not None
    assert follow(dock.layers.layer()).record.scheme == knee


def test_points_of_somebody_else_are_taken_over(open_dock, radiograph):
    viewer, dock = open_dock()
    add_radiograph(viewer, radiograph)
    theirs = viewer.add_points([[1.0, 2.0], [3.0, 4.0]], features={"label": ["N", "S"]}, name="theirs")
    assert "was not made by FARNet" in dock.status.text()
    assert dock.form.table.rowCount() == 0
    dock.take_over()
    assert dock.form.table.rowCount() == 19
    assert states(dock)[0].endswith("predicted")
    assert not theirs.visible
    np.testing.assert_array_equal(theirs.data, [[1.0, 2.0], [3.0, 4.0]])


def test_points_without_names_are_refused(open_dock, radiograph):
    viewer, dock = open_dock()
    add_radiograph(viewer, radiograph)
    viewer.add_points([[1.0, 2.0]], name="spots")
    dock.take_over()
    assert "have no names" in dock.status.text()
    assert dock.form.table.rowCount() == 0


def test_a_stack_is_gone_through_slice_by_slice(open_dock, radiograph, landmarks_on, radiograph_pixels):
    viewer, dock = open_dock()
    viewer.add_image(np.stack([radiograph_pixels] * 3), name="stack")
    stack = [landmarks_on(radiograph).replace(radiograph=f"r{i}") for i in range(3)]
    layer = viewer.add_layer(
        _made(landmarks_layer(stack, [(0,), (1,), (2,)], Placement.of(viewer.layers[0]), name="p", settings=Settings()))
    )
    dock.layers.choose(layer)
    viewer.dims.set_point(0, 0)
    assert dock.form.radiographs.count() == 3
    dock.act("next_radiograph")
    assert viewer.dims.current_step[0] == 1
    dock.form.choose_landmark(3)
    dock.act("accept")
    assert states(dock)[3].endswith("accepted")
    dock.act("previous_radiograph")
    assert states(dock)[3].endswith("predicted")
    viewer.dims.set_point(0, 2)
    assert dock.form.radiographs.currentIndex() == 2
    dock.act("undo")
    assert viewer.dims.current_step[0] == 1  # it shows what it takes back
    dock.act("next_radiograph")
    dock.act("next_radiograph")
    assert "no further radiograph" in dock.status.text()


def _made(data):
    from napari.layers import Layer

    return Layer.create(*data)


@pytest.fixture
def folder(tmp_path, landmarks_on):
    from farnet.radiograph import read_radiograph

    found = []
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 255, (120 + 10 * number, 90), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"p{number}.png")
        found.append(landmarks_on(read_radiograph(tmp_path / f"p{number}.png")))
    write_annotations(tmp_path / "landmarks.csv", found)
    return tmp_path


def test_a_folder_is_gone_through_and_nothing_is_lost(open_dock, folder, drag, qtbot):
    viewer, dock = open_dock()
    predictions = (folder / "landmarks.csv").read_bytes()
    dock.open_folder(folder)
    image, layer = viewer.layers
    assert image.name == "p0"
    drag(layer, 0, (4.0, 2.0))
    moved = layer.data[0].copy()
    dock.act("next_radiograph")
    assert [item.name for item in viewer.layers] == ["p1", "p1 landmarks"]
    assert viewer.layers[0].unique_id == image.unique_id
    assert image.data.shape == (130, 90)
    assert not layer.features["edited"].any()
    assert not dock.form.buttons["undo"].isEnabled()
    (saved,) = read_annotations(folder / "corrections" / "p0.csv")
    np.testing.assert_array_equal(saved.points[0], moved)
    dock.act("previous_radiograph")
    np.testing.assert_array_equal(layer.data[0], moved)
    assert states(dock)[0].endswith("edited")
    assert dock.form.radiographs.itemText(0).startswith("\N{CHECK MARK}")
    drag(layer, 1, (1.0, 1.0))
    qtbot.waitUntil(lambda: read_annotations(folder / "corrections" / "p0.csv")[0].edited[1], timeout=3000)
    assert (folder / "landmarks.csv").read_bytes() == predictions
    dock.export(folder / "all.csv")
    assert "corrections of 1 radiographs" in dock.status.text()
    assert dock.command() == ["farnet", "review", str(folder / "corrections")]
    dock.close_folder()
    assert dock.form.walk.isHidden()


def test_a_session_of_a_stack_holds_every_radiograph(
    open_dock, radiograph, landmarks_on, radiograph_pixels, qtbot, tmp_path
):
    viewer, dock = open_dock()
    assert not dock.form.export.isEnabled()
    both = [landmarks_on(radiograph).replace(radiograph=name) for name in ("one", "two")]
    image = viewer.add_image(np.stack([radiograph_pixels] * 2))
    data, keywords, _ = landmarks_layer(both, [(0,), (1,)], Placement.of(image), name="both", settings=Settings())
    viewer.add_points(data, **keywords)
    dock.form.reader.setText("AB")
    dock.act("next")
    dock.act("accept")
    assert dock.form.export.isEnabled()
    assert not dock.form.export_file.isEnabled()
    dock.export_session(tmp_path / "session")
    qtbot.waitUntil(lambda: "is in" in dock.status.text(), timeout=20_000)
    assert str(tmp_path / "session") in dock.status.text()
    found = read_annotations(tmp_path / "session" / "landmarks.csv")
    assert [item.radiograph for item in found] == ["radiograph-01", "radiograph-02"]
    key = (tmp_path / "session-key.csv").read_text(encoding="utf-8")
    assert "radiograph-01,one," in key and "session-key.csv" in dock.status.text()
    assert "accepted" in (tmp_path / "session" / "log.csv").read_text()
    dock.export_session(tmp_path / "session")
    qtbot.waitUntil(lambda: "not empty" in dock.status.text(), timeout=20_000)


def test_a_session_of_a_folder_holds_its_corrections(open_dock, folder, qtbot, monkeypatch):
    from qtpy.QtWidgets import QFileDialog

    _, dock = open_dock()
    dock.open_folder(folder)
    asked = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *words: (asked.append(words[2]) or words[2], ""))
    dock.form.export_session.trigger()
    qtbot.waitUntil(lambda: "no corrections yet" in dock.status.text(), timeout=20_000)
    dock.act("next")
    dock.act("accept")
    assert dock.form.export_file.isEnabled()
    dock.form.export_session.trigger()
    qtbot.waitUntil(lambda: "The session of 1 radiograph" in dock.status.text(), timeout=20_000)
    assert asked[-1] == str(folder / "session")
    assert len(read_annotations(folder / "session" / "landmarks.csv")) == 1


def test_a_folder_opens_where_one_left_off(open_dock, folder, drag):
    viewer, dock = open_dock()
    dock.open_folder(folder)
    drag(viewer.layers[1], 0, (4.0, 2.0))
    dock.close_folder()
    dock.open_folder(folder)
    assert viewer.layers[-1].name == "p1 landmarks"


def test_a_broken_radiograph_is_spoken_of_and_the_next_is_there(open_dock, folder):
    viewer, dock = open_dock()
    (folder / "p1.png").write_bytes(b"no picture")
    dock.open_folder(folder)
    dock.act("next_radiograph")
    assert "p1.png" in dock.status.text()
    assert viewer.layers[0].name == "p0"
    dock.show_radiograph(2)
    assert viewer.layers[0].name == "p2"


def test_a_folder_of_nothing_is_refused(open_dock, tmp_path):
    viewer, dock = open_dock()
    dock.open_folder(tmp_path)
    assert "holds no radiographs" in dock.status.text()
    assert not viewer.layers


def test_unsaved_work_is_offered_after_a_crash(open_dock, radiograph, landmarks_on, drag, qtbot):
    viewer, dock = open_dock()
    image = add_radiograph(viewer, radiograph)
    landmarks = landmarks_on(radiograph)
    layer = add_landmarks(viewer, image, landmarks, name="predicted")
    drag(layer, 4, (3.0, -2.0))
    moved = layer.data[4].copy()
    store = Autosave(autosave_folder())
    qtbot.waitUntil(lambda: store.find(Work.of([landmarks])) is not None, timeout=3000)
    viewer.layers.remove(layer)  # as after a crash: the layer is gone, the copy is there
    again = add_landmarks(viewer, image, landmarks, name="predicted again")
    assert not dock.form.recovery.isHidden()
    dock.form.restore_requested.emit()
    np.testing.assert_array_equal(again.data[4], moved)
    assert states(dock)[4].endswith("edited")
    assert dock.form.recovery.isHidden()
    dock.act("undo")
    np.testing.assert_array_equal(again.data[4], landmarks.points[4])


def test_a_damaged_copy_is_put_aside(open_dock, radiograph, landmarks_on):
    viewer, dock = open_dock()
    landmarks = landmarks_on(radiograph)
    file = Autosave(autosave_folder()).store(Work.of([landmarks]), [landmarks])
    file.write_bytes(b"\x00\x01")
    image = add_radiograph(viewer, radiograph)
    layer = add_landmarks(viewer, image, landmarks, name="predicted")
    dock.form.restore_requested.emit()
    assert "was put aside" in dock.status.text()
    np.testing.assert_array_equal(layer.data, landmarks.points)


def test_saving_ends_the_need_for_a_copy(open_dock, radiograph, landmarks_on, drag, qtbot, tmp_path):
    viewer, _dock = open_dock()
    image = add_radiograph(viewer, radiograph)
    landmarks = landmarks_on(radiograph)
    layer = add_landmarks(viewer, image, landmarks, name="predicted")
    drag(layer, 4, (3.0, -2.0))
    store = Autosave(autosave_folder())
    qtbot.waitUntil(lambda: store.find(Work.of([landmarks])) is not None, timeout=3000)
    layer.save(str(tmp_path / "out.csv"), plugin="napari-farnet")
    assert store.find(Work.of([landmarks])) is None
    (saved,) = read_annotations(tmp_path / "out.csv")
    assert saved.provenance["review"]["reviewed"] == [saved.scheme.names[4]]


def test_the_keys_do_what_they_say(scene, qtbot):
    _viewer, dock, layer = scene
    keys = {str(key): function for key, function in layer.keymap.items()}
    keys["N"](layer)
    assert dock.form.landmark == 2
    dock.form.choose_landmark(0)
    keys["Y"](layer)
    assert states(dock)[0].endswith("accepted")
    keys["Ctrl+Z"](layer)
    assert states(dock)[0].endswith("predicted")
    assert not {"1", "2", "3", "4", "5", "A", "P", "S", "Z", "V"} & set(keys)


def test_it_survives_what_happens_to_its_layers(scene, drag):
    viewer, dock, layer = scene
    layer.name = "renamed"
    assert dock.layers.currentText() == "renamed"
    viewer.layers.move(0, 2)
    drag(layer, 0, (1.0, 1.0))
    viewer.layers.clear()
    assert dock.form.table.rowCount() == 0
    for action in ("next", "undo", "place", "next_radiograph"):
        dock.act(action)


def test_closing_gives_the_keys_back(scene, qtbot):
    viewer, dock, layer = scene
    viewer.window.remove_dock_widget(dock)
    QApplication.processEvents()
    dock.deleteLater()
    QApplication.processEvents()
    qtbot.waitUntil(lambda: "N" not in {str(key) for key in layer.keymap}, timeout=2000)
    layer.selected_data = {0}
    layer.data = layer.data + 1.0


def test_every_control_says_what_it_does(scene):
    _, dock, _ = scene
    from qtpy.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QTableView

    for kind in (QAbstractButton, QComboBox, QLineEdit, QTableView):
        for widget in dock.form.findChildren(kind):
            inner = widget.objectName().startswith("qt_") or isinstance(widget.parent(), QComboBox | QTableView)
            named_by_parent = isinstance(widget.parent(), QWidget) and widget.parent().objectName().startswith("qt_")
            assert widget.toolTip() or inner or named_by_parent or not widget.text(), widget


def test_it_fits_a_small_screen(scene):
    _, dock, _ = scene
    assert dock.minimumSizeHint().height() < 500
    assert dock.minimumSizeHint().width() < 480


def test_alt_click_snaps(with_heatmaps, landmarks_on, radiograph):
    from types import SimpleNamespace

    _viewer, dock, layer = with_heatmaps
    dock.go_to(7)
    target = landmarks_on(radiograph).points[7]
    event = SimpleNamespace(
        modifiers=("Alt",), position=layer.data_to_world(target + np.array([5.0, 3.0])), type="mouse_press"
    )
    gesture = dock._on_click(layer, event)
    next(gesture)
    event.type = "mouse_release"
    next(gesture, None)
    row = layer.features["name"].tolist().index("Menton")
    np.testing.assert_allclose(layer.data[row], target, atol=0.05)
