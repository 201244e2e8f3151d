"""Tiny made-up folders of data sets, and runs that take a moment."""

import csv

import numpy as np
import pytest
from PIL import Image

from farnet.reproduction.runner import ReproductionRequest

SHAPE = (60, 50)


def write_isbi(root, per_split=4):
    """Cephalograms of noise: 001.., 151.. and 301.., with 19 points by two observers."""
    rng = np.random.default_rng(0)
    for folder, first in (("TrainingData", 1), ("Test1Data", 151), ("Test2Data", 301)):
        (root / "RawImage" / folder).mkdir(parents=True)
        for number in range(first, first + per_split):
            pixels = rng.integers(0, 256, SHAPE, dtype=np.uint8)
            Image.fromarray(pixels).save(root / "RawImage" / folder / f"{number:03d}.png")
            points = rng.uniform(5, 45, (19, 2))
            for observer, shift in (("junior", -1), ("senior", 1)):
                path = root / "AnnotationsByMD" / f"400_{observer}" / f"{number:03d}.txt"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("".join(f"{round(x) + shift},{round(y)}\n" for y, x in points))
    return root


def write_spines(root, count=54):
    """Spines: so many that 50 can be held out."""
    data, labels = root / "data" / "training", root / "labels" / "training"
    data.mkdir(parents=True)
    labels.mkdir(parents=True)
    top = 6.0 + 8.75 * np.arange(17)
    corners = np.array([[0, 20.0], [0, 40.0], [6.0, 20.0], [6.0, 40.0]])
    points = (corners[None] + np.stack([top, 0 * top], axis=1)[:, None]).reshape(-1, 2)
    names = [f"sunhl-1th-02-Jan-2017-{number} A AP.jpg" for number in range(count)]
    rng = np.random.default_rng(0)
    rows = []
    for name in names:
        Image.fromarray(rng.integers(0, 256, (160, 60), dtype=np.uint8)).save(data / name)
        moved = points + rng.normal(0, 0.3, points.shape)
        rows.append([*((moved[:, 1] + 0.5) / 60), *((moved[:, 0] + 0.5) / 160)])
    for file, content in (("filenames.csv", [[name] for name in names]), ("landmarks.csv", rows)):
        with (labels / file).open("w", newline="") as stream:
            csv.writer(stream).writerows(content)
    return root


def write_hands(root):
    """Six hands, two in the test of each fold."""
    rng = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    rows = []
    for number in range(3001, 3007):
        Image.fromarray(rng.integers(0, 256, SHAPE, dtype=np.uint8)).save(root / "images" / f"{number}.png")
        points = np.stack([rng.permutation(np.arange(4, 41)), rng.permutation(np.arange(4, 41))], axis=1)
        rows.append(",".join([str(number), *map(str, points.ravel())]))
    for fold in range(3):
        test = [3001 + 2 * fold, 3002 + 2 * fold]
        folder = root / "setup" / "cv" / f"set{fold + 1}"
        folder.mkdir(parents=True)
        (folder / "test.txt").write_text("".join(f"{number}\n" for number in test))
        (folder / "train.txt").write_text("".join(f"{n}\n" for n in range(3001, 3007) if n not in test))
    (root / "setup" / "all.csv").write_text("\n".join(rows) + "\n")
    return root


@pytest.fixture(scope="session")
def hands(tmp_path_factory):
    return write_hands(tmp_path_factory.mktemp("data") / "hands")


@pytest.fixture(scope="session")
def isbi(tmp_path_factory):
    return write_isbi(tmp_path_factory.mktemp("data") / "ceph")


@pytest.fixture(scope="session")
def spines(tmp_path_factory):
    return write_spines(tmp_path_factory.mktemp("data") / "spines")


@pytest.fixture(scope="session", autouse=True)
def _few_statistics():
    """One batch is enough for statistics that nobody uses."""
    from farnet.training import fit

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "_STATISTICS_BATCHES", 1)
        yield


@pytest.fixture(scope="session")
def rehearsal():
    """A function that makes a request for a rehearsal with a small backbone."""

    def request(table, data, output, *rows, changes=("network.backbone=efficientnet_lite0",), **more):
        return ReproductionRequest(
            table=table,
            data=(data,) if not isinstance(data, tuple) else data,
            output=output,
            rows=rows,
            quick=True,
            changes=changes,
            accelerator="cpu",
            device="cpu",
            **({"bootstrap": 50} | more),
        )

    return request
