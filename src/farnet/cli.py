"""The `farnet` command.

Exit codes: 0 all is well; 1 something failed, and it was said what; 2 the command was used wrongly or given what cannot
be used, and nothing was done; 130 it was interrupted. With the environment variable FARNET_DEBUG=1 the log, with the
tracebacks of what nobody foresaw, goes to standard error.
"""

import errno
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from farnet.commands import (
    calibrate,
    check,
    crossvalidate,
    demo,
    detect,
    evaluate,
    export,
    info,
    measure,
    models,
    observers,
    reproduce,
    review,
    samples,
    train,
    verify,
)
from farnet.commands.console import json_was_printed, notices, prepare_streams, print_json, standard_output, warn
from farnet.commands.options import expand_wildcards
from farnet.errors import LOGGER, FarnetError, OutputError, said_of

__all__ = ["app", "main"]

_TALKATIVE = ("PIL", "pydicom", "tifffile")  # what they log of a damaged file is told with its name, in a sentence
_SILENT = logging.NullHandler()

_FAILED, _WRONG_USE, _INTERRUPTED = 1, 2, 130

# Typer's usage errors have their own base, which it does not export; its best known one leads to it.
_UsageError = cast("type[Exception]", typer.BadParameter.__base__)

app = typer.Typer(
    name="farnet",
    help="Anatomical landmarks on 2-D radiographs with FARNet. Research use, not for diagnosis.\n\n"
    "New here? [cyan]farnet demo[/cyan] shows it on a sample radiograph; "
    "[cyan]farnet COMMAND --help[/cyan] teaches a command with examples.",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from farnet import __version__

        typer.echo(f"farnet {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _begin(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


for _module in (
    *(demo, samples, detect, review, verify, measure, check, train, evaluate, observers, crossvalidate, reproduce),
    *(models, calibrate, export, info),
):
    _module.register(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: What follows `farnet`; by default what this process was started with.

    Returns:
        The exit code. Errors are one message on standard error, never a traceback; with ``--json`` they are
        ``{"error": {"type": ..., "message": ...}}`` on standard output too.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    as_json = "--json" in given
    prepare_streams()
    if os.environ.get("FARNET_DEBUG"):
        logging.basicConfig()
        LOGGER.setLevel(logging.DEBUG)
    for name in _TALKATIVE:
        logging.getLogger(name).addHandler(_SILENT)
    try:
        with notices():
            code = _command().main(args=given, prog_name="farnet", standalone_mode=False)
        with standard_output():
            pass  # help and version, too, have arrived
    except FarnetError as error:
        # A result that could not be written is a failure of a command that was used rightly.
        code = _FAILED if isinstance(error, OutputError) else _WRONG_USE
        _report(error, str(error), as_json=as_json)
    except _UsageError as error:
        code = _WRONG_USE
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        _report(error, message, as_json=as_json, hint=_hint(given))
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED  # which is said below
    except SystemExit as end:  # also where nobody reads standard output any more, of which nothing is said
        code = end.code
    except BrokenPipeError:
        code = _FAILED
    except BaseException as error:
        code = _FAILED
        LOGGER.debug("farnet %s", " ".join(given), exc_info=True)
        _report(error, _unforeseen(error), as_json=as_json)
    if code == _INTERRUPTED:
        if as_json:
            _print_error("KeyboardInterrupt", "Interrupted.")
        warn("Interrupted.")
    _let_go_of_standard_output()
    return code if isinstance(code, int) else 0 if code is None else _FAILED


def _command() -> Any:
    """The commands; each expands the wildcards of its files and folders, which not every shell does."""
    group: Any = typer.main.get_command(app)
    for command in group.commands.values():
        for parameter in command.params:
            if parameter.param_type_name == "argument" and parameter.nargs == -1:
                parameter.callback = lambda _context, _parameter, words: words and _expanded(words)
    return group


def _expanded(words: list[Any]) -> list[Any]:
    """Paths with their wildcards expanded; words such as NAME=FILE, of which not all are paths, stay words."""
    if all(isinstance(word, Path) for word in words):
        return expand_wildcards(words)
    return [str(path) for word in words for path in (expand_wildcards([word]) if set("*?") & set(word) else [word])]


def _unforeseen(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):  # help, into a file
        return f"The output could not be written: {error.strerror}. Make room where it goes."
    return (
        f"{said_of(error)}. This was not foreseen; please report it, with what the same command prints where "
        "FARNET_DEBUG=1 is set."
    )


def _report(error: BaseException, message: str, *, as_json: bool, hint: str = "") -> None:
    if as_json:
        _print_error(type(error).__name__, message)
    warn(f"Error: {message}{hint}")


def _print_error(type: str, message: str) -> None:
    """As JSON, unless there is JSON on standard output already."""
    if not json_was_printed():
        with suppress(OSError):  # where it cannot be written, the line on standard error says so
            print_json({"error": {"type": type, "message": message}})


def _let_go_of_standard_output() -> None:
    """Where it cannot take what is left for it, Python would say so once more at its end, with a traceback."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _hint(arguments: Sequence[str]) -> str:
    command = next((word for word in arguments if word in {c.name for c in app.registered_commands}), "")
    return f"\nSee: farnet {command} --help" if command else "\nSee: farnet --help"


if __name__ == "__main__":
    sys.exit(main())
