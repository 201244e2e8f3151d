"""Copies of unsaved work: offered for the same radiograph only, never written over, listed and removed."""

from __future__ import annotations

import os
import time
from functools import partial

import numpy as np
import pytest
from PIL import Image

from farnet.autosave import Autosave, Work, autosave_folder
from farnet.radiograph import Radiograph, read_radiograph
from napari_farnet.opening import add_landmarks, add_radiograph


@pytest.fixture
def open_dock(make_napari_viewer_proxy, plugin, fake):
    def make():
        viewer = make_napari_viewer_proxy()
        _, dock = viewer.window.add_plugin_dock_widget("napari-farnet", "Correct landmarks")
        return viewer, dock

    return make


@pytest.fixture
def patients(tmp_path):
    """Two patients' pictures of one name and size."""
    files = []
    for number, patient in enumerate("AB"):
        folder = tmp_path / f"patient-{patient}"
        folder.mkdir()
        pixels = np.random.default_rng(number).integers(0, 255, (120, 90), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "lateral.png")
        files.append(folder / "lateral.png")
    return files


def begin(viewer, dock, reader, file):
    """Open a picture alone and begin an empty layer on it; gives that layer."""
    viewer.layers.clear()
    if reader == "napari":
        viewer.open(file, plugin=reader)
    elif reader == "napari-farnet":
        add_radiograph(viewer, read_radiograph(file))
    else:
        viewer.add_image(np.asarray(Image.open(file)), name="lateral")
    dock.start_empty("cephalometric19")
    return viewer.layers[-1]


@pytest.mark.parametrize("reader", ["napari", "napari-farnet", "array"])
def test_two_patients_of_one_name_never_share_a_copy(open_dock, patients, reader):
    viewer, dock = open_dock()

    one, other = patients
    start = partial(begin, viewer, dock, reader)
    start(one).add((10.0, 20.0))
    dock._recovery.flush()
    layer = start(other)
    assert dock.form.recovery.isHidden()
    layer.add((70.0, 80.0))
    dock._recovery.flush()
    assert len(Autosave(autosave_folder()).copies()) == 2
    for file, point in ((one, (10.0, 20.0)), (other, (70.0, 80.0))):
        layer = start(file)
        assert "Corrections of this radiograph" in dock.form.recovery_text.text()
        dock.form.restore_requested.emit()
        np.testing.assert_array_equal(layer.data, [point])


def test_what_only_a_name_speaks_for_is_said_to_be_uncertain(open_dock, landmarks_on, radiograph):
    viewer, dock = open_dock()
    unproved = landmarks_on(radiograph).replace(provenance={})
    store = Autosave(autosave_folder())
    moved = unproved.replace(points=unproved.points + 1.0)
    store.store(Work.of([unproved]), [moved])
    image = add_radiograph(viewer, radiograph)
    layer = add_landmarks(viewer, image, unproved, name="by name")
    assert "may be of another radiograph" in dock.form.recovery_text.text()
    np.testing.assert_array_equal(layer.data, unproved.points)
    dock.form.restore_requested.emit()
    np.testing.assert_array_equal(layer.data, moved.points)


def test_a_copy_that_was_offered_is_not_written_over(open_dock, radiograph, landmarks_on, drag):
    viewer, dock = open_dock()
    landmarks = landmarks_on(radiograph)
    store = Autosave(autosave_folder())
    earlier = landmarks.replace(points=landmarks.points + 3.0)
    store.store(Work.of([landmarks]), [earlier])
    layer = add_landmarks(viewer, add_radiograph(viewer, radiograph), landmarks, name="predicted")
    drag(layer, 4, (3.0, -2.0))
    dock._recovery.flush()
    assert len(store.copies()) == 2
    assert not dock.form.recovery.isHidden()
    dock.form.restore_requested.emit()
    np.testing.assert_array_equal(layer.data, earlier.points)
    dock.act("undo")
    np.testing.assert_allclose(layer.data[4], landmarks.points[4] + (3.0, -2.0))


def test_old_copies_are_removed_and_told(open_dock, radiograph, landmarks_on, caplog):
    store = Autosave(autosave_folder())
    file = store.store(Work.of([landmarks_on(radiograph)]), [landmarks_on(radiograph)])
    old = time.time() - 31 * 24 * 3600
    os.utime(file, (old, old))
    open_dock()
    assert not file.exists()
    assert "older than 30 days" in caplog.text


def test_copies_are_listed_opened_and_removed(open_dock, radiograph, radiograph_pixels, landmarks_on):
    viewer, dock = open_dock()
    store = Autosave(autosave_folder())
    for number in range(3):
        other = Radiograph.from_array(radiograph_pixels + np.uint8(number + 1), name=f"<b>skull</b>{number}")
        store.store(Work.of([landmarks_on(other)]), [landmarks_on(other)])
    window = dock.show_copies()
    assert window.list.count() == 3
    assert not window.remove.isEnabled()
    window.list.setCurrentRow(0)
    window.open_chosen.click()
    assert len(viewer.layers[-1].data) == 19
    window.remove.click()
    assert window.list.count() == 2
    assert len(store.copies()) == 2
    window.remove_all.click()
    assert store.copies() == []
    assert "no copies" in window.text.text()
    window.close()
