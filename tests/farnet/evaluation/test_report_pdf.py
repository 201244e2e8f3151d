"""The PDF: where its lines stand, and what is read back out of the file."""

from __future__ import annotations

import io
import re

import pypdf
import pytest

from farnet.evaluation.report import Section, Table
from farnet.evaluation.report.pages import WIDTH
from farnet.evaluation.report.pdf import as_pdf, lay_out
from farnet.evaluation.report.typesetting import Face, printable, width_of, wrap

_BODY = Face(9)


def _table(count: int) -> Section:
    rows = tuple((f"landmark {i}", f"{i}.25 [{i}.00, {i}.50]") for i in range(count))
    return Section("Each", tables=(Table(("name of it", "MRE"), rows),))


def _texts(section: Section) -> list[list[str]]:
    return [[text for _, text, _ in page] for page in lay_out("A title", [section]).lines()]


def test_a_long_table_goes_over_pages_with_its_head():
    pages = _texts(_table(120))
    assert len(pages) > 2
    assert all(page.count("name of it") == page.count("MRE") == 1 for page in pages)
    everything = [text for page in pages for text in page]
    assert [text for text in everything if text.startswith("landmark")] == [f"landmark {i}" for i in range(120)]


def test_the_file_is_a4_and_its_pages_are_counted():
    data = as_pdf("A title", [_table(60)])
    assert data.startswith(b"%PDF") and b"/Title (A title)" in data
    assert len(re.findall(rb"/Type /Page\b", data)) == len(_texts(_table(60))) == 2
    boxes = re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", data)
    assert {(round(float(across)), round(float(down))) for across, down in boxes} == {(595, 842)}


def test_text_is_read_back():
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(as_pdf("A title", [_table(60)]))).pages]
    assert all(f"Page {number} of 2" in page and "name of it" in page for number, page in enumerate(pages, 1))
    assert "59.25 [59.00," in pages[1] and "landmark 0" in pages[0]


def test_a_row_that_is_taller_than_a_page_is_not_lost():
    words = [f"name{i}," for i in range(2000)]
    pages = _texts(Section("Data", tables=(Table(("", ""), (("names", " ".join(words)),), 2),)))
    assert len(pages) > 1
    assert " ".join(text for page in pages for text in page).split()[-2000:] == words


def test_strange_names_are_printed_as_far_as_can_be():
    hostile = "$x^{\\frac{1}{$ \x00\x07 \u4e2d \U0001f9b4 (a\\b) \ud800"
    assert printable("\u4e2d\x00a\tb") == "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}a b"
    data = as_pdf(hostile, [Section(hostile, (hostile, ""), (Table((hostile,), ((hostile,), ("",))),), code=hostile)])
    assert data.startswith(b"%PDF") and len(re.findall(rb"/Type /Page\b", data)) == 1


@pytest.mark.parametrize("text", ["some words of a line " * 20, "unbroken" * 60, "", "a  b"])
def test_lines_are_no_wider_than_they_may_be(text):
    lines = wrap(text, _BODY, 150.0)
    assert all(width_of(line, _BODY) <= 150.0 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@pytest.mark.parametrize("columns", [3, 14])
def test_a_wide_table_stays_on_the_paper(columns):
    cells = tuple(f"{i}23.45 [100.00, 200.00]" for i in range(columns))
    table = Table(("landmark", *cells), (("x" * 400, *cells),) * 2)
    (page,) = lay_out("t", [Section("wide", tables=(table,))]).lines()
    begun = [(x, text, face) for x, text, face in page if text.startswith("x")]
    ends = [(x, text, face) for x, text, face in page if "23.45" in text or "200.00" in text]
    assert begun and all(x + width_of(text, face) < WIDTH for x, text, face in begun)
    assert len(ends) >= 3 * columns
    assert all(width_of(text, face) <= x <= WIDTH + 0.5 for x, text, face in ends)


def test_lines_are_as_wide_as_they_are_drawn():
    from matplotlib.textpath import text_to_path

    line = "95 % interval: percentile bootstrap, 200 draws of whole radiographs. It tells how far the x-ray xexoxc"
    drawn, _, _ = text_to_path.get_text_width_height_descent(line, _BODY.properties(), ismath=False)
    assert 0.99 * drawn < width_of(line, _BODY) < 1.03 * drawn  # kerning makes it a little narrower
