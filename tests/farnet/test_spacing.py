from __future__ import annotations

import math

import numpy as np
import pytest

from farnet.errors import InvalidInputError
from farnet.spacing import as_spacing


@pytest.mark.parametrize("value", [0.1, np.float32(0.5), [0.1], (0.1, 0.2), np.array([0.1, 0.2])])
def test_one_number_or_two(value):
    expected = tuple(float(number) for number in np.atleast_1d(value))
    assert as_spacing(value) == (expected if len(expected) == 2 else expected * 2)


def test_unknown_stays_unknown():
    assert as_spacing(None) is None


@pytest.mark.parametrize(
    "value", [0, 0.0, -0.1, math.nan, math.inf, (0.1, 0), (0.1, 0.1, 0.1), (), "wide", ("a", "b"), object()]
)
def test_nonsense_is_refused_with_its_value(value):
    with pytest.raises(InvalidInputError, match="above zero") as caught:
        as_spacing(value, what="size of a pixel")
    assert "size of a pixel" in str(caught.value)
    assert repr(value) in str(caught.value)
