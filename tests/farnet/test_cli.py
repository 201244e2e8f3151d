"""The command line as a whole: light to start, clear when used wrongly, the same promises for every command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from farnet.cli import app, main
from farnet.errors import InvalidInputError, OutputError

COMMANDS = [command.name for command in app.registered_commands]


def run(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "farnet.cli", *arguments], capture_output=True, text=True, **options)


def test_the_commands():
    assert COMMANDS == [
        "demo",
        "samples",
        "detect",
        "review",
        "verify",
        "measure",
        "check",
        "train",
        "evaluate",
        "observers",
        "crossvalidate",
        "reproduce",
        "models",
        "calibrate",
        "export",
        "info",
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_with_examples(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    assert main([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert "Examples" in text
    assert text.count(f"farnet {command}") + text.count("--model") >= 3
    assert "--json" in text


def test_help_needs_nothing_heavy():
    """A second or more of imports would make help, completion and mistakes slow."""
    check = (
        "import sys; from farnet.cli import main; main(['detect', '--help']); "
        "print([m for m in ('torch', 'torchvision', 'lightning', 'scipy', 'pandas', 'matplotlib', 'napari', 'qtpy', "
        "'pydicom', 'skimage') if m in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stderr.strip() == "[]"


def test_no_command_shows_the_help(capsys):
    assert main([]) == 0
    assert "farnet demo" in capsys.readouterr().out


def test_version(capsys):
    from farnet import __version__

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"farnet {__version__}\n"


def test_an_unknown_command_is_wrong_use(capsys):
    assert main(["detct"]) == 2
    captured = capsys.readouterr()
    assert "detct" in captured.err
    assert "farnet --help" in captured.err
    assert captured.out == ""


def test_wrong_use_in_json(capsys):
    assert main(["detect", "--json"]) == 2
    captured = capsys.readouterr()
    assert "IMAGE" in json.loads(captured.out)["error"]["message"]
    assert "farnet detect --help" in captured.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInputError("no such thing"), 2),
        (OutputError("the disk is full"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_exit_codes(monkeypatch, capsys, error, code):
    def fail():
        raise error

    monkeypatch.setattr("farnet.zoo.list_models", fail)
    assert main(["models", "--json"]) == code
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    if code == 130:
        assert captured.err == "Interrupted.\n"
    else:
        assert json.loads(captured.out) == {"error": {"type": type(error).__name__, "message": str(error)}}
        assert captured.err == f"Error: {error}\n"


@pytest.mark.parametrize("error", [ZeroDivisionError("two\nlines"), MemoryError(), OSError(5, "broken")], ids=repr)
def test_a_defect_is_one_line_and_its_traceback_is_in_the_log(monkeypatch, capsys, caplog, error):
    def fail():
        raise error

    monkeypatch.setattr("farnet.zoo.list_models", fail)
    caplog.set_level("DEBUG", "farnet")
    assert main(["models", "--json"]) == 1
    captured = capsys.readouterr()
    told = json.loads(captured.out)["error"]
    assert told["type"] == type(error).__name__
    assert captured.err == f"Error: {told['message']}\n"
    assert "Traceback" not in captured.err and "Traceback" in caplog.text
    assert main(["models"]) == 1
    assert capsys.readouterr().out == ""


def test_after_its_json_nothing_more_is_printed(monkeypatch, capsys):
    from farnet.commands import console, models

    def then_fail(data):
        console.print_json(data)
        raise ZeroDivisionError

    monkeypatch.setattr(models, "print_json", then_fail)
    assert main(["models", "--json"]) == 1
    json.loads(capsys.readouterr().out)


def test_interrupted_in_json(monkeypatch, capsys):
    def fail():
        raise KeyboardInterrupt

    monkeypatch.setattr("farnet.zoo.list_models", fail)
    assert main(["models", "--json"]) == 130
    assert json.loads(capsys.readouterr().out)["error"]["type"] == "KeyboardInterrupt"


def test_the_traceback_is_printed_where_it_is_asked_for():
    code = (
        "import farnet.zoo; from farnet.cli import main; farnet.zoo.list_models = lambda: 1 / 0; raise "
        "SystemExit(main(['models']))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "FARNET_DEBUG": "1"}
    )
    assert result.returncode == 1
    assert "Traceback" in result.stderr and "Error: ZeroDivisionError" in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("arguments", [["models"], ["models", "--json"], ["--help"], ["--version"]], ids=" ".join)
def test_a_full_disk_is_one_line(arguments):
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "farnet.cli", *arguments], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert result.returncode == 1
    assert "output could not be written: No space left on device." in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
@pytest.mark.parametrize("arguments", [["models"], ["models", "--json"]], ids=" ".join)
def test_nobody_reads_on(arguments):
    read, write = os.pipe()
    os.close(read)
    try:
        result = subprocess.run(
            [sys.executable, "-m", "farnet.cli", *arguments], stdout=write, stderr=subprocess.PIPE, text=True
        )
    finally:
        os.close(write)
    assert result.stderr == ""


def test_files_and_folders_may_have_wildcards():
    """Every command that takes several of them, however it is written."""
    from farnet.cli import _command

    many = {
        name: parameter.callback is not None
        for name, command in _command().commands.items()
        for parameter in command.params
        if parameter.param_type_name == "argument" and parameter.nargs == -1
    }
    assert set(many) == {"detect", "review", "verify", "measure", "observers", "calibrate"}
    assert all(many.values())


def test_the_process_ends_with_the_code():
    result = run("info", "no-such-model")
    assert result.returncode == 2
    assert result.stderr.startswith("Error: Unknown model 'no-such-model'.")


def test_tables_in_a_pipe_are_as_wide_as_they_need():
    result = run("info", "--network", "densenet121", env={"COLUMNS": "20", "PATH": ""})
    assert result.returncode == 0
    assert "whole         61,219,731   155.858" in result.stdout
