"""The `farnet` command.

Exit codes: 0 all is well; 1 something failed, and it was said what; 2 the command was used wrongly or given what cannot
be used, and nothing was done; 130 it was interrupted.
"""

import sys
from collections.abc import Sequence
from typing import Annotated, cast

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
from farnet.commands.console import print_json, warn
from farnet.errors import FarnetError, OutputError

__all__ = ["app", "main"]

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
        The exit code. Errors that the user can mend are one message on standard error, without a traceback; with
        ``--json`` they are ``{"error": {"type": ..., "message": ...}}`` on standard output too.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = typer.main.get_command(app).main(args=given, prog_name="farnet", standalone_mode=False)
    except FarnetError as error:
        # A result that could not be written is a failure of a command that was used rightly.
        code = _FAILED if isinstance(error, OutputError) else _WRONG_USE
        _report(error, str(error), as_json="--json" in given)
    except _UsageError as error:
        code = _WRONG_USE
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        _report(error, message, as_json="--json" in given, hint=_hint(given))
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    if code == _INTERRUPTED:
        warn("Interrupted.")
    return int(code or 0)


def _report(error: Exception, message: str, *, as_json: bool, hint: str = "") -> None:
    if as_json:
        print_json({"error": {"type": type(error).__name__, "message": message}})
    warn(f"Error: {message}{hint}")


def _hint(arguments: Sequence[str]) -> str:
    command = next((word for word in arguments if word in {c.name for c in app.registered_commands}), "")
    return f"\nSee: farnet {command} --help" if command else "\nSee: farnet --help"


if __name__ == "__main__":
    sys.exit(main())
