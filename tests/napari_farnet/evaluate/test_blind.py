"""A blind reading in the viewer: nothing tells whose radiograph it is, and what was read is never lost."""

from __future__ import annotations

import numpy as np
import pytest

from farnet.evaluation.blind import read_key, reveal
from farnet.formats import read_annotations
from farnet.scheme import load_scheme

SCHEME = load_scheme("cephalometric19")


def names(viewer):
    return [str(layer.name) for layer in viewer.layers]


@pytest.fixture
def reading(make_evaluate, choose, files):
    """Opens a dock that is about to read the two radiographs of `files`; gives (viewer, dock)."""

    def make():
        viewer, dock = make_evaluate()
        choose(dock, "blind")
        page = dock.form.blind_page
        page.folder.path, page.study.path = files / "scans", files / "study"
        page.reader.setText("Anna")
        page.seed.setValue(4)
        return viewer, dock

    return make


def place(viewer, shift=0.0):
    """Click all landmarks of the radiograph that is shown."""
    layer = viewer.layers[-1]
    for k in range(19):
        layer.add((20.0 + 5 * k + shift, 30.0 + 2 * k))
    return layer


def test_a_reading_from_beginning_to_end(reading, files, radiograph_pixels):
    viewer, dock = reading()
    viewer.add_image(radiograph_pixels, name="Mrs Smith")
    viewer.add_points(np.ones((1, 2)), features={"name": ["Sella"]}, name="Ben")
    viewer.layers["Ben"].visible = False
    page = dock.form.blind_page
    page.begin.click()
    assert names(viewer) == ["hidden 1", "hidden 2", "R001", "R001 landmarks"]
    assert [layer.visible for layer in viewer.layers] == [False, False, True, True]
    assert viewer.layers[-1].mode == "add"
    assert "R001: Sella is next." in page.hint.text()
    assert "scans" not in str(viewer.layers["R001"].metadata)
    assert not page.begin.isEnabled()
    layer = place(viewer)
    assert list(layer.features["name"]) == list(SCHEME.names)
    assert "all landmarks are placed" in page.hint.text()
    page.next.click()
    assert names(viewer)[2:] == ["R002", "R002 landmarks"]
    assert "Reading 2 of 2" in dock.status.text()
    place(viewer, 1.0)
    page.next.click()
    assert "All 2 radiographs are read and saved" in dock.status.text()
    assert names(viewer) == ["Mrs Smith", "Ben"]
    assert [layer.visible for layer in viewer.layers] == [True, False]
    saved = read_annotations(files / "study" / "readings-Anna.csv")
    assert [item.radiograph for item in saved] == ["R001", "R002"]
    assert {item.source for item in saved} == {"Anna"}
    np.testing.assert_allclose(saved[1].points[0], (21.0, 30.0))
    assert {item.radiograph for item in reveal(saved, read_key(files / "study-key.csv"))} == {"a", "b"}


def test_it_goes_on_where_it_was_left(reading, files):
    viewer, dock = reading()
    page = dock.form.blind_page
    page.begin.click()
    place(viewer)
    page.next.click()
    page.end.click()
    assert "1 of 2 radiographs are read and saved" in dock.status.text()
    assert names(viewer) == []
    page.begin.click()
    assert names(viewer) == ["R002", "R002 landmarks"]
    place(viewer)
    page.next.click()
    page.begin.click()
    assert "has read all 2" in dock.status.text()
    page.reader.setText("Ben")  # the same order for the next reader
    page.begin.click()
    assert names(viewer) == ["R001", "R001 landmarks"]


def test_a_stack_can_be_read(reading, files, radiograph_pixels):
    viewer, dock = reading()
    viewer.add_image(np.stack([radiograph_pixels, radiograph_pixels[::-1]]), name="skulls")
    page = dock.form.blind_page
    page.stack.choose(viewer.layers["skulls"])
    assert not page.folder.isVisibleTo(page)
    page.begin.click()
    assert viewer.layers["R001"].data.shape == (240, 180)
    place(viewer)
    page.next.click()
    page.end.click()
    assert names(viewer) == ["skulls"]
    assert read_key(files / "study-key.csv").keys() == {"r001", "r002"}


def test_what_is_missing_is_told(reading, files):
    _, dock = reading()
    page = dock.form.blind_page

    def said():
        page.begin.click()
        return dock.status.text()

    page.reader.setText(" ")
    assert "write a name" in said()
    page.reader.setText("../Anna")
    assert "write a name" in said()
    page.reader.setText("Anna")
    page.folder.path = files
    assert "no folder of radiographs" in said()
    page.folder.path, page.study.path = files / "scans", None
    assert "Choose the folder of the study first" in said()
    page.study.path = files / "study"
    page.begin.click()
    page.end.click()
    (files / "scans" / "a.png").rename(files / "scans" / "c.png")
    assert "of other radiographs" in said()
    (files / "study-key.csv").unlink()
    assert "lacks" in said()


def test_a_reading_that_was_removed(reading):
    viewer, dock = reading()
    page = dock.form.blind_page
    page.begin.click()
    viewer.layers.remove("R001 landmarks")
    page.next.click()
    assert "was removed" in dock.status.text()
    page.end.click()
    assert names(viewer) == []


def test_the_command_prepares_the_same_study(reading, files):
    _, dock = reading()
    expected = ["farnet", "observers", "--blind", str(files / "scans"), "--output", str(files / "study"), "--seed", "4"]
    assert dock.command() == expected
    dock.form.blind_page.repeats.setValue(1)
    assert dock.command()[-2:] == ["--repeats", "1"]


def test_closing_the_dock_shows_everything_again(reading, radiograph_pixels, qtbot):
    viewer, dock = reading()
    viewer.add_image(radiograph_pixels, name="Mrs Smith")
    dock.form.blind_page.begin.click()
    assert "Mrs Smith" not in names(viewer)
    viewer.window.remove_dock_widget(dock)
    dock.deleteLater()
    del dock
    qtbot.waitUntil(lambda: names(viewer) == ["Mrs Smith"])
    assert viewer.layers["Mrs Smith"].visible


def test_closing_the_viewer_while_reading(reading, radiograph_pixels, qtbot):
    viewer, dock = reading()
    viewer.add_image(radiograph_pixels, name="Mrs Smith")
    dock.form.blind_page.begin.click()
    viewer.close()
    del viewer, dock
    qtbot.wait(100)
