"""A made-up SpineWeb 16 folder."""

import csv

import numpy as np
import pytest
from PIL import Image

WIDTH, HEIGHT = 60, 160
NAMES = tuple(f"sunhl-1th-{name} AP.jpg" for name in ("02-Jan-2017-162 A", "02-Jan-2017-162 B", "03-Jan-2017-163 A"))


def spine_corners(count=17):
    """(68, 2) row, column of a straight spine in a picture of 160 x 60 px, in order."""
    top = 6.0 + 8.75 * np.arange(count)
    corners = np.array([[0, 20.0], [0, 40.0], [6.0, 20.0], [6.0, 40.0]])
    return (corners[None] + np.stack([top, 0 * top], axis=1)[:, None]).reshape(-1, 2)


def write_part(root, part, names=NAMES, corners=None, angles=True):
    """One part of the data set in csv files; `corners` for all radiographs."""
    data, labels = root / "data" / part, root / "labels" / part
    data.mkdir(parents=True)
    labels.mkdir(parents=True)
    points = spine_corners() if corners is None else corners
    row = [*((points[:, 1] + 0.5) / WIDTH), *((points[:, 0] + 0.5) / HEIGHT)]
    for name in names:
        Image.fromarray(np.eye(HEIGHT, WIDTH, dtype=np.uint8) * 200).save(data / name)
    for file, rows in (
        ("filenames.csv", [[name] for name in names]),
        ("landmarks.csv", [row for _ in names]),
        ("angles.csv", [[3.0, 2.0, 1.0] for _ in names]),
    ):
        if file != "angles.csv" or angles:
            with (labels / file).open("w", newline="") as stream:
                csv.writer(stream).writerows(rows)
    return root


@pytest.fixture
def spine_folder(tmp_path):
    return write_part(tmp_path / "spines", "training")
