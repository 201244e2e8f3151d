"""Plots draw what they are given, where it is seen, and a click finds what is under it."""

from __future__ import annotations

import numpy as np
import pytest

from farnet.evaluation import box_statistics, evaluate_points, sdr_curves
from napari_farnet.evaluate.plots import BoxPlot, CurvePlot, Ink

RADII = (2.0, 4.0)


@pytest.fixture
def evaluation(rng):
    errors = np.abs(rng.normal(2.0, 0.3, (40, 3)))
    errors[7, 1], errors[9, 1] = 20.0, 20.5
    errors[:, 2] = np.nan
    predicted = np.stack([errors, np.where(np.isnan(errors), np.nan, 0.0)], axis=-1)
    reference = np.zeros_like(predicted)
    reference[:, 2] = np.nan
    return evaluate_points(predicted, reference, (1, 1), names=["Sella", "Porion", "Gonion"], radii=RADII, bootstrap=0)


@pytest.fixture
def boxes(evaluation, qtbot):
    plot = BoxPlot()
    qtbot.addWidget(plot)
    plot.show_boxes(box_statistics(evaluation.errors, evaluation.landmarks, evaluation.radiographs), RADII, "mm")
    return plot


def test_nothing_is_drawn_before_it_is_seen(boxes, qtbot):
    assert boxes.plot is None
    boxes.show()
    qtbot.waitExposed(boxes)
    ticks = [text for _, text in boxes.plot.getAxis("left")._tickLevels[0]]
    assert ticks == ["Sella", "Porion", "Gonion"]


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (20.05, -1.1, ("outlier", 7, 1)),
        (20.6, -0.9, ("outlier", 9, 1)),
        (10.0, -1.0, ("landmark", 1)),
        (2.0, 0.2, ("landmark", 0)),
        (2.0, -2.0, None),  # a landmark without errors
        (2.0, -7.0, None),
        (2.0, 3.0, None),
    ],
)
def test_a_click_finds_what_is_under_it(boxes, x, y, expected):
    heard = []
    boxes.outlier_chosen.connect(lambda row, k: heard.append(("outlier", row, k)))
    boxes.landmark_chosen.connect(lambda k: heard.append(("landmark", k)))
    boxes.click(x, y, (0.2, 0.1))
    assert heard == ([] if expected is None else [expected])


def test_the_mouse_reaches_an_outlier(boxes, qtbot):
    from qtpy.QtCore import QPoint, QPointF, Qt

    boxes.resize(500, 400)
    boxes.show()
    qtbot.waitExposed(boxes)
    qtbot.wait(50)
    view = boxes.plot.getPlotItem().getViewBox()
    scene = view.mapViewToScene(QPointF(20.5, -1.0))
    place = boxes.plot.mapFromScene(scene)
    with qtbot.waitSignal(boxes.outlier_chosen, timeout=2_000) as heard:
        qtbot.mouseClick(boxes.plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place))
    assert heard.args == [9, 1]


def test_curves_and_their_marks(evaluation, qtbot):
    import pyqtgraph

    plot = CurvePlot()
    qtbot.addWidget(plot)
    plot.show()
    qtbot.waitExposed(plot)
    assert plot.plot is None  # nothing to show yet
    plot.show_curves([("one", sdr_curves(evaluation)), ("two", sdr_curves(evaluation))], RADII)
    item = plot.plot.getPlotItem()
    assert [curve.name() for curve in item.listDataItems()] == ["one", "two"]
    marks = [line.value() for line in item.items if isinstance(line, pyqtgraph.InfiniteLine)]
    assert marks == list(RADII)
    plot.choose(1)
    assert [curve.name() for curve in item.listDataItems()] == ["one", "Porion", "two", "Porion"]
    plot.set_ink(Ink(paper="#102030"))
    assert plot.plot.backgroundBrush().color().name() == "#102030"
    assert len(item.listDataItems()) == 4
    plot.show_curves([], RADII)
    assert not plot.plot.isVisible()
