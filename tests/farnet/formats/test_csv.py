from __future__ import annotations

import csv
import string

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farnet.errors import AnnotationError, OutputError, SchemeError
from farnet.formats import read_annotations, write_annotations
from farnet.formats.csv import COLUMNS
from farnet.landmarks import Landmarks
from farnet.scheme import LandmarkDefinition, LandmarkScheme, load_scheme

SCHEME = load_scheme("cephalometric19")
TINY = LandmarkScheme("tiny", "Tiny", (LandmarkDefinition("Größe, links", "G;l"), LandmarkDefinition('"B"', "B\nb")))
K = len(SCHEME)

numbers = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | texts,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(texts, inside, max_size=3),
    max_leaves=5,
)


@st.composite
def anything(draw, scheme=TINY):
    """Landmarks with any mixture of what may be known, in numbers of any size."""
    count = len(scheme)

    def array(element, *shape):
        return np.array(draw(st.lists(element, min_size=count, max_size=count))).reshape(count, *shape)

    point = st.tuples(numbers, numbers) | st.just((np.nan, np.nan))
    variance = st.floats(0, 1e6) | st.just(np.nan)
    covariance = st.tuples(variance, st.floats(-1e3, 1e3), variance).map(lambda c: ((c[0], c[1]), (c[1], c[2])))
    spacing = st.floats(1e-6, 1e6)
    return Landmarks(
        points=array(point, 2),
        scheme=scheme,
        spacing=draw(st.none() | st.tuples(spacing, spacing)),
        confidence=draw(st.none() | st.just(array(numbers | st.just(np.nan)))),
        covariance=draw(st.none() | st.just(array(covariance, 2, 2))),
        edited=draw(st.none() | st.just(array(st.booleans()))),
        source=draw(texts),
        radiograph=draw(texts),
        image_shape=draw(st.none() | st.tuples(st.integers(1, 10**5), st.integers(1, 10**5))),
        image_sha256=draw(st.none() | st.text(string.hexdigits, min_size=64, max_size=64)),
        provenance=draw(st.dictionaries(texts, json_values, max_size=3)),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("csv")


def unlike_absent(items):
    """Off the picture, -1, -1 and the like are no points, in no file."""
    points = np.concatenate([item.points for item in items])
    return not np.isin(points, [-1, -9, -99, -999, -9999]).all(axis=1).any()


@given(st.lists(anything(), min_size=1, max_size=4).filter(unlike_absent))
@settings(deadline=None, max_examples=150)
def test_round_trip_is_exact(folder, written):
    path = folder / "round.csv"
    write_annotations(path, written)
    read = read_annotations(path, scheme=TINY)
    assert len(read) == len(written)
    for before, after in zip(written, read, strict=True):
        assert after.equals(before)


@given(anything())
@settings(deadline=None, max_examples=20)
def test_two_observers_of_one_radiograph_stay_apart(folder, item):
    pair = [item.replace(source="junior"), item.replace(source="senior")]
    path = folder / "pair.csv"
    write_annotations(path, pair)
    assert [landmarks.source for landmarks in read_annotations(path, scheme=TINY)] == ["junior", "senior"]


def make(**changes):
    points = np.arange(2.0 * K).reshape(K, 2)
    points[3] = np.nan
    return Landmarks(**{"points": points, "scheme": SCHEME, "radiograph": "001", "spacing": 0.1, **changes})


@pytest.fixture
def table(tmp_path):
    """Write the example and give it as a data frame of texts, with a function that reads it again when changed."""
    path = tmp_path / "a.csv"
    write_annotations(path, [make()])
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def reread(frame, tmp_path, **options):
    path = tmp_path / "changed.csv"
    frame.to_csv(path, index=False, **options)
    return read_annotations(path)


def test_looks_as_documented(tmp_path):
    path = tmp_path / "a.csv"
    provenance = {"model": "ceph19-compact", "version": [1, 2.5, None]}
    write_annotations(path, [make(image_shape=(2400, 1935), edited=np.arange(K) == 1, provenance=provenance)])
    with path.open(newline="", encoding="utf-8") as file:
        assert file.readline().endswith("\r\n")
        file.seek(0)
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["abbreviation"] for row in rows] == list(SCHEME.abbreviations)
    assert rows[1]["format"] == "farnet-csv 1"
    assert (rows[1]["row_px"], rows[1]["column_px"], rows[1]["spacing_row_mm"]) == ("2.0", "3.0", "0.1")
    assert (rows[3]["row_px"], rows[3]["column_px"]) == ("", "")
    assert [row["edited"] for row in rows[:2]] == ["false", "true"]
    assert [bool(row["provenance"]) for row in rows] == [True] + [False] * (K - 1)


