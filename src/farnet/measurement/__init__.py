"""Measurements on radiographs: distances, angles, ratios, Cobb angles, with norms and classes."""

from __future__ import annotations

from farnet.measurement.calibration import Calibration, calibrate
from farnet.measurement.cephalometry import MwGap, with_mw_gap
from farnet.measurement.definitions import Measurement, MeasurementClass, MeasurementSet, Norm
from farnet.measurement.files import bundled_measurements, load_measurements, measurements_for, parse_measurements
from farnet.measurement.measuring import MeasurementResult, measure
from farnet.measurement.spine import CobbAngles, cobb_angles

__all__ = [
    "Calibration",
    "CobbAngles",
    "Measurement",
    "MeasurementClass",
    "MeasurementResult",
    "MeasurementSet",
    "MwGap",
    "Norm",
    "bundled_measurements",
    "calibrate",
    "cobb_angles",
    "load_measurements",
    "measure",
    "measurements_for",
    "parse_measurements",
    "with_mw_gap",
]
