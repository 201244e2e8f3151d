"""What an exported file says about itself: everything that another program needs to use it rightly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from farnet.modelfile import ModelMetadata

__all__ = ["PREPARATION", "RESULTS", "facts"]

PREPARATION = """\
1. Pixels: one grey picture, bone bright (MONOCHROME1 is inverted), row 0 at the top.
2. Frame, from `input`: `fit` "stretch" resizes the whole radiograph (H, W) to (h, w); "letterbox" resizes by
   s = min(h/H, w/W) to (round(H s), round(W s)), halves rounded to even, and pads with what is left, the smaller half
   of an odd number above and left. Bilinear, with anti-aliasing where it shrinks (a triangle whose half-width is one
   pixel of the result), pixel centres at integers, no alignment of corners.
3. Grey values, from `input`: `intensity` "percentiles" maps the percentiles `low` and `high` of the resized radiograph
   (without the padding) to 0 and 1; "range" maps 0 and 2^bits - 1 to 0 and 1, where bits is the least number, 8 at
   least, that holds the greatest grey value (of floating-point pixels: their least and greatest value). Clip to 0..1.
4. The padding is 0. Normalisation of channels is inside the graph."""
"""How a radiograph becomes the input."""

RESULTS = """\
points: (batch, K, 2) float32 row, column in pixels of the input, pixel centres at integers, in the order of
`landmarks`; NaN where there is no landmark. confidence: (batch, K) float32 in 0..1, NaN with the point.
heatmaps, where there: (batch, K, h, w) float32.
In the radiograph: row_r = (row - top + 0.5) * H / rows - 0.5, where the radiograph fills `rows` rows of the input from
row `top`; columns likewise. farnet itself also looks again in another frame where the anatomy lies unlike
`typical_points`; the graph looks in the frame that it is given."""
"""What the outputs are."""


def facts(metadata: ModelMetadata, sha256: str, *, arithmetic: str) -> dict[str, str]:
    """The properties of an exported file; values that are no text are JSON.

    Args:
        metadata: Of the model.
        sha256: Of the model file.
        arithmetic: "float32" or "int8".
    """
    import farnet

    scheme = metadata.landmark_scheme
    values: dict[str, object] = {
        "name": metadata.name,
        "title": metadata.title,
        "model_sha256": sha256,
        "farnet_version": farnet.__version__,
        "arithmetic": arithmetic,
        "input": metadata.input.model_dump(mode="json"),
        "decoder": metadata.decoder.model_dump(mode="json"),
        "landmarks": list(scheme.names),
        "scheme": metadata.scheme,
        "typical_points": metadata.typical_points,
        "preparation": PREPARATION,
        "results": RESULTS,
        "licence": metadata.licence,
        "intended_use": metadata.intended_use,
    }
    return {
        f"farnet.{name}": value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
    }
