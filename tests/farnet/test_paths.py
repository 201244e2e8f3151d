"""Names from anywhere become names of files that stay in their folder, on every system."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from farnet.paths import LONGEST_NAME, safe_file_name, safe_file_names

PIECES = [
    "..",
    ".",
    "/",
    "\\",
    "C:",
    "\\\\server\\share",
    "CON",
    "nul",
    "COM1",
    ".txt",
    " ",
    "\0",
    "\n",
    "é",
    "😀",
    "\udce4",
]
NAMES = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=300),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=12).map("".join),
)


@given(NAMES)
@example("")
@example("..")
@example("../../etc/passwd")
@example("C:\\Windows\\x")
@example("C:x")
@example("\\\\server\\share\\x")
@example("a:stream")
@example("con .anything")
@example("COM¹")
@example("x. . ")
@example("\udce4" * 300)
@example("😀" * 200)
def test_a_name_stays_in_its_folder_on_every_system(name):
    safe = safe_file_name(name)
    assert safe == safe_file_name(safe)
    for ending in ("", ".csv", ".mrk.json"):
        file = f"{safe}{ending}"
        windows = PureWindowsPath("D:/out") / file
        assert windows.parent == PureWindowsPath("D:/out") and windows.name == file
        assert not PureWindowsPath(file).is_reserved()
        assert file[-1] not in ". "
        assert Path("/nowhere/out", file).resolve().parent == Path("/nowhere/out")
        assert len(file.encode()) < 200  # and it is text
    assert not any(ord(character) < 32 for character in safe)


@given(st.lists(NAMES, max_size=8))
def test_no_two_names_are_alike(names):
    safe = safe_file_names(names)
    assert len({unicodedata.normalize("NFC", file).casefold() for file in safe}) == len(set(names))
    again = dict(zip(reversed(names), safe_file_names(list(reversed(names))), strict=True))
    assert [again[name] for name in names] == safe
    assert all(len(file.encode()) <= LONGEST_NAME + 9 for file in safe)


@pytest.mark.parametrize("name", ["patient 1", "1.2.840.113", "Größe", "снимок", "a-b_c", "…", ".x"])
def test_what_is_safe_stays(name):
    assert safe_file_name(name) == name


@pytest.mark.parametrize(
    ("name", "safe"),
    [("a/1.png", "a_1.png"), ("../up", "up"), ("C:\\scans\\1", "C__scans_1"), ("NUL.dcm", "_NUL.dcm")],
)
def test_folders_become_part_of_the_name(name, safe):
    assert safe_file_name(name) == safe


def test_names_that_differ_in_case_or_accents_alone():
    assert len({name.casefold() for name in safe_file_names(["a", "A"])}) == 2
    composed, decomposed = "\u00e9", "e\u0301"
    first, second = safe_file_names([composed, decomposed])
    assert unicodedata.normalize("NFC", first) != unicodedata.normalize("NFC", second)


def test_they_can_be_written(tmp_path):
    from farnet.atomic import write_text_atomic

    for name in ("漢" * 200, "x" * 500, "\udce4\0/..", "CON"):
        write_text_atomic(tmp_path / f"{safe_file_name(name)}.csv", "x")
    assert len(list(tmp_path.iterdir())) == 4
