"""Parts by person."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farnet.datasets.folds import hold_out_subjects, leaked_subjects, share_of_subjects, subject_folds
from farnet.errors import InvalidInputError

people = st.lists(st.sampled_from("abcdefghij"), min_size=6, max_size=60)


@given(people, st.integers(2, 5), st.integers(0, 3))
def test_folds_keep_persons_together_and_are_of_nearly_equal_size(subjects, folds, seed):
    if len(set(subjects)) < folds:
        with pytest.raises(InvalidInputError, match="persons cannot be parted"):
            subject_folds(subjects, folds, seed)
        return
    found = subject_folds(subjects, folds, seed)
    owner = np.asarray(subjects)
    assert all(len(set(found[owner == name])) == 1 for name in set(subjects))
    sizes = np.bincount(found, minlength=folds)
    assert sizes.min() > 0
    assert sizes.max() - sizes.min() <= max(subjects.count(name) for name in set(subjects))
    np.testing.assert_array_equal(found, subject_folds(subjects, folds, seed))


@given(st.lists(st.sampled_from("abcdefghij"), min_size=2, max_size=40), st.integers(0, 40), st.integers(0, 3))
def test_holding_out_takes_whole_persons_and_the_exact_number_or_refuses(subjects, count, seed):
    try:
        out = hold_out_subjects(subjects, count, seed)
    except InvalidInputError:
        return
    assert out.sum() == count
    owner = np.asarray(subjects)
    assert not leaked_subjects(list(owner[~out]), list(owner[out]))


@given(people, st.floats(0.01, 0.99), st.integers(0, 3))
def test_a_share_takes_whole_persons_and_leaves_some(subjects, share, seed):
    if len(set(subjects)) < 2:
        return
    out = share_of_subjects(subjects, share, seed)
    owner = np.asarray(subjects)
    assert 0 < out.sum() < len(subjects)
    assert not leaked_subjects(list(owner[~out]), list(owner[out]))
    most = max(subjects.count(name) for name in set(subjects))
    assert out.sum() <= max(1.0, share * len(subjects)) + most


def test_without_repeated_persons_any_number_can_be_held_out():
    names = [str(i) for i in range(20)]
    first, again, other = (hold_out_subjects(names, 7, seed) for seed in (1, 1, 2))
    assert first.sum() == other.sum() == 7
    assert (first == again).all() and (first != other).any()


def test_what_cannot_be_is_refused():
    with pytest.raises(InvalidInputError, match="2 or more"):
        subject_folds("ab", 1, 0)
    with pytest.raises(InvalidInputError, match="2 of 2"):
        hold_out_subjects("ab", 2, 0)
    with pytest.raises(InvalidInputError, match="do not add up to 1"):
        hold_out_subjects("aabb", 1, 0)
    assert leaked_subjects("abc", "cad") == ("a", "c")
