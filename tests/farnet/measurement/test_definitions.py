"""Norms and classes: their boundaries and their texts."""

from __future__ import annotations

import math

import pytest

from farnet.errors import MeasurementError
from farnet.measurement import Measurement, MeasurementClass, MeasurementSet, Norm
from farnet.measurement.quantities import Difference, Distance
from farnet.scheme import load_scheme

SCHEME = load_scheme("cephalometric19")


def test_both_ends_of_a_norm_belong_to_it():
    norm = Norm(79.4, 83.2)
    assert [norm.assess(x) for x in (79.4, 83.2, 79.39999, 83.20001)] == ["inside", "inside", "below", "above"]
    assert norm.assess(math.nan) == ""
    assert norm.assess(79.4 - 1e-12) == "inside"  # the last digit of a floating point number decides nothing
    assert math.isnan(norm.deviation(80))


def test_a_population():
    norm = Norm.of_population(82, 2)
    assert [norm.assess(x) for x in (80, 84, 84.1)] == ["inside", "inside", "above"]
    assert norm.deviation(85) == 1.5


@pytest.mark.parametrize(
    ("norm", "text"),
    [
        (Norm(1, 2.5), "1.0 to 2.5"),
        (Norm(upper=10), "≤ 10.0"),
        (Norm(lower=-2), "≥ -2.0"),
        (Norm.of_population(82, 2), "82.0 ± 2.0"),
    ],
)
def test_texts(norm, text):
    assert norm.text(1) == text


def test_ends_of_a_class():
    closed, open_ = MeasurementClass("a", 1, 2), MeasurementClass("b", 1, 2, includes_ends=False)
    assert [closed.holds(x) for x in (1, 2, 0.999, 2.001, math.nan)] == [True, True, False, False, False]
    assert [open_.holds(x) for x in (1, 2, 1.001, 1 + 1e-12)] == [False, False, True, False]
    assert MeasurementClass("zero", 0, 0).holds(-0.0)
    assert MeasurementClass("high", lower=5).holds(1e9)


def test_a_length_with_a_norm_is_in_mm():
    distance = Distance(("S", "N"))
    assert not Measurement("d", distance).needs_mm
    assert Measurement("d", distance, norm=Norm(1, 2)).needs_mm
    assert Measurement("d", distance, in_mm=True).needs_mm


def test_references_are_followed_once():
    parts = [Measurement(name, Distance(("S", "N"))) for name in "ab"]
    parts.append(Measurement("c", Difference(("a", "b"))))
    parts.append(Measurement("d", Difference(("c", "a"))))
    whole = MeasurementSet("x", "x", SCHEME, tuple(parts))
    assert [item.name for item in whole.with_references(whole["d"])] == ["d", "c", "a", "b"]


def test_a_set_made_in_a_program_is_checked_too():
    with pytest.raises(MeasurementError, match=r"^The name 'a' is there twice"):
        MeasurementSet(
            "x", "x", SCHEME, (Measurement("a", Distance(("S", "N"))),) * 1 + (Measurement("a", Distance(("S", "A"))),)
        )
    with pytest.raises(MeasurementError, match="at least one"):
        MeasurementSet("x", "x", SCHEME, ())
