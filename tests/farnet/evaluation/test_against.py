"""Which radiographs two sides are compared on, and in whose millimetres."""

import numpy as np
import pytest

from farnet import Landmarks, load_scheme
from farnet.errors import InvalidInputError
from farnet.evaluation import Comparison, EvaluationRequest
from farnet.evaluation.against import compare_against

SCHEME = load_scheme("cephalometric19")


def side(names, *, off, spacing=(0.1, 0.1), truth_spacing=(0.1, 0.1), where="x.csv"):
    points = np.arange(38.0).reshape(19, 2)
    truth = [Landmarks(points, SCHEME, radiograph=name, spacing=truth_spacing) for name in names]
    found = [Landmarks(points + np.array([0, off]), SCHEME, radiograph=name, spacing=spacing) for name in names]
    return Comparison(found, truth, record={"predictions": where})


def asked(tmp_path, **options):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).touch()
    paths = {"predictions": tmp_path / "a.csv", "reference": tmp_path / "a.csv", "against": str(tmp_path / "b.csv")}
    return EvaluationRequest(**paths, bootstrap=20, **options)


def test_only_what_both_have_is_compared_and_only_if_asked(tmp_path):
    first, second = side("pqr", off=10), side("qrst", off=30, where="y.csv")
    with pytest.raises(InvalidInputError, match="2 of 5 are on both sides"):
        compare_against(first, second, asked(tmp_path))
    found = compare_against(first, second, asked(tmp_path, common=True))
    assert (found.first, found.second, found.n_radiographs) == ("x.csv", "y.csv", 2)
    assert found.pooled.mre.value == pytest.approx(2.0)
    with pytest.raises(InvalidInputError, match="no radiograph in common"):
        compare_against(first, side("z", off=1), asked(tmp_path, common=True))


def test_both_are_measured_with_one_spacing(tmp_path):
    first = side("pq", off=10, truth_spacing=None)
    second = side("pq", off=10, spacing=(0.2, 0.2), truth_spacing=None)
    with pytest.raises(InvalidInputError, match="Say which holds with --spacing"):
        compare_against(first, second, asked(tmp_path))
    assert compare_against(first, first, asked(tmp_path)).pooled.mre.value == 0.0


def test_the_names_tell_the_two_apart(tmp_path):
    sides = [side("pq", off=off, where=where) for off, where in ((1, "one/x.csv"), (2, "two/x.csv"))]
    found = compare_against(*sides, asked(tmp_path))
    assert (found.first, found.second) == ("one/x.csv", "two/x.csv")
    same = compare_against(sides[0], sides[0], asked(tmp_path))
    assert (same.first, same.second) == ("one/x.csv (first)", "one/x.csv (second)")
