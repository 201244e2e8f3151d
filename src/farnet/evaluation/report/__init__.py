"""Reports of an evaluation: a page or a PDF that somebody who was not there can read."""

from farnet.evaluation.report.further import paired_section
from farnet.evaluation.report.section import Picture, Section, Table
from farnet.evaluation.report.write import check_report_name, write_report, write_reports

__all__ = ["Picture", "Section", "Table", "check_report_name", "paired_section", "write_report", "write_reports"]
