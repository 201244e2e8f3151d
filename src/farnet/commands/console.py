"""What the commands print: tables and notes for people, one JSON object for programs, progress on standard error.

Standard output holds the result and nothing else. Everything about how it came about goes to standard error.
"""

from __future__ import annotations

import json
import math
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console

__all__ = ["note", "number", "print_json", "print_table", "print_text", "progress", "warn"]


def print_json(data: object) -> None:
    """Print a value as JSON on standard output; NaN is not JSON and is refused."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


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
        table.add_row(*map(Text, row), style="bold" if i <= emphasised else None, end_section=i == emphasised)
    _console(table).print(table)
    if caption:
        print_text(f"{caption}\n")


def print_text(text: str = "") -> None:
    """Print a line on standard output as it is, without markup and without wrapping."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """Tell something on standard error that is no part of the result."""
    _error_console().print(text, markup=False, highlight=False, soft_wrap=True)


def warn(text: str) -> None:
    """Tell on standard error that something went wrong."""
    _error_console().print(text, markup=False, highlight=False, soft_wrap=True, style="bold red")


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
            bar.update(task, completed=begun, item=item)
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
