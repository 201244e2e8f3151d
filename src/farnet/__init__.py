"""Anatomical landmarks on 2-D radiographs with FARNet (Ao & Wu, "Feature Aggregation and Refinement Network").

The public names are imported when they are first used, so that `import farnet` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from farnet.datasets.isbi2015 import ISBI2015
    from farnet.detection import Detection, Detector
    from farnet.errors import FarnetError
    from farnet.evaluation.metrics import Evaluation, evaluate
    from farnet.formats import read_annotations, write_annotations
    from farnet.frame import Frame
    from farnet.landmarks import Landmarks, mean_landmarks
    from farnet.modelfile import load_model, read_metadata, save_model
    from farnet.radiograph import Radiograph, find_radiographs, read_radiograph
    from farnet.samples import average_cephalogram, noisy_observers, synthetic_cephalograms
    from farnet.scheme import LandmarkDefinition, LandmarkScheme, bundled_schemes, load_scheme
    from farnet.shape import ShapeModel, load_shape_model
    from farnet.zoo import find_model, list_models

    __version__: str

_HOME = {
    "ISBI2015": "farnet.datasets.isbi2015",
    "Detection": "farnet.detection",
    "Detector": "farnet.detection",
    "FarnetError": "farnet.errors",
    "Evaluation": "farnet.evaluation.metrics",
    "evaluate": "farnet.evaluation.metrics",
    "read_annotations": "farnet.formats",
    "write_annotations": "farnet.formats",
    "Frame": "farnet.frame",
    "Landmarks": "farnet.landmarks",
    "mean_landmarks": "farnet.landmarks",
    "load_model": "farnet.modelfile",
    "read_metadata": "farnet.modelfile",
    "save_model": "farnet.modelfile",
    "Radiograph": "farnet.radiograph",
    "find_radiographs": "farnet.radiograph",
    "read_radiograph": "farnet.radiograph",
    "average_cephalogram": "farnet.samples",
    "noisy_observers": "farnet.samples",
    "synthetic_cephalograms": "farnet.samples",
    "LandmarkDefinition": "farnet.scheme",
    "LandmarkScheme": "farnet.scheme",
    "bundled_schemes": "farnet.scheme",
    "load_scheme": "farnet.scheme",
    "ShapeModel": "farnet.shape",
    "load_shape_model": "farnet.shape",
    "find_model": "farnet.zoo",
    "list_models": "farnet.zoo",
}

__all__ = [
    "ISBI2015",
    "Detection",
    "Detector",
    "Evaluation",
    "FarnetError",
    "Frame",
    "LandmarkDefinition",
    "LandmarkScheme",
    "Landmarks",
    "Radiograph",
    "ShapeModel",
    "__version__",
    "average_cephalogram",
    "bundled_schemes",
    "evaluate",
    "find_model",
    "find_radiographs",
    "list_models",
    "load_model",
    "load_scheme",
    "load_shape_model",
    "mean_landmarks",
    "noisy_observers",
    "read_annotations",
    "read_metadata",
    "read_radiograph",
    "save_model",
    "synthetic_cephalograms",
    "write_annotations",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("napari-farnet")
    elif name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
