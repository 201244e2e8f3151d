"""Geometry: exact figures, what does not change when the radiograph is moved, and unequal pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from farnet.errors import InvalidInputError
from farnet.measurement import geometry
from farnet.measurement.geometry import Space

NUMBER = st.floats(-1000, 1000).map(lambda x: round(x, 3))
POINT = st.tuples(NUMBER, NUMBER)
THREE = st.tuples(POINT, POINT, POINT)
SPACING = st.floats(0.05, 2.0)
CLOSE = {"rel": 1e-9, "abs": 1e-6}


def apart(*points, least=1.0):
    assume(all(np.hypot(*np.subtract(a, b)) >= least for i, a in enumerate(points) for b in points[:i]))


def test_a_length_in_mm_and_px():
    assert geometry.distance(Space((0.5, 0.25)).vector((0, 0), (6, 16))) == 5.0
    assert geometry.distance(Space().vector((0, 0), (3, 4))) == 5.0
    assert (Space().unit, Space((1, 1)).unit) == ("px", "mm")


def test_a_length_does_not_depend_on_where_it_is():
    space = Space((0.1, 0.1))
    assert all(geometry.distance(space.vector((7, x), (7, x + 20))) == 2.0 for x in range(0, 2000, 7))


@pytest.mark.parametrize("spacing", [0, -1, (1, math.nan), (1, 2, 3), "wide"])
def test_a_spacing_that_is_none(spacing):
    with pytest.raises(InvalidInputError, match="above zero"):
        Space(spacing)


def test_angles_have_their_sign_clockwise_as_displayed():
    right, down, up, left = (1.0, 0.0), (0.0, 1.0), (0.0, -1.0), (-1.0, 0.0)
    assert geometry.signed_angle(right, down) == 90
    assert geometry.signed_angle(right, up) == -90
    assert geometry.signed_angle(right, left) == geometry.signed_angle(left, right) == 180
    assert geometry.angle_between(right, up) == 90
    assert geometry.signed_angle(right, right) == 0
    assert math.copysign(1, geometry.signed_angle(right, right)) == 1


def test_angles_in_unequal_pixels():
    # 10 rows of 0.3 mm and 30 columns of 0.1 mm are both 3 mm: 45 degrees in truth, 18.4 in pixels.
    assert geometry.angle_at(Space((0.3, 0.1)), (0, 30), (0, 0), (10, 30)) == pytest.approx(45)
    assert geometry.angle_at(Space(), (0, 30), (0, 0), (10, 30)) == pytest.approx(18.434948822922)


def test_tiny_and_flat_angles_are_exact():
    assert geometry.signed_angle((1.0, 0.0), (1.0, 1e-12)) == pytest.approx(math.degrees(1e-12), rel=1e-12)
    assert geometry.angle_between((1.0, 0.0), (-1.0, 1e-12)) == pytest.approx(180 - math.degrees(1e-12), abs=1e-13)


def test_offsets_of_a_line():
    down = (0.0, 10.0)
    assert geometry.offset_from_line(down, (3.0, 4.0)) == 3  # right of it, before a face that looks to the right
    assert geometry.offset_from_line(down, (-3.0, 4.0)) == -3
    assert geometry.offset_along(down, (3.0, 4.0)) == 4
    assert geometry.foot(down, (3.0, 4.0)) == (0, 4)


@pytest.mark.parametrize("nothing", [(0.0, 0.0), (math.nan, 1.0)])
def test_a_direction_without_length_has_no_angle(nothing):
    for function in (geometry.signed_angle, geometry.angle_between, geometry.offset_from_line, geometry.offset_along):
        assert math.isnan(function(nothing, (1.0, 1.0)))
    assert all(map(math.isnan, geometry.foot(nothing, (1.0, 1.0))))
    assert math.isnan(geometry.ratio(1, 0))


@given(THREE, st.floats(0, 360), POINT, st.floats(0.1, 10))
def test_angles_do_not_change_when_the_radiograph_is_turned_moved_and_enlarged(points, turn, shift, factor):
    apart(*points)
    turned = np.array([[math.cos(math.radians(turn)), -math.sin(math.radians(turn))]])
    turned = np.concatenate([turned, [[-turned[0, 1], turned[0, 0]]]])
    moved = factor * np.array(points) @ turned.T + shift
    space = Space()
    before = geometry.signed_angle(space.vector(points[1], points[0]), space.vector(points[1], points[2]))
    after = geometry.signed_angle(space.vector(moved[1], moved[0]), space.vector(moved[1], moved[2]))
    assert math.remainder(before - after, 360) == pytest.approx(0, abs=1e-6)


@given(THREE, SPACING, SPACING)
def test_a_mirror_changes_signs_and_nothing_else(points, rows, columns):
    apart(*points)
    space, mirror = Space((rows, columns)), Space((rows, columns), mirrored=True)
    flipped = [(row, -column) for row, column in points]
    first, second = (space.vector(points[0], other) for other in points[1:])
    seen, also_seen = (mirror.vector(points[0], other) for other in points[1:])
    assert (seen, also_seen) == tuple(space.vector(flipped[0], other) for other in flipped[1:])
    angle = geometry.signed_angle(first, second)
    assume(abs(angle) < 179.999)
    assert geometry.signed_angle(seen, also_seen) == pytest.approx(-angle, abs=1e-9)
    assert geometry.offset_from_line(seen, also_seen) == pytest.approx(
        -geometry.offset_from_line(first, second), **CLOSE
    )
    assert geometry.offset_along(seen, also_seen) == pytest.approx(geometry.offset_along(first, second), **CLOSE)
    assert geometry.distance(seen) == geometry.distance(first)


@given(THREE, SPACING, st.floats(0.1, 10))
def test_lengths_grow_with_the_pixel_and_angles_do_not(points, spacing, factor):
    apart(*points)
    small, large = Space((spacing, spacing)), Space((spacing * factor, spacing * factor))
    a, b = small.vector(*points[:2]), large.vector(*points[:2])
    assert geometry.distance(b) == pytest.approx(factor * geometry.distance(a))
    assert geometry.angle_at(large, *points) == pytest.approx(geometry.angle_at(small, *points), abs=1e-6)


@given(THREE, SPACING, SPACING)
def test_unequal_pixels_are_as_if_the_radiograph_had_been_resampled(points, rows, columns):
    apart(*points)
    resampled = [(row * rows, column * columns) for row, column in points]
    apart(*resampled, least=0.05)
    assert geometry.angle_at(Space((rows, columns)), *points) == pytest.approx(
        geometry.angle_at(Space(), *resampled), abs=1e-6
    )


@given(THREE, SPACING, SPACING, st.booleans())
def test_the_foot_of_a_perpendicular(points, rows, columns, mirrored):
    apart(*points)
    space = Space((rows, columns), mirrored=mirrored)
    along, to_point = space.vector(points[0], points[1]), space.vector(points[0], points[2])
    foot = space.point(points[0], geometry.foot(along, to_point))
    off = space.vector(foot, points[2])
    assert abs(geometry.offset_along(along, off)) < 1e-6
    assert geometry.distance(off) == pytest.approx(abs(geometry.offset_from_line(along, to_point)), **CLOSE)


@given(POINT, POINT, SPACING, SPACING, st.booleans())
def test_a_vector_leads_to_its_point(start, end, rows, columns, mirrored):
    space = Space((rows, columns), mirrored=mirrored)
    np.testing.assert_allclose(space.point(start, space.vector(start, end)), end, atol=1e-9)