def test_pandas_reads_it(table, tmp_path):
    frame = pd.read_csv(tmp_path / "a.csv")
    np.testing.assert_array_equal(frame[["row_px", "column_px"]], make().points)


@pytest.mark.parametrize("options", [{"sep": ";"}, {"sep": "\t"}, {"encoding": "utf-8-sig"}, {"lineterminator": "\n"}])
def test_spreadsheets_save_it_their_own_way(table, tmp_path, options):
    (landmarks,) = reread(table, tmp_path, **options)
    assert landmarks.equals(make())


def test_rows_and_columns_in_any_order(table, tmp_path):
    shuffled = table.sample(frac=1, random_state=1)[sorted(table.columns)]
    assert reread(shuffled, tmp_path)[0].equals(make())


def test_rows_that_are_missing_are_absent_landmarks(table, tmp_path):
    (landmarks,) = reread(table.drop(index=[0, 5]), tmp_path)
    assert np.flatnonzero(~landmarks.present).tolist() == [0, 3, 5]


def test_a_table_of_one_s_own_needs_four_columns(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("scheme,landmark,row_px,column_px\ncephalometric19,N,10,20.5\ncephalometric19,Menton, 7 ,8\n")
    (landmarks,) = read_annotations(path)
    assert landmarks.points[[1, 7]].tolist() == [[10, 20.5], [7, 8]]
    assert landmarks.present.sum() == 2
    assert landmarks.spacing is landmarks.confidence is landmarks.edited is None


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("row_px", "left", r"line 2: row_px is 'left', which is no number"),
        ("row_px", "1,5", r"Write decimals with a point"),
        ("row_px", "", r"line 2: landmark 'Sella' has only one of row_px and column_px"),
        ("column_px", "inf", r"'Sella' is at \(0\.0, inf\)"),
        ("landmark", "Sela", r"line 2: .*Did you mean 'Sella'"),
        ("landmark", "Nasion", r"line 3: landmark 'Nasion' is given a second time for radiograph '001'"),
        ("edited", "perhaps", r"edited is 'perhaps'"),
        ("spacing_row_mm", "0.2", r"disagree about its spacing"),
        ("provenance", "{", r"no JSON object"),
        ("provenance", "[1]", r"no JSON object"),
        ("format", "farnet-csv 2", r"newer napari-farnet"),
        ("image_rows", "12", r"two whole numbers"),
        ("cov_rr", "-1", r"at least zero"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(table, tmp_path, column, value, words):
    table.loc[0, column] = value
    with pytest.raises(AnnotationError, match=words):
        reread(table, tmp_path)


def test_spacing_of_zero_is_refused(table, tmp_path):
    table[["spacing_row_mm", "spacing_column_mm"]] = "0"
    with pytest.raises(AnnotationError, match=r"radiograph '001': .*above zero"):
        reread(table, tmp_path)


def test_other_scheme_than_asked_for(tmp_path, table):
    with pytest.raises(SchemeError, match="of scheme 'cephalometric19', not of 'hand37'"):
        read_annotations(tmp_path / "a.csv", scheme=load_scheme("hand37"))


def test_scheme_that_is_not_bundled_must_be_given(tmp_path):
    path = tmp_path / "tiny.csv"
    path.write_text('scheme,landmark,row_px,column_px\ntiny,G;l,1,2\ntiny,"""B""",3,4\n')
    with pytest.raises(SchemeError, match=r"'tiny': it is not bundled .*give the scheme itself"):
        read_annotations(path)
    assert len(read_annotations(path, scheme=TINY)) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"x,y\n1,2\n", "columns landmark, row_px, column_px are missing"),
        (b"scheme,landmark,row_px,column_px\n", "a header and no landmarks"),
        (b"scheme,landmark,row_px,column_px\ncephalometric19,N,1\n", "line 2: expected 4 cells"),
        (b"scheme,landmark,row_px,column_px\ncephalometric19,N,1,2,3\n", "line 2: expected 4 cells"),
        (b'scheme,landmark,row_px,column_px\n"cephalometric19,N,1,2\n', "no CSV"),
        (b"\x80\x04\x95rest", "no text in UTF-8"),
        (b"\xff\xfes\0c", "no text in UTF-16"),
        (b"\xff\xfes\0c\0", "columns landmark, row_px, column_px are missing"),
    ],
)
def test_what_is_no_table(tmp_path, content, words):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(AnnotationError, match=words):
        read_annotations(path)


def test_characters_that_utf8_cannot_write(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(AnnotationError, match="UTF-8 cannot write"):
        write_annotations(path, [make(radiograph="\ud800")])
    assert path.read_text() == "old"


def test_unwritable_place(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="could not be written"):
        write_annotations(tmp_path / "file" / "a.csv", [make()])
