"""A whole way through the docks in one real window with the bundled model, as a reader of radiographs takes it."""

from __future__ import annotations

import numpy as np
import pytest

from farnet.cli import main
from farnet.formats import read_annotations
from farnet.measurement import measure, measurements_for
from farnet.review import Review
from farnet.samples import average_cephalogram
from farnet.zoo import DEFAULT_MODEL
from napari_farnet import demo
from napari_farnet.opening import add_landmarks

PLUGIN = "napari-farnet"


@pytest.fixture
def detected(make_napari_viewer, plugin):
    viewer = make_napari_viewer()
    demo.show_detection(viewer, model=DEFAULT_MODEL, device="cpu")
    return viewer


def shown(table):
    """What a table of measurements shows: value by name."""
    return {item.name: item.value for item in table.results}


def test_detect_correct_measure_evaluate_save_reopen(detected, drag, qtbot, tmp_path):
    viewer = detected
    points = viewer.layers[-1]
    qtbot.waitUntil(lambda: points.mode == "select", timeout=10_000)  # the result is there to the last bit
    radiograph, truth = average_cephalogram()
    names = truth.scheme.names

    # Correct: go through them all, move one, take it back, do it again.
    _, correct = viewer.window.add_plugin_dock_widget(PLUGIN, "Correct landmarks")
    correct.layers.choose(points)
    a = names.index("Subspinale")
    before = points.data.copy()
    drag(points, a, (10.0, 15.0))
    moved = points.data.copy()
    np.testing.assert_allclose(moved[a] - before[a], (10.0, 15.0))
    correct.act("undo")
    np.testing.assert_array_equal(points.data, before)
    correct.act("redo")
    np.testing.assert_array_equal(points.data, moved)

    # Measure: what the dock shows is what the library measures, and it follows the point.
    _, ruler = viewer.window.add_plugin_dock_widget(PLUGIN, "Measure")
    qtbot.waitUntil(lambda: "SNA" in shown(ruler.form.table), timeout=5000)
    sna = shown(ruler.form.table)["SNA"]
    drag(points, a, (-10.0, -15.0))
    qtbot.waitUntil(lambda: shown(ruler.form.table)["SNA"] != sna, timeout=2000)
    drag(points, a, (10.0, 15.0))
    qtbot.waitUntil(lambda: shown(ruler.form.table)["SNA"] == pytest.approx(sna, abs=1e-6), timeout=2000)

    # The rest of the review.
    for _ in range(len(names)):
        correct.act("next")
        if correct.form.progress.value() < len(names):
            correct.act("accept")
    assert correct.form.progress.text() == "19/19 reviewed"

    # Evaluate against the sample's own landmarks: the error of the moved one is that of its vector.
    reference = add_landmarks(viewer, viewer.layers[0], truth, name="truth")
    _, score = viewer.window.add_plugin_dock_widget(PLUGIN, "Evaluate landmarks")
    score.form.layers_page.predictions.choose(points)
    score.form.layers_page.references.choose(reference)
    score.evaluate()
    qtbot.waitUntil(lambda: score.form.table.model().rowCount() == 20, timeout=20_000)
    errors = np.linalg.norm((points.data - truth.points) * truth.spacing, axis=1)
    model = score.form.table.model()
    texts = [[str(model.index(row, column).data()) for column in (0, 1)] for row in range(20)]
    figures = dict(texts)
    assert float(figures["All landmarks"]) == pytest.approx(errors.mean(), abs=0.006)
    assert float(figures["Subspinale"]) == pytest.approx(errors[a], abs=0.006)
    assert "error vectors" in [layer.name for layer in viewer.layers]

    # Save, and come back to it: points, states and the log are there, and so they are on the command line.
    path = tmp_path / "corrected.csv"
    viewer.layers.selection = {points}
    assert viewer.layers.save(str(path), selected=True, plugin=PLUGIN) == [str(path)]
    (again,) = viewer.open(str(path), plugin=PLUGIN)
    np.testing.assert_array_equal(again.data, points.data)
    correct.layers.choose(again)
    assert correct.form.progress.text() == "19/19 reviewed"
    (saved,) = read_annotations(path)
    review = Review.of(saved)
    assert review.states[a] == "edited"
    np.testing.assert_array_equal(review.origin, before)
    assert [edit.action for edit in review.log][:3] == ["moved", "undone", "redone"]
    found = {item.name: item.value for item in measure(measurements_for(saved.scheme), saved)}
    assert found["SNA"] == pytest.approx(shown(ruler.form.table)["SNA"], abs=1e-9)
    assert main(["measure", str(path)]) == 0
    assert main(["review", str(path), "--log"]) == 0
    assert radiograph.spacing == saved.spacing
