"""Distances between observers, within an observer, and from a model, on shifts that are known."""

import json

import numpy as np
import pytest

from farnet.errors import AnnotationError, InvalidInputError, SchemeError
from farnet.evaluation import gather_readings, study_observers
from farnet.landmarks import Landmarks
from farnet.scheme import LandmarkDefinition, LandmarkScheme

SCHEME = LandmarkScheme("three", "Three landmarks", tuple(LandmarkDefinition(f"Point {i}", f"P{i}") for i in range(3)))


def landmarks(name, shift=(0.0, 0.0), *, absent=(), **changes):
    points = np.array([[10.0, 10.0], [20.0, 30.0], [40.0, 5.0]]) + shift
    points[list(absent)] = np.nan
    return Landmarks(points, SCHEME, radiograph=name, **changes)


def several(shifts, **changes):
    """A radiograph "r0", "r1", ... for each shift (row, column)."""
    return [landmarks(f"r{i}", shift, **changes) for i, shift in enumerate(shifts)]


NOWHERE = [(0.0, 0.0)] * 4


def test_two_observers():
    study = study_observers(
        {"anna": several(NOWHERE, spacing=(0.5, 0.5)), "ben": several([(0, 6)] * 4, spacing=(0.5, 0.5))}, bootstrap=50
    )
    assert study.unit == "mm"
    assert study.inter.mre == 3.0
    assert study.inter.n == 12
    assert study.inter.ci["mre"] == (3.0, 3.0)
    assert study.inter.sdr == {2.0: 0.0, 2.5: 0.0, 3.0: 100.0, 4.0: 100.0}
    assert [item.mre for item in study.inter_per_landmark] == [3.0] * 3
    assert [pair.title for pair in study.pairs] == ["anna \N{EN DASH} ben"]
    assert study.intra == [] and study.differences == []
    anna, ben = study.offsets[0], study.offsets[3]
    assert (anna.observer, anna.landmark, anna.n) == ("anna", "Point 0", 4)
    assert anna.bias == (0.0, -1.5) and ben.bias == (0.0, 1.5)
    assert anna.random == (0.0, 0.0)


def test_bias_and_random_error_are_told_apart():
    shifts = [(4, 0), (-4, 0), (4, 0), (-4, 0)]
    study = study_observers({"anna": several(NOWHERE), "ben": several(shifts), "cleo": several([(3, 9)] * 4)})
    by = {item.observer: item for item in reversed(study.offsets)}  # the first landmark of each
    # The mean of the three lies at (row shift of ben + 3) / 3, column 3.
    assert by["ben"].bias == pytest.approx((-1.0, -3.0))
    assert by["ben"].random == pytest.approx((4 * 2 / 3, 0.0))
    assert by["cleo"].bias == pytest.approx((2.0, 6.0))
    assert study.unit == "px"
    assert len(study.pairs) == 3
    assert study.inter.n == 3 * 12
    expected = np.mean([pair.evaluation.errors for pair in study.pairs])
    assert study.inter.mre == pytest.approx(expected)


def test_an_observer_who_reads_again():
    first, again = several(NOWHERE), several([(3, 4), (0, 0)])
    study = study_observers({"anna": [*first, *again]}, bootstrap=0)
    (intra,) = study.intra
    assert intra.observer == "anna"
    assert intra.pooled.n == 6
    assert intra.pooled.mre == 2.5
    assert intra.dahlberg == pytest.approx(np.sqrt(3 * 25.0 / (2 * 6)))
    assert intra.dahlberg_per_landmark == pytest.approx([np.sqrt(25.0 / 4)] * 3)
    (pair,) = intra.pairs
    assert (pair.first, pair.second) == ("anna 2", "anna 1")
    assert study.inter is None


def test_three_readings_make_three_pairs():
    study = study_observers({"anna": [*several(NOWHERE), *several([(1, 0)] * 4), *several([(2, 0)] * 2)]}, bootstrap=0)
    assert [pair.first + "/" + pair.second for pair in study.intra[0].pairs] == [
        "anna 2/anna 1",
        "anna 3/anna 1",
        "anna 3/anna 2",
    ]
    assert [pair.evaluation.n_radiographs for pair in study.intra[0].pairs] == [4, 2, 2]
    assert study.intra[0].pooled.mre == pytest.approx((4 * 1 + 2 * 2 + 2 * 1) / 8)


@pytest.mark.parametrize(("at", "verdict"), [(1, "within"), (30, "beyond")])
def test_a_model_beside_people(at, verdict, rng):
    people = {name: several(rng.normal(0, 5, (30, 2))) for name in ("anna", "ben")}
    study = study_observers(people, model=several(rng.normal(0, 0.1, (30, 2)) + at), bootstrap=400)
    pooled = study.differences[0]
    assert (pooled.name, pooled.verdict) == ("pooled", verdict)
    assert pooled.low < pooled.value < pooled.high
    assert pooled.value == pytest.approx(study.model_pooled.mre - study.inter.mre)
    assert [item.name for item in study.differences[1:]] == list(SCHEME.names)
    assert [pair.title for pair in study.model] == ["model \N{EN DASH} anna", "model \N{EN DASH} ben"]
    assert study.offsets[-1].observer == "model"


