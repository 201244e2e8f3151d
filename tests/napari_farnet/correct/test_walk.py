"""Reading ahead in a folder."""

from __future__ import annotations

import pytest

from farnet.errors import RadiographError
from napari_farnet.correct.walk import Walk


class Folder:
    """Counts what is read; the second is broken."""

    def __init__(self, count):
        self.read = []
        self.items = [type("Item", (), {"corrected": number < 2})() for number in range(count)]

    def __len__(self):
        return len(self.items)

    def radiograph(self, number):
        self.read.append(number)
        if number == 1:
            raise RadiographError("broken")
        return number


@pytest.fixture
def walk():
    walk = Walk(Folder(12))
    yield walk
    walk.close()


def test_the_neighbours_are_read_ahead(walk):
    assert walk.radiograph(5) == 5
    walk.go_to(5)
    assert walk.radiograph(6) == 6
    assert walk.radiograph(4) == 4
    assert sorted(walk.corrections.read) == [4, 5, 6]


def test_what_is_far_away_is_forgotten(walk):
    for number in range(2, 12):
        walk.radiograph(number)
        walk.go_to(number)
    assert len(walk._read) <= 5
    assert walk.radiograph(2) == 2
    assert walk.corrections.read.count(2) == 2


def test_a_broken_one_is_tried_again(walk):
    for _ in range(2):
        with pytest.raises(RadiographError):
            walk.radiograph(1)
    assert walk.corrections.read.count(1) == 2


def test_it_begins_with_the_first_that_has_no_corrections(walk):
    assert walk.first_unfinished() == 2
