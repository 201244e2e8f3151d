"""Writing a report into files, each all or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from farnet.atomic import write_bytes_atomic
from farnet.errors import InvalidInputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farnet.evaluation import Comparison, Evaluation, EvaluationRequest
    from farnet.evaluation.report.section import Section

__all__ = ["check_report_name", "write_report", "write_reports"]


def check_report_name(path: Path) -> Path:
    """Give the path back if it is one for a report.

    Raises:
        InvalidInputError: If it ends neither in .html nor in .pdf.
    """
    if path.suffix.lower() not in (".html", ".htm", ".pdf"):
        raise InvalidInputError(
            f"A report is written as .html or .pdf, not as {path.name!r}; choose a name that ends in one of them."
        )
    return path


def write_report(
    path: str | Path,
    comparison: Comparison,
    evaluation: Evaluation,
    request: EvaluationRequest | None,
    *,
    extra: Sequence[Section] = (),
    force: bool = False,
) -> Path:
    """Write one report; as `write_reports`, which see for arguments and errors."""
    return write_reports([path], comparison, evaluation, request, extra=extra, force=force)[0]


def write_reports(
    paths: Sequence[str | Path],
    comparison: Comparison,
    evaluation: Evaluation,
    request: EvaluationRequest | None,
    *,
    extra: Sequence[Section] = (),
    force: bool = False,
) -> list[Path]:
    """Write one report in one or more formats: settings, data, figures, plots, cases, definitions and provenance.

    Radiographs of the cases that are shown are read from `Comparison.files`, one at a time; one that cannot be read is
    named in the report with the reason.

    Args:
        paths: The files, ending in .html (one page that holds all it shows) or .pdf (A4).
        comparison: What was compared.
        evaluation: Its figures, as `comparison.measure(request)` gives them.
        request: How it was asked for; None for landmarks that no command can read, such as those of layers.
        extra: Further sections, after the figures of all landmarks.
        force: Replace files that are there.

    Returns:
        The files.

    Raises:
        InvalidInputError: If a name ends in neither.
        OutputError: If a file cannot be written, or is there and `force` is not set.
    """
    from farnet.evaluation.report.content import sections_of, title_of

    files = [check_report_name(Path(path)) for path in paths]
    there = [file for file in files if file.exists()]
    if there and not force:
        raise OutputError(
            f"{there[0]} is there already and was left as it is; choose another name, or replace it (--force)."
        )
    title, sections = title_of(comparison), sections_of(comparison, evaluation, request, extra)
    for file in files:
        write_bytes_atomic(file, _written(file, title, sections))
    return files


def _written(file: Path, title: str, sections: Sequence[Section]) -> bytes:
    if file.suffix.lower() == ".pdf":
        from farnet.evaluation.report.pdf import as_pdf

        return as_pdf(title, sections)
    from farnet.evaluation.report.html import as_html

    return as_html(title, sections).encode("utf-8", "replace")  # a name may hold what is no character
