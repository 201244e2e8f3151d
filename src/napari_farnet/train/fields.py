"""Controls made from the settings themselves: default, limits and explanation are those of `TrainingConfig`."""

from __future__ import annotations

from functools import cache
from typing import Any

from qtpy.QtCore import QLocale
from qtpy.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QSpinBox

from farnet.training.config import TrainingConfig

__all__ = ["limits", "setting_field"]

_LARGEST = 1_000_000
_DECIMALS = {"learning_rate": 7, "validation_share": 2}
_STEPS = {"learning_rate": 1e-4, "validation_share": 0.05, "epochs": 5}


def setting_field(name: str) -> QSpinBox | QDoubleSpinBox:
    """A control for a setting that is a number.

    Args:
        name: Name of a field of `TrainingConfig`.
    """
    schema = _schema()[name]
    low, high = limits(name)
    whole = schema["type"] == "integer"
    box: Any = QSpinBox() if whole else QDoubleSpinBox()
    box.setLocale(QLocale.c())  # a point before the decimals, as everywhere else in the plugin
    if not whole:
        box.setDecimals(_DECIMALS.get(name, 3))
        if name == "learning_rate":
            box.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
    box.setSingleStep(int(_STEPS.get(name, 1)) if whole else _STEPS.get(name, 0.1))
    box.setRange(int(low) if whole else low, int(high) if whole else high)
    box.setValue(schema["default"])
    description = schema["description"]
    box.setToolTip(f"{description[0].upper()}{description[1:]}. Allowed: {low:.10g} to {high:.10g}.")
    box.setKeyboardTracking(False)
    made: QSpinBox | QDoubleSpinBox = box
    return made


def limits(name: str) -> tuple[float, float]:
    """Least and greatest value of a setting; a limit that is itself not allowed is come as near as the control can."""
    schema = _schema()[name]
    step = 1.0 if schema["type"] == "integer" else 10.0 ** -_DECIMALS.get(name, 3)
    low = schema.get("minimum", schema.get("exclusiveMinimum", -step) + step)
    high = schema.get("maximum", schema.get("exclusiveMaximum", _LARGEST + step) - step)
    return float(low), float(high)


@cache
def _schema() -> dict[str, Any]:
    properties: dict[str, Any] = TrainingConfig.model_json_schema()["properties"]
    return properties
