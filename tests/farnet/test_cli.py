"""The command line as a whole: light to start, clear when used wrongly, the same promises for every command."""

import json
import subprocess
import sys

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
    if code != 130:
        assert json.loads(captured.out) == {"error": {"type": type(error).__name__, "message": str(error)}}
        assert captured.err == f"Error: {error}\n"


def test_a_defect_keeps_its_traceback(monkeypatch):
    def fail():
        raise ZeroDivisionError

    monkeypatch.setattr("farnet.zoo.list_models", fail)
    with pytest.raises(ZeroDivisionError):
        main(["models"])


def test_the_process_ends_with_the_code():
    result = run("info", "no-such-model")
    assert result.returncode == 2
    assert result.stderr.startswith("Error: Unknown model 'no-such-model'.")


def test_tables_in_a_pipe_are_as_wide_as_they_need():
    result = run("info", "--network", "densenet121", env={"COLUMNS": "20", "PATH": ""})
    assert result.returncode == 0
    assert "whole         61,219,731   155.858" in result.stdout
