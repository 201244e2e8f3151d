"""The picture on the card of a landmark: the mark is where the landmark is, and every bundled scheme has one."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtGui import QImage

from farnet.samples import average_cephalogram
from farnet.scheme import LandmarkDefinition, LandmarkScheme, bundled_schemes, load_scheme
from napari_farnet.correct.schematic import Schematic, mean_shape


@pytest.fixture
def schematic(qtbot):
    item = Schematic()
    qtbot.addWidget(item)
    return item


def pixels(item):
    """What is drawn: (rows, columns, 3), red, green, blue."""
    item.resize(item.sizeHint())
    picture = item.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    values = np.frombuffer(picture.constBits().asstring(picture.sizeInBytes()), np.uint8)
    return values.reshape(picture.height(), picture.bytesPerLine())[:, : 3 * picture.width()].reshape(
        picture.height(), picture.width(), 3
    )


def mark_in(picture):
    """(row, column) of the middle of what is as red as the mark."""
    red, green, blue = np.moveaxis(picture.astype(int), -1, 0)
    return np.argwhere((red - green > 120) & (red - blue > 120)).mean(axis=0)


def around(k):
    """What the average cephalogram looks like at landmark k, and how the picture must look there."""
    radiograph, landmarks = average_cephalogram()
    return radiograph.pixels, landmarks.points[k]


@pytest.mark.parametrize("abbreviation", ["S", "N", "A", "Go", "Me", "Pog'"])
def test_the_mark_is_on_the_landmark_of_the_average_cephalogram(schematic, abbreviation):
    scheme = load_scheme("cephalometric19")
    k = scheme.index(abbreviation)
    schematic.show_landmark(scheme, k)
    picture = pixels(schematic)
    mark = mark_in(picture)
    radiograph, point = around(k)
    # The same piece of the radiograph, cut out here by its own arithmetic: grey values beside the mark agree.
    zoom = 0.42 * radiograph.shape[0] / len(picture)
    for step in ((-18, 0), (14, -12), (0, -20)):
        row, column = np.rint(mark + step).astype(int)
        if not (0 <= row < len(picture) and 0 <= column < len(picture)):
            continue
        there = np.rint(point + np.array(step) * zoom).astype(int)
        patch = radiograph[max(there[0] - 4, 0) : there[0] + 5, max(there[1] - 4, 0) : there[1] + 5]
        assert abs(float(picture[row, column].mean()) - float(patch.mean())) < 30
    assert scheme.names[k] in schematic.toolTip()


@pytest.mark.parametrize("name", ["hand37", "spine68"])
def test_other_schemes_show_the_mean_of_their_landmarks(schematic, name):
    scheme = load_scheme(name)
    mean = mean_shape(scheme)
    marks = []
    for k in (0, len(scheme) // 2, len(scheme) - 1):
        schematic.show_landmark(scheme, k)
        marks.append(mark_in(pixels(schematic)))
    between = np.diff(marks, axis=0)
    wanted = np.diff(mean[[0, len(scheme) // 2, len(scheme) - 1]], axis=0)
    zoom = np.linalg.norm(between) / np.linalg.norm(wanted)
    np.testing.assert_allclose(between, wanted * zoom, atol=1.5)


def test_every_bundled_scheme_has_one(schematic):
    for name in bundled_schemes():
        schematic.show_landmark(load_scheme(name), 0)
        assert not schematic.isHidden()


def test_nothing_is_shown_where_nothing_is_known(schematic):
    own = LandmarkScheme("mine", "Mine", (LandmarkDefinition("Tip", "T"), LandmarkDefinition("Base", "B")))
    schematic.show_landmark(own, 1)
    assert schematic.isHidden()
    ceph = load_scheme("cephalometric19")
    for scheme, k in ((None, 0), (ceph, -1), (ceph, 19)):
        schematic.show_landmark(ceph, 3)
        schematic.show_landmark(scheme, k)
        assert schematic.isHidden()
