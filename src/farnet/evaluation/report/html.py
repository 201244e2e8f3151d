"""A report as one HTML file: no script, nothing from outside, light and dark, printable."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

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
th.word, td.word { text-align: left; overflow-wrap: anywhere }
figure { margin: 1rem 0 }
figure img { max-width: 100%; height: auto; background: #fff }
figcaption { color: var(--faint); font-size: 13px; max-width: 46rem }
@media print {
  :root { --ink: #000; --paper: #fff; --faint: #444; --line: #bbb; --tint: #f2f2f2 }
  body { max-width: none; padding: 0; font-size: 10pt }
  table { font-size: 8.5pt } th, td { padding: .1rem .35rem } .wide { overflow: visible }
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
    for picture in section.pictures:
        yield _picture(picture)
    yield "</section>\n"


def _table(table: Table) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        words = (' class="word"' if i < table.left else "" for i in range(len(cells)))
        return "<tr>" + "".join(f"<{tag}{w}>{escape(c)}</{tag}>" for w, c in zip(words, cells, strict=True)) + "</tr>\n"

    head = f"<thead>\n{row(table.headers, 'th')}</thead>\n" if any(table.headers) else ""
    body = "".join(row(cells, "td") for cells in table.rows)
    return f'<div class="wide"><table>\n{head}<tbody>\n{body}</tbody>\n</table></div>\n'


def _picture(picture: Picture) -> str:
    data = base64.b64encode(picture.png).decode("ascii")
    caption = escape(picture.caption)
    return (
        f'<figure><img alt="{caption}" src="data:image/png;base64,{data}"><figcaption>{caption}</figcaption></figure>\n'
    )
