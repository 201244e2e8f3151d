"""How far a detected landmark is likely to be from the truth: what heatmaps tell, and what that meant on others."""

from farnet.uncertainty.calibration import LEVEL, Calibration, expected_radial_error
from farnet.uncertainty.evidence import SIGNS

__all__ = ["LEVEL", "SIGNS", "Calibration", "expected_radial_error"]
