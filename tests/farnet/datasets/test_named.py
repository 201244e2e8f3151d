"""Data sets are opened by name."""

import pytest

from farnet.datasets.named import open_dataset
from farnet.errors import InvalidInputError, UnknownNameError


def test_isbi2015(isbi):
    data = open_dataset("isbi2015", isbi, split="test1", observer="senior")
    assert (data.split, data.observer, data.ids) == ("test1", "senior", ("151", "152", "173"))
    assert data.duplicates == {"173": "144"}


def test_an_unknown_name_is_refused(isbi):
    with pytest.raises(UnknownNameError, match="Did you mean 'isbi2015'"):
        open_dataset("isbi2014", isbi, split="test1", observer="mean")
    with pytest.raises(InvalidInputError):
        open_dataset("isbi2015", isbi / "nowhere", split="test1", observer="mean")
