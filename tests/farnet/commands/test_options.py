"""Values of options are read strictly, and refusals name the option."""

from pathlib import Path

import pytest

from farnet.commands.options import (
    check_folder,
    examples,
    expand_wildcards,
    numbers,
    refuse_existing,
    spacing_option,
    words,
)
from farnet.errors import InvalidInputError, OutputError


def test_lists_are_separated_by_commas_or_spaces():
    assert words("173, 283 ,x") == ["173", "283", "x"]
    assert words("") == []
    assert numbers("2,2.5 3", "--radii") == [2.0, 2.5, 3.0]


@pytest.mark.parametrize("text", ["", "2;3", "two"])
def test_a_list_of_numbers_holds_numbers(text):
    with pytest.raises(InvalidInputError, match="--radii is"):
        numbers(text, "--radii")


def test_spacing_is_one_number_or_two():
    assert spacing_option(None) is None
    assert spacing_option("0.1") == (0.1, 0.1)
    assert spacing_option("0.1,0.2") == (0.1, 0.2)
    for wrong in ("0", "-1", "nan", "1,2,3", "wide"):
        with pytest.raises(InvalidInputError, match="--spacing"):
            spacing_option(wrong)


def test_existing_files_are_counted(tmp_path):
    paths = [tmp_path / name for name in "abc"]
    refuse_existing(paths, force=False)
    for path in paths:
        path.touch()
    with pytest.raises(InvalidInputError, match=r"a and 2 more would be overwritten.*--force"):
        refuse_existing(paths, force=False)
    refuse_existing(paths, force=True)


def test_the_folder_of_a_result_is_looked_at_first(tmp_path):
    check_folder(tmp_path / "new" / "deep" / "x.csv")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file is no folder"):
        check_folder(tmp_path / "file" / "x.csv")


def test_help_is_paragraphs_and_commands():
    text = examples("One\nline.\n\nAnother.", ("do it", "farnet do"))
    assert text.split("\n\n") == [
        "One line.",
        "Another.",
        "[bold]Examples[/bold]",
        "[dim]# do it[/dim]\n[cyan]farnet do[/cyan]",
    ]


def test_wildcards_that_the_shell_left_are_expanded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png", "c.jpg", "deep/d.png", "scan [1].png", "scan 1.png", "[x]/e.png"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    for paths, found in (
        (["?.png"], ["a.png", "b.png"]),
        (["*.jpg", "a.png", "?.png"], ["c.jpg", "a.png", "b.png"]),  # each once, in the order given
        (["**/?.png"], ["[x]/e.png", "a.png", "b.png", "deep/d.png"]),
        (["scan [1].png"], ["scan [1].png"]),
        (["scan [1]*"], ["scan [1].png"]),
        (["[x]/*.png"], ["[x]/e.png"]),
        (["nowhere.png", "[12].png"], ["nowhere.png", "[12].png"]),  # whoever reads them says so
        ([tmp_path / "*.jpg"], [tmp_path / "c.jpg"]),
    ):
        assert expand_wildcards(paths) == [Path(path) for path in found]
    with pytest.raises(InvalidInputError, match=r"nothing that \*\.tif stands for"):
        expand_wildcards(["a.png", "*.tif"])
    Path("*.tif").touch()  # a file of that very name
    Path("1.tif").touch()
    assert expand_wildcards(["*.tif"]) == [Path("*.tif")]
