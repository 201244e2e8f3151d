"""A table of the paper as markdown and csv: our figures beside the published ones, with the commands that made them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from farnet import spreadsheet
from farnet.atomic import write_text_atomic
from farnet.reproduction.tables import FIGURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from farnet.reproduction.figures import Figure
    from farnet.reproduction.runner import Reproduction, RowResult

__all__ = ["CSV_COLUMNS", "csv_text", "headers", "markdown", "rows_of_cells", "write_report"]

CSV_COLUMNS = (
    "table",
    "row",
    "figure",
    "ours",
    "ci_low",
    "ci_high",
    "seeds",
    "seed_half_width",
    "paper",
    "radiographs",
    "rehearsal",
    "command",
)
"""Columns of the csv, a line for each figure of each row. Empty where something is not known."""

_DASH = "\N{EN DASH}"


def headers(result: Reproduction) -> list[str]:
    """Heads of the columns: the row, then two for each figure."""
    words = ["row", "seeds", "radiographs"]
    for key in result.table.figures:
        words += [FIGURES[key][0], "paper"]
    return words


def rows_of_cells(result: Reproduction) -> list[list[str]]:
    """The cells of each row, as text."""
    return [_cells(row, result.table.figures) for row in result.rows]


def markdown(result: Reproduction) -> str:
    """The table as markdown."""
    table = result.table
    lines = [f"# {table.name}: {table.title}", ""]
    if result.quick:
        lines += [
            "**A rehearsal: one epoch of a tiny network on a few tiny pictures. The figures mean nothing; they show "
            "that everything runs.**",
            "",
        ]
    heads = headers(result)
    lines += [_line(heads), _line(["---", *("---:" for _ in heads[1:])])]
    lines += [_line(cells) for cells in rows_of_cells(result)]
    lines += [
        "",
        "Ours: mean over seeds, [95 % interval, bootstrap over radiographs], and, with several seeds, "
        "\N{PLUS-MINUS SIGN} half of the 95 % interval of the mean over seeds (Student's t). MRE and SD in mm; SD is "
        "that of the pooled errors. The paper's figures are of one training each, without intervals; a dash is a "
        "figure that is not known, or not there yet.",
        "",
    ]
    notes = [f"- {row.row.title}: {text}" for row in result.rows for text in (row.row.note, row.missing) if text]
    lines += [*notes, ""] if notes else []
    lines += ["## Commands", "", "The table:", "", *_code([result.command])]
    for row in result.rows:
        lines += [f"{row.row.title}:", "", *_code([row.command, *row.steps])]
    return "\n".join(lines)


def csv_text(result: Reproduction) -> str:
    """The table as csv, with `CSV_COLUMNS`."""
    rows: list[Sequence[object]] = [CSV_COLUMNS]
    for row in result.rows:
        for key in result.table.figures:
            figure, paper = row.figures.get(key), row.row.published.get(key)
            if figure is None and paper is None:
                continue
            values: Sequence[object] = ("", "", "", "", "")
            if figure is not None:
                seeds = " ".join(_exact(value) for value in figure.seeds)
                ends = _exact(figure.low), _exact(figure.high)
                values = (_exact(figure.value), *ends, seeds, _exact(figure.seed_half_width))
            rest = "" if paper is None else paper, row.radiographs or "", int(result.quick), row.command
            rows.append([result.table.name, row.row.name, key, *values, *rest])
    return spreadsheet.csv_text(rows, line_end="\n")


def write_report(result: Reproduction, folder: Path) -> tuple[Path, Path]:
    """Write NAME.md and NAME.csv into a folder, in the place of older ones.

    Raises:
        OutputError: A file cannot be written.
    """
    paths = folder / f"{result.table.name}.md", folder / f"{result.table.name}.csv"
    for path, text in zip(paths, (markdown(result), csv_text(result)), strict=True):
        write_text_atomic(path, text)
    return paths


def _cells(row: RowResult, keys: Sequence[str]) -> list[str]:
    cells = [row.row.title, str(row.seeds or _DASH), str(row.radiographs or _DASH)]
    for key in keys:
        cells += [_ours(row.figures, key), _number(row.row.published.get(key), FIGURES[key][1])]
    return cells


def _ours(figures: Mapping[str, Figure], key: str) -> str:
    figure, digits = figures.get(key), FIGURES[key][1]
    if figure is None or math.isnan(figure.value):
        return _DASH
    text = _number(figure.value, digits)
    if not math.isnan(figure.low):
        text += f" [{_number(figure.low, digits)}, {_number(figure.high, digits)}]"
    if not math.isnan(figure.seed_half_width):
        text += f" \N{PLUS-MINUS SIGN} {_number(figure.seed_half_width, digits)}"
    return text


def _number(value: float | None, digits: int) -> str:
    return _DASH if value is None else f"{value:.{digits}f}"


def _exact(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.8g}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _code(commands: Sequence[str]) -> list[str]:
    return ["```sh", *commands, "```", ""]
