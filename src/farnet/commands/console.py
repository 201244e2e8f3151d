"""What the commands print: tables and notes for people, one JSON object for programs, progress on standard error.

Standard output holds the result and nothing else. Everything about how it came about goes to standard error.

Names of files are in any script, while a redirected stream may take only the letters of one code page: what it does not
take is spelt out by its number, and JSON is then ASCII.
"""

from __future__ import annotations

import codecs
import json
import logging
import math
import os
import re
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farnet.errors import OutputError
from farnet.notices import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console

__all__ = [
    "json_was_printed",
    "note",
    "notices",
    "number",
    "prepare_streams",
    "print_json",
    "print_table",
    "print_text",
    "progress",
    "standard_output",
    "warn",
]


_printed_json = False


def prepare_streams() -> None:
    """Let standard output and error take any text, whatever their encoding, and be there where there are none."""
    global _printed_json  # as the streams, of which a process has one
    _printed_json = False
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the shell, or a program without a console
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 (for good)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def standard_output() -> Iterator[None]:
    """What the block writes on standard output has arrived there when it ends.

    Raises:
        OutputError: If it cannot be written, as on a full disk.
        BrokenPipeError: If nobody reads it any more, as after ``| head``.
    """
    try:
        yield
        sys.stdout.flush()
    except (BrokenPipeError, OutputError):
        raise
    except OSError as error:
        raise OutputError(
            f"Standard output could not be written: {error.strerror or error}. Files that were to be written are not "
            "concerned. Make room where it is redirected to."
        ) from error


def print_json(data: object) -> None:
    """Print a value as JSON on standard output; NaN is not JSON and is refused."""
    global _printed_json
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
    if not _takes(text):
        text = json.dumps(data, indent=2, allow_nan=False)
    with standard_output():
        _printed_json = True
        sys.stdout.write(text + "\n")


def json_was_printed() -> bool:
    """Whether `print_json` has printed since `prepare_streams`; a second value would spoil the first."""
    return _printed_json


def _takes(text: str) -> bool:
    """Whether standard output is UTF-8, which JSON has to be in, and the text has no bytes of a name that is none."""
    try:
        utf8 = codecs.lookup(getattr(sys.stdout, "encoding", None) or "utf-8").name == "utf-8"
        text.encode()
    except (LookupError, UnicodeEncodeError):
        return False
    return utf8


def print_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    title: str = "",
    caption: str = "",
    left: int = 1,
    emphasised: int = 0,
) -> None:
    """Print a table on standard output.

    Args:
        headers: One a column; none are shown where all are empty.
        rows: Cells as text.
        title: Above the table.
        caption: Below the table.
        left: This many columns begin at the left; the others end at the right, as numbers do.
        emphasised: This many rows at the top are bold and set off from the others.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    title = _printable(title)
    table = Table(
        title=Text(title) if title else None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_header=any(headers),
    )
    for i, header in enumerate(headers):
        table.add_column(Text(header), justify="left" if i < left else "right", overflow="fold")
    for i, row in enumerate(rows, 1):
        table.add_row(
            *(Text(_printable(cell)) for cell in row),
            style="bold" if i <= emphasised else None,
            end_section=i == emphasised,
        )
    with standard_output():
        _console(table).print(table)
    if caption:
        print_text(f"{caption}\n")


def print_text(text: str = "") -> None:
    """Print a line on standard output as it is, without markup and without wrapping."""
    with standard_output():
        sys.stdout.write(_printable(text) + "\n")


def note(text: str) -> None:
    """Tell something on standard error that is no part of the result."""
    _tell(text)


def warn(text: str) -> None:
    """Tell on standard error that something went wrong."""
    _tell(text, style="bold red")


def _tell(text: str, style: str | None = None) -> None:
    with suppress(OSError):  # nobody reads standard error, or its disk is full: there is no other place to say so
        _error_console().print(_printable(text), markup=False, highlight=False, soft_wrap=True, style=style)


def _printable(text: str) -> str:
    """Without control characters, by which a name or a header of a file could move the cursor or clear the screen."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", lambda found: f"\\x{ord(found[0]):02x}", text)


@contextmanager
def notices() -> Iterator[None]:
    """While the block runs, what `farnet.notices.tell` says is told on standard error, each thing once."""
    handler = _Notices()
    LOGGER.addHandler(handler)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)


class _Notices(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if text not in self._told:
            self._told.add(text)
            note(text)


def number(value: float | None, digits: int = 2) -> str:
    """A number as the tables show it; a dash where there is none."""
    return "\N{EN DASH}" if value is None or math.isnan(value) else f"{value:.{digits}f}"


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[str], None]]:
    """Show a bar on standard error while the block runs, where that is a terminal.

    Args:
        what: What is being done.
        total: How many steps it has.

    Yields:
        To be called before each step with the name of what it works on.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = _error_console()
    columns: list[Any] = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
    columns.append(TextColumn("{task.fields[item]}", markup=False))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total, item="")
        begun = 0

        def step(item: str) -> None:
            nonlocal begun
            bar.update(task, completed=begun, item=_printable(item))
            begun += 1

        yield step
        bar.update(task, completed=total, item="")


def _console(content: Any) -> Console:
    """Standard output, as wide as the content where nobody looks at it: a file or a pipe has no right margin."""
    from rich.console import Console

    console = Console(file=sys.stdout)
    if console.is_terminal:
        return console
    return Console(file=sys.stdout, width=max(console.width, Console(width=10_000).measure(content).maximum))


def _error_console() -> Console:
    from rich.console import Console

    return Console(file=sys.stderr)
