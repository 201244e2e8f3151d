"""The csv tables hold what the evaluation holds, and are written whole or not at all."""

import csv

import numpy as np
import pytest

from farnet.errors import InvalidInputError, OutputError
from farnet.evaluation import evaluate_points
from farnet.evaluation.tables import ERROR_COLUMNS, FIGURE_COLUMNS, write_tables


@pytest.fixture
def evaluation(rng):
    reference = rng.uniform(0, 100, (5, 3, 2))
    predicted = reference + rng.normal(0, 3, reference.shape)
    predicted[0, 1] = np.nan  # missed
    reference[1, 2] = np.nan  # absent
    names = ["Sella", "Nasion, hard", 'Point "A"']
    return evaluate_points(predicted, reference, names=names, bootstrap=50, observers=[reference, predicted])


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_figure_is_there_to_the_last_digit(evaluation, tmp_path):
    figures, errors = write_tables(tmp_path / "out.csv", evaluation)
    assert (figures.name, errors.name) == ("out.csv", "out-errors.csv")
    rows = read(figures)
    assert tuple(rows[0]) == FIGURE_COLUMNS
    assert len(rows) == 2 * (1 + 3) * 8  # the observers too; four figures and four rates each
    first = rows[0]
    assert float(first["value"]) == evaluation.pooled.mre
    assert (float(first["ci_low"]), float(first["ci_high"])) == evaluation.pooled.ci["mre"]
    assert (first["n"], first["n_missed"], first["n_absent"]) == ("13", "1", "1")
    assert {row["landmark"] for row in rows if row["group"] == "landmark"} == set(evaluation.landmarks)


def test_every_error_is_there_with_what_became_of_it(evaluation, tmp_path):
    rows = read(write_tables(tmp_path / "out.csv", evaluation)[1])
    assert tuple(rows[0]) == ERROR_COLUMNS
    assert len(rows) == 15
    assert float(rows[0]["error"]) == evaluation.errors[0, 0]
    assert (rows[1]["status"], rows[1]["error"]) == ("missed", "")
    assert (rows[5]["status"], rows[5]["error"]) == ("absent", "")
    assert {row["unit"] for row in rows} == {"px"}


def test_nothing_is_overwritten_unasked(evaluation, tmp_path):
    (tmp_path / "out-errors.csv").write_text("mine")
    with pytest.raises(OutputError, match=r"out-errors\.csv is there already"):
        write_tables(tmp_path / "out.csv", evaluation, force=False)
    assert not (tmp_path / "out.csv").exists()
    write_tables(tmp_path / "out.csv", evaluation)
    assert (tmp_path / "out-errors.csv").read_text() != "mine"


def test_another_ending_is_refused(evaluation, tmp_path):
    with pytest.raises(InvalidInputError, match=r"ends in \.csv"):
        write_tables(tmp_path / "out.xlsx", evaluation)
