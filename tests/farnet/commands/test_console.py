"""What is printed goes where it belongs, and is neither cut nor interpreted."""

import json
import math

import pytest

from farnet.commands.console import note, number, print_json, print_table, print_text, progress, warn


def test_json_is_read_back(capsys):
    print_json({"name": "Größe", "values": [1.5, None]})
    assert json.loads(capsys.readouterr().out) == {"name": "Größe", "values": [1.5, None]}


def test_what_is_no_json_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        print_json({"value": math.nan})


def test_long_cells_are_whole_where_nobody_looks(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    print_table(("name", "value"), [("x" * 90, "1")], title="[bold]not markup[/bold]", caption="c" * 90)
    out = capsys.readouterr().out
    assert "x" * 90 in out
    assert "c" * 90 in out
    assert "[bold]not markup[/bold]" in out


def test_columns_of_numbers_end_together(capsys):
    print_table(("landmark", "mm"), [("Sella", "1.00"), ("Nasion", "10.00")])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert "Sella       1.00" in lines[-3] + lines[-4]
    assert any(line.startswith(" Nasion") or line.startswith("Nasion") for line in lines)


def test_notes_and_warnings_are_no_result(capsys):
    note("a [note]")
    warn("a [warning]")
    print_text("a [result]")
    captured = capsys.readouterr()
    assert captured.out == "a [result]\n"
    assert captured.err == "a [note]\na [warning]\n"


def test_progress_is_silent_without_a_terminal(capsys):
    with progress("Working", 2) as step:
        step("one")
        step("two")
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(1.005, 1, "1.0"), (2.0, 2, "2.00"), (None, 2, "\N{EN DASH}"), (math.nan, 2, "\N{EN DASH}")],
)
def test_numbers(value, digits, text):
    assert number(value, digits) == text
