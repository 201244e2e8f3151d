"""Figures beyond radial errors in a report: of spines the angles, of cephalograms the classes; and what is compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farnet.errors import FarnetError
from farnet.evaluation.extras import extras_of
from farnet.evaluation.report.section import Section, Table

if TYPE_CHECKING:
    from farnet.evaluation import Comparison, Evaluation, EvaluationRequest
    from farnet.evaluation.figures import TextTable
    from farnet.evaluation.paired import PairedComparison

__all__ = ["extra_sections", "paired_section"]


def extra_sections(comparison: Comparison, evaluation: Evaluation, request: EvaluationRequest | None) -> list[Section]:
    """One section of all further tables; a second one where the model would find each landmark by itself.

    What cannot be computed is said there instead of losing the report.
    """
    sides = [("Measurements", comparison), ("Measurements, each landmark by itself", comparison.by_itself)]
    sections = []
    for title, side in sides:
        if side is None:
            continue
        try:
            tables = _tables(side, evaluation, request)
        except FarnetError as error:
            sections.append(Section(title, (f"They cannot be computed: {error}",)))
            continue
        if tables:
            text = "What is measured with the landmarks: predicted against true."
            sections.append(Section(title, (text,), tuple(map(_table, tables))))
    return sections


def paired_section(paired: PairedComparison) -> Section:
    """Which of two is better on the same radiographs."""
    text = (
        "Every interval takes the same radiographs for both. The p values are Wilcoxon's, over radiographs; p (Holm) "
        "allows for as many tests as there are landmarks."
    )
    tables = tuple(Table(t.headers, t.rows, t.left, title=t.title) for t in paired.tables())
    return Section(f"{paired.first} beside {paired.second}", (paired.verdict, text), tables)


def _tables(comparison: Comparison, evaluation: Evaluation, request: EvaluationRequest | None) -> list[TextTable]:
    if request is not None:
        extras = comparison.extras(request)
    else:
        extras = extras_of(
            comparison.predictions, comparison.references, bootstrap=evaluation.bootstrap, seed=evaluation.seed
        )
    return [table for extra in extras for table in extra.tables()]


def _table(table: TextTable) -> Table:
    return Table(table.headers, table.rows, table.left, title=table.title, caption=table.caption)
