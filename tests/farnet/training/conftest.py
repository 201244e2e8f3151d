"""Made-up radiographs whose landmarks are bright blobs, and runs that take seconds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from farnet.formats import write_annotations
from farnet.landmarks import Landmarks
from farnet.radiograph import Radiograph
from farnet.scheme import LandmarkDefinition, LandmarkScheme
from farnet.training import fit
from farnet.training.config import load_preset

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (96, 80)
SCHEME = LandmarkScheme(
    name="blobs",
    title="Two blobs",
    landmarks=tuple(
        LandmarkDefinition(name=f"{word} blob", abbreviation=word[0].upper(), definition="A blob.", side="none")
        for word in ("small", "large")
    ),
    links=(),
)


class Blobs:
    """A small and a large blob on a dim ramp: (96, 80) pixels of 0.5 mm."""

    def __init__(self, count: int = 8, absent: tuple[int, ...] = ()) -> None:
        rng = np.random.default_rng(0)
        self.ids = tuple(f"blob{i}" for i in range(count))
        self.points = rng.uniform(15, 60, (count, 2, 2))
        self.absent = absent
        self.reads = 0

    def __len__(self) -> int:
        return len(self.ids)

    def radiograph(self, index: int) -> Radiograph:
        self.reads += 1
        rows, columns = np.indices(SHAPE)
        image = 20.0 + 0.3 * rows
        for point, height, sigma in zip(self.points[index], (180, 120), (2.5, 5.0), strict=True):
            image += height * np.exp(-0.5 * ((rows - point[0]) ** 2 + (columns - point[1]) ** 2) / sigma**2)
        return Radiograph.from_array(image.clip(0, 255).astype(np.uint8), spacing=(0.5, 0.5), name=self.ids[index])

    def landmarks(self, index: int) -> Landmarks:
        points = self.points[index].copy()
        if index in self.absent:
            points[1] = np.nan
        return Landmarks(points=points, scheme=SCHEME, spacing=(0.5, 0.5), image_shape=SHAPE)


def write_folder(folder: Path, source: Blobs) -> Path:
    """Write radiographs as PNG with a csv of their landmarks and the scheme, as a folder of somebody's data."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(source.ids):
        Image.fromarray(source.radiograph(index).pixels).save(folder / f"{name}.png")
    landmarks = [source.landmarks(index).replace(radiograph=name) for index, name in enumerate(source.ids)]
    write_annotations(folder / "landmarks.csv", landmarks)
    (folder / "scheme.json").write_text(json.dumps(SCHEME.to_dict()))
    return folder


@pytest.fixture(scope="session")
def write_blobs():
    """Writes radiographs as a folder of somebody's data: folder and source."""
    return write_folder


TINY_CHANGES = (
    "network.backbone=efficientnet_lite0",
    "network.width=8",
    "input.height=64",
    "input.width=64",
    "weights=none",
    "sigma=3",
    "sigma_coarse=2",
    "learning_rate=0.003",
    "batch_size=2",
    "epochs=3",
    "name=tiny-blobs",
)


@pytest.fixture(scope="session")
def tiny_changes():
    """Changes of the preset "paper" that make a run of seconds."""
    return TINY_CHANGES


@pytest.fixture
def data_folder(tmp_path, blobs):
    """A folder with eight PNG, landmarks.csv and scheme.json."""
    return write_folder(tmp_path / "blobs", blobs)


@pytest.fixture(autouse=True)
def own_models(tmp_path, monkeypatch):
    """The user's folder of models is an empty one."""
    monkeypatch.setenv("FARNET_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture(scope="session")
def blobs():
    """Eight radiographs."""
    return Blobs()


@pytest.fixture(scope="session")
def make_blobs():
    """The class, for other numbers of radiographs."""
    return Blobs


@pytest.fixture(scope="session")
def tiny():
    """A function from changes ("key=value") to the settings of a run of seconds."""

    def configure(*changes):
        return load_preset(
            "paper",
            [
                "network.backbone=efficientnet_lite0",
                "network.width=8",
                "network.landmarks=2",
                "input.height=64",
                "input.width=64",
                "weights=none",
                "sigma=3",
                "sigma_coarse=2",
                "learning_rate=0.003",
                "batch_size=2",
                "epochs=3",
                *changes,
            ],
        )

    return configure


@pytest.fixture(scope="session", autouse=True)
def _few_statistics():
    """Two batches are enough for statistics that nobody uses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "_STATISTICS_BATCHES", 2)
        yield
