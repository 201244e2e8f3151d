"""A detector that needs no model, and small radiographs, for tests of many radiographs."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from PIL import Image

from farnet.batch import BatchRun, detect_batch
from farnet.batch_plan import BatchPlan
from farnet.batch_request import BatchRequest
from farnet.landmarks import Landmarks
from farnet.scheme import load_scheme

SCHEME = load_scheme("cephalometric19")


class Counting:
    """Finds landmarks that tell radiographs apart, and notes which it looked at.

    Attributes:
        seen: Names of the radiographs, in order.
        fail: What is raised for a radiograph of this name, instead of an answer.
    """

    def __init__(self, name="one", *, absent=(18,), fail=None):
        self.name, self.sha256, self.device, self.scheme = name, name[0] * 64, "cpu", SCHEME
        self.seen, self.fail, self._absent = [], fail or {}, list(absent)

    def detect(self, radiograph, *, heatmaps=False):
        self.seen.append(radiograph.name)
        if radiograph.name in self.fail:
            raise self.fail[radiograph.name]
        points = np.stack([5.0 + np.arange(19), 7.0 + np.arange(19)], axis=1) + float(radiograph.pixels.mean()) / 1000
        points[self._absent] = np.nan
        landmarks = Landmarks(
            points,
            SCHEME,
            spacing=radiograph.spacing,
            confidence=np.where(np.isnan(points[:, 0]), np.nan, 0.9),
            source=f"model {self.name}",
            radiograph=radiograph.name,
            image_shape=radiograph.shape,
            image_sha256=radiograph.sha256,
        )
        return SimpleNamespace(landmarks=landmarks, heatmaps=None, seconds=0.25, alone=None, evidence=None)


def write_radiograph(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 60), dtype=np.uint8)).save(path)
    return path


def run(detector, radiographs, output, **options):
    """Go through the radiographs to the end; gives what came of each."""
    many = radiographs if isinstance(radiographs, tuple) else (radiographs,)
    return list(detect_batch(BatchRequest(radiographs=many, output=output, **options), detector))


def begin(radiographs, output, **options):
    """A run that can be stopped where one likes."""
    return BatchRun(BatchPlan.of(BatchRequest(radiographs=(radiographs,), output=output, **options)))


def killed(detector, radiographs, output, after, **options):
    """Go through some radiographs and end as a process that is killed: nothing is tidied up."""
    items = begin(radiographs, output, **options).items(detector)
    for _ in range(after):
        next(items)
    items.close()


def statuses(items):
    return [(item.name, item.status) for item in items]
