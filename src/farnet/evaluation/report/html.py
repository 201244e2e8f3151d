"""A report as one HTML file: no script, nothing from outside, light and dark, printable."""

from __future__ import annotations

import base64
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from farnet.evaluation.report.typesetting import unbroken

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from farnet.evaluation.report.section import Picture, Section, Table

__all__ = ["as_html"]

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --faint: #5b6470; --line: #d5dae1; --tint: #f4f6f8 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ee; --paper: #14181d; --faint: #9aa5b3; --line: #37404b; --tint: #1d232a } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; color: var(--ink); background: var(--paper);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 1rem; overflow-wrap: anywhere }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line) }
p { max-width: 46rem; overflow-wrap: anywhere }
pre { padding: .7rem .9rem; background: var(--tint); white-space: pre-wrap; overflow-wrap: anywhere; font-size: 13px }
.wide { overflow-x: auto }
table { border-collapse: collapse; margin: .6rem 0 1rem; font-variant-numeric: tabular-nums; font-size: 13.5px }
th, td { padding: .22rem .7rem; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top }
thead th { color: var(--faint); font-weight: 600; border-bottom-width: 2px }
th.word, td.word { text-align: left }
.facts td { overflow-wrap: anywhere }
figure { margin: 1rem 0 }
figure img { max-width: 100%; height: auto; background: #fff }
figcaption { color: var(--faint); font-size: 13px; max-width: 46rem; overflow-wrap: anywhere }
.cases { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem; align-items: end }
.cases figure { margin: 0 }
.cases img { display: block; max-height: 25rem; margin-bottom: .35rem }
caption { text-align: left; font-weight: 600; padding: .2rem .7rem .35rem 0 }
tbody th { color: var(--faint); font-weight: 400; white-space: nowrap }
.note { color: var(--faint); font-size: 13px; margin-top: -.5rem }
@media print {
  :root { --ink: #000; --paper: #fff; --faint: #444; --line: #bbb; --tint: #f2f2f2 }
  body { max-width: none; padding: 0; font-size: 10pt }
  table { font-size: 8.5pt } th, td { padding: .1rem .35rem } .wide { overflow: visible } td { overflow-wrap: anywhere }
  .cases { grid-template-columns: repeat(3, 1fr) } pre { border: 1px solid var(--line) }
  figure, tr { break-inside: avoid } h2 { break-after: avoid } thead { display: table-header-group } }
"""


def as_html(title: str, sections: Sequence[Section]) -> str:
    """The page; every word of it is escaped, for names come from files."""
    return "".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n",
            *(part for section in sections for part in _section(section)),
            "</body>\n</html>\n",
        ]
    )


def _section(section: Section) -> Iterator[str]:
    yield f"<section>\n<h2>{escape(section.title)}</h2>\n"
    for paragraph in section.text:
        yield f"<p>{escape(paragraph)}</p>\n"
    if section.code:
        yield f"<pre>{escape(section.code)}</pre>\n"
    for table in section.tables:
        yield _table(table)
    for small, pictures in groupby(section.pictures, key=lambda picture: picture.small):
        shown = "".join(map(_picture, pictures))
        yield f'<div class="cases">\n{shown}</div>\n' if small else shown
    yield "</section>\n"


def _table(table: Table) -> str:
    facts = not any(table.headers)

    def row(cells: Sequence[str], head: bool) -> str:
        parts = []
        for i, cell in enumerate(cells):
            word = ' class="word"' if i < table.left else ""
            if head and cell:
                parts.append(f'<th scope="col"{word}>{escape(cell)}</th>')
            elif not head and facts and i == 0:
                parts.append(f'<th scope="row"{word}>{escape(cell)}</th>')
            else:
                parts.append(f"<td{word}>{escape(unbroken(cell))}</td>")
        return f"<tr>{''.join(parts)}</tr>\n"

    title = f"<caption>{escape(table.title)}</caption>\n" if table.title else ""
    head = "" if facts else f"<thead>\n{row(table.headers, True)}</thead>\n"
    kind = ' class="facts"' if facts else ""
    body = "".join(row(cells, False) for cells in table.rows)
    below = f'<p class="note">{escape(table.caption)}</p>\n' if table.caption else ""
    return f'<div class="wide"><table{kind}>\n{title}{head}<tbody>\n{body}</tbody>\n</table></div>\n{below}'


def _picture(picture: Picture) -> str:
    data = base64.b64encode(picture.data).decode("ascii")
    return (
        f'<figure><img alt="{escape(picture.alt or picture.caption)}" src="data:{picture.media_type};base64,{data}">'
        f"<figcaption>{escape(picture.caption)}</figcaption></figure>\n"
    )
