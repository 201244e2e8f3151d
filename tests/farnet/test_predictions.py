"""A table of many radiographs of which one is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farnet.errors import AnnotationError, SchemeError
from farnet.formats import csv as table
from farnet.formats import read_annotations, write_annotations
from farnet.landmarks import Landmarks
from farnet.predictions import Predictions
from farnet.scheme import load_scheme

SCHEME = load_scheme("cephalometric19")


def landmarks(name, number=0, **changes):
    own = {"image_sha256": f"{number:064x}", "source": "model x", "provenance": {"model": 'a "b"', "n": number}}
    return Landmarks(np.full((19, 2), float(number)), SCHEME, radiograph=name, **{**own, **changes})


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('",;=+\t'), max_size=6)


@given(names=st.lists(NAMES, min_size=1, max_size=5, unique=True))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_radiograph_is_found_with_what_a_whole_reading_gives(tmp_path, names):
    items = [landmarks(name, number) for number, name in enumerate(names)]
    write_annotations(tmp_path / "all.csv", items)
    predictions = Predictions.open(tmp_path / "all.csv")
    whole = read_annotations(tmp_path / "all.csv")
    for item in whole:
        (found,) = predictions.of(Path("another name"), item.image_sha256)
        assert found.equals(item)
    for name in names:
        if name.strip() and not set(name) & set("/\\"):
            assert any(found.radiograph == name for found in predictions.of(Path(f"{name}.png")))


@pytest.fixture
def many(tmp_path):
    write_annotations(tmp_path / "all.csv", [landmarks(f"{number:03}", number) for number in range(200)])
    return tmp_path / "all.csv"


def test_only_what_is_asked_for_is_read(many, monkeypatch):
    read = []
    plain = table.read_table
    monkeypatch.setattr(
        "farnet.predictions.read_table", lambda text, *a, **k: read.append(text) or plain(text, *a, **k)
    )
    predictions = Predictions.open(many)
    assert len(read) == 1  # which tells the scheme
    (found,) = predictions.of(Path("scans/123.png"))
    assert found.equals(landmarks("123", 123))
    assert len(read) == 2
    assert all(text.count("\n") == 20 for text in read)
    assert predictions.of(Path("scans/999.png")) == []


def rewritten(path, change):
    header, *rows = path.read_bytes().decode().splitlines(keepends=True)
    path.write_bytes("".join([header, *change(rows)]).encode())


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: sorted(rows, key=lambda row: row.split(",")[6]),  # by landmark
        lambda rows: [*rows, "\r\n"],
        lambda rows: [row.replace("\r\n", "\n") for row in rows],
        lambda rows: [row.replace("farnet-csv 1", "") for row in rows],
        lambda rows: [*rows[:-1], rows[-1].rstrip()],
    ],
)
def test_tables_that_were_saved_again_are_read_as_ever(many, change):
    rewritten(many, change)
    predictions = Predictions.open(many)
    (found,) = predictions.of(Path("123.png"))
    np.testing.assert_array_equal(found.points, landmarks("123", 123).points)


def test_a_malformed_row_is_told_with_its_line_when_its_radiograph_is_looked_at(many):
    rewritten(many, lambda rows: [*rows[:100], rows[100].replace(",5.0,", ",five,", 1), *rows[101:]])
    predictions = Predictions.open(many)
    assert len(predictions.of(Path("004.png"))) == 1
    with pytest.raises(AnnotationError, match=r"line 102: row_px is 'five'"):
        predictions.of(Path("005.png"))


def test_several_sets_and_several_schemes_are_refused_at_once(many):
    for more in (landmarks("007", 7), landmarks("007", 7, source="other")):
        write_annotations(many, [landmarks("006", 6), landmarks("007", 7), more])
        with pytest.raises(AnnotationError, match="two sets of landmarks of the radiograph '007'"):
            Predictions.open(many)
    hand = load_scheme("hand37")
    write_annotations(many, [landmarks("006", 6), Landmarks(np.ones((37, 2)), hand, radiograph="x")])
    with pytest.raises(AnnotationError, match="mixes the schemes cephalometric19, hand37"):
        Predictions.open(many)
    write_annotations(many, [landmarks("006", 6)])
    with pytest.raises(SchemeError):
        Predictions.open(many, hand)


def test_what_is_no_table_is_said(tmp_path):
    with pytest.raises(AnnotationError, match="no file"):
        Predictions.open(tmp_path / "none.csv")


def test_a_table_in_another_encoding_is_read_as_ever(many):
    many.write_bytes(many.read_bytes().replace(b",123,", b",B\xe4r,"))
    (found,) = Predictions.open(many).of(Path("bär.png"))
    assert found.radiograph == "Bär"