def test_without_draws_nothing_is_decided():
    people = {"anna": several(NOWHERE), "ben": several([(1, 0)] * 4)}
    for readings, draws in ((people, 0), ({name: items[:1] for name, items in people.items()}, 100)):
        n = len(readings["anna"])
        study = study_observers(readings, model=several([(90, 0)] * n), bootstrap=draws)
        assert study.differences[0].verdict == "undecided"
        assert np.isnan(study.differences[0].low)


def test_absent_landmarks_take_no_part():
    study = study_observers(
        {"anna": several(NOWHERE, absent=[1]), "ben": several([(0, 2)] * 4)},
        model=several([(0, 1)] * 4, absent=[2]),
        bootstrap=20,
    )
    assert [item.n for item in study.inter_per_landmark] == [4, 0, 4]
    assert np.isnan(study.inter_per_landmark[1].mre)
    assert [item.n for item in study.model_per_landmark] == [8, 4, 0]
    assert np.isnan(study.differences[2].value) and study.differences[2].verdict == "undecided"
    assert study.offsets[1].n == 0 and np.isnan(study.offsets[1].bias[0])
    assert json.dumps(study.to_dict(), allow_nan=False)


def test_a_spacing_that_one_knows_is_everybodys():
    study = study_observers({"anna": several(NOWHERE, spacing=(0.1, 0.1)), "ben": several([(0, 10)] * 4)})
    assert (study.unit, study.inter.mre) == ("mm", pytest.approx(1.0))
    mixed = several(NOWHERE, spacing=(0.1, 0.1))[:3] + several(NOWHERE)[3:]
    study = study_observers({"anna": mixed, "ben": several([(0, 10)] * 4)})
    assert (study.unit, study.inter.mre) == ("px", pytest.approx(10.0))
    study = study_observers({"anna": mixed, "ben": several([(0, 10)] * 4)}, spacing=(0.2, 0.2))
    assert (study.unit, study.inter.mre) == ("mm", pytest.approx(2.0))


def test_two_spacings_of_one_radiograph_are_refused():
    with pytest.raises(AnnotationError, match="spacing"):
        study_observers({"anna": several(NOWHERE, spacing=(0.1, 0.1)), "ben": several(NOWHERE, spacing=(0.2, 0.2))})


def test_who_read_what_is_told():
    with pytest.raises(AnnotationError, match=r"1 were not read by ben \(r3\).*only the 3"):
        study_observers({"anna": several(NOWHERE), "ben": several(NOWHERE)[:3]})
    study = study_observers({"anna": several(NOWHERE), "ben": several(NOWHERE)[:3]}, common=True)
    assert study.radiographs == ("r0", "r1", "r2")
    assert study.left_out == ("Left out: 1 were not read by ben (r3)",)
    with pytest.raises(AnnotationError, match=r"no radiograph that all have read \(anna: r0.*ben: other\)"):
        study_observers({"anna": several(NOWHERE), "ben": [landmarks("other")]}, common=True)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(AnnotationError, match="nobody to compare with"):
        study_observers({"anna": several(NOWHERE)})
    with pytest.raises(AnnotationError, match="no readings"):
        study_observers({"anna": []})
    with pytest.raises(AnnotationError, match="names no radiograph"):
        study_observers({"anna": [landmarks("")], "ben": [landmarks("")]})
    with pytest.raises(AnnotationError, match="both called 'anna'"):
        study_observers({"anna": several(NOWHERE)}, model=several(NOWHERE), model_name="anna")
    with pytest.raises(InvalidInputError, match="radii"):
        study_observers({"anna": several(NOWHERE), "ben": several(NOWHERE)}, radii=[])
    other = LandmarkScheme("one", "One", (LandmarkDefinition("A", "A"),))
    strange = [Landmarks(np.zeros((1, 2)), other, radiograph=f"r{i}") for i in range(4)]
    with pytest.raises(SchemeError, match="cannot be compared"):
        study_observers({"anna": several(NOWHERE), "ben": strange})


def test_observers_are_told_by_file_or_by_source():
    one, two = landmarks("r0", source="model x"), landmarks("r1", source="edited")
    assert list(gather_readings([("a", [one, two]), ("b", [one])])) == ["a", "b"]
    both = [landmarks("r0", source="junior"), landmarks("r0", source="senior")]
    assert list(gather_readings([("doctors", both)])) == ["junior", "senior"]
    again = gather_readings([("a", [one, two]), ("a", [one])])
    assert [item.radiograph for item in again["a"]] == ["r0", "r1", "r0"]
    assert list(gather_readings([("a", [one, one])])) == ["a"]


def test_the_doctors_of_isbi_2015(isbi2015):
    """The published distance of the two doctors on Test1: 2.36 mm."""
    from farnet import ISBI2015

    data = ISBI2015(isbi2015, "test1")
    readings = {who: [data.observer_landmarks(i, who) for i in range(len(data))] for who in data.observers}
    study = study_observers(readings, bootstrap=0)
    assert study.inter.mre == pytest.approx(2.363, abs=5e-4)
    assert study.inter.sd == pytest.approx(2.163, abs=5e-4)
