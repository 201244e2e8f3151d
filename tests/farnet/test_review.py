"""Reviewing landmarks: states, queue, log, undo, and the way through a file."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farnet.errors import AnnotationError
from farnet.formats import read_annotations, write_annotations
from farnet.landmarks import MODEL_SAYS, Landmarks
from farnet.review import Edit, Review
from farnet.scheme import load_scheme

SCHEME = load_scheme("cephalometric19")
COUNT = len(SCHEME)


def landmarks(absent=(), **changes):
    points = np.stack([np.arange(COUNT) * 10.0, np.arange(COUNT) * 5.0 + 3], axis=1)
    points[list(absent)] = np.nan
    covariance = np.tile(np.eye(2), (COUNT, 1, 1)) * np.arange(1, COUNT + 1)[:, None, None]
    return Landmarks(
        points=points,
        scheme=SCHEME,
        spacing=(0.1, 0.2),
        confidence=np.full(COUNT, 0.9),
        covariance=covariance,
        source="model x",
        radiograph="a",
        image_shape=(300, 200),
    ).replace(**changes)


def test_predictions_are_not_reviewed():
    review = Review.of(landmarks(absent=(3,)))
    assert review.states[0] == "predicted"
    assert review.states[3] == "missing"
    assert review.missing == (3,)
    assert not review.reviewed.any()


def test_each_step_gives_its_state_and_an_entry():
    review = Review.of(landmarks(absent=(3,)))
    review = review.accepted(0, who="AB").moved(1, (50.0, 60.0), who="AB").moved(3, (7.0, 8.0)).marked_absent(4)
    assert [review.states[k] for k in (0, 1, 3, 4)] == ["accepted", "edited", "placed", "absent"]
    assert np.flatnonzero(review.reviewed).tolist() == [0, 1, 3, 4]
    assert [edit.action for edit in review.log] == ["accepted", "moved", "placed", "marked absent"]
    assert [edit.landmark for edit in review.log] == [SCHEME.names[k] for k in (0, 1, 3, 4)]
    moved = review.log[1]
    assert moved.before == (10.0, 8.0)
    assert moved.after == (50.0, 60.0)
    assert moved.distance_px == pytest.approx(np.hypot(40, 52))
    assert moved.distance_mm == pytest.approx(np.hypot(4.0, 10.4))
    assert moved.who == "AB"
    assert moved.time.endswith("Z")


def test_what_the_model_says_of_a_point_goes_with_the_point():
    """A moved or placed point has none of it, however one comes there, and going back gives it back."""
    first = Review.of(landmarks(absent=(3,), region95=np.full(COUNT, 2.0)))
    before, points = first.landmarks, first.landmarks.points.copy()
    points[4] += 3.0
    assert not np.isnan(before.reach95()).all()
    for after, changed in (
        (first.moved(2, (1.0, 1.0)), {2}),
        (first.moved(3, (1.0, 1.0)), {3}),
        (first.removed(2).moved(2, before.points[2]), {2}),
        (first.marked_absent(2), {2}),
        (first.changed_to(before.replace(points=points)), {4}),
    ):
        for name in MODEL_SAYS:
            said, was = getattr(after.landmarks, name), getattr(before, name)
            for k in range(COUNT):
                np.testing.assert_array_equal(said[k], np.full_like(was[k], np.nan) if k in changed else was[k])
        assert np.isnan(after.landmarks.expected_error_px[list(changed)]).all()
        assert np.isnan(after.landmarks.reach95()[list(changed)]).all()
        undone = after.back_to(first, "undone")
        assert undone.landmarks.equals(before)
        np.testing.assert_array_equal(after.origin, before.points)  # what was predicted is kept for verification
    assert first.moved(2, (1.0, 1.0)).landmarks.edited[2]


def test_accepting_nothing_is_refused():
    with pytest.raises(AnnotationError, match=r"Porion has no point.*mark it as absent"):
        Review.of(landmarks(absent=(3,))).accepted(3)


def test_doing_nothing_is_no_step():
    review = Review.of(landmarks())
    assert review.moved(2, review.landmarks.points[2]) is review
    assert review.reopened(2) is review
    assert review.accepted(2).accepted(2).log == review.accepted(2).log
    assert review.marked_absent(2).marked_absent(2).states == review.marked_absent(2).states


def test_reopening_takes_a_mark_of_absence_away():
    review = Review.of(landmarks()).marked_absent(2).reopened(2)
    assert review.states[2] == "missing"
    assert not review.reviewed[2]


def test_a_removed_point_is_to_be_placed():
    review = Review.of(landmarks()).accepted(2).removed(2)
    assert review.missing == (2,)
    assert not review.reviewed[2]


def test_the_queue_has_missing_ones_then_alarms_then_the_least_certain():
    confidence = np.full(COUNT, 0.9)
    confidence[5] = 0.3
    alarms = np.zeros(COUNT)
    alarms[8] = 2.0
    review = Review.of(landmarks(absent=(11,), confidence=confidence)).accepted(18)
    queue = review.queue(alarms)
    assert queue[:3] == (11, 8, 5)
    assert queue[3:5] == (17, 16)  # equally confident, so the widest
    assert 18 not in queue
    assert len(queue) == COUNT - 1


def test_taking_over_other_points_changes_those_that_differ():
    before = Review.of(landmarks(absent=(3,)))
    points = before.landmarks.points.copy()
    points[1] += 2.0
    points[3] = (5.0, 5.0)
    points[6] = np.nan
    after = before.changed_to(before.landmarks.replace(points=points))
    assert [edit.action for edit in after.log] == ["moved", "placed", "removed"]
    np.testing.assert_array_equal(after.landmarks.points, points)


def test_undo_keeps_the_log():
    first = Review.of(landmarks())
    second = first.moved(1, (50.0, 60.0), who="AB")
    undone = second.back_to(first, "undone", who="AB")
    assert undone.states == first.states
    np.testing.assert_array_equal(undone.landmarks.points, first.landmarks.points)
    assert [edit.action for edit in undone.log] == ["moved", "undone"]
    assert undone.log[1].before == (50.0, 60.0)
    assert undone.log[1].after == (10.0, 8.0)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["moved", "removed", "marked_absent", "accepted", "reopened"]),
        st.integers(0, COUNT - 1),
        st.tuples(st.floats(0, 299), st.floats(0, 199)),
    ),
    max_size=12,
)


def walk(review, steps):
    for action, k, point in steps:
        if action == "moved":
            review = review.moved(k, point, who="é")
        elif action == "accepted" and not review.landmarks.present[k] and not review.absent[k]:
            continue
        else:
            review = getattr(review, action)(k, who="é")
    return review


@given(steps=STEPS)
def test_it_comes_back_from_the_landmarks(steps):
    review = walk(Review.of(landmarks(absent=(3, 9))), steps)
    again = Review.of(review.to_landmarks())
    assert again.states == review.states
    assert again.log == review.log
    np.testing.assert_array_equal(again.reviewed, review.reviewed)
    np.testing.assert_array_equal(again.origin, review.origin)
    json.dumps(review.to_dict(), allow_nan=False)


@given(steps=STEPS)
def test_states_and_points_agree(steps):
    review = walk(Review.of(landmarks(absent=(3, 9))), steps)
    for k, state in enumerate(review.states):
        assert review.landmarks.present[k] == (state not in ("missing", "absent"))
        assert not (review.absent[k] and review.landmarks.present[k])
    assert len(review.queue()) == int((~review.reviewed).sum())
    edited = review.landmarks.edited
    if edited is not None:
        assert np.isnan(review.landmarks.confidence[edited]).all()
        assert np.isnan(review.landmarks.covariance[edited]).all()
        np.testing.assert_array_equal(review.landmarks.confidence[~edited], landmarks().confidence[~edited])
    np.testing.assert_array_equal(review.origin, landmarks(absent=(3, 9)).points)  # predictions are never lost


def test_it_comes_back_from_a_file_with_the_predicted_points(tmp_path):
    review = Review.of(landmarks(absent=(3,))).moved(1, (50.25, 60.125)).marked_absent(3).accepted(7)
    write_annotations(tmp_path / "a.csv", [review.to_landmarks()])
    (read,) = read_annotations(tmp_path / "a.csv")
    again = Review.of(read)
    assert again.states == review.states
    np.testing.assert_array_equal(again.origin, landmarks(absent=(3,)).points)
    assert again.log == review.log


@pytest.mark.parametrize(
    "damage",
    [
        {"reviewed": ["Nowhere"]},
        {"log": [{"landmark": "Sella"}]},
        {"log": [{"landmark": "Sella", "action": "eaten", "before": None, "after": None, "time": "", "who": ""}]},
        {"origin": {"Sella": [1, float("inf")]}},
        {"origin": {"Sella": [1]}},
        {"origin": 3},
    ],
)
def test_a_damaged_review_is_refused(damage):
    stored = {"reviewed": [], "absent": [], "origin": {}, "log": [], **damage}
    item = landmarks(provenance={"review": stored})
    with pytest.raises(AnnotationError, match=r"review kept with the landmarks of radiograph 'a' is damaged"):
        Review.of(item)


def test_distances_of_points_that_are_not_there():
    edit = Edit("Sella", "placed", None, (1.0, 2.0), (0.1, 0.1))
    assert np.isnan(edit.distance_px)
    assert np.isnan(edit.distance_mm)
    assert np.isnan(Edit("Sella", "moved", (0.0, 0.0), (3.0, 4.0)).distance_mm)
    assert Edit("Sella", "moved", (0.0, 0.0), (3.0, 4.0)).distance_px == 5.0


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text("\\\tnt\n|", max_size=6)
POINTS = st.none() | st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 2)


@given(who=TEXTS, landmark=TEXTS, before=POINTS, after=POINTS)
def test_an_edit_comes_back_from_its_line_and_from_the_record_of_older_versions(who, landmark, before, after):
    edit = Edit(landmark, "moved", before, after, (0.1, 0.2), "2026-01-02T03:04:05Z", who)
    assert Edit.stored(json.loads(json.dumps(edit.to_line())), (0.1, 0.2)) == edit
    assert Edit.stored(json.loads(json.dumps(edit.to_dict())), (0.1, 0.2)) == edit


@pytest.mark.parametrize(
    "line", ["", "a\tb\tc\tmoved\t1 2", "\t\tS\teaten\t\t", "\t\tS\tmoved\t1\t", "\t\tS\tmoved\t1 nan\t"]
)
def test_a_damaged_line_of_the_log_is_refused(line):
    stored = {"reviewed": [], "absent": [], "origin": {}, "log": [line]}
    with pytest.raises(AnnotationError, match="is damaged"):
        Review.of(landmarks(provenance={"review": stored}))


def test_the_landmarks_of_a_review_carry_no_second_log():
    stored = Review.of(landmarks(provenance={"model": "tiny"})).moved(1, (5.0, 6.0)).to_landmarks()
    review = Review.of(stored)
    assert review.landmarks.provenance == {"model": "tiny"}
    assert review.to_landmarks().equals(stored)
