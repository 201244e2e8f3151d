"""Every figure of an evaluation is shown, with its unit and what it means."""

import numpy as np

from farnet.commands.evaluation_tables import print_evaluation
from farnet.evaluation import evaluate_points


def shown(capsys, *arguments, **options):
    print_evaluation(*arguments, **options)
    return capsys.readouterr().out


def test_figures_intervals_and_observers(capsys):
    reference = np.zeros((4, 2, 2))
    predicted = reference + np.array([0.0, 15.0])
    predicted[0, 1] = np.nan
    result = evaluate_points(
        predicted, reference, (0.1, 0.1), names=["Sella", "Nasion"], observers=[reference, reference + 10], bootstrap=20
    )
    out = shown(capsys, "a model on a table", result)
    for expected in (
        "a model on a table",
        "all 4",
        "MRE (mm)",
        "1.50 [1.50, 1.50]",
        "SDR 2 mm (%)",
        "87.5 [",
        "population",
        "20 bootstrap draws",
        "Nasion",
        "1.41",  # between the observers
        "Largest errors",
    ):
        assert expected in out
    assert "without" not in out


def test_with_and_without_some_radiographs_in_pixels(capsys):
    reference = np.zeros((4, 1, 2))
    whole = evaluate_points(reference + 3, reference, bootstrap=0, radii=(5,))
    rest = evaluate_points(reference[1:] + 4, reference[1:], bootstrap=0, radii=(5,))
    out = shown(capsys, "x", whole, without=(("7", "9"), rest))
    assert "without 7, 9" in out
    assert "4.24" in out
    assert "5.66" in out
    assert "MRE (px)" in out
    assert "In pixels" in out
    assert "bootstrap" not in out
    assert "observers" not in out
