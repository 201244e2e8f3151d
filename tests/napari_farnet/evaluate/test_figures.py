"""What the table reads, without a window."""

from __future__ import annotations

import numpy as np
import pytest

from farnet.evaluation import evaluate_points, study_observers
from farnet.landmarks import Landmarks
from farnet.scheme import load_scheme
from napari_farnet.evaluate.figures import evaluation_figures, study_figures
from napari_farnet.evaluate.results import worst

SCHEME = load_scheme("cephalometric19")


def test_an_evaluation(rng):
    reference = rng.uniform(0, 100, (4, 2, 2))
    predicted = reference + np.array([0.0, 3.0])
    predicted[1, 1] = np.nan
    reference[2, 1] = np.nan
    table = evaluation_figures(evaluate_points(predicted, reference, (0.5, 0.5), names=["A", "B"], bootstrap=20))
    assert [column.title for column in table.columns[:3]] == ["Landmark", "MRE (mm)", "95 % CI"]
    assert all(column.meaning for column in table.columns)
    pooled, a, b = table.lines
    assert (pooled.landmark, a.landmark, b.landmark) == (None, 0, 1)
    assert [cell.text for cell in a.cells[:4]] == ["1.50", "1.50\u20131.50", "0.00", "1.50"]
    assert [cell.value for cell in b.cells[-3:]] == [2, 1, 1]
    assert len({len(line.cells) for line in table.lines} | {len(table.columns) - 1}) == 1


def test_a_data_set_with_observers(rng):
    reference = rng.uniform(0, 100, (4, 2, 2))
    others = [reference, reference + np.array([4.0, 0.0])]
    table = evaluation_figures(evaluate_points(reference, reference, bootstrap=0, observers=others))
    assert table.columns[-1].title == "Observers (px)"
    assert [line.cells[-1].text for line in table.lines] == ["4.00"] * 3


def test_observers_and_a_model(rng):
    def read(shift):
        return [
            Landmarks(np.full((19, 2), 50.0) + np.array([0.0, shift]), SCHEME, radiograph=str(i), spacing=(0.1, 0.1))
            for i in range(3)
        ]

    study = study_observers({"anna": read(0) + read(1), "ben": read(20)}, model=read(10), bootstrap=20)
    table = study_figures(study)
    assert [column.title for column in table.columns] == [
        "Landmark",
        "Observers (mm)",
        "95 % CI",
        "anna again",
        "anna Dahlberg",
        "Model (mm)",
        "Model less observers",
        "The model is",
    ]
    pooled = table.lines[0]
    assert pooled.cells[0].text == "2.00"
    assert pooled.cells[2].text == "0.10"
    assert pooled.cells[5].text == "-1.00 (-1.00 to -1.00)"
    assert "within" in pooled.cells[6].text
    assert len(table.lines) == 20


@pytest.mark.parametrize(("landmark", "expected"), [(None, (2, 0)), (0, (2, 0)), (1, (0, 1)), (2, (1, 2)), (3, None)])
def test_the_worst_radiograph(landmark, expected):
    reference = np.zeros((3, 4, 2))
    reference[:, 3] = np.nan
    predicted = np.zeros((3, 4, 2))
    predicted[:, 0, 0], predicted[:, 1, 0] = (1, 2, 9), (5, 2, 3)
    predicted[:, 2] = np.nan
    predicted[0, 2] = np.nan
    reference[0, 2] = np.nan
    assert worst(evaluate_points(predicted, reference, bootstrap=0), landmark) == expected
