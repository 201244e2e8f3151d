"""Looking through data before it is trained on or evaluated with: what is wrong, doubtful or worth knowing."""

from farnet.checking.check import CheckReport, CheckRequest, Look, check_data
from farnet.checking.findings import Finding, Severity

__all__ = ["CheckReport", "CheckRequest", "Finding", "Look", "Severity", "check_data"]
