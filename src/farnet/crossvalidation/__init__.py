"""Cross-validation: every radiograph predicted once, by a network that has not seen its person."""

from farnet.crossvalidation.parts import OFFICIAL, Part, parts_of
from farnet.crossvalidation.runner import CrossValidation, CrossValidationRequest, FoldResult, crossvalidate

__all__ = ["OFFICIAL", "CrossValidation", "CrossValidationRequest", "FoldResult", "Part", "crossvalidate", "parts_of"]
