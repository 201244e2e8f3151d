"""Tables of this program that pandas, R and spreadsheets have saved again: the same landmarks."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farnet.errors import AnnotationError
from farnet.formats import read_annotations, recognised_formats, write_annotations

from .made_up import SCHEME, landmarks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("others")


def cells_of(file):
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def text_of(rows, delimiter=",", line_end="\r\n", **options):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=line_end, **options).writerows(rows)
    return text.getvalue()


def by_pandas(file, **options):
    pd.read_csv(file).to_csv(file, **options)


def by_r(file, *, row_names=True, headed=True):
    """As write.csv does, and write.table without a name for the names of the rows."""
    header, *rows = cells_of(file)
    logical = {"true": "TRUE", "false": "FALSE", "": "NA"}
    rows = [[logical.get(cell, cell) for cell in row] for row in rows]
    if row_names:
        header = ["", *header] if headed else header
        rows = [[str(number), *row] for number, row in enumerate(rows, start=1)]
    file.write_text(text_of([header, *rows], line_end="\n", quoting=csv.QUOTE_ALL), encoding="utf-8")


def by_excel(file, *, delimiter=",", encoding="utf-8-sig", sep=False, comma=False, empty=2):
    header, *rows = cells_of(file)
    wide = header.index("provenance")
    logical = {"true": "WAHR", "false": "FALSCH"} if comma else {"true": "TRUE", "false": "FALSE"}
    saved = []
    for row in rows:
        row = [logical.get(cell, cell) for cell in row]
        if comma:
            row = [c.replace(".", ",") if k < wide and c.replace(".", "").isdecimal() else c for k, c in enumerate(row)]
        saved.append(row)
    lines = [[name.upper() for name in header], *saved, *([[""] * len(header)] * empty)]
    text = f"sep={delimiter}\r\n" * sep + text_of(lines, delimiter)
    file.write_bytes(text.encode(encoding))


RESAVED = {
    "pandas with its index": lambda file: by_pandas(file),
    "pandas without it": lambda file: by_pandas(file, index=False),
    "pandas with a named index": lambda file: by_pandas(file, index_label="row"),
    "pandas, empty cells as NA": lambda file: by_pandas(file, na_rep="NA"),
    "R": by_r,
    "R, row.names = FALSE": lambda file: by_r(file, row_names=False),
    "R, write.table": lambda file: by_r(file, headed=False),
    "Excel": by_excel,
    "Excel, semicolons": lambda file: by_excel(file, delimiter=";"),
    "Excel, decimal commas": lambda file: by_excel(file, delimiter=";", comma=True),
    "Excel, sep=": lambda file: by_excel(file, delimiter=";", sep=True, comma=True),
    "Excel, Unicode text": lambda file: by_excel(file, delimiter="\t", encoding="utf-16"),
    "Excel, old Windows": lambda file: by_excel(file, delimiter=";", encoding="cp1252", comma=True),
    "two by turns": lambda file: (by_pandas(file), by_excel(file)),
}


@pytest.mark.parametrize("name", RESAVED)
@pytest.mark.parametrize("many", [1, 3])
def test_saved_again_it_holds_the_same(folder, name, many):
    file = folder / "again.csv"
    written = [landmarks(seed, radiograph=f"Gräfin {seed}") for seed in range(many)]
    write_annotations(file, written)
    RESAVED[name](file)
    assert [item.name for item in recognised_formats(file)] == ["farnet-csv"]
    found = read_annotations(file)
    assert len(found) == many
    for before, after in zip(written, found, strict=True):
        np.testing.assert_allclose(after.points, before.points, rtol=1e-12)
        assert (after.radiograph, after.image_shape, after.spacing) == (
            before.radiograph,
            before.image_shape,
            before.spacing,
        )
        np.testing.assert_array_equal(after.edited, before.edited)
        np.testing.assert_allclose(after.confidence, before.confidence, rtol=1e-12)
        assert after.provenance == before.provenance


@given(
    absent=st.sets(st.integers(0, 18), max_size=18),
    seed=st.integers(0, 99),
    name=st.sampled_from(sorted(RESAVED)),
    shape=st.none() | st.just((1000, 900)),
)
def test_saved_again_whatever_it_holds(folder, absent, seed, name, shape):
    file = folder / "any.csv"
    written = landmarks(seed, absent=absent, image_shape=shape, edited=None, provenance={}, radiograph="a1")
    write_annotations(file, [written])
    RESAVED[name](file)
    (found,) = read_annotations(file)
    np.testing.assert_allclose(found.points, written.points, rtol=1e-12)
    assert found.image_shape == shape and found.edited is None


def test_integers_that_became_decimal_fractions(tmp_path):
    (tmp_path / "a.csv").write_text(
        "scheme,landmark,row_px,column_px,image_rows,image_columns,edited\n"
        "cephalometric19,S,10,20,473.0,451.0,1.0\ncephalometric19,N,11.0,21.0,473.0,451.0,0.0\n"
    )
    (found,) = read_annotations(tmp_path / "a.csv")
    assert found.image_shape == (473, 451) and found.edited.tolist()[:2] == [True, False]


@pytest.mark.parametrize("mark", list("'\u2019\u2018\u201b\u2032\u00b4`\u02b9\u02bc\uff07"))
def test_apostrophes_of_other_programs_are_the_prime(tmp_path, mark):
    (tmp_path / "a.csv").write_text(
        f"scheme,landmark,row_px,column_px\ncephalometric19,Pog{mark},1,2\ncephalometric19,Pog,3,4\n", encoding="utf-8"
    )
    (found,) = read_annotations(tmp_path / "a.csv")
    assert found.points[SCHEME.index("Pog'")].tolist() == [1, 2] and found.points[SCHEME.index("Pog")].tolist() == [
        3,
        4,
    ]


def test_no_other_landmark_is_suggested_for_a_mark(tmp_path):
    (tmp_path / "a.csv").write_text("scheme,landmark,row_px,column_px\ncephalometric19,Pog*,1,2\n")
    with pytest.raises(AnnotationError, match="differs in its marks from") as error:
        read_annotations(tmp_path / "a.csv")
    assert "Did you mean" not in str(error.value)


def test_the_scheme_need_not_be_named(tmp_path):
    (tmp_path / "a.csv").write_text("landmark,row_px,column_px\nS,1,2\nmenton,3,4\n")
    (found,) = read_annotations(tmp_path / "a.csv")
    assert found.scheme == SCHEME and found.present.sum() == 2


def test_a_longer_log_than_the_csv_module_allows_by_itself(tmp_path):
    edits = [{"landmark": k % 68, "from": [1.0 * k, 2.0], "to": [3.0, 4.0 * k], "who": "reader"} for k in range(5000)]
    written = landmarks(provenance={"edits": edits})
    write_annotations(tmp_path / "a.csv", [written])
    assert max(len(cell) for row in (tmp_path / "a.csv").read_text().splitlines() for cell in [row]) > 131_072
    (found,) = read_annotations(tmp_path / "a.csv")
    assert found.equals(written)


def test_commas_separate_cells_where_commas_are_the_separator(tmp_path):
    (tmp_path / "a.csv").write_text('scheme,landmark,row_px,column_px\ncephalometric19,S,"1,5",2\n')
    with pytest.raises(AnnotationError, match="Write decimals with a point"):
        read_annotations(tmp_path / "a.csv")
