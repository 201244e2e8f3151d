"""What a finished detection adds to the viewer, and says about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from farnet.evaluation.pairing import listed
from farnet.landmarks import least_certain, outside_picture
from napari_farnet.layers import heatmaps_layer, landmarks_layer
from napari_farnet.placement import Placement

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_farnet.detect.workers import DetectionRequest, DetectionResult
    from napari_farnet.layers import LayerData
    from napari_farnet.settings import Settings

__all__ = ["is_doubtful", "result_layers", "summary"]


def result_layers(
    image: Layer, request: DetectionRequest, result: DetectionResult, settings: Settings
) -> tuple[LayerData | None, LayerData]:
    """Lay a result out over the image as it lies now, which may have been moved or renamed during detection.

    Returns:
        The heatmaps (None without), then the landmarks, in the order in which they are to be added.
    """
    placement = Placement.of(image)
    landmarks = landmarks_layer(
        result.landmarks, request.indices, placement, name=f"{image.name} landmarks", settings=settings
    )
    if result.heatmaps is None:
        return None, landmarks
    first = request.indices[0]
    whole = len(request.indices) > 1 or not first
    heatmaps = heatmaps_layer(
        result.heatmaps,
        result.frame,
        index=first,
        stack=request.source.stack if whole else (1,) * len(first),
        placement=placement,
        name=f"{image.name} heatmaps",
    )
    return heatmaps, landmarks


def summary(result: DetectionResult) -> str:
    """Say in a few lines what was found: how many landmarks, how long it took, and which is the least certain."""
    scheme = result.landmarks[0].scheme
    found = sum(int(item.present.sum()) for item in result.landmarks)
    lines = [f"{found} landmarks in {result.seconds:.1f} s on {result.device}."]
    if len(result.landmarks) > 1:
        lines[0] = (
            f"{found} landmarks on {len(result.landmarks)} radiographs in {result.seconds:.1f} s on {result.device}."
        )
    lines[:0] = _warnings(result)
    absent = len(scheme) * len(result.landmarks) - found
    if absent and len(result.landmarks) == 1:
        missing = [name for name, here in zip(scheme.names, result.landmarks[0].present, strict=True) if not here]
        lines.append(f"Not found: {', '.join(missing)}.")
    elif absent:
        lines.append(f"Not found: {absent}.")
    if beyond := _outside(result):
        lines.append(beyond)
    worst = _least_certain(result)
    if worst:
        lines.append(worst)
    return "\n".join(lines)


def _warnings(result: DetectionResult) -> list[str]:
    """Say which radiographs are unlike those that the model knows, and which were looked at the other way round."""
    lines = []
    unlike = [item for item in result.landmarks if item.provenance.get("unlike_training")]
    if len(result.landmarks) == 1 and unlike:
        why = "; ".join(unlike[0].provenance["unlike_training"])
        lines.append(f"Do not rely on these points: the picture is unlike what the model knows ({why}).")
    elif unlike:
        lines.append(
            f"Do not rely on the points of {listed([item.radiograph for item in unlike])}: unlike the radiographs that "
            "the model knows."
        )
    turned = [item for item in result.landmarks if item.provenance.get("orientation")]
    if len(result.landmarks) == 1 and turned:
        lines.append(f"Found in the {turned[0].provenance['orientation']} picture.")
    elif turned:
        lines.append(f"Found mirrored or inverted: {listed([item.radiograph for item in turned])}.")
    return lines


def is_doubtful(result: DetectionResult) -> bool:
    """Whether a radiograph is unlike those that the model knows."""
    return any(item.provenance.get("unlike_training") for item in result.landmarks)


def _outside(result: DetectionResult) -> str:
    """Name the landmarks that would lie beyond the edges of the picture; empty where there are none."""
    found = [(item, name) for item in result.landmarks for name in outside_picture(item)]
    if not found:
        return ""
    several = len(result.landmarks) > 1
    names = [f"{name} on {item.radiograph}" if several else name for item, name in found]
    return f"Outside the picture, and so absent: {listed(names)}."


def _least_certain(result: DetectionResult) -> str:
    """Name the least certain landmark; empty where nothing says how certain they are."""
    order = least_certain(result.landmarks)
    if not order:
        return ""
    which, k = order[0]
    item = result.landmarks[which]
    confidence = np.nan if item.confidence is None else item.confidence[k]
    off = item.uncertainty.text(k)
    if np.isnan(confidence) and not (off and item.uncertainty.calibrated):
        return ""
    details = [*([] if np.isnan(confidence) else [f"confidence {confidence:.2f}"]), *([off] if off else [])]
    place = f" on {item.radiograph}" if len(result.landmarks) > 1 else ""
    return f"Least certain: {item.scheme.names[k]}{place} ({', '.join(details)})."
