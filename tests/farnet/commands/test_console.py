"""What is printed goes where it belongs, and is neither cut nor interpreted."""

import io
import json
import math
import sys

import pytest

from farnet.commands.console import (
    note,
    notices,
    number,
    prepare_streams,
    print_json,
    print_table,
    print_text,
    progress,
    warn,
)


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


ENCODINGS = ["utf-8", "ascii", "cp1252", "cp1251", "cp936", "cp437", "latin-1", "utf-8-sig"]
NAMES = ["снимок.png", "Größe – 1.png", "射片.png", "😀.png", "a\udce4.png", "\u2028.png"]


def redirected(monkeypatch, encoding):
    """Standard output and error as a file of an encoding; gives what gives the text that arrived."""
    raw = {name: io.BytesIO() for name in ("stdout", "stderr")}
    for name, stream in raw.items():
        monkeypatch.setattr(sys, name, io.TextIOWrapper(stream, encoding=encoding, errors="strict"))
    prepare_streams()
    return lambda name="stdout": raw[name].getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_json_of_any_names_is_json_in_every_encoding(monkeypatch, encoding):
    text = redirected(monkeypatch, encoding)
    data = {"files": NAMES, "nested": [{name: name} for name in NAMES]}
    print_json(data)
    assert json.loads(text()) == data


def test_json_is_readable_where_it_can_be(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="UTF8"))
    print_json({"name": "снимок"})
    assert "снимок" in raw.getvalue().decode()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_text_of_any_names_arrives_in_every_encoding(monkeypatch, encoding):
    text = redirected(monkeypatch, encoding)
    for name in NAMES:
        print_text(name)
        print_table(("file", "number"), [(name, number(None)), (name, "1")], title=name, caption=name)
        note(name)
        warn(name)
        with progress(name, 1) as step:
            step(name)
    assert text().count(".png") >= 4 * len(NAMES)
    sys.stderr.flush()
    assert text("stderr").count(".png") == 2 * len(NAMES)


def test_without_streams_nothing_is_lost_but_the_text(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    prepare_streams()
    print_text("x")
    print_json({})
    warn("x")
    sys.stdout.close()
    sys.stderr.close()


def test_notices_are_told_once_on_standard_error(capsys):
    from farnet.notices import tell

    with notices():
        tell("a.tps: [3] curves were left out.")
        tell("a.tps: [3] curves were left out.")
        tell("b.tps: 1 curve was left out.")
    tell("afterwards")
    captured = capsys.readouterr()
    assert captured.err.splitlines()[:2] == ["a.tps: [3] curves were left out.", "b.tps: 1 curve was left out."]
    assert captured.err.count("a.tps") == 1
    assert captured.out == ""


def test_names_of_files_do_not_steer_the_terminal(capsys):
    name = "\x1b[2Jgone\x9b\x07\r.png"
    print_text(name)
    print_table(("file",), [(name,)], title=name, caption=name)
    note(name)
    warn(name)
    captured = capsys.readouterr()
    assert captured.out.count("\\x1b[2Jgone\\x9b\\x07\\x0d.png") == 4
    assert captured.err.count("\\x1b[2Jgone") == 2
    assert not set("\x1b\x9b\x07\r") & set(captured.out + captured.err)
