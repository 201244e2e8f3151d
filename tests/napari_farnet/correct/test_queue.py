"""The order in which landmarks are looked at."""

from __future__ import annotations

from napari_farnet.correct.queue import Queue


def test_the_first_that_waits_comes_first():
    assert Queue().next((4, 2, 7), -1) == 4


def test_one_that_is_passed_over_comes_again_at_the_end():
    queue = Queue()
    assert queue.next((4, 2, 7), 4) == 2
    assert queue.next((4, 2, 7), 2) == 7
    assert queue.next((4, 2, 7), 7) == 4
    assert queue.next((4, 2, 7), 4) == 2


def test_one_that_is_done_is_not_passed_over():
    queue = Queue()
    assert queue.next((2, 7), 4) == 2
    assert queue.next((2,), 7) == 2


def test_the_last_one_is_given_as_long_as_it_waits():
    assert Queue().next((5,), 5) == 5
    assert Queue().next((), 5) is None


def test_going_back():
    queue = Queue()
    assert queue.back() is None
    for k in (3, 3, 1, 8):
        queue.visit(k)
    assert queue.back() == 1
    assert queue.back() == 3
    assert queue.back() is None
    queue.clear()
    queue.visit(1)
    assert queue.back() is None
