"""Landmarks with everything that they can have, for the tests of all formats."""

import json

import numpy as np

from farnet.landmarks import Landmarks
from farnet.scheme import load_scheme

SCHEME = load_scheme("cephalometric19")


def landmarks(seed=0, absent=(2, 11), **changes):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-5, 900, (19, 2))
    points[list(absent)] = np.nan
    covariance = np.tile(np.array([[4.0, 1.0], [1.0, 9.0]]) / 3, (19, 1, 1))
    covariance[list(absent)] = np.nan
    confidence = rng.uniform(size=19)
    confidence[list(absent)] = np.nan
    values = {
        "points": points,
        "scheme": SCHEME,
        "spacing": (0.1, 0.125),
        "confidence": confidence,
        "covariance": covariance,
        "edited": rng.uniform(size=19) < 0.5,
        "source": "model ceph19-compact",
        "radiograph": "Ångström 7",
        "image_shape": (1000, 900),
        "image_sha256": "ab" * 32,
        "provenance": {"model": "m", "nested": [1, {"a": None}]},
    }
    return Landmarks(**{**values, **changes})


def edit(file, change):
    """Change the content of a JSON file."""
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
