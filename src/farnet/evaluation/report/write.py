"""Writing a report into a file, all or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from farnet.atomic import write_text_atomic
from farnet.errors import InvalidInputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farnet.evaluation import Comparison, Evaluation, EvaluationRequest
    from farnet.evaluation.report.section import Section

__all__ = ["check_report_name", "write_report"]


def check_report_name(path: Path) -> Path:
    """Give the path back if it is one for a report.

    Raises:
        InvalidInputError: If it does not end in .html.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise InvalidInputError(
            f"A report is written as .html, not as {path.name!r}; choose a name that ends in .html."
        )
    return path


def write_report(
    path: str | Path,
    comparison: Comparison,
    evaluation: Evaluation,
    request: EvaluationRequest,
    *,
    extra: Sequence[Section] = (),
    force: bool = False,
) -> Path:
    """Write one self-contained page with settings, data, figures, plots, definitions and provenance.

    Args:
        path: The file, ending in .html.
        comparison: What was compared.
        evaluation: Its figures, as `comparison.measure(request)` gives them.
        request: How it was asked for.
        extra: Further sections, before the definitions.
        force: Replace a file that is there.

    Returns:
        The file.

    Raises:
        InvalidInputError: If the name does not end in .html.
        OutputError: If the file cannot be written, or is there and `force` is not set.
    """
    from farnet.evaluation.report.content import sections_of, title_of
    from farnet.evaluation.report.html import as_html

    file = check_report_name(Path(path))
    if file.exists() and not force:
        raise OutputError(
            f"{file} is there already and was left as it is; choose another name, or replace it (--force)."
        )
    write_text_atomic(file, as_html(title_of(comparison), sections_of(comparison, evaluation, request, extra)))
    return file
