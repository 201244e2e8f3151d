"""What the readers of all kinds share: the name of a radiograph."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farnet.readers import as_text, stem_of


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a.png", "a"),
        ("A.NII.GZ", "A"),
        ("1.2.840.113", "1.2.840.113"),
        (".png", ".png"),
        ("sch\udce4del.png", "sch%e4del"),
    ],
)
def test_name_without_its_ending(name, stem):
    assert stem_of(Path("folder") / name) == stem


@given(st.binary(max_size=20))
def test_every_name_can_be_written(name):
    text = as_text(name.decode("utf-8", "surrogateescape"))
    text.encode("utf-8")


@given(st.text())
def test_text_stays_as_it_is(name):
    assert as_text(name) == name
