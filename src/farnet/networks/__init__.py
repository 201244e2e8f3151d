"""The network: backbones, feature aggregation, feature refinement, and a faster form of the same for detection.

The public names are imported when they are first used: describing a network takes no torch, building one does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from farnet.networks.config import NetworkConfig

if TYPE_CHECKING:
    from farnet.networks.backbones import Backbone, backbone_names, build_backbone
    from farnet.networks.farnet import FARNet, Heatmaps, build_network, use_image_statistics

__all__ = [
    "Backbone",
    "FARNet",
    "Heatmaps",
    "NetworkConfig",
    "backbone_names",
    "build_backbone",
    "build_network",
    "use_image_statistics",
]

_HOME = {
    "Backbone": "farnet.networks.backbones",
    "backbone_names": "farnet.networks.backbones",
    "build_backbone": "farnet.networks.backbones",
    "FARNet": "farnet.networks.farnet",
    "Heatmaps": "farnet.networks.farnet",
    "build_network": "farnet.networks.farnet",
    "use_image_statistics": "farnet.networks.farnet",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
